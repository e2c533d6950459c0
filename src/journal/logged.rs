//! Log lines as events.

use crate::event::{Event, EventDraft, Level};
use crate::telemetry::Logged;

/// Makes an event of what was logged.
pub(crate) fn event_of(logged: Logged) -> EventDraft {
    let level = match logged.level {
        tracing::Level::TRACE => Level::Trace,
        tracing::Level::DEBUG => Level::Debug,
        tracing::Level::INFO => Level::Info,
        tracing::Level::WARN => Level::Warn,
        tracing::Level::ERROR => Level::Error,
    };
    let mut event = Event::log(logged.target).level(level);
    for (name, value) in logged.fields {
        event = event.detail(name, value);
    }
    if let Some(message) = logged.message {
        event = event.message(message);
    }
    if let Some(request) = logged.request_id {
        event = event.tag("request_id", request);
    }
    match logged.trace_id {
        Some(trace) => event.trace_id(trace),
        None => event,
    }
}
