//! Ready text: everything of a line but its value, made once per series.

use super::descriptor::Kind;
use super::label::Part;
use super::shape::Shape;

/// Returns a series' line up to its value, and its labels in braces.
///
/// Of a histogram the line is a bucket's, up to the value of `le`.
pub(crate) fn series(shape: &Shape, parts: &[Part<'_>]) -> (Box<str>, Box<str>) {
    let mut inner = shape.constant.clone();
    for (label, part) in shape.labels.iter().zip(parts) {
        let value = match part {
            Part::Open(text) => text,
            Part::Closed(index) => label.values.and_then(|values| values.get(*index)).copied().unwrap_or(""),
        };
        push_label(&mut inner, &label.name, value);
    }
    let braces = if inner.is_empty() { String::new() } else { format!("{{{inner}}}") };
    let name = &shape.name;
    let text = if shape.kind == Kind::Histogram {
        let comma = if inner.is_empty() { "" } else { "," };
        format!("{name}_bucket{{{inner}{comma}le=\"")
    } else {
        format!("{name}{braces} ")
    };
    (text.into(), braces.into())
}

/// Returns the end of each bucket's line up to its value, the one above all bounds last.
pub(crate) fn bucket_ends(bounds: &[f64]) -> Box<[Box<str>]> {
    let mut buffer = zmij::Buffer::new();
    let mut ends: Vec<Box<str>> = bounds.iter().map(|&bound| format!("{}\"}} ", buffer.format(bound)).into()).collect();
    if !bounds.is_empty() {
        ends.push("+Inf\"} ".into());
    }
    ends.into()
}

/// Appends `name="value"`, and a comma where labels stand before it.
pub(crate) fn push_label(to: &mut String, name: &str, value: &str) {
    if !to.is_empty() {
        to.push(',');
    }
    to.push_str(name);
    to.push_str("=\"");
    for c in value.chars() {
        match c {
            '\\' => to.push_str("\\\\"),
            '"' => to.push_str("\\\""),
            '\n' => to.push_str("\\n"),
            c => to.push(c),
        }
    }
    to.push('"');
}

/// Appends a help text; the OpenMetrics format escapes quotes in it too.
pub(crate) fn push_help(to: &mut Vec<u8>, help: &str, quotes: bool) {
    for byte in help.bytes() {
        match byte {
            b'\\' => to.extend_from_slice(b"\\\\"),
            b'\n' => to.extend_from_slice(b"\\n"),
            b'"' if quotes => to.extend_from_slice(b"\\\""),
            byte => to.push(byte),
        }
    }
}

/// Appends a number the way both formats read it: a whole one without a point, but for a zero below zero.
pub(crate) fn push_number(to: &mut Vec<u8>, value: f64) {
    if value.is_nan() {
        to.extend_from_slice(b"NaN");
    } else if value.is_infinite() {
        to.extend_from_slice(if value > 0.0 { b"+Inf" } else { b"-Inf" });
    } else if value.fract() == 0.0 && value.abs() < 9e15 && !(value == 0.0 && value.is_sign_negative()) {
        to.extend_from_slice(itoa::Buffer::new().format(value as i64).as_bytes());
    } else {
        to.extend_from_slice(zmij::Buffer::new().format_finite(value).as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_value_is_escaped() {
        let mut text = String::new();
        push_label(&mut text, "path", "a\\b\"c\nd");
        assert_eq!(text, r#"path="a\\b\"c\nd""#);
    }

    #[test]
    fn a_number_reads_back_as_itself() {
        for value in [0.0, -0.0, 1.0, -3.0, 0.1, 1e-9, 9e15, 1.5e300, f64::MAX, f64::MIN_POSITIVE, 5e-324] {
            let mut text = Vec::new();
            push_number(&mut text, value);
            assert_eq!(String::from_utf8(text).unwrap().parse::<f64>().map(f64::to_bits), Ok(value.to_bits()));
        }
        let mut text = Vec::new();
        push_number(&mut text, f64::NEG_INFINITY);
        assert_eq!(text, b"-Inf");
    }

    #[test]
    fn bounds_always_carry_a_point() {
        assert_eq!(bucket_ends(&[0.005, 1.0, 1e6]).join(""), "0.005\"} 1.0\"} 1000000.0\"} +Inf\"} ");
    }
}
