//! What is watched: a service, and what comes of its telemetry.

use std::time::Duration;

use crate::event::{Event, EventDraft, Level};
use crate::health::Check;
use crate::service::ServiceInfo;
use crate::telemetry::{Logged, Telemetry, TelemetryHandle};

/// What a [`Watchkeeper`] watches: a service, and its telemetry where it has that set up.
#[derive(Debug, Clone)]
pub struct Watched {
    pub(super) service: ServiceInfo,
    pub(super) telemetry: Option<TelemetryHandle>,
}

impl From<ServiceInfo> for Watched {
    fn from(service: ServiceInfo) -> Self {
        Self { service, telemetry: None }
    }
}

impl From<&Telemetry> for Watched {
    fn from(telemetry: &Telemetry) -> Self {
        Self::from(&**telemetry)
    }
}

impl From<&TelemetryHandle> for Watched {
    fn from(telemetry: &TelemetryHandle) -> Self {
        Self { service: telemetry.service(), telemetry: Some(telemetry.clone()) }
    }
}

/// Makes an event of what was logged.
pub(super) fn event_of(logged: Logged) -> EventDraft {
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

/// Checks of where telemetry goes. That something does not arrive there is no reason to serve nobody.
pub(super) fn checks_of_sinks(telemetry: &TelemetryHandle) -> Vec<Check> {
    let mut checks = Vec::new();
    for (sink, state) in telemetry.sinks() {
        let probe = move || std::future::ready(state());
        checks.push(Check::new(&format!("{sink}_sink"), probe).informational().keep(Duration::ZERO));
    }
    checks
}
