//! A group of rules as it is evaluated: one rule after the other, at times an interval apart.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::time::{Duration, Instant};

use super::file::RuleGroup;
use super::rule::Rule;
use super::states::{Notice, RuleAlerts, StepError, Terms, Transition};
use super::template::{TemplateData, TemplateSample};
use crate::alert::{Alert, AlertState};
use crate::id::Id;
use crate::presets::Status;
use crate::presets::monitoring::MonitoringMetrics;
use crate::promql::engine::{Engine, LabelSet, METRIC_NAME, Query, Series, SeriesSource, Value, stale};
use crate::timestamp::Timestamp;

/// The series that rules are evaluated over, and where what they record goes.
pub trait RuleSource: SeriesSource + Debug + Send + Sync {
    /// Takes points of series that rules record: recordings, `ALERTS` and `ALERTS_FOR_STATE`, and stale markers where one
    /// has ended. Default: they are dropped, and no rule can use another's.
    fn record(&self, series: Vec<Series>) {
        drop(series);
    }
}

/// What every rule of an evaluator is given.
#[derive(Debug, Clone, Default)]
pub(super) struct Outside {
    pub(super) external_labels: BTreeMap<String, String>,
    pub(super) external_url: String,
}

/// What evaluating a group came to.
#[derive(Debug, Default)]
pub(super) struct Evaluated {
    pub(super) transitions: Vec<Transition>,
    /// The alerts as they stand, the ones that are gone among them.
    pub(super) alerts: Vec<Alert>,
    pub(super) failures: usize,
}

impl Evaluated {
    pub(super) fn extend(&mut self, other: Self) {
        self.transitions.extend(other.transitions);
        self.alerts.extend(other.alerts);
        self.failures += other.failures;
    }
}

/// How the last evaluation of a rule went.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct RuleHealth {
    /// When it was.
    pub evaluated_at: Option<Timestamp>,
    /// How long it took.
    pub took: Duration,
    /// What was wrong; none where nothing was.
    pub error: Option<String>,
}

/// A rule, its alerts, and what it recorded last.
#[derive(Debug)]
pub(super) struct Evaluating {
    pub(super) rule: Rule,
    pub(super) alerts: RuleAlerts,
    pub(super) health: RuleHealth,
    recorded: BTreeSet<LabelSet>,
}

#[derive(Debug)]
pub(super) struct Group {
    pub(super) name: String,
    pub(super) interval: Duration,
    query_offset: Duration,
    pub(super) rules: Vec<Evaluating>,
    /// Alerts of rules that are there no more, until they have been told of for long enough.
    pub(super) leaving: Vec<RuleAlerts>,
    /// The time of the last evaluation.
    last: Option<Timestamp>,
    comes_and_goes: bool,
}

impl Evaluating {
    pub(super) fn new(rule: Rule, alerts: RuleAlerts) -> Self {
        Self { rule, alerts, health: RuleHealth::default(), recorded: BTreeSet::new() }
    }
}

impl Group {
    pub(super) fn new(group: RuleGroup, interval: Duration) -> Self {
        let rules = group.rules.into_iter().map(|rule| Evaluating::new(rule, RuleAlerts::default())).collect();
        let interval = group.interval.unwrap_or(interval);
        Self {
            name: group.name,
            interval,
            query_offset: group.query_offset,
            rules,
            leaving: Vec::new(),
            last: None,
            comes_and_goes: false,
        }
    }

    /// A group of rules that come and go.
    pub(super) fn empty(name: &str, interval: Duration) -> Self {
        let (query_offset, rules, leaving) = (Duration::ZERO, Vec::new(), Vec::new());
        Self { name: name.to_owned(), interval, query_offset, rules, leaving, last: None, comes_and_goes: true }
    }

    /// Tells whether it is the group of rules that come by the API.
    pub(super) fn is_of_the_api(&self) -> bool {
        self.comes_and_goes
    }

    /// Returns the alerts of all its rules.
    pub(super) fn alerts(&self) -> impl Iterator<Item = &Alert> {
        self.rules.iter().flat_map(|rule| rule.alerts.iter())
    }

    /// Notes the incident that an alert belongs to.
    pub(super) fn attach(&mut self, fingerprint: &str, incident: Id) {
        self.rules.iter_mut().for_each(|rule| rule.alerts.attach(fingerprint, incident));
    }

    /// The time for which the group is due now: a whole number of intervals since 1970, of which those that were missed are
    /// passed over. With it comes how many these were.
    pub(super) fn due(&self, now: Timestamp) -> Option<(Timestamp, u64)> {
        let interval = i64::try_from(self.interval.as_micros()).unwrap_or(i64::MAX).max(1);
        let slot = now.as_micros().div_euclid(interval);
        let at = Timestamp::from_micros(slot.saturating_mul(interval));
        match self.last {
            Some(last) if at <= last => None,
            Some(last) => {
                let missed = (slot - last.as_micros().div_euclid(interval)).saturating_sub(1);
                Some((at, u64::try_from(missed).unwrap_or(0)))
            }
            None => Some((at, 0)),
        }
    }

    /// Evaluates every rule at a time. It blocks the thread.
    pub(super) fn evaluate(
        &mut self,
        at: Timestamp,
        engine: &Engine,
        source: &dyn RuleSource,
        outside: &Outside,
        metrics: Option<&MonitoringMetrics>,
    ) -> Evaluated {
        self.last = Some(at);
        let seen = at.minus(self.query_offset);
        let mut all = Evaluated::default();
        for evaluating in &mut self.rules {
            let run = metrics.map(MonitoringMetrics::start_rule_evaluation);
            let started = Instant::now();
            let result = evaluating.evaluate(at, seen, engine, source, outside, &mut all);
            if let (Some(run), Ok(())) = (run, &result) {
                run.end(Status::Success);
            }
            all.failures += usize::from(result.is_err());
            if let Err(error) = &result {
                tracing::warn!(rule = evaluating.rule.name(), group = %self.name, %error, "an alert rule cannot be evaluated");
            }
            evaluating.health = RuleHealth { evaluated_at: Some(at), took: started.elapsed(), error: result.err() };
        }
        for alerts in &mut self.leaving {
            // Nothing is found any more; what is over long enough is forgotten.
            let _nothing_changes = alerts.step(at, Terms::default(), Vec::new());
        }
        self.leaving.retain(|alerts| alerts.iter().next().is_some());
        all
    }

    /// Returns what is to be told now.
    pub(super) fn notices(&mut self, now: Timestamp, resend_after: Duration) -> Vec<Notice> {
        let interval = self.interval;
        let alerts = self.rules.iter_mut().map(|rule| &mut rule.alerts).chain(&mut self.leaving);
        alerts.flat_map(|alerts| alerts.notices(now, resend_after, interval)).collect()
    }
}

impl Evaluating {
    fn evaluate(
        &mut self,
        at: Timestamp,
        seen: Timestamp,
        engine: &Engine,
        source: &dyn RuleSource,
        outside: &Outside,
        all: &mut Evaluated,
    ) -> Result<(), String> {
        let found = ask(engine, source, self.rule.query(), seen)?;
        if self.rule.records() {
            return self.record(found, at, source);
        }
        let query = |text: &str| {
            let query = Query::parse(text).map_err(|error| error.to_string())?;
            ask(engine, source, &query, seen)
        };
        let alert = |sample: TemplateSample| {
            let data = TemplateData {
                labels: &sample.labels,
                value: sample.value,
                external_labels: &outside.external_labels,
                external_url: &outside.external_url,
                query: &query,
            };
            self.rule.alert(&data, at)
        };
        let found = found.into_iter().filter_map(alert).collect();
        let step = self.alerts.step(at, self.rule.terms(), found);
        let result = match step {
            Ok(transitions) => {
                all.transitions.extend(transitions);
                Ok(())
            }
            Err(error) => {
                let said = error.to_string();
                if let StepError::TooMany { ended, .. } = error {
                    all.transitions.extend(ended);
                }
                Err(said)
            }
        };
        // What is pending no longer and never fired has left the rule, and is to be written once more.
        let gone = all.transitions.iter().filter(|change| change.alert.state == AlertState::Inactive);
        let gone = gone.filter(|change| change.alert.rule == self.rule.id()).map(|change| change.alert.clone());
        let gone: Vec<_> = gone.collect();
        all.alerts.extend(self.alerts.iter().cloned().chain(gone));
        let series: Vec<_> = self.alerts.iter().flat_map(series_of).collect();
        self.put(series, at, source);
        result
    }

    fn record(&mut self, found: Vec<TemplateSample>, at: Timestamp, source: &dyn RuleSource) -> Result<(), String> {
        let mut series = BTreeMap::new();
        for sample in found {
            let labels = LabelSet::new(self.rule.recorded(sample.labels));
            if series.insert(labels, sample.value).is_some() {
                return Err(StepError::SameLabels.to_string());
            }
        }
        let (count, limit) = (series.len(), self.rule.limit());
        if limit > 0 && count > limit {
            return Err(format!("the rule records {count} series, more than the {limit} that it may"));
        }
        self.put(series.into_iter().collect(), at, source);
        Ok(())
    }

    /// Records points, and marks as ended what was there the last time and is not now.
    fn put(&mut self, points: Vec<(LabelSet, f64)>, at: Timestamp, source: &dyn RuleSource) {
        let millis = at.as_micros().div_euclid(1000);
        let mut series = Vec::with_capacity(points.len());
        let mut recorded = BTreeSet::new();
        for (labels, value) in points {
            recorded.insert(labels.clone());
            series.push(Series { labels, points: vec![(millis, value)] });
        }
        let ended = self.recorded.difference(&recorded);
        series.extend(ended.map(|labels| Series { labels: labels.clone(), points: vec![(millis, stale())] }));
        self.recorded = recorded;
        if !series.is_empty() {
            source.record(series);
        }
    }
}

/// The series by which Prometheus shows an alert that is pending or fires.
fn series_of(alert: &Alert) -> Vec<(LabelSet, f64)> {
    if !matches!(alert.state, AlertState::Pending | AlertState::Firing) {
        return Vec::new();
    }
    let labels = |more: &[(&str, &str)]| {
        let own = alert.labels.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        LabelSet::new(own.chain(more.iter().copied()))
    };
    let since = alert.active_at.as_micros().div_euclid(1_000_000);
    vec![
        (labels(&[(METRIC_NAME, "ALERTS"), ("alertstate", alert.state.as_str())]), 1.0),
        (labels(&[(METRIC_NAME, "ALERTS_FOR_STATE")]), since as f64),
    ]
}

/// Asks for the vector of a query; a scalar is one element without labels.
fn ask(engine: &Engine, source: &dyn RuleSource, query: &Query, at: Timestamp) -> Result<Vec<TemplateSample>, String> {
    let value = engine.instant(query, source, at.as_micros().div_euclid(1000)).map_err(|error| error.to_string())?;
    match value {
        Value::Scalar(value) => Ok(vec![TemplateSample { labels: BTreeMap::new(), value }]),
        Value::Vector(samples) => Ok(samples
            .into_iter()
            .map(|sample| TemplateSample {
                labels: sample.labels.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
                value: sample.value,
            })
            .collect()),
        _ => Err("a rule's query results in a vector or a scalar".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_that_were_missed_are_passed_over_and_not_made_up_for() {
        let file: super::super::RuleFile = "groups: [{name: g, interval: 10s}]".parse().unwrap();
        let mut group = Group::new(file.groups[0].clone(), Duration::from_secs(60));
        let at = |seconds: i64| Timestamp::from_micros(seconds * 1_000_000);
        assert_eq!(group.due(at(1003)), Some((at(1000), 0)));
        group.last = Some(at(1000));
        assert_eq!(group.due(at(1009)), None);
        assert_eq!(group.due(at(1010)), Some((at(1010), 0)));
        assert_eq!(group.due(at(1047)), Some((at(1040), 3)));
        // A clock that was set back: the group waits until it is where it was.
        assert_eq!(group.due(at(900)), None);
    }
}
