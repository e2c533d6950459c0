//! The headers that name a trace: `traceparent`, and Sentry's `sentry-trace`.

use http::{HeaderMap, HeaderName};

use super::id::SpanId;
use crate::metric::TraceId;

pub(super) const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const SENTRY_TRACE: HeaderName = HeaderName::from_static("sentry-trace");

/// What a header says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Named {
    pub(super) trace: TraceId,
    pub(super) span: SpanId,
    /// Whether the sender records the trace; none where it leaves that open.
    pub(super) sampled: Option<bool>,
    /// Whether it is the standard's header that says so.
    pub(super) standard: bool,
}

/// Reads the trace from the headers: from a `traceparent` that is valid and the only one, else from `sentry-trace`.
pub(super) fn read(headers: &HeaderMap) -> Option<Named> {
    // A request has few headers, and most requests neither of these.
    let only = |name| {
        let mut values = headers.get_all(name).iter();
        let value = values.next()?;
        values.next().is_none().then(|| value.as_bytes())
    };
    only(TRACEPARENT).and_then(traceparent).or_else(|| only(SENTRY_TRACE).and_then(sentry_trace))
}

/// Reads `{version}-{trace id}-{span id}-{flags}`.
fn traceparent(value: &[u8]) -> Option<Named> {
    let (fields, rest) = value.split_at_checked(55)?;
    let version = hex(&fields[..2])?;
    // Version 00 ends here; a later one may carry more; ff is forbidden.
    let ends = rest.is_empty() || (version != 0 && rest[0] == b'-');
    let (trace, span) = ids(&fields[3..52])?;
    let flags = hex(&fields[53..])?;
    let shape = fields[2] == b'-' && fields[52] == b'-' && version != 0xff && ends;
    shape.then_some(Named { trace, span, sampled: Some(flags & 1 == 1), standard: true })
}

/// Reads `{trace id}-{span id}`, and `-0` or `-1` behind it where the sender has decided on recording.
fn sentry_trace(value: &[u8]) -> Option<Named> {
    let (fields, rest) = value.trim_ascii().split_at_checked(49)?;
    let (trace, span) = ids(fields)?;
    let sampled = match rest {
        b"" => None,
        b"-0" => Some(false),
        b"-1" => Some(true),
        _ => return None,
    };
    Some(Named { trace, span, sampled, standard: false })
}

/// Reads `{trace id}-{span id}`.
fn ids(text: &[u8]) -> Option<(TraceId, SpanId)> {
    let (trace, span) = (text.get(..32)?, text.get(33..49)?);
    let trace = TraceId::new(hex(trace)?)?;
    let span = SpanId::new(u64::try_from(hex(span)?).ok()?)?;
    (text[32] == b'-').then_some((trace, span))
}

/// Reads a number of lower-case hexadecimal digits.
fn hex(text: &[u8]) -> Option<u128> {
    text.iter().try_fold(0_u128, |number, digit| {
        let digit = match digit {
            b'0'..=b'9' => digit - b'0',
            b'a'..=b'f' => digit - b'a' + 10,
            _ => return None,
        };
        Some((number << 4) | u128::from(digit))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_one(name: &'static str, value: &[u8]) -> Option<Named> {
        read(&HeaderMap::from_iter([(name.parse().unwrap(), http::HeaderValue::from_bytes(value).unwrap())]))
    }

    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
    const SPAN: &str = "00f067aa0ba902b7";

    #[test]
    fn a_valid_traceparent_is_taken() {
        let named = |value: &str| read_one("traceparent", value.as_bytes()).unwrap();
        let found = named(&format!("00-{TRACE}-{SPAN}-01"));
        assert_eq!((found.trace.to_string().as_str(), found.span.to_string().as_str()), (TRACE, SPAN));
        assert_eq!(found.sampled, Some(true));
        assert_eq!(named(&format!("00-{TRACE}-{SPAN}-fe")).sampled, Some(false));
        assert_eq!(named(&format!("cc-{TRACE}-{SPAN}-03-more")).sampled, Some(true));
    }

    #[test]
    fn a_traceparent_that_is_not_valid_is_ignored() {
        for bad in [
            "".to_owned(),
            format!("00-{TRACE}-{SPAN}-0"),
            format!("00-{TRACE}-{SPAN}-01-more"),
            format!("00-{TRACE}-{SPAN}-01 "),
            format!("cc-{TRACE}-{SPAN}-01.more"),
            format!("ff-{TRACE}-{SPAN}-01"),
            format!("00-{}-{SPAN}-01", TRACE.to_uppercase()),
            format!("00-{}-{SPAN}-01", "0".repeat(32)),
            format!("00-{TRACE}-{}-01", "0".repeat(16)),
            format!("00_{TRACE}-{SPAN}-01"),
            format!("00-{TRACE}_{SPAN}-01"),
            format!("00-{TRACE}-{SPAN}_01"),
            format!("0x-{TRACE}-{SPAN}-01"),
            "00-".to_owned() + &"é".repeat(30),
            "a".repeat(64 * 1024),
        ] {
            assert_eq!(read_one("traceparent", bad.as_bytes()), None, "{bad}");
        }
    }

    #[test]
    fn two_traceparents_are_none() {
        let value: http::HeaderValue = format!("00-{TRACE}-{SPAN}-01").parse().unwrap();
        let mut headers = HeaderMap::new();
        headers.append("traceparent", value.clone());
        headers.append("traceparent", value);
        assert_eq!(read(&headers), None);
    }

    #[test]
    fn sentrys_header_may_leave_the_decision_open() {
        for (end, sampled) in [("", None), ("-0", Some(false)), ("-1", Some(true))] {
            let found = read_one("sentry-trace", format!("{TRACE}-{SPAN}{end}").as_bytes()).unwrap();
            assert_eq!((found.sampled, found.standard), (sampled, false));
        }
        for bad in [format!("{TRACE}-{SPAN}-2"), TRACE.to_owned(), format!("{TRACE}-{SPAN}-"), String::new()] {
            assert_eq!(read_one("sentry-trace", bad.as_bytes()), None, "{bad}");
        }
    }
}
