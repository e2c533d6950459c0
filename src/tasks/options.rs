//! Choices about tasks: how long things are kept, whether the scheduler runs, and for how long an instance leads.

use std::time::Duration;

use super::archive::Archive;
use super::error::InvalidTaskOptions;
use crate::environment::Environment;
use crate::sanitise::truncate;

/// For how many days events are kept.
const EVENT_DAYS: &str = "MONITORING_EVENT_RETENTION_DAYS";

/// For how many days samples are kept.
const METRIC_DAYS: &str = "MONITORING_METRIC_RETENTION_DAYS";

/// The most days that anything can be kept.
pub(super) const MOST_DAYS: u32 = 3650;

/// Choices about tasks; every one has a default.
///
/// ```
/// use watchkeeper::environment::Environment;
/// use watchkeeper::tasks::TaskOptions;
///
/// let environment: Environment = [("MONITORING_EVENT_RETENTION_DAYS", "7")].into_iter().collect();
/// let options = TaskOptions::from_environment(&environment)?.metric_retention_days(14);
/// # Ok::<(), watchkeeper::tasks::InvalidTaskOptions>(())
/// ```
#[derive(Debug, Clone)]
#[must_use = "options do nothing until they are used"]
#[non_exhaustive]
pub struct TaskOptions {
    pub(super) event_days: u32,
    pub(super) metric_days: u32,
    pub(super) scheduler: bool,
    pub(super) lease: Duration,
    pub(super) archive: Option<Archive>,
}

impl TaskOptions {
    /// Makes the options that are used where neither code nor environment says otherwise.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes what the process environment says: `MONITORING_EVENT_RETENTION_DAYS` and `MONITORING_METRIC_RETENTION_DAYS`.
    ///
    /// # Errors
    ///
    /// [`InvalidTaskOptions`] where a variable is no whole number from 1 to 3650.
    pub fn from_env() -> Result<Self, InvalidTaskOptions> {
        Self::from_environment(&Environment::process())
    }

    /// Takes what an environment says, as [`from_env`](Self::from_env) does.
    ///
    /// # Errors
    ///
    /// As [`from_env`](Self::from_env).
    pub fn from_environment(environment: &Environment) -> Result<Self, InvalidTaskOptions> {
        let mut options = Self::default();
        for (variable, days) in [(EVENT_DAYS, &mut options.event_days), (METRIC_DAYS, &mut options.metric_days)] {
            let Some(given) = environment.get(variable)? else { continue };
            let number = given.parse().ok().filter(|days| (1..=MOST_DAYS).contains(days));
            let invalid = || InvalidTaskOptions::Days { variable, given: truncate(&given, 64).to_owned() };
            *days = number.ok_or_else(invalid)?;
        }
        Ok(options)
    }

    /// Keeps events for so many days, 1 to 3650. Default: 30.
    pub fn event_retention_days(mut self, days: u32) -> Self {
        self.event_days = days.clamp(1, MOST_DAYS);
        self
    }

    /// Keeps samples for so many days, 1 to 3650. Default: 90.
    pub fn metric_retention_days(mut self, days: u32) -> Self {
        self.metric_days = days.clamp(1, MOST_DAYS);
        self
    }

    /// Archives events and samples before they are dropped. Default: what is dropped is gone.
    pub fn archive(mut self, archive: Archive) -> Self {
        self.archive = Some(archive);
        self
    }

    /// Runs no task by itself: each runs when the app calls it. Default: the scheduler runs.
    pub fn without_scheduler(mut self) -> Self {
        self.scheduler = false;
        self
    }

    /// Leaves the lead, and a task, to an instance for so long after it was last heard of, at least 300 ms. The store is
    /// asked three times in that time. Default: 15 s.
    pub fn lease(mut self, time: Duration) -> Self {
        self.lease = time.clamp(Duration::from_millis(300), Duration::from_secs(3600));
        self
    }
}

impl Default for TaskOptions {
    fn default() -> Self {
        Self { event_days: 30, metric_days: 90, scheduler: true, lease: Duration::from_secs(15), archive: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(variables: &[(&str, &str)]) -> Result<(u32, u32), String> {
        let environment: Environment = variables.iter().copied().collect();
        let options = TaskOptions::from_environment(&environment).map_err(|error| error.to_string())?;
        Ok((options.event_days, options.metric_days))
    }

    #[test]
    fn the_environment_says_for_how_many_days_things_are_kept() {
        assert_eq!(options(&[]), Ok((30, 90)));
        assert_eq!(options(&[(EVENT_DAYS, " 7 "), (METRIC_DAYS, "3650")]), Ok((7, 3650)));
    }

    #[test]
    fn what_is_no_number_of_days_is_an_error_that_names_the_variable() {
        for (variable, given) in
            [(EVENT_DAYS, "0"), (EVENT_DAYS, "-1"), (METRIC_DAYS, "3651"), (METRIC_DAYS, "30d"), (EVENT_DAYS, "1.5")]
        {
            let error = options(&[(variable, given)]).unwrap_err();
            let said = format!("{variable} is {given:?}; allowed: a whole number of days from 1 to 3650");
            assert_eq!(error, said);
        }
    }
}
