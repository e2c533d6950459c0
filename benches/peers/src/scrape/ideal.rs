//! The least a scrape can do: label text made ready, integers and floats written by the fastest printers, one buffer.

use super::{BOUNDS, COUNTER, COUNTER_HELP, HISTOGRAM, HISTOGRAM_HELP, LABELS, Writer, data};

struct Line {
    /// Name and labels, up to and with the blank before the value.
    head: String,
    value: Value,
}

#[derive(Clone, Copy)]
enum Value {
    Whole(u64),
    Float(f64),
}

pub fn writer() -> Writer {
    let lines = lines();
    let mut size = 0;
    Writer {
        title: "ideal: ready label text, itoa and zmij",
        write: Box::new(move || {
            let mut text = Vec::with_capacity(size);
            let mut whole = itoa::Buffer::new();
            let mut float = zmij::Buffer::new();
            for line in &lines {
                text.extend_from_slice(line.head.as_bytes());
                match line.value {
                    Value::Whole(value) => text.extend_from_slice(whole.format(value).as_bytes()),
                    Value::Float(value) => text.extend_from_slice(float.format(value).as_bytes()),
                }
                text.push(b'\n');
            }
            size = text.len();
            text
        }),
    }
}

fn lines() -> Vec<Line> {
    let data = data();
    let [operation, place] = LABELS;
    let mut lines = Vec::new();
    let mut comment = format!("# HELP {COUNTER} {COUNTER_HELP}\n# TYPE {COUNTER} counter\n");
    for series in &data {
        let labels = format!("{operation}=\"{}\",{place}=\"{}\"", series.operation, series.place);
        let head = format!("{}{COUNTER}{{{labels}}} ", std::mem::take(&mut comment));
        lines.push(Line { head, value: Value::Whole(series.seconds.len() as u64) });
    }
    let mut comment = format!("# HELP {HISTOGRAM} {HISTOGRAM_HELP}\n# TYPE {HISTOGRAM} histogram\n");
    for series in &data {
        let labels = format!("{operation}=\"{}\",{place}=\"{}\"", series.operation, series.place);
        for bound in BOUNDS.into_iter().chain([f64::INFINITY]) {
            let below = series.seconds.iter().filter(|seconds| **seconds <= bound).count();
            let le = if bound.is_finite() { bound.to_string() } else { "+Inf".to_owned() };
            let head = format!("{}{HISTOGRAM}_bucket{{{labels},le=\"{le}\"}} ", std::mem::take(&mut comment));
            lines.push(Line { head, value: Value::Whole(below as u64) });
        }
        let sum = series.seconds.iter().sum();
        lines.push(Line { head: format!("{HISTOGRAM}_sum{{{labels}}} "), value: Value::Float(sum) });
        let count = series.seconds.len() as u64;
        lines.push(Line { head: format!("{HISTOGRAM}_count{{{labels}}} "), value: Value::Whole(count) });
    }
    lines
}
