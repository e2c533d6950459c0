//! The audit over HTTP: who changed what, who was refused, who read what is another's.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use http::Method;
use http::request::Parts;

use super::answer::Answer;
use super::call::Call;
use super::error::ApiError;
use super::query::{PAGE, Parameter, TIMES, paged};
use super::rate::Rate;
use super::route::{Answers, Route};
use super::schema::{Field, Object, Schema};
use super::{PREFIX, Principal, Role, Services};
use crate::audit::{AuditOutcome, AuditRecord, MAX_AUDIT_NAME_BYTES};
use crate::event::MAX_IDENTITY_BYTES;
use crate::store::AuditQuery;
use crate::timestamp::Timestamp;

/// How often the same refusal, or the same read of another's things, makes a record.
const SAME: Duration = Duration::from_secs(60);

const OUTCOME: Schema = Schema::Named(|| AuditOutcome::ALL.iter().map(|value| value.as_str()).collect());
const NAME: Schema = Schema::Text(MAX_IDENTITY_BYTES);
const ACTION: Schema = Schema::Text(MAX_AUDIT_NAME_BYTES);

const RECORD: Object = Object {
    name: "AuditRecord",
    fields: &[
        Field::required("id", Schema::Id, "Its id, which holds its time."),
        Field::required("timestamp", Schema::Time, "When it was tried."),
        Field::required("action", ACTION, "What was tried: the `operationId` of a route."),
        Field::required("outcome", OUTCOME, "What became of it."),
        Field::nullable("who", NAME, "Who tried; null where that is not known."),
        Field::nullable("role", NAME, "The role that they had."),
        Field::nullable("target", NAME, "What it was about: the path below the API's."),
        Field::nullable("address", NAME, "The address that it came from, where that is known."),
        Field::required("details", Schema::Fields, "Details, such as the `status` that it was answered with."),
    ],
};

const FILTERS: &[Parameter] = &[
    Parameter::query("who", NAME, "By somebody."),
    Parameter::query("action", ACTION, "Of this action."),
    Parameter::query("target", NAME, "About this."),
    Parameter::query("outcome", OUTCOME, "With this outcome."),
];

/// Writes the audit, and keeps what is the same from filling it.
#[derive(Debug)]
pub(super) struct Trail {
    same: Rate,
}

/// One call, as far as it is noted.
#[derive(Debug, Clone)]
pub(super) struct Noted {
    principal: Option<Principal>,
    action: &'static str,
    target: String,
    from: Option<IpAddr>,
}

impl Noted {
    /// Takes what is to be noted of a call.
    pub(super) fn of(principal: Option<&Principal>, action: &'static str, head: &Parts, from: Option<IpAddr>) -> Self {
        let path = head.uri.path();
        let target = path.strip_prefix(PREFIX).unwrap_or(path);
        let target = crate::sanitise::truncate(target, MAX_IDENTITY_BYTES).to_owned();
        Self { principal: principal.cloned(), action, target, from }
    }

    fn record(&self, outcome: AuditOutcome, status: u16) -> AuditRecord {
        let from = self.from.map(|from| from.to_string());
        let who = self.principal.as_ref();
        AuditRecord::new(self.action, outcome, Timestamp::now())
            .by(who.map(Principal::name))
            .role(who.map(|who| who.role().as_str()))
            .target(self.target.as_str())
            .address(from.as_deref())
            .detail("status", status)
    }
}

impl Trail {
    pub(super) fn new() -> Self {
        Self { same: Rate::new(SAME, 1) }
    }

    /// Notes a change, or that it was not possible, before it is answered.
    pub(super) async fn change(&self, services: &Services, noted: &Noted, status: u16) {
        let outcome = if status < 400 { AuditOutcome::Done } else { AuditOutcome::Refused };
        append(services, noted.record(outcome, status)).await;
    }

    /// Notes that somebody was refused; the same refusal once a minute.
    pub(super) async fn refusal(&self, services: &Services, noted: &Noted, status: u16) {
        let who = noted.principal.as_ref().map(Principal::name);
        let from = if who.is_none() { noted.from } else { None };
        if self.same.take(&("refused", who, from, noted.action), Instant::now()).is_ok() {
            append(services, noted.record(AuditOutcome::Refused, status)).await;
        }
    }

    /// Notes that somebody read what is another's; the same path once a minute.
    pub(super) async fn read(&self, services: &Services, noted: &Noted) {
        let who = noted.principal.as_ref().map(Principal::name);
        if self.same.take(&("read", who, &noted.target), Instant::now()).is_ok() {
            append(services, noted.record(AuditOutcome::Read, 200)).await;
        }
    }
}

/// Appends a record. What was done stays done where the store cannot note it; then the log does.
async fn append(services: &Services, record: AuditRecord) {
    let records = [record];
    if let Err(error) = services.store.append_audit(&records).await {
        let [record] = &records;
        tracing::error!(
            action = record.action,
            outcome = record.outcome.as_str(),
            who = record.who,
            target = record.target,
            address = record.address,
            error = &error as &dyn std::error::Error,
            "the audit could not be written, so it stands here"
        );
    }
}

/// The rows of the table.
pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::new(Method::GET, "/audit", Role::Moderator, "listAudit", list)
            .about("Finds who changed what, who was refused, and who read what is another's.")
            .query(FILTERS)
            .query(TIMES)
            .query(PAGE)
            .answers(Answers::Page(Schema::Object(&RECORD))),
    ]
}

async fn list(call: Call) -> Result<Answer, ApiError> {
    let from = call.query();
    let mut query = paged!(AuditQuery::new(), from);
    query.who = from.text("who").map(str::to_owned);
    query.action = from.text("action").map(str::to_owned);
    query.target = from.text("target").map(str::to_owned);
    query.outcome = from.parsed("outcome");
    query.start = from.time("start_time");
    query.end = from.time("end_time");
    let page = call.services().store.audit(&query).await?;
    Answer::page(&page.items, page.next)
}
