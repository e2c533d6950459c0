//! What every answer carries, and what none does: causes, rights of other sites, content to be guessed at.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use http::Request;
use serde_json::json;
use watchkeeper::api::monitoring::{PREFIX, Principal, PrincipalFuture, PrincipalSource, Role};
use watchkeeper::event::Event;
use watchkeeper::store::{
    Appended, Counts, EventQuery, EventStore, Page, Parts, Scope, StoreError, StoreErrorKind, StoreFuture,
};
use watchkeeper::{Id, Timestamp, Watchkeeper, service_info};

use crate::app::{App, Caller, unlimited};
use crate::support::lateness::Lateness;

/// A store whose events fail, or hang.
#[derive(Debug)]
struct Faulty(Option<StoreErrorKind>);

impl Faulty {
    fn answer<'a, T: Send + 'a>(&self) -> StoreFuture<'a, T> {
        match self.0 {
            Some(kind) => Box::pin(std::future::ready(Err(
                StoreError::new(kind, "append_events").because("password s3cret at 10.0.0.7, SELECT * FROM events")
            ))),
            None => Box::pin(std::future::pending()),
        }
    }
}

impl EventStore for Faulty {
    fn append_events<'a>(&'a self, _: &'a [Arc<Event>]) -> StoreFuture<'a, Vec<Appended>> {
        self.answer()
    }
    fn event<'a>(&'a self, _: Id, _: &'a Scope) -> StoreFuture<'a, Option<Arc<Event>>> {
        self.answer()
    }
    fn events<'a>(&'a self, _: &'a EventQuery) -> StoreFuture<'a, Page<Arc<Event>>> {
        self.answer()
    }
    fn event_counts(&self, _: Timestamp) -> StoreFuture<'_, Counts> {
        self.answer()
    }
    fn drop_events(&self, _: Timestamp) -> StoreFuture<'_, u64> {
        self.answer()
    }
}

#[tokio::test]
async fn every_answer_is_json_that_is_not_kept_guessed_or_shown_as_a_page() {
    let app = App::new();
    for (caller, path) in
        [(Caller::User, "/events"), (Caller::Nobody, "/events"), (Caller::User, "/config"), (Caller::User, "/nothing")]
    {
        let answer = app.get(caller, path).await;
        assert_eq!(answer.headers["content-type"], "application/json");
        assert_eq!(answer.headers["cache-control"], "no-store");
        assert_eq!(answer.headers["x-content-type-options"], "nosniff");
        assert_eq!(answer.headers["content-security-policy"], "default-src 'none'; frame-ancestors 'none'");
        assert!(!answer.headers.keys().any(|name| name.as_str().starts_with("access-control-")));
        assert_eq!(answer.headers.contains_key("www-authenticate"), answer.status == 401);
    }
}

#[tokio::test]
async fn a_fault_of_the_store_is_answered_without_its_text() {
    use StoreErrorKind::*;
    let body = json!({ "event_type": "log", "source": "checkout" });
    for (kind, status, code) in [
        (Unavailable, 503, "unavailable"),
        (Timeout, 504, "timeout"),
        (Contention, 503, "unavailable"),
        (Full, 503, "store_full"),
        (ReadOnly, 503, "store_read_only"),
        (Refused, 400, "invalid_field"),
        (Corrupt, 500, "internal"),
        (Unsupported, 501, "unsupported"),
        (Closed, 503, "unavailable"),
        (Internal, 500, "internal"),
    ] {
        let app = App::with(Parts::new().events_in(Faulty(Some(kind))), unlimited());
        for answer in [app.post(Caller::User, "/events", body.clone()).await, app.get(Caller::User, "/events").await] {
            assert_eq!((answer.status, answer.error().1), (status, code.to_owned()), "{kind:?}");
            assert_eq!(answer.headers.contains_key("retry-after"), status == 503, "{kind:?}");
            let text = String::from_utf8(answer.body).expect("text");
            assert!(!["s3cret", "10.0.0.7", "SELECT"].iter().any(|cause| text.contains(cause)), "{text}");
        }
    }
}

#[tokio::test]
async fn a_store_that_hangs_is_given_up_at_the_deadline() {
    let lateness = Lateness::watch();
    let mut options = unlimited();
    options.deadline = Duration::from_millis(300);
    let app = App::with(Parts::new().events_in(Faulty(None)), options);
    let begun = Instant::now();
    let answer = app.post(Caller::User, "/events", json!({ "event_type": "log", "source": "checkout" })).await;
    assert_eq!(answer.error(), (504, "timeout".into(), String::new()));
    assert!(begun.elapsed() <= lateness.end_of(Duration::from_millis(300)), "{:?}", begun.elapsed());
}

/// A source that fails at first.
struct Failing(AtomicBool);

impl PrincipalSource for Failing {
    fn principal<'a>(&'a self, _: &'a http::request::Parts) -> PrincipalFuture<'a> {
        let answer = if self.0.swap(false, Ordering::Relaxed) {
            Err("the session store at 10.0.0.7 is away".into())
        } else {
            Ok(Principal::new("ada", Role::User).ok())
        };
        Box::pin(std::future::ready(answer))
    }
}

#[tokio::test]
async fn a_source_that_fails_lets_nobody_in() {
    let watch = Watchkeeper::builder(service_info!()).principals(Failing(AtomicBool::new(true))).build();
    let router: axum::Router = watch.expect("a watch").routes();
    for status in [503, 200] {
        let request = Request::get(format!("{PREFIX}/events")).body(axum::body::Body::empty()).expect("a request");
        let answer = tower::ServiceExt::oneshot(router.clone(), request).await.expect("an answer");
        assert_eq!(answer.status(), status);
    }
}
