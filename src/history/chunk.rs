//! Chunks: the samples of one series, close together in memory.
//!
//! A time is written as the change of its distance from the one before: nothing but a bit where samples come at a steady
//! pace. A value is a bit where it stays, its difference where that is a whole number, as a counter's is, and else those
//! bits in which it differs from the one before.

use std::sync::Arc;

use super::bits::{BitReader, Bits};

/// The most samples of a chunk. What is forgotten is forgotten by the chunk, half an hour at the default pace.
pub(super) const MOST_SAMPLES: u16 = 120;

/// How a change of distance is written, by its size: the code, its length, and the bits behind it.
const DISTANCES: [(u64, u8, u8); 4] = [(0b10, 2, 6), (0b110, 3, 13), (0b1110, 4, 20), (0b1111, 4, 64)];

/// How many bits a whole difference takes, by its code of two bits.
const DIFFERENCES: [u8; 4] = [4, 8, 16, 32];

/// A chunk that is complete.
#[derive(Debug, Clone)]
pub(super) struct Chunk {
    pub(super) first: i64,
    pub(super) last: i64,
    count: u16,
    bytes: Arc<[u8]>,
}

impl Chunk {
    /// Reads the samples, oldest first.
    pub(super) fn samples(&self) -> Samples<'_> {
        Samples::new(self.first, self.count, &self.bytes)
    }

    pub(super) fn count(&self) -> u16 {
        self.count
    }

    /// Returns the bytes behind the chunk.
    pub(super) fn bytes(&self) -> usize {
        crate::heap::allocation(self.bytes.len() + 2 * size_of::<usize>())
    }
}

/// The chunk that a series is being written to.
#[derive(Debug, Clone, Default)]
pub(super) struct OpenChunk {
    bits: Bits,
    first: i64,
    last: i64,
    distance: i64,
    value: u64,
    count: u16,
    /// The zeros around the bits that differed last, where there is such a window.
    window: Option<(u8, u8)>,
}

impl OpenChunk {
    /// Writes a sample, which must be later than the last one.
    pub(super) fn push(&mut self, time: i64, value: f64) {
        let bits = value.to_bits();
        if self.count == 0 {
            self.first = time;
            self.bits.write(bits, 64);
        } else {
            let distance = time.wrapping_sub(self.last);
            self.write_change(distance.wrapping_sub(self.distance));
            self.distance = distance;
            self.write_value(value);
        }
        (self.last, self.value) = (time, bits);
        self.count += 1;
    }

    pub(super) fn is_empty(&self) -> bool {
        self.count == 0
    }

    pub(super) fn is_full(&self) -> bool {
        self.count >= MOST_SAMPLES
    }

    pub(super) fn count(&self) -> u16 {
        self.count
    }

    /// Returns the times of the first and the last sample; none where the chunk is empty.
    pub(super) fn ends(&self) -> Option<(i64, i64)> {
        (self.count > 0).then_some((self.first, self.last))
    }

    /// Returns the last value.
    pub(super) fn value(&self) -> f64 {
        f64::from_bits(self.value)
    }

    /// Completes the chunk, and begins anew.
    pub(super) fn take(&mut self) -> Chunk {
        let open = std::mem::take(self);
        open.complete()
    }

    /// Copies the chunk as it is.
    pub(super) fn complete(&self) -> Chunk {
        Chunk { first: self.first, last: self.last, count: self.count, bytes: self.bits.bytes().into() }
    }

    /// Returns the bytes behind the chunk.
    pub(super) fn bytes(&self) -> usize {
        crate::heap::allocation(self.bits.capacity())
    }

    fn write_change(&mut self, change: i64) {
        if change == 0 {
            return self.bits.write(0, 1);
        }
        for (code, length, width) in DISTANCES {
            if fits(change, width) {
                self.bits.write(code, length);
                return self.bits.write(change as u64, width);
            }
        }
    }

    fn write_value(&mut self, value: f64) {
        let before = f64::from_bits(self.value);
        let differs = self.value ^ value.to_bits();
        if differs == 0 {
            return self.bits.write(0, 1);
        }
        let difference = value - before;
        let whole = difference as i64;
        // Only where adding it gives the very same value again.
        if fits(whole, 32) && (before + whole as f64).to_bits() == value.to_bits() {
            let code = DIFFERENCES.iter().position(|&width| fits(whole, width)).unwrap_or(DIFFERENCES.len() - 1);
            self.bits.write(0b10, 2);
            self.bits.write(code as u64, 2);
            return self.bits.write(whole as u64, DIFFERENCES[code]);
        }
        let (leading, trailing) = (differs.leading_zeros().min(31) as u8, differs.trailing_zeros() as u8);
        match self.window {
            Some((before, behind)) if before <= leading && behind <= trailing => {
                self.bits.write(0b110, 3);
                self.bits.write(differs >> behind, 64 - before - behind);
            }
            _ => {
                let length = 64 - leading - trailing;
                self.bits.write(0b111, 3);
                self.bits.write(u64::from(leading), 5);
                self.bits.write(u64::from(length - 1), 6);
                self.bits.write(differs >> trailing, length);
                self.window = Some((leading, trailing));
            }
        }
    }
}

/// Tells whether a number with its sign has room in so many bits.
fn fits(number: i64, width: u8) -> bool {
    width >= 64 || (-(1_i64 << (width - 1))..1 << (width - 1)).contains(&number)
}

/// Reads the samples of a chunk: their times in milliseconds, and their values.
#[derive(Debug, Clone)]
pub(super) struct Samples<'a> {
    bits: BitReader<'a>,
    left: u16,
    begun: bool,
    time: i64,
    distance: i64,
    value: u64,
    window: (u8, u8),
}

impl<'a> Samples<'a> {
    fn new(first: i64, count: u16, bytes: &'a [u8]) -> Self {
        let bits = BitReader::new(bytes);
        Self { bits, left: count, begun: false, time: first, distance: 0, value: 0, window: (0, 0) }
    }

    fn read_change(&mut self) -> Option<i64> {
        if !self.bits.bit()? {
            return Some(0);
        }
        for (_, _, width) in &DISTANCES[..3] {
            // The codes are told apart by their first zero; the longest has none.
            if !self.bits.bit()? {
                return self.bits.signed(*width);
            }
        }
        self.bits.signed(64)
    }

    fn read_value(&mut self) -> Option<()> {
        if !self.bits.bit()? {
            return Some(());
        }
        if !self.bits.bit()? {
            let width = DIFFERENCES[self.bits.read(2)? as usize];
            let whole = self.bits.signed(width)?;
            self.value = (f64::from_bits(self.value) + whole as f64).to_bits();
            return Some(());
        }
        if self.bits.bit()? {
            let leading = self.bits.read(5)? as u8;
            let length = self.bits.read(6)? as u8 + 1;
            self.window = (leading, 64_u8.saturating_sub(leading + length));
        }
        let (leading, trailing) = self.window;
        self.value ^= self.bits.read(64_u8.saturating_sub(leading + trailing))? << trailing;
        Some(())
    }
}

impl Iterator for Samples<'_> {
    type Item = (i64, f64);

    fn next(&mut self) -> Option<(i64, f64)> {
        self.left = self.left.checked_sub(1)?;
        if self.begun {
            let change = self.read_change()?;
            self.distance = self.distance.wrapping_add(change);
            self.time = self.time.wrapping_add(self.distance);
            self.read_value()?;
        } else {
            self.begun = true;
            self.value = self.bits.read(64)?;
        }
        Some((self.time, f64::from_bits(self.value)))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn chunk(samples: &[(i64, f64)]) -> Chunk {
        let mut open = OpenChunk::default();
        for (time, value) in samples {
            open.push(*time, *value);
        }
        open.take()
    }

    fn bits(samples: impl IntoIterator<Item = (i64, f64)>) -> Vec<(i64, u64)> {
        samples.into_iter().map(|(time, value)| (time, value.to_bits())).collect()
    }

    #[test]
    fn every_kind_of_value_and_distance_comes_back_bit_by_bit() {
        let stale = f64::from_bits(0x7ff0_0000_0000_0002);
        let values = [0.0, -0.0, 1.0, 0.5, 1e300, f64::NAN, stale, f64::INFINITY, f64::NEG_INFINITY, 5e-324, 3.0, 2.5];
        let mut samples = Vec::new();
        let mut time = i64::MIN / 4;
        for (at, value) in values.iter().cycle().take(100).enumerate() {
            time += [1, 15_000, 15_001, 14_000, 3_600_000, i64::MAX / 1_000][at % 6];
            samples.push((time, *value));
        }
        assert_eq!(bits(chunk(&samples).samples()), bits(samples));
    }

    #[test]
    fn a_counter_that_moves_slowly_takes_less_than_two_bytes_a_sample() {
        let samples: Vec<_> = (0..120).map(|at| (at * 15_000, (at * at % 90 + at * 90) as f64)).collect();
        let chunk = chunk(&samples);
        assert_eq!(bits(chunk.samples()), bits(samples));
        assert!(chunk.bytes.len() < 2 * 120, "{} bytes", chunk.bytes.len());
    }

    #[test]
    fn a_value_that_stays_takes_two_bits_a_sample() {
        let samples: Vec<_> = (0..120).map(|at| (at * 15_000, 0.25)).collect();
        assert!(chunk(&samples).bytes.len() <= 8 + 4 + 120 * 2 / 8);
    }

    proptest! {
        #[test]
        fn whatever_is_written_is_read(steps in prop::collection::vec((1..100_000_i64, any::<f64>()), 0..120)) {
            let mut time = 1_800_000_000_000;
            let samples: Vec<_> = steps.into_iter().map(|(step, value)| { time += step; (time, value) }).collect();
            prop_assert_eq!(bits(chunk(&samples).samples()), bits(samples));
        }

        #[test]
        fn counters_are_read_as_they_were_written(steps in prop::collection::vec((15_000..15_009_i64, 0..70_000_u32), 0..120)) {
            let (mut time, mut total) = (0, 0.0);
            let samples: Vec<_> = steps.into_iter().map(|(step, by)| { time += step; total += f64::from(by); (time, total) }).collect();
            prop_assert_eq!(bits(chunk(&samples).samples()), bits(samples));
        }
    }
}
