//! Traces: which trace a request belongs to, read from its headers and carried on to the services it calls.
//!
//! Every request that passes the [HTTP layer](crate::http) has a [`TraceContext`], also where nothing is exported: the
//! client's by W3C Trace Context (`traceparent`, `tracestate`, `baggage`), failing that by Sentry's `sentry-trace`,
//! or else a new one. Its trace id is in the log lines, the exemplars, the response and the exported spans alike.
//!
//! A client of any HTTP library passes it on by [`inject`], a client that is a tower service by [`InjectLayer`]:
//!
//! ```
//! let mut request = http::Request::get("http://stock.internal/items/7").body(())?;
//! watchkeeper::trace::inject(request.headers_mut());
//! # Ok::<(), http::Error>(())
//! ```
//!
//! A task of its own is given it by [`carry`]:
//!
//! ```
//! # async fn example() {
//! tokio::spawn(watchkeeper::trace::carry(async {
//!     tracing::info!("still a line of the request, with its ids");
//! }));
//! # }
//! ```

mod baggage;
mod carry;
mod client;
mod context;
mod current;
mod header;
mod id;
pub(crate) mod offer;
mod propagator;
pub(crate) mod random;
mod state;

pub use carry::{Carry, carry};
pub use client::{Inject, InjectLayer};
pub use context::TraceContext;
pub use current::Entered;
pub use id::SpanId;

pub use crate::metric::TraceId;

pub(crate) use context::Remote;
#[cfg(feature = "otlp")]
pub(crate) use current::of_thread;
pub(crate) use current::{Swapped, swap_in};
#[cfg(feature = "otlp")]
pub(crate) use propagator::{Propagators, UnknownPropagator};

/// Writes the current trace into the headers of an outgoing request, so that what it causes belongs to the trace too.
///
/// Sets `traceparent`, and `tracestate` and `baggage` where the request that is being served had them. Outside of any
/// trace nothing is set.
pub fn inject(headers: &mut http::HeaderMap) {
    if let Some(context) = TraceContext::current() {
        context.inject(headers);
    }
}
