//! The layer that is put around a service, and the choices it is made with.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use tower::Layer;

use super::bodies::AnyBody;
#[cfg(feature = "axum")]
use super::bodies::AxumBody;
use super::core::Core;
use super::options::{Options, RequestHead, ResponseHead, ScopeOptions, Source, TraceInAnswer, UnmatchedPath};
use super::service::HttpService;
use crate::metric::{RegisterError, Registry};

/// Records every request that passes: metrics, request id, and the span its log lines stand in.
///
/// Put around an axum `Router` last, after every route is merged, so that unmatched requests are seen too.
pub struct HttpLayer<K = AnyBody> {
    id: u32,
    scope: Option<ScopeOptions>,
    bodies: PhantomData<fn() -> K>,
}

impl<K> HttpLayer<K> {
    /// Returns the same layer for services with other bodies.
    #[cfg(feature = "axum")]
    pub(crate) const fn for_bodies<J>(&self) -> HttpLayer<J> {
        HttpLayer { id: self.id, scope: self.scope, bodies: PhantomData }
    }
}

#[cfg(feature = "actix")]
impl HttpLayer<AnyBody> {
    /// Begins to record a request that a server other than a tower service has; also returns what counts its body, where
    /// that is to be followed.
    pub(crate) fn begin<B: http_body::Body>(
        &self,
        request: &mut http::Request<B>,
    ) -> (super::passage::Passage, Option<super::request_meter::RequestMeter>) {
        super::passage::Passage::begin(self.id, self.scope, request)
    }
}

impl<S, K> Layer<S> for HttpLayer<K> {
    type Service = HttpService<S, K>;

    fn layer(&self, inner: S) -> Self::Service {
        HttpService::new(inner, self.id, self.scope)
    }
}

impl<K> Clone for HttpLayer<K> {
    fn clone(&self) -> Self {
        Self { ..*self }
    }
}

impl<K> fmt::Debug for HttpLayer<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpLayer").field("id", &self.id).finish_non_exhaustive()
    }
}

/// Builds an [`HttpLayer`].
///
/// ```
/// use watchkeeper::http::HttpLayerBuilder;
/// use watchkeeper::metric::Registry;
///
/// let registry = Registry::new();
/// let layer = HttpLayerBuilder::new().skip("/internal/*").build(&registry)?;
/// # Ok::<(), watchkeeper::metric::RegisterError>(())
/// ```
#[derive(Clone, Default)]
#[must_use = "a builder does nothing until it is built"]
pub struct HttpLayerBuilder {
    options: Options,
}

impl HttpLayerBuilder {
    /// Starts with every default.
    pub fn new() -> Self {
        Self::default()
    }

    /// Leaves a path out of all metrics; a `*` at its end stands for any end. `/metrics` and `/health*` are left out
    /// by default.
    pub fn skip(mut self, path: impl Into<String>) -> Self {
        self.options.skip.push(path.into());
        self
    }

    /// Leaves no path out, not even `/metrics` and `/health*`.
    pub fn skip_nothing(mut self) -> Self {
        self.options.skip.clear();
        self
    }

    /// Chooses the path label of requests that no route matched. Default: `unmatched` for all of them.
    pub fn unmatched(mut self, path: UnmatchedPath) -> Self {
        self.options.unmatched = path;
        self
    }

    /// Makes the path label of unmatched requests by a function; `None` is `unmatched`.
    ///
    /// This is how a service without a router names its routes. At most 1,000 routes are kept; further ones are
    /// `overflow`.
    pub fn path(self, path: impl for<'a> Fn(RequestHead<'a>) -> Option<Cow<'a, str>> + Send + Sync + 'static) -> Self {
        self.unmatched(UnmatchedPath::Function(Arc::new(path)))
    }

    /// Measures durations to the end of the body instead of the response head.
    pub fn measure_to_end_of_body(mut self) -> Self {
        self.options.to_end_of_body = true;
        self
    }

    /// Leaves the request's scope to somebody else: its id, its span, and its trace, so exemplars too. Default: all
    /// of it is made here.
    pub fn without_request_id(mut self) -> Self {
        self.options.scope = None;
        self
    }

    /// Puts the [`RequestId`](super::RequestId) beside the request, where axum's `Extension` finds it. Default: it is
    /// in the span and the answer alone, since a place beside the request costs an allocation.
    pub fn share_request_id(mut self) -> Self {
        self.options.scope.get_or_insert_default().share_id = true;
        self
    }

    /// Keeps no trace ids beside the durations. Default: the slowest recent one of each bucket is kept.
    pub fn without_exemplars(mut self) -> Self {
        self.options.exemplars = false;
        self
    }

    /// Chooses what an answer says of the trace that its request belongs to. Default: the trace's id, in `x-trace-id`.
    pub fn trace_in_answer(mut self, what: TraceInAnswer) -> Self {
        self.options.scope.get_or_insert_default().trace_in_answer = what;
        self
    }

    /// Keeps what this header of another system says as the field `trace_id` of the request's span, where a request has
    /// no `traceparent`. Default: from none.
    pub fn trace_header(mut self, name: http::HeaderName) -> Self {
        self.options.scope.get_or_insert_default().trace_header = true;
        self.options.trace_header = Some(name);
        self
    }

    /// Adds a label of the app's own to requests and durations, computed from the request; `None` is empty.
    ///
    /// It is open, so it has a cap: see [`RegistryBuilder::max_label_values`](crate::metric::RegistryBuilder).
    pub fn label_from_request(
        mut self,
        name: &'static str,
        value: impl for<'a> Fn(RequestHead<'a>) -> Option<Cow<'a, str>> + Send + Sync + 'static,
    ) -> Self {
        self.options.labels.push((name, Source::Request(Arc::new(value))));
        self
    }

    /// Adds a label of the app's own to requests and durations, computed from the response; `None` is empty, and so
    /// it is for a request that got no response.
    pub fn label_from_response(
        mut self,
        name: &'static str,
        value: impl for<'a> Fn(ResponseHead<'a>) -> Option<Cow<'a, str>> + Send + Sync + 'static,
    ) -> Self {
        self.options.labels.push((name, Source::Response(Arc::new(value))));
        self
    }

    /// Builds a layer for any tower service; its bodies are wrapped as [`MeteredBody`](super::MeteredBody).
    ///
    /// # Errors
    ///
    /// When a metric's name is taken in the registry, or a label of the app's own is no label's name.
    pub fn build(self, registry: &Registry) -> Result<HttpLayer<AnyBody>, RegisterError> {
        self.build_for(registry)
    }

    /// Builds a layer for an axum `Router`, whose body type stays.
    ///
    /// # Errors
    ///
    /// As [`build`](Self::build).
    #[cfg(feature = "axum")]
    pub fn build_axum(self, registry: &Registry) -> Result<HttpLayer<AxumBody>, RegisterError> {
        self.build_for(registry)
    }

    /// Builds a layer that leaves the metrics out and keeps the rest.
    pub(crate) fn build_unrecorded(self) -> HttpLayer<AnyBody> {
        HttpLayer { id: Core::NONE, scope: self.options.scope, bodies: PhantomData }
    }

    fn build_for<K>(self, registry: &Registry) -> Result<HttpLayer<K>, RegisterError> {
        let scope = self.options.scope;
        Ok(HttpLayer { id: Core::register(registry, self.options)?, scope, bodies: PhantomData })
    }
}

impl fmt::Debug for HttpLayerBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpLayerBuilder").finish_non_exhaustive()
    }
}
