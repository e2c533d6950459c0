//! A signed webhook: events and samples as JSON, to one address, by the rules of Standard Webhooks.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use tokio::task::spawn_blocking;

use super::pause::Pause;
use super::{ForwardError, ForwardErrorKind, ForwardFuture, Forwarded, Forwarder};
use crate::event::Event;
use crate::id::Id;
use crate::sample::Sample;
use crate::signature::Key;
use crate::timestamp::Timestamp;

/// How long a request may take, unless the app says otherwise. It is shorter than the journal's deadline of a write.
const TIMEOUT: Duration = Duration::from_secs(4);

/// The longest that a receiver's `Retry-After` is obeyed in one go.
const LONGEST_PAUSE: Duration = Duration::from_secs(300);

/// Posts events and samples as JSON, `{"events": […], "samples": […]}`, to one address, signed as
/// [Standard Webhooks](https://www.standardwebhooks.com) says.
///
/// Each request has three headers: `webhook-id`, which is the same when a batch is sent again; `webhook-timestamp` in
/// seconds, by which the receiver refuses what is old; and `webhook-signature`, `v1,` and the HMAC-SHA256 over
/// `id.timestamp.body` in base64. A receiver checks the signature before it reads the body.
///
/// | the receiver answers | what becomes of the batch |
/// | --- | --- |
/// | 2xx | stored |
/// | 408, 425, 429, 5xx, nothing | tried again; `Retry-After` is obeyed, at most five minutes at a time |
/// | 400, 413, 422 | halved, until what cannot be taken is alone; that is dropped for `invalid` |
/// | 410 | dropped for `refused` |
/// | anything else, a redirect too | dropped for `failed` |
///
/// The body of an answer is not read, and no redirect is followed.
///
/// ```
/// use watchkeeper::journal::Webhook;
/// use watchkeeper::{Watchkeeper, service_info};
///
/// let webhook = Webhook::new("https://ops.example/hooks/shop", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")?;
/// let watch = Watchkeeper::builder(service_info!()).forward(webhook).build()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Webhook {
    inner: Arc<Inner>,
}

struct Inner {
    address: http::Uri,
    key: Key,
    agent: ureq::Agent,
    pause: Pause,
}

/// Says what is wrong with the settings of a webhook.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WebhookError {
    /// The address is none of `http` or `https`.
    #[error("the webhook's address is no URL of http or https")]
    Address,
    /// The secret is empty, or begins with `whsec_` and is not base64 after that.
    #[error("the webhook's secret is empty, or is no base64 after `whsec_`")]
    Secret,
}

impl Webhook {
    /// Makes a webhook. A secret in the form of Standard Webhooks, `whsec_` and base64, is decoded; any other is taken as
    /// it is. A request may take 4 s.
    ///
    /// # Errors
    ///
    /// When the address is no URL, or the secret cannot be read.
    pub fn new(address: &str, secret: &str) -> Result<Self, WebhookError> {
        let address: http::Uri = address.parse().map_err(|_| WebhookError::Address)?;
        if !matches!(address.scheme_str(), Some("http" | "https")) || address.host().is_none() {
            return Err(WebhookError::Address);
        }
        let key = Key::read(secret).ok_or(WebhookError::Secret)?;
        let agent = ureq::Agent::config_builder()
            .timeout_global(Some(TIMEOUT))
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .user_agent(concat!("watchkeeper/", env!("CARGO_PKG_VERSION")))
            .build()
            .new_agent();
        Ok(Self { inner: Arc::new(Inner { address, key, agent, pause: Pause::default() }) })
    }
}

impl Forwarder for Webhook {
    fn forward<'a>(&'a self, batch: &'a [Forwarded]) -> ForwardFuture<'a> {
        let body = Body::of(batch);
        let message = body.id.map(|id| format!("{id}_{}", batch.len()));
        let body = serde_json::to_vec(&body);
        let inner = Arc::clone(&self.inner);
        Box::pin(async move {
            let (Some(message), Ok(body)) = (message, body) else {
                return Err(ForwardError::new(ForwardErrorKind::Invalid));
            };
            if inner.pause.is_on() {
                return Err(ForwardError::new(ForwardErrorKind::Unavailable).because("the receiver asked to wait"));
            }
            let sent = spawn_blocking(move || inner.send(&message, &body, Timestamp::now()));
            sent.await.unwrap_or_else(|error| Err(ForwardError::new(ForwardErrorKind::Unavailable).because(error)))
        })
    }
}

impl Inner {
    fn send(&self, message: &str, body: &[u8], now: Timestamp) -> Result<(), ForwardError> {
        let seconds = now.as_micros() / 1_000_000;
        let answer = self
            .agent
            .post(&self.address)
            .header("content-type", "application/json")
            .header("webhook-id", message)
            .header("webhook-timestamp", seconds)
            .header("webhook-signature", self.key.sign(message, seconds, body))
            .send(body)
            .map_err(|error| ForwardError::new(ForwardErrorKind::Unavailable).because(error))?;
        let status = answer.status().as_u16();
        let kind = match status {
            200..=299 => return Ok(()),
            408 | 425 | 429 | 500..=599 => ForwardErrorKind::Unavailable,
            400 | 413 | 422 => ForwardErrorKind::Invalid,
            410 => ForwardErrorKind::Refused,
            _ => ForwardErrorKind::Failed,
        };
        let wait = answer.headers().get("retry-after").and_then(|wait| wait.to_str().ok()?.trim().parse().ok());
        if let (ForwardErrorKind::Unavailable, Some(wait)) = (kind, wait.map(Duration::from_secs)) {
            self.pause.begin(wait.min(LONGEST_PAUSE));
        }
        Err(ForwardError::new(kind).because(format!("the receiver answered {status}")))
    }
}

/// What is sent.
#[derive(Serialize)]
struct Body<'a> {
    events: Vec<&'a Event>,
    samples: Vec<&'a Sample>,
    #[serde(skip)]
    id: Option<Id>,
}

impl<'a> Body<'a> {
    fn of(batch: &'a [Forwarded]) -> Self {
        let mut body = Self { events: Vec::new(), samples: Vec::new(), id: None };
        for item in batch {
            let id = match item {
                Forwarded::Event(event) => {
                    body.events.push(event);
                    event.id()
                }
                Forwarded::Sample(sample) => {
                    body.samples.push(sample);
                    sample.id()
                }
            };
            body.id.get_or_insert(id);
        }
        body
    }
}

impl fmt::Debug for Webhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // An address may hold credentials, and the path may be one.
        f.debug_struct("Webhook").field("host", &self.inner.address.host()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_set_wrong_is_said_and_nothing_secret_is_shown() {
        let error = |address, secret| Webhook::new(address, secret).err();
        for address in ["", "ops.example", "ftp://ops.example", "https://", "not a url"] {
            assert_eq!(error(address, "s"), Some(WebhookError::Address), "{address}");
        }
        for secret in ["", "whsec_", "whsec_%"] {
            assert_eq!(error("https://ops.example", secret), Some(WebhookError::Secret), "{secret}");
        }
        let webhook = Webhook::new("https://me:pass@ops.example/hooks/T0KEN", "s3cret").unwrap();
        assert_eq!(format!("{webhook:?}"), "Webhook { host: Some(\"ops.example\"), .. }");
    }
}
