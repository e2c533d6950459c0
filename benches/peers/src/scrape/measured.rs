//! `measured`: its text encoder, writing into the same buffer again and again.

use lasso::ThreadedRodeo;
use measured::metric::histogram::Thresholds;
use measured::text::TextEncoder;
use measured::{CounterVec, HistogramVec, LabelGroup, MetricGroup};

use super::{BOUNDS, Writer, data};

#[derive(LabelGroup)]
#[label(set = LabelSet)]
struct Labels<'a> {
    #[label(dynamic_with = ThreadedRodeo, default)]
    operation: &'a str,
    #[label(dynamic_with = ThreadedRodeo, default)]
    place: &'a str,
}

/// Named as the other rows' are, which is checked.
#[derive(MetricGroup)]
#[metric(new())]
struct Metrics {
    /// Operations in the warehouse, by kind and place.
    #[metric(label_set = LabelSet::new())]
    warehouse_operations_total: CounterVec<LabelSet>,
    /// How long an operation took, by kind and place.
    #[metric(label_set = LabelSet::new(), metadata = Thresholds::with_buckets(BOUNDS))]
    warehouse_operation_duration_seconds: HistogramVec<LabelSet, 12>,
}

pub fn writer() -> Writer {
    let metrics = Metrics::new();
    for series in data() {
        let labels = || Labels { operation: &series.operation, place: &series.place };
        metrics.warehouse_operations_total.inc_by(labels(), series.seconds.len() as u64);
        let histogram = &metrics.warehouse_operation_duration_seconds;
        series.seconds.iter().for_each(|seconds| histogram.observe(labels(), *seconds));
    }
    Writer {
        title: "measured 0.0.25",
        write: Box::new(move |text| {
            let mut encoder = TextEncoder::new(text);
            metrics.collect_group_into(&mut encoder).expect("a scrape");
        }),
    }
}
