//! What of bodies is passed on, and what is counted.

use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use axum::body::Body;
use bytes::Bytes;
use http::{Request, Response};
use http_body::{Body as _, Frame, SizeHint};
use tower::{Layer, Service};
use watchkeeper::http::MeteredBody;
use watchkeeper::testing::Scrape;
use watchkeeper::{Watchkeeper, service_info};

use crate::app::{App, Server};
use crate::poll::{self, read};
use crate::script::{BoxError, Script, Step};

#[tokio::test]
async fn an_upload_counts_by_its_size_or_as_it_streams() {
    for app in App::all() {
        let whole = app.send("POST", "/upload", Body::from("seven b")).await.unwrap();
        assert_eq!(read(whole.into_body()).await.unwrap(), "7");
        assert_eq!(app.bodies("request", "/upload"), (7.0, 1.0));
        let stream = Script::new([Step::data("five "), Step::Wait, Step::data("and five")]);
        let streamed = app.send("POST", "/upload", Body::new(stream)).await.unwrap();
        assert_eq!(read(streamed.into_body()).await.unwrap(), "13");
        assert_eq!(app.bodies("request", "/upload"), (20.0, 2.0));
        let unread = Body::new(Script::new([Step::data("five ")]));
        drop(app.send("POST", "/answer", unread).await.unwrap());
        assert_eq!(app.bodies("request", "/answer"), (0.0, 1.0), "what nobody reads is not received");
        app.ended("/upload", 200, "completed", 2);
    }
}

#[tokio::test]
async fn a_handler_sees_the_size_and_the_end_of_a_request_as_they_are() {
    for app in App::of_tower() {
        for (body, seen) in [
            (Body::empty(), "Some(0) true"),
            (Body::from("ab"), "Some(2) false"),
            (Body::new(Script::new([Step::data("ab")])), "None false"),
            (Body::new(Script::new([]).telling_its_end()), "None true"),
        ] {
            let answer = app.send("POST", "/hint", body).await.unwrap();
            assert_eq!(read(answer.into_body()).await.unwrap(), seen);
        }
        app.ended("/hint", 200, "completed", 4);
    }
}

#[tokio::test]
async fn a_server_sees_the_size_and_the_end_of_an_answer_as_they_are() {
    // Actix Web has no bounds but a size, and tonic lets go of a body that is empty.
    for app in [Server::Axum, Server::Hyper].map(App::new) {
        let hints = async |path| {
            let body = app.get(path).await.into_body();
            (body.size_hint().lower(), body.size_hint().upper(), body.is_end_stream())
        };
        assert_eq!(hints("/answer").await, (5, Some(5), false));
        assert_eq!(hints("/unread").await, (0, Some(0), true));
        assert_eq!(hints("/stream").await, (0, None, false));
        assert_eq!(hints("/empty").await, (0, None, true));
        assert_eq!(hints("/hinted").await, (2, Some(9), false));
        app.at_rest();
    }
}

#[tokio::test]
async fn trailers_pass_and_end_the_body_though_nobody_asks_further() {
    for app in App::of_tower() {
        let mut body = app.get("/trailers").await.into_body();
        assert!(poll::frame(&mut body).is_ready());
        let Poll::Ready(Some(Ok(trailers))) = poll::frame(&mut body) else { panic!("no trailers") };
        assert_eq!(trailers.into_trailers().unwrap()["x-checksum"], "7");
        drop(body);
        app.ended("/trailers", 200, "completed", 1);
        assert_eq!(app.bodies("response", "/trailers"), (2.0, 1.0), "trailers are no part of the body");
    }
}

/// A service that takes its time to become ready, and then fails to.
#[derive(Debug, Clone)]
struct Gate(Vec<Poll<Result<(), &'static str>>>);

impl<B> Service<Request<B>> for Gate {
    type Response = Response<Body>;
    type Error = BoxError;
    type Future = std::future::Ready<Result<Response<Body>, BoxError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.0.remove(0).map_err(Into::into)
    }

    fn call(&mut self, _: Request<B>) -> Self::Future {
        std::future::ready(Ok(Response::default()))
    }
}

#[tokio::test]
async fn a_service_that_is_not_ready_is_not_ready_behind_the_layer() {
    let gate = Gate(vec![Poll::Pending, Poll::Ready(Ok(())), Poll::Pending, Poll::Ready(Err("closed"))]);
    let watch = Watchkeeper::builder(service_info!()).build().unwrap();
    fn readiness<S: Service<Request<Body>, Error = BoxError>>(mut service: S) -> [Poll<Result<(), String>>; 4] {
        std::array::from_fn(|_| {
            service.poll_ready(&mut Context::from_waker(Waker::noop())).map_err(|error| error.to_string())
        })
    }
    let expected = gate.0.clone().into_iter().map(|ready| ready.map_err(str::to_owned)).collect::<Vec<_>>();
    assert_eq!(readiness(watch.http_layer().layer(gate.clone())).to_vec(), expected, "axum");
    assert_eq!(readiness(watch.tower_layer().layer(gate)).to_vec(), expected, "hyper");
}

/// A body that claims a size, and is five bytes long.
struct Claims {
    size: u64,
    left: Option<Bytes>,
}

impl Claims {
    fn of(size: u64) -> Body {
        Body::new(Self { size, left: Some(Bytes::from_static(b"five ")) })
    }
}

impl http_body::Body for Claims {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        Poll::Ready(self.left.take().map(|bytes| Ok(Frame::data(bytes))))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.size)
    }
}

#[tokio::test]
async fn a_size_that_nobody_can_send_is_not_believed_and_the_sum_stays_what_was_received() {
    for app in App::all() {
        app.send("POST", "/upload", Body::from("seven b")).await.unwrap();
        for size in [1 << 40, u64::MAX - 2] {
            let whole = app.send("POST", "/upload", Claims::of(size)).await.unwrap();
            assert_eq!(read(whole.into_body()).await.unwrap(), "5");
        }
        assert_eq!(app.bodies("request", "/upload"), (17.0, 3.0));
    }
    for app in App::of_tower() {
        let hint = app.send("POST", "/hint", Claims::of(u64::MAX - 2)).await.unwrap();
        assert_eq!(read(hint.into_body()).await.unwrap(), "Some(18446744073709551613) false");
    }
}

#[tokio::test]
async fn a_sum_that_is_full_stays_so_rather_than_start_again() {
    let watch = Watchkeeper::builder(service_info!()).build().unwrap();
    let answer = async |_: Request<MeteredBody<Body>>| Ok::<_, BoxError>(Response::new(Claims::of(1 << 63)));
    let mut service = watch.tower_layer().layer(tower::service_fn(answer));
    for _ in 0..2 {
        service.call(Request::new(Body::empty())).await.unwrap();
    }
    let sum = Scrape::of(&watch).sum("http_response_body_bytes_sum", "");
    assert_eq!(sum, u64::MAX as f64);
}

/// A body that panics when it is asked for its size, or whether it is over.
struct Unsizable {
    at_head: bool,
}

impl http_body::Body for Unsizable {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(b"a frame")))))
    }

    fn size_hint(&self) -> SizeHint {
        if self.at_head { crate::script::unwind("no size") } else { SizeHint::default() }
    }

    fn is_end_stream(&self) -> bool {
        false
    }
}

#[tokio::test]
async fn a_body_that_panics_when_it_is_asked_for_its_size_has_panicked() {
    let watch = Watchkeeper::builder(service_info!()).build().unwrap();
    let answer = async |_: Request<MeteredBody<Body>>| Ok::<_, BoxError>(Response::new(Unsizable { at_head: true }));
    let mut service = watch.tower_layer().layer(tower::service_fn(answer));
    let mut call = Box::pin(service.call(Request::new(Body::empty())));
    assert_eq!(poll::panics(|| call.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready()), "no size");
    drop(call);
    let scrape = Scrape::of(&watch);
    assert_eq!(scrape.sum("http_request_outcomes_total", "outcome=\"panicked\""), 1.0, "{scrape}");
    assert_eq!(scrape.sum("http_requests_in_flight", ""), 0.0, "{scrape}");
}
