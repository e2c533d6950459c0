//! The labels that a scrape of this service would put on every series.

use std::fs;

use crate::promql::TARGET_LABELS;
use crate::promql::engine::{LabelSet, METRIC_NAME};

/// The names under which a metric's own labels go on where the target has one of the same name.
const MOVED: &str = "exported_";

/// What is put on every series.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) instance: String,
    pub(super) job: String,
}

impl Target {
    /// Puts the target's labels beside a series' own, as Prometheus does: an own label that is in the way is renamed.
    pub(super) fn label(&self, name: String, own: Vec<(String, String)>) -> LabelSet {
        let mut labels: Vec<(String, String)> = Vec::with_capacity(own.len() + 1 + TARGET_LABELS.len());
        labels.push((METRIC_NAME.to_owned(), name));
        let taken = |own: &[(String, String)], label: &str| own.iter().any(|(name, _)| name == label);
        for (label, value) in &own {
            let mut label = label.clone();
            while TARGET_LABELS.contains(&label.as_str()) || label.starts_with(MOVED) && taken(&labels, &label) {
                label.insert_str(0, MOVED);
            }
            labels.push((label, value.clone()));
        }
        for label in TARGET_LABELS {
            labels.push((label.to_owned(), if label == "instance" { &self.instance } else { &self.job }.clone()));
        }
        LabelSet::new(labels)
    }
}

/// Returns the machine's name: that of the container, where the service is in one.
pub(super) fn host_name() -> String {
    let name = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let name = crate::sanitise::label_value(name.trim()).into_owned();
    if name.is_empty() { "localhost".to_owned() } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_series_has_the_labels_of_its_target_and_its_own_ones_give_way() {
        let target = Target { instance: "shop:3000".into(), job: "shop".into() };
        let own = [("path", "/a"), ("service", "theirs"), ("exported_service", "older")];
        let own = own.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        let labels = target.label("up".into(), own);
        assert_eq!(
            labels.iter().collect::<Vec<_>>(),
            [
                ("__name__", "up"),
                ("exported_exported_service", "older"),
                ("exported_service", "theirs"),
                ("instance", "shop:3000"),
                ("job", "shop"),
                ("path", "/a"),
                ("service", "shop"),
            ]
        );
    }
}
