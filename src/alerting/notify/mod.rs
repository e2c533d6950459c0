//! Those who are told of alerts: Alertmanager, and webhooks.

mod alertmanager;
mod outbox;
mod payload;
mod post;
mod webhook;

pub use alertmanager::{Alertmanager, AlertmanagerError};
pub(super) use outbox::Outbox;
pub(super) use webhook::WEBHOOK_URL;
pub use webhook::{AlertWebhook, RuleWebhooks, WebhookSettingError};
