//! The metric core: descriptors, registries, instruments and what Prometheus reads.
//!
//! A metric is declared once, as a constant. A [`Registry`] turns it into an instrument that counts in cells of
//! its own for each thread, and writes all of them in the text that Prometheus scrapes.
//!
//! ```
//! use watchkeeper::metric::{CounterDesc, Format, Registry};
//!
//! watchkeeper::label_enum! {
//!     /// How a sign-in ended.
//!     pub enum Outcome: "outcome" {
//!         /// Signed in.
//!         Welcome = "welcome",
//!         /// Turned away.
//!         Refused = "refused",
//!     }
//! }
//! pub const SIGN_INS: CounterDesc<(Outcome,)> = CounterDesc::new("sign_ins_total", "Sign-ins, by outcome.");
//!
//! let registry = Registry::new();
//! let sign_ins = registry.counter(&SIGN_INS)?;
//! sign_ins.inc((Outcome::Welcome,));
//! let scrape = registry.render(Format::Text);
//! assert!(scrape.contains("sign_ins_total{outcome=\"welcome\"} 1\n"));
//! assert!(scrape.contains("sign_ins_total{outcome=\"refused\"} 0\n"));
//! # Ok::<(), watchkeeper::metric::RegisterError>(())
//! ```

pub mod bucket;
mod builder;
pub(crate) mod cell;
mod counter;
mod descriptor;
mod error;
pub(crate) mod exemplar;
mod exposition;
pub(crate) mod family;
mod foreign;
mod gauge;
mod global;
mod histogram;
mod interchange;
mod label;
pub(crate) mod lease;
mod loss;
mod name;
#[cfg(feature = "alerting")]
pub(crate) mod reading;
mod registry;
pub(crate) mod series;
pub(crate) mod shape;
pub(crate) mod sync;
mod text;
mod up_down;

pub use builder::RegistryBuilder;
pub use counter::{Counter, CounterFamily};
pub use descriptor::{CounterDesc, Describe, GaugeDesc, HistogramDesc, Kind, Meta, Unit, UpDownDesc};
pub use error::{BuildError, RegisterError};
pub use exemplar::TraceId;
pub use exposition::Format;
pub use family::OVERFLOW;
pub use gauge::{Gauge, GaugeFamily};
pub use global::{AlreadyInstalled, global, install};
pub use histogram::{Histogram, HistogramFamily, Timer};
pub use interchange::RegistryCollector;
pub use label::{Label, LabelInfo, LabelSet, Open, OpenName, Part};
pub use loss::{INVALID_OBSERVATIONS, LABEL_OVERFLOW, MetricName};
pub use name::NameError;
pub use registry::Registry;
pub use up_down::{Tracked, UpDown, UpDownFamily};

/// Prints an instrument by its metric's name, and lets a family be cloned whatever its labels.
macro_rules! handle_debug {
    ($family:ident, $handle:ident) => {
        impl<L> Clone for $family<L> {
            fn clone(&self) -> Self {
                Self { core: Arc::clone(&self.core), labels: PhantomData }
            }
        }

        impl<L> fmt::Debug for $family<L> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_tuple(stringify!($family)).field(&self.core.shape.name).finish()
            }
        }

        impl fmt::Debug for $handle {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($handle)).finish_non_exhaustive()
            }
        }
    };
}
use handle_debug;
