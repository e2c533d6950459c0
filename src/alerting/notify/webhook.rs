//! Webhooks that are told of alerts, signed by the rules of Standard Webhooks.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use super::outbox::Post;
use super::payload::group;
use super::post::post;
use crate::alerting::outgoing::{AddressError, AllowList};
use crate::alerting::states::Notice;
use crate::journal::{Fault, Then};
use crate::presets::monitoring::DropReason;
use crate::signature::Key;
use crate::timestamp::Timestamp;

/// The annotation by which a rule names a webhook of its own.
pub(in crate::alerting) const WEBHOOK_URL: &str = "webhook_url";

/// How long a request may take.
const TIMEOUT: Duration = Duration::from_secs(4);

/// Tells one address of every alert that fires and of every one that is over.
///
/// The body has the shape of Alertmanager's webhook (version 4), and is signed as
/// [`journal::Webhook`](crate::journal) signs: `webhook-id`, `webhook-timestamp`, `webhook-signature`. What becomes of it
/// by the answer is the same too: 2xx has arrived; 408, 425, 429, 5xx and nothing are tried again; 400, 413 and 422 are
/// halved; anything else is dropped.
#[derive(Clone)]
pub struct AlertWebhook {
    address: http::Uri,
    key: Key,
    agent: ureq::Agent,
    external_url: String,
}

impl AlertWebhook {
    /// Makes a webhook to an address of the app's own, which is trusted. A secret in the form of Standard Webhooks,
    /// `whsec_` and base64, is decoded; any other is taken as it is. A request may take 4 s.
    ///
    /// # Errors
    ///
    /// When the address is no URL, or the secret cannot be read.
    pub fn new(address: &str, secret: &str) -> Result<Self, WebhookSettingError> {
        let address: http::Uri = address.parse().map_err(|_| WebhookSettingError::Address)?;
        if !matches!(address.scheme_str(), Some("http" | "https")) || address.host().is_none_or(str::is_empty) {
            return Err(WebhookSettingError::Address);
        }
        let key = Key::read(secret).ok_or(WebhookSettingError::Secret)?;
        let agent = ureq::Agent::config_builder()
            .timeout_global(Some(TIMEOUT))
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .user_agent(concat!("watchkeeper/", env!("CARGO_PKG_VERSION")))
            .build()
            .new_agent();
        Ok(Self { address, key, agent, external_url: String::new() })
    }

    pub(in crate::alerting) fn seen_outside(mut self, url: &str) -> Self {
        url.clone_into(&mut self.external_url);
        self
    }
}

/// Says what is wrong with the settings of a webhook.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WebhookSettingError {
    /// The address is none of `http` or `https`.
    #[error("the webhook's address is no URL of http or https")]
    Address,
    /// The secret is empty, or begins with `whsec_` and is not base64 after that.
    #[error("the webhook's secret is empty, or is no base64 after `whsec_`")]
    Secret,
}

impl Post for AlertWebhook {
    fn batch(&self) -> usize {
        64
    }

    async fn post(&self, notices: Vec<Notice>) -> Result<(), Fault> {
        send(&self.agent, self.address.clone(), &self.key, &notices, &self.external_url).await
    }
}

/// Tells the webhooks that rules name in their annotation `webhook_url`, where the allow-list has them.
///
/// A rule may come by the API, so its address is one of the list or the rule is refused; and what is connected to is
/// checked again at each connection. Requests are signed by one secret. Each is tried three times.
#[derive(Clone)]
pub struct RuleWebhooks {
    allowed: AllowList,
    key: Key,
    agent: ureq::Agent,
    external_url: String,
}

impl RuleWebhooks {
    /// Allows rules to name webhooks at these addresses, signed by a secret.
    ///
    /// # Errors
    ///
    /// When the secret cannot be read.
    pub fn new(allowed: AllowList, secret: &str) -> Result<Self, WebhookSettingError> {
        let key = Key::read(secret).ok_or(WebhookSettingError::Secret)?;
        Ok(Self { agent: allowed.agent(TIMEOUT), allowed, key, external_url: String::new() })
    }

    /// Checks the address that a rule names.
    ///
    /// # Errors
    ///
    /// Why it would not be connected to.
    pub fn check(&self, address: &str) -> Result<(), AddressError> {
        self.allowed.check(address).map(drop)
    }

    pub(in crate::alerting) fn seen_outside(mut self, url: &str) -> Self {
        url.clone_into(&mut self.external_url);
        self
    }
}

impl Post for RuleWebhooks {
    /// Each has an address of its own.
    fn batch(&self) -> usize {
        1
    }

    async fn post(&self, notices: Vec<Notice>) -> Result<(), Fault> {
        for notice in notices {
            let Some(address) = notice.alert.annotations.get(WEBHOOK_URL) else { continue };
            let refused = |error: AddressError| Fault { then: Then::Drop(DropReason::Invalid), error: error.into() };
            let address = self.allowed.check(address).map_err(refused)?;
            let sent = send(&self.agent, address, &self.key, &[notice], &self.external_url).await;
            // One that is away must not keep the others waiting for ever.
            let patience = |fault: Fault| match fault.then {
                Then::TryAgain => Fault { then: Then::Suspect, ..fault },
                _ => fault,
            };
            sent.map_err(patience)?;
        }
        Ok(())
    }
}

async fn send(
    agent: &ureq::Agent,
    address: http::Uri,
    key: &Key,
    notices: &[Notice],
    external_url: &str,
) -> Result<(), Fault> {
    let invalid = |error: Box<dyn std::error::Error + Send + Sync>| Fault { then: Then::Bisect, error };
    let body =
        serde_json::to_vec(&group(notices, &BTreeMap::new(), external_url)).map_err(|error| invalid(error.into()))?;
    let first = notices.first().map_or("", |notice| notice.alert.fingerprint.as_str());
    let at = notices.iter().map(|notice| notice.alert.evaluated_at.as_micros()).max().unwrap_or(0);
    let message = format!("{first}_{at}_{}", notices.len());
    let seconds = Timestamp::now().as_micros() / 1_000_000;
    let headers = [
        ("webhook-id", message.clone()),
        ("webhook-timestamp", seconds.to_string()),
        ("webhook-signature", key.sign(&message, seconds, &body)),
    ];
    let header = |(name, value): (&'static str, String)| {
        Ok((http::HeaderName::from_static(name), http::HeaderValue::try_from(value)?))
    };
    let headers: Result<Vec<_>, http::header::InvalidHeaderValue> = headers.into_iter().map(header).collect();
    post(agent.clone(), address, headers.map_err(|error| invalid(error.into()))?, body).await
}

impl fmt::Debug for AlertWebhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // An address may hold credentials, and the path may be one.
        f.debug_struct("AlertWebhook").field("host", &self.address.host()).finish_non_exhaustive()
    }
}

impl fmt::Debug for RuleWebhooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RuleWebhooks").field("allowed", &self.allowed).finish_non_exhaustive()
    }
}
