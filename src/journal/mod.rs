//! The journal: events and samples on their way from the app to the store, and onward.
//!
//! ```
//! use std::time::Duration;
//! use watchkeeper::event::{Event, Level};
//! use watchkeeper::sample::Sample;
//! use watchkeeper::{Watchkeeper, service_info};
//!
//! let watch = Watchkeeper::builder(service_info!()).build()?;
//! watch.record_event(Event::log("checkout").level(Level::Error).message("card refused").tag("order", 42));
//! watch.record_sample(Sample::gauge("parcels_waiting", 7.0));
//! # Ok::<(), watchkeeper::metric::RegisterError>(())
//! ```
//!
//! Recording never blocks: it makes an id, puts the event into a queue and returns. One thread of the watch's own writes
//! what is queued to the store, in batches. When the store is slow, hangs, fails or panics, the app does not notice; when
//! the queue is full, what comes is dropped and counted. At any time, for each [`Sink`],
//! `accepted = stored + dropped, by reason + queued`.

mod forward;
mod handle;
mod logged;
mod options;
#[cfg(feature = "otlp")]
mod otlp;
#[cfg(any(feature = "otlp", feature = "webhook"))]
mod pause;
#[cfg(feature = "otlp")]
mod record;
mod target;
#[cfg(test)]
mod tests;
#[cfg(feature = "webhook")]
mod webhook;
mod writer;

pub use forward::{ForwardError, ForwardErrorKind, ForwardFuture, Forwarded, Forwarder};
pub use handle::Journal;
#[cfg(feature = "alerting")]
pub(crate) use handle::start;
pub(crate) use logged::event_of;
#[cfg(feature = "alerting")]
pub(crate) use options::Pace;
pub use options::{JournalOptions, WhenFull};
#[cfg(feature = "otlp")]
pub use otlp::OtlpLogs;
#[cfg(feature = "api")]
pub(crate) use target::count_event;
#[cfg(feature = "alerting")]
pub(crate) use target::{Answer, Fault, Target, Then};
#[cfg(feature = "webhook")]
pub use webhook::{Webhook, WebhookError};

pub use crate::presets::monitoring::{DropReason, Sink};
