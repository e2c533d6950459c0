//! A request's passage through the layer: what is recorded of it, and the scope it is served in.

use http::{Request, Response};
use http_body::Body;

use super::options::ScopeOptions;
use super::request_meter::RequestMeter;
use super::scope::Scope;
use super::visit::Visit;

/// From how many bytes on a request's claim of its size is not believed: anybody may write any number there.
const BEYOND_BELIEF: u64 = 1 << 40;

/// The visit and the scope of one request; either may be left out.
pub(crate) struct Passage {
    pub(super) visit: Visit,
    pub(super) scope: Option<Box<Scope>>,
}

/// A response body that is still to be followed.
pub(crate) struct Followed {
    pub(super) visit: Visit,
    /// How many bytes there are, where somebody said so.
    pub(super) length: Option<u64>,
    pub(super) scope: Option<Box<Scope>>,
}

impl Passage {
    /// Begins to record a request; also returns what counts its body, where that is to be followed.
    #[inline]
    pub(super) fn begin<B: Body>(
        layer: u32,
        scope: Option<ScopeOptions>,
        request: &mut Request<B>,
    ) -> (Self, Option<RequestMeter>) {
        let size = request.body().size_hint().exact().filter(|&bytes| bytes < BEYOND_BELIEF);
        let mut visit = Visit::begin(layer, request, size);
        let scope = scope.map(|options| Scope::begin(request, &mut visit, layer, options));
        let meter = if size.is_none() { visit.request_meter() } else { None };
        (Self { visit, scope }, meter)
    }

    /// Runs the handler in the request's scope. Should it panic, the visit knows when it is dropped.
    #[inline]
    pub(crate) fn run<T>(&mut self, handler: impl FnOnce() -> T) -> T {
        self.visit.run();
        let returned = match &mut self.scope {
            Some(scope) => {
                let _entered = scope.enter();
                handler()
            }
            None => handler(),
        };
        self.visit.pause();
        returned
    }

    /// Records the head of an answer, or that there is none; returns what its body is to be followed with.
    #[inline]
    pub(crate) fn answer<B: Body, E>(&mut self, answer: &mut Result<Response<B>, E>) -> Option<Followed> {
        // A body that panics when it is asked for its size is the app's as well.
        self.visit.run();
        match answer {
            Ok(response) => {
                if let Some(scope) = &mut self.scope {
                    scope.answer(response);
                }
                if !self.visit.answer(response) {
                    return None;
                }
                let mut visit = self.visit.take();
                let length = visit.length(response);
                visit.pause();
                Some(Followed { length, visit, scope: self.scope.take() })
            }
            Err(_) => {
                self.visit.fail();
                if let Some(scope) = &mut self.scope {
                    scope.fail();
                }
                None
            }
        }
    }
}
