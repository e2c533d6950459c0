//! Memory and time beside a real Prometheus, on the same data in the same run.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant, SystemTime};

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use tower::ServiceExt;
use watchkeeper::history::{History, HistoryOptions};
use watchkeeper::promql::engine::{Engine, Query};
use watchkeeper::stack::{Job, Settings, prometheus};
use watchkeeper::{ServiceInfo, Watchkeeper};

use crate::expressions;
use crate::remote;
use crate::support::client::Request;
use crate::support::process::{Folder, eventually, free_port};
use crate::support::prometheus::Prometheus;

/// Each route has some forty series.
const ROUTES: usize = 250;
/// A chunk of Prometheus' and some.
const TIME: Duration = Duration::from_secs(150);

fn watcher(service: SocketAddr) -> (Prometheus, Settings) {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()));
    let mut settings = Settings::default();
    settings.jobs = vec![Job::service("shop", &service.to_string()).every(Duration::from_secs(1))];
    settings.evaluation_interval = Duration::from_secs(1);
    settings.window_scale = 1.0 / 60.0;
    settings.alertmanager = format!("127.0.0.1:{}", free_port());
    let folder = Folder::new("beside");
    let rules = folder.path().join("rules");
    fs::create_dir_all(&rules).expect("the folder can be written to");
    for (name, text) in expressions::rule_files(&settings) {
        fs::write(rules.join(format!("{name}.yml")), text).expect("the folder can be written to");
    }
    fs::write(folder.path().join("prometheus.yml"), prometheus::render(&settings)).expect("a file");
    (Prometheus::configured(address, folder), settings)
}

/// The bytes of a server's heap that are in use, after its rubbish is collected.
fn heap(prometheus: &Prometheus) -> f64 {
    drop(Request::new("GET", prometheus.address(), "/debug/pprof/heap?gc=1").send());
    let scrape = Request::new("GET", prometheus.address(), "/metrics").send();
    let scrape = watchkeeper::testing::Scrape::parse(scrape.text());
    scrape.value("go_memstats_heap_alloc_bytes").expect("Prometheus tells of its heap")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "three minutes"]
async fn memory_and_rules_beside_prometheus() {
    let watch = Watchkeeper::builder(ServiceInfo::new("shop", "1")).build().expect("a watch");
    let mut app: Router = Router::new();
    for route in 0..ROUTES {
        app = app.route(&format!("/route-{route}"), get(|| async { "hello" }));
    }
    let app = app.merge(watch.routes()).layer(watch.http_layer());
    let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    let served = app.clone();
    tokio::spawn(async move { axum::serve(listener, served).await });
    let visit = async |route: usize| {
        let request = http::Request::get(format!("/route-{route}")).body(Body::empty()).expect("a request");
        drop(app.clone().oneshot(request).await);
    };

    let (prometheus, settings) = watcher(address);
    let before = heap(&prometheus);
    for route in 0..ROUTES {
        visit(route).await;
    }
    // A third of the routes is visited every second, some more often than others.
    let begun = Instant::now();
    while begun.elapsed() < TIME {
        for route in (0..ROUTES).filter(|route| route % 3 == 0) {
            for _ in 0..=route % 4 {
                visit(route).await;
            }
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    let after = heap(&prometheus);
    let groups = eventually(|| match prometheus.api("rules")["groups"].as_array() {
        Some(groups) if !groups.is_empty() => Ok(groups.clone()),
        _ => Err("no rules".to_owned()),
    });
    let theirs: f64 = groups.iter().map(|group| group["evaluationTime"].as_f64().expect("a time")).sum();

    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("a clock after 1970").as_millis() as i64;
    let held = remote::everything(&prometheus, now);
    let history = History::empty(HistoryOptions::new().max_series(100_000).max_bytes(1 << 30));
    history.load(held);
    let stats = history.stats();

    let queries: Vec<Query> =
        expressions::of_rules(&settings).iter().map(|text| Query::parse(text).expect("a rule of ours")).collect();
    let engine = Engine::default();
    let mut rounds: Vec<f64> = (0..7)
        .map(|round| {
            let begun = Instant::now();
            for query in &queries {
                let value = engine.instant(query, history.source(), now - 2_000 - round * 1_000);
                value.unwrap_or_else(|error| panic!("{query}: {error}"));
            }
            begun.elapsed().as_secs_f64()
        })
        .collect();
    rounds.sort_by(f64::total_cmp);

    let samples = stats.samples as f64;
    println!(
        "{} series, {samples} samples; memory: {:.2} bytes a sample here, {:.2} in Prometheus' head ({:.1} and {:.1} MB)",
        stats.series,
        stats.bytes as f64 / samples,
        (after - before) / samples,
        stats.bytes as f64 / 1e6,
        (after - before) / 1e6,
    );
    println!(
        "{} rules evaluated once: {:.1} ms here (median of 7; {}), {:.1} ms in Prometheus",
        queries.len(),
        rounds[3] * 1e3,
        if cfg!(debug_assertions) { "not optimised or with debug assertions" } else { "optimised" },
        theirs * 1e3,
    );
    assert!(stats.series > 10_000, "{stats:?}");
    assert!((stats.bytes as f64) < after - before, "a sample takes less here than there");
}
