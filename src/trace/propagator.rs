//! Propagators: which headers carry a trace into the process and out of it.

use std::sync::atomic::{AtomicU8, Ordering};

const TRACE_CONTEXT: u8 = 1;
const BAGGAGE: u8 = 2;

/// What the process has chosen by `OTEL_PROPAGATORS`. Telemetry sets it once, when it is made the process' own.
static CHOSEN: AtomicU8 = AtomicU8::new(TRACE_CONTEXT | BAGGAGE);

/// The headers that are read and written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Propagators(u8);

/// Says that a propagator has no such name here.
#[cfg(feature = "otlp")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct UnknownPropagator;

impl Propagators {
    /// Returns what the process has chosen; by default `tracecontext,baggage`.
    pub(super) fn chosen() -> Self {
        Self(CHOSEN.load(Ordering::Relaxed))
    }

    /// Chooses for the whole process.
    #[cfg(feature = "otlp")]
    pub(crate) fn choose(self) {
        CHOSEN.store(self.0, Ordering::Relaxed);
    }

    pub(super) const fn trace_context(self) -> bool {
        self.0 & TRACE_CONTEXT != 0
    }

    pub(super) const fn baggage(self) -> bool {
        self.0 & BAGGAGE != 0
    }
}

impl Default for Propagators {
    fn default() -> Self {
        Self(TRACE_CONTEXT | BAGGAGE)
    }
}

#[cfg(feature = "otlp")]
impl std::str::FromStr for Propagators {
    type Err = UnknownPropagator;

    /// Reads the names, separated by commas; `none` stands alone.
    fn from_str(names: &str) -> Result<Self, UnknownPropagator> {
        if names.trim() == "none" {
            return Ok(Self(0));
        }
        let bit = |name: &str| match name {
            "tracecontext" => Ok(TRACE_CONTEXT),
            "baggage" => Ok(BAGGAGE),
            _ => Err(UnknownPropagator),
        };
        names.split(',').try_fold(0, |chosen, name| Ok(chosen | bit(name.trim())?)).map(Self)
    }
}
