//! Requests: a small API that is its own client, in the same process.

use std::convert::Infallible;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use axum::routing::{get, post};
use futures_util::stream;
use http_body_util::BodyExt;
use tower::ServiceExt;
use watchkeeper::Watchkeeper;
use watchkeeper::presets::http::{ConnectionKind, HttpMetrics};

use crate::day::Moment;

/// The API and its client.
pub(crate) struct Requests {
    api: Router,
    connections: HttpMetrics,
}

/// What a client asks for: method, path, how long it takes in the middle, how often in a busy moment.
const ASKED: &[(&str, &str, u64, f64)] = &[
    ("GET", "/orders/7", 15, 1.6),
    ("POST", "/orders", 60, 0.4),
    ("GET", "/customers/42", 20, 0.5),
    ("POST", "/api/scan", 40, 0.8),
    ("GET", "/reports/2026", 250, 0.1),
    ("GET", "/nowhere", 1, 0.1),
];

impl Requests {
    pub(crate) fn new(watch: &Watchkeeper) -> Self {
        let api = Router::new()
            .route("/orders/{id}", get(answer))
            .route("/orders", post(answer))
            .route("/customers/{id}", get(answer))
            .route("/api/scan", post(answer))
            .route("/reports/{year}", get(answer))
            .layer(watch.http_layer());
        Self { api, connections: watch.metrics().http().clone() }
    }

    /// Sends what arrives in a moment, and lets it take its time.
    pub(crate) fn arrive(&self, moment: &mut Moment) {
        for &(method, path, middle, often) in ASKED {
            for _ in 0..moment.count(often) {
                let time = moment.time(Duration::from_millis(middle));
                let (failing, leaving) = (moment.failing(0.006), 0.004);
                let act = match () {
                    () if moment.happens(failing) => "fail",
                    () if moment.happens(0.001) => "panic",
                    () if moment.happens(0.001) => "break",
                    () if moment.happens(0.01) => "refuse",
                    () => "answer",
                };
                self.send(method, path, act, time, moment.happens(leaving));
            }
        }
        if moment.is_first() {
            for act in ["panic", "break", "refuse", "answer"] {
                self.send("GET", "/orders/7", act, Duration::from_millis(5), false);
            }
        }
        for (kind, often) in [(ConnectionKind::Websocket, 0.2), (ConnectionKind::Sse, 0.1)] {
            for _ in 0..moment.count(often) {
                let (open, time) = (self.connections.track_connection(kind), moment.time(Duration::from_secs(40)));
                tokio::spawn(async move {
                    tokio::time::sleep(time).await;
                    drop(open);
                });
            }
        }
    }

    fn send(&self, method: &str, path: &str, act: &'static str, time: Duration, leaves: bool) {
        let body = if method == "POST" { Body::from(vec![b'x'; 700]) } else { Body::empty() };
        let request = Request::builder().method(method).uri(path).extension((act, time)).body(body);
        let (api, patience) = (self.api.clone(), if leaves { time / 2 } else { Duration::from_secs(60) });
        tokio::spawn(tokio::time::timeout(patience, async move {
            let Ok(request) = request else { return };
            let Ok(answer) = api.oneshot(request).await;
            let _ = answer.into_body().collect().await;
        }));
    }
}

/// Does what the client of this example tells it to, after the time that it takes.
async fn answer(request: Request<Body>) -> Result<(StatusCode, Body), Infallible> {
    let (act, time) = request.extensions().get().copied().unwrap_or(("answer", Duration::ZERO));
    let _ = request.into_body().collect().await;
    tokio::time::sleep(time).await;
    Ok(match act {
        "fail" => (StatusCode::INTERNAL_SERVER_ERROR, Body::empty()),
        "refuse" => (StatusCode::UNPROCESSABLE_ENTITY, Body::from("not like this")),
        "break" => {
            (StatusCode::OK, Body::from_stream(stream::iter([Err::<&str, _>(std::io::Error::other("it breaks"))])))
        }
        // A panic without a message on the screen.
        "panic" => std::panic::resume_unwind(Box::new("it panics")),
        _ => (StatusCode::OK, Body::from(vec![b'y'; 1 + time.subsec_micros() as usize % 40_000])),
    })
}
