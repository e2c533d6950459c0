//! A span that is being recorded, and what is sent of it.

use std::borrow::Cow;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::attribute::{Attributes, Value};
use super::fields::Fields;
use super::pipeline::Pipeline;
use super::wire;
use crate::trace::{SpanId, TraceContext};

/// The most events and the most links of a span; further ones are counted in it as dropped.
const MOST_EVENTS: u32 = 128;
/// The most bytes of a span's events, so that a span stays small beside the queue that it waits in.
const MOST_EVENT_BYTES: usize = 32 << 10;

/// The role of a span in a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Internal = 1,
    Server = 2,
    Client = 3,
    Producer = 4,
    Consumer = 5,
}

impl Kind {
    pub(super) fn named(name: &str) -> Option<Self> {
        [Self::Internal, Self::Server, Self::Client, Self::Producer, Self::Consumer]
            .into_iter()
            .zip(["internal", "server", "client", "producer", "consumer"])
            .find_map(|(kind, known)| known.eq_ignore_ascii_case(name).then_some(kind))
    }
}

/// How what a span stands for ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Status {
    Unset = 0,
    Ok = 1,
    Error = 2,
}

impl Status {
    pub(super) fn named(name: &str) -> Option<Self> {
        if name.eq_ignore_ascii_case("ok") {
            return Some(Self::Ok);
        }
        name.eq_ignore_ascii_case("error").then_some(Self::Error)
    }
}

/// Where a span hangs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Parent {
    pub(super) span: SpanId,
    /// Whether it is another process'.
    pub(super) remote: bool,
}

/// A span that has begun and is recorded until it ends.
#[derive(Debug)]
pub(crate) struct OpenSpan {
    pub(super) context: TraceContext,
    parent: Option<Parent>,
    /// Whether the HTTP layer says when it ends; it ends with the `tracing` span otherwise.
    pub(super) of_request: bool,
    since_1970: Duration,
    start: Instant,
    pipeline: Arc<Pipeline>,
    body: Mutex<Option<Body>>,
}

#[derive(Debug)]
struct Body {
    name: Cow<'static, str>,
    kind: Kind,
    attributes: Attributes,
    /// Events and links, as they are sent.
    events: Vec<u8>,
    event_count: u32,
    dropped_events: u32,
    links: Vec<u8>,
    link_count: u32,
    dropped_links: u32,
    status: Status,
    description: Option<String>,
}

impl OpenSpan {
    pub(super) fn begin(
        pipeline: &Arc<Pipeline>,
        context: TraceContext,
        parent: Option<Parent>,
        name: &'static str,
        now: Duration,
    ) -> Self {
        let body = Body {
            name: Cow::Borrowed(name),
            kind: Kind::Internal,
            attributes: Attributes::default(),
            events: Vec::new(),
            event_count: 0,
            dropped_events: 0,
            links: Vec::new(),
            link_count: 0,
            dropped_links: 0,
            status: Status::Unset,
            description: None,
        };
        Self {
            context,
            parent,
            of_request: false,
            since_1970: now,
            start: Instant::now(),
            pipeline: Arc::clone(pipeline),
            body: Mutex::new(Some(body)),
        }
    }

    /// Makes it the span of a request, which the HTTP layer ends.
    pub(super) fn of_request(mut self) -> Self {
        self.of_request = true;
        self.change(|body| body.kind = Kind::Server);
        self
    }

    /// Names the span.
    pub(crate) fn rename(&self, name: String) {
        self.change(|body| body.name = Cow::Owned(name));
    }

    /// Sets attributes.
    pub(crate) fn set(&self, set: impl FnOnce(&mut Attributes)) {
        self.change(|body| set(&mut body.attributes));
    }

    /// Says that what the span stands for failed.
    pub(crate) fn fail(&self) {
        self.change(|body| body.status = Status::Error);
    }

    /// Takes over what fields say.
    pub(super) fn record(&self, fields: Fields) {
        self.change(|body| {
            body.attributes.merge(fields.attributes);
            if let Some(name) = fields.name {
                body.name = Cow::Owned(name);
            }
            if let Some(message) = fields.message {
                body.attributes.set("message", Value::Text(message.into()));
            }
            if !self.of_request {
                body.kind = fields.kind.unwrap_or(body.kind);
            }
            body.status = fields.status.unwrap_or(body.status);
            body.description = fields.description.or(body.description.take());
        });
    }

    /// Adds an event of `tracing`. An error within a span of the app's own makes that one failed.
    pub(super) fn event(&self, level: tracing::Level, target: &str, fields: Fields, now: Duration) {
        let Fields { mut attributes, message, name, .. } = fields;
        attributes.set("level", Value::text(level.as_str()));
        attributes.set("target", Value::text(target));
        let mut event = Vec::with_capacity(128);
        wire::fixed64(&mut event, 1, nanos(now));
        let name = name.or(message).filter(|name| !name.is_empty());
        wire::bytes(&mut event, 2, name.as_deref().unwrap_or("event").as_bytes());
        attributes.write(&mut event, 3, 4);
        self.change(|body| {
            if level == tracing::Level::ERROR && !self.of_request && body.status == Status::Unset {
                body.status = Status::Error;
            }
            if body.event_count == MOST_EVENTS || body.events.len() + event.len() > MOST_EVENT_BYTES {
                body.dropped_events = body.dropped_events.saturating_add(1);
            } else {
                body.event_count += 1;
                wire::bytes(&mut body.events, 11, &event);
            }
        });
    }

    /// Says that the span follows from another one.
    pub(super) fn link(&self, other: &TraceContext) {
        self.change(|body| {
            if body.link_count == MOST_EVENTS {
                body.dropped_links = body.dropped_links.saturating_add(1);
                return;
            }
            body.link_count += 1;
            wire::message(&mut body.links, 13, |out| {
                wire::bytes(out, 1, &other.trace_id().to_u128().to_be_bytes());
                wire::bytes(out, 2, &other.span_id().to_u64().to_be_bytes());
            });
        });
    }

    /// Ends the span and queues it to be sent. A second end is none.
    pub(crate) fn end(&self) {
        let body = self.body.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(body) = body {
            self.pipeline.push(self.encode(&body));
        }
    }

    fn change(&self, change: impl FnOnce(&mut Body)) {
        if let Some(body) = &mut *self.body.lock().unwrap_or_else(PoisonError::into_inner) {
            change(body);
        }
    }

    fn encode(&self, body: &Body) -> Box<[u8]> {
        /// The flags of a span say whether it is known that its parent is remote, and then whether it is.
        const HAS_IS_REMOTE: u32 = 0x100;
        const IS_REMOTE: u32 = 0x200;
        let mut out = Vec::with_capacity(512 + body.events.len() + body.links.len());
        wire::bytes(&mut out, 1, &self.context.trace_id().to_u128().to_be_bytes());
        wire::bytes(&mut out, 2, &self.context.span_id().to_u64().to_be_bytes());
        if let Some(state) = self.context.state() {
            wire::bytes(&mut out, 3, state.as_bytes());
        }
        let mut flags = u32::from(self.context.is_sampled()) | HAS_IS_REMOTE;
        if let Some(parent) = self.parent {
            wire::bytes(&mut out, 4, &parent.span.to_u64().to_be_bytes());
            flags |= if parent.remote { IS_REMOTE } else { 0 };
        }
        wire::bytes(&mut out, 5, body.name.as_bytes());
        wire::number(&mut out, 6, body.kind as u64);
        wire::fixed64(&mut out, 7, nanos(self.since_1970));
        // The steady clock measures; the other one may jump.
        wire::fixed64(&mut out, 8, nanos(self.since_1970 + self.start.elapsed()));
        body.attributes.write(&mut out, 9, 10);
        out.extend_from_slice(&body.events);
        wire::number(&mut out, 12, body.dropped_events.into());
        out.extend_from_slice(&body.links);
        wire::number(&mut out, 14, body.dropped_links.into());
        if body.status != Status::Unset || body.description.is_some() {
            wire::message(&mut out, 15, |out| {
                if let Some(description) = &body.description {
                    wire::bytes(out, 2, description.as_bytes());
                }
                wire::number(out, 3, body.status as u64);
            });
        }
        wire::fixed32(&mut out, 16, flags);
        out.into_boxed_slice()
    }
}

/// Returns nanoseconds, as the protocol counts them; enough until the year 2554.
fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// Returns the time since 1970.
pub(super) fn now() -> Duration {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default()
}
