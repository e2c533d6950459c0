//! The OpenTelemetry layers: one with the Prometheus exporter, one whose SDK is older and has none.

use std::sync::{Arc, Weak};
use std::time::Duration;

use opentelemetry_0_30::metrics::MeterProvider as _;
use opentelemetry_instrumentation_tower::http::server::LayerBuilder;
use opentelemetry_sdk::metrics::SdkMeterProvider;
use opentelemetry_sdk_0_30::error::OTelSdkResult;
use opentelemetry_sdk_0_30::metrics as older;
use opentelemetry_sdk_0_30::metrics::data::{AggregatedMetrics, MetricData, ResourceMetrics};
use opentelemetry_sdk_0_30::metrics::reader::MetricReader;
use prometheus::TextEncoder;
use tower_otel_http_metrics::HTTPMetricsLayerBuilder;

use crate::peer::{Peer, Running};

pub fn peers() -> [Peer; 2] {
    [
        Peer { key: "tower-otel", title: "tower-otel-http-metrics 0.16", attacked: false, start: http_metrics },
        Peer { key: "otel", title: "opentelemetry-instrumentation-tower 0.19", attacked: true, start: instrumentation },
    ]
}

fn instrumentation() -> Running {
    let registry = prometheus::Registry::new();
    let exporter = opentelemetry_prometheus::exporter().with_registry(registry.clone()).build().expect("an exporter");
    let provider = SdkMeterProvider::builder().with_reader(exporter).build();
    // The layer takes its meter from the process and from nowhere else.
    opentelemetry::global::set_meter_provider(provider);
    let layer = LayerBuilder::builder().build().expect("a layer");
    Running::measuring(
        move |router| router.layer(layer.clone()),
        "http_server_request_duration_seconds_count",
        move || TextEncoder::new().encode_to_string(&registry.gather()).expect("a scrape"),
    )
}

fn http_metrics() -> Running {
    let reader = Reader(Arc::new(older::ManualReader::builder().build()));
    let provider = older::SdkMeterProvider::builder().with_reader(reader.clone()).build();
    let layer = HTTPMetricsLayerBuilder::builder().with_meter(provider.meter("peers")).build().expect("a layer");
    Running::idle(move |router| router.layer(layer.clone())).counted_by(move || {
        // Held here, so that it is not shut down while there are requests.
        let _ = &provider;
        reader.requests()
    })
}

/// A reader that is kept to ask it, and given away to the SDK.
#[derive(Clone, Debug)]
struct Reader(Arc<older::ManualReader>);

impl Reader {
    fn requests(&self) -> u64 {
        let mut read = ResourceMetrics::default();
        self.collect(&mut read).expect("a collection");
        let metrics = read.scope_metrics().flat_map(older::data::ScopeMetrics::metrics);
        metrics
            .filter(|metric| metric.name() == "http.server.request.duration")
            .map(|metric| match metric.data() {
                AggregatedMetrics::F64(MetricData::Histogram(histogram)) => {
                    histogram.data_points().map(|point| point.count()).sum()
                }
                _ => 0,
            })
            .sum()
    }
}

impl MetricReader for Reader {
    fn register_pipeline(&self, pipeline: Weak<older::Pipeline>) {
        self.0.register_pipeline(pipeline);
    }

    fn collect(&self, into: &mut ResourceMetrics) -> OTelSdkResult {
        self.0.collect(into)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.0.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.0.shutdown_with_timeout(timeout)
    }

    fn temporality(&self, kind: older::InstrumentKind) -> older::Temporality {
        self.0.temporality(kind)
    }
}
