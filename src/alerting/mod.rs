//! Alerts: rules, the states of what they find, and those who are told.

mod evaluator;
mod file;
mod group;
mod handle;
mod incidents;
mod live;
mod notify;
mod options;
mod outgoing;
mod receiver;
mod rehearsal;
mod rule;
mod states;
mod template;
mod threshold;
mod told;

pub use evaluator::Evaluation;
pub use file::{MAX_FILE_RULES, MAX_RULE_FILE_BYTES, RuleFile, RuleFileError, RuleGroup};
pub use group::{RuleHealth, RuleSource};
pub(crate) use handle::Parts;
pub use handle::{Alerting, ReceiveError, Received, RuleStatus};
pub use incidents::IncidentPolicy;
pub use notify::{AlertWebhook, Alertmanager, AlertmanagerError, RuleWebhooks, WebhookSettingError};
pub use options::{AlertingOptions, InvalidAlerting};
pub use outgoing::{AddressError, AllowList};
pub use receiver::{MAX_WEBHOOK_ALERTS, MAX_WEBHOOK_BYTES, WebhookRefusal, WebhookSecret};
pub use rehearsal::Rehearsal;
pub use rule::{Rule, RuleError};
pub use states::{Notice, OUTAGE_TOLERANCE, RESOLVED_RETENTION, RuleAlerts, StepError, Terms, Transition};
pub use template::{ExpandError, MAX_EXPANDED_BYTES, Template, TemplateData, TemplateError, TemplateSample};
