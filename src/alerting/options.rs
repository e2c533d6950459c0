//! Choices about alerts: the rules, who is told, what becomes an incident.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use thiserror::Error;

use super::file::{RuleFile, RuleFileError, RuleGroup};
use super::incidents::IncidentPolicy;
use super::notify::{AlertWebhook, Alertmanager, RuleWebhooks};
use super::receiver::WebhookSecret;
use super::rule::{Rule, RuleError};
use crate::environment::Environment;
use crate::promql::engine::Limits;
use crate::rule::AlertRule;

/// The group of rules that are made in the app's code.
const OF_THE_APP: &str = "app";

/// Choices about alerts.
///
/// ```no_run
/// use watchkeeper::alerting::{Alertmanager, AlertingOptions, IncidentPolicy};
///
/// let alerts = AlertingOptions::new()
///     .rule_file("rules/")?
///     .alertmanager(Alertmanager::new(["http://alertmanager:9093"])?)
///     .incidents(IncidentPolicy::new().group_by(["service"]));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
#[must_use = "options do nothing until they are used"]
pub struct AlertingOptions {
    pub(super) groups: Vec<RuleGroup>,
    pub(super) interval: Duration,
    pub(super) resend_after: Duration,
    pub(super) alertmanager: Option<Alertmanager>,
    pub(super) webhooks: Vec<AlertWebhook>,
    pub(super) rule_webhooks: Option<RuleWebhooks>,
    pub(super) incidents: Option<IncidentPolicy>,
    pub(super) received: Vec<WebhookSecret>,
    pub(super) external_labels: BTreeMap<String, String>,
    pub(super) external_url: String,
    pub(super) limits: Limits,
}

/// Says which variable cannot be used, and why.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{variable}: {reason}")]
#[non_exhaustive]
pub struct InvalidAlerting {
    /// The variable.
    pub variable: &'static str,
    /// What is wrong with it.
    pub reason: String,
}

impl Default for AlertingOptions {
    fn default() -> Self {
        Self {
            groups: Vec::new(),
            interval: Duration::from_secs(15),
            resend_after: Duration::from_secs(60),
            alertmanager: None,
            webhooks: Vec::new(),
            rule_webhooks: None,
            incidents: Some(IncidentPolicy::default()),
            received: Vec::new(),
            external_labels: BTreeMap::new(),
            external_url: String::new(),
            limits: Limits::default(),
        }
    }
}

impl AlertingOptions {
    /// Makes no choice: rules come by the API alone, nobody outside is told, and alerts open incidents.
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads choices from the environment:
    ///
    /// | variable | what it says |
    /// | --- | --- |
    /// | `MONITORING_RULE_FILES` | rule files or folders of such, by commas |
    /// | `MONITORING_ALERTMANAGER_URLS` | addresses of Alertmanager's peers, by commas |
    /// | `MONITORING_ALERTMANAGER_TOKEN` | what Alertmanager's webhook has to bring as its bearer token |
    ///
    /// # Errors
    ///
    /// [`InvalidAlerting`] naming the variable that cannot be used.
    pub fn from_environment(environment: &Environment) -> Result<Self, InvalidAlerting> {
        const FILES: &str = "MONITORING_RULE_FILES";
        const PEERS: &str = "MONITORING_ALERTMANAGER_URLS";
        const TOKEN: &str = "MONITORING_ALERTMANAGER_TOKEN";
        let get = |variable| {
            environment.get(variable).map_err(|error| InvalidAlerting { variable, reason: error.to_string() })
        };
        let list = |text: &str| -> Vec<String> {
            text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect()
        };
        let mut options = Self::new();
        for file in get(FILES)?.iter().flat_map(|files| list(files)) {
            let invalid = |error: RuleFileError| InvalidAlerting { variable: FILES, reason: error.to_string() };
            options = options.rule_file(file).map_err(invalid)?;
        }
        if let Some(peers) = get(PEERS)? {
            let peers = Alertmanager::new(list(&peers));
            let peers = peers.map_err(|error| InvalidAlerting { variable: PEERS, reason: error.to_string() })?;
            options = options.alertmanager(peers);
        }
        if let Some(token) = get(TOKEN)? {
            options = options.receive(WebhookSecret::bearer(token));
        }
        Ok(options)
    }

    /// Adds the rules of a Prometheus rule file, or of a folder of such.
    ///
    /// # Errors
    ///
    /// When a file cannot be read, or something in it is wrong; with the file's name, line and column.
    pub fn rule_file(self, path: impl AsRef<Path>) -> Result<Self, RuleFileError> {
        Ok(self.rules(RuleFile::load(path)?))
    }

    /// Adds rules that have been read from text.
    pub fn rules(mut self, file: RuleFile) -> Self {
        self.groups.extend(file.groups);
        self
    }

    /// Adds a rule of the app's own. It is known again after a restart by its name and labels.
    ///
    /// # Errors
    ///
    /// When its query or a template cannot be evaluated, or its threshold contradicts its query.
    pub fn rule(mut self, rule: AlertRule) -> Result<Self, RuleError> {
        let rule = Rule::of_the_app(rule, OF_THE_APP)?;
        match self.groups.iter_mut().find(|group| group.name == OF_THE_APP) {
            Some(group) => group.rules.push(rule),
            None => self.groups.push(RuleGroup {
                name: OF_THE_APP.to_owned(),
                interval: None,
                query_offset: Duration::ZERO,
                rules: vec![rule],
            }),
        }
        Ok(self)
    }

    /// Evaluates groups that name no interval of their own so often, at least every second. Default: every 15 s, as often
    /// as the history samples.
    pub fn interval(mut self, interval: Duration) -> Self {
        self.interval = interval.max(Duration::from_secs(1));
        self
    }

    /// Tells those who are notified again of an alert that still fires after so long. Default: a minute.
    pub fn resend_after(mut self, time: Duration) -> Self {
        self.resend_after = time;
        self
    }

    /// Sends alerts to Alertmanager. Default: to none.
    pub fn alertmanager(mut self, alertmanager: Alertmanager) -> Self {
        self.alertmanager = Some(alertmanager);
        self
    }

    /// Tells a webhook of every alert; called again, one more. Default: none.
    pub fn webhook(mut self, webhook: AlertWebhook) -> Self {
        self.webhooks.push(webhook);
        self
    }

    /// Lets rules name webhooks of their own. Default: an annotation `webhook_url` is a text like any other, and a rule
    /// that comes by the API with one is refused.
    pub fn rule_webhooks(mut self, webhooks: RuleWebhooks) -> Self {
        self.rule_webhooks = Some(webhooks);
        self
    }

    /// Says which alerts become incidents. Default: all, one incident for each name.
    pub fn incidents(mut self, policy: IncidentPolicy) -> Self {
        self.incidents = Some(policy);
        self
    }

    /// Opens no incidents.
    pub fn no_incidents(mut self) -> Self {
        self.incidents = None;
        self
    }

    /// Takes Alertmanager's webhooks from who brings this; called again, from others too. Default: from nobody.
    pub fn receive(mut self, secret: WebhookSecret) -> Self {
        self.received.push(secret);
        self
    }

    /// Adds a label to what is sent to Alertmanager, to tell this instance's alerts from others', as Prometheus'
    /// `external_labels` do. Default: none.
    pub fn external_label(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.external_labels.insert(name.into(), value.into());
        self
    }

    /// Says where this app is reached from outside, for links in what is sent. Default: nowhere, and links have a path alone.
    pub fn external_url(mut self, url: impl Into<String>) -> Self {
        self.external_url = url.into();
        self
    }

    /// Bounds what evaluating one query may cost. Default: those of [`Limits`].
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }
}
