//! Exemplars: per bucket, the trace id of the slowest observation of the last minute.

use std::fmt;
use std::sync::OnceLock;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant, SystemTime};

use super::sync::{AtomicU64, fence};
use crate::hex;

/// Cells that one slot takes: sequence, both halves of the trace id, value, time.
pub(crate) const SLOT: usize = 5;
/// How long an exemplar is offered.
const FRESH: Duration = Duration::from_secs(60);

/// The id of a trace, as W3C Trace Context has it: 16 bytes, not all zero.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TraceId {
    high: u64,
    low: u64,
}

impl TraceId {
    /// Takes a trace id; `None` for zero, which the standard calls invalid.
    pub const fn new(id: u128) -> Option<Self> {
        if id == 0 { None } else { Some(Self { high: (id >> 64) as u64, low: id as u64 }) }
    }

    /// What stands in for an id that came out as zero.
    pub(crate) const FIRST: Self = Self { high: 0, low: 1 };

    /// Returns the id as a number.
    pub const fn to_u128(self) -> u128 {
        ((self.high as u128) << 64) | self.low as u128
    }

    /// Writes the id as it is written everywhere: 32 hexadecimal digits in lower case.
    pub(crate) fn to_hex(self) -> [u8; 32] {
        let mut text = [0; 32];
        text[..16].copy_from_slice(&hex::of_u64(self.high));
        text[16..].copy_from_slice(&hex::of_u64(self.low));
        text
    }

    /// Reads the trace id out of a `traceparent` header; `None` when the header is not valid.
    pub fn from_traceparent(header: &str) -> Option<Self> {
        let mut fields = header.split('-');
        let (version, trace, parent, flags) = (fields.next()?, fields.next()?, fields.next()?, fields.next()?);
        let hex = |text: &str, len| text.len() == len && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        let shape = hex(version, 2) && hex(trace, 32) && hex(parent, 16) && hex(flags, 2);
        // Version 00 ends here; a later one may carry more; ff is forbidden.
        let end = version != "00" || fields.next().is_none();
        if !shape || !end || version == "ff" || parent.bytes().all(|b| b == b'0') {
            return None;
        }
        Self::new(u128::from_str_radix(trace, 16).ok()?)
    }
}

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}{:016x}", self.high, self.low)
    }
}

impl fmt::Debug for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TraceId({self})")
    }
}

/// What a scrape shows of a slot.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Exemplar {
    pub(crate) trace: TraceId,
    pub(crate) ticks: u64,
    pub(crate) unix_millis: u64,
}

/// Offers an observation to a slot of the thread's own shard: taken when the slot is empty, stale, or holds less.
pub(crate) fn offer(slot: &[AtomicU64], trace: TraceId, ticks: u64, now: Instant) {
    let [sequence, high, low, value, time] = slot else { return };
    let now = Clock::get().millis(now);
    let taken = sequence.load(Ordering::Relaxed);
    let stale = now.saturating_sub(time.load(Ordering::Relaxed)) > FRESH.as_millis() as u64;
    if taken != 0 && !stale && value.load(Ordering::Relaxed) >= ticks {
        return;
    }
    sequence.store(taken | 1, Ordering::Relaxed);
    fence(Ordering::Release);
    high.store(trace.high, Ordering::Relaxed);
    low.store(trace.low, Ordering::Relaxed);
    value.store(ticks, Ordering::Relaxed);
    time.store(now, Ordering::Relaxed);
    sequence.store((taken | 1).wrapping_add(1), Ordering::Release);
}

/// Reads a slot; `None` when it is empty, stale or just being written.
pub(crate) fn read(slot: &[AtomicU64]) -> Option<Exemplar> {
    let [sequence, high, low, value, time] = slot else { return None };
    let before = sequence.load(Ordering::Acquire);
    if before == 0 || before & 1 == 1 {
        return None;
    }
    let trace = TraceId { high: high.load(Ordering::Relaxed), low: low.load(Ordering::Relaxed) };
    let (ticks, millis) = (value.load(Ordering::Relaxed), time.load(Ordering::Relaxed));
    fence(Ordering::Acquire);
    if sequence.load(Ordering::Relaxed) != before {
        return None;
    }
    let clock = Clock::get();
    if clock.millis(Instant::now()).saturating_sub(millis) > FRESH.as_millis() as u64 {
        return None;
    }
    Some(Exemplar { trace, ticks, unix_millis: clock.unix_millis.saturating_add(millis) })
}

/// Ties the steady clock to the wall clock once, so that a slot holds one small number.
struct Clock {
    start: Instant,
    unix_millis: u64,
}

impl Clock {
    fn get() -> &'static Self {
        static CLOCK: OnceLock<Clock> = OnceLock::new();
        CLOCK.get_or_init(|| {
            let unix = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
            Clock { start: Instant::now(), unix_millis: unix.as_millis() as u64 }
        })
    }

    fn millis(&self, now: Instant) -> u64 {
        now.saturating_duration_since(self.start).as_millis() as u64
    }
}

#[cfg(all(test, not(watchkeeper_loom)))]
mod tests {
    use super::*;

    fn slot() -> [AtomicU64; SLOT] {
        [const { AtomicU64::new(0) }; SLOT]
    }

    #[test]
    fn a_slot_keeps_the_slowest_of_the_last_minute() {
        let (slot, now) = (slot(), Instant::now());
        for (id, ticks) in [(1, 10), (2, 30), (3, 20)] {
            offer(&slot, TraceId::new(id).unwrap(), ticks, now);
        }
        let seen = read(&slot).unwrap();
        assert_eq!((seen.trace, seen.ticks), (TraceId { high: 0, low: 2 }, 30));
        offer(&slot, TraceId { high: 0, low: 4 }, 1, now + FRESH + Duration::from_secs(1));
        assert_eq!(read(&slot).unwrap().trace, TraceId { high: 0, low: 4 });
    }

    #[test]
    fn a_traceparent_is_taken_only_when_it_is_valid() {
        let id = "4bf92f3577b34da6a3ce929d0e0e4736";
        let parse = TraceId::from_traceparent;
        assert_eq!(parse(&format!("00-{id}-00f067aa0ba902b7-01")).unwrap().to_string(), id);
        assert!(parse(&format!("01-{id}-00f067aa0ba902b7-01-more")).is_some());
        for bad in [
            "",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
        ] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }
}

/// Tries every interleaving: `RUSTFLAGS="--cfg watchkeeper_loom" cargo test --release --lib loom`.
#[cfg(all(test, watchkeeper_loom))]
mod loom_tests {
    use loom::sync::Arc;
    use loom::thread;

    use super::*;

    #[test]
    fn loom_a_reader_never_sees_halves_of_two_exemplars() {
        loom::model(|| {
            let slot: Arc<Vec<_>> = Arc::new((0..SLOT).map(|_| AtomicU64::new(0)).collect());
            let now = Instant::now();
            let writer = {
                let slot = Arc::clone(&slot);
                thread::spawn(move || {
                    for id in 1..=2 {
                        offer(&slot, TraceId { high: id, low: id }, id, now);
                    }
                })
            };
            if let Some(seen) = read(&slot) {
                assert_eq!((seen.trace.high, seen.trace.low), (seen.ticks, seen.ticks));
            }
            writer.join().unwrap();
            assert_eq!(read(&slot).unwrap().ticks, 2);
        });
    }
}
