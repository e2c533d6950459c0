//! Protocol buffers, as far as spans and log records need them: writing fields, and reading the answer.

/// How a field's value is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wire {
    Varint = 0,
    Fixed64 = 1,
    Bytes = 2,
    Fixed32 = 5,
}

/// Writes a number, seven bits to a byte.
fn varint(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

fn tag(out: &mut Vec<u8>, field: u32, wire: Wire) {
    varint(out, u64::from(field << 3 | wire as u32));
}

/// Writes a number; zero is what a reader takes a missing field for.
pub(crate) fn number(out: &mut Vec<u8>, field: u32, number: u64) {
    if number > 0 {
        one_of_number(out, field, number);
    }
}

/// Writes a number that is one of several alternatives, so that zero says something.
pub(crate) fn one_of_number(out: &mut Vec<u8>, field: u32, number: u64) {
    tag(out, field, Wire::Varint);
    varint(out, number);
}

/// Writes eight bytes.
pub(crate) fn fixed64(out: &mut Vec<u8>, field: u32, number: u64) {
    tag(out, field, Wire::Fixed64);
    out.extend_from_slice(&number.to_le_bytes());
}

/// Writes four bytes.
pub(super) fn fixed32(out: &mut Vec<u8>, field: u32, number: u32) {
    tag(out, field, Wire::Fixed32);
    out.extend_from_slice(&number.to_le_bytes());
}

/// Writes text, bytes, or a message that is written already.
pub(crate) fn bytes(out: &mut Vec<u8>, field: u32, bytes: &[u8]) {
    head(out, field, bytes.len());
    out.extend_from_slice(bytes);
}

/// Writes what comes before so many bytes of text, bytes or a message.
pub(super) fn head(out: &mut Vec<u8>, field: u32, length: usize) {
    tag(out, field, Wire::Bytes);
    varint(out, length as u64);
}

/// Returns how many bytes [`bytes`] writes for a field below 16 with so many bytes in it.
pub(super) fn length_of(length: usize) -> usize {
    let bits = (usize::BITS - length.leading_zeros()).max(1) as usize;
    1 + bits.div_ceil(7) + length
}

/// Writes a message that a function writes.
pub(crate) fn message(out: &mut Vec<u8>, field: u32, write: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    write(out);
    let length = out.len() - start;
    head(out, field, length);
    let head = out.len() - start - length;
    out[start..].rotate_right(head);
}

/// A field of a message that is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Value<'a> {
    Number(u64),
    Bytes(&'a [u8]),
    /// Of a layout that no field has which is read here.
    Fixed,
}

/// Reads a message field by field; what is no message gives an error and ends.
pub(super) fn fields(mut message: &[u8]) -> impl Iterator<Item = Result<(u64, Value<'_>), Malformed>> {
    std::iter::from_fn(move || {
        if message.is_empty() {
            return None;
        }
        let field = field(&mut message);
        if field.is_none() {
            message = &[];
        }
        Some(field.ok_or(Malformed))
    })
}

/// Says that bytes are no message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Malformed;

fn field<'a>(message: &mut &'a [u8]) -> Option<(u64, Value<'a>)> {
    let tag = read_varint(message)?;
    let mut take = |length: usize| {
        let (taken, rest) = message.split_at_checked(length)?;
        *message = rest;
        Some(taken)
    };
    let value = match tag & 7 {
        0 => Value::Number(read_varint(message)?),
        1 => take(8).map(|_| Value::Fixed)?,
        2 => {
            let length = usize::try_from(read_varint(message)?).ok()?;
            let (taken, rest) = message.split_at_checked(length)?;
            *message = rest;
            Value::Bytes(taken)
        }
        5 => take(4).map(|_| Value::Fixed)?,
        _ => return None,
    };
    (tag >> 3 > 0).then_some((tag >> 3, value))
}

fn read_varint(message: &mut &[u8]) -> Option<u64> {
    let mut number = 0_u64;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = message.split_first()?;
        *message = rest;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let mut out = Vec::new();
        number(&mut out, 1, 300);
        number(&mut out, 2, 0);
        fixed64(&mut out, 3, 7);
        fixed32(&mut out, 4, 7);
        message(&mut out, 5, |out| bytes(out, 1, &[b'x'; 200]));
        let inner: Vec<u8> = [&[0x0a, 0xc8, 0x01][..], &[b'x'; 200]].concat();
        let read: Vec<_> = fields(&out).map(Result::unwrap).collect();
        assert_eq!(read, [(1, Value::Number(300)), (3, Value::Fixed), (4, Value::Fixed), (5, Value::Bytes(&inner))]);
    }

    #[test]
    fn a_length_is_known_before_it_is_written() {
        for length in [0, 1, 127, 128, 16_383, 16_384, 3_000_000] {
            let mut out = Vec::new();
            bytes(&mut out, 15, &vec![0; length]);
            assert_eq!(length_of(length), out.len(), "{length}");
        }
    }

    #[test]
    fn what_is_no_message_is_an_error_and_no_panic() {
        for bad in [&[0x0a][..], &[0x0a, 0x05, 1], &[0xff; 12], &[0x0b], &[0x00, 0x00], &[0x09, 1, 2], b"<html></html>"]
        {
            assert!(fields(bad).any(|field| field.is_err()), "{bad:?}");
        }
    }
}
