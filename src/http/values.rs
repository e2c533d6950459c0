//! The values of the headers that an answer's ids are in.

use bytes::Bytes;
use http::HeaderValue;

use super::request_id::LENGTH;

const TRACE: usize = 32;

/// Makes both values in one piece of memory: to allocate and free another costs more than to count that two use it.
pub(super) fn of_both(id: &[u8; LENGTH], trace: &[u8; TRACE]) -> (HeaderValue, HeaderValue) {
    let mut text = [0; LENGTH + TRACE];
    text[..LENGTH].copy_from_slice(id);
    text[LENGTH..].copy_from_slice(trace);
    let mut id = Bytes::from_owner(text);
    let trace = id.split_off(LENGTH);
    // Hexadecimal digits are valid.
    let value = |text| HeaderValue::from_maybe_shared(text).unwrap_or(HeaderValue::from_static(""));
    (value(id), value(trace))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_value_is_its_own_and_outlives_the_other() {
        let (id, trace) = of_both(&[b'1'; LENGTH], &[b'a'; TRACE]);
        assert_eq!(id, "1".repeat(LENGTH));
        drop(id);
        assert_eq!(trace.clone(), "a".repeat(TRACE));
    }
}
