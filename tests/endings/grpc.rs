//! Calls of gRPC, whose status stands in a trailer or, without a body, in a header.

use std::task::Poll;

use crate::app::App;
use crate::poll::{self, read};

#[tokio::test]
async fn a_call_ends_as_its_status_says() {
    for app in App::of_tower() {
        for (path, ok, failed) in
            [("/grpc", "/grpc?0", "/grpc?14"), ("/grpc-at-once", "/grpc-at-once?0", "/grpc-at-once?5")]
        {
            read(app.get(ok).await.into_body()).await.unwrap();
            app.ended(path, 200, "completed", 1);
            read(app.get(failed).await.into_body()).await.unwrap();
            assert_eq!((app.outcomes(path, "completed"), app.outcomes(path, "failed")), (1.0, 1.0));
            app.at_rest();
        }
    }
}

#[tokio::test]
async fn a_call_that_is_left_before_its_status_is_cancelled() {
    for app in App::of_tower() {
        let mut body = app.get("/grpc?14").await.into_body();
        assert!(matches!(poll::frame(&mut body), Poll::Ready(Some(Ok(_)))));
        drop(body);
        app.ended("/grpc", 200, "cancelled", 1);
    }
}

#[tokio::test]
async fn a_server_that_stops_at_the_trailers_has_the_status() {
    for app in App::of_tower() {
        let mut body = app.get("/grpc?14").await.into_body();
        while !matches!(poll::frame(&mut body), Poll::Ready(Some(Ok(frame))) if frame.is_trailers()) {}
        drop(body);
        app.ended("/grpc", 200, "failed", 1);
    }
}
