//! What one evaluation may cost.

use std::time::Duration;

/// The most that one evaluation may use; whatever asks for more ends with an error that names the limit.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Limits {
    /// The most series that one selector may match, and that any step of the evaluation may have. Default 20,000.
    pub series: usize,
    /// The most samples that are held at one time, among them what selectors read. Default 10,000,000, at 16 bytes each.
    pub samples: usize,
    /// The most steps of a range. Default 11,000, as Prometheus' API allows.
    pub steps: usize,
    /// The most steps of a subquery, over all steps of what it stands in. Default 50,000.
    pub subquery_steps: usize,
    /// The most samples of a result. Default 1,000,000.
    pub result: usize,
    /// The most time. It is looked at in every loop. Default 5 s.
    pub deadline: Duration,
    /// How old a sample may be to be a series' present value. Default 5 min, as Prometheus has it.
    pub look_back: Duration,
    /// The step of a subquery that names none. Default 1 min, Prometheus' own interval of evaluation.
    pub subquery_step: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            series: 20_000,
            samples: 10_000_000,
            steps: 11_000,
            subquery_steps: 50_000,
            result: 1_000_000,
            deadline: Duration::from_secs(5),
            look_back: Duration::from_secs(300),
            subquery_step: Duration::from_secs(60),
        }
    }
}
