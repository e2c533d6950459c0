//! OTLP by HTTP: requests of protocol buffers, on the thread that sends.

use std::io::{ErrorKind, Write};
use std::sync::Arc;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, Uri};
use ureq::tls::{Certificate, RootCerts, TlsConfig};
use ureq::{Agent, Body, Error};

use super::transport::{Failure, MOST_OF_ANSWER, Retry, Transport, refused};
use crate::presets::monitoring::DropReason;

const PROTOBUF: HeaderValue = HeaderValue::from_static("application/x-protobuf");
const USER_AGENT: &str = concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION"));

/// Posts requests to one address. It follows no redirect, so the app's headers go nowhere else.
pub(super) struct HttpTransport {
    agent: Agent,
    endpoint: Uri,
    headers: HeaderMap,
    gzip: bool,
}

impl HttpTransport {
    pub(super) fn new(endpoint: Uri, headers: HeaderMap, gzip: bool, roots: Vec<Certificate<'static>>) -> Self {
        let mut tls = TlsConfig::builder();
        if !roots.is_empty() {
            tls = tls.root_certs(RootCerts::Specific(Arc::new(roots)));
        }
        let agent = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .max_response_header_size(MOST_OF_ANSWER)
            .accept_encoding("")
            .user_agent(USER_AGENT)
            .tls_config(tls.build())
            .build()
            .new_agent();
        Self { agent, endpoint, headers, gzip }
    }

    fn request(&self, body: &[u8]) -> Option<Request<Vec<u8>>> {
        let (body, packed) = match self.gzip.then(|| pack(body)).flatten() {
            Some(packed) => (packed, true),
            None => (body.to_vec(), false),
        };
        let mut request = Request::post(self.endpoint.clone()).body(body).ok()?;
        *request.headers_mut() = self.headers.clone();
        request.headers_mut().insert(CONTENT_TYPE, PROTOBUF);
        if packed {
            request.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        Some(request)
    }
}

impl Transport for HttpTransport {
    fn send(&mut self, request: &[u8], time: Duration) -> Result<u64, Failure> {
        let invalid = || Failure::final_for(DropReason::Invalid, "the request cannot be made");
        let request = self.request(request).ok_or_else(invalid)?;
        let request = self.agent.configure_request(request).timeout_global(Some(time)).build();
        let answer = self.agent.run(request).map_err(|error| failure_of(&error))?;
        if answer.status().is_success() { read(answer) } else { Err(answered(answer.status(), answer.headers())) }
    }
}

/// Reads the answer of a receiver that has taken the request.
fn read(mut answer: Response<Body>) -> Result<u64, Failure> {
    let kind = answer.headers().get(CONTENT_TYPE).map_or(&[][..], HeaderValue::as_bytes);
    // Receivers that answer in JSON have nothing to say either, unless they refuse something.
    let (json, protobuf) = (kind.starts_with(b"application/json"), kind.starts_with(PROTOBUF.as_bytes()));
    let body = answer.body_mut().with_config().limit(MOST_OF_ANSWER as u64).read_to_vec();
    let body = body.map_err(|error| match error {
        // It was taken, as far as anybody knows, so it is not sent again.
        Error::BodyExceedsLimit(_) => Failure::final_for(DropReason::Failed, "the answer is longer than an answer is"),
        error => failure_of(&error),
    })?;
    let no_answer = || Failure::final_for(DropReason::Failed, "what answers is no receiver of OTLP");
    match (json, protobuf || body.is_empty()) {
        (true, _) => Ok(0),
        (_, true) => refused(&body).map_err(|_| no_answer()),
        _ => Err(no_answer()),
    }
}

/// Returns what a status says that is no success.
fn answered(status: StatusCode, headers: &HeaderMap) -> Failure {
    let what = format!("the receiver answered {}", status.as_u16());
    let later = |reason| {
        let wish = headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.trim().parse().ok());
        let retry = wish.map_or(Retry::Later, |seconds| Retry::After(Duration::from_secs(seconds)));
        Failure { what: what.clone().into(), reason, retry }
    };
    match status.as_u16() {
        429 => later(DropReason::Refused),
        502..=504 => later(DropReason::Failed),
        400 | 413 | 415 | 422 => Failure::final_for(DropReason::Invalid, what),
        _ => Failure::final_for(DropReason::Failed, what),
    }
}

/// Returns what an error on the way says. Its text may hold the address, so it is not passed on.
fn failure_of(error: &Error) -> Failure {
    match error {
        Error::Timeout(_) => Failure::for_now(DropReason::Timeout, "the receiver does not answer in time"),
        Error::HostNotFound => Failure::for_now(DropReason::Failed, "the receiver's name is not known"),
        Error::ConnectionFailed => Failure::for_now(DropReason::Failed, "no connection to the receiver"),
        Error::Tls(_) | Error::Rustls(_) | Error::Pem(_) => {
            Failure::for_now(DropReason::Failed, "no secure connection to the receiver")
        }
        Error::Io(error) => Failure::for_now(DropReason::Failed, of_io(error.kind())),
        Error::Protocol(_) | Error::Http(_) | Error::LargeResponseHeader(..) => {
            Failure::final_for(DropReason::Failed, "what answers does not speak HTTP as it should")
        }
        _ => Failure::for_now(DropReason::Failed, "the request did not get through"),
    }
}

fn of_io(kind: ErrorKind) -> String {
    format!("no connection to the receiver: {kind}")
}

fn pack(body: &[u8]) -> Option<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(body.len() / 4), Compression::fast());
    encoder.write_all(body).ok()?;
    encoder.finish().ok()
}
