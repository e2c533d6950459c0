//! What an operator sees of requests that pass the layer.
#![allow(clippy::unwrap_used, reason = "a test ends where something is not as it should be")]

use std::convert::Infallible;

use axum::Router;
use axum::body::Body;
use axum::extract::Path;
use axum::routing::{get, post};
use http::{Request, StatusCode};
use tower::{Service, ServiceExt};
use watchkeeper::http::HttpLayerBuilder;
use watchkeeper::metric::{Format, Registry};

fn shop(registry: &Registry) -> Router {
    shop_with(registry, HttpLayerBuilder::new())
}

fn shop_with(registry: &Registry, builder: HttpLayerBuilder) -> Router {
    Router::new()
        .route("/orders/{id}", get(|Path(id): Path<u32>| async move { format!("order {id}") }))
        .route("/login", post(|| async { StatusCode::UNAUTHORIZED }))
        .route(
            "/stream",
            get(|| async { Body::from_stream(futures_util::stream::iter([Ok::<_, Infallible>("ab"), Ok("cd")])) }),
        )
        .route(
            "/panic",
            get(|| async {
                if true {
                    panic!("no")
                }
            }),
        )
        .route("/wait", get(std::future::pending::<()>))
        .route("/metrics", get(|| async { "" }))
        .layer(builder.build_axum(registry).unwrap())
}

async fn send(shop: &Router, method: &str, path: &str) -> http::Response<Body> {
    let request = Request::builder().method(method).uri(path).body(Body::empty()).unwrap();
    shop.clone().oneshot(request).await.unwrap()
}

#[track_caller]
fn has(registry: &Registry, line: &str) {
    let scrape = registry.render(Format::Text);
    assert!(scrape.lines().any(|found| found == line), "no `{line}` in:\n{scrape}");
}

#[tokio::test]
async fn a_request_is_counted_under_its_method_route_and_status() {
    let registry = Registry::new();
    let shop = shop(&registry);
    for id in 0..3 {
        send(&shop, "GET", &format!("/orders/{id}")).await;
    }
    send(&shop, "POST", "/login").await;
    send(&shop, "GET", "/wp-admin.php?secret=1").await;
    send(&shop, "BREW", "/orders/1").await;
    has(&registry, r#"http_requests_total{method="GET",path="/orders/{id}",status="200"} 3"#);
    has(&registry, r#"http_requests_total{method="GET",path="/orders/{id}",status="500"} 0"#);
    has(&registry, r#"http_requests_total{method="POST",path="/login",status="401"} 1"#);
    has(&registry, r#"http_requests_total{method="GET",path="unmatched",status="404"} 1"#);
    has(&registry, r#"http_requests_total{method="other",path="/orders/{id}",status="405"} 1"#);
    has(&registry, r#"http_request_duration_seconds_count{method="GET",path="/orders/{id}"} 3"#);
    has(&registry, r#"http_requests_in_flight{method="GET",path="/orders/{id}"} 0"#);
    has(&registry, r#"http_request_outcomes_total{path="/orders/{id}",outcome="completed"} 4"#);
    has(&registry, r#"http_response_body_bytes_sum{method="GET",path="/orders/{id}"} 21"#);
}

#[tokio::test]
async fn the_scrape_itself_is_not_counted() {
    let registry = Registry::new();
    send(&shop(&registry), "GET", "/metrics").await;
    send(&shop(&registry), "GET", "/health/live").await;
    assert!(!registry.render(Format::Text).contains("http_requests_total{"));
}

#[tokio::test]
async fn a_stream_is_in_flight_until_its_last_byte() {
    let registry = Registry::new();
    let response = send(&shop(&registry), "GET", "/stream").await;
    has(&registry, r#"http_requests_in_flight{method="GET",path="/stream"} 1"#);
    assert_eq!(axum::body::to_bytes(response.into_body(), 10).await.unwrap(), "abcd");
    has(&registry, r#"http_requests_in_flight{method="GET",path="/stream"} 0"#);
    has(&registry, r#"http_response_body_bytes_sum{method="GET",path="/stream"} 4"#);
    has(&registry, r#"http_request_outcomes_total{path="/stream",outcome="completed"} 1"#);
    drop(send(&shop(&registry), "GET", "/stream").await);
    has(&registry, r#"http_request_outcomes_total{path="/stream",outcome="cancelled"} 1"#);
    has(&registry, r#"http_requests_in_flight{method="GET",path="/stream"} 0"#);
}

#[tokio::test]
async fn a_client_that_leaves_and_a_handler_that_panics_are_told_apart() {
    let registry = Registry::new();
    let shop = shop(&registry);
    let panicking = shop.clone();
    tokio::spawn(async move { send(&panicking, "GET", "/panic").await }).await.unwrap_err();
    tokio::time::timeout(std::time::Duration::from_millis(10), send(&shop, "GET", "/wait")).await.unwrap_err();
    has(&registry, r#"http_requests_total{method="GET",path="/panic",status="500"} 1"#);
    has(&registry, r#"http_request_outcomes_total{path="/panic",outcome="panicked"} 1"#);
    has(&registry, r#"http_requests_total{method="GET",path="/wait",status="499"} 1"#);
    has(&registry, r#"http_request_outcomes_total{path="/wait",outcome="cancelled"} 1"#);
    for path in ["/panic", "/wait"] {
        has(&registry, &format!("http_requests_in_flight{{method=\"GET\",path=\"{path}\"}} 0"));
    }
}

#[tokio::test]
async fn a_valid_request_id_comes_back_and_a_bad_one_is_replaced() {
    let shop = shop(&Registry::new());
    let answer = |id: &'static str| {
        let request = Request::builder().uri("/orders/1").header("x-request-id", id).body(Body::empty()).unwrap();
        let shop = shop.clone();
        async move { shop.oneshot(request).await.unwrap().headers()["x-request-id"].to_str().unwrap().to_owned() }
    };
    assert_eq!(answer("abc-123").await, "abc-123");
    assert_eq!(answer("{bad}").await.len(), 36);
}

#[tokio::test]
async fn a_handler_finds_the_request_id_beside_the_request_where_it_is_shared() {
    let handler = |id: axum::Extension<watchkeeper::http::RequestId>| async move { id.to_string() };
    let layer = HttpLayerBuilder::new().share_request_id().build_axum(&Registry::new()).unwrap();
    let app = Router::new().route("/", get(handler)).layer(layer);
    let response = send(&app, "GET", "/").await;
    let id = response.headers()["x-request-id"].clone();
    assert_eq!(axum::body::to_bytes(response.into_body(), 100).await.unwrap(), id.as_bytes());
}

#[tokio::test]
async fn a_slow_request_leaves_its_trace_as_an_exemplar() {
    let registry = Registry::new();
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let request = Request::builder().uri("/orders/1").header("traceparent", format!("00-{trace}-00f067aa0ba902b7-01"));
    shop(&registry).oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    let scrape = registry.render(Format::OpenMetrics);
    assert!(scrape.contains(&format!(" 1 # {{trace_id=\"{trace}\"}} 0.0")), "{scrape}");
    assert!(!registry.render(Format::Text).contains(trace));
}

#[tokio::test]
async fn a_label_of_the_apps_own_is_bounded_and_paths_are_not_touched_by_it() {
    let registry = Registry::builder().max_label_values(2).build().unwrap();
    let layer = HttpLayerBuilder::new()
        .label_from_request("tenant", |head| head.headers.get("x-tenant")?.to_str().ok().map(Into::into))
        .label_from_response("cache", |head| head.headers.get("x-cache")?.to_str().ok().map(Into::into));
    let shop = shop_with(&registry, layer);
    for tenant in ["a", "b", "c", "d"] {
        let request = Request::builder().uri("/orders/1").header("x-tenant", tenant).body(Body::empty()).unwrap();
        shop.clone().oneshot(request).await.unwrap();
    }
    let requests = |tenant| {
        format!(
            "http_requests_total{{method=\"GET\",path=\"/orders/{{id}}\",status=\"200\",tenant=\"{tenant}\",cache=\"\"}}"
        )
    };
    has(&registry, &format!("{} 1", requests("a")));
    has(&registry, &format!("{} 2", requests("overflow")));
    has(&registry, r#"watchkeeper_label_overflow_total{metric="http_requests_total"} 2"#);
}

#[tokio::test]
async fn a_label_function_that_panics_leaves_its_label_empty_and_the_request_alone() {
    let registry = Registry::new();
    let layer = HttpLayerBuilder::new().label_from_response("cache", |_| panic!("no cache"));
    let layer = layer.label_from_request("tenant", |_| panic!("no tenant"));
    assert_eq!(send(&shop_with(&registry, layer), "GET", "/orders/1").await.status(), 200);
    has(&registry, r#"http_requests_total{method="GET",path="/orders/{id}",status="200",cache="",tenant=""} 1"#);
    has(&registry, r#"http_request_outcomes_total{path="/orders/{id}",outcome="completed"} 1"#);
}

#[tokio::test]
async fn a_path_that_is_cut_is_known_again_when_the_cap_is_reached() {
    let registry = Registry::builder().max_label_values(1).build().unwrap();
    let layer = HttpLayerBuilder::new().path(|head| Some(head.uri.path().to_owned().into()));
    let shop = shop_with(&registry, layer);
    let long = format!("/{}", "a".repeat(200));
    for _ in 0..3 {
        send(&shop, "GET", &long).await;
    }
    let label = &long[..128];
    has(&registry, &format!("http_requests_total{{method=\"GET\",path=\"{label}\",status=\"404\"}} 3"));
    has(&registry, r#"watchkeeper_label_overflow_total{metric="http_requests_total"} 0"#);
}

#[tokio::test]
async fn floods_of_paths_and_methods_stay_within_the_cap_and_sums_stay_right() {
    let registry = Registry::new();
    let builder = HttpLayerBuilder::new().unmatched(watchkeeper::http::UnmatchedPath::Pattern);
    let mut shop = shop_with(&registry, builder).into_service();
    for number in 0..20_000 {
        let word: String = (0..4).map(|place| char::from(b'g' + (number / 17_usize.pow(place) % 17) as u8)).collect();
        let request = Request::builder().method("GET").uri(format!("/{word}")).body(Body::empty()).unwrap();
        shop.call(request).await.unwrap();
    }
    for number in 0..1_000 {
        let request = Request::builder().method(format!("M{number}").as_str()).uri("/x").body(Body::empty()).unwrap();
        shop.call(request).await.unwrap();
    }
    let scrape = registry.render(Format::Text);
    let requests: Vec<_> = scrape.lines().filter(|line| line.starts_with("http_requests_total{")).collect();
    // The cap of 2,000 series, and the overflow itself: two methods, each with its statuses.
    assert!(requests.len() <= 2_000 + 2 * 3, "{}", requests.len());
    let sum: u64 = requests.iter().map(|line| line.rsplit(' ').next().unwrap().parse::<u64>().unwrap()).sum();
    assert_eq!(sum, 21_000);
    assert!(scrape.contains("watchkeeper_label_overflow_total{metric=\"http_requests_total\"} 2"));
}
