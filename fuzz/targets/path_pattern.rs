//! The path sanitiser: whatever is asked for, a pattern is bounded, made of words and placeholders, and its own pattern.

use watchkeeper::http::path_pattern;
use watchkeeper::sanitise::{MAX_LABEL_VALUE_BYTES, label_value};

use super::entropy::Entropy;

const PLACEHOLDERS: [&str; 9] =
    ["{id}", "{uuid}", "{ulid}", "{hash}", "{date}", "{email}", "{token}", "{text}", "{rest}"];

/// Takes the bytes as a path, and as decisions that put one together.
pub fn run(bytes: &[u8]) {
    check(&String::from_utf8_lossy(bytes));
    check(&path(&mut Entropy::new(bytes)));
}

/// Fails unless the pattern of a path keeps every promise; returns it.
#[track_caller]
pub fn check(path: &str) -> String {
    let pattern = path_pattern(path);
    assert_eq!(path_pattern(&pattern), pattern, "the pattern of the pattern of {path:?}");
    assert!(pattern.len() <= MAX_LABEL_VALUE_BYTES, "{path:?} becomes {pattern:?}, of {} bytes", pattern.len());
    assert_eq!(label_value(&pattern), pattern, "as a label value, of {path:?}");
    let segments: Vec<&str> = pattern.strip_prefix('/').expect("a pattern begins with a slash").split('/').collect();
    assert!(segments.len() <= 11, "{path:?} becomes {pattern:?}");
    for segment in segments {
        let plain = segment.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'%' | b'?' | b'#' | b'"'));
        let word = segment.len() <= 32 && plain && !segment.bytes().all(|byte| byte.is_ascii_digit());
        assert!(segment.is_empty() || word || PLACEHOLDERS.contains(&segment), "{segment:?} of {path:?} is kept");
    }
    pattern
}

/// Puts a path together out of what paths are made of, so that more than noise is seen.
fn path(entropy: &mut Entropy<'_>) -> String {
    let mut path = String::new();
    for _ in 0..entropy.below(16) {
        path.push('/');
        for _ in 0..entropy.below(5) {
            match entropy.below(8) {
                0 => path += &entropy.word(),
                1 => path += &entropy.number().to_string(),
                2 => path += &format!("{:016x}", entropy.number()),
                3 => path += &format!("{:016X}", entropy.number()),
                4 => {
                    path += entropy.of(&["-", ".", "_", "@", "%40", "%2F", "~", "=", ";", "{", "}", "+", ":", "T", "Z"])
                }
                5 => path += entropy.of(&PLACEHOLDERS),
                6 => {
                    path +=
                        entropy.of(&["2026-11-21", "01ARZ3NDEKTSV4RRFFQ69G5FAV", "v1", "en-GB", "sha256", "index.html"])
                }
                _ => path += &entropy.text(6),
            }
        }
    }
    path
}
