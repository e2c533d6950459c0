//! Handlers and bodies that panic, with and without somebody who catches it.

use axum::body::Body;
use http::Request;

use crate::app::{App, Catch, Server};
use crate::poll::{self, panics, read};

fn get(path: &str) -> Request<Body> {
    Request::get(path).body(Body::empty()).unwrap()
}

#[tokio::test]
async fn a_panic_before_the_head_passes_through_unchanged_and_is_counted_once() {
    for app in App::all() {
        let mut call = app.call(get("/panic"));
        assert_eq!(panics(|| poll::once(&mut call)), "the handler panics");
        drop(call);
        app.ended("/panic", 500, "panicked", 1);
        assert_eq!(app.timed("/panic"), 1.0);
    }
}

#[tokio::test]
async fn a_panic_inside_the_body_passes_through_unchanged_and_is_counted_once() {
    for app in App::all() {
        let mut body = app.get("/bursting").await.into_body();
        assert!(poll::frame(&mut body).is_ready());
        assert_eq!(panics(|| poll::frame(&mut body)), "the body panics");
        drop(body);
        app.ended("/bursting", 200, "panicked", 1);
        assert_eq!(app.bodies("response", "/bursting"), (2.0, 1.0));
    }
}

#[tokio::test]
async fn a_panic_that_a_layer_inside_makes_an_answer_of_is_an_answer() {
    for server in Server::ALL {
        let app = App::with(server, Catch::Inside, |http| http);
        let answer = app.get("/panic").await;
        assert_eq!(answer.status(), 500);
        assert_eq!(read(answer.into_body()).await.unwrap(), "Service panicked");
        app.ended("/panic", 500, "completed", 1);
    }
}

#[tokio::test]
async fn a_panic_that_a_layer_outside_makes_an_answer_of_is_still_a_panic() {
    for server in Server::ALL {
        let app = App::with(server, Catch::Outside, |http| http);
        let answer = app.get("/panic").await;
        assert_eq!(answer.status(), 500);
        assert_eq!(read(answer.into_body()).await.unwrap(), "Service panicked");
        app.ended("/panic", 500, "panicked", 1);
    }
}

#[tokio::test]
async fn a_panic_beside_a_request_that_waits_is_no_panic_of_that_request() {
    for app in App::all() {
        let mut call = app.call(get("/never"));
        assert!(poll::once(&mut call).is_pending());
        let said = panics(move || {
            let _dropped_while_unwinding = call;
            crate::script::unwind("the one who waits for it panics")
        });
        assert_eq!(said, "the one who waits for it panics");
        app.ended("/never", 499, "cancelled", 1);
    }
}
