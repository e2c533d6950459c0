//! `prometheus-client`: its registry, encoded as OpenMetrics.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use super::{BOUNDS, COUNTER, COUNTER_HELP, HISTOGRAM, HISTOGRAM_HELP, Writer, data};

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Labels {
    operation: String,
    place: String,
}

pub fn writer() -> Writer {
    let counter = Family::<Labels, Counter>::default();
    let histogram = Family::<Labels, Histogram, _>::new_with_constructor(|| Histogram::new(BOUNDS));
    for series in data() {
        let labels = Labels { operation: series.operation, place: series.place };
        counter.get_or_create(&labels).inc_by(series.seconds.len() as u64);
        let histogram = histogram.get_or_create(&labels);
        series.seconds.iter().for_each(|seconds| histogram.observe(*seconds));
    }
    let mut registry = Registry::default();
    // It puts `_total` behind a counter's name itself.
    registry.register(COUNTER.trim_end_matches("_total"), COUNTER_HELP, counter);
    registry.register(HISTOGRAM, HISTOGRAM_HELP, histogram);
    Writer {
        title: "prometheus-client 0.25",
        write: Box::new(move |text| {
            // It writes into a string, so the buffer is lent to one.
            let mut string = String::from_utf8(std::mem::take(text)).expect("a scrape in UTF-8");
            encode(&mut string, &registry).expect("a scrape");
            *text = string.into_bytes();
        }),
    }
}
