//! A rule that is ready to be evaluated: its query and templates are read.

use std::collections::BTreeMap;
use std::time::Duration;

use promql_parser::parser::Expr;
use promql_parser::util::{ExprVisitor, walk_expr};
use thiserror::Error;
use uuid::Uuid;

use super::states::Terms;
use super::template::{Template, TemplateData};
use super::threshold::Comparison;
use crate::alert::Alert;
use crate::id::Id;
use crate::incident::Severity;
use crate::promql::engine::Query;
use crate::rule::AlertRule;
use crate::sample::is_name;
use crate::timestamp::Timestamp;

/// The label that holds a rule's name.
pub(super) const ALERT_NAME: &str = "alertname";

/// Says what is wrong with a rule, and where.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{}{reason}", self.place())]
#[non_exhaustive]
pub struct RuleError {
    /// The field of the rule.
    pub field: &'static str,
    /// The byte of the query or template at which it is, from 0; none where it is about the field as a whole.
    pub position: Option<usize>,
    /// What is wrong.
    pub reason: String,
}

impl RuleError {
    fn new(field: &'static str, reason: impl Into<String>) -> Self {
        Self { field, position: None, reason: reason.into() }
    }

    pub(super) fn about(field: &'static str, reason: impl Into<String>) -> Self {
        Self::new(field, reason)
    }

    fn place(&self) -> String {
        self.position.map_or_else(String::new, |at| format!("at byte {at} of `{}`: ", self.field))
    }
}

/// A rule whose query and templates have been read: it can be evaluated.
#[derive(Debug, Clone)]
pub struct Rule {
    written: AlertRule,
    records: bool,
    query: Query,
    /// What the value has to be above, where the query itself does not compare.
    above: Option<f64>,
    labels: Vec<(String, Template)>,
    annotations: Vec<(String, Template)>,
    limit: usize,
    looks_back: Duration,
}

impl Rule {
    /// Reads a rule of the API's or of the app's own. Its severity becomes the label `severity`, unless it has that label.
    ///
    /// # Errors
    ///
    /// When the query or a template cannot be evaluated, with the position; when the threshold contradicts the query.
    pub fn read(rule: &AlertRule) -> Result<Self, RuleError> {
        let mut labels = rule.labels.clone();
        labels.entry("severity".to_owned()).or_insert_with(|| rule.severity.as_str().to_owned());
        Self::of(rule.clone(), &labels, false, 0)
    }

    /// Reads a rule of the app's own, which gets the id by which it is known again.
    pub(super) fn of_the_app(mut rule: AlertRule, group: &str) -> Result<Self, RuleError> {
        let draft = RuleDraft { name: rule.name.clone(), labels: rule.labels.clone(), ..RuleDraft::default() };
        rule.id = draft.known_id(group, 0);
        Self::read(&rule)
    }

    fn of(
        written: AlertRule,
        labels: &BTreeMap<String, String>,
        records: bool,
        limit: usize,
    ) -> Result<Self, RuleError> {
        let query = Query::parse(&written.query).map_err(|error| RuleError {
            field: "query",
            position: Some(error.position()),
            reason: error.to_string(),
        })?;
        let above = threshold(&written)?;
        let looks_back = looks_back(&written.query);
        let labels = templates("labels", labels, records)?;
        let annotations = templates("annotations", &written.annotations, records)?;
        Ok(Self { written, records, query, above, labels, annotations, limit, looks_back })
    }

    /// Returns its id. A rule that comes with the app has the same after every start.
    pub fn id(&self) -> Id {
        self.written.id
    }

    /// Returns its name: that of its alerts, or of the series that it records.
    pub fn name(&self) -> &str {
        &self.written.name
    }

    /// Returns the rule as it was written.
    pub fn written(&self) -> &AlertRule {
        &self.written
    }

    /// Tells whether it records a series and has no alerts.
    pub fn records(&self) -> bool {
        self.records
    }

    /// Returns its query.
    pub fn query(&self) -> &Query {
        &self.query
    }

    /// Returns how far in the past its query looks beyond a series' present value: a history that is shorter may have
    /// no answer.
    pub fn looks_back(&self) -> Duration {
        self.looks_back
    }

    pub(super) fn terms(&self) -> Terms {
        Terms::new(self.written.pending_for, self.written.keep_firing_for).limit(self.limit)
    }

    pub(super) fn limit(&self) -> usize {
        self.limit
    }

    /// Makes a new alert of what the query found; `None` where that is not above the threshold.
    pub(super) fn alert(&self, data: &TemplateData<'_>, now: Timestamp) -> Option<Alert> {
        // What is no number is not above anything.
        if self.above.is_some_and(|threshold| data.value.partial_cmp(&threshold) != Some(std::cmp::Ordering::Greater)) {
            return None;
        }
        let mut labels = data.labels.clone();
        labels.remove("__name__");
        for (name, template) in &self.labels {
            labels.insert(name.clone(), template.expand_or_say(data));
        }
        labels.insert(ALERT_NAME.to_owned(), self.written.name.clone());
        labels.retain(|_, value| !value.is_empty());
        let mut alert = Alert::new(self.written.id, labels, now);
        let texts = self.annotations.iter().map(|(name, template)| (name.clone(), template.expand_or_say(data)));
        alert.annotations = texts.collect();
        alert.value = data.value.is_finite().then_some(data.value);
        Some(alert)
    }

    /// Names the series that the rule records of what its query found.
    pub(super) fn recorded(&self, mut labels: BTreeMap<String, String>) -> BTreeMap<String, String> {
        labels.extend(self.labels.iter().map(|(name, text)| (name.clone(), text.as_str().to_owned())));
        labels.insert("__name__".to_owned(), self.written.name.clone());
        labels.retain(|_, value| !value.is_empty());
        labels
    }
}

/// A rule of a file before it is read.
#[derive(Debug, Clone, Default)]
pub(super) struct RuleDraft {
    pub(super) name: String,
    pub(super) records: bool,
    pub(super) query: String,
    pub(super) pending_for: Duration,
    pub(super) keep_firing_for: Duration,
    pub(super) labels: BTreeMap<String, String>,
    pub(super) annotations: BTreeMap<String, String>,
    pub(super) limit: usize,
}

impl RuleDraft {
    /// The id by which the rule is known again after a restart, among its group's and for the `twin`th of its name and
    /// labels: changing anything else leaves it the same rule.
    pub(super) fn known_id(&self, group: &str, twin: usize) -> Id {
        let label = |(name, value): (&String, &String)| (format!("label {name}"), value.clone());
        let mut parts: BTreeMap<_, _> = self.labels.iter().map(label).collect();
        let kind = if self.records { "record" } else { "alert" };
        parts.extend([
            ("group".into(), group.into()),
            (kind.into(), self.name.clone()),
            ("twin".into(), twin.to_string()),
        ]);
        let hash = u128::from_str_radix(&Alert::fingerprint(Id::MIN, &parts), 16).unwrap_or(0);
        // A UUID of version 7 from 1970: nothing that happens has such an id.
        let bits = hash & (u128::MAX >> 66) | 7 << 76 | 0b10 << 62;
        Id::try_from(Uuid::from_u128(bits)).unwrap_or(Id::MIN)
    }

    pub(super) fn read(self, id: Id) -> Result<Rule, RuleError> {
        let is_named = if self.records { is_name(&self.name, |c| c == ':') } else { !self.name.is_empty() };
        if !is_named {
            return Err(RuleError::new("name", format!("`{}` cannot be the name of a series", self.name)));
        }
        let mut written = AlertRule::new(self.name, self.query, Timestamp::now());
        written.id = id;
        written.pending_for = self.pending_for;
        written.keep_firing_for = self.keep_firing_for;
        written.severity = severity_of(&self.labels);
        written.labels = self.labels;
        written.annotations = self.annotations;
        let labels = written.labels.clone();
        Rule::of(written, &labels, self.records, self.limit)
    }
}

/// Reads how grave an alert is from its label `severity`: those of incidents, and those in use among Prometheus' users.
/// Medium where there is none, or another.
pub(super) fn severity_of(labels: &BTreeMap<String, String>) -> Severity {
    match labels.get("severity").map(|severity| severity.to_ascii_lowercase()).as_deref() {
        Some("critical" | "page" | "emergency" | "disaster") => Severity::Critical,
        Some("high" | "error" | "major") => Severity::High,
        Some("low" | "info" | "information" | "none" | "notice") => Severity::Low,
        _ => Severity::Medium,
    }
}

fn threshold(rule: &AlertRule) -> Result<Option<f64>, RuleError> {
    let error = |reason: String| Err(RuleError::new("threshold_value", reason));
    match (rule.threshold_value, Comparison::of(&rule.query)) {
        (None, _) => Ok(None),
        (Some(threshold), Comparison::None) => Ok(Some(threshold)),
        (Some(threshold), Comparison::With(number)) if threshold == number => Ok(None),
        (Some(threshold), Comparison::With(number)) => {
            error(format!("the query compares with {number}, not with {threshold}; leave one of them out"))
        }
        (Some(_), Comparison::Other) => error("the query compares already, and not with one number".to_owned()),
    }
}

fn templates(
    field: &'static str,
    texts: &BTreeMap<String, String>,
    as_they_are: bool,
) -> Result<Vec<(String, Template)>, RuleError> {
    let read = |(name, text): (&String, &String)| {
        if !is_name(name, |_| false) || (field == "labels" && name == "__name__") {
            return Err(RuleError::new(field, format!("`{name}` cannot be a name here")));
        }
        if as_they_are {
            return Ok((name.clone(), Template::plain(text)));
        }
        let template = text.parse().map_err(|error: super::TemplateError| RuleError {
            field,
            position: Some(error.at),
            reason: format!("`{name}`: {}", error.reason),
        })?;
        Ok((name.clone(), template))
    };
    texts.iter().map(read).collect()
}

/// Adds up ranges and offsets: the longest way into the past.
fn looks_back(query: &str) -> Duration {
    struct Ranges(Duration);
    impl ExprVisitor for Ranges {
        type Error = std::convert::Infallible;

        fn pre_visit(&mut self, expr: &Expr) -> Result<bool, Self::Error> {
            match expr {
                Expr::MatrixSelector(matrix) => self.0 = self.0.max(matrix.range),
                Expr::Subquery(subquery) => self.0 = self.0.max(subquery.range),
                _ => {}
            }
            Ok(true)
        }
    }
    let mut ranges = Ranges(Duration::ZERO);
    if let Ok(expr) = promql_parser::parser::parse(query) {
        let Ok(_) = walk_expr(&mut ranges, &expr);
    }
    ranges.0
}
