//! `prometheus`: gathers its families, then its text encoder writes them.

use prometheus::{Encoder, HistogramOpts, HistogramVec, IntCounterVec, Opts, Registry, TextEncoder};

use super::{BOUNDS, COUNTER, COUNTER_HELP, HISTOGRAM, HISTOGRAM_HELP, LABELS, Writer, data};

pub fn writer() -> Writer {
    let counter = IntCounterVec::new(Opts::new(COUNTER, COUNTER_HELP), &LABELS).expect("a valid counter");
    let options = HistogramOpts::new(HISTOGRAM, HISTOGRAM_HELP).buckets(BOUNDS.to_vec());
    let histogram = HistogramVec::new(options, &LABELS).expect("a valid histogram");
    for series in data() {
        let labels = [series.operation.as_str(), series.place.as_str()];
        counter.with_label_values(&labels).inc_by(series.seconds.len() as u64);
        let histogram = histogram.with_label_values(&labels);
        series.seconds.iter().for_each(|seconds| histogram.observe(*seconds));
    }
    let registry = Registry::new();
    registry.register(Box::new(counter)).expect("a new name");
    registry.register(Box::new(histogram)).expect("a new name");
    Writer {
        title: "`prometheus` 0.14 gather + TextEncoder",
        write: Box::new(move |text| TextEncoder::new().encode(&registry.gather(), text).expect("a scrape")),
    }
}
