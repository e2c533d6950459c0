//! A rehearsal: rules evaluated at times of the caller's choice, over series of the caller's.

use std::time::Duration;

use super::file::RuleFile;
use super::group::{Group, Outside, RuleSource};
use crate::alert::Alert;
use crate::promql::engine::{Engine, Limits};
use crate::timestamp::Timestamp;

/// Evaluates rules without a watch, a store or anybody who is told: to try a rule file on past series, or in a test.
///
/// ```
/// use watchkeeper::Timestamp;
/// use watchkeeper::alert::AlertState;
/// use watchkeeper::alerting::{Rehearsal, RuleFile, RuleSource};
/// use watchkeeper::promql::engine::{Matcher, Series, SeriesSource, SourceBounds, SourceError};
///
/// #[derive(Debug)]
/// struct Nothing;
/// impl SeriesSource for Nothing {
///     fn select(&self, _: &[Matcher], _: i64, _: i64, _: &SourceBounds) -> Result<Vec<Series>, SourceError> {
///         Ok(Vec::new())
///     }
/// }
/// impl RuleSource for Nothing {}
///
/// let file: RuleFile = "groups: [{name: g, rules: [{alert: Gone, expr: absent(up)}]}]".parse()?;
/// let mut rehearsal = Rehearsal::new(file);
/// let alerts = rehearsal.evaluate("g", Timestamp::now(), &Nothing);
/// assert_eq!(alerts[0].state, AlertState::Firing);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Rehearsal {
    groups: Vec<Group>,
    engine: Engine,
}

impl Rehearsal {
    /// Takes the rules of a file.
    pub fn new(file: RuleFile) -> Self {
        let groups = file.groups.into_iter().map(|group| Group::new(group, Duration::from_secs(60))).collect();
        Self { groups, engine: Engine::new(Limits::default()) }
    }

    /// Evaluates a group at a time, later than the time before, and returns its alerts as they stand then, those that are
    /// over among them. Rules that cannot be evaluated are in the log.
    pub fn evaluate(&mut self, group: &str, at: Timestamp, source: &dyn RuleSource) -> Vec<Alert> {
        let Some(group) = self.groups.iter_mut().find(|known| known.name == group) else { return Vec::new() };
        group.evaluate(at, &self.engine, source, &Outside::default(), None);
        group.alerts().cloned().collect()
    }
}
