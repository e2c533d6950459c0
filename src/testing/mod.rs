//! For tests: what a scrape would show, what stores have to keep to, and events that do harm.
//!
//! ```
//! use watchkeeper::metric::{CounterDesc, Registry};
//! use watchkeeper::testing::Scrape;
//!
//! const PARCELS_SENT: CounterDesc = CounterDesc::new("parcels_sent_total", "Parcels that left the house.");
//!
//! let registry = Registry::new();
//! let sent = registry.counter(&PARCELS_SENT)?;
//! let before = Scrape::of(&registry);
//! sent.add((), 3);
//! watchkeeper::assert_scrape!(registry, "parcels_sent_total 3");
//! assert_eq!(Scrape::of(&registry).increase(&before, "parcels_sent_total"), 3.0);
//! # Ok::<(), watchkeeper::metric::RegisterError>(())
//! ```

pub mod hostile;
pub mod laws;
mod scrape;

pub use scrape::Scrape;

/// Asserts that a scrape has a line, given word for word; on failure it shows the lines of that metric.
///
/// Takes anything that [`Scrape::of`] takes.
#[macro_export]
macro_rules! assert_scrape {
    ($registry:expr, $line:expr) => {
        $crate::testing::Scrape::of(&$registry).assert_line($line)
    };
}
