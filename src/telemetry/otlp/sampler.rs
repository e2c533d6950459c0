//! The sampler: which traces are recorded.

use crate::metric::TraceId;

/// Decides on a trace once, where it enters the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sampler {
    /// Whether what the caller has decided counts.
    pub(super) by_parent: bool,
    /// How many of 2^63 traces are recorded.
    threshold: u64,
}

/// As many as there are.
const ALL: u64 = 1 << 63;

impl Sampler {
    /// Takes a share of 0 to 1; anything else is none.
    pub(super) fn new(by_parent: bool, ratio: f64) -> Option<Self> {
        // 2^63 is exact in a float, and a share of it fits.
        (0.0..=1.0).contains(&ratio).then_some(Self { by_parent, threshold: (ratio * ALL as f64) as u64 })
    }

    /// Decides by the caller's decision, or else by the trace's id, so that services with one ratio record the same
    /// traces. The rule is that of other implementations: 63 bits of the id's lower half, below the ratio.
    pub(super) fn samples(self, trace: TraceId, parent: Option<bool>) -> bool {
        match parent {
            Some(sampled) if self.by_parent => sampled,
            _ => (trace.to_u128() as u64) >> 1 < self.threshold,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::TraceContext;
    use std::time::Duration;

    #[test]
    fn the_caller_decides_and_else_the_ratio_does() {
        let id = TraceId::new(1 << 63).unwrap();
        let [none, all] = [0.0, 1.0].map(|ratio| Sampler::new(true, ratio).unwrap());
        assert!(none.samples(id, Some(true)) && !none.samples(id, Some(false)) && !none.samples(id, None));
        assert!(all.samples(id, Some(true)) && !all.samples(id, Some(false)) && all.samples(id, None));
        let alone = Sampler::new(false, 1.0).unwrap();
        assert!(alone.samples(id, Some(false)));
        assert!(Sampler::new(true, 1.5).is_none() && Sampler::new(true, f64::NAN).is_none());
    }

    #[test]
    fn a_tenth_of_new_traces_is_a_tenth() {
        let sampler = Sampler::new(true, 0.1).unwrap();
        let ids = (0..20_000).map(|_| TraceContext::of_new_trace(Duration::ZERO).trace_id());
        let sampled = ids.filter(|id| sampler.samples(*id, None)).count();
        assert!((1_700..2_300).contains(&sampled), "{sampled}");
    }
}
