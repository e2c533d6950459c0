//! Alerts as Alertmanager reads and writes them.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::alert::AlertState;
use crate::alerting::states::Notice;
use crate::timestamp::Timestamp;

/// An alert of Alertmanager's API, version 2.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Posted {
    labels: BTreeMap<String, String>,
    annotations: BTreeMap<String, String>,
    starts_at: Timestamp,
    ends_at: Timestamp,
    #[serde(rename = "generatorURL")]
    generator_url: String,
}

impl Posted {
    pub(super) fn of(notice: &Notice, external_labels: &BTreeMap<String, String>, external_url: &str) -> Self {
        let alert = &notice.alert;
        let mut labels = alert.labels.clone();
        for (name, value) in external_labels {
            labels.entry(name.clone()).or_insert_with(|| value.clone());
        }
        Self {
            labels,
            annotations: alert.annotations.clone(),
            starts_at: alert.fired_at.unwrap_or(alert.active_at),
            ends_at: notice.ends_at,
            generator_url: generator_url(notice, external_url),
        }
    }
}

/// Where the rule of an alert is found. By the id at its end a webhook knows the alert of its own again.
fn generator_url(notice: &Notice, external_url: &str) -> String {
    format!("{}/api/v1/monitoring/alerts/{}", external_url.trim_end_matches('/'), notice.alert.rule)
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Member {
    status: &'static str,
    fingerprint: String,
    #[serde(flatten)]
    alert: Posted,
}

/// A message in the shape of Alertmanager's webhook, version 4.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::alerting) struct Group {
    version: &'static str,
    group_key: String,
    truncated_alerts: u32,
    status: &'static str,
    receiver: &'static str,
    group_labels: BTreeMap<String, String>,
    common_labels: BTreeMap<String, String>,
    common_annotations: BTreeMap<String, String>,
    #[serde(rename = "externalURL")]
    external_url: String,
    alerts: Vec<Member>,
}

/// Puts notices into one message.
pub(in crate::alerting) fn group(
    notices: &[Notice],
    external_labels: &BTreeMap<String, String>,
    external_url: &str,
) -> Group {
    let firing = |notice: &Notice| if notice.alert.state == AlertState::Firing { "firing" } else { "resolved" };
    let member = |notice: &Notice| {
        let mut alert = Posted::of(notice, external_labels, external_url);
        if notice.alert.state == AlertState::Firing {
            // What Alertmanager writes for "not yet".
            alert.ends_at = Timestamp::MIN;
        }
        Member { status: firing(notice), fingerprint: notice.alert.fingerprint.clone(), alert }
    };
    let alerts: Vec<_> = notices.iter().map(member).collect();
    let common = |texts: fn(&Posted) -> &BTreeMap<String, String>| {
        let mut all = alerts.iter().map(|member| texts(&member.alert));
        let mut common = all.next().cloned().unwrap_or_default();
        all.for_each(|texts| common.retain(|name, text| texts.get(name) == Some(text)));
        common
    };
    let status = if notices.iter().any(|notice| firing(notice) == "firing") { "firing" } else { "resolved" };
    Group {
        version: "4",
        group_key: "{}:{}".to_owned(),
        truncated_alerts: 0,
        status,
        receiver: "watchkeeper",
        group_labels: BTreeMap::new(),
        common_labels: common(|alert| &alert.labels),
        common_annotations: common(|alert| &alert.annotations),
        external_url: external_url.to_owned(),
        alerts,
    }
}
