//! The exported span of a request, by OpenTelemetry's conventions for HTTP servers.
//!
//! Neither path nor query nor headers are in it: the route's template says which work was done, and what a client put
//! into the others may be anybody's secret.

use std::sync::Arc;

use http::{Request, StatusCode, Version};

use super::request_id::RequestId;
use crate::presets::http::{Method, Outcome};
use crate::telemetry::otlp::{Attributes, OpenSpan, Value};

/// The longest host that is taken over, in bytes.
const LONGEST_HOST: usize = 253;

/// Describes a request while it is served, and ends its span when it is dropped.
#[derive(Debug)]
pub(super) struct ServerSpan {
    open: Arc<OpenSpan>,
    head: Head,
    panicked: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Head {
    /// No answer yet, and the handler has not run.
    Called,
    Awaited,
    /// The head is out, or there is an error in its place.
    Sent,
}

impl ServerSpan {
    /// Describes a request and the route that it has, where it has one.
    pub(super) fn begin<B>(open: Arc<OpenSpan>, request: &Request<B>, route: Option<&str>, id: &RequestId) -> Self {
        let method = match Method::from(request.method()) {
            Method::Other => None,
            _ => Some(request.method().as_str()),
        };
        // By the conventions a method that nobody knows stays out of the name.
        let name = method.unwrap_or("HTTP");
        open.rename(route.map_or_else(|| name.to_owned(), |route| format!("{name} {route}")));
        open.set(|attributes| {
            attributes.set("http.request.method", Value::text(method.unwrap_or("_OTHER")));
            if let Some(route) = route {
                attributes.set("http.route", Value::text(route));
            }
            attributes.set("url.scheme", Value::text(scheme(request)));
            address(request, attributes);
            if let Some(version) = version(request.version()) {
                attributes.set("network.protocol.version", Value::text(version));
            }
            attributes.set("request_id", Value::text(id.as_str()));
        });
        Self { open, head: Head::Called, panicked: false }
    }

    /// Watches the handler or the body run, until the guard is dropped.
    pub(super) fn run(&mut self) -> Running<'_> {
        if self.head == Head::Called {
            self.head = Head::Awaited;
        }
        Running { span: self, panicking: std::thread::panicking() }
    }

    /// Says how the request was answered. What is the client's fault is no failure of the server.
    pub(super) fn answer(&mut self, status: StatusCode) {
        self.head = Head::Sent;
        self.open.set(|attributes| {
            attributes.set("http.response.status_code", Value::from(i64::from(status.as_u16())));
            if status.is_server_error() {
                attributes.set("error.type", Value::text(status.as_str()));
            }
        });
        if status.is_server_error() {
            self.open.fail();
        }
    }

    /// Says that the service returned an error instead of an answer.
    pub(super) fn fail(&mut self) {
        self.head = Head::Sent;
        self.end_by("service_error", true);
    }

    /// Says how the body ended.
    pub(super) fn end_of_body(&self, outcome: Outcome) {
        match outcome {
            Outcome::Completed => {}
            Outcome::Cancelled => self.end_by("cancelled", false),
            Outcome::Panicked => self.end_by("panic", true),
            Outcome::Failed => self.end_by("body_error", true),
        }
    }

    fn end_by(&self, cause: &str, failed: bool) {
        self.open.set(|attributes| attributes.set("error.type", Value::text(cause)));
        if failed {
            self.open.fail();
        }
    }
}

impl Drop for ServerSpan {
    fn drop(&mut self) {
        match (self.head, self.panicked) {
            (_, true) => self.end_by("panic", true),
            // What panics while it makes its future never gets to run.
            (Head::Called, false) if std::thread::panicking() => self.end_by("panic", true),
            // The client left, which is nobody's failure.
            (Head::Called | Head::Awaited, false) => self.end_by("cancelled", false),
            (Head::Sent, false) => {}
        }
        self.open.end();
    }
}

/// Sees whether what runs panics.
#[derive(Debug)]
pub(super) struct Running<'a> {
    span: &'a mut ServerSpan,
    /// Whether the thread was unwinding already.
    panicking: bool,
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.span.panicked |= !self.panicking && std::thread::panicking();
    }
}

fn scheme<B>(request: &Request<B>) -> &str {
    match request.uri().scheme_str() {
        Some("https") => "https",
        _ => "http",
    }
}

/// Sets the host and the port that the client asked for, without what may stand before the `@`.
fn address<B>(request: &Request<B>, attributes: &mut Attributes) {
    let of_header = || request.headers().get(http::header::HOST)?.to_str().ok()?.parse().ok();
    let Some(authority) = request.uri().authority().cloned().or_else(of_header) else { return };
    let host = authority.host();
    if host.is_empty() || host.len() > LONGEST_HOST {
        return;
    }
    attributes.set("server.address", Value::text(host));
    if let Some(port) = authority.port_u16() {
        attributes.set("server.port", Value::from(i64::from(port)));
    }
}

fn version(version: Version) -> Option<&'static str> {
    Some(match version {
        Version::HTTP_10 => "1.0",
        Version::HTTP_11 => "1.1",
        Version::HTTP_2 => "2",
        Version::HTTP_3 => "3",
        _ => return None,
    })
}
