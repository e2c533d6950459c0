//! Ids that sort by time, and at equal times by acceptance.

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::str::FromStr;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;
use uuid::Uuid;

use crate::timestamp::Timestamp;

/// The id of whatever a store keeps: a UUID of version 7 that is made when the thing is accepted.
///
/// It holds the thing's own time to the microsecond, then a counter of this process, then a number of this process. So
/// ids sort by time; equal times sort in the order of acceptance within a process, and by that number between processes.
///
/// ```
/// use watchkeeper::{Id, Timestamp};
///
/// let time: Timestamp = "2026-11-24T14:02:00.000001Z".parse()?;
/// let (first, second) = (Id::at(time), Id::at(time));
/// assert!(first < second);
/// assert_eq!(first.timestamp(), time);
/// # Ok::<(), watchkeeper::InvalidTimestamp>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id(u128);

/// Says that a text is no id: a UUID of version 7, such as `019ab5c2-7d40-7004-8000-00001f2e3d4c`.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("no id: a UUID of version 7, such as 019ab5c2-7d40-7004-8000-00001f2e3d4c")]
#[non_exhaustive]
pub struct InvalidId;

/// How many bits of an id tell processes apart; the counter has the 36 above them.
const PROCESS_BITS: u32 = 28;

/// What is counted up with every id of this process.
static ACCEPTED: AtomicU64 = AtomicU64::new(0);

/// The number of this process, at random.
static PROCESS: LazyLock<u64> = LazyLock::new(|| RandomState::new().hash_one(std::process::id()) & MASK);

const MASK: u64 = (1 << PROCESS_BITS) - 1;

impl Id {
    /// The smallest id.
    pub const MIN: Self = Self::assemble(0, 0);
    /// The largest id.
    pub const MAX: Self = Self::assemble((1 << 48) * 1000 - 1, u64::MAX);

    /// Makes the next id for something that happened at `time`; a time before 1970 counts as 1970.
    pub fn at(time: Timestamp) -> Self {
        let counter = ACCEPTED.fetch_add(1, Ordering::Relaxed);
        Self::assemble(micros(time), counter << PROCESS_BITS | *PROCESS)
    }

    /// Makes an id of a time and a number that tells it from all others.
    #[cfg(feature = "api")]
    pub(crate) fn keyed(time: Timestamp, number: u64) -> Self {
        Self::assemble(micros(time), number)
    }

    /// Returns the smallest id that anything of `time` can have, for use as a bound.
    pub fn first_at(time: Timestamp) -> Self {
        Self::assemble(micros(time), 0)
    }

    /// Returns the largest id that anything of `time` can have, for use as a bound.
    pub fn last_at(time: Timestamp) -> Self {
        Self::assemble(micros(time), u64::MAX)
    }

    /// 48 bits of milliseconds, the version, ten bits of microseconds, two of the tail, the variant, the rest of the tail.
    const fn assemble(micros: u64, tail: u64) -> Self {
        let millis = (micros / 1000) as u128;
        let below = (micros % 1000) as u128;
        let tail = tail as u128;
        Self(millis << 80 | 7 << 76 | below << 66 | (tail >> 62) << 64 | 0b10 << 62 | tail & ((1 << 62) - 1))
    }

    /// Returns the time that the id was made for.
    pub const fn timestamp(self) -> Timestamp {
        let millis = (self.0 >> 80) as i64;
        let below = (self.0 >> 66 & 0x3ff) as i64;
        // Other makers of ids put other things into these bits.
        Timestamp::from_micros(millis * 1000 + if below > 999 { 999 } else { below })
    }

    /// Returns the number of the process that made the id; another maker's ids have anything there.
    pub const fn process(self) -> u32 {
        (self.0 & MASK as u128) as u32
    }

    /// Returns the number that the ids of this process end with.
    pub(crate) fn this_process() -> u32 {
        *PROCESS as u32
    }

    /// Returns the largest id below this one, for use as a bound; it need not be an id that is made.
    pub(crate) const fn before(self) -> Option<Self> {
        if self.0 <= Self::MIN.0 { None } else { Some(Self(self.0 - 1)) }
    }

    /// Returns the smallest id above this one, for use as a bound; it need not be an id that is made.
    pub(crate) const fn after(self) -> Option<Self> {
        if self.0 >= Self::MAX.0 { None } else { Some(Self(self.0 + 1)) }
    }

    /// Takes what a database has as an id, whatever wrote it there.
    #[cfg(feature = "postgres")]
    pub(crate) const fn stored(uuid: Uuid) -> Self {
        Self(uuid.as_u128())
    }

    /// Returns the id as a UUID.
    pub const fn as_uuid(self) -> Uuid {
        Uuid::from_u128(self.0)
    }
}

/// A time before 1970 has no place in an id.
fn micros(time: Timestamp) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(0)
}

impl TryFrom<Uuid> for Id {
    type Error = InvalidId;

    fn try_from(uuid: Uuid) -> Result<Self, InvalidId> {
        let bits = uuid.as_u128();
        if bits >> 76 & 0xf == 7 && bits >> 62 & 0b11 == 0b10 { Ok(Self(bits)) } else { Err(InvalidId) }
    }
}

impl FromStr for Id {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        Uuid::try_parse(text).map_err(|_| InvalidId)?.try_into()
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.as_uuid(), f)
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Id {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(from)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn an_id_is_a_uuid_of_version_7_that_others_can_read() {
        let time: Timestamp = "2026-11-24T14:02:00.123456Z".parse().unwrap();
        let id = Id::at(time);
        assert_eq!(id.as_uuid().get_version_num(), 7);
        assert_eq!(id.as_uuid().get_variant(), uuid::Variant::RFC4122);
        let (seconds, nanos) = id.as_uuid().get_timestamp().unwrap().to_unix();
        assert_eq!((seconds, nanos / 1_000_000), (1_795_528_920, 123));
        assert_eq!(id.timestamp(), time);
        assert_eq!(id.to_string().parse(), Ok(id));
    }

    #[test]
    fn equal_times_sort_in_order_of_acceptance_and_before_the_next_microsecond() {
        let time = Timestamp::from_micros(1_795_528_920_123_999);
        let ids: Vec<_> = (0..1000).map(|_| Id::at(time)).collect();
        assert!(ids.is_sorted() && ids.windows(2).all(|pair| pair[0] != pair[1]));
        assert!(Id::first_at(time) <= ids[0] && ids[999] < Id::last_at(time));
        assert!(Id::last_at(time) < Id::first_at(time.plus(Duration::from_micros(1))));
        assert!(Id::last_at(time.minus(Duration::from_micros(1))) < Id::first_at(time));
    }

    #[test]
    fn the_ends_of_time_have_ids() {
        assert_eq!(Id::at(Timestamp::MIN).timestamp(), Timestamp::EPOCH);
        assert_eq!(Id::at(Timestamp::MAX).timestamp(), Timestamp::MAX);
        assert!(Id::MIN <= Id::first_at(Timestamp::MIN) && Id::last_at(Timestamp::MAX) < Id::MAX);
    }

    #[test]
    fn an_id_of_another_version_is_refused() {
        for text in
            ["f81d4fae-7dec-11d0-a765-00a0c91e6bf6", "00000000-0000-0000-0000-000000000000", "7", "", "' OR 1=1"]
        {
            assert_eq!(text.parse::<Id>(), Err(InvalidId), "{text}");
        }
    }

    #[test]
    fn an_id_of_another_maker_has_a_time() {
        let id = Id::try_from(Uuid::now_v7()).unwrap();
        assert!(Timestamp::now().since(id.timestamp()) < Duration::from_secs(60));
    }
}
