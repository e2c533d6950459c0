//! Logins: who signs in, who does not, and who has tried too often.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::RETRY_AFTER;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::json;
use watchkeeper::Watchkeeper;
use watchkeeper::event::{Event, Level};
use watchkeeper::journal::Journal;
use watchkeeper::presets::auth::{AuthMetrics, LoginResult};

use crate::failures::Failures;
use crate::sessions::Sessions;

const PASSWORD: &str = "open sesame";

struct Logins {
    metrics: AuthMetrics,
    journal: Journal,
    failures: Mutex<Failures>,
    sessions: Mutex<Sessions>,
}

/// Returns `POST /login`.
pub(crate) fn router(watch: &Watchkeeper) -> Router {
    let logins = Arc::new(Logins {
        metrics: watch.metrics().auth().clone(),
        journal: watch.journal().clone(),
        failures: Mutex::default(),
        sessions: Mutex::default(),
    });
    let counted = Arc::clone(&logins);
    // Sessions end by themselves, so they are counted when somebody looks.
    watch.registry().on_scrape(move || {
        let sessions = counted.sessions.lock().unwrap_or_else(PoisonError::into_inner).count(Instant::now());
        counted.metrics.record_active_sessions(sessions);
    });
    Router::new().route("/login", post(login)).with_state(logins)
}

#[derive(Deserialize)]
struct Attempt {
    email: String,
    password: String,
}

async fn login(State(logins): State<Arc<Logins>>, Json(attempt): Json<Attempt>) -> Response {
    let result = logins.attempt(&attempt);
    logins.metrics.record_login(result);
    let level = if result == LoginResult::Success { Level::Info } else { Level::Warn };
    // Who it was is nobody's business here.
    logins.journal.record_event(Event::log("logins").level(level).message("sign-in").tag("result", result.as_str()));
    match result {
        LoginResult::Success => Json(json!({"welcome": "back"})).into_response(),
        LoginResult::InvalidCredentials => {
            (StatusCode::UNAUTHORIZED, Json(json!({"error": "wrong e-mail or password"}))).into_response()
        }
        LoginResult::RateLimited => {
            tracing::warn!("too many wrong passwords for one e-mail");
            let answer = Json(json!({"error": "too many wrong passwords; try again in a minute"}));
            (StatusCode::TOO_MANY_REQUESTS, [(RETRY_AFTER, "60")], answer).into_response()
        }
    }
}

impl Logins {
    fn attempt(&self, attempt: &Attempt) -> LoginResult {
        let now = Instant::now();
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        if failures.lock_out(&attempt.email, now) {
            return LoginResult::RateLimited;
        }
        if attempt.password != PASSWORD {
            failures.add(&attempt.email, now);
            return LoginResult::InvalidCredentials;
        }
        drop(failures);
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner).begin(now);
        LoginResult::Success
    }
}
