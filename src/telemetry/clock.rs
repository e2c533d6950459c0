//! The time at the head of a line: RFC 3339, UTC, milliseconds.

use std::time::{SystemTime, UNIX_EPOCH};

use jiff::Timestamp;

/// Writes timestamps and keeps the text of the current second, since lines come in bursts.
#[derive(Debug, Default)]
pub(super) struct Stamp {
    second: u64,
    text: String,
}

impl Stamp {
    /// Appends `now` as `2026-11-21T08:00:00.000Z`; a clock before 1970 reads as 1970.
    pub(super) fn write(&mut self, now: SystemTime, out: &mut String) {
        let since = now.duration_since(UNIX_EPOCH).unwrap_or_default();
        if since.as_secs() != self.second || self.text.is_empty() {
            self.second = since.as_secs();
            self.text = spell(since.as_secs());
        }
        let millis = since.subsec_millis();
        out.push_str(&self.text);
        let [hundreds, tens, ones] = [100, 10, 1].map(|unit| b'0' + (millis / unit % 10) as u8);
        out.push_str(str::from_utf8(&[hundreds, tens, ones, b'Z']).unwrap_or_default());
    }
}

fn spell(second: u64) -> String {
    let second = i64::try_from(second).ok().and_then(|s| Timestamp::from_second(s).ok()).unwrap_or(Timestamp::MAX);
    let mut text = format!("{second:.0}");
    text.truncate("2026-11-21T08:00:00".len());
    text.push('.');
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn stamped(stamp: &mut Stamp, millis: u64) -> String {
        let mut out = String::new();
        stamp.write(UNIX_EPOCH + Duration::from_millis(millis), &mut out);
        out
    }

    #[test]
    fn a_time_is_utc_with_milliseconds() {
        let mut stamp = Stamp::default();
        assert_eq!(stamped(&mut stamp, 0), "1970-01-01T00:00:00.000Z");
        assert_eq!(stamped(&mut stamp, 1_795_248_000_007), "2026-11-21T08:00:00.007Z");
        assert_eq!(stamped(&mut stamp, 1_795_248_000_999), "2026-11-21T08:00:00.999Z");
        assert_eq!(stamped(&mut stamp, 1_709_210_096_120), "2024-02-29T12:34:56.120Z");
    }

    #[test]
    fn a_clock_gone_mad_still_gives_a_timestamp() {
        let mut stamp = Stamp::default();
        assert_eq!(stamped(&mut stamp, 300_000_000_000_000), "9999-12-30T22:00:00.000Z");
        let mut out = String::new();
        stamp.write(UNIX_EPOCH - Duration::from_secs(1), &mut out);
        assert_eq!(out, "1970-01-01T00:00:00.000Z");
    }
}
