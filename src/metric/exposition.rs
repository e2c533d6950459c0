//! Exposition: the text that Prometheus reads, in both of its formats.

use std::fmt::Write as _;

use prometheus::TextEncoder;

use super::descriptor::Kind;
use super::exemplar::{self, Exemplar};
use super::family::Family;
use super::foreign;
use super::series::Series;
use super::text::{push_help, push_number};

/// A format that Prometheus reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Format {
    /// The Prometheus text format, version 0.0.4.
    Text,
    /// OpenMetrics 1.0, which carries exemplars.
    OpenMetrics,
}

impl Format {
    /// Returns the content type to answer with.
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Text => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }

    /// Chooses by an `Accept` header: OpenMetrics where the client prefers it, else text.
    ///
    /// Of equal weights the first one named wins. A version of OpenMetrics other than 1.0.0 and 0.0.1 is passed over.
    pub fn negotiate(accept: &str) -> Self {
        let mut best = (Self::Text, 0.0);
        for range in accept.split(',') {
            let mut parts = range.split(';').map(str::trim);
            let format = match parts.next() {
                Some("application/openmetrics-text") => Self::OpenMetrics,
                Some("text/plain" | "text/*" | "*/*") => Self::Text,
                _ => continue,
            };
            let (mut weight, mut known) = (1.0, true);
            for part in parts {
                match part.split_once('=') {
                    Some(("q", q)) => weight = q.parse().unwrap_or(0.0),
                    Some(("version", version)) if format == Self::OpenMetrics => {
                        known = matches!(version, "1.0.0" | "0.0.1");
                    }
                    _ => {}
                }
            }
            if known && weight > best.1 {
                best = (format, weight);
            }
        }
        best.0
    }
}

/// Appends one family.
pub(super) fn family(family: &Family, format: Format, out: &mut Vec<u8>) {
    header(family, format, out);
    family.read(|all| {
        for series in all {
            match family.shape.kind {
                Kind::Counter => counter(family, series, out),
                Kind::Gauge => gauge(family, series, out),
                Kind::UpDown => up_down(family, series, out),
                Kind::Histogram => histogram(family, series, format, out),
            }
        }
    });
}

/// Appends what the app's own collectors of the `prometheus` crate have.
pub(super) fn collectors(registry: &prometheus::Registry, format: Format, out: &mut Vec<u8>) {
    let families = registry.gather();
    if families.is_empty() {
        return;
    }
    let mut text = String::new();
    // Fails only for a family without a metric, of which nothing is to be written.
    if TextEncoder::new().encode_utf8(&families, &mut text).is_err() {
        text.clear();
        for family in families {
            let before = text.len();
            if TextEncoder::new().encode_utf8(&[family], &mut text).is_err() {
                text.truncate(before);
            }
        }
    }
    foreign::from_text(&text, format, out);
}

fn header(family: &Family, format: Format, out: &mut Vec<u8>) {
    let shape = &family.shape;
    let name = match (format, shape.kind) {
        (Format::OpenMetrics, Kind::Counter) => shape.name.strip_suffix("_total").unwrap_or(&shape.name),
        _ => &shape.name,
    };
    let mut line = |keyword: &str, text: &str| {
        for part in ["# ", keyword, " ", name, " ", text, "\n"] {
            out.extend_from_slice(part.as_bytes());
        }
    };
    line("TYPE", shape.kind.as_str());
    if format == Format::OpenMetrics && !shape.unit.as_str().is_empty() {
        line("UNIT", shape.unit.as_str());
    }
    for part in ["# HELP ", name, " "] {
        out.extend_from_slice(part.as_bytes());
    }
    push_help(out, &shape.help, format == Format::OpenMetrics);
    out.push(b'\n');
}

fn counter(family: &Family, series: &Series, out: &mut Vec<u8>) {
    let total = series.total(family);
    out.extend_from_slice(series.text.as_bytes());
    match family.shape.unit.ticks() {
        1 => push_integer(out, total),
        ticks => push_number(out, total as f64 / ticks as f64),
    }
    out.push(b'\n');
}

fn gauge(family: &Family, series: &Series, out: &mut Vec<u8>) {
    out.extend_from_slice(series.text.as_bytes());
    push_number(out, f64::from_bits(family.cells.sum(series.spot.at)));
    out.push(b'\n');
}

fn up_down(family: &Family, series: &Series, out: &mut Vec<u8>) {
    out.extend_from_slice(series.text.as_bytes());
    // A thread that lowers may be read before the one that raised.
    push_integer(out, (series.sum(family) as i64).max(0) as u64);
    out.push(b'\n');
}

fn histogram(family: &Family, series: &Series, format: Format, out: &mut Vec<u8>) {
    let mut cells = [0; super::bucket::MAX_BUCKETS + 2];
    let cells = &mut cells[..family.width];
    series.sum_run(family, cells);
    let mut count = 0;
    for (bucket, end) in family.bucket_ends.iter().enumerate() {
        count += cells[bucket];
        out.extend_from_slice(series.text.as_bytes());
        out.extend_from_slice(end.as_bytes());
        push_integer(out, count);
        if format == Format::OpenMetrics
            && let Some(exemplar) = slowest(family, series, bucket)
        {
            push_exemplar(out, &exemplar, family.shape.unit.ticks());
        }
        out.push(b'\n');
    }
    let name = &family.shape.name;
    for part in [name, "_sum", &series.braces, " "] {
        out.extend_from_slice(part.as_bytes());
    }
    push_number(out, cells[family.bounds.len() + 1] as f64 / family.shape.unit.ticks() as f64);
    for part in ["\n", name, "_count", &series.braces, " "] {
        out.extend_from_slice(part.as_bytes());
    }
    push_integer(out, count);
    out.push(b'\n');
}

fn slowest(family: &Family, series: &Series, bucket: usize) -> Option<Exemplar> {
    let slot = series.spot.exemplars?.plus(bucket * exemplar::SLOT);
    let chunks = family.cells.chunks(slot);
    chunks.filter_map(|chunk| exemplar::read(&chunk[slot.offset()..][..exemplar::SLOT])).max_by_key(|found| found.ticks)
}

fn push_exemplar(out: &mut Vec<u8>, exemplar: &Exemplar, ticks: u64) {
    let mut text = String::with_capacity(96);
    let _ = write!(text, " # {{trace_id=\"{}\"}} ", exemplar.trace);
    out.extend_from_slice(text.as_bytes());
    push_number(out, exemplar.ticks as f64 / ticks as f64);
    out.push(b' ');
    push_number(out, exemplar.unix_millis as f64 / 1000.0);
}

fn push_integer(out: &mut Vec<u8>, value: u64) {
    out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}

impl Series {
    /// Sums what only rises.
    pub(super) fn total(&self, family: &Family) -> u64 {
        let cells = std::iter::once(self.spot.at).chain(self.more.iter().copied());
        cells.fold(0, |sum, at| sum.saturating_add(family.cells.sum_capped(at)))
    }

    /// Sums what rises and falls.
    pub(super) fn sum(&self, family: &Family) -> u64 {
        self.more.iter().fold(family.cells.sum(self.spot.at), |sum, &at| sum.wrapping_add(family.cells.sum(at)))
    }

    pub(super) fn sum_run(&self, family: &Family, sums: &mut [u64]) {
        for at in std::iter::once(self.spot.at).chain(self.more.iter().copied()) {
            family.cells.sum_run(at, sums);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_format_follows_what_the_client_prefers() {
        let prometheus = "application/openmetrics-text;version=1.0.0;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
        assert_eq!(Format::negotiate(prometheus), Format::OpenMetrics);
        assert_eq!(Format::negotiate("text/plain, application/openmetrics-text;q=0.9"), Format::Text);
        assert_eq!(Format::negotiate("application/openmetrics-text; version=2.0.0"), Format::Text);
        assert_eq!(Format::negotiate("application/openmetrics-text;q=0"), Format::Text);
        for odd in ["", "text/html", ";;;,,,=", "application/openmetrics-text;q=high"] {
            assert_eq!(Format::negotiate(odd), Format::Text, "{odd}");
        }
    }
}
