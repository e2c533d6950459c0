//! What the layer may be told: paths to skip, where the path label comes from, labels of the app's own.

use std::borrow::Cow;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use http::{Extensions, HeaderMap, Method, StatusCode, Uri};

/// The head of a request, for the app's own functions.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct RequestHead<'a> {
    /// The method.
    pub method: &'a Method,
    /// The target, query string and all: what of it becomes a label is the function's choice.
    pub uri: &'a Uri,
    /// The headers.
    pub headers: &'a HeaderMap,
    /// What outer layers put beside the request.
    pub extensions: &'a Extensions,
}

impl<'a> RequestHead<'a> {
    pub(super) fn of<B>(request: &'a http::Request<B>) -> Self {
        Self {
            method: request.method(),
            uri: request.uri(),
            headers: request.headers(),
            extensions: request.extensions(),
        }
    }
}

/// The head of a response, for the app's own functions.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct ResponseHead<'a> {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: &'a HeaderMap,
    /// What the handler put beside the response.
    pub extensions: &'a Extensions,
}

impl<'a> ResponseHead<'a> {
    pub(super) fn of<B>(response: &'a http::Response<B>) -> Self {
        Self { status: response.status(), headers: response.headers(), extensions: response.extensions() }
    }
}

/// Chooses the path label of a request that no route matched.
#[derive(Clone, Default)]
#[non_exhaustive]
pub enum UnmatchedPath {
    /// One value for all of them: `unmatched`. The default.
    #[default]
    OneValue,
    /// The path's pattern ([`path_pattern`](super::path_pattern)), under the registry's cap on label values, and as long
    /// as the patterns add no more than about 640 KiB to a scrape: 140 short ones, 70 of the longest. Further ones are
    /// `overflow`.
    Pattern,
    /// What a function of the app's own makes of the request, under the registry's cap; `None` is `unmatched`.
    Function(PathFunction),
}

/// Makes a path label out of a request's head.
pub type PathFunction = Arc<dyn for<'a> Fn(RequestHead<'a>) -> Option<Cow<'a, str>> + Send + Sync>;

impl fmt::Debug for UnmatchedPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OneValue => "OneValue",
            Self::Pattern => "Pattern",
            Self::Function(_) => "Function",
        })
    }
}

pub(super) type FromRequest = Arc<dyn for<'a> Fn(RequestHead<'a>) -> Option<Cow<'a, str>> + Send + Sync>;
pub(super) type FromResponse = Arc<dyn for<'a> Fn(ResponseHead<'a>) -> Option<Cow<'a, str>> + Send + Sync>;

/// Calls a function of the app's own. One that panics has no answer: a label is no reason to fail a request.
pub(super) fn call<T>(function: impl FnOnce() -> Option<T>) -> Option<T> {
    catch_unwind(AssertUnwindSafe(function)).ok().flatten()
}

/// Where a label of the app's own takes its value from.
#[derive(Clone)]
pub(super) enum Source {
    Request(FromRequest),
    Response(FromResponse),
}

/// What an answer says of the trace that its request belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum TraceInAnswer {
    /// The trace's id, in `x-trace-id`. The default.
    #[default]
    TraceId,
    /// The trace's id and the request's span, in `traceparent`.
    Traceparent,
    /// Nothing.
    Nothing,
}

/// What the layer was told about a request's scope. Each service holds a copy, so it is small.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct ScopeOptions {
    /// Whether the id is put beside the request.
    pub(super) share_id: bool,
    /// Whether the layer has a [`trace_header`](Options::trace_header).
    pub(super) trace_header: bool,
    /// What the answer says of the trace.
    pub(super) trace_in_answer: TraceInAnswer,
}

/// Everything that the layer was told.
#[derive(Clone)]
pub(super) struct Options {
    pub(super) skip: Vec<String>,
    pub(super) unmatched: UnmatchedPath,
    pub(super) to_end_of_body: bool,
    /// What is made of a request's scope; none where somebody else makes it.
    pub(super) scope: Option<ScopeOptions>,
    pub(super) exemplars: bool,
    /// The header that names the trace where there is no `traceparent`.
    pub(super) trace_header: Option<http::HeaderName>,
    pub(super) labels: Vec<(&'static str, Source)>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            skip: vec!["/metrics".to_owned(), "/health*".to_owned()],
            unmatched: UnmatchedPath::default(),
            to_end_of_body: false,
            scope: Some(ScopeOptions::default()),
            exemplars: true,
            trace_header: None,
            labels: Vec::new(),
        }
    }
}

impl Options {
    /// Tells whether a path is not to be recorded; a pattern's `*` stands for any end.
    pub(super) fn skips(&self, path: &str) -> bool {
        self.skip.iter().any(|pattern| match pattern.strip_suffix('*') {
            Some(start) => path.starts_with(start),
            None => path == pattern,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scrape_and_the_health_checks_are_skipped_by_default() {
        let options = Options::default();
        for path in ["/metrics", "/health", "/health/live", "/healthz"] {
            assert!(options.skips(path), "{path}");
        }
        for path in ["/", "/metrics/cpu", "/api/health"] {
            assert!(!options.skips(path), "{path}");
        }
    }
}
