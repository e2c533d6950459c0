//! The audit trail: who changed what, who was refused, who read what is another's.
//!
//! An entry is an event of the watch itself, from the source [`SOURCE`], which callers cannot use. So it is kept where
//! events are kept and as long, by any store, nobody can change it, and nobody below a moderator sees it.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use http::Method;
use http::request::Parts;
use serde::Serialize;
use serde_json::Value;

use super::answer::Answer;
use super::call::Call;
use super::error::{ApiError, Code};
use super::query::{PAGE, Parameter, TIMES, paged};
use super::rate::Rate;
use super::route::{Answers, Route};
use super::schema::{Field, Object, Schema};
use super::{Principal, Role, Services};
use crate::event::{Event, EventDraft, Level, MAX_IDENTITY_BYTES, TimeWindow};
use crate::id::Id;
use crate::store::{EventQuery, Scope};
use crate::timestamp::Timestamp;

/// The source of audit entries.
pub(super) const SOURCE: &str = "watchkeeper.audit";

/// How often the same refusal, or the same read of another's things, makes an entry.
const SAME: Duration = Duration::from_secs(60);

/// The longest path that is noted, in bytes.
const MAX_PATH_BYTES: usize = 256;

const OUTCOMES: [&str; 3] = ["done", "failed", "refused"];
const OUTCOME: Schema = Schema::Named(|| OUTCOMES.to_vec());
const NAME: Schema = Schema::Text(MAX_IDENTITY_BYTES);

const ENTRY: Object = Object {
    name: "AuditEntry",
    fields: &[
        Field::required("id", Schema::Id, "Its id, which holds its time."),
        Field::required("timestamp", Schema::Time, "When it was."),
        Field::nullable("principal", NAME, "Who it was; null where that is not known."),
        Field::nullable("role", Schema::Text(64), "Their role."),
        Field::nullable("action", Schema::Text(64), "What they did: the `operationId` of the route."),
        Field::nullable("outcome", OUTCOME, "What became of it."),
        Field::nullable("status", Schema::Whole(100, 599), "The status that it was answered with."),
        Field::nullable("path", Schema::Text(MAX_PATH_BYTES), "The path, without its query."),
        Field::nullable("from", Schema::Text(64), "The address that it came from, where that is known."),
    ],
};

const FILTERS: &[Parameter] = &[
    Parameter::query("principal", NAME, "By somebody."),
    Parameter::query("action", Schema::Text(64), "Of this action."),
    Parameter::query("outcome", OUTCOME, "With this outcome."),
];

/// Keeps what is the same from being noted too often.
#[derive(Debug)]
pub(super) struct Trail {
    same: Rate,
}

/// One call, as far as it is noted.
#[derive(Debug, Clone)]
pub(super) struct Noted {
    principal: Option<Principal>,
    action: &'static str,
    path: String,
    from: Option<IpAddr>,
}

#[derive(Serialize)]
struct Entry<'a> {
    id: Id,
    timestamp: Timestamp,
    principal: Option<&'a str>,
    role: Option<&'a str>,
    action: Option<&'a str>,
    outcome: Option<&'a str>,
    status: Option<u64>,
    path: Option<&'a str>,
    from: Option<&'a str>,
}

impl Noted {
    /// Takes what is to be noted of a call.
    pub(super) fn of(principal: Option<&Principal>, action: &'static str, head: &Parts, from: Option<IpAddr>) -> Self {
        let path = crate::sanitise::truncate(head.uri.path(), MAX_PATH_BYTES).to_owned();
        Self { principal: principal.cloned(), action, path, from }
    }

    fn event(&self, outcome: &str, status: u16) -> EventDraft {
        let level = if outcome == "done" { Level::Info } else { Level::Warn };
        let mut event = Event::log(SOURCE).level(level);
        event = event.tag("action", self.action).tag("outcome", outcome).tag("status", status);
        event = event.detail("path", self.path.as_str());
        if let Some(principal) = &self.principal {
            event = event.tag("principal", principal.name()).tag("role", principal.role().as_str());
        }
        match self.from {
            Some(from) => event.tag("from", from.to_string()),
            None => event,
        }
    }
}

impl Trail {
    pub(super) fn new() -> Self {
        Self { same: Rate::new(SAME, 1) }
    }

    /// Notes a change, or that it failed, before the answer is given. Where the store does not take it now, the journal
    /// goes on trying.
    pub(super) async fn change(&self, services: &Services, noted: &Noted, status: u16) {
        let draft = noted.event(if status < 400 { "done" } else { "failed" }, status);
        let (event, _) = draft.clone().accept(TimeWindow::default(), Timestamp::now());
        if services.store.append_events(&[Arc::new(event)]).await.is_err() {
            services.journal.record_event(draft);
        }
    }

    /// Notes that somebody was refused; the same refusal once a minute.
    pub(super) fn refusal(&self, services: &Services, noted: &Noted, status: u16) {
        let who = noted.principal.as_ref().map(Principal::name);
        let from = if who.is_none() { noted.from } else { None };
        if self.same.take(&("refused", who, from, noted.action), Instant::now()).is_ok() {
            services.journal.record_event(noted.event("refused", status));
        }
    }

    /// Notes that somebody read what is another's; the same path once a minute.
    pub(super) fn read(&self, services: &Services, noted: &Noted) {
        let who = noted.principal.as_ref().map(Principal::name);
        if self.same.take(&("read", who, &noted.path), Instant::now()).is_ok() {
            services.journal.record_event(noted.event("done", 200));
        }
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
            .answers(Answers::Page(Schema::Object(&ENTRY))),
    ]
}

/// Refuses the source of audit entries to callers.
pub(super) fn check_source(source: &Value) -> Result<(), ApiError> {
    if source == SOURCE {
        return Err(ApiError::new(Code::InvalidField, "this source is the watch's own").field("source"));
    }
    Ok(())
}

async fn list(call: Call) -> Result<Answer, ApiError> {
    let from = call.query();
    let mut query = paged!(EventQuery::new(Scope::All).source(SOURCE), from);
    query.start = from.time("start_time");
    query.end = from.time("end_time");
    for name in ["principal", "action", "outcome"] {
        if let Some(value) = from.text(name) {
            query = query.tag(name, value);
        }
    }
    let page = call.services().store.events(&query).await?;
    let items: Vec<_> = page.items.iter().map(|event| entry(event)).collect();
    Answer::page(&items, page.next)
}

fn entry(event: &Event) -> Entry<'_> {
    let tag = |name| event.tags().get(name).and_then(Value::as_str);
    Entry {
        id: event.id(),
        timestamp: event.timestamp(),
        principal: tag("principal"),
        role: tag("role"),
        action: tag("action"),
        outcome: tag("outcome"),
        status: event.tags().get("status").and_then(Value::as_u64),
        path: event.payload().get("path").and_then(Value::as_str),
        from: tag("from"),
    }
}
