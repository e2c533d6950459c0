//! `metrics-exporter-prometheus`, the exporter of axum-prometheus.

use metrics::{Key, Label, Level, Metadata, Recorder};
use metrics_exporter_prometheus::PrometheusBuilder;

use super::{BOUNDS, COUNTER, COUNTER_HELP, HISTOGRAM, HISTOGRAM_HELP, LABELS, Writer, data};

const METADATA: Metadata<'static> = Metadata::new(module_path!(), Level::INFO, None);

pub fn writer() -> Writer {
    // A recorder of its own: the process-wide one belongs to the HTTP rows.
    let recorder = PrometheusBuilder::new().set_buckets(&BOUNDS).expect("valid buckets").build_recorder();
    recorder.describe_counter(COUNTER.into(), None, COUNTER_HELP.into());
    recorder.describe_histogram(HISTOGRAM.into(), None, HISTOGRAM_HELP.into());
    for series in data() {
        let [operation, place] = LABELS;
        let labels = vec![Label::new(operation, series.operation), Label::new(place, series.place)];
        let counter = recorder.register_counter(&Key::from_parts(COUNTER, labels.clone()), &METADATA);
        counter.increment(series.seconds.len() as u64);
        let histogram = recorder.register_histogram(&Key::from_parts(HISTOGRAM, labels), &METADATA);
        series.seconds.iter().for_each(|seconds| histogram.record(*seconds));
    }
    let handle = recorder.handle();
    // What is put off until upkeep is done before the clock starts.
    handle.run_upkeep();
    Writer {
        title: "metrics-exporter-prometheus 0.18 (axum-prometheus)",
        write: Box::new(move |text| handle.render_to_write(text).expect("a scrape")),
    }
}
