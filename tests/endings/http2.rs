//! Endings over HTTP/2, where a client leaves a request without its connection.

use axum::body::Body;
use http::{Request, Response};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::client::conn::http2::{SendRequest, handshake};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;

use crate::app::App;

/// A client with one connection.
struct Client(SendRequest<Body>);

impl Client {
    async fn of(app: &App) -> Self {
        let stream = TcpStream::connect(app.listen().await).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let (sender, connection) = handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        Self(sender)
    }

    fn get(&mut self, path: &str) -> impl Future<Output = hyper::Result<Response<Incoming>>> + use<> {
        self.0.send_request(Request::get(format!("http://a{path}")).body(Body::empty()).unwrap())
    }
}

#[tokio::test]
async fn an_answer_is_complete_however_the_server_comes_to_its_end() {
    for app in App::of_tower() {
        let mut client = Client::of(&app).await;
        for path in ["/answer", "/stream", "/file", "/trailers", "/empty", "/unread", "/no-content"] {
            client.get(path).await.unwrap().into_body().collect().await.unwrap();
        }
        drop(client);
        app.settle().await;
        let scrape = app.scrape();
        assert_eq!(scrape.sum("http_request_outcomes_total", "outcome=\"completed\""), 7.0, "{scrape}");
    }
}

#[tokio::test]
async fn a_call_of_grpc_ends_as_its_status_says() {
    for app in App::of_tower() {
        let mut client = Client::of(&app).await;
        for path in ["/grpc", "/grpc-at-once"] {
            for (status, outcome) in [("0", "completed"), ("13", "failed")] {
                let answer = client.get(&format!("{path}?{status}")).await.unwrap();
                let in_head = answer.headers().get("grpc-status").cloned();
                let body = answer.into_body().collect().await.unwrap();
                let in_trailers = body.trailers().and_then(|trailers| trailers.get("grpc-status")).cloned();
                assert_eq!(in_head.or(in_trailers).unwrap(), status);
                app.rest().await;
                assert_eq!(app.outcomes(path, outcome), 1.0, "{path} {status}");
            }
        }
        drop(client);
        app.settle().await;
    }
}

#[tokio::test]
async fn a_client_that_resets_a_request_is_seen_to_leave() {
    for app in App::of_tower() {
        let mut client = Client::of(&app).await;
        let left = tokio::spawn(client.get("/never"));
        while app.scrape().sum("http_requests_in_flight", "path=\"/never\"") < 1.0 {
            tokio::task::yield_now().await;
        }
        left.abort();
        app.rest().await;
        app.ended("/never", 499, "cancelled", 1);
        let mut answer = client.get("/stalled").await.unwrap();
        answer.body_mut().frame().await.unwrap().unwrap();
        drop(answer);
        app.rest().await;
        app.ended("/stalled", 200, "cancelled", 1);
        // The connection is still good.
        client.get("/answer").await.unwrap().into_body().collect().await.unwrap();
        drop(client);
        app.settle().await;
        app.ended("/answer", 200, "completed", 1);
    }
}
