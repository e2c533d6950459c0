//! `baggage`: what an app's services tell each other along a trace, passed on within the standard's bounds.

use http::{HeaderMap, HeaderName, HeaderValue};

pub(super) const BAGGAGE: HeaderName = HeaderName::from_static("baggage");

/// The most that is passed on, in bytes over all headers together.
const MAX_BYTES: usize = 8_192;
/// The most members that are passed on, over all headers together.
const MAX_MEMBERS: usize = 64;

/// Reads the baggage; none where it is out of bounds or not valid.
pub(super) fn read(headers: &HeaderMap) -> Option<HeaderValue> {
    join(headers, BAGGAGE, MAX_BYTES, MAX_MEMBERS, is_member)
}

fn is_member(member: &[u8]) -> bool {
    member.iter().position(|byte| *byte == b'=').is_some_and(|at| at > 0)
        && member.iter().all(|byte| matches!(byte, 0x21..=0x7e | b' ' | b'\t') && !b"\"\\".contains(byte))
}

/// Joins a list that may stand in several headers into one value; none where it is empty, or anything of it is out
/// of bounds. A list over its bounds costs no more than reading up to them.
pub(super) fn join(
    headers: &HeaderMap,
    name: HeaderName,
    max_bytes: usize,
    max_members: usize,
    is_member: fn(&[u8]) -> bool,
) -> Option<HeaderValue> {
    let mut values = headers.get_all(name).iter();
    let first = values.next()?;
    let (mut whole, mut members) = (Vec::new(), 0);
    for value in std::iter::once(first).chain(values) {
        if whole.len() + value.len() > max_bytes {
            return None;
        }
        for member in value.as_bytes().split(|byte| *byte == b',').map(<[u8]>::trim_ascii) {
            if member.is_empty() {
                continue;
            }
            members += 1;
            if members > max_members || !is_member(member) {
                return None;
            }
            if !whole.is_empty() {
                whole.push(b',');
            }
            whole.extend_from_slice(member);
        }
    }
    if whole.is_empty() || whole.len() > max_bytes {
        return None;
    }
    HeaderValue::from_bytes(&whole).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn baggage<T: AsRef<str>>(values: &[T]) -> Option<String> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(BAGGAGE, value.as_ref().parse().unwrap());
        }
        read(&headers).map(|value| value.to_str().unwrap().to_owned())
    }

    #[test]
    fn baggage_is_passed_on_with_its_properties() {
        let value = "userId=alice,serverNode=DF%2028;a=b; c,isProduction=false";
        assert_eq!(baggage(&[value]).as_deref(), Some(value));
    }

    #[test]
    fn the_bounds_hold_over_all_headers_together() {
        let members = |count: usize| (0..count).map(|n| format!("k{n}=v")).collect::<Vec<_>>();
        assert!(baggage(&members(64)).is_some());
        assert_eq!(baggage(&members(65)), None);
        assert_eq!(baggage(&members(500)), None);
        let long = |bytes: usize| format!("k={}", "x".repeat(bytes - 2));
        assert!(baggage(&[long(8_192)]).is_some());
        assert_eq!(baggage(&[long(8_193)]), None);
        assert_eq!(baggage(&[long(4_096), long(4_096)]), None, "the comma between them is one byte too many");
    }

    #[test]
    fn what_is_no_baggage_is_ignored() {
        for bad in ["novalue", "=v", "k=\"v\"", "k=é", ""] {
            assert_eq!(baggage(&[bad]), None, "{bad}");
        }
    }
}
