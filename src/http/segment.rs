//! One segment of a path: a word that stays, or the placeholder for what it looks like.

/// The longest word that is kept as it is, in bytes.
const MAX_WORD: usize = 32;
/// From how many words on a segment is a title rather than a name.
const TITLE_WORDS: usize = 5;
const PLACEHOLDERS: [&str; 8] = ["{id}", "{uuid}", "{ulid}", "{hash}", "{date}", "{email}", "{token}", "{text}"];
/// Words that are made like identifiers and are none.
const NAMES: [&str; 9] = ["sha256", "sha384", "sha512", "x509", "hs256", "rs256", "es256", "aes128", "aes256"];

/// Returns what stands for a segment in a pattern: itself without its parameters, or a placeholder.
pub(super) fn pattern(segment: &str) -> &str {
    if PLACEHOLDERS.contains(&segment) {
        return segment;
    }
    let segment = &segment[..segment.find(';').unwrap_or(segment.len())];
    let bytes = segment.as_bytes();
    let shape = Shape::of(bytes);
    if shape.encoded_at || is_email(segment) {
        "{email}"
    } else if bytes.len() >= 8 && bytes.ends_with(b"=") && shape.base64 {
        "{token}"
    } else if !shape.plain {
        "{text}"
    } else if is_date(bytes) {
        "{date}"
    } else if is_uuid(bytes) {
        "{uuid}"
    } else if shape.digits > 0 && shape.digits + shape.signs == bytes.len() {
        "{id}"
    } else if is_ulid(bytes) {
        "{ulid}"
    } else if shape.hashes > 0 {
        "{hash}"
    } else if shape.tokens > 0 {
        "{token}"
    } else if shape.numbers > 0 || shape.digit_runs >= 3 || bytes.starts_with(b"~") {
        "{id}"
    } else if shape.words >= TITLE_WORDS {
        "{text}"
    } else if bytes.len() > MAX_WORD {
        "{token}"
    } else {
        segment
    }
}

/// What one pass over a segment finds.
#[derive(Default)]
struct Shape {
    digits: usize,
    signs: usize,
    digit_runs: usize,
    /// Whether nothing needs an encoding or stands for something else.
    plain: bool,
    /// Whether nothing but the letters of Base64 is in it.
    base64: bool,
    encoded_at: bool,
    /// How many chunks between signs look like a hash, a random token, a number, a word.
    hashes: usize,
    tokens: usize,
    numbers: usize,
    words: usize,
}

impl Shape {
    fn of(bytes: &[u8]) -> Self {
        let mut shape = Self { plain: true, base64: true, ..Self::default() };
        for chunk in bytes.chunk_by(|a, b| a.is_ascii_alphanumeric() == b.is_ascii_alphanumeric()) {
            if chunk[0].is_ascii_alphanumeric() {
                shape.add(chunk);
            }
        }
        for (index, byte) in bytes.iter().enumerate() {
            shape.base64 &= byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'_' | b'=');
            match byte {
                b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' => {}
                b'-' | b'.' | b'_' | b',' | b':' | b'+' => shape.signs += 1,
                b'~' | b'$' | b'@' if index == 0 => {}
                // A picture for finer screens, such as `icon@2x.png`.
                b'@' if matches!(bytes[index + 1..], [b'1'..=b'9', b'x', b'.', ..]) => {}
                b'%' => {
                    shape.plain = false;
                    shape.encoded_at |= index > 0 && bytes[index..].starts_with(b"%40");
                }
                b'@' => shape.plain &= shape.is_package(&bytes[index + 1..]),
                _ => shape.plain = false,
            }
        }
        shape
    }

    /// Tells whether what stands behind an `@` is the version of what stands before it.
    fn is_package(&self, version: &[u8]) -> bool {
        version.first().is_some_and(u8::is_ascii_digit) && self.digit_runs >= 3
    }

    /// Counts a run of letters and digits as what it looks like.
    fn add(&mut self, chunk: &[u8]) {
        let count = |is: fn(&u8) -> bool| chunk.iter().filter(|byte| is(byte)).count();
        let digits = count(u8::is_ascii_digit);
        let runs =
            || chunk.chunk_by(|a, b| a.is_ascii_digit() == b.is_ascii_digit()).filter(|run| run[0].is_ascii_digit());
        let digit_runs = runs().count();
        let (lower, upper) = (count(u8::is_ascii_lowercase), count(u8::is_ascii_uppercase));
        self.digits += digits;
        self.digit_runs += digit_runs;
        if NAMES.iter().any(|name| name.as_bytes().eq_ignore_ascii_case(chunk)) || is_version(chunk) {
            return;
        }
        if chunk.len() >= 6 && digits > 0 && digits < chunk.len() && chunk.iter().all(u8::is_ascii_hexdigit) {
            self.hashes += 1;
        } else if digits < chunk.len()
            && ((chunk.len() >= 6 && digit_runs >= 2)
                || (chunk.len() >= 8 && digits > 0 && lower > 0 && upper > 0)
                || (chunk.len() >= 16 && digits >= 2))
        {
            self.tokens += 1;
        } else if runs().any(|run| run.len() >= 3) {
            self.numbers += 1;
        } else if digits == 0 {
            self.words += 1;
        }
    }
}

/// Tells whether a chunk is the version of an interface: `v1`, `v2beta1`.
fn is_version(chunk: &[u8]) -> bool {
    let digits = |text: &[u8]| text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let Some(rest) = chunk.strip_prefix(b"v") else { return false };
    let major = digits(rest);
    let rest = &rest[major..];
    let stage =
        [&b"alpha"[..], b"beta", b"rc", b"p"].iter().find_map(|stage| rest.strip_prefix(*stage)).unwrap_or(rest);
    (1..=2).contains(&major) && stage.len() <= 2 && digits(stage) == stage.len()
}

/// Tells whether a segment is an address of somebody: `name@host.tld`.
fn is_email(segment: &str) -> bool {
    let Some((name, host)) = segment.rsplit_once('@') else { return false };
    let Some((domain, top)) = host.rsplit_once('.') else { return false };
    let picture = matches!(domain.as_bytes(), [b'1'..=b'9', b'x']);
    let top = top.len() >= 2 && top.bytes().all(|byte| byte.is_ascii_alphabetic());
    !name.is_empty() && !domain.is_empty() && top && !picture
}

/// Tells whether a segment is a UUID, or begins with one, as the name of a file does.
fn is_uuid(bytes: &[u8]) -> bool {
    let whole = bytes.get(36).is_none_or(|byte| !byte.is_ascii_alphanumeric() && *byte != b'-');
    whole
        && bytes.get(..36).is_some_and(|uuid| {
            uuid.iter().enumerate().all(|(index, byte)| match index {
                8 | 13 | 18 | 23 => *byte == b'-',
                _ => byte.is_ascii_hexdigit(),
            })
        })
}

/// Tells whether a segment is a ULID: 26 letters and digits of Crockford's Base32, the first of which is below 8.
fn is_ulid(bytes: &[u8]) -> bool {
    let letter =
        |byte: &u8| byte.is_ascii_alphanumeric() && !matches!(byte.to_ascii_uppercase(), b'I' | b'L' | b'O' | b'U');
    bytes.len() == 26 && matches!(bytes[0], b'0'..=b'7') && bytes.iter().all(letter)
}

fn is_date(bytes: &[u8]) -> bool {
    let shaped = bytes.len() >= 10
        && bytes.iter().take(10).enumerate().all(|(index, byte)| match index {
            4 | 7 => *byte == b'-',
            _ => byte.is_ascii_digit(),
        });
    shaped && (bytes.len() == 10 || bytes[10] == b'T')
}
