//! A request's passage through the layer: what is recorded of it, and the scope it is served in.

use http::{Request, Response};
use http_body::Body;

use super::options::ScopeOptions;
use super::scope::{Entered, Scope};
use super::visit::{RequestMeter, Visit};

/// The visit and the scope of one request; either may be left out.
pub(super) struct Passage {
    visit: Option<Visit>,
    scope: Option<Box<Scope>>,
}

/// A response body that is still to be followed.
pub(super) struct Followed {
    pub(super) visit: Visit,
    /// How many bytes there are, where somebody said so.
    pub(super) length: Option<u64>,
    pub(super) scope: Option<Box<Scope>>,
}

impl Passage {
    /// Begins the passage; returns a meter where the size of the request's body is only known at its end.
    #[inline]
    pub(super) fn begin<B: Body>(
        layer: u32,
        options: Option<ScopeOptions>,
        request: &mut Request<B>,
    ) -> (Self, Option<RequestMeter>) {
        let size = request.body().size_hint().exact();
        let mut visit = Visit::begin(layer, request, size);
        let meter = if size.is_none() { visit.as_ref().map(Visit::request_meter) } else { None };
        let scope = options.map(|options| Box::new(Scope::begin(request, visit.as_mut(), layer, options)));
        (Self { visit, scope }, meter)
    }

    /// Enters the scope, as the handler is about to run. Should it panic, the visit knows when it is dropped.
    #[inline]
    pub(super) fn enter(&mut self) -> Option<Entered<'_>> {
        if let Some(visit) = &mut self.visit {
            visit.run();
        }
        self.scope.as_mut().map(|scope| scope.enter())
    }

    /// Notes that the handler has returned.
    #[inline]
    pub(super) fn pause(&mut self) {
        if let Some(visit) = &mut self.visit {
            visit.pause();
        }
    }

    /// Records the head of an answer, or that there is none; returns what its body is to be followed with.
    #[inline]
    pub(super) fn answer<B: Body, E>(&mut self, answer: &mut Result<Response<B>, E>) -> Option<Followed> {
        match answer {
            Ok(response) => {
                if let Some(scope) = &mut self.scope {
                    scope.answer(response);
                }
                let visit = self.visit.take_if(|visit| visit.answer(response))?;
                Some(Followed { length: visit.length(response), visit, scope: self.scope.take() })
            }
            Err(_) => {
                if let Some(visit) = &mut self.visit {
                    visit.fail();
                }
                if let Some(scope) = &mut self.scope {
                    scope.fail();
                }
                None
            }
        }
    }
}
