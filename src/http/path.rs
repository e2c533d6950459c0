//! Path patterns: an unmatched path with everything that identifies something taken out.

/// The most segments that a pattern keeps.
const MAX_SEGMENTS: usize = 10;
/// The longest pattern before `/{rest}`, in bytes, so that a label value holds all of it.
const MAX_BYTES: usize = 120;
/// The longest word that is kept as it is, in bytes.
const MAX_WORD: usize = 32;
const REST: &str = "{rest}";
const PLACEHOLDERS: [&str; 8] = ["{id}", "{uuid}", "{ulid}", "{hash}", "{date}", "{email}", "{token}", "{text}"];

/// Puts placeholders for whatever in a path looks like an identifier.
///
/// Integers, UUIDs, ULIDs, hashes, dates, e-mail addresses, long tokens and encoded text become `{id}`, `{uuid}`,
/// `{ulid}`, `{hash}`, `{date}`, `{email}`, `{token}` and `{text}`; plain words stay. At most 10 segments and 120
/// bytes are kept, then `{rest}`. A query string is cut off. The time is linear in the path's length, and a
/// pattern's pattern is itself.
///
/// ```
/// use watchkeeper::http::path_pattern;
///
/// assert_eq!(path_pattern("/api/v1/users/4711/avatar"), "/api/v1/users/{id}/avatar");
/// ```
pub fn path_pattern(path: &str) -> String {
    let path = &path[..path.find(['?', '#']).unwrap_or(path.len())];
    let mut pattern = String::with_capacity(path.len().min(MAX_BYTES + 1 + REST.len()));
    let segments = path.strip_prefix('/').unwrap_or(path).split('/');
    for (index, segment) in segments.enumerate() {
        let segment = replacement(segment).unwrap_or(segment);
        let full = index == MAX_SEGMENTS || pattern.len() + 1 + segment.len() > MAX_BYTES;
        pattern.push('/');
        pattern.push_str(if full { REST } else { segment });
        if full || segment == REST {
            break;
        }
    }
    pattern
}

/// Returns the placeholder that stands for a segment; `None` for one that is kept.
fn replacement(segment: &str) -> Option<&'static str> {
    if segment == REST || PLACEHOLDERS.contains(&segment) {
        return None;
    }
    let shape = Shape::of(segment.as_bytes());
    let (bytes, len) = (segment.as_bytes(), segment.len());
    if shape.encoded_at || (shape.at && shape.plain) {
        Some("{email}")
    } else if !shape.plain {
        Some("{text}")
    } else if is_date(bytes) {
        Some("{date}")
    } else if is_uuid(bytes) {
        Some("{uuid}")
    } else if len > 0 && shape.digits + shape.signs == len && shape.digits > 0 {
        Some("{id}")
    } else if len == 26 && shape.digits > 0 && shape.lower == 0 && shape.upper + shape.digits == len {
        Some("{ulid}")
    } else if len >= 7 && shape.hex == len && shape.digits > 0 {
        Some("{hash}")
    } else if len > MAX_WORD || (len >= 16 && shape.digits >= 2 && shape.lower + shape.upper > 0 && shape.signs == 0) {
        Some("{token}")
    } else if shape.longest_digits >= 3 {
        Some("{id}")
    } else {
        None
    }
}

/// What one pass over a segment finds.
#[derive(Default)]
struct Shape {
    digits: usize,
    longest_digits: usize,
    lower: usize,
    upper: usize,
    hex: usize,
    signs: usize,
    at: bool,
    encoded_at: bool,
    plain: bool,
}

impl Shape {
    fn of(bytes: &[u8]) -> Self {
        let mut shape = Self { plain: true, ..Self::default() };
        let mut run = 0;
        for (index, byte) in bytes.iter().enumerate() {
            run = if byte.is_ascii_digit() { run + 1 } else { 0 };
            shape.longest_digits = shape.longest_digits.max(run);
            shape.hex += usize::from(byte.is_ascii_digit() || matches!(byte, b'a'..=b'f' | b'A'..=b'F'));
            match byte {
                b'0'..=b'9' => shape.digits += 1,
                b'a'..=b'z' => shape.lower += 1,
                b'A'..=b'Z' => shape.upper += 1,
                b'-' | b'.' | b'_' | b',' | b':' | b'+' => shape.signs += 1,
                b'~' | b'!' | b'$' | b'&' | b'\'' | b'(' | b')' | b'*' | b';' | b'=' => {}
                b'@' => shape.at |= index > 0,
                b'%' => {
                    shape.plain = false;
                    shape.encoded_at |= index > 0 && bytes[index..].starts_with(b"%40");
                }
                _ => shape.plain = false,
            }
        }
        shape
    }
}

fn is_uuid(bytes: &[u8]) -> bool {
    bytes.len() == 36
        && bytes.iter().enumerate().all(|(index, byte)| match index {
            8 | 13 | 18 | 23 => *byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

fn is_date(bytes: &[u8]) -> bool {
    let shaped = bytes.len() >= 10
        && bytes.iter().take(10).enumerate().all(|(index, byte)| match index {
            4 | 7 => *byte == b'-',
            _ => byte.is_ascii_digit(),
        });
    shaped && (bytes.len() == 10 || bytes[10] == b'T')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_identifies_becomes_a_placeholder_and_words_stay() {
        for (path, pattern) in [
            ("/", "/"),
            ("", "/"),
            ("/health", "/health"),
            ("/api/v1/users", "/api/v1/users"),
            ("/oauth2/token", "/oauth2/token"),
            ("/users/42", "/users/{id}"),
            ("/users/-42", "/users/{id}"),
            ("/orders/ord-20391", "/orders/{id}"),
            ("/o/550e8400-e29b-41d4-a716-446655440000/x", "/o/{uuid}/x"),
            ("/o/01ARZ3NDEKTSV4RRFFQ69G5FAV", "/o/{ulid}"),
            ("/commit/da39a3ee5e6b4b0d3255bfef95601890afd80709", "/commit/{hash}"),
            ("/commit/3f2b1c9", "/commit/{hash}"),
            ("/day/2026-11-21", "/day/{date}"),
            ("/day/2026-11-21T10:00:00Z", "/day/{date}"),
            ("/mail/jo@example.com", "/mail/{email}"),
            ("/mail/jo%40example.com", "/mail/{email}"),
            ("/reset/eyJhbGciOiJIUzI1NiJ9abc", "/reset/{token}"),
            ("/q/caf%C3%A9", "/q/{text}"),
            ("/q/café", "/q/{text}"),
            ("/@scope/pkg", "/@scope/pkg"),
            ("/search?q=secret", "/search"),
            ("/facade/decade", "/facade/decade"),
            ("/a//b/", "/a//b/"),
        ] {
            assert_eq!(path_pattern(path), pattern, "{path}");
            assert_eq!(path_pattern(pattern), pattern, "the pattern of {pattern}");
        }
    }

    #[test]
    fn a_long_path_ends_in_rest_and_fits_a_label() {
        let deep = "/a".repeat(5_000);
        assert_eq!(path_pattern(&deep), format!("{}/{REST}", "/a".repeat(MAX_SEGMENTS)));
        for path in
            [deep, "/abcdefghijklmnopqrstuvwxyz".repeat(50), "/x".repeat(60_000), format!("/{}", "y".repeat(65_536))]
        {
            let pattern = path_pattern(&path);
            assert!(pattern.len() <= crate::sanitise::MAX_LABEL_VALUE_BYTES);
            assert_eq!(path_pattern(&pattern), pattern);
        }
    }
}
