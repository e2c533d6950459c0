//! The rendered files, judged by promtool and amtool.

use std::process::Command;

use watchkeeper::stack::alertmanager::{self, Routing, Webhook};

use crate::files::{bring_up_to_date, path};
use crate::support::process::{Folder, program};

/// Runs a tool over files, and returns what it answers.
#[track_caller]
pub(crate) fn judged(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let wrong = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {}\n{said}{wrong}", output.status);
    said
}

fn listed(folder: &str) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(path(folder)).expect("the folder is committed");
    let mut files: Vec<_> = entries.map(|entry| entry.expect("it can be listed").path()).collect();
    files.sort();
    files
}

/// How often a file has a text.
fn count(files: &[std::path::PathBuf], text: &str) -> usize {
    files.iter().map(|file| std::fs::read_to_string(file).expect("a text").matches(text).count()).sum()
}

#[test]
fn promtool_accepts_every_configuration() {
    bring_up_to_date();
    for name in [
        "prometheus.yml",
        "prometheus.discovery.yml",
        "prometheus.ha-a.yml",
        "prometheus.ha-b.yml",
        "prometheus.federation.yml",
    ] {
        // Rule files are checked as well, and so is whether there are any.
        let said =
            judged(program("promtool", "prometheus").args(["check", "config"]).arg(path("prometheus").join(name)));
        let rules = said.contains("25 rule files found");
        assert_eq!(rules, name != "prometheus.federation.yml", "{said}");
    }
}

#[test]
fn promtool_accepts_every_rule() {
    bring_up_to_date();
    let files = listed("prometheus/rules");
    let said =
        judged(program("promtool", "prometheus").args(["check", "rules", "--lint=all", "--lint-fatal"]).args(&files));
    let (alerts, records) = (count(&files, "- alert: "), count(&files, "- record: "));
    println!("promtool check rules: {alerts} alerts and {records} recordings in {} files", files.len());
    assert_eq!(said.matches("SUCCESS").count(), files.len(), "{said}");
}

#[test]
fn promtool_sees_every_alert_fire_keep_quiet_and_resolve() {
    bring_up_to_date();
    let files = listed("prometheus/tests");
    let said = judged(program("promtool", "prometheus").args(["test", "rules"]).args(&files));
    let tests = count(&files, "  - name: ");
    let checks = count(&files, "eval_time: ");
    println!("promtool test rules: {tests} tests with {checks} checks in {} files", files.len());
    assert_eq!(said.matches("SUCCESS").count(), files.len(), "{said}");
}

#[test]
fn amtool_accepts_the_configuration() {
    bring_up_to_date();
    let said = judged(
        program("amtool", "prometheus-alertmanager").arg("check-config").arg(path("alertmanager/alertmanager.yml")),
    );
    assert!(said.contains("1 inhibit rules") && said.contains("3 receivers"), "{said}");
}

#[test]
fn amtool_accepts_whatever_is_left_out_or_added() {
    let (mut quiet, mut watched) = (Routing::webhook_only("http://shop:3000/hook"), Routing::default());
    quiet.webhook = None;
    watched.heartbeat = Some(Webhook::new("https://heartbeat.example.org").token_file("/run/secrets/heartbeat"));
    for routing in [quiet, watched, Routing::webhook_only("http://shop:3000/hook")] {
        let folder = Folder::new("alertmanager");
        let file = folder.path().join("alertmanager.yml");
        std::fs::write(&file, alertmanager::render(&routing)).expect("the folder can be written to");
        let said = judged(program("amtool", "prometheus-alertmanager").arg("check-config").arg(&file));
        assert!(said.contains("3 receivers"), "{said}");
    }
}

#[test]
fn no_credential_stands_in_a_file() {
    for folder in ["alertmanager", "prometheus", "logstash"] {
        for file in listed(folder).into_iter().filter(|file| file.is_file()) {
            let text = std::fs::read_to_string(&file).expect("a text");
            for line in text.lines().map(str::trim).filter(|line| !line.starts_with('#')) {
                let secret = ["password", "token", "api_url", "credentials"].iter().any(|word| line.contains(word));
                let elsewhere = line.contains("_file") || line.contains("/run/secrets/") || line.contains("${");
                assert!(!secret || elsewhere, "{}: {line}", file.display());
            }
        }
    }
}
