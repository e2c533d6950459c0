//! The least a scrape can do: label text made ready in one piece, the fastest printers of numbers, one buffer.

use super::{BOUNDS, COUNTER, COUNTER_HELP, HISTOGRAM, HISTOGRAM_HELP, LABELS, Writer, data};

/// Everything but the values, and where each of them goes.
#[derive(Default)]
struct Lines {
    ready: String,
    values: Vec<(usize, Value)>,
}

#[derive(Clone, Copy)]
enum Value {
    Whole(u64),
    Float(f64),
}

pub fn writer() -> Writer {
    let lines = lines();
    Writer {
        title: "ideal: ready label text, itoa and zmij",
        write: Box::new(move |text| {
            let mut whole = itoa::Buffer::new();
            let mut float = zmij::Buffer::new();
            let mut from = 0;
            for &(to, value) in &lines.values {
                text.extend_from_slice(&lines.ready.as_bytes()[from..to]);
                from = to;
                match value {
                    Value::Whole(value) => text.extend_from_slice(whole.format(value).as_bytes()),
                    Value::Float(value) => text.extend_from_slice(float.format(value).as_bytes()),
                }
            }
            text.push(b'\n');
        }),
    }
}

impl Lines {
    fn comment(&mut self, name: &str, help: &str, kind: &str) {
        let after_a_line = if self.ready.is_empty() { "" } else { "\n" };
        self.ready += &format!("{after_a_line}# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    fn line(&mut self, head: &str, value: Value) {
        self.ready += &format!("\n{head} ");
        self.values.push((self.ready.len(), value));
    }
}

fn lines() -> Lines {
    let data = data();
    let [operation, place] = LABELS;
    let mut lines = Lines::default();
    lines.comment(COUNTER, COUNTER_HELP, "counter");
    for series in &data {
        let labels = format!("{operation}=\"{}\",{place}=\"{}\"", series.operation, series.place);
        lines.line(&format!("{COUNTER}{{{labels}}}"), Value::Whole(series.seconds.len() as u64));
    }
    lines.comment(HISTOGRAM, HISTOGRAM_HELP, "histogram");
    for series in &data {
        let labels = format!("{operation}=\"{}\",{place}=\"{}\"", series.operation, series.place);
        for bound in BOUNDS.into_iter().chain([f64::INFINITY]) {
            let below = series.seconds.iter().filter(|seconds| **seconds <= bound).count();
            let le = if bound.is_finite() { bound.to_string() } else { "+Inf".to_owned() };
            lines.line(&format!("{HISTOGRAM}_bucket{{{labels},le=\"{le}\"}}"), Value::Whole(below as u64));
        }
        lines.line(&format!("{HISTOGRAM}_sum{{{labels}}}"), Value::Float(series.seconds.iter().sum()));
        lines.line(&format!("{HISTOGRAM}_count{{{labels}}}"), Value::Whole(series.seconds.len() as u64));
    }
    lines
}
