//! Forty secrets, put wherever a service meets some, and looked for in everything that leaves it. All settings are the
//! defaults, but that every request is traced and that log lines are kept as events.
#![cfg(all(feature = "otlp", feature = "sentry"))]
#![allow(clippy::unwrap_used, reason = "a test ends where something is not as it should be")]

#[allow(dead_code, unreachable_pub, reason = "the tests of traces use more of it")]
#[path = "traces/receiver.rs"]
mod receiver;
#[path = "support/mod.rs"]
mod support;

use std::error::Error;
use std::fmt;
use std::io::Write;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use axum::routing::get;
use http_body_util::BodyExt;
use receiver::{Answer, Receiver};
use support::tracker::{OK, Tracker};
use tower::ServiceExt;
use tower_http::catch_panic::CatchPanicLayer;
use watchkeeper::health::{Check, Postgres, Redis};
use watchkeeper::metric::Format;
use watchkeeper::sanitise::truncate;
use watchkeeper::store::{EventQuery, Scope};
use watchkeeper::{Telemetry, Watchkeeper, service_info};

/// How many secrets there are.
const CANARIES: usize = 40;

/// The secret with this number, which stands nowhere else.
fn canary(number: usize) -> String {
    assert!(number < CANARIES);
    format!("c4nary{number:02}x9f")
}

/// Everything that has left the process, by where it went.
fn sinks(app: &App, health: String, stored: String) -> Vec<(&'static str, String)> {
    let sent = app.receiver.requests();
    let traces: Vec<String> =
        sent.iter().map(|sent| format!("{}{}", sent.head, String::from_utf8_lossy(&sent.body))).collect();
    vec![
        ("metrics", app.watch.registry().render(Format::Text)),
        ("OpenMetrics", app.watch.registry().render(Format::OpenMetrics)),
        ("log", String::from_utf8(app.log.0.lock().unwrap().clone()).unwrap()),
        ("error reports", app.tracker.bodies().join("\n")),
        ("traces", traces.join("\n")),
        ("stored events", stored),
        ("health", health),
        ("settings' errors", app.said.clone()),
    ]
}

struct App {
    watch: Watchkeeper,
    telemetry: Telemetry,
    tracker: Tracker,
    receiver: Receiver,
    log: Log,
    /// What was said about settings that cannot be read, and what `Debug` shows of those that can.
    said: String,
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// An error that quotes what it was about, as errors do.
#[derive(Debug)]
struct Quoting(String, Option<Box<Quoting>>);

impl fmt::Display for Quoting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for Quoting {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.1.as_ref().map(|error| &**error as &(dyn Error + 'static))
    }
}

/// Six secrets in an error and its sources.
fn chain() -> Quoting {
    let texts = [
        format!("cannot pay: https://ada:{}@bank.example/v2/pay?key=1", canary(10)),
        format!("connection string: host=db user=ada password={} dbname=shop", canary(11)),
        format!("ERROR: duplicate key value, Key (email)=({}@example.org) already exists.", canary(12)),
        format!("POST https://hooks.example/services/T00/{} answered 500", canary(13)),
        format!("{{\"error\":\"denied\",\"access_token\":\"{}\"}}", canary(14)),
        format!("header Authorization: Bearer {} was refused", canary(15)),
    ];
    let mut error = None;
    for text in texts.into_iter().rev() {
        error = Some(Box::new(Quoting(text, error)));
    }
    *error.unwrap()
}

fn routes() -> Router {
    let fail = async || {
        let _span = tracing::info_span!("sign in", password = canary(16), api_key = ?canary(17)).entered();
        let error = chain();
        // In each of the ways in which errors are logged.
        tracing::error!(error = &error as &dyn Error, "payment failed");
        tracing::error!(error = %error, "payment failed");
        tracing::error!(error = ?error, "payment failed");
        tracing::warn!("trying again after: {error}");
        tracing::info!(password = canary(16), user.api_key = canary(17), "signing in");
        tracing::error!(session_token = %canary(18), "signed out");
        tracing::error!("cannot connect to redis://:{}@cache:6379/0", canary(19));
    };
    let panics = async |number: usize| -> () {
        match number {
            20 => panic!("dial postgres://ada:{}@db:5432/shop: refused", canary(20)),
            21 => panic!("called `Result::unwrap()` on an `Err` value: Config {{ secret_key: {:?} }}", canary(21)),
            22 => panic!("GET /login?token={} is not there", canary(22)),
            23 => panic!("Cookie: id={}; theme=dark", canary(23)),
            _ => panic!("jwt eyJhbGciOi.{}.c2ln is over", canary(24)),
        }
    };
    Router::new()
        .route("/fail/{id}", get(fail))
        .route("/panic/{id}", get(move |axum::extract::Path(id): axum::extract::Path<usize>| panics(id)))
        .layer(CatchPanicLayer::new())
}

/// What a client sends: five secrets in its address, thirteen in its headers.
fn request(path: &str) -> Request<Body> {
    let query = format!("token={}&q={}&next=/a/{}", canary(25), canary(26), canary(27));
    let mut request = Request::get(format!("http://ada:{}@shop{path}?{query}", canary(28)));
    let headers = [
        ("authorization", format!("Basic {}", canary(29))),
        ("proxy-authorization", format!("Bearer {}", canary(30))),
        ("cookie", format!("session={}; theme={}", canary(31), canary(32))),
        ("x-api-key", canary(33)),
        ("x-forwarded-for", canary(34)),
        ("x-auth-token", canary(35)),
        ("referer", format!("https://shop/reset?code={}", canary(36))),
        ("user-agent", format!("browser {}", canary(37))),
    ];
    for (name, value) in headers {
        request = request.header(name, value);
    }
    request.body(Body::empty()).unwrap()
}

fn start() -> App {
    let (tracker, receiver, log) = (Tracker::start(&[OK]), Receiver::start(&[Answer::Take]), Log::default());
    // The key of a DSN goes to its server, in a header; the old kind has a second one, which does so too.
    let dsn = format!("http://{}:{}@{}/1", canary(0), canary(1), tracker.address);
    let bad = format!("http://{}:{}@host", canary(0), canary(1));
    let builder = || Telemetry::builder(service_info!());
    let refused = builder().environment([("SENTRY_DSN", bad)].into_iter().collect()).init().unwrap_err();
    let environment = [
        ("SENTRY_DSN", dsn.as_str()),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", &receiver.endpoint()),
        // Not the default, so that the secrets of each request are met.
        ("OTEL_TRACES_SAMPLER", "parentbased_always_on"),
        ("RUST_LOG_FORMAT", "json"),
    ];
    let builder = builder().environment(environment.into_iter().collect()).writer(log.clone());
    let builder = builder.keep_events(tracing::Level::INFO);
    let mut said = format!("{refused} {refused:?} {builder:?}");
    let telemetry = builder.init().unwrap();
    let redis = format!("redis://ada:{}@127.0.0.1:1/0", canary(2));
    let postgres = format!("postgres://ada:{}@127.0.0.1:1/shop", canary(3));
    said.push_str(&format!("{:?}", Redis::from_url(&redis).unwrap()));
    said.push_str(&format!("{:?}", Postgres::from_url(&postgres).unwrap()));
    said.push_str(&format!("{:?}", Redis::from_url(&format!("{}://x", canary(4))).unwrap_err()));
    let quoting = |text: String| move || std::future::ready(Err::<(), _>(Quoting(text.clone(), None)));
    let watch = Watchkeeper::builder(&telemetry)
        .metrics_token(canary(5))
        .health_check(Check::new("cache", Redis::from_url(&redis).unwrap()))
        .health_check(Check::new("db", Postgres::from_url(&postgres).unwrap()))
        .check("bank", quoting(format!("GET https://u:{}@bank/ping?key={} failed", canary(6), canary(7))))
        .check("mail", quoting(format!("smtp login with password {{ password: \"{}\" }}", canary(8))))
        .check("search", async || -> Result<(), &str> { panic!("api_key={}", canary(9)) })
        .build()
        .unwrap();
    said.push_str(&format!("{watch:?} {telemetry:?} {:?}", watch.health_answers()));
    App { watch, telemetry, tracker, receiver, log, said }
}

/// All that is in the store, as it is kept.
async fn stored(app: &App) -> String {
    let events = app.watch.store().events(&EventQuery::new(Scope::All).limit(1_000)).await.unwrap();
    events.items.iter().map(|event| format!("{event:?}\n{}\n", serde_json::to_string(&**event).unwrap())).collect()
}

async fn health(app: &App) -> String {
    let mut all = String::new();
    for path in ["/health", "/health/ready", "/health/live"] {
        for token in [None, Some(canary(5))] {
            let mut request = Request::get(path);
            if let Some(token) = token {
                request = request.header("authorization", format!("Bearer {token}"));
            }
            let answer = app.watch.routes::<()>().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
            all.push_str(std::str::from_utf8(&answer.into_body().collect().await.unwrap().to_bytes()).unwrap());
        }
    }
    all
}

#[tokio::test]
async fn no_secret_leaves_by_default() {
    let app = start();
    let routes = routes().layer(app.watch.http_layer());
    // The last two are in the paths: of a route's own parameter, and of one that is not there.
    for path in [format!("/fail/{}", canary(38)), format!("/reset/{}", canary(39))] {
        routes.clone().oneshot(request(&path)).await.unwrap();
    }
    for number in 20..25 {
        routes.clone().oneshot(request(&format!("/panic/{number}"))).await.unwrap();
    }
    let health = health(&app).await;
    let closed = app.telemetry.close(std::time::Duration::from_secs(20));
    assert!(closed.is_complete(), "{closed}");

    let sinks = sinks(&app, health, stored(&app).await);

    for (sink, shows) in [
        ("metrics", "path=\"/fail/{id}\""),
        ("log", "payment failed"),
        ("log", "dial postgres://***@db:5432/shop"),
        ("error reports", "cannot pay: https://***@bank.example/v2/pay?***"),
        ("error reports", "dial postgres://***@db:5432/shop"),
        ("traces", "/fail/{id}"),
        ("traces", "cannot pay: https://***@bank.example/v2/pay?***"),
        ("traces", "sign in"),
        ("stored events", "cannot pay: https://***@bank.example/v2/pay?***"),
        ("stored events", "signing in"),
        ("health", "the check panicked: api_key=***"),
        ("settings' errors", "SENTRY_DSN is no DSN"),
    ] {
        let text = &sinks.iter().find(|(name, _)| *name == sink).unwrap().1;
        assert!(text.contains(shows), "{sink} does not show {shows}, so what it leaves out proves nothing:\n{text}");
    }
    assert_eq!(app.tracker.events().len(), 5 + 6, "five errors, five panics of handlers, one of a check");
    let mut leaks = Vec::new();
    for (sink, text) in &sinks {
        for number in 0..CANARIES {
            if let Some(at) = text.find(&canary(number)) {
                let before: String = text[..at].chars().rev().take(120).collect();
                let before: String = before.chars().rev().collect();
                leaks.push(format!("{sink}: {number}: …{before}{}…", truncate(&text[at..], 40)));
            }
        }
    }
    assert!(leaks.is_empty(), "{} leaks\n{}", leaks.len(), leaks.join("\n"));
}
