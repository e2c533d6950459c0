//! Decisions out of bytes: the same bytes make the same decisions, and when they end every further one is the first.

/// The bytes that are left.
#[derive(Debug)]
pub struct Entropy<'a> {
    bytes: &'a [u8],
}

impl<'a> Entropy<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes }
    }

    pub fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.bytes.split_first() else { return 0 };
        self.bytes = rest;
        *first
    }

    pub fn number(&mut self) -> u64 {
        u64::from_le_bytes(std::array::from_fn(|_| self.byte()))
    }

    /// A number below `end`, which is above zero.
    pub fn below(&mut self, end: usize) -> usize {
        usize::from(self.byte()) % end
    }

    /// Yes, once in so many times.
    pub fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == times - 1
    }

    pub fn of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())]
    }

    /// Text of up to `max` characters: those that a format must escape, those that may trip a reader, and any other.
    pub fn text(&mut self, max: usize) -> String {
        const ODD: [char; 24] = [
            '"', '\\', '\n', '\r', '\t', '\0', ' ', '{', '}', ',', '=', '#', 'n', 'a', '1', '.', '\u{7f}', '\u{85}',
            '\u{a0}', '\u{301}', '\u{2028}', '\u{feff}', '\u{fffd}', '🚲',
        ];
        let length = self.below(max + 1);
        let mut text = String::new();
        for _ in 0..length {
            let char = match self.below(4) {
                0 | 1 => self.of(&ODD),
                2 => char::from(b'a' + self.byte() % 26),
                _ => char::from_u32((self.number() % 0x11_0000) as u32).unwrap_or('\u{d7ff}'),
            };
            text.push(char);
        }
        text
    }

    /// A word as metrics are named of: a letter, then letters and digits.
    pub fn word(&mut self) -> String {
        // Few enough that two metrics often want the same name.
        const WORDS: [&str; 6] = ["parcels", "vans", "x", "queue", "created", "h2"];
        if !self.once_in(4) {
            return self.of(&WORDS).to_owned();
        }
        let mut word = char::from(b'a' + self.byte() % 26).to_string();
        for _ in 0..self.below(8) {
            word.push(char::from(self.of(b"abcdefgh0123456789")));
        }
        word
    }

    /// Any float: the odd ones, whole ones, and any pattern of bits.
    pub fn float(&mut self) -> f64 {
        const ODD: [f64; 14] = [
            0.0,
            -0.0,
            1.0,
            -1.0,
            0.1,
            f64::NAN,
            f64::INFINITY,
            f64::NEG_INFINITY,
            f64::MIN_POSITIVE,
            5e-324,
            f64::MAX,
            9_007_199_254_740_993.0,
            9e15,
            1e300,
        ];
        match self.below(3) {
            0 => self.of(&ODD),
            1 => f64::from(self.number() as i32),
            _ => f64::from_bits(self.number()),
        }
    }
}

/// A stream of random bytes that a seed determines (SplitMix64).
#[derive(Debug, Clone)]
pub struct Noise(u64);

impl Noise {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    pub fn bytes(&mut self, count: usize) -> Vec<u8> {
        let mut bytes: Vec<u8> = (0..count.div_ceil(8)).flat_map(|_| self.number().to_le_bytes()).collect();
        bytes.truncate(count);
        bytes
    }
}
