//! Nodes: an expression's parts, and how they are written.

use std::collections::BTreeSet;
use std::fmt;

use super::error::PromqlError;
use super::matcher::Matcher;
use super::scope::Scope;
use super::series::Origin;
use super::window::{Window, duration};

/// Series picked by name and labels.
#[derive(Debug, Clone)]
pub(super) struct Pick {
    /// The name with its suffix.
    pub(super) name: String,
    pub(super) metric: String,
    pub(super) origin: Origin,
    pub(super) matchers: Vec<Matcher>,
    pub(super) offset: Option<Window>,
}

/// How two sides are matched when not by all labels.
#[derive(Debug, Clone, Default)]
pub(super) struct Matching {
    pub(super) on: Option<Vec<String>>,
    /// The labels taken over from the one side, where many series of the left meet one of the right.
    pub(super) group_left: Option<Vec<String>>,
}

#[derive(Debug, Clone)]
pub(super) enum Node {
    Number(f64),
    Instant(Pick),
    Range { function: &'static str, pick: Pick, window: Window, parameter: Option<f64> },
    Subquery { function: &'static str, of: Box<Node>, window: Window, step: Window, offset: Option<Window> },
    Aggregate { operator: &'static str, parameter: Option<f64>, by: Vec<String>, of: Box<Node> },
    Call { function: &'static str, before: Vec<f64>, of: Option<Box<Node>>, after: Vec<f64> },
    Binary { operator: &'static str, matching: Matching, left: Box<Node>, right: Box<Node> },
}

/// A metric that an expression uses, as drift tests compare it with what there is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct Use {
    /// Where the metric comes from.
    pub origin: Origin,
    /// Its name, without suffix and prefix.
    pub metric: String,
}

impl Node {
    /// How strongly the node's operator binds; more binds before less.
    fn strength(&self) -> u8 {
        match self {
            Self::Binary { operator, .. } => match *operator {
                "or" => 1,
                "and" | "unless" => 2,
                "==" | "!=" | ">" | "<" | ">=" | "<=" | "> bool" => 3,
                "+" | "-" => 4,
                _ => 5,
            },
            // A sign binds less than nothing else here, but reads badly after an operator.
            Self::Number(value) if *value < 0.0 => 4,
            _ => 9,
        }
    }

    pub(super) fn write(&self, out: &mut String, scope: &Scope) -> Result<(), PromqlError> {
        match self {
            Self::Number(value) => out.push_str(&number(*value)),
            Self::Instant(pick) => {
                pick.write(out, scope);
                write_offset(out, pick.offset.as_ref(), scope)?;
            }
            Self::Range { function, pick, window, parameter } => {
                if matches!(*function, "rate" | "increase") {
                    long_enough(window, scope)?;
                }
                out.push_str(function);
                out.push('(');
                pick.write(out, scope);
                *out += &format!("[{}]", window.text(scope.window_scale)?);
                write_offset(out, pick.offset.as_ref(), scope)?;
                if let Some(parameter) = parameter {
                    *out += &format!(", {}", number(*parameter));
                }
                out.push(')');
            }
            Self::Subquery { function, of, window, step, offset } => {
                out.push_str(function);
                out.push('(');
                of.write_above(out, scope, 6)?;
                *out += &format!("[{}:{}]", window.text(scope.window_scale)?, step.text(scope.window_scale)?);
                write_offset(out, offset.as_ref(), scope)?;
                out.push(')');
            }
            Self::Aggregate { operator, parameter, by, of } => {
                out.push_str(operator);
                if !by.is_empty() {
                    *out += &format!(" by ({}) ", by.join(", "));
                }
                out.push('(');
                if let Some(parameter) = parameter {
                    *out += &format!("{}, ", number(*parameter));
                }
                of.write(out, scope)?;
                out.push(')');
            }
            Self::Call { function, before, of, after } => {
                let mut arguments: Vec<String> = before.iter().map(|&value| number(value)).collect();
                if let Some(of) = of {
                    let mut text = String::new();
                    of.write(&mut text, scope)?;
                    arguments.push(text);
                }
                arguments.extend(after.iter().map(|&value| number(value)));
                *out += &format!("{function}({})", arguments.join(", "));
            }
            Self::Binary { operator, matching, left, right } => {
                left.write_above(out, scope, self.least_left(left))?;
                *out += &format!(" {operator} {matching}");
                right.write_above(out, scope, self.least_right())?;
            }
        }
        Ok(())
    }

    /// Writes the expression over several lines where one would be long, broken at its outermost operators.
    pub(super) fn write_lines(&self, out: &mut String, scope: &Scope) -> Result<(), PromqlError> {
        let mut line = String::new();
        self.write(&mut line, scope)?;
        match self {
            Self::Binary { operator, matching, left, right } if line.len() > LONG_LINE => {
                if left.strength() >= self.least_left(left) {
                    left.write_lines(out, scope)?;
                } else {
                    left.write_above(out, scope, self.least_left(left))?;
                }
                *out += &format!("\n{operator} {matching}");
                right.write_above(out, scope, self.least_right())
            }
            _ => {
                out.push_str(&line);
                Ok(())
            }
        }
    }

    /// How strong a left side must be to need no parentheses. An `and` beside an `or` gets some for the reader's sake.
    fn least_left(&self, left: &Self) -> u8 {
        match (self.strength(), left.strength()) {
            (1, 2) => 3,
            (own, _) => own,
        }
    }

    /// Operators bind to the left, so an equal one on the right needs its parentheses.
    fn least_right(&self) -> u8 {
        match self.strength() {
            1 => 3,
            own => own + 1,
        }
    }

    fn write_above(&self, out: &mut String, scope: &Scope, strength: u8) -> Result<(), PromqlError> {
        if self.strength() >= strength {
            return self.write(out, scope);
        }
        out.push('(');
        self.write(out, scope)?;
        out.push(')');
        Ok(())
    }

    /// Shifts everything that the node looks at.
    pub(super) fn shift(&mut self, by: &Window) {
        match self {
            Self::Number(_) => {}
            Self::Instant(pick) | Self::Range { pick, .. } => pick.offset = Some(by.clone()),
            Self::Subquery { offset, .. } => *offset = Some(by.clone()),
            Self::Aggregate { of, .. } => of.shift(by),
            Self::Call { of, .. } => of.iter_mut().for_each(|of| of.shift(by)),
            Self::Binary { left, right, .. } => {
                left.shift(by);
                right.shift(by);
            }
        }
    }

    pub(super) fn uses(&self, found: &mut BTreeSet<Use>) {
        match self {
            Self::Number(_) => {}
            Self::Instant(pick) | Self::Range { pick, .. } => {
                found.insert(Use { origin: pick.origin, metric: pick.metric.clone() });
            }
            Self::Subquery { of, .. } | Self::Aggregate { of, .. } => of.uses(found),
            Self::Call { of, .. } => of.iter().for_each(|of| of.uses(found)),
            Self::Binary { left, right, .. } => {
                left.uses(found);
                right.uses(found);
            }
        }
    }
}

/// The longest expression that is written on one line of a file.
const LONG_LINE: usize = 100;

impl fmt::Display for Matching {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(on) = &self.on {
            write!(f, "on ({}) ", on.join(", "))?;
        }
        if let Some(extra) = &self.group_left {
            write!(f, "group_left ({}) ", extra.join(", "))?;
        }
        Ok(())
    }
}

impl Pick {
    fn write(&self, out: &mut String, scope: &Scope) {
        if self.origin == Origin::App && !scope.prefix.is_empty() {
            *out += &format!("{}_", scope.prefix);
        }
        out.push_str(&self.name);
        if !self.matchers.is_empty() {
            let matchers: Vec<_> = self.matchers.iter().map(ToString::to_string).collect();
            *out += &format!("{{{}}}", matchers.join(","));
        }
    }
}

fn write_offset(out: &mut String, offset: Option<&Window>, scope: &Scope) -> Result<(), PromqlError> {
    if let Some(offset) = offset {
        *out += &format!(" offset {}", offset.text(scope.window_scale)?);
    }
    Ok(())
}

/// A rate needs two samples, and a window of four scrapes has them even when one or two scrapes fail.
fn long_enough(window: &Window, scope: &Scope) -> Result<(), PromqlError> {
    let scrape = u64::try_from(scope.scrape_interval.as_millis()).unwrap_or(u64::MAX);
    let least = scrape.saturating_mul(4);
    match window.millis(scope.window_scale)? {
        Some(millis) if millis < least => Err(PromqlError::WindowTooShort {
            window: duration(millis),
            scrape: duration(scrape),
            least: duration(least),
        }),
        _ => Ok(()),
    }
}

fn number(value: f64) -> String {
    if value.is_infinite() { if value > 0.0 { "+Inf" } else { "-Inf" }.to_owned() } else { value.to_string() }
}
