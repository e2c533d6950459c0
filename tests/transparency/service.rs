//! The service: it answers in every way, and tells what it saw of the request.

use std::time::Duration;

use bytes::Bytes;
use http::header::{ALLOW, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, LOCATION, TRAILER, UPGRADE};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode};
use http_body::{Body, SizeHint};
use http_body_util::BodyExt;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::script::{BoxError, Script, Step};

/// The paths that have a route in axum.
pub const ROUTES: &[&str] = &[
    "/",
    "/stream",
    "/hinted",
    "/torn",
    "/torn-at-once",
    "/trailers",
    "/grpc",
    "/grpc-at-once",
    "/moved",
    "/large-headers",
    "/full",
    "/no-content",
    "/not-modified",
    "/events",
    "/file",
    "/own-id",
    "/health/live",
    "/metrics",
    "/big",
    "/fail",
    "/echo",
    "/unread",
    "/upgrade",
];

/// The id that the handler of `/own-id` gives its answer.
pub const HANDLERS_OWN_ID: &str = "the-handlers-own";

pub async fn answer<B>(mut request: Request<B>) -> Result<Response<Script>, BoxError>
where
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    let path = request.uri().path().to_owned();
    let mut response = Response::new(Script::whole("hello"));
    match path.as_str() {
        "/whole" if request.method() != Method::GET && request.method() != Method::HEAD => {
            *response.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
            add(&mut response, ALLOW, "GET,HEAD");
        }
        "/whole" | "/health/live" | "/metrics" => {}
        "/" => *response.body_mut() = Script::whole(seen(&request)),
        "/echo" => {
            let (hint, end) = (request.body().size_hint(), request.body().is_end_stream());
            let seen = seen(&request);
            let (mut data, mut trailers) = (Vec::new(), None);
            let mut body = std::pin::pin!(request.into_body());
            while let Some(frame) = body.frame().await {
                match frame.map_err(Into::into)?.into_data() {
                    Ok(more) => data.extend(more),
                    Err(frame) => trailers = frame.into_trailers().ok(),
                }
            }
            let seen = format!("{seen} {hint:?} {end} {trailers:?}");
            *response.body_mut() = Script::new([Step::Data(seen.into()), Step::Data(data.into())]);
        }
        "/unread" => drop(request),
        "/stream" | "/no-content" | "/not-modified" | "/events" | "/hinted" => {
            let steps = [Step::Wait, Step::data("a"), Step::data(""), Step::Wait, Step::Wait, Step::data("bcd")];
            *response.body_mut() = Script::new(steps);
        }
        "/torn" => *response.body_mut() = Script::new([Step::data("ab"), Step::Wait, Step::Fail]),
        "/torn-at-once" => *response.body_mut() = Script::new([Step::Fail]),
        "/file" => *response.body_mut() = Script::new([Step::data("half"), Step::Wait, Step::data("half")]),
        "/big" => *response.body_mut() = Script::new((0..40).map(|n| Step::Data(vec![n; 16_384].into()))),
        "/trailers" => {
            *response.body_mut() = Script::new([Step::data("ab"), Step::trailer("x-checksum", "7")]);
            add(&mut response, TRAILER, "x-checksum");
        }
        "/grpc" => *response.body_mut() = Script::new([Step::data("\0\0\0\0\0"), Step::trailer("grpc-status", "5")]),
        "/grpc-at-once" => {
            *response.body_mut() = Script::whole("");
            add(&mut response, HeaderName::from_static("grpc-status"), "5");
        }
        "/moved" => {
            *response.status_mut() = StatusCode::TEMPORARY_REDIRECT;
            add(&mut response, LOCATION, "/whole");
        }
        "/large-headers" => *response.headers_mut() = headers(50, 200),
        "/full" => *response.headers_mut() = headers(usize::MAX, 1),
        "/own-id" => add(&mut response, HeaderName::from_static("x-request-id"), HANDLERS_OWN_ID),
        "/upgrade" => upgrade(&mut request, &mut response),
        "/fail" => return Err("the service fails".into()),
        _ => {
            *response.status_mut() = StatusCode::NOT_FOUND;
            *response.body_mut() = Script::whole("no such page");
        }
    }
    match path.as_str() {
        "/no-content" => *response.status_mut() = StatusCode::NO_CONTENT,
        "/not-modified" => *response.status_mut() = StatusCode::NOT_MODIFIED,
        "/events" => add(&mut response, CONTENT_TYPE, "text/event-stream"),
        "/file" => add(&mut response, CONTENT_LENGTH, "8"),
        "/grpc" | "/grpc-at-once" => add(&mut response, CONTENT_TYPE, "application/grpc"),
        "/hinted" => {
            let mut hint = SizeHint::new();
            hint.set_lower(2);
            hint.set_upper(9);
            let body = std::mem::take(response.body_mut());
            *response.body_mut() = body.hinting(hint).telling_its_end();
        }
        _ => {}
    }
    Ok(response)
}

/// What a handler sees of a request's head.
fn seen<B>(request: &Request<B>) -> String {
    let (method, uri, version) = (request.method().clone(), request.uri().path_and_query().cloned(), request.version());
    let mut headers = request.headers().clone();
    headers.remove(http::header::HOST);
    format!("{method} {uri:?} {version:?} {headers:?}")
}

/// So many headers, or as many as there is room for.
fn headers(count: usize, size: usize) -> HeaderMap {
    let value = HeaderValue::from_bytes(&vec![b'v'; size]).unwrap();
    // axum would add it, and panic where there is no room.
    let mut headers = HeaderMap::from_iter([(CONTENT_LENGTH, HeaderValue::from_static("5"))]);
    for n in 0..count {
        if headers.try_insert(HeaderName::try_from(format!("x-{n}")).unwrap(), value.clone()).is_err() {
            break;
        }
    }
    headers
}

/// From the upgrade on, every byte comes back as it is.
fn upgrade<B>(request: &mut Request<B>, response: &mut Response<Script>) {
    let upgraded = hyper::upgrade::on(request);
    tokio::spawn(async move {
        let mut io = TokioIo::new(upgraded.await.unwrap());
        let mut bytes = [0; 5];
        io.read_exact(&mut bytes).await.unwrap();
        io.write_all(&bytes).await.unwrap();
        let _ = tokio::time::timeout(Duration::from_secs(1), io.shutdown()).await;
    });
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    *response.body_mut() = Script::whole("");
    add(response, CONNECTION, "upgrade");
    add(response, UPGRADE, "echo");
}

fn add(response: &mut Response<Script>, name: HeaderName, value: &'static str) {
    response.headers_mut().insert(name, HeaderValue::from_static(value));
}
