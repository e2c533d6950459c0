//! Alertmanager's webhook, version 4: who may send it, what is in it, and what of it is news.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::Deserialize;
use subtle::ConstantTimeEq;
use thiserror::Error;

use crate::alert::{Alert, AlertState};
use crate::id::Id;
use crate::sanitise::{MAX_TEXT_BYTES, truncate};
use crate::signature::Key;
use crate::timestamp::Timestamp;

/// The largest message that is taken, in bytes.
pub const MAX_WEBHOOK_BYTES: usize = 4 << 20;

/// The most alerts that a message may have.
pub const MAX_WEBHOOK_ALERTS: usize = 10_000;

/// How old or how far in the future a signed message may be.
const WINDOW: Duration = Duration::from_secs(300);

/// The rule that alerts of others are kept under.
pub(super) const RECEIVED: Id = Id::MIN;

/// What a sender of webhooks has to bring.
#[derive(Clone)]
pub struct WebhookSecret(Secret);

#[derive(Clone)]
enum Secret {
    Authorization(String),
    Signature(Key),
}

/// Says why a webhook is not taken.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum WebhookRefusal {
    /// The sender did not bring what it has to: 401.
    #[error("the sender is not known, or its signature is not that of this message")]
    Unknown,
    /// The signature is right and too old, or from the future: 401.
    #[error("the message was signed more than five minutes ago, or in the future")]
    Stale,
    /// It is no message of Alertmanager's, version 4: 400.
    #[error("this is no message of Alertmanager's webhook, version 4: {0}")]
    Malformed(String),
    /// It has more than is taken: 413.
    #[error("the message is too large")]
    TooLarge,
}

impl WebhookSecret {
    /// Wants `Authorization: Bearer …` with this token.
    pub fn bearer(token: impl AsRef<str>) -> Self {
        Self(Secret::Authorization(format!("Bearer {}", token.as_ref().trim())))
    }

    /// Wants `Authorization: Basic …` with this name and password.
    pub fn basic(name: impl AsRef<str>, password: impl AsRef<str>) -> Self {
        let pair = BASE64.encode(format!("{}:{}", name.as_ref(), password.as_ref()));
        Self(Secret::Authorization(format!("Basic {pair}")))
    }

    /// Wants a signature by this secret: that of Standard Webhooks, or Grafana's in `X-Grafana-Alerting-Signature` over
    /// the time in `X-Grafana-Alerting-Timestamp`, a colon and the body. A signature is good for five minutes. `None`
    /// where the secret is empty, or is no base64 after `whsec_`.
    pub fn signature(secret: &str) -> Option<Self> {
        Key::read(secret).map(|key| Self(Secret::Signature(key)))
    }

    fn is_in(&self, headers: &http::HeaderMap, body: &[u8], now: Timestamp) -> Result<(), WebhookRefusal> {
        let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let key = match &self.0 {
            Secret::Authorization(expected) => {
                let sent = header("authorization").unwrap_or("");
                // What stands before the space may be in any case.
                let sent = sent.split_once(' ').map_or_else(String::new, |(scheme, rest)| {
                    let scheme = ["Bearer", "Basic"].into_iter().find(|known| known.eq_ignore_ascii_case(scheme));
                    format!("{} {}", scheme.unwrap_or(""), rest.trim())
                });
                let is_right = bool::from(sent.as_bytes().ct_eq(expected.as_bytes()));
                return if is_right { Ok(()) } else { Err(WebhookRefusal::Unknown) };
            }
            Secret::Signature(key) => key,
        };
        let standard = [header("webhook-id"), header("webhook-timestamp"), header("webhook-signature")];
        let (at, is_signed) = match standard {
            [Some(id), Some(at), Some(signature)] => {
                let seconds = at.parse().unwrap_or(i64::MIN);
                (Some(seconds), key.is_signed(signature, id, seconds, body))
            }
            _ => {
                let (signature, at) = (header("x-grafana-alerting-signature"), header("x-grafana-alerting-timestamp"));
                let is_signed =
                    signature.zip(at).is_some_and(|(signature, at)| key.is_signed_in_hex(signature, at, body));
                (at.and_then(|at| at.parse().ok()), is_signed)
            }
        };
        let now = now.as_micros() / 1_000_000;
        match at {
            _ if !is_signed => Err(WebhookRefusal::Unknown),
            Some(at) if now.abs_diff(at) <= WINDOW.as_secs() => Ok(()),
            _ => Err(WebhookRefusal::Stale),
        }
    }
}

/// Takes a sender that brings one of what is wanted.
pub(super) fn admit(
    wanted: &[WebhookSecret],
    headers: &http::HeaderMap,
    body: &[u8],
    now: Timestamp,
) -> Result<(), WebhookRefusal> {
    let mut refusal = WebhookRefusal::Unknown;
    for secret in wanted {
        match secret.is_in(headers, body, now) {
            Ok(()) => return Ok(()),
            Err(WebhookRefusal::Stale) => refusal = WebhookRefusal::Stale,
            Err(_) => {}
        }
    }
    Err(refusal)
}

#[derive(Deserialize)]
struct Message {
    version: String,
    alerts: Vec<Told>,
}

/// An alert as Alertmanager tells of it.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Told {
    status: Status,
    labels: BTreeMap<String, String>,
    #[serde(default)]
    annotations: BTreeMap<String, String>,
    starts_at: Timestamp,
    #[serde(default)]
    ends_at: Option<Timestamp>,
    #[serde(default, rename = "generatorURL")]
    generator_url: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Status {
    Firing,
    Resolved,
}

pub(super) fn read(body: &[u8]) -> Result<Vec<Told>, WebhookRefusal> {
    if body.len() > MAX_WEBHOOK_BYTES {
        return Err(WebhookRefusal::TooLarge);
    }
    let message: Message =
        serde_json::from_slice(body).map_err(|error| WebhookRefusal::Malformed(error.to_string()))?;
    if message.version != "4" {
        return Err(WebhookRefusal::Malformed(format!("it is version {:?}", truncate(&message.version, 16))));
    }
    if message.alerts.len() > MAX_WEBHOOK_ALERTS {
        return Err(WebhookRefusal::TooLarge);
    }
    Ok(message.alerts)
}

impl Told {
    /// What makes it the same alert as before.
    pub(super) fn fingerprint(&self) -> String {
        Alert::fingerprint(RECEIVED, &self.labels)
    }

    /// The fingerprint that it has as an alert of our own, where the link in it is one of ours.
    pub(super) fn fingerprint_of_ours(&self, external_labels: &BTreeMap<String, String>) -> Option<String> {
        let rule: Id = self.generator_url.rsplit('/').next()?.parse().ok()?;
        let mut labels = self.labels.clone();
        labels.retain(|name, value| external_labels.get(name) != Some(value));
        Some(Alert::fingerprint(rule, &labels))
    }

    /// The alert as it stands once this is known; `None` where it is no news.
    ///
    /// What is known is in an order: by when the alert began, then firing before resolved. Only what is later in it
    /// changes something, so messages may come again and in any order.
    pub(super) fn after(&self, known: Option<&Alert>, now: Timestamp) -> Option<Alert> {
        let news = (self.starts_at, self.status);
        if known.is_some_and(|known| place(known) >= news) {
            return None;
        }
        let labels = self.labels.iter().take(crate::sample::MAX_LABELS);
        let labels = labels.map(|(name, value)| (name.clone(), truncate(value, MAX_TEXT_BYTES).to_owned()));
        let mut alert = Alert::new(RECEIVED, labels.collect(), self.starts_at);
        alert.fingerprint = self.fingerprint();
        alert.annotations = self
            .annotations
            .iter()
            .map(|(name, text)| (name.clone(), truncate(text, MAX_TEXT_BYTES).to_owned()))
            .collect();
        alert.fired_at = Some(self.starts_at);
        alert.evaluated_at = now;
        alert.state = match self.status {
            Status::Firing => AlertState::Firing,
            Status::Resolved => AlertState::Resolved,
        };
        // A time that was never set is in the year 1.
        let ended = self.ends_at.filter(|at| *at > Timestamp::EPOCH).unwrap_or(now);
        alert.resolved_at = (self.status == Status::Resolved).then_some(ended);
        if let Some(known) = known {
            (alert.id, alert.incident) = (known.id, known.incident);
        }
        Some(alert)
    }
}

fn place(alert: &Alert) -> (Timestamp, Status) {
    let status = if alert.state == AlertState::Resolved { Status::Resolved } else { Status::Firing };
    (alert.fired_at.unwrap_or(alert.active_at), status)
}

impl fmt::Debug for WebhookSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Secret::Authorization(_) => "WebhookSecret(authorization)",
            Secret::Signature(_) => "WebhookSecret(signature)",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(status: Status, starts: i64) -> Told {
        Told {
            status,
            labels: BTreeMap::from([("alertname".to_owned(), "Down".to_owned())]),
            annotations: BTreeMap::new(),
            starts_at: Timestamp::from_micros(starts * 1_000_000),
            ends_at: Some(Timestamp::from_micros((starts + 5) * 1_000_000)),
            generator_url: String::new(),
        }
    }

    #[test]
    fn messages_in_any_order_and_any_number_of_times_come_to_the_same() {
        let messages = [
            told(Status::Firing, 10),
            told(Status::Resolved, 10),
            told(Status::Firing, 20),
            told(Status::Resolved, 20),
        ];
        // Every sequence of six of the four in which each of the four is there.
        for code in 0..4_usize.pow(6) {
            let sequence: Vec<_> = (0..6).map(|at| code / 4_usize.pow(at) % 4).collect();
            if !(0..4).all(|message| sequence.contains(&message)) {
                continue;
            }
            let mut known = None;
            for message in &sequence {
                known = messages[*message].after(known.as_ref(), Timestamp::EPOCH).or(known);
            }
            let known = known.unwrap();
            assert_eq!(
                (known.state, known.fired_at),
                (AlertState::Resolved, Some(messages[3].starts_at)),
                "{sequence:?}"
            );
        }
    }
}
