//! A request's passage through the layer: what is recorded of it, and the scope it is served in.

use http::Response;
use http_body::Body;

use super::scope::Scope;
use super::visit::Visit;

/// The visit and the scope of one request; either may be left out.
pub(super) struct Passage {
    pub(super) visit: Visit,
    pub(super) scope: Option<Box<Scope>>,
}

/// A response body that is still to be followed.
pub(super) struct Followed {
    pub(super) visit: Visit,
    /// How many bytes there are, where somebody said so.
    pub(super) length: Option<u64>,
    pub(super) scope: Option<Box<Scope>>,
}

impl Passage {
    /// Runs the handler in the request's scope. Should it panic, the visit knows when it is dropped.
    #[inline]
    pub(super) fn run<T>(&mut self, handler: impl FnOnce() -> T) -> T {
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
    pub(super) fn answer<B: Body, E>(&mut self, answer: &mut Result<Response<B>, E>) -> Option<Followed> {
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
