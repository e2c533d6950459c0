//! Exemplars from a request's `traceparent` to Prometheus' answer.

#[path = "support/mod.rs"]
mod support;

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use support::client::Request;
use support::judges::{Format, parse_scrape};
use support::process::eventually;
use support::prometheus::Prometheus;
use tokio::runtime::Runtime;
use watchkeeper::{Watchkeeper, service_info};

/// An app with a quick and a slow route, served until the runtime is dropped.
fn serve(runtime: &Runtime) -> SocketAddr {
    let watch = Watchkeeper::builder(service_info!()).build().expect("an empty registry");
    let slow = || async {
        tokio::time::sleep(Duration::from_millis(30)).await;
        "done"
    };
    let app = Router::new()
        .route("/orders/{id}", get(|| async { "an order" }))
        .route("/slow", get(slow))
        .merge(watch.routes())
        .layer(watch.http_layer());
    let listener = runtime.block_on(tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))).expect("a port");
    let address = listener.local_addr().expect("an address");
    runtime.spawn(async move { axum::serve(listener, app).await });
    address
}

const QUICK: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const SLOW: &str = "0af7651916cd43dd8448eb211c80319c";

/// Asks both routes within a trace, and the quick one once without.
fn ask(address: SocketAddr) {
    for (path, trace) in [("/orders/7", QUICK), ("/slow", SLOW)] {
        let traceparent = format!("00-{trace}-00f067aa0ba902b7-01");
        assert_eq!(Request::new("GET", address, path).header("traceparent", &traceparent).send().status, 200);
    }
    assert_eq!(Request::new("GET", address, "/orders/8").send().status, 200);
}

#[test]
fn prometheus_returns_the_trace_of_a_request_by_its_exemplar_query() {
    let runtime = Runtime::new().expect("a runtime");
    let address = serve(&runtime);
    ask(address);

    let prometheus = Prometheus::scraping(address);

    let found: BTreeMap<String, (String, f64)> = eventually(|| {
        let series = prometheus.exemplars("http_request_duration_seconds_bucket");
        let found: BTreeMap<_, _> = series
            .iter()
            .flat_map(|series| series["exemplars"].as_array().expect("a list").iter().map(move |found| (series, found)))
            .map(|(series, exemplar)| {
                let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
                let seconds = text(&exemplar["value"]).parse().expect("a number");
                let below: f64 = text(&series["seriesLabels"]["le"]).parse().expect("a bound");
                assert!(seconds <= below, "{series}");
                (text(&exemplar["labels"]["trace_id"]), (text(&series["seriesLabels"]["path"]), seconds))
            })
            .collect();
        if found.len() < 2 { Err(format!("found {found:?}; {}", prometheus.targets())) } else { Ok(found) }
    });

    assert_eq!(found.len(), 2, "{found:?}");
    assert_eq!(found[QUICK].0, "/orders/{id}");
    assert_eq!(found[SLOW].0, "/slow");
    assert!(found[SLOW].1 >= 0.03, "{found:?}");
}

#[test]
fn a_strict_parser_reads_the_exemplars_of_requests() {
    let runtime = Runtime::new().expect("a runtime");
    let address = serve(&runtime);
    ask(address);

    let answer = Request::new("GET", address, "/metrics").header("accept", "application/openmetrics-text").send();

    let scrape = parse_scrape(Format::OpenMetrics, answer.text());
    let traces: BTreeMap<&str, &str> = (scrape.samples.iter())
        .filter_map(|sample| Some((sample.labels.get("path")?.as_str(), sample.exemplar.as_ref()?)))
        .map(|(path, exemplar)| (path, exemplar.labels["trace_id"].as_str()))
        .collect();
    assert_eq!(traces, BTreeMap::from([("/orders/{id}", QUICK), ("/slow", SLOW)]));
}
