//! The service that is watched: each path ends in its own way.

use std::future::poll_fn;
use std::task::Poll;

use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, UPGRADE};
use http::{HeaderName, Request, Response, StatusCode};
use http_body::{Body, SizeHint};
use http_body_util::BodyExt;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::script::{BoxError, Script, Step, unwind};

/// What the handler does, where its path does not say it: it stands beside the request.
#[derive(Debug, Clone)]
pub struct Plan {
    /// How often the handler waits before it does anything.
    pub waits: usize,
    pub then: Then,
}

#[derive(Debug, Clone)]
pub enum Then {
    Answer(Script),
    Panic,
    /// Only a plain service has errors.
    Fail,
    Never,
}

/// The paths that have a route.
pub const ROUTES: &[&str] = &[
    "/answer",
    "/slow",
    "/never",
    "/panic",
    "/fail",
    "/stream",
    "/stalled",
    "/torn",
    "/bursting",
    "/empty",
    "/file",
    "/hinted",
    "/no-content",
    "/not-modified",
    "/events",
    "/trailers",
    "/upload",
    "/unread",
    "/hint",
    "/upgrade",
    "/planned",
    "/grpc",
    "/grpc-at-once",
];

fn plan(path: &str) -> Plan {
    let then = match path {
        "/panic" => Then::Panic,
        "/fail" => Then::Fail,
        "/never" => Then::Never,
        "/stream" | "/no-content" | "/not-modified" => {
            Then::Answer(Script::new([Step::Wait, Step::data("ab"), Step::Wait, Step::data("cd")]))
        }
        "/stalled" | "/events" => Then::Answer(Script::new([Step::data("data: 1\n\n"), Step::Stall])),
        "/torn" => Then::Answer(Script::new([Step::data("ab"), Step::Fail])),
        "/bursting" => Then::Answer(Script::new([Step::data("ab"), Step::Panic])),
        "/empty" => Then::Answer(Script::new([]).telling_its_end()),
        "/file" => Then::Answer(Script::new([Step::data("half"), Step::Wait, Step::data("half")])),
        "/hinted" => {
            let mut hint = SizeHint::new();
            hint.set_lower(2);
            hint.set_upper(9);
            Then::Answer(Script::new([Step::data("ab")]).hinting(hint))
        }
        "/trailers" => Then::Answer(Script::new([Step::data("ab"), Step::trailer("x-checksum", "7")])),
        "/grpc" => Then::Answer(Script::new([Step::data("ab")])),
        "/grpc-at-once" | "/unread" => Then::Answer(Script::whole(Bytes::new())),
        _ => Then::Answer(Script::whole("hello")),
    };
    Plan { waits: if path == "/slow" { 5 } else { 0 }, then }
}

pub async fn answer<B>(mut request: Request<B>) -> Result<Response<Script>, BoxError>
where
    B: Body<Data = Bytes> + 'static,
    B::Error: Into<BoxError>,
{
    let path = request.uri().path().to_owned();
    if !ROUTES.contains(&path.as_str()) {
        return Ok(with_status(StatusCode::NOT_FOUND, Script::whole("no such page")));
    }
    let Plan { waits, then } = request.extensions_mut().remove().unwrap_or_else(|| plan(&path));
    for _ in 0..waits {
        wait().await;
    }
    let script = match then {
        Then::Answer(script) => script,
        Then::Panic => unwind("the handler panics"),
        Then::Fail => return Err("the service fails".into()),
        Then::Never => std::future::pending().await,
    };
    let mut response = Response::new(script);
    match path.as_str() {
        "/no-content" => *response.status_mut() = StatusCode::NO_CONTENT,
        "/not-modified" => *response.status_mut() = StatusCode::NOT_MODIFIED,
        "/file" => add(&mut response, CONTENT_LENGTH, "8"),
        "/events" => add(&mut response, CONTENT_TYPE, "text/event-stream"),
        "/trailers" => add(&mut response, http::header::TRAILER, "x-checksum"),
        "/upload" => {
            let bytes = request.into_body().collect().await.map_err(Into::into)?.to_bytes();
            *response.body_mut() = Script::whole(bytes.len().to_string());
        }
        "/hint" => {
            let (hint, end) = (request.body().size_hint().exact(), request.body().is_end_stream());
            *response.body_mut() = Script::whole(format!("{hint:?} {end}"));
        }
        "/upgrade" => upgrade(&mut request, &mut response),
        "/grpc" | "/grpc-at-once" => grpc(&request, &mut response),
        _ => {}
    }
    Ok(response)
}

/// The call's status is what the query says.
fn grpc<B>(request: &Request<B>, response: &mut Response<Script>) {
    add(response, CONTENT_TYPE, "application/grpc+proto");
    let status = request.uri().query().unwrap_or_default().parse::<http::HeaderValue>().expect("a value");
    let name = HeaderName::from_static("grpc-status");
    match request.uri().path() {
        "/grpc-at-once" => drop(response.headers_mut().insert(name, status)),
        "/grpc" => {
            let trailers = http::HeaderMap::from_iter([(name, status)]);
            *response.body_mut() = Script::new([Step::data("ab"), Step::Wait, Step::Trailers(trailers)]);
        }
        _ => {}
    }
}

/// From the upgrade on, every byte comes back as it is.
fn upgrade<B>(request: &mut Request<B>, response: &mut Response<Script>) {
    let upgraded = hyper::upgrade::on(request);
    tokio::spawn(async move {
        let mut io = TokioIo::new(upgraded.await.expect("the connection is handed over"));
        let mut buffer = [0; 64];
        while let Ok(count @ 1..) = io.read(&mut buffer).await {
            io.write_all(&buffer[..count]).await.expect("the client still reads");
        }
    });
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    *response.body_mut() = Script::whole(Bytes::new());
    add(response, CONNECTION, "upgrade");
    add(response, UPGRADE, "websocket");
}

fn with_status(status: StatusCode, body: Script) -> Response<Script> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response
}

fn add(response: &mut Response<Script>, name: HeaderName, value: &'static str) {
    response.headers_mut().insert(name, http::HeaderValue::from_static(value));
}

async fn wait() {
    let mut waited = false;
    poll_fn(|context| {
        if std::mem::replace(&mut waited, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
