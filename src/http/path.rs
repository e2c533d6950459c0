//! Path patterns: an unmatched path with everything that identifies something taken out.

use super::segment;

/// The most segments that a pattern keeps.
const MAX_SEGMENTS: usize = 10;
/// The longest pattern before `/{rest}`, in bytes, so that a label value holds all of it.
const MAX_BYTES: usize = 120;
/// How much of a path is read, in bytes.
const MAX_READ: usize = 4_096;
const REST: &str = "{rest}";

/// Puts placeholders for whatever in a path looks like an identifier.
///
/// Integers and versions, UUIDs, ULIDs, hashes, dates, e-mail addresses, long or random tokens, and encoded or written
/// text become `{id}`, `{uuid}`, `{ulid}`, `{hash}`, `{date}`, `{email}`, `{token}` and `{text}`; plain words stay. At
/// most 10 segments and 120 bytes are kept, then `{rest}`. A query string is cut off, and so are the parameters of a
/// segment, from its `;` on. No more than 4,096 bytes are read, in time linear in their number, and a pattern's pattern
/// is itself.
///
/// ```
/// use watchkeeper::http::path_pattern;
///
/// assert_eq!(path_pattern("/api/v1/users/4711/avatar"), "/api/v1/users/{id}/avatar");
/// ```
pub fn path_pattern(path: &str) -> String {
    let read = crate::sanitise::truncate(path, MAX_READ);
    let end = read.find(['?', '#']);
    // What is cut may have lost its end, and with it its meaning.
    let cut = end.is_none() && read.len() < path.len();
    let read = &read[..end.unwrap_or(read.len())];
    let mut pattern = String::with_capacity(read.len().min(MAX_BYTES + 1 + REST.len()));
    let mut segments = read.strip_prefix('/').unwrap_or(read).split('/').enumerate().peekable();
    while let Some((index, segment)) = segments.next() {
        let lost = cut && segments.peek().is_none();
        let segment = if segment == REST { REST } else { segment::pattern(segment) };
        let full = lost || index == MAX_SEGMENTS || pattern.len() + 1 + segment.len() > MAX_BYTES;
        pattern.push('/');
        pattern.push_str(if full { REST } else { segment });
        if full || segment == REST {
            break;
        }
    }
    pattern
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_path_ends_in_rest_and_fits_a_label() {
        let deep = "/a".repeat(5_000);
        assert_eq!(path_pattern(&deep), format!("{}/{REST}", "/a".repeat(MAX_SEGMENTS)));
        assert_eq!(path_pattern(&format!("/a/{}", "y".repeat(65_536))), format!("/a/{REST}"));
        for path in [deep, "/abcdefghijklmnopqrstuvwxyz".repeat(50), "/x".repeat(60_000)] {
            let pattern = path_pattern(&path);
            assert!(pattern.len() <= crate::sanitise::MAX_LABEL_VALUE_BYTES);
            assert_eq!(path_pattern(&pattern), pattern);
        }
    }

    #[test]
    fn what_lies_beyond_the_first_bytes_is_not_read() {
        for start in ["/a/b/", "/", "/a?q=", "/é", "/a/;p="] {
            let mut path = start.to_owned();
            path.extend(std::iter::repeat_n('é', MAX_READ));
            let pattern = path_pattern(&path);
            for end in ["", "/", "/x", "?q", "#", "/%40", "@example.org"] {
                assert_eq!(path_pattern(&format!("{path}{end}")), pattern, "{start}…{end}");
            }
        }
    }
}
