//! Selectors: the series that an expression begins at.

use std::borrow::Cow;
use std::collections::BTreeSet;

use super::error::PromqlError;
use super::expr::Expr;
use super::labels::Labels;
use super::matcher::{Matcher, Op};
use super::node::{Node, Pick};
use super::series::{Queried, Series, SeriesKind, TARGET_LABELS};

/// Begins at a metric; its series can be narrowed down by their labels.
///
/// ```
/// use watchkeeper::{presets::http::REQUESTS, promql::{self, Scope}};
///
/// let failed = promql::select(&REQUESTS).matching("status", "5..").eq("method", "GET");
/// let rate = promql::rate(failed, "5m").sum();
/// assert_eq!(
///     rate.render(&Scope::default())?,
///     r#"sum(rate(http_requests_total{status=~"5..",method="GET"}[5m]))"#,
/// );
/// # Ok::<(), promql::PromqlError>(())
/// ```
pub fn select(metric: &(impl Queried + ?Sized)) -> Selector {
    let series = metric.series();
    Selector(Ok(Picked { kind: series.kind, series, suffix: "", matchers: Vec::new(), more: Vec::new() }))
}

/// Begins at how many observations a histogram has had, a counter.
pub fn observations(metric: impl Into<Selector>) -> Selector {
    metric.into().part("_count", "observations")
}

/// Begins at the sum of what a histogram has observed, a counter.
pub fn total(metric: impl Into<Selector>) -> Selector {
    metric.into().part("_sum", "total")
}

/// Begins at how many observations of a histogram were at most so large, a counter.
///
/// The bound must be one of the histogram's own: there is no series for any other.
pub fn bucket(metric: impl Into<Selector>, bound: f64) -> Selector {
    let mut selector = metric.into().part("_bucket", "bucket");
    if let Ok(picked) = &mut selector.0 {
        if !picked.series.buckets.contains(&bound) {
            return Selector(Err(PromqlError::NotABound { metric: picked.series.name.to_string(), bound }));
        }
        let value = zmij::Buffer::new().format(bound).to_owned();
        picked.matchers.push(Matcher { label: "le".to_owned(), op: Op::Equal, value });
    }
    selector
}

/// The series of a metric that an expression begins at.
#[derive(Debug, Clone)]
#[must_use]
pub struct Selector(pub(super) Result<Picked, PromqlError>);

/// A metric, the suffix of the series meant, and the conditions on its labels.
#[derive(Debug, Clone)]
pub(super) struct Picked {
    pub(super) series: Series,
    pub(super) kind: SeriesKind,
    suffix: &'static str,
    matchers: Vec<Matcher>,
    more: Vec<String>,
}

impl Selector {
    /// Keeps series whose label has the value.
    pub fn eq(self, label: &str, value: &str) -> Self {
        self.pick(label, Op::Equal, value)
    }

    /// Keeps series whose label does not have the value.
    pub fn ne(self, label: &str, value: &str) -> Self {
        self.pick(label, Op::Differ, value)
    }

    /// Keeps series whose label matches a regular expression as a whole.
    pub fn matching(self, label: &str, regex: &str) -> Self {
        self.pick(label, Op::Match, regex)
    }

    /// Keeps series whose label does not match a regular expression as a whole.
    pub fn not_matching(self, label: &str, regex: &str) -> Self {
        self.pick(label, Op::NotMatch, regex)
    }

    /// Declares labels that come from outside, before they are used: the registry's constant labels, or further labels of
    /// the target.
    pub fn with_labels(mut self, labels: &[&str]) -> Self {
        if let Ok(picked) = &mut self.0 {
            picked.more.extend(labels.iter().map(|&label| label.to_owned()));
        }
        self
    }

    fn pick(mut self, label: &str, op: Op, value: &str) -> Self {
        let checked = self.0.as_ref().map_err(Clone::clone).and_then(|picked| picked.check(label, op, value));
        match (checked, &mut self.0) {
            (Ok(()), Ok(picked)) => {
                picked.matchers.push(Matcher { label: label.to_owned(), op, value: value.to_owned() });
                self
            }
            (Err(error), _) => Self(Err(error)),
            (_, Err(_)) => self,
        }
    }

    fn part(self, suffix: &'static str, function: &'static str) -> Self {
        let picked = self.0.and_then(|picked| match picked.kind {
            SeriesKind::Histogram => Ok(Picked { suffix, kind: SeriesKind::Counter, ..picked }),
            kind => Err(PromqlError::Kind { function, metric: picked.series.name.to_string(), kind }),
        });
        Self(picked)
    }

    /// Picks all buckets of a histogram.
    pub(super) fn buckets(self) -> Self {
        let mut selector = self.part("_bucket", "a quantile");
        if let Ok(picked) = &mut selector.0 {
            picked.more.push("le".to_owned());
        }
        selector
    }
}

impl Picked {
    fn check(&self, label: &str, op: Op, value: &str) -> Result<(), PromqlError> {
        let metric = || self.series.name.to_string();
        let own = self.series.labels.iter().find(|(name, _)| name == label);
        let known = own.is_some()
            || self.more.iter().any(|more| more == label)
            || (self.series.has_target_labels && TARGET_LABELS.contains(&label));
        if !known {
            return Err(PromqlError::UnknownLabel { of: metric(), label: label.to_owned() });
        }
        // A variable's value is known to Grafana alone.
        let exact = matches!(op, Op::Equal | Op::Differ) && !value.contains('$');
        match own {
            Some((_, Some(values))) if exact && !values.contains(&value) => {
                Err(PromqlError::UnknownValue { metric: metric(), label: label.to_owned(), value: value.to_owned() })
            }
            _ => Ok(()),
        }
    }

    pub(super) fn labels(&self) -> Labels {
        let mut names: BTreeSet<Cow<'static, str>> = self.series.labels.iter().map(|(name, _)| name.clone()).collect();
        if self.series.has_target_labels {
            names.extend(TARGET_LABELS.map(Cow::Borrowed));
        }
        names.extend(self.more.iter().cloned().map(Cow::Owned));
        if self.suffix == "_bucket" {
            names.insert(Cow::Borrowed("le"));
        }
        Labels { of: self.series.name.to_string(), names, picked: self.matchers.clone() }
    }

    pub(super) fn pick(&self) -> Pick {
        Pick {
            name: format!("{}{}", self.series.name, self.suffix),
            metric: self.series.name.to_string(),
            origin: self.series.origin,
            matchers: self.matchers.clone(),
            offset: None,
        }
    }

    /// The labels that are picked by one value each: those that `absent` can give its answer.
    pub(super) fn fixed(&self) -> BTreeSet<Cow<'static, str>> {
        let fixed = self.matchers.iter().filter(|matcher| matcher.op == Op::Equal);
        fixed.map(|matcher| Cow::Owned(matcher.label.clone())).collect()
    }
}

impl<T: Queried + ?Sized> From<&T> for Selector {
    fn from(metric: &T) -> Self {
        select(metric)
    }
}

impl From<Selector> for Expr {
    fn from(selector: Selector) -> Self {
        Expr::of(selector.0.and_then(|picked| {
            if picked.kind == SeriesKind::Histogram {
                let metric = picked.series.name.to_string();
                return Err(PromqlError::Kind { function: "the value", metric, kind: picked.kind });
            }
            Ok((Node::Instant(picked.pick()), Some(picked.labels())))
        }))
    }
}

impl<T: Queried + ?Sized> From<&T> for Expr {
    fn from(metric: &T) -> Self {
        select(metric).into()
    }
}
