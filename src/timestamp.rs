//! A point in time, to the microsecond.

use std::fmt;
use std::str::FromStr;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;

/// A point in time in UTC: whole microseconds, between the years 1 and 9999.
///
/// It is what every store can keep: a time read back equals the time that was stored. Text is RFC 3339 with six digits
/// after the second, such as `2026-11-24T14:02:00.000000Z`; any offset is read.
///
/// ```
/// use watchkeeper::Timestamp;
///
/// let noon: Timestamp = "2026-11-24T13:00:00.0000004+01:00".parse()?;
/// assert_eq!(noon.to_string(), "2026-11-24T12:00:00.000000Z");
/// # Ok::<(), watchkeeper::InvalidTimestamp>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

/// Says that a text is no RFC 3339 time between the years 1 and 9999.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("no RFC 3339 time between the years 1 and 9999, such as 2026-11-24T14:02:00Z")]
#[non_exhaustive]
pub struct InvalidTimestamp;

impl Timestamp {
    /// The first microsecond of the year 1.
    pub const MIN: Self = Self(-62_135_596_800_000_000);
    /// A day before the end of the year 9999, so that it is a time of that year at any offset.
    pub const MAX: Self = Self(253_402_207_200_000_000);
    /// The start of 1970.
    pub const EPOCH: Self = Self(0);

    /// Reads the system's clock.
    pub fn now() -> Self {
        Self::from(SystemTime::now())
    }

    /// Makes a time from microseconds since 1970; one out of range becomes the nearest that is in it.
    pub const fn from_micros(micros: i64) -> Self {
        if micros < Self::MIN.0 {
            Self::MIN
        } else if micros > Self::MAX.0 {
            Self::MAX
        } else {
            Self(micros)
        }
    }

    /// Returns the microseconds since 1970; negative before that.
    pub const fn as_micros(self) -> i64 {
        self.0
    }

    /// Returns the time this much later, at most [`MAX`](Self::MAX); a part of a microsecond is left out.
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        Self::from_micros(self.0.saturating_add(micros(duration)))
    }

    /// Returns the time this much earlier, at least [`MIN`](Self::MIN); a part of a microsecond is left out.
    #[must_use]
    pub fn minus(self, duration: Duration) -> Self {
        Self::from_micros(self.0.saturating_sub(micros(duration)))
    }

    /// Returns how long after `earlier` this time is; zero when it is not after it.
    pub fn since(self, earlier: Self) -> Duration {
        u64::try_from(self.0 - earlier.0).map_or(Duration::ZERO, Duration::from_micros)
    }
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

impl From<SystemTime> for Timestamp {
    /// Takes a time of the system's clock, rounded down to the microsecond.
    fn from(time: SystemTime) -> Self {
        match time.duration_since(SystemTime::UNIX_EPOCH) {
            Ok(since) => Self::EPOCH.plus(since),
            // Rounded down: away from 1970.
            Err(before) => Self::EPOCH.minus(before.duration().saturating_add(Duration::from_nanos(999))),
        }
    }
}

impl From<Timestamp> for SystemTime {
    fn from(time: Timestamp) -> Self {
        let distance = Duration::from_micros(time.0.unsigned_abs());
        let moved = if time.0 < 0 {
            SystemTime::UNIX_EPOCH.checked_sub(distance)
        } else {
            SystemTime::UNIX_EPOCH.checked_add(distance)
        };
        moved.unwrap_or(SystemTime::UNIX_EPOCH)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = jiff::Timestamp::from_microsecond(self.0).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        write!(f, "{time:.6}")
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Timestamp {
    type Err = InvalidTimestamp;

    /// Reads an RFC 3339 time with any offset; what is below a microsecond is left out.
    fn from_str(text: &str) -> Result<Self, InvalidTimestamp> {
        let time: jiff::Timestamp = text.parse().map_err(|_| InvalidTimestamp)?;
        let micros = time.as_nanosecond().div_euclid(1000);
        let micros = i64::try_from(micros).map_err(|_| InvalidTimestamp)?;
        let read = Self::from_micros(micros);
        if read.0 == micros { Ok(read) } else { Err(InvalidTimestamp) }
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(from)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_written_as_it_was_read() {
        for text in ["2026-11-24T14:02:00.000001Z", "1969-12-31T23:59:59.999999Z", "0001-01-01T00:00:00.000000Z"] {
            assert_eq!(text.parse::<Timestamp>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_is_below_a_microsecond_is_left_out() {
        let read: Timestamp = "1970-01-01T00:00:00.0000019Z".parse().unwrap();
        assert_eq!(read.as_micros(), 1);
        let before: Timestamp = "1969-12-31T23:59:59.9999999Z".parse().unwrap();
        assert_eq!(before.as_micros(), -1);
        assert_eq!(Timestamp::from(SystemTime::UNIX_EPOCH - Duration::from_nanos(1)).as_micros(), -1);
    }

    #[test]
    fn a_time_out_of_range_is_refused_as_text_and_clamped_as_a_number() {
        for text in ["-009999-01-01T00:00:00Z", "0000-12-31T23:59:59Z", "infinity", "", "2026-13-01T00:00:00Z", "now"] {
            assert_eq!(text.parse::<Timestamp>(), Err(InvalidTimestamp), "{text}");
        }
        assert_eq!(Timestamp::from_micros(i64::MAX), Timestamp::MAX);
        assert_eq!(Timestamp::from_micros(i64::MIN), Timestamp::MIN);
        assert_eq!(Timestamp::MAX.plus(Duration::MAX), Timestamp::MAX);
        assert_eq!(Timestamp::MIN.minus(Duration::MAX), Timestamp::MIN);
        for edge in [Timestamp::MIN, Timestamp::MAX] {
            assert_eq!(edge.to_string().parse(), Ok(edge));
            assert_eq!(Timestamp::from(SystemTime::from(edge)), edge);
        }
    }
}
