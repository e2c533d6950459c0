//! Sending over HTTP: one request at a time, each within its time, whatever the server does.

use std::io::Read;
use std::time::{Duration, Instant};

use sentry::types::Dsn;
use ureq::Agent;

/// How long one request may take, from the look-up of the host to the end of the answer.
const REQUEST: Duration = Duration::from_secs(5);

/// How long connecting may take.
const CONNECT: Duration = Duration::from_secs(2);

/// How long the body of an answer is listened to, and how much of it.
const BODY: Duration = Duration::from_secs(1);
const MOST_BODY: u64 = 64 * 1024;

/// What the client calls itself.
const AGENT: &str = concat!("watchkeeper/", env!("CARGO_PKG_VERSION"));

/// Sends envelopes to one server.
pub(super) struct Post {
    agent: Agent,
    url: String,
    auth: String,
}

/// What a server said.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) rate_limits: Option<String>,
    pub(super) retry_after: Option<String>,
}

impl Post {
    pub(super) fn new(dsn: &Dsn) -> Self {
        let agent = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .max_idle_connections(1)
            .max_response_header_size(MOST_BODY as usize)
            .user_agent(AGENT)
            .timeout_connect(Some(CONNECT))
            .timeout_recv_body(Some(BODY))
            .build()
            .new_agent();
        Self { agent, url: dsn.envelope_api_url().to_string(), auth: dsn.to_auth(Some(AGENT)).to_string() }
    }

    /// Sends an envelope; `None` where there is no answer in time.
    pub(super) fn send(&self, envelope: &[u8], deadline: Option<Instant>) -> Option<Answer> {
        let left = deadline.map_or(REQUEST, |deadline| deadline.saturating_duration_since(Instant::now()).min(REQUEST));
        if left.is_zero() {
            return None;
        }
        let request = self
            .agent
            .post(&self.url)
            .config()
            .timeout_global(Some(left))
            .build()
            .header("content-type", "application/x-sentry-envelope")
            .header("x-sentry-auth", &self.auth);
        let (head, body) = request.send(envelope).ok()?.into_parts();
        // Read to its end where that is near, so that the connection can be used again; what it says is nobody's concern.
        let _ = std::io::copy(&mut body.into_reader().take(MOST_BODY), &mut std::io::sink());
        let header = |name: &str| head.headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        Some(Answer {
            status: head.status.as_u16(),
            rate_limits: header("x-sentry-rate-limits"),
            retry_after: header("retry-after"),
        })
    }
}
