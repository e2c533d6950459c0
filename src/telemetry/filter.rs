//! What is logged: a level, and levels of single targets.

use tracing::level_filters::{LevelFilter, STATIC_MAX_LEVEL};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::Directive;

use super::TelemetryError;

/// The target of the span that surrounds a request. It is kept at `info` whatever the filter, so that a line of any
/// level carries its request's id; a directive that names this target decides otherwise.
pub const REQUEST_SPAN_TARGET: &str = "watchkeeper::request";

/// Reads a filter in the form of `RUST_LOG`.
///
/// # Errors
/// [`TelemetryError::Filter`] naming `setting`, for whatever would be read as something else than was meant: a word
/// that is no level, a target without a level, white space within a target.
pub(super) fn parse(setting: &'static str, text: &str) -> Result<EnvFilter, TelemetryError> {
    let refuse = |reason| TelemetryError::Filter { setting, value: text.to_owned(), reason };
    let mut directives = Vec::new();
    for piece in text.split(',').map(str::trim).filter(|piece| !piece.is_empty()) {
        directives.push(directive(piece).map_err(refuse)?);
    }
    if directives.is_empty() {
        return Err(refuse("it holds no level".into()));
    }
    let names_request_span = directives.iter().any(|d| d.split(['=', '[']).next() == Some(REQUEST_SPAN_TARGET));
    if !names_request_span && directives.iter().any(|d| d != "off") {
        directives.push(spell(REQUEST_SPAN_TARGET, LevelFilter::INFO));
    }
    EnvFilter::builder().parse(directives.join(",")).map_err(|error| refuse(error.to_string()))
}

/// Checks one directive and spells it out.
fn directive(piece: &str) -> Result<String, String> {
    if let Ok(level) = piece.parse::<LevelFilter>() {
        return Ok(capped(level).to_string());
    }
    // A span's part in brackets may hold anything; the level comes after it.
    let (target, level) = match piece.rfind(']') {
        Some(end) => match piece[end + 1..].trim_start() {
            "" => (piece, LevelFilter::TRACE),
            rest => (&piece[..=end], level_of(piece, rest.strip_prefix('='))?),
        },
        None => match piece.split_once('=') {
            Some((target, level)) => (target.trim_end(), level_of(piece, Some(level))?),
            None => return Err(format!("{piece:?} is neither a level nor target=level")),
        },
    };
    if target.split('[').next().unwrap_or(target).contains(|c: char| c.is_whitespace() || c == ';') {
        return Err(format!("{piece:?} has a target with white space or a semicolon"));
    }
    let spelled = spell(target, level);
    spelled.parse::<Directive>().map(|_| spelled).map_err(|_| format!("{piece:?} is neither a level nor target=level"))
}

fn level_of(piece: &str, level: Option<&str>) -> Result<LevelFilter, String> {
    let level = level.map(str::trim).filter(|level| !level.is_empty());
    level.and_then(|level| level.parse().ok()).ok_or_else(|| format!("{piece:?} does not end with a level"))
}

fn spell(target: &str, level: LevelFilter) -> String {
    format!("{target}={}", capped(level))
}

/// Lowers a level to the one compiled in. Nothing changes by it, but `EnvFilter` would print a warning to standard
/// error, and panic where that is closed.
fn capped(level: LevelFilter) -> LevelFilter {
    level.min(STATIC_MAX_LEVEL)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason(text: &str) -> String {
        match parse("RUST_LOG", text) {
            Err(TelemetryError::Filter { reason, .. }) => reason,
            other => panic!("{text:?} gives {other:?}"),
        }
    }

    #[test]
    fn a_filter_is_levels_and_targets() {
        for text in [
            "info",
            "DEBUG",
            "3",
            "off",
            "info,my_app=debug",
            " info , my_app = debug ,",
            "my-app::db=off",
            "my_app[checkout]=trace",
            "[checkout]",
            "info,[{user_id=7}]=debug",
        ] {
            assert!(parse("RUST_LOG", text).is_ok(), "{text:?} is a filter");
        }
    }

    #[test]
    fn white_space_around_a_target_is_no_part_of_it() {
        let filter = parse("RUST_LOG", "warn, my_app = debug").unwrap().to_string();
        assert!(filter.contains("my_app=debug") && filter.contains("warn"), "{filter}");
    }

    #[test]
    fn what_would_be_misread_is_refused() {
        assert_eq!(reason("verbose"), r#""verbose" is neither a level nor target=level"#);
        assert_eq!(reason("info,%%"), r#""%%" is neither a level nor target=level"#);
        assert_eq!(reason("my_app="), r#""my_app=" does not end with a level"#);
        assert_eq!(reason("my_app=loud"), r#""my_app=loud" does not end with a level"#);
        assert_eq!(reason("info my_app=debug"), r#""info my_app=debug" has a target with white space or a semicolon"#);
        assert_eq!(reason("info;my_app=debug"), r#""info;my_app=debug" has a target with white space or a semicolon"#);
        assert_eq!(reason("=info"), r#""=info" is neither a level nor target=level"#);
        assert_eq!(reason("[span"), r#""[span" is neither a level nor target=level"#);
        assert_eq!(reason(","), "it holds no level");
    }

    #[test]
    fn no_text_makes_the_parser_panic() {
        for text in ["é", " é=é", "[é]é", "]", "][", "=", "[{é=\"", "a]b]=info", "\u{2028}=info", "é=info", "[é]=info"]
        {
            let _ = parse("RUST_LOG", text);
        }
    }

    #[test]
    fn the_request_span_stays_unless_it_is_named() {
        let spelled = |text| parse("RUST_LOG", text).unwrap().to_string();
        assert!(spelled("error").contains("watchkeeper::request=info"));
        assert!(spelled("my_app=debug").contains("watchkeeper::request=info"));
        assert_eq!(spelled("off"), "off");
        assert!(!spelled("info,watchkeeper::request=off").contains("watchkeeper::request=info"));
    }
}
