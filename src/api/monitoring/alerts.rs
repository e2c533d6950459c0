//! The routes of alert rules: those of the API are made, changed and removed; those that came with the app are shown.

use std::collections::BTreeMap;
use std::time::Duration;

use http::Method;
use serde::{Deserialize, Deserializer, Serialize};

use super::Role;
use super::answer::Answer;
use super::call::Call;
use super::error::{ApiError, Code};
use super::incidents::SEVERITY;
use super::query::{PAGE, Parameter, paged};
use super::route::{Answers, Route};
use super::schema::{Field, Object, Schema};
use crate::alert::AlertState;
use crate::alerting::{Alerting, RuleError, RuleStatus};
use crate::event::MAX_IDENTITY_BYTES;
use crate::incident::Severity;
use crate::rule::AlertRule;
use crate::sanitise::MAX_TEXT_BYTES;
use crate::store::{Changed, RuleQuery};
use crate::timestamp::Timestamp;

/// The longest name of a rule, in bytes.
const MAX_NAME: usize = crate::sample::MAX_NAME_BYTES;
/// The longest time that a rule may say, in seconds: a year.
const MAX_SECONDS: u64 = 366 * 86_400;

const STATE: Schema = Schema::Named(|| AlertState::ALL.iter().map(|value| value.as_str()).collect());
const ORIGINS: [&str; 2] = ["api", "app"];
const SECONDS: Schema = Schema::Whole(0, MAX_SECONDS);

const DRAFT: Object = Object {
    name: "AlertRuleDraft",
    fields: &[
        Field::required(
            "name",
            Schema::Name(MAX_NAME),
            "Its name, such as `HighLoad`: the label `alertname` of its alerts.",
        ),
        Field::optional("description", Schema::Text(MAX_TEXT_BYTES), "What it is for."),
        Field::required("query", Schema::Text(MAX_TEXT_BYTES), "A PromQL expression, such as `cpu_usage > 80`."),
        Field::optional(
            "threshold_value",
            Schema::Number,
            "What the value has to be above, where the query does not compare.",
        ),
        Field::optional("for_seconds", SECONDS, "How long it has to be found before it fires; 0 by default."),
        Field::optional(
            "keep_firing_for_seconds",
            SECONDS,
            "How long it fires after it is found no longer; 0 by default.",
        ),
        Field::optional("severity", SEVERITY, "How much harm it tells of; medium by default."),
        Field::optional("labels", Schema::Labels, "Labels that its alerts get, as templates."),
        Field::optional("annotations", Schema::Labels, "Texts that its alerts get, as templates."),
        Field::optional("enabled", Schema::Flag, "Whether it is evaluated; true by default."),
    ],
};

const CHANGE: Object = Object {
    name: "AlertRuleChange",
    fields: &[
        Field::optional("version", Schema::Whole(1, u64::MAX >> 1), "The version that the change is made from."),
        Field::optional("name", Schema::Name(MAX_NAME), "Its name."),
        Field::optional("description", Schema::Text(MAX_TEXT_BYTES), "What it is for."),
        Field::optional("query", Schema::Text(MAX_TEXT_BYTES), "A PromQL expression."),
        Field::clearable("threshold_value", Schema::Number, "What the value has to be above; null for nothing."),
        Field::optional("for_seconds", SECONDS, "How long it has to be found before it fires."),
        Field::optional("keep_firing_for_seconds", SECONDS, "How long it fires after it is found no longer."),
        Field::optional("severity", SEVERITY, "How much harm it tells of."),
        Field::optional("labels", Schema::Labels, "Labels that its alerts get, all of them."),
        Field::optional("annotations", Schema::Labels, "Texts that its alerts get, all of them."),
        Field::optional("enabled", Schema::Flag, "Whether it is evaluated."),
    ],
};

const RULE: Object = Object {
    name: "AlertRule",
    fields: &[
        Field::required("id", Schema::Id, "Its id."),
        Field::required("name", Schema::Text(MAX_TEXT_BYTES), "Its name."),
        Field::required("description", Schema::Text(MAX_TEXT_BYTES), "What it is for."),
        Field::required("query", Schema::Text(MAX_TEXT_BYTES), "A PromQL expression."),
        Field::nullable("threshold_value", Schema::Number, "What the value has to be above."),
        Field::required("for_seconds", Schema::Number, "How long it has to be found before it fires."),
        Field::required("keep_firing_for_seconds", Schema::Number, "How long it fires after it is found no longer."),
        Field::required("severity", SEVERITY, "How much harm it tells of."),
        Field::required("labels", Schema::Fields, "Labels that its alerts get, as templates."),
        Field::required("annotations", Schema::Fields, "Texts that its alerts get, as templates."),
        Field::required("enabled", Schema::Flag, "Whether it is evaluated."),
        Field::nullable("created_by", Schema::Text(MAX_IDENTITY_BYTES), "Who made it; null when it came with the app."),
        Field::required("created_at", Schema::Time, "When it was made, or read."),
        Field::required("updated_at", Schema::Time, "When it was last changed."),
        Field::required(
            "version",
            Schema::Whole(1, u64::MAX >> 1),
            "How often it was changed, and one; the same as `ETag`.",
        ),
        Field::required(
            "origin",
            Schema::Named(|| ORIGINS.to_vec()),
            "Where it came from; one of the app is not changed here.",
        ),
        Field::required("group", Schema::Text(MAX_TEXT_BYTES), "The group that it is evaluated in."),
        Field::required("state", STATE, "The state of its alert that is furthest."),
        Field::nullable("value", Schema::Number, "What the query answered last for that alert."),
        Field::nullable("since", Schema::Time, "Since when it is in that state; null where it is inactive."),
        Field::required("alerts", Schema::Whole(0, u64::MAX >> 1), "How many alerts are pending or fire."),
        Field::nullable("evaluated_at", Schema::Time, "When this instance evaluated it last; null where it did not."),
        Field::nullable("error", Schema::Text(MAX_TEXT_BYTES), "What was wrong then."),
    ],
};

const FILTERS: &[Parameter] = &[Parameter::query(
    "origin",
    Schema::Named(|| ORIGINS.to_vec()),
    "Those of the API, which is the default, or of the app.",
)];

#[derive(Deserialize)]
struct Draft {
    name: String,
    query: String,
    #[serde(flatten)]
    rest: Change,
}

#[derive(Deserialize)]
struct Change {
    version: Option<u64>,
    name: Option<String>,
    description: Option<String>,
    query: Option<String>,
    #[serde(default, deserialize_with = "told")]
    threshold_value: Option<Option<f64>>,
    for_seconds: Option<u64>,
    keep_firing_for_seconds: Option<u64>,
    severity: Option<Severity>,
    labels: Option<BTreeMap<String, String>>,
    annotations: Option<BTreeMap<String, String>>,
    enabled: Option<bool>,
}

/// Tells null from what is left out.
fn told<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Option<f64>>, D::Error> {
    Option::deserialize(from).map(Some)
}

/// A rule as it is shown.
#[derive(Serialize)]
struct Shown {
    #[serde(flatten)]
    rule: AlertRule,
    origin: &'static str,
    group: String,
    state: AlertState,
    value: Option<f64>,
    since: Option<Timestamp>,
    alerts: usize,
    evaluated_at: Option<Timestamp>,
    error: Option<String>,
}

impl From<RuleStatus> for Shown {
    fn from(status: RuleStatus) -> Self {
        Self {
            rule: status.rule,
            origin: ORIGINS[usize::from(status.shipped)],
            group: status.group,
            state: status.state,
            value: status.value,
            since: status.since,
            alerts: status.alerts,
            evaluated_at: status.health.as_ref().and_then(|health| health.evaluated_at),
            error: status.health.and_then(|health| health.error),
        }
    }
}

impl Change {
    fn make(self, rule: &mut AlertRule) {
        fn set<T>(to: Option<T>, what: &mut T) {
            if let Some(to) = to {
                *what = to;
            }
        }
        set(self.name, &mut rule.name);
        set(self.description, &mut rule.description);
        set(self.query, &mut rule.query);
        set(self.threshold_value, &mut rule.threshold_value);
        set(self.for_seconds.map(Duration::from_secs), &mut rule.pending_for);
        set(self.keep_firing_for_seconds.map(Duration::from_secs), &mut rule.keep_firing_for);
        set(self.severity, &mut rule.severity);
        set(self.labels, &mut rule.labels);
        set(self.annotations, &mut rule.annotations);
        set(self.enabled, &mut rule.enabled);
    }
}

/// The rows of the table.
pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::new(Method::POST, "/alerts", Role::Moderator, "createAlertRule", create)
            .about("Makes an alert rule. What is wrong with its query or a template is said with the position.")
            .takes(&DRAFT)
            .idempotent()
            .answers(Answers::Created(Schema::Object(&RULE))),
        Route::new(Method::GET, "/alerts", Role::Moderator, "listAlertRules", list)
            .about("Finds alert rules and how they stand. Those of the app are all on one page.")
            .query(FILTERS)
            .query(PAGE)
            .answers(Answers::Page(Schema::Object(&RULE))),
        Route::new(Method::GET, "/alerts/{id}", Role::Moderator, "getAlertRule", get)
            .about("Finds an alert rule by its id.")
            .answers(Answers::One(Schema::Object(&RULE))),
        Route::new(Method::PUT, "/alerts/{id}", Role::Moderator, "changeAlertRule", put)
            .about("Changes an alert rule of the API. What is left out stays as it is, and so do its alerts.")
            .takes(&CHANGE)
            .versioned()
            .answers(Answers::One(Schema::Object(&RULE))),
        Route::new(Method::DELETE, "/alerts/{id}", Role::Moderator, "removeAlertRule", delete)
            .about("Removes an alert rule of the API, and answers how it was. Its alerts are over with the next evaluation.")
            .conflicts()
            .answers(Answers::One(Schema::Object(&RULE))),
    ]
}

impl From<RuleError> for ApiError {
    fn from(error: RuleError) -> Self {
        let said = crate::sanitise::truncate(&error.to_string(), 1024).to_owned();
        Self::new(Code::InvalidField, said).field(error.field)
    }
}

fn alerting(call: &Call) -> Result<&Alerting, ApiError> {
    let off = || ApiError::new(Code::Unsupported, "this service evaluates no alert rules");
    call.services().alerting.as_ref().ok_or_else(off)
}

async fn shown(alerting: &Alerting, rule: AlertRule) -> Result<Shown, ApiError> {
    let status = alerting.status(vec![rule]).await?.pop();
    status.map(Shown::from).ok_or_else(ApiError::not_found)
}

/// Finds a rule of the API; one of the app is an error of its own.
async fn of_the_api(call: &Call) -> Result<AlertRule, ApiError> {
    let id = call.id()?;
    if alerting(call)?.shipped().any(|(_, rule)| rule.id == id) {
        return Err(ApiError::new(Code::Conflict, "it came with the app, and is changed there"));
    }
    call.services().store.rule(id).await?.ok_or_else(ApiError::not_found)
}

async fn create(mut call: Call) -> Result<Answer, ApiError> {
    let key = call.key("alerts", Timestamp::now())?;
    let draft: Draft = call.body()?;
    let now = match &key {
        Some(key) => call.within_window(key.time)?,
        None => Timestamp::now(),
    };
    let mut rule = AlertRule::new(draft.name, draft.query, now);
    draft.rest.make(&mut rule);
    rule.created_by = Some(call.principal().name().to_owned());
    if let Some(key) = &key {
        rule.id = key.id(0, now);
    }
    let rule = rule.check()?;
    let alerting = alerting(&call)?;
    alerting.check(&rule)?;
    let store = &call.services().store;
    let there = store.rules(&RuleQuery::new().limit(Alerting::most_rules())).await?;
    if there.items.len() >= Alerting::most_rules() && !there.items.iter().any(|known| known.id == rule.id) {
        return Err(ApiError::new(Code::Conflict, format!("there are {} rules already", Alerting::most_rules())));
    }
    match store.add_rule(&rule).await? {
        Changed::Done => {
            let (path, version) = (format!("/alerts/{}", rule.id), rule.version);
            Ok(Answer::created(&shown(alerting, rule).await?, Some(path))?.version(version))
        }
        Changed::Stale(there) if there.version == 1 && (&there.name, &there.query) != (&rule.name, &rule.query) => {
            Err(ApiError::new(Code::KeyReused, "the idempotency key was used for something else"))
        }
        Changed::Stale(there) | Changed::KeyTaken(there) => answer(alerting, *there).await,
        Changed::Absent => Err(ApiError::not_found()),
    }
}

async fn answer(alerting: &Alerting, rule: AlertRule) -> Result<Answer, ApiError> {
    let version = rule.version;
    Ok(Answer::ok(&shown(alerting, rule).await?)?.version(version))
}

async fn list(call: Call) -> Result<Answer, ApiError> {
    let alerting = alerting(&call)?;
    let (rules, next) = if call.query().text("origin") == Some(ORIGINS[1]) {
        (alerting.shipped().map(|(_, rule)| rule.clone()).take(crate::store::MAX_LIMIT).collect(), None)
    } else {
        let page = call.services().store.rules(&paged!(RuleQuery::new(), call.query())).await?;
        (page.items, page.next)
    };
    let shown: Vec<_> = alerting.status(rules).await?.into_iter().map(Shown::from).collect();
    Answer::page(&shown, next)
}

async fn get(call: Call) -> Result<Answer, ApiError> {
    let (id, alerting) = (call.id()?, alerting(&call)?);
    let shipped = alerting.shipped().find(|(_, rule)| rule.id == id).map(|(_, rule)| rule.clone());
    let rule = match shipped {
        Some(rule) => rule,
        None => call.services().store.rule(id).await?.ok_or_else(ApiError::not_found)?,
    };
    answer(alerting, rule).await
}

async fn put(mut call: Call) -> Result<Answer, ApiError> {
    let change: Change = call.body()?;
    let there = of_the_api(&call).await?;
    let stale = || ApiError::new(Code::StaleVersion, "somebody else has changed it since that version");
    call.seen(there.version, change.version)?;
    let mut rule = there.clone();
    change.make(&mut rule);
    let alerting = alerting(&call)?;
    if rule == there {
        return answer(alerting, there).await;
    }
    rule.updated_at = Timestamp::now().max(there.updated_at);
    rule.version += 1;
    let rule = rule.check()?;
    alerting.check(&rule)?;
    match call.services().store.change_rule(there.version, &rule).await? {
        Changed::Done => answer(alerting, rule).await,
        Changed::Absent => Err(ApiError::not_found()),
        Changed::Stale(_) | Changed::KeyTaken(_) => Err(stale()),
    }
}

async fn delete(call: Call) -> Result<Answer, ApiError> {
    let rule = of_the_api(&call).await?;
    if !call.services().store.remove_rule(rule.id).await? {
        return Err(ApiError::not_found());
    }
    answer(alerting(&call)?, rule).await
}
