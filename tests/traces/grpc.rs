//! Spans on their way by gRPC, to a receiver that behaves as it is told.

use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::{BufMut, Bytes, BytesMut};
use http::{HeaderMap, Request, Response};
use http_body::{Body, Frame};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use watchkeeper::presets::monitoring::DropReason;

use crate::receiver::{Answer, Receiver, partial_success};
use crate::traced::Traced;

/// A receiver by gRPC, until it is dropped.
struct Grpc {
    address: SocketAddr,
    receiver: Receiver,
    _runtime: tokio::runtime::Runtime,
}

impl Grpc {
    /// Starts a receiver; what it takes and answers is kept as the one by HTTP does. A status is that of gRPC.
    fn start(answers: &[Answer]) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.expect("a runtime");
        let receiver = Receiver::start(answers);
        let listener = runtime.block_on(tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))).expect("a port");
        let address = listener.local_addr().expect("an address");
        let noting = receiver.clone();
        runtime.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let receiver = noting.clone();
                let service = service_fn(move |request| answer(receiver.clone(), request));
                let server = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
                tokio::spawn(server.serve_connection(TokioIo::new(stream), service));
            }
        });
        Self { address, receiver, _runtime: runtime }
    }

    fn traced(&self, variables: &[(&str, &str)]) -> Traced {
        let mut all = vec![("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")];
        all.extend_from_slice(variables);
        Traced::to(&format!("http://{}", self.address), &all)
    }
}

async fn answer(receiver: Receiver, request: Request<Incoming>) -> Result<Response<Reply>, hyper::Error> {
    let head = format!("{} {}\r\n", request.method(), request.uri().path());
    let headers: String = request.headers().iter().map(|(name, value)| format!("{name}: {value:?}\r\n")).collect();
    let body = request.into_body().collect().await?.to_bytes();
    let answer = receiver.next_answer();
    receiver.note(head + &headers, body.slice(5..).to_vec(), answer);
    let reply = match answer {
        Answer::Take => Reply::message(&[]),
        Answer::TakeBut(spans) => Reply::message(&partial_success(spans)),
        Answer::Endless => Reply::message(&vec![b'x'; 4 << 20]),
        Answer::Status(status) => Reply { frames: vec![trailers(status)] },
        _ => std::future::pending().await,
    };
    Ok(Response::builder().header("content-type", "application/grpc").body(reply).expect("a head"))
}

fn trailers(status: u16) -> Frame<Bytes> {
    let status = status.to_string().parse().expect("a value");
    Frame::trailers(HeaderMap::from_iter([("grpc-status".parse().expect("a name"), status)]))
}

/// The frames of an answer, the last one first.
struct Reply {
    frames: Vec<Frame<Bytes>>,
}

impl Reply {
    fn message(message: &[u8]) -> Self {
        let mut framed = BytesMut::new();
        framed.put_u8(0);
        framed.put_u32(u32::try_from(message.len()).expect("a length"));
        framed.put_slice(message);
        Self { frames: vec![trailers(0), Frame::data(framed.freeze())] }
    }
}

impl Body for Reply {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        Poll::Ready(self.frames.pop().map(Ok))
    }
}

const UNAVAILABLE: u16 = 14;
const RESOURCE_EXHAUSTED: u16 = 8;
const INVALID_ARGUMENT: u16 = 3;
const UNAUTHENTICATED: u16 = 16;

#[test]
fn a_call_carries_the_spans_and_the_headers() {
    let grpc = Grpc::start(&[Answer::Take]);
    let traced = grpc.traced(&[("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20t0ken")]);

    traced.make_spans(10);

    assert_eq!(traced.settled(10).stored(), 10);
    assert_eq!(grpc.receiver.spans().len(), 10);
    let head = &grpc.receiver.requests()[0].head;
    assert!(head.starts_with("POST /opentelemetry.proto.collector.trace.v1.TraceService/Export\r\n"), "{head}");
    assert!(head.contains("authorization: \"Bearer t0ken\""), "{head}");
}

#[test]
fn a_receiver_that_is_unavailable_at_first_gets_the_spans_on_retry() {
    let grpc = Grpc::start(&[Answer::Status(UNAVAILABLE), Answer::Status(UNAVAILABLE), Answer::Take]);
    let traced = grpc.traced(&[("OTEL_BSP_SCHEDULE_DELAY", "200")]);

    traced.make_spans(10);

    assert_eq!(traced.settled(10).stored(), 10);
    assert_eq!((grpc.receiver.requests().len(), grpc.receiver.spans().len()), (3, 10));
}

#[test]
fn what_is_refused_hangs_or_is_too_long_is_bounded_and_counted() {
    let variables =
        [("OTEL_BSP_SCHEDULE_DELAY", "200"), ("OTEL_EXPORTER_OTLP_TIMEOUT", "300"), ("OTEL_BSP_EXPORT_TIMEOUT", "250")];
    for (answer, reason, lost) in [
        (Answer::Status(INVALID_ARGUMENT), DropReason::Invalid, 10),
        (Answer::Status(UNAUTHENTICATED), DropReason::Failed, 10),
        (Answer::Status(RESOURCE_EXHAUSTED), DropReason::Refused, 10),
        (Answer::Endless, DropReason::Failed, 10),
        (Answer::Hang, DropReason::Timeout, 10),
        (Answer::TakeBut(3), DropReason::Invalid, 3),
    ] {
        let grpc = Grpc::start(&[answer]);
        let traced = grpc.traced(&variables);
        let start = Instant::now();
        traced.make_spans(10);
        let counts = traced.settled(10);
        assert_eq!((counts.dropped_for(reason), counts.stored()), (lost, 10 - lost), "{answer:?}: {counts:?}");
        assert!(start.elapsed() < Duration::from_secs(2), "{answer:?}");
        assert_eq!(grpc.receiver.requests().len(), 1, "{answer:?}");
    }
}

#[test]
fn a_receiver_that_is_not_there_is_asked_again_until_it_is_given_up() {
    let nobody = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port").local_addr().expect("one");
    let variables = [("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"), ("OTEL_BSP_EXPORT_TIMEOUT", "300")];
    let traced = Traced::to(&format!("http://{nobody}"), &variables);

    traced.make_spans(10);

    assert_eq!(traced.settled(10).dropped_for(DropReason::Failed), 10);
}
