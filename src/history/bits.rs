//! A stream of bits, which a chunk of samples is written in.

/// Bits, written one behind the other.
#[derive(Debug, Clone, Default)]
pub(super) struct Bits {
    bytes: Vec<u8>,
    /// How many bits of the last byte are not used yet.
    free: u8,
}

impl Bits {
    /// Writes the lowest `count` bits of a number, 64 at most, the highest of them first.
    pub(super) fn write(&mut self, value: u64, count: u8) {
        let mut left = count;
        while left > 0 {
            if self.free == 0 {
                self.grow();
            }
            let take = left.min(self.free);
            let part = (value >> (left - take)) & mask(take);
            if let Some(last) = self.bytes.last_mut() {
                *last |= (part as u8) << (self.free - take);
            }
            self.free -= take;
            left -= take;
        }
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Returns the bytes that are set aside, used or not.
    pub(super) fn capacity(&self) -> usize {
        self.bytes.capacity()
    }

    /// Adds a byte. Room is made in small steps: most series are written in a byte or two per sample, and there are many.
    fn grow(&mut self) {
        if self.bytes.len() == self.bytes.capacity() {
            self.bytes.reserve_exact((self.bytes.capacity() / 2).clamp(16, 256));
        }
        self.bytes.push(0);
        self.free = 8;
    }
}

/// Reads bits in the order in which they were written.
#[derive(Debug, Clone)]
pub(super) struct BitReader<'a> {
    bytes: &'a [u8],
    /// How many bits were read.
    at: usize,
}

impl<'a> BitReader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// Reads a number of `count` bits, 64 at most; none where the stream is over.
    pub(super) fn read(&mut self, count: u8) -> Option<u64> {
        let (mut value, mut left) = (0, count);
        while left > 0 {
            let byte = u64::from(*self.bytes.get(self.at / 8)?);
            let unread = 8 - (self.at % 8) as u8;
            let take = left.min(unread);
            value = (value << take) | ((byte >> (unread - take)) & mask(take));
            self.at += usize::from(take);
            left -= take;
        }
        Some(value)
    }

    /// Reads one bit.
    pub(super) fn bit(&mut self) -> Option<bool> {
        let byte = *self.bytes.get(self.at / 8)?;
        let bit = byte >> (7 - self.at % 8) & 1;
        self.at += 1;
        Some(bit == 1)
    }

    /// Reads a number of `count` bits with its sign.
    pub(super) fn signed(&mut self, count: u8) -> Option<i64> {
        let value = self.read(count)?;
        let shift = 64 - u32::from(count);
        Some(((value << shift) as i64) >> shift)
    }
}

fn mask(bits: u8) -> u64 {
    if bits >= 64 { u64::MAX } else { (1 << bits) - 1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_any_width_come_back_in_order() {
        let numbers: Vec<(u64, u8)> = (1..=64).map(|width| (0x9E37_79B9_7F4A_7C15 & mask(width), width)).collect();
        let mut bits = Bits::default();
        for (number, width) in &numbers {
            bits.write(*number, *width);
        }
        let mut reader = BitReader::new(bits.bytes());
        for (number, width) in &numbers {
            assert_eq!(reader.read(*width), Some(*number), "{width} bits");
        }
        assert_eq!(reader.read(64), None);
    }

    #[test]
    fn a_number_below_zero_keeps_its_sign() {
        let mut bits = Bits::default();
        for number in [-8_i64, -1, 0, 7] {
            bits.write(number as u64, 4);
        }
        let mut reader = BitReader::new(bits.bytes());
        let read: Vec<_> = std::iter::from_fn(|| reader.signed(4)).collect();
        assert_eq!(read, [-8, -1, 0, 7]);
    }
}
