//! Both formats out of the Prometheus text that an app's own collectors are encoded in.

use std::collections::HashSet;

use super::exposition::Format;

/// Appends `text`, as the `prometheus` crate encodes it, in the given format.
///
/// The bound of a bucket gets a point, as those of our own metrics have in both formats: to Prometheus `1` and `1.0`
/// are two series. In OpenMetrics a counter loses `_total` in its header; one that has none becomes `unknown`, since
/// its sample's name is not to be changed. So does one whose header would then be that of another metric, such as
/// `jobs_total` beside `jobs`.
pub(super) fn from_text(text: &str, format: Format, out: &mut Vec<u8>) {
    let mut families = Vec::new();
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            let (name, help) = rest.split_once(' ').unwrap_or((rest, ""));
            families.push(Foreign { name, help, ..Foreign::default() });
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').unwrap_or((rest, "unknown"));
            if families.last().is_none_or(|family| family.name != name || !family.kind.is_empty()) {
                families.push(Foreign { name, ..Foreign::default() });
            }
            if let Some(family) = families.last_mut() {
                family.kind = kind;
            }
        } else if let Some(family) = families.last_mut() {
            family.samples.push(line);
        }
    }
    let names: HashSet<_> = families.iter().map(|family| family.name).collect();
    for family in &families {
        let (name, kind) = match (format, family.kind, family.name.strip_suffix("_total")) {
            (Format::OpenMetrics, "counter", Some(stem)) if !names.contains(stem) => (stem, "counter"),
            (Format::OpenMetrics, "counter" | "untyped", _) => (family.name, "unknown"),
            _ => (family.name, family.kind),
        };
        family.write(name, kind, format, out);
    }
}

#[derive(Default)]
struct Foreign<'a> {
    name: &'a str,
    help: &'a str,
    kind: &'a str,
    samples: Vec<&'a str>,
}

impl Foreign<'_> {
    fn write(&self, name: &str, kind: &str, format: Format, out: &mut Vec<u8>) {
        let mut push = |parts: &[&str]| parts.iter().for_each(|part| out.extend_from_slice(part.as_bytes()));
        if !self.help.is_empty() {
            // The text format leaves quotes as they are.
            let quoted = (format == Format::OpenMetrics).then(|| self.help.replace('"', "\\\""));
            push(&["# HELP ", name, " ", quoted.as_deref().unwrap_or(self.help), "\n"]);
        }
        push(&["# TYPE ", name, " ", kind, "\n"]);
        for sample in &self.samples {
            // Behind the braces, or behind the name of a series without any, stand a value and perhaps a time.
            let start = sample.rfind('}').map_or_else(|| sample.find(' '), |brace| Some(brace + 1));
            let (series, rest) = sample.split_at(start.unwrap_or(sample.len()));
            match bound(series).filter(|_| kind == "histogram") {
                Some((before, bound, after)) => push(&[before, bound, ".0", after]),
                None => push(&[series]),
            }
            let mut numbers = rest.split_ascii_whitespace();
            push(&[" ", value(numbers.next().unwrap_or_default())]);
            match numbers.next() {
                Some(time) if format == Format::OpenMetrics => push(&[" ", &seconds(time)]),
                Some(time) => push(&[" ", time]),
                None => {}
            }
            push(&["\n"]);
        }
    }
}

/// Writes infinity, and a zero below zero, as our own metrics have them; the crate writes them as Rust does.
fn value(text: &str) -> &str {
    match text {
        "inf" => "+Inf",
        "-inf" => "-Inf",
        "-0" => "-0.0",
        other => other,
    }
}

/// Turns a time in milliseconds, as the text format has it, into the seconds of OpenMetrics.
fn seconds(millis: &str) -> String {
    millis.parse::<i64>().map_or_else(|_| millis.to_owned(), |millis| (millis as f64 / 1000.0).to_string())
}

/// Splits a bucket's line around a bound that is a whole number; `le` comes last in what the crate writes.
fn bound(sample: &str) -> Option<(&str, &str, &str)> {
    // Sum and count have no bound, though they may have a label that ends in these letters.
    if !sample.split_once('{')?.0.ends_with("_bucket") {
        return None;
    }
    let start = sample.rfind("le=\"")? + "le=\"".len();
    let end = start + sample[start..].find('"')?;
    let bound = &sample[start..end];
    let whole = !bound.is_empty() && bound.bytes().all(|byte| byte.is_ascii_digit());
    whole.then_some((&sample[..start], bound, &sample[end..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn infinity_has_its_name_and_a_time_its_unit() {
        let text = "# TYPE g gauge\ng{a=\"} inf 1\"} inf 1500\ng -inf\n";
        for (format, expected) in [
            (Format::Text, "# TYPE g gauge\ng{a=\"} inf 1\"} +Inf 1500\ng -Inf\n"),
            (Format::OpenMetrics, "# TYPE g gauge\ng{a=\"} inf 1\"} +Inf 1.5\ng -Inf\n"),
        ] {
            let mut out = Vec::new();
            from_text(text, format, &mut out);
            assert_eq!(String::from_utf8(out).unwrap(), expected);
        }
    }

    #[test]
    fn a_counter_without_total_is_unknown_and_a_bound_gets_a_point() {
        let text = "# HELP jobs Jobs \"done\".\n# TYPE jobs counter\njobs 3\n\
                    # HELP runs_total Runs.\n# TYPE runs_total counter\nruns_total{a=\"x le=\\\"1\\\"\"} 1\n\
                    # HELP t T.\n# TYPE t histogram\nt_bucket{le=\"1\"} 1\nt_bucket{le=\"+Inf\"} 1\n\
                    t_sum{scale=\"5\"} 1\nt_count 1\n";
        let written = |format| {
            let mut out = Vec::new();
            from_text(text, format, &mut out);
            String::from_utf8(out).unwrap()
        };
        assert_eq!(
            written(Format::OpenMetrics),
            "# HELP jobs Jobs \\\"done\\\".\n# TYPE jobs unknown\njobs 3\n\
             # HELP runs Runs.\n# TYPE runs counter\nruns_total{a=\"x le=\\\"1\\\"\"} 1\n\
             # HELP t T.\n# TYPE t histogram\nt_bucket{le=\"1.0\"} 1\nt_bucket{le=\"+Inf\"} 1\n\
             t_sum{scale=\"5\"} 1\nt_count 1\n"
        );
        assert_eq!(written(Format::Text), text.replace("{le=\"1\"}", "{le=\"1.0\"}"));
    }
}
