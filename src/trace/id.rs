//! Ids of traces and of spans.

use std::fmt;
use std::num::NonZeroU64;
#[cfg(feature = "otlp")]
use std::time::Duration;

use super::random::Draws;
use crate::hex;
use crate::metric::TraceId;

/// The id of a span, as W3C Trace Context has it: 8 bytes, not all zero.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SpanId(NonZeroU64);

impl SpanId {
    /// Takes a span id; `None` for zero, which the standard calls invalid.
    pub const fn new(id: u64) -> Option<Self> {
        match NonZeroU64::new(id) {
            Some(id) => Some(Self(id)),
            None => None,
        }
    }

    /// Returns the id as a number.
    pub const fn to_u64(self) -> u64 {
        self.0.get()
    }

    /// Makes a new id.
    #[cfg(feature = "otlp")]
    pub(crate) fn generate(now: Duration) -> Self {
        Self::draw(&mut Draws::at(now))
    }

    /// Makes a new id of the next number.
    #[inline]
    pub(super) fn draw(draws: &mut Draws) -> Self {
        Self(NonZeroU64::new(draws.next()).unwrap_or(NonZeroU64::MIN))
    }

    /// Writes the id as it is written everywhere: 16 hexadecimal digits in lower case.
    pub(super) fn to_hex(self) -> [u8; 16] {
        hex::of_u64(self.0.get())
    }
}

/// Makes the ids of a new trace and of its first span.
#[inline]
pub(super) fn new_trace(draws: &mut Draws) -> (TraceId, SpanId) {
    let (high, low) = (draws.next(), draws.next());
    // Zero comes up once in 2^128 times; any id will do then.
    let trace = TraceId::new((u128::from(high) << 64) | u128::from(low)).unwrap_or(TraceId::FIRST);
    (trace, SpanId::draw(draws))
}

impl fmt::Display for SpanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl fmt::Debug for SpanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SpanId({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;
    use std::time::Duration;

    fn new_trace() -> (TraceId, SpanId) {
        super::new_trace(&mut Draws::at(Duration::ZERO))
    }

    #[test]
    fn new_ids_are_unique_across_threads_though_the_time_stands_still() {
        let make = || (0..10_000).map(|_| new_trace()).collect::<Vec<_>>();
        let threads: Vec<_> = (0..4).map(|_| std::thread::spawn(make)).collect();
        let ids: Vec<_> = threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect();
        assert_eq!(ids.iter().map(|(trace, _)| trace).collect::<HashSet<_>>().len(), 40_000);
        assert_eq!(ids.iter().map(|(_, span)| span).collect::<HashSet<_>>().len(), 40_000);
    }

    #[test]
    fn the_lower_half_of_new_trace_ids_is_spread_evenly_since_samplers_go_by_it() {
        let low = (0..10_000).filter(|_| new_trace().0.to_u128() as u64 >> 63 == 1).count();
        assert!((4_700..5_300).contains(&low), "{low}");
    }
}
