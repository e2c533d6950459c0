//! The committed files below `examples/stack`: what the code renders, and nothing else.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Once;

use watchkeeper::stack::alertmanager::{self, Routing};
use watchkeeper::stack::logstash::{self, Pipeline};
use watchkeeper::stack::rule::RuleFile;
use watchkeeper::stack::{Settings, alerts, prometheus, recording, reference, slo};

use crate::support::generated::compare;
use crate::{objectives, scenarios, traps};

const COMMAND: &str = "cargo test --all-features --test stack files";

/// A file below `examples/stack`, as it is to be found on the disk.
pub(crate) fn path(below: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/stack").join(below)
}

/// Every file of rules, by name.
pub(crate) fn rule_files(settings: &Settings) -> Vec<(String, RuleFile)> {
    let alerts = alerts::all(settings).into_iter().map(|(name, file)| (name.to_owned(), file));
    // Each objective has a file of its own: an operator keeps those that are promised.
    let slos = slo::SHIPPED.iter().map(|slo| (format!("slo-{}", slo.name()), slo::rules(&[*slo])));
    alerts.chain([("panels".to_owned(), recording::file())]).chain(slos).collect()
}

fn all() -> Vec<(String, String)> {
    let settings = Settings::default();
    let mut files: Vec<(String, String)> = Vec::new();
    for (name, file) in rule_files(&settings) {
        let text = file.render(&settings.scope(), &settings.runbooks).unwrap_or_else(|error| panic!("{error}"));
        files.push((format!("prometheus/rules/{name}.yml"), text));
    }
    for (name, text) in scenarios::files().into_iter().chain(objectives::files()).chain([traps::file()]) {
        files.push((format!("prometheus/tests/{name}.yml"), text));
    }
    // Two that look after the same services, and tell both Alertmanagers.
    let pair = ["a", "b"].map(|replica| {
        let mut settings = Settings::default();
        replica.clone_into(&mut settings.replica);
        settings.alertmanagers = ["alertmanager:9093", "alertmanager-b:9093"].map(str::to_owned).to_vec();
        let name = format!("prometheus/prometheus.ha-{replica}.yml");
        (name, prometheus::render_discovery(&settings, "tcp://docker-proxy:2375"))
    });
    files.extend(pair);
    let mut first = Routing::webhook_only("http://api:3000/api/v1/monitoring/webhooks/alertmanager");
    first.webhook = first.webhook.map(|webhook| webhook.token_file("/run/secrets/monitoring_token"));
    files.push(("alertmanager/alertmanager.webhook.yml".to_owned(), alertmanager::render(&first)));
    let others = ["prometheus-a:9090", "prometheus-b:9090"];
    files.extend([
        ("prometheus/prometheus.yml".to_owned(), prometheus::render(&settings)),
        (
            "prometheus/prometheus.discovery.yml".to_owned(),
            prometheus::render_discovery(&settings, "tcp://docker-proxy:2375"),
        ),
        ("prometheus/prometheus.federation.yml".to_owned(), prometheus::render_federation(&settings, &others)),
        ("alertmanager/alertmanager.yml".to_owned(), alertmanager::render(&Routing::default())),
        ("logstash/logstash.conf".to_owned(), logstash::render(&Pipeline::default())),
    ]);
    files
}

/// The page of the shipped objectives.
fn objectives_page() -> String {
    format!(
        "<!-- Generated from the code by `{COMMAND}`; changes by hand are overwritten. -->\n# Objectives\n\n\
         What `watchkeeper::stack::slo::SHIPPED` promises, each kept over 30 days. A budget is written as time in which \
         everything goes\nwrong. [Rules](guide/rules.md#objectives) says how an app declares its own.\n\n{}",
        reference::objectives(slo::SHIPPED)
    )
}

/// Makes sure that what other tests read from the disk is what the code renders.
pub(crate) fn bring_up_to_date() {
    // Once, so that no test reads a file which another is writing.
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        for (name, text) in all() {
            compare(&format!("examples/stack/{name}"), &text, COMMAND);
        }
        compare("docs/objectives.md", &objectives_page(), COMMAND);
    });
}

#[test]
fn the_committed_files_are_what_the_code_renders() {
    bring_up_to_date();
}

#[test]
fn no_file_of_rules_or_tests_is_left_from_before() {
    bring_up_to_date();
    let rendered: BTreeSet<PathBuf> = all().into_iter().map(|(name, _)| path(&name)).collect();
    for folder in ["prometheus/rules", "prometheus/tests"] {
        for entry in std::fs::read_dir(path(folder)).expect("the folder is committed") {
            let file = entry.expect("the folder can be listed").path();
            assert!(rendered.contains(&file), "{} is rendered no more", file.display());
        }
    }
}
