//! The service that records what passes through it.

use std::fmt;
use std::marker::PhantomData;
use std::task::{Context, Poll};

use http::{Request, Response};
use http_body::Body;
use tower::Service;

use super::bodies::{Bodies, sealed};
use super::future::HttpFuture;
use super::options::ScopeOptions;
use super::scope::Scope;
use super::visit::Visit;

/// A service with [`HttpLayer`](super::HttpLayer) around it.
///
/// Cloning it costs what cloning the inner service costs: it holds its layer's number, not a shared pointer.
pub struct HttpService<S, K> {
    inner: S,
    layer: u32,
    scope: Option<ScopeOptions>,
    bodies: PhantomData<fn() -> K>,
}

impl<S, K> HttpService<S, K> {
    pub(super) const fn new(inner: S, layer: u32, scope: Option<ScopeOptions>) -> Self {
        Self { inner, layer, scope, bodies: PhantomData }
    }
}

impl<S, K, ReqB, ResB> Service<Request<ReqB>> for HttpService<S, K>
where
    S: Service<Request<<K as Bodies<ReqB>>::Metered>, Response = Response<ResB>>,
    K: Bodies<ReqB> + Bodies<ResB>,
    ReqB: Body,
    ResB: Body,
{
    type Response = Response<<K as Bodies<ResB>>::Metered>;
    type Error = S::Error;
    type Future = HttpFuture<S::Future, K>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(context)
    }

    #[inline]
    fn call(&mut self, mut request: Request<ReqB>) -> Self::Future {
        let mut visit = Visit::begin(self.layer, &request);
        let scope = self.scope.as_ref().map(|options| Box::new(Scope::begin(&mut request, visit.as_ref(), options)));
        let streams = visit.as_ref().filter(|_| request.body().size_hint().exact().is_none());
        let meter = streams.map(Visit::request_meter);
        if let Some(visit) = &mut visit {
            visit.run();
        }
        let entered = scope.as_ref().map(|scope| scope.enter());
        // Requests and futures are large: they are neither taken apart nor put down on the way.
        HttpFuture {
            inner: match meter {
                None => self.inner.call(<K as Bodies<ReqB>>::pass_request(request)),
                Some(meter) => self.inner.call(<K as Bodies<ReqB>>::meter_request(request, sealed::Request(meter))),
            },
            visit: {
                drop(entered);
                if let Some(visit) = &mut visit {
                    visit.pause();
                }
                visit
            },
            scope,
            bodies: PhantomData,
        }
    }
}

impl<S: Clone, K> Clone for HttpService<S, K> {
    fn clone(&self) -> Self {
        Self::new(self.inner.clone(), self.layer, self.scope.clone())
    }
}

impl<S: fmt::Debug, K> fmt::Debug for HttpService<S, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpService").field("inner", &self.inner).finish_non_exhaustive()
    }
}
