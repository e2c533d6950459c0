//! Metrics of served HTTP requests, recorded by the HTTP layer.

use crate::metric::{
    CounterDesc, HistogramDesc, Open, RegisterError, Registry, Tracked, UpDownDesc, UpDownFamily, bucket,
};

crate::label_enum! {
    /// The request's method; one that the standard does not know is `other`.
    pub enum Method: "method" {
        /// `GET`.
        Get = "GET",
        /// `HEAD`.
        Head = "HEAD",
        /// `POST`.
        Post = "POST",
        /// `PUT`.
        Put = "PUT",
        /// `DELETE`.
        Delete = "DELETE",
        /// `PATCH`.
        Patch = "PATCH",
        /// `OPTIONS`.
        Options = "OPTIONS",
        /// `CONNECT`.
        Connect = "CONNECT",
        /// `TRACE`.
        Trace = "TRACE",
        /// Any other.
        Other = "other",
    }
}

crate::label_enum! {
    /// How a request ended.
    pub enum Outcome: "outcome" {
        /// It was answered in full.
        Completed = "completed",
        /// The client went away before the end.
        Cancelled = "cancelled",
        /// The handler or the body panicked.
        Panicked = "panicked",
        /// The service or the body returned an error.
        Failed = "failed",
    }
}

crate::label_enum! {
    /// What a connection that stays open carries.
    pub enum ConnectionKind: "kind" {
        /// A WebSocket.
        Websocket = "websocket",
        /// Server-sent events.
        Sse = "sse",
    }
}

crate::open_label! {
    /// The route's template, such as `/orders/{id}`; `unmatched` where no route matched.
    pub struct Path: "path";
}

crate::open_label! {
    /// The status code of the answer.
    pub struct Status: "status";
}

/// Counts answered requests.
pub const REQUESTS: CounterDesc<(Method, Open<Path>, Open<Status>)> = CounterDesc::new(
    "http_requests_total",
    "Requests, by method, route and status; 499 where the client left before the answer.",
);

/// Measures the time from a request's arrival to its response head.
pub const REQUEST_DURATION: HistogramDesc<(Method, Open<Path>)> = HistogramDesc::new(
    "http_request_duration_seconds",
    "Time from a request's arrival to its response head, by method and route.",
    bucket::REQUEST_SECONDS,
)
.with_exemplars();

/// Counts the requests under way.
pub const REQUESTS_IN_FLIGHT: UpDownDesc<(Method, Open<Path>)> =
    UpDownDesc::new("http_requests_in_flight", "Requests whose answer has not ended, by method and route.");

/// Counts how requests ended.
pub const REQUEST_OUTCOMES: CounterDesc<(Open<Path>, Outcome)> =
    CounterDesc::new("http_request_outcomes_total", "Requests that ended, by route and how.");

/// Counts the connections that stay open.
pub const CONNECTIONS_ACTIVE: UpDownDesc<(ConnectionKind,)> =
    UpDownDesc::new("http_connections_active", "Connections that stay open beyond an answer, by kind.");

/// Measures request bodies.
pub const REQUEST_BODY_BYTES: HistogramDesc<(Method, Open<Path>)> = HistogramDesc::new(
    "http_request_body_bytes",
    "Size of request bodies as received, by method and route.",
    bucket::BODY_BYTES,
);

/// Measures response bodies.
pub const RESPONSE_BODY_BYTES: HistogramDesc<(Method, Open<Path>)> = HistogramDesc::new(
    "http_response_body_bytes",
    "Size of response bodies as sent, by method and route.",
    bucket::BODY_BYTES,
);

/// Counts connections that the app holds open; requests are recorded by the HTTP layer.
#[derive(Debug, Clone)]
pub struct HttpMetrics {
    connections: UpDownFamily<(ConnectionKind,)>,
}

impl HttpMetrics {
    /// Registers the group's metrics that the app itself records.
    ///
    /// # Errors
    ///
    /// When a name is taken by a metric of another meaning.
    pub fn register(registry: &Registry) -> Result<Self, RegisterError> {
        Ok(Self { connections: registry.up_down(&CONNECTIONS_ACTIVE)? })
    }

    /// Counts a connection as open until the guard is dropped.
    pub fn track_connection(&self, kind: ConnectionKind) -> Tracked {
        self.connections.track((kind,))
    }
}
