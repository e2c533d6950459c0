//! Expressions: what is built, step by step, and written once it is whole.

use std::collections::BTreeSet;

use super::error::PromqlError;
use super::labels::Labels;
use super::node::{Node, Use};
use super::scope::Scope;
use super::window::Window;

/// A PromQL expression, or the first thing that is wrong with it.
///
/// Steps can be chained without a look at each: what is wrong is kept until the expression is checked or rendered.
#[derive(Debug, Clone)]
#[must_use]
pub struct Expr(Result<Typed, PromqlError>);

/// A node with the labels of its series; a single number has none to speak of.
pub(super) type Typed = (Node, Option<Labels>);

impl Expr {
    pub(super) const fn of(built: Result<Typed, PromqlError>) -> Self {
        Self(built)
    }

    pub(super) fn then(self, step: impl FnOnce(Node, Option<Labels>) -> Result<Typed, PromqlError>) -> Self {
        Self(self.0.and_then(|(node, labels)| step(node, labels)))
    }

    /// Goes on with series; fails for a single number.
    pub(super) fn series(
        self,
        function: &'static str,
        step: impl FnOnce(Node, Labels) -> Result<Typed, PromqlError>,
    ) -> Self {
        self.then(|node, labels| step(node, labels.ok_or(PromqlError::Scalar(function))?))
    }

    pub(super) fn into_built(self) -> Result<Typed, PromqlError> {
        self.0
    }

    /// Checks that the expression can be.
    ///
    /// # Errors
    ///
    /// The first thing that is wrong with it.
    pub fn check(&self) -> Result<(), PromqlError> {
        self.0.as_ref().map(drop).map_err(Clone::clone)
    }

    /// Writes the expression as PromQL.
    ///
    /// # Errors
    ///
    /// The first thing that is wrong with it, or a rate over fewer than four of the scope's scrapes.
    pub fn render(&self, scope: &Scope) -> Result<String, PromqlError> {
        let (node, _) = self.0.as_ref().map_err(Clone::clone)?;
        let mut out = String::new();
        node.write(&mut out, scope)?;
        Ok(out)
    }

    /// Writes the expression as [`render`](Self::render) does, over several lines where one would be long.
    ///
    /// # Errors
    ///
    /// As [`render`](Self::render).
    pub fn render_lines(&self, scope: &Scope) -> Result<String, PromqlError> {
        let (node, _) = self.0.as_ref().map_err(Clone::clone)?;
        let mut out = String::new();
        node.write_lines(&mut out, scope)?;
        Ok(out)
    }

    /// Returns the labels that its series have, in order; none of a single number, or when something is wrong.
    pub fn labels(&self) -> Vec<String> {
        self.0.as_ref().ok().and_then(|(_, labels)| labels.as_ref()).map(Labels::list).unwrap_or_default()
    }

    /// Tells whether it is a single number rather than series.
    pub fn is_number(&self) -> bool {
        matches!(&self.0, Ok((_, None)))
    }

    /// Returns the metrics that it uses, in order; none when something is wrong.
    pub fn uses(&self) -> BTreeSet<Use> {
        let mut found = BTreeSet::new();
        if let Ok((node, _)) = &self.0 {
            node.uses(&mut found);
        }
        found
    }

    /// Looks at everything in it as it was so long before.
    ///
    /// ```
    /// use watchkeeper::{presets::billing::MRR, promql::{Expr, Scope}};
    ///
    /// let growth = Expr::from(&MRR) / Expr::from(&MRR).offset("4w") - 1.0;
    /// assert_eq!(growth.render(&Scope::default())?, "billing_mrr_cents / billing_mrr_cents offset 4w - 1");
    /// # Ok::<(), watchkeeper::promql::PromqlError>(())
    /// ```
    pub fn offset(self, by: impl Into<Window>) -> Self {
        let by = by.into();
        self.then(|mut node, labels| {
            by.check()?;
            node.shift(&by);
            Ok((node, labels))
        })
    }

    fn over_time(self, function: &'static str, window: impl Into<Window>, step: impl Into<Window>) -> Self {
        let (window, step) = (window.into(), step.into());
        self.series(function, |of, labels| {
            window.check()?;
            step.check()?;
            Ok((Node::Subquery { function, of: Box::new(of), window, step, offset: None }, Some(labels)))
        })
    }

    /// Takes the largest value of a window, evaluated every step: a subquery.
    pub fn max_over_time(self, window: impl Into<Window>, step: impl Into<Window>) -> Self {
        self.over_time("max_over_time", window, step)
    }

    /// Takes the smallest value of a window, evaluated every step: a subquery.
    pub fn min_over_time(self, window: impl Into<Window>, step: impl Into<Window>) -> Self {
        self.over_time("min_over_time", window, step)
    }

    /// Takes the mean of a window, evaluated every step: a subquery.
    pub fn avg_over_time(self, window: impl Into<Window>, step: impl Into<Window>) -> Self {
        self.over_time("avg_over_time", window, step)
    }

    fn call(self, function: &'static str, after: &[f64]) -> Self {
        self.series(function, |of, labels| {
            let after = after.iter().map(|&value| finite(function, value)).collect::<Result<_, _>>()?;
            Ok((Node::Call { function, before: Vec::new(), of: Some(Box::new(of)), after }, Some(labels)))
        })
    }

    /// Holds values between two bounds.
    pub fn clamp(self, least: f64, most: f64) -> Self {
        self.call("clamp", &[least, most])
    }

    /// Holds values at or above a bound.
    pub fn clamp_min(self, least: f64) -> Self {
        self.call("clamp_min", &[least])
    }

    /// Holds values at or below a bound.
    pub fn clamp_max(self, most: f64) -> Self {
        self.call("clamp_max", &[most])
    }

    /// Rounds to whole numbers.
    pub fn round(self) -> Self {
        self.call("round", &[])
    }

    /// Drops the sign.
    pub fn abs(self) -> Self {
        self.call("abs", &[])
    }

    /// Puts the largest value first.
    pub fn sort_desc(self) -> Self {
        self.call("sort_desc", &[])
    }
}

pub(super) fn finite(function: &'static str, value: f64) -> Result<f64, PromqlError> {
    if value.is_nan() { Err(PromqlError::OutOfRange { function, value }) } else { Ok(value) }
}

/// A single number.
pub fn number(value: f64) -> Expr {
    Expr::of(finite("a number", value).map(|value| (Node::Number(value), None)))
}

/// One series without labels, that has the value.
pub fn vector(value: f64) -> Expr {
    let call = |value| Node::Call { function: "vector", before: vec![value], of: None, after: Vec::new() };
    let labels = Labels { of: "vector".to_owned(), names: BTreeSet::new(), picked: Vec::new() };
    Expr::of(finite("vector", value).map(|value| (call(value), Some(labels))))
}

/// The time of evaluation, in seconds since 1970.
pub fn time() -> Expr {
    Expr::of(Ok((Node::Call { function: "time", before: Vec::new(), of: None, after: Vec::new() }, None)))
}

impl From<f64> for Expr {
    fn from(value: f64) -> Self {
        number(value)
    }
}
