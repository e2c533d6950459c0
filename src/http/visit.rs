//! A visit: one request from its arrival to its end, whatever the end is.

use std::borrow::Cow;
use std::mem::ManuallyDrop;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use http::{Request, StatusCode};
use http_body::Body;

use super::answer::{self, Answer, Kind, Size};
use super::arrival::{self, Begun};
use super::block::Block;
use super::clock::Moment;
use super::core::Core;
use super::local;
use super::options::{RequestHead, ResponseHead, Source, call};
use super::request_meter::RequestMeter;
use super::route::{Layout, status_text};
use crate::metric::{Part, TraceId};
use crate::presets::http::{ConnectionKind, Method, Outcome};

/// What a client that left before the answer is counted under.
const CLIENT_CLOSED_REQUEST: u16 = 499;

/// Ends what its request began: dropped before the end, it counts as cancelled, or as panicked where it ran.
pub(crate) struct Visit {
    arrival: Arrival,
    /// None once the visit has ended, so that its drop need not look here: that took 17 instructions of a request that
    /// has nothing here anyway.
    more: ManuallyDrop<Option<Box<More>>>,
    handler: Handler,
    head: Head,
}

/// Which request it is, and since when.
#[derive(Clone, Copy)]
struct Arrival {
    layer: u32,
    route: u32,
    start: Moment,
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
    /// Begins to record a request with a body of this size, if known; an ended visit where it is skipped.
    #[inline]
    pub(super) fn begin<B>(layer: u32, request: &Request<B>, body: Option<u64>) -> Self {
        let method = Method::from(request.method());
        let Some(Begun { route, more }) = arrival::enter(layer, method, request, body) else {
            return Self::of_nobody();
        };
        let arrival = Arrival { layer, route, start: Moment::now() };
        let mut visit = Self::new(arrival, None, Handler::Called, Head::Awaited);
        if more {
            // The app's functions run here; should one unwind, the visit ends what has begun.
            *visit.more = More::of(layer, request);
        }
        visit
    }

    #[inline]
    const fn new(arrival: Arrival, more: Option<Box<More>>, handler: Handler, head: Head) -> Self {
        Self { arrival, more: ManuallyDrop::new(more), handler, head }
    }

    /// A visit that nothing is recorded of.
    fn of_nobody() -> Self {
        let arrival = Arrival { layer: Core::NONE, route: 0, start: Moment::now() };
        Self::new(arrival, None, Handler::Called, Head::Ended)
    }

    /// Takes the visit out of its place, where an ended one is left.
    pub(super) fn take(&mut self) -> Self {
        let visit = Self::new(self.arrival, self.more.take(), self.handler, self.head);
        self.head = Head::Ended;
        visit
    }

    /// Returns the route that the request belongs to, by a pointer that no other thread counts in.
    pub(super) fn route(&self) -> Option<Rc<Block>> {
        if self.head == Head::Ended {
            return None;
        }
        local::with(self.arrival.layer, |layer| layer.at(self.arrival.route).map(|(_, _, block)| Rc::clone(block)))?
    }

    /// Tells whether anything is recorded of the request.
    pub(super) fn is_recorded(&self) -> bool {
        self.head != Head::Ended
    }

    /// Returns the trace that the request's durations point to.
    fn trace(&self) -> Option<TraceId> {
        self.more.as_ref()?.trace
    }

    /// Lets the request's durations point to this trace.
    pub(super) fn set_trace(&mut self, trace: TraceId) {
        if self.is_recorded() {
            self.more.get_or_insert_with(|| Box::new(More { trace: None, own: Box::default() })).trace = Some(trace);
        }
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
    pub(super) fn request_meter(&self) -> Option<RequestMeter> {
        let Arrival { layer, route, .. } = self.arrival;
        (self.head != Head::Ended).then_some(RequestMeter::new(layer, route))
    }

    /// Records the head of an answer; says whether its body is still to be followed.
    #[inline]
    pub(super) fn answer<B: Body>(&mut self, response: &http::Response<B>) -> bool {
        if self.head == Head::Ended {
            return false;
        }
        let ticks = Moment::now().nanoseconds_since(self.arrival.start);
        let Arrival { layer, route, .. } = self.arrival;
        if self.more.is_none() && local::with_kept(layer, |layer| layer.answer(route, response, ticks)) == Some(true) {
            self.head = Head::Ended;
            return false;
        }
        self.answer_as_any(response, ticks)
    }

    /// Records the head of any answer, piece by piece.
    #[inline(never)]
    fn answer_as_any<B: Body>(&mut self, response: &http::Response<B>, ticks: u64) -> bool {
        self.own_of_response(response);
        let follow = local::with(self.arrival.layer, |layer| {
            let Some((core, layout, block)) = layer.at(self.arrival.route) else { return false };
            let answer = Answer::of(response, block.route.method, core.options.to_end_of_body);
            self.count(core, block, response.status().as_u16());
            if answer.timed {
                self.measure(core, layout, block, ticks);
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
        if self.head == Head::Ended {
            return;
        }
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
        let ticks = Moment::now().nanoseconds_since(self.arrival.start);
        local::with(self.arrival.layer, |layer| {
            let (core, layout, block) = layer.at(self.arrival.route)?;
            block.observe(&layout.response_body, bytes);
            match kind.connection() {
                Some(kind) => connections(core, kind, -1),
                None if measure => self.measure(core, layout, block, ticks),
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

    fn give_up(&mut self, status: u16, outcome: Outcome) {
        let ticks = Moment::now().nanoseconds_since(self.arrival.start);
        local::with(self.arrival.layer, |layer| {
            let (core, layout, block) = layer.at(self.arrival.route)?;
            self.count(core, block, status);
            self.measure(core, layout, block, ticks);
            self.end(block, outcome);
            Some(())
        });
    }

    fn end(&mut self, block: &Block, outcome: Outcome) {
        block.add(Layout::OUTCOMES + outcome as usize, 1);
        block.add(Layout::IN_FLIGHT, u64::MAX);
        self.over();
    }

    /// Leaves nothing for the visit's drop to do.
    fn over(&mut self) {
        self.head = Head::Ended;
        self.more.take();
    }

    /// Counts the request under its status.
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
    fn measure(&self, core: &Core, layout: &Layout, block: &Block, ticks: u64) {
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
        let Some(core) = local::with(self.arrival.layer, |layer| Arc::clone(&layer.core)) else { return };
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
            // By value, so that a visit whose drop is compiled into its owner's need not lie in memory for it.
            abandon(self.arrival, self.more.take(), self.handler, self.head);
        }
    }
}

/// Records a request that was dropped before its end.
#[cold]
#[inline(never)]
fn abandon(arrival: Arrival, more: Option<Box<More>>, handler: Handler, head: Head) {
    let mut visit = Visit::new(arrival, more, handler, head);
    let outcome = visit.outcome_of_drop();
    match (head, outcome) {
        (Head::Awaited, Outcome::Panicked) => visit.give_up(StatusCode::INTERNAL_SERVER_ERROR.as_u16(), outcome),
        (Head::Awaited, _) => visit.give_up(CLIENT_CLOSED_REQUEST, outcome),
        _ => visit.end_of_body(0, outcome),
    }
    // Where nobody is left to record it, it is over all the same.
    visit.over();
}

impl More {
    #[cold]
    fn of<B>(layer: u32, request: &Request<B>) -> Option<Box<Self>> {
        let own = own_of_request(layer, request);
        (!own.is_empty()).then(|| Box::new(Self { trace: None, own }))
    }
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
