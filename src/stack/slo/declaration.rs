//! The declaration of an objective: which share of what must be right.

use std::borrow::Cow;
use std::fmt;

use super::error::SloError;
use crate::metric::{Describe, HistogramDesc, LabelSet};
use crate::promql::{
    Expr, Selector, bucket, count_over_time, increase, number, observations, rate, select, share, sum_over_time,
};

/// The labels that an objective's series keep.
const BY: [&str; 1] = ["service"];
const WINDOW: &str = "5m";
const LEAST_ERRORS: u32 = 10;

/// A service level objective over 30 days.
#[derive(Clone, Copy)]
pub struct Slo {
    pub(super) name: &'static str,
    pub(super) description: &'static str,
    pub(super) objective: f64,
    /// How many errors within the long window it takes to wake somebody.
    pub(super) least_errors: u32,
    indicator: Indicator,
}

#[derive(Clone, Copy)]
enum Indicator {
    /// A request is an error when it takes longer than the threshold.
    Latency { metric: &'static dyn Describe, threshold: f64, of: fn(Selector) -> Selector },
    /// Some of what is counted is an error.
    Events { errors: fn() -> Selector, all: fn() -> Selector },
    /// The time during which a value is above its bound is an error.
    Bound { value: fn() -> Expr, bound: f64 },
    /// The time during which no target answers is an error; of the rest, the share of failures.
    Availability { errors: fn() -> Selector, all: fn() -> Selector, up: fn() -> Selector },
}

impl Slo {
    /// Declares that a share of observations is at most as long as the threshold, in the metric's unit: an objective of
    /// 0.95 with a threshold of 0.05 is a 95th percentile below 50 ms.
    ///
    /// # Panics
    ///
    /// While compiling, when used in a constant: when the threshold is not a bound of the metric's buckets, or the
    /// declaration breaks another rule of [`SloError`]. At run time there is [`try_latency`](Self::try_latency).
    ///
    /// A metric that is a constant is given as `const { &METRIC }`, which makes the reference last.
    pub const fn latency<L: LabelSet>(
        name: &'static str,
        description: &'static str,
        objective: f64,
        metric: &'static HistogramDesc<L>,
        threshold: f64,
    ) -> Self {
        match Self::try_latency(name, description, objective, metric, threshold) {
            Ok(slo) => slo,
            Err(error) => panic!("{}", error.text()),
        }
    }

    /// Declares that a share of observations is at most as long as the threshold.
    ///
    /// # Errors
    ///
    /// Says which rule the declaration breaks.
    pub const fn try_latency<L: LabelSet>(
        name: &'static str,
        description: &'static str,
        objective: f64,
        metric: &'static HistogramDesc<L>,
        threshold: f64,
    ) -> Result<Self, SloError> {
        let bounds = match &metric.meta.buckets {
            Cow::Borrowed(bounds) => bounds,
            Cow::Owned(bounds) => bounds.as_slice(),
        };
        if !is_among(bounds, threshold) {
            return Err(SloError::NotABound);
        }
        Self::checked(name, description, objective, Indicator::Latency { metric, threshold, of: |all| all })
    }

    /// Declares that a share of what a counter counts is not among the errors, which may be of another counter.
    ///
    /// # Panics
    ///
    /// While compiling, when used in a constant: when the declaration breaks a rule of [`SloError`]. At run time there
    /// is [`try_events`](Self::try_events).
    pub const fn events(
        name: &'static str,
        description: &'static str,
        objective: f64,
        errors: fn() -> Selector,
        all: fn() -> Selector,
    ) -> Self {
        match Self::try_events(name, description, objective, errors, all) {
            Ok(slo) => slo,
            Err(error) => panic!("{}", error.text()),
        }
    }

    /// Declares that a share of what a counter counts is not among the errors.
    ///
    /// # Errors
    ///
    /// Says which rule the declaration breaks.
    pub const fn try_events(
        name: &'static str,
        description: &'static str,
        objective: f64,
        errors: fn() -> Selector,
        all: fn() -> Selector,
    ) -> Result<Self, SloError> {
        Self::checked(name, description, objective, Indicator::Events { errors, all })
    }

    /// Declares that for a share of the time a value, by `service`, is at most its bound.
    ///
    /// # Panics
    ///
    /// While compiling, when used in a constant: when the declaration breaks a rule of [`SloError`].
    pub const fn bound(
        name: &'static str,
        description: &'static str,
        objective: f64,
        value: fn() -> Expr,
        bound: f64,
    ) -> Self {
        match Self::checked(name, description, objective, Indicator::Bound { value, bound }) {
            Ok(slo) => slo,
            Err(error) => panic!("{}", error.text()),
        }
    }

    /// Declares for which share of the time a service answers without errors: 0.999 leaves 43 minutes in 30 days.
    ///
    /// Every moment weighs the same. While `up`, Prometheus' own series of the service's targets, is 0 for all of them,
    /// all of the moment is an error; otherwise the share of failures over five minutes is. A service that has left
    /// service discovery has no `up`, and its time is not counted.
    ///
    /// # Panics
    ///
    /// While compiling, when used in a constant: when the declaration breaks a rule of [`SloError`].
    pub const fn availability(
        name: &'static str,
        description: &'static str,
        objective: f64,
        errors: fn() -> Selector,
        all: fn() -> Selector,
        up: fn() -> Selector,
    ) -> Self {
        match Self::checked(name, description, objective, Indicator::Availability { errors, all, up }) {
            Ok(slo) => slo,
            Err(error) => panic!("{}", error.text()),
        }
    }

    /// Narrows a latency objective down to some of the metric's series.
    ///
    /// # Panics
    ///
    /// While compiling, when used in a constant: of any other objective, whose selectors say it themselves.
    #[must_use]
    pub const fn of(mut self, narrow: fn(Selector) -> Selector) -> Self {
        match self.indicator {
            Indicator::Latency { metric, threshold, .. } => {
                self.indicator = Indicator::Latency { metric, threshold, of: narrow };
                self
            }
            _ => panic!("only a latency objective is narrowed down: the selectors of others say it themselves"),
        }
    }

    /// Sets how many errors there must be within the hour, or within the six hours, that burn too fast before anybody is
    /// woken up: 10 by default, so that one failure at night is a matter for the day. Of a [`bound`](Self::bound), whose
    /// errors are time, it changes nothing.
    #[must_use]
    pub const fn least_errors(mut self, errors: u32) -> Self {
        self.least_errors = errors;
        self
    }

    const fn checked(
        name: &'static str,
        description: &'static str,
        objective: f64,
        indicator: Indicator,
    ) -> Result<Self, SloError> {
        if !is_name(name) {
            return Err(SloError::Name);
        }
        if description.is_empty() {
            return Err(SloError::NoDescription);
        }
        // With a larger budget than 15 % not even six times of it are less than everything.
        // And one that is as good as everything leaves none that could be written.
        if !(objective >= 0.85 && objective <= 0.999_999) {
            return Err(SloError::Objective);
        }
        Ok(Self { name, description, objective, least_errors: LEAST_ERRORS, indicator })
    }

    /// Returns the objective's name, the value of the label `slo`.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// Returns the sentence that says what is promised.
    pub const fn description(&self) -> &'static str {
        self.description
    }

    /// Returns the share that must be right.
    pub const fn objective(&self) -> f64 {
        self.objective
    }

    /// Returns the value at which something becomes an error, where there is one: a line for a panel.
    pub const fn threshold(&self) -> Option<f64> {
        match self.indicator {
            Indicator::Latency { threshold, .. } => Some(threshold),
            Indicator::Bound { bound, .. } => Some(bound),
            Indicator::Events { .. } | Indicator::Availability { .. } => None,
        }
    }

    /// How much happens, per second; of time, 1 as long as there is a value.
    pub(super) fn all(&self) -> Expr {
        match self.indicator {
            Indicator::Latency { metric, of, .. } => rate(observations(of(select(metric))), WINDOW).sum_by(&BY),
            Indicator::Events { all, .. } => rate(all(), WINDOW).sum_by(&BY),
            Indicator::Bound { value, .. } => value() * 0.0 + 1.0,
            Indicator::Availability { up, .. } => Expr::from(up()).max_by(&BY) * 0.0 + 1.0,
        }
    }

    /// How much of it is an error: nothing, rather than no answer, where no error has ever been counted.
    pub(super) fn errors(&self) -> Expr {
        match self.indicator {
            Indicator::Latency { metric, threshold, of } => {
                let within = rate(bucket(of(select(metric)), threshold), WINDOW).sum_by(&BY);
                self.all() - within
            }
            Indicator::Events { errors, .. } => rate(errors(), WINDOW).sum_by(&BY).or(self.all() * 0.0),
            Indicator::Bound { value, bound } => value().gt_bool(bound),
            Indicator::Availability { errors, all, up } => {
                let down = || number(1.0) - Expr::from(up()).max_by(&BY);
                // A share without traffic is no number, and not above 0.
                down().equals(1.0).or(share(errors(), all(), WINDOW, &BY).gt(0.0)).or(down())
            }
        }
    }

    /// How many errors there were in a window, a scrape that failed among them; nothing where errors are time.
    pub(super) fn error_count(&self, window: &str) -> Option<Expr> {
        match self.indicator {
            Indicator::Latency { metric, threshold, of } => {
                let all = increase(observations(of(select(metric))), window).sum_by(&BY);
                Some(all - increase(bucket(of(select(metric)), threshold), window).sum_by(&BY))
            }
            Indicator::Events { errors, .. } => Some(increase(errors(), window).sum_by(&BY)),
            Indicator::Bound { .. } => None,
            Indicator::Availability { errors, up, .. } => {
                let missed = || (count_over_time(up(), window) - sum_over_time(up(), window)).sum_by(&BY);
                Some(increase(errors(), window).sum_by(&BY).or(missed() * 0.0) + missed())
            }
        }
    }
}

impl fmt::Debug for Slo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Slo").field("name", &self.name).field("objective", &self.objective).finish_non_exhaustive()
    }
}

const fn is_among(bounds: &[f64], threshold: f64) -> bool {
    let mut i = 0;
    while i < bounds.len() {
        if bounds[i] == threshold {
            return true;
        }
        i += 1;
    }
    false
}

const fn is_name(name: &str) -> bool {
    let bytes = name.as_bytes();
    let mut i = 0;
    while i < bytes.len() {
        if !(bytes[i].is_ascii_lowercase() || bytes[i].is_ascii_digit() || (bytes[i] == b'-' && i > 0)) {
            return false;
        }
        i += 1;
    }
    !bytes.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::presets::http::{REQUEST_DURATION, REQUESTS};

    #[test]
    fn a_threshold_must_be_a_bound_of_the_buckets() {
        let try_with = |threshold| Slo::try_latency("a", "A.", 0.95, const { &REQUEST_DURATION }, threshold).map(drop);
        assert_eq!(try_with(0.25), Ok(()));
        assert_eq!(try_with(0.15), Err(SloError::NotABound));
        assert_eq!(try_with(f64::NAN), Err(SloError::NotABound));
    }

    #[test]
    fn an_objective_leaves_a_budget_that_can_be_burnt() {
        let try_with = |name, objective| {
            Slo::try_events(name, "A.", objective, || select(&REQUESTS), || select(&REQUESTS)).map(drop)
        };
        assert_eq!(try_with("a-b-1", 0.999), Ok(()));
        for objective in [0.0, 0.5, 0.84, 0.999_999_999_9, 1.0, 99.9, f64::NAN] {
            assert_eq!(try_with("a", objective), Err(SloError::Objective), "{objective}");
        }
        for name in ["", "A", "a b", "-a", "a_b", "ä"] {
            assert_eq!(try_with(name, 0.99), Err(SloError::Name), "{name}");
        }
    }
}
