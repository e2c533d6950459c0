//! A visit: one request from its arrival to its end, whatever the end is.

use std::borrow::Cow;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use http::{Request, StatusCode};
use http_body::Body;

use super::answer::{self, Answer, Kind, Size};
use super::clock::Moment;
use super::core::Core;
use super::local::{self, Block, Found, Local};
use super::options::{RequestHead, ResponseHead, Source, UnmatchedPath, call};
use super::path::path_pattern;
use super::route::{Layout, Routes, status_text};
use crate::metric::{Part, TraceId};
use crate::presets::http::{ConnectionKind, Method, Outcome};

/// What a client that left before the answer is counted under.
const CLIENT_CLOSED_REQUEST: u16 = 499;

/// Ends what its request began: dropped before the end, it counts as cancelled, or as panicked where it ran.
pub(super) struct Visit {
    layer: u32,
    route: u32,
    start: Moment,
    more: Option<Box<More>>,
    handler: Handler,
    head: Head,
}

/// Whether the handler or the body runs at this moment.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Handler {
    /// It has not run yet.
    Called,
    Runs,
    Waits,
}

/// What only some requests have.
struct More {
    trace: Option<TraceId>,
    /// The app's own labels, once the request or the response has said them; none where the layer has none.
    own: Box<[String]>,
}

/// How far the answer is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Head {
    /// No answer yet.
    Awaited,
    /// The head is out, and the body follows.
    Sent { measure: bool, kind: Kind },
    /// Everything is recorded.
    Ended,
}

impl Visit {
    /// Begins to record a request with a body of this size, if known; `None` when it is skipped.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "it has two callers, and its result is large")]
    pub(super) fn begin<B>(layer: u32, request: &Request<B>, body: Option<u64>) -> Option<Self> {
        if layer == Core::NONE {
            return None;
        }
        let method = Method::from(request.method());
        let (found, labelled) = local::with(layer, |layer| {
            let found = find(layer, method, request);
            if let Found::Route(route) = found {
                layer.enter(route, body);
            }
            (found, !layer.core.options.labels.is_empty())
        })?;
        let route = match found {
            Found::Route(route) => route,
            Found::Skipped => return None,
            Found::Unknown => ask(layer, method, request, body)?,
        };
        let mut visit =
            Self { layer, route, start: Moment::now(), more: None, handler: Handler::Called, head: Head::Awaited };
        // From here on the visit ends what was begun, even if a function of the app's own panics.
        if labelled {
            visit.more = Some(Box::new(More { trace: None, own: own_of_request(layer, request) }));
        }
        Some(visit)
    }

    /// Returns the route that the request belongs to, by a pointer that no other thread counts in.
    pub(super) fn route(&self) -> Option<Rc<Block>> {
        local::with(self.layer, |layer| layer.at(self.route).map(|(_, _, block)| Rc::clone(block)))?
    }

    /// Returns the trace that the request's durations point to.
    fn trace(&self) -> Option<TraceId> {
        self.more.as_ref()?.trace
    }

    /// Lets the request's durations point to this trace.
    pub(super) fn set_trace(&mut self, trace: TraceId) {
        self.more.get_or_insert_with(|| Box::new(More { trace: None, own: Box::default() })).trace = Some(trace);
    }

    /// Returns what an outcome of the body means for the request; none where the body has ended before.
    pub(super) const fn outcome_of_body(&self, of_body: Outcome) -> Option<Outcome> {
        match self.head {
            Head::Sent { kind, .. } => Some(kind.outcome(of_body)),
            Head::Awaited | Head::Ended => None,
        }
    }

    #[inline]
    fn own(&self) -> &[String] {
        self.more.as_ref().map_or(&[], |more| &more.own)
    }

    /// Marks that the handler or the body runs now, so that an unwinding panic is told from a drop.
    #[inline]
    pub(super) const fn run(&mut self) {
        self.handler = Handler::Runs;
    }

    /// Marks that the handler or the body has returned.
    #[inline]
    pub(super) const fn pause(&mut self) {
        self.handler = Handler::Waits;
    }

    /// Returns a meter for the request's body, where its size is only known at its end.
    pub(super) fn request_meter(&self) -> RequestMeter {
        RequestMeter { layer: self.layer, route: self.route, bytes: 0 }
    }

    /// Records the head of an answer; says whether its body is still to be followed.
    #[inline]
    pub(super) fn answer<B: Body>(&mut self, response: &http::Response<B>) -> bool {
        let now = Moment::now();
        if self.more.is_some() {
            self.own_of_response(response);
        }
        let follow = local::with(self.layer, |layer| {
            let Some((core, layout, block)) = layer.at(self.route) else { return false };
            let answer = Answer::of(response, block.route.method, core.options.to_end_of_body);
            self.count(core, block, response.status().as_u16());
            if answer.timed {
                self.measure(core, layout, block, now);
            }
            match answer.size {
                Size::Known(bytes) => drop(block.observe(&layout.response_body, bytes)),
                Size::None => {}
                Size::AtEnd => {
                    if let Some(kind) = answer.kind.connection() {
                        connections(core, kind, 1);
                    }
                    self.head = Head::Sent { measure: core.options.to_end_of_body, kind: answer.kind };
                    return true;
                }
            }
            self.end(block, answer.kind.outcome(Outcome::Completed));
            false
        });
        follow == Some(true)
    }

    /// Records that the service returned an error instead of an answer.
    pub(super) fn fail(&mut self) {
        self.give_up(StatusCode::INTERNAL_SERVER_ERROR.as_u16(), Outcome::Failed);
    }

    /// Returns after how many bytes a followed body is complete: its server asks for nothing further then.
    pub(super) fn length<B: Body>(&self, response: &http::Response<B>) -> Option<u64> {
        match self.head {
            // What ends the call is its trailers.
            Head::Sent { kind: Kind::Grpc { .. }, .. } => None,
            _ => answer::length(response),
        }
    }

    /// Takes from a body's trailers what they say about the outcome.
    pub(super) fn trailers(&mut self, trailers: &http::HeaderMap) {
        if let Head::Sent { kind, .. } = &mut self.head {
            kind.read(trailers);
        }
    }

    /// Records the end of a body that was followed.
    pub(super) fn end_of_body(&mut self, bytes: u64, outcome: Outcome) {
        let Head::Sent { measure, kind } = self.head else { return };
        let now = Moment::now();
        local::with(self.layer, |layer| {
            let (core, layout, block) = layer.at(self.route)?;
            block.observe(&layout.response_body, bytes);
            match kind.connection() {
                Some(kind) => connections(core, kind, -1),
                None if measure => self.measure(core, layout, block, now),
                None => {}
            }
            self.end(block, kind.outcome(outcome));
            Some(())
        });
    }

    /// Returns how a body that is dropped before its end came to it.
    pub(super) fn outcome_of_drop(&self) -> Outcome {
        match self.handler {
            Handler::Runs => Outcome::Panicked,
            // What panics while it makes its future never gets to run.
            Handler::Called if std::thread::panicking() => Outcome::Panicked,
            Handler::Called | Handler::Waits => Outcome::Cancelled,
        }
    }

    /// Records a request that was dropped before its end.
    #[cold]
    fn abandon(&mut self) {
        let outcome = self.outcome_of_drop();
        match (self.head, outcome) {
            (Head::Awaited, Outcome::Panicked) => self.give_up(StatusCode::INTERNAL_SERVER_ERROR.as_u16(), outcome),
            (Head::Awaited, _) => self.give_up(CLIENT_CLOSED_REQUEST, outcome),
            _ => self.end_of_body(0, outcome),
        }
    }

    fn give_up(&mut self, status: u16, outcome: Outcome) {
        let now = Moment::now();
        local::with(self.layer, |layer| {
            let (core, layout, block) = layer.at(self.route)?;
            self.count(core, block, status);
            self.measure(core, layout, block, now);
            self.end(block, outcome);
            Some(())
        });
    }

    #[inline]
    fn end(&mut self, block: &Block, outcome: Outcome) {
        block.add(Layout::OUTCOMES + outcome as usize, 1);
        block.add(Layout::IN_FLIGHT, u64::MAX);
        self.head = Head::Ended;
    }

    /// Counts the request under its status.
    #[inline]
    fn count(&self, core: &Core, block: &Block, status: u16) {
        if self.own().is_empty()
            && let Some(cell) = core.routes.code(&block.route, status)
        {
            return block.add(cell, 1);
        }
        let own = !self.own().is_empty();
        let path = if own { &block.route.path } else { block.route.path_without_cell() };
        let (method, text) = (block.route.method as usize, status_text(status));
        let mut key = vec![Part::Closed(method), Part::Open(path), Part::Open(&text)];
        key.extend(self.own_parts());
        let requests = &core.routes.families.requests;
        if let Some(spot) = requests.locate(&key) {
            requests.cells.add(spot.at, 1);
        }
    }

    /// Observes the time since the request's arrival.
    #[inline]
    fn measure(&self, core: &Core, layout: &Layout, block: &Block, now: Moment) {
        let ticks = now.nanoseconds_since(self.start);
        let trace = self.trace().map(|trace| (trace, Instant::now()));
        if self.own().is_empty() {
            let bucket = block.observe(&layout.duration, ticks);
            if let Some(trace) = trace.filter(|_| !block.is_shared()) {
                core.routes.families.duration.offer(block.route.duration, bucket, ticks, trace);
            }
        } else {
            let mut key = vec![Part::Closed(block.route.method as usize), Part::Open(&block.route.path)];
            key.extend(self.own_parts());
            let duration = &core.routes.families.duration;
            if let Some(spot) = duration.locate(&key) {
                duration.observe(spot, ticks, trace);
            }
        }
    }

    fn own_parts(&self) -> impl Iterator<Item = Part<'_>> {
        self.own().iter().map(|value| Part::Open(value))
    }

    fn own_of_response<B>(&mut self, response: &http::Response<B>) {
        let Some(more) = self.more.as_mut().filter(|more| !more.own.is_empty()) else { return };
        let Some(core) = local::with(self.layer, |layer| Arc::clone(&layer.core)) else { return };
        for ((_, source), value) in core.options.labels.iter().zip(&mut more.own) {
            if let Source::Response(function) = source
                && let Some(own) = call(|| function(ResponseHead::of(response)))
            {
                *value = own.into_owned();
            }
        }
    }
}

impl Drop for Visit {
    #[inline]
    fn drop(&mut self) {
        if self.head != Head::Ended {
            self.abandon();
        }
    }
}

/// Counts a request's body as it is read.
#[derive(Debug)]
pub(super) struct RequestMeter {
    layer: u32,
    route: u32,
    bytes: u64,
}

impl RequestMeter {
    pub(super) const fn count(&mut self, bytes: u64) {
        self.bytes += bytes;
    }
}

impl Drop for RequestMeter {
    fn drop(&mut self) {
        local::with(self.layer, |layer| {
            let (_, layout, block) = layer.at(self.route)?;
            block.observe(&layout.request_body, self.bytes);
            Some(())
        });
    }
}

#[inline]
fn find<B>(layer: &mut Local, method: Method, request: &Request<B>) -> Found {
    #[cfg(feature = "axum")]
    if let Some(path) = request.extensions().get::<axum::extract::MatchedPath>() {
        return layer.matched(method, path);
    }
    layer.unmatched(method, request.uri().path())
}

/// Names a route by the app's choice, outside the thread's own tables, since that runs the app's code.
#[cold]
fn ask<B>(layer: u32, method: Method, request: &Request<B>, body: Option<u64>) -> Option<u32> {
    let unmatched = local::with(layer, |layer| layer.core.options.unmatched.clone())?;
    let path = match &unmatched {
        UnmatchedPath::OneValue => None,
        UnmatchedPath::Pattern => Some(Cow::Owned(path_pattern(request.uri().path()))),
        UnmatchedPath::Function(function) => call(|| function(RequestHead::of(request))),
    };
    local::with(layer, |layer| {
        let found = match &path {
            Some(path) => layer.named(method, path, Routes::capped),
            None => layer.one_value(method),
        };
        match found {
            Found::Route(route) => layer.enter(route, body).then_some(route),
            Found::Skipped | Found::Unknown => None,
        }
    })?
}

fn own_of_request<B>(layer: u32, request: &Request<B>) -> Box<[String]> {
    let Some(core) = local::with(layer, |layer| Arc::clone(&layer.core)) else { return Box::default() };
    let value = |source: &Source| match source {
        Source::Request(function) => {
            call(|| function(RequestHead::of(request))).map(Cow::into_owned).unwrap_or_default()
        }
        Source::Response(_) => String::new(),
    };
    core.options.labels.iter().map(|(_, source)| value(source)).collect()
}

fn connections(core: &Core, kind: ConnectionKind, by: i64) {
    let family = &core.routes.families.connections;
    if let Some(spot) = family.locate(&[Part::Closed(kind as usize)]) {
        family.cells.add(spot.at, by as u64);
    }
}
