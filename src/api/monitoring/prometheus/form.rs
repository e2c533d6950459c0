//! What a request asks, behind the question mark and in its body, read as Prometheus reads it.

use std::time::Duration;

use super::super::call::{Body, Call};
use super::super::query::{MAX_QUERY_BYTES, decode};
use super::fault::Fault;
use crate::timestamp::Timestamp;

/// The most parameters that are read.
const MOST: usize = 128;

/// The parameters of a request. Of one that is there twice the first counts, and the body counts before the query.
#[derive(Debug)]
pub(super) struct Form {
    found: Vec<(String, String)>,
}

impl Form {
    pub(super) fn of(call: &Call) -> Result<Self, Fault> {
        let query = call.head.uri.query().unwrap_or_default();
        if query.len() > MAX_QUERY_BYTES {
            return Err(Fault::bad_data(format!("a query has at most {MAX_QUERY_BYTES} bytes; send a form")));
        }
        let body = if let Body::Form(body) = &call.body { body.as_str() } else { "" };
        Self::read(&[body, query])
    }

    fn read(texts: &[&str]) -> Result<Self, Fault> {
        let pairs = texts.iter().flat_map(|text| text.split('&')).filter(|pair| !pair.is_empty());
        let mut found = Vec::new();
        for pair in pairs {
            if found.len() == MOST {
                return Err(Fault::bad_data(format!("at most {MOST} parameters are taken")));
            }
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let read = |text| decode(text).map_err(|error| Fault::bad_data(error.message));
            found.push((read(name)?, read(value)?));
        }
        Ok(Self { found })
    }

    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.all(name).next().filter(|text| !text.is_empty())
    }

    pub(super) fn all<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a str> {
        self.found.iter().filter(move |(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    pub(super) fn time(&self, name: &str) -> Result<Option<Timestamp>, Fault> {
        let Some(text) = self.text(name) else { return Ok(None) };
        let wrong = || Fault::parameter(name, format_args!("cannot parse {text:?} to a valid timestamp"));
        time(text).map(Some).ok_or_else(wrong)
    }

    pub(super) fn needed_time(&self, name: &str) -> Result<Timestamp, Fault> {
        self.time(name)?.ok_or_else(|| Fault::parameter(name, "cannot parse \"\" to a valid timestamp"))
    }

    pub(super) fn needed_duration(&self, name: &str) -> Result<Duration, Fault> {
        let text = self.text(name).unwrap_or_default();
        if text.parse::<f64>().is_ok_and(|seconds| seconds <= 0.0) {
            let why = "zero or negative query resolution step widths are not accepted. Try a positive integer";
            return Err(Fault::parameter(name, why));
        }
        duration(text).ok_or_else(|| Fault::parameter(name, format_args!("cannot parse {text:?} to a valid duration")))
    }

    /// Returns how many things are wanted at most.
    pub(super) fn limit(&self) -> Result<usize, Fault> {
        match self.text("limit").map(str::parse) {
            None | Some(Ok(0)) => Ok(usize::MAX),
            Some(Ok(limit)) => Ok(limit),
            Some(Err(_)) => Err(Fault::parameter("limit", "it must be a whole number")),
        }
    }
}

/// Reads a time: seconds since 1970, to the millisecond, or RFC 3339.
fn time(text: &str) -> Option<Timestamp> {
    match text.parse::<f64>() {
        Ok(seconds) if seconds.is_finite() => {
            Some(Timestamp::from_micros(((seconds * 1000.0).round() as i64).saturating_mul(1000)))
        }
        Ok(_) => None,
        Err(_) => text.parse().ok(),
    }
}

/// Reads a duration: seconds, or numbers with units, from large to small, such as `1h30m`.
pub(in crate::api::monitoring) fn duration(text: &str) -> Option<Duration> {
    const UNITS: [(&str, u64); 7] = [
        ("y", 365 * 86_400_000),
        ("w", 7 * 86_400_000),
        ("d", 86_400_000),
        ("h", 3_600_000),
        ("m", 60_000),
        ("s", 1_000),
        ("ms", 1),
    ];
    if let Ok(seconds) = text.parse::<f64>() {
        return Duration::try_from_secs_f64(seconds).ok();
    }
    let (mut rest, mut millis, mut units) = (text, 0_u64, &UNITS[..]);
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let number: u64 = rest[..digits].parse().ok()?;
        let behind = &rest[digits..];
        let letters = behind.find(|c: char| c.is_ascii_digit()).unwrap_or(behind.len());
        let at = units.iter().position(|(unit, _)| *unit == &behind[..letters])?;
        millis = millis.checked_add(number.checked_mul(units[at].1)?)?;
        (units, rest) = (&units[at + 1..], &behind[letters..]);
    }
    (millis > 0).then(|| Duration::from_millis(millis))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_durations_are_read_as_prometheus_reads_them() {
        assert_eq!(time("1435781430.781").map(Timestamp::as_micros), Some(1_435_781_430_781_000));
        assert_eq!(time("2015-07-01T20:10:30.781Z"), time("1435781430.781"));
        assert_eq!(time("now"), None);
        assert_eq!(time("NaN"), None);
        let seconds = |text| duration(text).map(|read| read.as_secs_f64());
        assert_eq!(seconds("0.5"), Some(0.5));
        assert_eq!(seconds("1h30m"), Some(5400.0));
        assert_eq!(seconds("1m15s500ms"), Some(75.5));
        for wrong in ["", "5", "1m1h", "1x", "s", "-1s", "1.5h", "99999999999999999999y"] {
            assert_eq!(seconds(wrong), (wrong == "5").then_some(5.0), "{wrong}");
        }
    }

    #[test]
    fn the_body_counts_before_the_query_and_what_is_unknown_is_passed_over() {
        let form = Form::read(&["query=a%2Bb&match[]=x", "query=c+d&match%5B%5D=y&dedup=true"]).unwrap();
        assert_eq!(form.text("query"), Some("a+b"));
        assert_eq!(form.all("match[]").collect::<Vec<_>>(), ["x", "y"]);
        assert_eq!(form.limit(), Ok(usize::MAX));
    }
}
