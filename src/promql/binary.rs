//! Operators between two expressions: arithmetic, comparison, sets.

use std::ops;

use super::error::PromqlError;
use super::expr::{Expr, Typed};
use super::labels::Labels;
use super::node::{Matching, Node};

const SETS: [&str; 3] = ["and", "or", "unless"];
const COMPARISONS: [&str; 7] = ["==", "!=", ">", "<", ">=", "<=", "> bool"];

fn binary(operator: &'static str, matching: Matching, left: Expr, right: Expr) -> Expr {
    let typed = || {
        let ((left, left_labels), (right, right_labels)) = (left.into_built()?, right.into_built()?);
        let labels = match (left_labels, right_labels) {
            (Some(a), Some(b)) => Some(met(operator, &matching, a, b)?),
            _ if SETS.contains(&operator) => return Err(PromqlError::Scalar(operator)),
            (None, None) if COMPARISONS.contains(&operator) => return Err(PromqlError::Scalar(operator)),
            (a, b) => a.or(b),
        };
        Ok::<Typed, _>((Node::Binary { operator, matching, left: Box::new(left), right: Box::new(right) }, labels))
    };
    Expr::of(typed())
}

/// Returns the labels of what comes out, if series of both sides can meet at all.
fn met(operator: &str, matching: &Matching, mut left: Labels, right: Labels) -> Result<Labels, PromqlError> {
    if let Some(on) = &matching.on {
        on.iter().try_for_each(|label| left.check(label).and_then(|()| right.check(label)))?;
        if let Some(extra) = &matching.group_left {
            extra.iter().try_for_each(|label| right.check(label))?;
            left.names.extend(extra.iter().cloned().map(Into::into));
            return Ok(left);
        }
        if SETS.contains(&operator) {
            return Ok(left);
        }
        let on: Vec<&str> = on.iter().map(String::as_str).collect();
        return left.keep(&on);
    }
    if operator == "or" {
        left.names.retain(|name| right.names.contains(name));
        return Ok(left);
    }
    if left.names != right.names {
        return Err(PromqlError::LabelsDiffer { left: left.list(), right: right.list() });
    }
    if !SETS.contains(&operator)
        && left.of == right.of
        && let Some(label) = left.picked_apart(&right)
    {
        return Err(PromqlError::PartOfItself(label));
    }
    Ok(left)
}

macro_rules! operators {
    ($($(#[$meta:meta])* $name:ident = $operator:literal;)+) => {
        impl Expr {
            $(
                $(#[$meta])*
                pub fn $name(self, other: impl Into<Expr>) -> Self {
                    binary($operator, Matching::default(), self, other.into())
                }
            )+
        }

        impl On {
            $(
                $(#[$meta])*
                pub fn $name(self, other: impl Into<Expr>) -> Expr {
                    binary($operator, self.matching, self.left, other.into())
                }
            )+
        }
    };
}

operators! {
    /// Keeps values above the other's.
    gt = ">";
    /// Is 1 where the value is above the other's, and 0 where it is not.
    gt_bool = "> bool";
    /// Keeps values below the other's.
    lt = "<";
    /// Keeps values at or above the other's.
    ge = ">=";
    /// Keeps values at or below the other's.
    le = "<=";
    /// Keeps values that are the other's.
    equals = "==";
    /// Keeps values that are not the other's.
    differs = "!=";
    /// Keeps series that the other has too.
    and = "and";
    /// Keeps series that the other has not.
    unless = "unless";
    /// Adds those of the other's series that are not there yet.
    or = "or";
    /// Divides.
    per = "/";
    /// Multiplies.
    times = "*";
}

impl Expr {
    /// Lets the next operator match series by these labels alone.
    ///
    /// ```
    /// use watchkeeper::presets::{database::CONNECTIONS_ACTIVE, http::REQUESTS};
    /// use watchkeeper::promql::{self, Expr, Scope};
    ///
    /// let busy = Expr::from(&CONNECTIONS_ACTIVE).gt(90.0);
    /// let asked = promql::rate(&REQUESTS, "5m").sum_by(&["job"]);
    /// assert_eq!(
    ///     busy.on(&["job"]).and(asked).render(&Scope::default())?,
    ///     "db_connections_active > 90 and on (job) sum by (job) (rate(http_requests_total[5m]))",
    /// );
    /// # Ok::<(), promql::PromqlError>(())
    /// ```
    pub fn on(self, labels: &[&str]) -> On {
        let on = Some(labels.iter().map(|&label| label.to_owned()).collect());
        On { left: self, matching: Matching { on, group_left: None } }
    }
}

/// The left side of an operator that matches by some labels.
#[derive(Debug, Clone)]
#[must_use]
pub struct On {
    left: Expr,
    matching: Matching,
}

impl On {
    /// Lets many series of the left meet one of the right, and take over labels from it.
    pub fn group_left(mut self, labels: &[&str]) -> Self {
        self.matching.group_left = Some(labels.iter().map(|&label| label.to_owned()).collect());
        self
    }
}

macro_rules! arithmetic {
    ($($trait:ident $method:ident $operator:literal;)+) => {
        $(
            impl<R: Into<Expr>> ops::$trait<R> for Expr {
                type Output = Expr;
                fn $method(self, right: R) -> Expr {
                    binary($operator, Matching::default(), self, right.into())
                }
            }
        )+
    };
}

arithmetic! {
    Add add "+";
    Sub sub "-";
    Mul mul "*";
    Div div "/";
}
