//! Requests that are answered, in whatever way.

use axum::body::Body;

use crate::app::{App, Catch, Server};
use crate::poll::read;

#[tokio::test]
async fn an_answer_is_completed_and_timed() {
    for app in App::all() {
        assert_eq!(read(app.get("/answer").await.into_body()).await.unwrap(), "hello");
        assert_eq!(read(app.get("/slow").await.into_body()).await.unwrap(), "hello");
        app.ended("/answer", 200, "completed", 1);
        app.ended("/slow", 200, "completed", 1);
        assert_eq!(app.timed("/answer"), 1.0);
        assert_eq!(app.bodies("response", "/answer"), (5.0, 1.0));
    }
}

#[tokio::test]
async fn what_no_route_matches_is_an_answer_too() {
    for app in App::all() {
        for path in ["/wp-login.php", "/.env"] {
            assert_eq!(app.get(path).await.status(), 404);
        }
        app.ended("unmatched", 404, "completed", 2);
        assert_eq!(app.timed("unmatched"), 2.0);
    }
}

#[tokio::test]
async fn a_service_that_returns_an_error_has_failed() {
    // In axum and in tonic an error is an answer before it comes to the layer.
    for app in [Server::Hyper, Server::Actix].map(App::new) {
        let error = app.send("GET", "/fail", Body::empty()).await.unwrap_err();
        assert_eq!(error.to_string(), "the service fails");
        app.ended("/fail", 500, "failed", 1);
        assert_eq!(app.timed("/fail"), 1.0);
    }
}

#[tokio::test]
async fn an_answer_without_a_body_on_the_wire_is_complete_with_its_head() {
    for app in App::all() {
        let head = app.send("HEAD", "/stream", Body::empty()).await.unwrap();
        app.ended("/stream", 200, "completed", 1);
        drop(head);
        for (path, status) in [("/no-content", 204), ("/not-modified", 304)] {
            assert_eq!(app.get(path).await.status(), status);
            app.ended(path, status, "completed", 1);
        }
        for path in ["/stream", "/no-content", "/not-modified"] {
            assert_eq!((app.timed(path), app.bodies("response", path)), (1.0, (0.0, 1.0)), "{path}");
        }
    }
}

#[tokio::test]
async fn a_body_that_is_empty_from_the_start_is_complete_though_nobody_asks_for_a_frame() {
    for server in Server::ALL {
        for to_end in [false, true] {
            let choose = |http: watchkeeper::http::HttpLayerBuilder| {
                if to_end { http.measure_to_end_of_body() } else { http }
            };
            let app = App::with(server, Catch::Nowhere, choose);
            // Actix Web has no body that tells its end without being asked for a piece.
            let paths = if server == Server::Actix { &["/unread"][..] } else { &["/empty", "/unread"] };
            for path in paths {
                drop(app.get(path).await);
                app.ended(path, 200, "completed", 1);
                assert_eq!(
                    (app.timed(path), app.bodies("response", path)),
                    (1.0, (0.0, 1.0)),
                    "{server:?} {path} {to_end}"
                );
            }
        }
    }
}

#[tokio::test]
async fn a_duration_ends_with_the_head_or_by_choice_with_the_body() {
    for server in Server::ALL {
        let to_head = App::new(server);
        let to_end = App::with(server, Catch::Nowhere, |http| http.measure_to_end_of_body());
        for path in ["/answer", "/stream"] {
            let (early, late) = (to_head.get(path).await, to_end.get(path).await);
            assert_eq!((to_head.timed(path), to_end.timed(path)), (1.0, 0.0), "{server:?} {path}");
            read(early.into_body()).await.unwrap();
            read(late.into_body()).await.unwrap();
            for app in [&to_head, &to_end] {
                app.ended(path, 200, "completed", 1);
                assert_eq!(app.timed(path), 1.0, "{server:?} {path}");
            }
        }
    }
}

#[tokio::test]
async fn a_tunnel_belongs_to_the_app_like_an_upgrade() {
    for app in App::all() {
        assert_eq!(app.send("CONNECT", "/answer", Body::empty()).await.unwrap().status(), 200);
        app.ended("/answer", 200, "completed", 1);
        assert_eq!((app.timed("/answer"), app.bodies("response", "/answer")), (0.0, (0.0, 0.0)));
    }
}
