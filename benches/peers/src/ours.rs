//! Our rows.

use std::thread;

use prometheus::{Encoder, TextEncoder};
use watchkeeper::http::{HttpLayerBuilder, UnmatchedPath};
use watchkeeper::metric::{CounterDesc, Format, HistogramDesc, Open, Registry};
use watchkeeper::{Watchkeeper, service_info};

use crate::peer::{Peer, Running};
use crate::scrape;
use crate::scrape::Writer;

watchkeeper::open_label! {
    /// What was done.
    struct Operation: "operation";
}
watchkeeper::open_label! {
    /// Where it was done.
    struct Place: "place";
}

type Labels = (Open<Operation>, Open<Place>);
const COUNTER: CounterDesc<Labels> = CounterDesc::new(scrape::COUNTER, scrape::COUNTER_HELP);
const HISTOGRAM: HistogramDesc<Labels> = HistogramDesc::new(scrape::HISTOGRAM, scrape::HISTOGRAM_HELP, &scrape::BOUNDS);

/// The rows of the HTTP layer and of the attack.
pub fn peers() -> Vec<Peer> {
    vec![
        Peer {
            key: "ours",
            title: "**watchkeeper**, metrics only",
            attacked: true,
            start: || watched(HttpLayerBuilder::without_request_id),
        },
        Peer {
            key: "ours-with-id",
            title: "**watchkeeper** with request id",
            attacked: true,
            start: || watched(|http| http),
        },
    ]
}

/// The row of the attack alone that names unmatched paths by their patterns.
pub fn naming_patterns() -> Peer {
    Peer {
        key: "ours-patterns",
        title: "**watchkeeper**, `UnmatchedPath::Pattern`",
        attacked: true,
        start: || watched(|http| http.unmatched(UnmatchedPath::Pattern)),
    }
}

/// Brings a watch up as an app does, and puts its layer around the router.
fn watched(choose: fn(HttpLayerBuilder) -> HttpLayerBuilder) -> Running {
    let watch = Watchkeeper::builder(service_info!()).http(choose).build().expect("a registry without other metrics");
    let layer = watch.http_layer();
    Running::measuring(
        move |router| router.layer(layer.clone()),
        "http_requests_total",
        move || watch.registry().render(Format::Text),
    )
}

/// The rows of the scrape.
pub fn writers() -> Vec<Writer> {
    let direct = filled();
    let through = prometheus::Registry::new();
    through.register(Box::new(filled().collector())).expect("new names");
    vec![
        Writer { title: "**watchkeeper**", write: Box::new(move |text| direct.render_into(Format::Text, text)) },
        Writer {
            title: "**watchkeeper** through a `prometheus::Registry`",
            write: Box::new(move |text| TextEncoder::new().encode(&through.gather(), text).expect("a scrape")),
        },
    ]
}

/// A registry filled by two threads, as a server's would be: each thread counts in cells of its own.
fn filled() -> Registry {
    let registry = Registry::new();
    let counter = registry.counter(&COUNTER).expect("a new name");
    let histogram = registry.histogram(&HISTOGRAM).expect("a new name");
    let fill = |half: usize| {
        for series in scrape::data() {
            let labels = (series.operation.as_str(), series.place.as_str());
            for seconds in series.seconds.iter().skip(half).step_by(2) {
                counter.inc(labels);
                histogram.observe(labels, *seconds);
            }
        }
    };
    thread::scope(|scope| {
        scope.spawn(|| fill(0));
        fill(1);
    });
    registry
}
