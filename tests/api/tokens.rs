//! Tokens: never shown, found in constant time, and not guessed at leisure.

use std::io::Write;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use axum::body::Body;
use http::Request;
use http::request::Parts;
use watchkeeper::api::monitoring::{ApiOptions, PREFIX, PrincipalSource, Role, Tokens};
use watchkeeper::{Telemetry, Watchkeeper, service_info};

use crate::app::{ADMIN, App, Caller, USER, tokens};

/// Choices with the address that a header names, as behind a proxy.
fn behind_a_proxy() -> ApiOptions {
    let mut options = ApiOptions::default();
    options.requests_per_second = 0;
    options.client_address(|head| head.headers.get("x-client")?.to_str().ok()?.parse::<IpAddr>().ok());
    options
}

fn from(address: Ipv4Addr, token: &str) -> Request<Body> {
    let request = Request::get(format!("{PREFIX}/events")).header("x-client", address.to_string());
    request.header("authorization", format!("Bearer {token}")).body(Body::empty()).expect("a request")
}

#[tokio::test]
async fn who_tries_tokens_is_told_to_wait_and_nobody_else_is() {
    let app = App::with(watchkeeper::store::Memory::new(), behind_a_proxy());
    let guesser = Ipv4Addr::new(203, 0, 113, 7);
    let mut answered = Vec::new();
    for guess in 0..50 {
        let answer = app.send(from(guesser, &format!("token-of-somebody-{guess}"))).await;
        answered.push(answer.status);
        if answer.status == 429 {
            let seconds: u64 = answer.headers["retry-after"].to_str().expect("text").parse().expect("a number");
            assert!((1..=10).contains(&seconds), "{seconds}");
        }
    }
    assert!(answered[..10].iter().all(|status| *status == 401), "{answered:?}");
    // One more every ten seconds: a busy machine may take that long for all of these.
    assert!(answered[10..].iter().filter(|status| **status == 429).count() >= 30, "{answered:?}");
    assert_eq!(app.send(from(guesser, USER)).await.status, 429, "a right guess is not told from a wrong one");
    assert_eq!(app.send(from(Ipv4Addr::new(203, 0, 113, 8), USER)).await.status, 200);
}

#[tokio::test]
async fn neither_the_log_nor_debug_nor_an_error_shows_a_token() {
    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);
    impl Write for Log {
        fn write(&mut self, text: &[u8]) -> std::io::Result<usize> {
            self.0.lock().expect("a log").write(text)
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    use tracing_subscriber::layer::SubscriberExt;

    let log = Log::default();
    let telemetry = Telemetry::builder(service_info!()).filter("trace").writer(log.clone());
    let (telemetry, layer) = telemetry.layer::<tracing_subscriber::Registry>().expect("telemetry");
    let subscriber = tracing_subscriber::registry().with(layer);
    let _default = tracing::subscriber::set_default(subscriber);
    let watch = Watchkeeper::builder(&telemetry).principals(tokens()).build().expect("a watch");
    // A line within each request, so that the request's span is in the log too.
    let line = axum::middleware::from_fn(async |request: axum::extract::Request, next: axum::middleware::Next| {
        tracing::info!("a request");
        next.run(request).await
    });
    let router = watch.routes::<()>().layer(line).layer(watch.http_layer());
    let wrong = "token-that-opens-nothing";
    let mut bodies = String::new();
    for token in [USER, ADMIN, wrong] {
        for (method, path) in [("GET", "/config"), ("GET", "/events"), ("POST", "/events"), ("GET", "/nothing")] {
            let request = Request::builder().method(method).uri(format!("{PREFIX}{path}?token={token}"));
            let request = request.header("authorization", format!("Bearer {token}")).body(Body::empty());
            let answer = tower::ServiceExt::oneshot(router.clone(), request.expect("a request")).await;
            let body = http_body_util::BodyExt::collect(answer.expect("an answer").into_body()).await;
            bodies += &String::from_utf8_lossy(&body.expect("a body").to_bytes());
        }
    }
    let _report = telemetry.close(std::time::Duration::from_secs(10));
    let log = String::from_utf8(log.0.lock().expect("a log").clone()).expect("text");
    assert!(log.lines().count() > 10 && log.contains("request"), "it was logged at all: {log}");
    let debug = format!("{:?} {watch:?} {:?}", tokens(), watch.monitoring_api());
    for token in [USER, ADMIN, wrong] {
        assert!(!log.contains(token), "{log}");
        assert!(!bodies.contains(token) && !debug.contains(token), "{bodies} {debug}");
    }
    let duplicate = Tokens::new().token("a", Role::User, USER).and_then(|tokens| tokens.token("b", Role::Admin, USER));
    assert!(!duplicate.unwrap_err().to_string().contains(USER));
}

#[tokio::test]
async fn what_is_not_a_bearer_token_of_one_piece_is_nobody() {
    let app = App::new();
    for header in [
        format!("Basic {USER}"),
        format!("bearer  {USER}"),
        format!("Bearer {USER} "),
        format!("Bearer{USER}"),
        format!("Bearer \"{USER}\""),
        format!("Bearer {USER},{ADMIN}"),
        USER.to_owned(),
        "Bearer ".to_owned(),
        "Bearer".to_owned(),
    ] {
        let request = Request::get(format!("{PREFIX}/events")).header("authorization", &header);
        let answer = app.send(request.body(Body::empty()).expect("a request")).await;
        // A header's end is cut off by whoever reads it from the wire; here it is taken as it is.
        assert_eq!(answer.status, 401, "{header:?}");
    }
    let in_query = Request::get(format!("{PREFIX}/events?access_token={USER}")).body(Body::empty());
    assert_eq!(app.send(in_query.expect("a request")).await.status, 401);
    assert_eq!(app.get(Caller::User, "/events").await.status, 200);
}

/// Finds out whether the time that a token takes tells how much of it is right, by Welch's test over two kinds of wrong
/// tokens. Run by command, on a machine that is at rest:
/// `cargo test --all-features --release --test api timing -- --ignored --nocapture`.
#[test]
#[ignore = "measures time; run it by command, on a machine that is at rest"]
fn timing_tells_nothing_of_a_token() {
    let tokens = tokens();
    let head = |token: &str| -> Parts {
        Request::get("/").header("authorization", format!("Bearer {token}")).body(()).expect("a request").into_parts().0
    };
    let nearly = format!("{}?", &ADMIN[..ADMIN.len() - 1]);
    let far = "?".repeat(ADMIN.len());
    let heads = [head(&nearly), head(&far)];
    let mut draws = 0x9e37_79b9_7f4a_7c15_u64;
    let mut times = [Vec::new(), Vec::new()];
    let samples: usize =
        std::env::var("WATCHKEEPER_TEST_SAMPLES").map_or(1_000_000, |text| text.parse().expect("a number"));
    for _ in 0..samples {
        draws ^= draws << 13;
        draws ^= draws >> 7;
        draws ^= draws << 17;
        let kind = (draws & 1) as usize;
        let start = Instant::now();
        let found = futures_util::FutureExt::now_or_never(tokens.principal(&heads[kind]));
        let time = start.elapsed().as_nanos() as f64;
        assert!(found.expect("tokens answer at once").expect("they do not fail").is_none());
        times[kind].push(time);
    }
    // What the machine did meanwhile is no part of it: the slowest tenth is left out, by one bound for both.
    let mut all: Vec<f64> = times.iter().flatten().copied().collect();
    all.sort_by(f64::total_cmp);
    let bound = all[all.len() * 9 / 10];
    let of = |times: &[f64]| {
        let kept: Vec<f64> = times.iter().copied().filter(|time| *time <= bound).collect();
        let mean = kept.iter().sum::<f64>() / kept.len() as f64;
        let variance = kept.iter().map(|time| (time - mean).powi(2)).sum::<f64>() / (kept.len() - 1) as f64;
        (mean, variance / kept.len() as f64)
    };
    let ((a, va), (b, vb)) = (of(&times[0]), of(&times[1]));
    let t = (a - b) / (va + vb).sqrt();
    println!("nearly right {a:.2} ns, all wrong {b:.2} ns, t = {t:.2} over {samples} samples");
    assert!(t.abs() < 4.5, "t = {t}");
}
