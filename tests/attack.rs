//! What a stranger who may send anything cannot do: make the scrape grow, lose a count, or flood the log.

#[path = "support/mod.rs"]
mod support;

use std::collections::BTreeSet;
use std::io::Write;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use http::Request;
use support::judges::{Format, Scrape, parse_scrape};
use tower::Service;
use tracing_subscriber::fmt::MakeWriter;
use watchkeeper::http::{HttpLayerBuilder, UnmatchedPath};
use watchkeeper::metric::{CounterDesc, Open, Registry};

const FLOOD: usize = 100_000;

watchkeeper::open_label! {
    /// Whoever an invoice goes to.
    struct Customer: "customer";
}

const INVOICES: CounterDesc<(Open<Customer>,)> = CounterDesc::new("invoices_sent_total", "Invoices, by customer.");

/// Keeps what is logged while it is the default subscriber.
#[derive(Debug, Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    /// Runs something, and gives back the lines that it logged.
    fn of(act: impl FnOnce()) -> Vec<String> {
        let log = Self::default();
        let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(log.clone()).finish();
        tracing::subscriber::with_default(subscriber, act);
        let bytes = log.0.lock().expect("nobody panicked").clone();
        String::from_utf8(bytes).expect("a log in UTF-8").lines().map(str::to_owned).collect()
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("nobody panicked").write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

/// Sends requests through the layer, one after the other, and gives back what was logged.
fn flood(
    registry: &Registry,
    builder: HttpLayerBuilder,
    requests: impl Iterator<Item = (String, String)>,
) -> Vec<String> {
    let shop = Router::new().route("/orders/{id}", get(|| async { "an order" }));
    let mut shop = shop.layer(builder.build_axum(registry).expect("an empty registry")).into_service::<Body>();
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    Log::of(|| {
        for (method, uri) in requests {
            let request = Request::builder().method(method.as_str()).uri(uri).body(Body::empty());
            let Ok(_) = runtime.block_on(shop.call(request.expect("a request")));
        }
    })
}

/// As prometheus_client reads it.
fn scrape(registry: &Registry) -> Scrape {
    parse_scrape(Format::OpenMetrics, &registry.render(watchkeeper::metric::Format::OpenMetrics))
}

/// The samples of a metric: how many, their sum, and the values of a label.
fn series<'a>(scrape: &'a Scrape, name: &str, label: &str) -> (usize, f64, BTreeSet<&'a str>) {
    let samples: Vec<_> = scrape.samples.iter().filter(|sample| sample.name == name).collect();
    let sum = samples.iter().map(|sample| sample.value.parse::<f64>().expect("a number")).sum();
    (samples.len(), sum, samples.iter().filter_map(|sample| Some(sample.labels.get(label)?.as_str())).collect())
}

/// How often a label of the metric overflowed, as the library itself tells it.
fn overflows(scrape: &Scrape, metric: &str) -> f64 {
    let of = |sample: &&support::judges::ScrapedSample| {
        sample.name == "watchkeeper_label_overflow_total" && sample.labels["metric"] == metric
    };
    scrape.samples.iter().find(of).expect("the metric has its own line").value.parse().expect("a number")
}

fn about_overflow(log: &[String]) -> Vec<&String> {
    log.iter().filter(|line| line.contains("overflow")).collect()
}

#[test]
fn unmatched_paths_are_one_value_however_many_there_are() {
    let registry = Registry::new();

    let requests = (0..FLOOD).map(|number| ("GET".to_owned(), format!("/{number:x}.php?secret={number}")));
    let log = flood(&registry, HttpLayerBuilder::new(), requests);

    let scrape = scrape(&registry);
    let (_, sum, paths) = series(&scrape, "http_requests_total", "path");
    assert_eq!((sum, paths), (FLOOD as f64, BTreeSet::from(["unmatched"])));
    assert_eq!(overflows(&scrape, "http_requests_total"), 0.0);
    assert!(about_overflow(&log).is_empty(), "{log:?}");
}

#[test]
fn unmatched_paths_that_are_asked_for_stay_under_the_cap_and_the_rest_is_counted_as_overflow() {
    let registry = Registry::new();

    // Words, since numbers would become one placeholder; registered routes stay what they are.
    let word = |number: usize| (0..4).map(|i| char::from(b'g' + (number / 18_usize.pow(i) % 18) as u8)).collect();
    let paths = (0..FLOOD).map(word).chain((0..10).map(|id| format!("orders/{id}")));
    let requests = paths.map(|path: String| ("GET".to_owned(), format!("/{path}")));
    let log = flood(&registry, HttpLayerBuilder::new().unmatched(UnmatchedPath::Pattern), requests);

    let scrape = scrape(&registry);
    let (count, sum, paths) = series(&scrape, "http_requests_total", "path");
    assert_eq!(sum, FLOOD as f64 + 10.0);
    assert!(count <= 2_000 + 6 && paths.len() <= 1_000 + 2, "{count} series, {} paths", paths.len());
    assert!(paths.contains("overflow") && paths.contains("/orders/{id}"), "{paths:?}");
    let kept = paths.len() as f64 - 2.0;
    assert_eq!(overflows(&scrape, "http_requests_total"), FLOOD as f64 - kept);
    assert_eq!(about_overflow(&log).len(), 1, "{log:?}");
}

#[test]
fn made_up_paths_keep_the_scrape_below_a_mebibyte_however_long_their_patterns_are() {
    let word = |number: usize| -> String {
        (0..4).map(|i| char::from(b'g' + (number / 18_usize.pow(i) % 18) as u8)).collect()
    };
    let labelled = Registry::builder()
        .prefix("shop_backend")
        .constant_label("cluster", "production-eu-central-1-blue")
        .constant_label("namespace", "checkout-and-payments")
        .constant_label("node", "ip-10-120-33-17.eu-central-1.compute.internal")
        .constant_label("pod", "checkout-and-payments-7d9f8b6c5d-x2x4q");
    let labelled = labelled.build().expect("a registry");
    let long = "/organizations/subscriptions/preferences/notifications/translations/confirmations/restrictions";
    for (registry, rest) in [(Registry::new(), ""), (Registry::new(), long), (labelled, "")] {
        let methods = ["GET", "POST", "PUT", "DELETE", "PATCH"];
        let path = |number: usize| (methods[number % 5].to_owned(), format!("/{}{rest}", word(number)));
        flood(&registry, HttpLayerBuilder::new().unmatched(UnmatchedPath::Pattern), (0..20_000).map(path));

        let text = registry.render(watchkeeper::metric::Format::OpenMetrics);
        let paths = text.matches("_in_flight{").count();
        assert!(text.len() < 1024 * 1024 && paths > 30, "{} bytes for {paths} paths", text.len());
    }
}

#[test]
fn a_thousand_methods_are_one_value() {
    let registry = Registry::new();

    let requests = (0..1_000).map(|number| (format!("BREW{number}"), "/orders/7".to_owned()));
    flood(&registry, HttpLayerBuilder::new(), requests);

    let scrape = scrape(&registry);
    let (_, sum, methods) = series(&scrape, "http_requests_total", "method");
    assert_eq!((sum, methods), (1_000.0, BTreeSet::from(["other"])));
}

#[test]
fn an_open_label_keeps_its_first_values_and_counts_the_rest_as_overflow() {
    let registry = Registry::new();
    let invoices = registry.counter(&INVOICES).unwrap();

    let log = Log::of(|| (0..FLOOD).for_each(|number| invoices.inc((&format!("customer {number}"),))));

    let scrape = scrape(&registry);
    let (count, sum, customers) = series(&scrape, "invoices_sent_total", "customer");
    assert_eq!((count, sum), (1_001, FLOOD as f64));
    assert!(customers.contains("customer 999") && customers.contains("overflow"));
    assert_eq!(overflows(&scrape, "invoices_sent_total"), FLOOD as f64 - 1_000.0);
    assert_eq!(about_overflow(&log).len(), 1, "{log:?}");
}
