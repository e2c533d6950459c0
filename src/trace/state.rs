//! `tracestate`: what other tracing systems have put beside the ids, passed on as it is.

use http::{HeaderMap, HeaderName, HeaderValue};

use super::baggage::join;

pub(super) const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");

/// The most that is passed on, in bytes over all headers together. The standard asks for this much.
const MAX_BYTES: usize = 512;
/// The most members that the standard allows.
const MAX_MEMBERS: usize = 32;

/// Reads the state; none where it is longer than is passed on, or not valid.
pub(super) fn read(headers: &HeaderMap) -> Option<HeaderValue> {
    join(headers, TRACESTATE, MAX_BYTES, MAX_MEMBERS, is_member)
}

fn is_member(member: &[u8]) -> bool {
    let Some(at) = member.iter().position(|byte| *byte == b'=') else { return false };
    let (key, value) = (&member[..at], &member[at + 1..]);
    let of_key = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-*/@".contains(byte);
    let of_value = |byte: &u8| matches!(byte, 0x20..=0x7e) && *byte != b'=';
    (1..=256).contains(&key.len()) && key.iter().all(of_key) && value.len() <= 256 && value.iter().all(of_value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state<T: AsRef<str>>(values: &[T]) -> Option<String> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(TRACESTATE, value.as_ref().parse().unwrap());
        }
        read(&headers).map(|value| value.to_str().unwrap().to_owned())
    }

    #[test]
    fn a_state_is_passed_on_with_the_members_of_all_its_headers() {
        assert_eq!(state(&["rojo=00f067,congo=t61 t", "t@v/1=*"]).as_deref(), Some("rojo=00f067,congo=t61 t,t@v/1=*"));
        assert_eq!(state(&["", "a=1, ,b=2"]).as_deref(), Some("a=1,b=2"));
    }

    #[test]
    fn a_state_out_of_bounds_is_not() {
        let many: Vec<String> = (0..33).map(|n| format!("k{n}=v")).collect();
        assert_eq!(state(&many), None);
        assert_eq!(state(&[format!("a={}", "x".repeat(256)), format!("b={}", "x".repeat(256))]), None);
        for bad in ["novalue", "UPPER=1", "=1", "a=b=c", ","] {
            assert_eq!(state(&[bad]), None, "{bad}");
        }
    }
}
