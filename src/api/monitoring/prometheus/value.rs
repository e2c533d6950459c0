//! Values in Prometheus' JSON: numbers as text, times in seconds.

use std::fmt::Write;

use crate::promql::engine::{LabelSet, Value};
use crate::timestamp::Timestamp;

/// Writes a result with its type; `time` is when a scalar holds.
pub(in crate::api::monitoring) fn render(value: &Value, time: Timestamp) -> String {
    let time = time.as_micros().div_euclid(1000);
    let mut out = String::with_capacity(256);
    match value {
        Value::Scalar(number) => {
            out.push_str("{\"resultType\":\"scalar\",\"result\":");
            point(&mut out, time, *number);
        }
        Value::String(text) => {
            out.push_str("{\"resultType\":\"string\",\"result\":[");
            seconds(&mut out, time);
            let _ = write!(out, ",{}]", quoted(text));
        }
        Value::Vector(samples) => {
            out.push_str("{\"resultType\":\"vector\",\"result\":[");
            for (at, sample) in samples.iter().enumerate() {
                out.push_str(if at == 0 { "{\"metric\":" } else { ",{\"metric\":" });
                labels(&mut out, &sample.labels);
                out.push_str(",\"value\":");
                point(&mut out, sample.at, sample.value);
                out.push('}');
            }
            out.push(']');
        }
        Value::Matrix(series) => {
            out.push_str("{\"resultType\":\"matrix\",\"result\":[");
            for (at, series) in series.iter().enumerate() {
                out.push_str(if at == 0 { "{\"metric\":" } else { ",{\"metric\":" });
                labels(&mut out, &series.labels);
                out.push_str(",\"values\":[");
                for (at, (time, value)) in series.points.iter().enumerate() {
                    if at > 0 {
                        out.push(',');
                    }
                    point(&mut out, *time, *value);
                }
                out.push_str("]}");
            }
            out.push(']');
        }
    }
    out.push('}');
    out
}

/// Writes labels as an object.
pub(super) fn labels(out: &mut String, labels: &LabelSet) {
    out.push('{');
    for (at, (name, value)) in labels.iter().enumerate() {
        let comma = if at == 0 { "" } else { "," };
        let _ = write!(out, "{comma}{}:{}", quoted(name), quoted(value));
    }
    out.push('}');
}

pub(super) fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn point(out: &mut String, time: i64, value: f64) {
    out.push('[');
    seconds(out, time);
    out.push_str(",\"");
    if value.is_nan() {
        out.push_str("NaN");
    } else if value.is_infinite() {
        out.push_str(if value > 0.0 { "+Inf" } else { "-Inf" });
    } else {
        // The shortest digits that read back as the same number, without an exponent.
        let _ = write!(out, "{value}");
    }
    out.push_str("\"]");
}

fn seconds(out: &mut String, millis: i64) {
    let (whole, part) = (millis.unsigned_abs() / 1000, millis.unsigned_abs() % 1000);
    let _ = write!(out, "{}{whole}", if millis < 0 { "-" } else { "" });
    if part > 0 {
        let _ = write!(out, ".{part:03}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::promql::engine::Series;

    #[test]
    fn numbers_are_text_and_times_are_seconds_to_the_millisecond() {
        let points = vec![(-1_500, f64::NAN), (1_435_781_430_781, 1e21), (2_000, f64::NEG_INFINITY), (3_005, -0.0)];
        let series = Series { labels: LabelSet::new([("__name__", "up"), ("a", "\"\n")]), points };
        assert_eq!(
            render(&Value::Matrix(vec![series]), Timestamp::EPOCH),
            "{\"resultType\":\"matrix\",\"result\":[{\"metric\":{\"__name__\":\"up\",\"a\":\"\\\"\\n\"},\"values\":[\
             [-1.500,\"NaN\"],[1435781430.781,\"1000000000000000000000\"],[2,\"-Inf\"],[3.005,\"-0\"]]}]}"
        );
        let scalar = render(&Value::Scalar(0.1), Timestamp::from_micros(1_250_000));
        assert_eq!(scalar, "{\"resultType\":\"scalar\",\"result\":[1.250,\"0.1\"]}");
    }
}
