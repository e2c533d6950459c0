//! Rate limits: how long a server wants nothing, or nothing of one kind.

use std::time::{Duration, Instant};

/// How long nothing is sent after a 429 that does not say.
const DEFAULT: Duration = Duration::from_secs(60);

/// The longest pause that is kept to; a server that says more is asked again after this.
const LONGEST: Duration = Duration::from_secs(3600);

/// What may be limited apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Error,
    Transaction,
}

impl Kind {
    const ALL: [Self; 2] = [Self::Error, Self::Transaction];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Transaction => "transaction",
        }
    }
}

/// When each kind may be sent again.
#[derive(Debug, Default)]
pub(super) struct Limits {
    until: [Option<Instant>; Kind::ALL.len()],
}

impl Limits {
    /// Tells whether something of this kind is not to be sent now.
    pub(super) fn apply(&self, kind: Kind, now: Instant) -> bool {
        self.until[kind as usize].is_some_and(|until| now < until)
    }

    /// Takes from an answer what it says: `X-Sentry-Rate-Limits` wins, then `Retry-After`, then a status of 429.
    pub(super) fn read(&mut self, status: u16, limits: Option<&str>, retry_after: Option<&str>, now: Instant) {
        for kind in Kind::ALL {
            let pause = match limits {
                Some(limits) => pause_of(kind, limits),
                None if status == 429 => Some(retry_after.and_then(seconds).unwrap_or(DEFAULT)),
                None => retry_after.filter(|_| status == 503).and_then(seconds),
            };
            if let Some(pause) = pause {
                self.until[kind as usize] = Some(now + pause.min(LONGEST));
            }
        }
    }
}

/// Reads `60:error;transaction:organization, 2700:default:project`; returns the longest pause that is about this kind.
fn pause_of(kind: Kind, limits: &str) -> Option<Duration> {
    let of = |limit: &str| {
        let (pause, rest) = limit.trim().split_once(':')?;
        let kinds = rest.split(':').next().unwrap_or_default();
        // No kind means every kind.
        let named = |name: &str| [kind.as_str(), "default"].contains(&name.trim());
        seconds(pause).filter(|_| kinds.is_empty() || kinds.split(';').any(named))
    };
    limits.split(',').filter_map(of).max()
}

fn seconds(text: &str) -> Option<Duration> {
    // A date is possible too; it is taken for the default by who asks.
    Duration::try_from_secs_f64(text.trim().parse::<f64>().ok()?.ceil()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pause(status: u16, limits: Option<&str>, retry_after: Option<&str>) -> Option<u64> {
        let (mut all, now) = (Limits::default(), Instant::now());
        all.read(status, limits, retry_after, now);
        all.until[Kind::Error as usize].map(|until| (until - now).as_secs())
    }

    #[test]
    fn an_answer_says_how_long_errors_are_to_wait() {
        for (status, limits, retry_after, due) in [
            (200, None, None, None),
            (200, Some("60:error:organization"), None, Some(60)),
            (200, Some("60:transaction:organization"), None, None),
            (200, Some("60:transaction:o, 30:error;session:project:quota"), Some("7"), Some(30)),
            (200, Some("10::organization"), None, Some(10)),
            (200, Some("nonsense, :, 5:error"), None, Some(5)),
            (429, None, Some("7"), Some(7)),
            (429, None, Some("6.2"), Some(7)),
            (429, None, None, Some(60)),
            (429, None, Some("Wed, 21 Oct 2026 07:28:00 GMT"), Some(60)),
            (429, Some("60:transaction:o"), None, None),
            (429, None, Some("-5"), Some(60)),
            (429, None, Some("1e300"), Some(60)),
            (429, None, Some("999999"), Some(3600)),
            (503, None, Some("9"), Some(9)),
            (500, None, Some("9"), None),
        ] {
            assert_eq!(pause(status, limits, retry_after), due, "{status} {limits:?} {retry_after:?}");
        }
    }

    #[test]
    fn a_pause_is_over_when_its_time_is() {
        let (mut limits, now) = (Limits::default(), Instant::now());
        assert!(!limits.apply(Kind::Error, now));
        limits.read(429, None, Some("5"), now);
        assert!(limits.apply(Kind::Error, now + Duration::from_secs(4)));
        assert!(!limits.apply(Kind::Error, now + Duration::from_secs(5)));
        limits.read(200, Some("9:transaction:o"), None, now);
        assert!(limits.apply(Kind::Transaction, now + Duration::from_secs(8)));
        assert!(!limits.apply(Kind::Error, now + Duration::from_secs(8)));
    }
}
