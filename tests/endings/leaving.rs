//! Clients that go away before the end.

use std::task::Poll;

use axum::body::Body;
use http::Request;

use crate::app::{App, Catch, Server};
use crate::poll;

fn get(path: &str) -> Request<Body> {
    Request::get(path).body(Body::empty()).unwrap()
}

#[tokio::test]
async fn a_client_that_leaves_before_the_head_is_told_from_an_answer_wherever_it_leaves() {
    for app in App::all() {
        let (mut polls, mut left) = (0, 0);
        loop {
            let mut call = app.call(get("/slow"));
            let answered = (0..polls).any(|_| poll::once(&mut call).is_ready());
            drop(call);
            if answered {
                break;
            }
            polls += 1;
            left = app.calls();
            app.ended("/slow", 499, "cancelled", left);
        }
        assert_eq!((polls, left), (6, 5), "the handler waits five times; who never polls has not called");
        app.ended("/slow", 200, "completed", 1);
        app.ended("/slow", 499, "cancelled", left);
        assert_eq!(app.timed("/slow"), 6.0);
    }
}

#[tokio::test]
async fn a_client_that_leaves_during_the_body_is_cancelled_wherever_it_leaves() {
    for app in App::all() {
        for polls in 0..=5 {
            let mut body = app.get("/stream").await.into_body();
            let ended = (0..polls).any(|_| matches!(poll::frame(&mut body), Poll::Ready(None)));
            drop(body);
            assert_eq!(ended, polls == 5);
        }
        app.at_rest();
        assert_eq!((app.outcomes("/stream", "completed"), app.outcomes("/stream", "cancelled")), (1.0, 5.0));
        // Two left after nothing, two after the first piece, one after both; and one read both to the end.
        assert_eq!(app.bodies("response", "/stream"), (2.0 + 2.0 + 4.0 + 4.0, 6.0));
        assert_eq!(app.timed("/stream"), 6.0);
    }
}

#[tokio::test]
async fn a_stream_of_events_counts_as_open_while_somebody_listens() {
    for server in Server::ALL {
        for to_end in [false, true] {
            let choose = |http: watchkeeper::http::HttpLayerBuilder| {
                if to_end { http.measure_to_end_of_body() } else { http }
            };
            let app = App::with(server, Catch::Nowhere, choose);
            let mut listeners = vec![app.get("/events").await.into_body(), app.get("/events").await.into_body()];
            assert!(poll::frame(&mut listeners[0]).is_ready());
            app.scrape().assert_line("http_connections_active{kind=\"sse\"} 2");
            drop(listeners.pop());
            app.scrape().assert_line("http_connections_active{kind=\"sse\"} 1");
            drop(listeners);
            app.scrape().assert_line("http_connections_active{kind=\"sse\"} 0");
            app.ended("/events", 200, "completed", 2);
            assert_eq!(app.timed("/events"), 0.0, "how long somebody listens is no latency");
            assert_eq!(app.bodies("response", "/events"), (9.0, 2.0));
        }
    }
}

#[tokio::test]
async fn a_body_that_fails_is_told_from_one_that_is_left() {
    for app in App::all() {
        let error = poll::read(app.get("/torn").await.into_body()).await.unwrap_err();
        assert!(error.to_string().contains("the body fails"), "{error}");
        app.ended("/torn", 200, "failed", 1);
        assert_eq!(app.bodies("response", "/torn"), (2.0, 1.0));
        assert_eq!(app.timed("/torn"), 1.0);
    }
}
