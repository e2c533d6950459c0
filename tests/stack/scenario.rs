//! Scenarios: what an alert sees and what it makes of it, as promtool's unit tests.

use std::fmt::Write;

use watchkeeper::stack::Settings;
use watchkeeper::stack::rule::{Alert, RuleFile};

use crate::inputs::{Line, STEP, values};

/// How an alert is tried out.
#[derive(Debug)]
pub(crate) struct Scenario {
    pub(crate) alert: &'static str,
    /// The labels of the series that fires.
    pub(crate) labels: Vec<(&'static str, &'static str)>,
    /// The value as the description shows it.
    pub(crate) shown: &'static str,
    /// After how many seconds the condition holds, where a sum of rates takes most of a window to add up.
    pub(crate) holds_after: u64,
    /// For how many minutes the condition must hold.
    pub(crate) pending: u64,
    pub(crate) lines: Vec<Line>,
}

/// How long each phase lasts, in steps: longer than any window and any `for` of these alerts.
const PHASE: u64 = 75 * 60 / STEP;
/// An hour, in steps.
const HOUR: u64 = 3600 / STEP;
/// Alerts on work in batches, whose window must outlast what they are pending.
const BATCHES: [&str; 5] =
    ["SyncErrorRate", "SyncLatencyHigh", "InvoiceGenerationFailures", "EmailDeliveryIssues", "PdfGenerationDelays"];

impl Scenario {
    /// Writes the tests of this alert; `settings` are those that the rules were rendered with.
    pub(crate) fn write(&self, out: &mut String, file: &RuleFile, settings: &Settings) {
        let alert = self.find(file);
        // A minute before the end of a phase: a gauge has its next value at the end itself.
        let phase = PHASE * STEP / 60;
        let phases = |of: fn(&Line) -> Option<f64>| self.inputs(|line| vec![(of(line), PHASE)]);

        self.test(out, "fires and resolves", &self.inputs(|line| vec![(line.bad, PHASE), (line.below, PHASE)]));
        self.fires_after(out, self.begins(), alert, settings);
        self.check(out, format!("{}m", phase - 1), &[self.expected(alert, settings)]);
        self.check(out, format!("{}m", 2 * phase - 1), &[]);

        if BATCHES.contains(&self.alert) {
            self.test(
                out,
                "fires for one batch in an hour",
                &self.inputs(|line| vec![(line.idle, HOUR), (line.bad, 1), (line.idle, 2 * HOUR)]),
            );
            self.fires_after(out, (HOUR + 1) * STEP, alert, settings);
            self.check(out, "110m".to_owned(), &[self.expected(alert, settings)]);
            self.check(out, "125m".to_owned(), &[]);
        }

        self.test(out, "just below", &phases(|line| line.below));
        self.check(out, format!("{}m", phase - 1), &[]);

        self.test(out, "without traffic", &phases(|line| line.idle));
        self.check(out, format!("{}m", phase - 1), &[]);

        self.test(out, "without data", &[("unrelated".to_owned(), values(false, &[(Some(1.0), PHASE)]))]);
        self.check(out, format!("{}m", phase - 1), &[]);
    }

    /// Nobody is told one evaluation before the condition has held for as long as it must, and somebody is right then.
    fn fires_after(&self, out: &mut String, holds_at: u64, alert: &Alert, settings: &Settings) {
        let fires_at = holds_at + self.pending * 60;
        if fires_at > 0 {
            self.check(out, format!("{}s", fires_at - STEP), &[]);
        }
        // What has been lost by then is less than later on.
        let first = ["NotificationFailures", "WatchkeeperDropping"].contains(&self.alert);
        let expected = self.shows(if first { "3" } else { self.shown }, alert, settings);
        self.check(out, format!("{fires_at}s"), &[expected]);
    }

    /// When the condition holds first: a rate takes two samples.
    fn begins(&self) -> u64 {
        let counts = self.lines.first().is_some_and(|line| line.counts);
        if self.holds_after == 0 && counts { STEP } else { self.holds_after }
    }

    fn find<'a>(&self, file: &'a RuleFile) -> &'a Alert {
        let found = file.alerts().find(|alert| alert.name() == self.alert);
        found.unwrap_or_else(|| panic!("{} is in another file", self.alert))
    }

    fn inputs(&self, phases: impl Fn(&Line) -> Vec<(Option<f64>, u64)>) -> Vec<(String, String)> {
        self.lines.iter().map(|line| (line.series.clone(), values(line.counts, &phases(line)))).collect()
    }

    fn test(&self, out: &mut String, name: &str, inputs: &[(String, String)]) {
        begin(out, STEP, &format!("{} {name}", self.alert), inputs);
        out.push_str("    alert_rule_test:\n");
    }

    pub(crate) fn check(&self, out: &mut String, time: String, expected: &[String]) {
        let _ = write!(out, "      - {{eval_time: {time}, alertname: {}, exp_alerts: [", self.alert);
        match expected {
            [] => out.push_str("]}\n"),
            expected => {
                let _ = write!(out, "\n          {},\n        ]}}\n", expected.join(",\n          "));
            }
        }
    }

    /// The alert as Prometheus hands it on.
    pub(crate) fn expected(&self, alert: &Alert, settings: &Settings) -> String {
        self.shows(self.shown, alert, settings)
    }

    fn shows(&self, value: &str, alert: &Alert, settings: &Settings) -> String {
        let mut labels: Vec<(&str, &str)> = self.labels.clone();
        labels.extend(alert.labels());
        labels.sort_unstable();
        labels.dedup();
        let labels: Vec<_> = labels.iter().map(|(name, value)| format!("{name}: {value:?}")).collect();
        let (summary, description) = alert.texts();
        format!(
            "{{exp_labels: {{{}}}, exp_annotations: {{summary: {:?}, description: {:?}, runbook_url: {:?}}}}}",
            labels.join(", "),
            self.filled(summary, value),
            self.filled(description, value),
            format!("{}/{}.md", settings.runbooks, self.alert),
        )
    }

    /// Puts in what Prometheus puts in.
    fn filled(&self, text: &str, shown: &str) -> String {
        let mut text = text.to_owned();
        for (name, value) in &self.labels {
            text = text.replace(&format!("{{{{ $labels.{name} }}}}"), value);
        }
        for form in ["", " | humanize", " | humanizeDuration", " | humanizePercentage"] {
            text = text.replace(&format!("{{{{ $value{form} }}}}"), shown);
        }
        assert!(!text.contains("{{"), "{text}");
        text
    }
}

/// Begins a test of its own with its input series, which have a sample every `step` seconds.
pub(crate) fn begin(out: &mut String, step: u64, name: &str, inputs: &[(String, String)]) {
    let _ = writeln!(out, "  - name: {name:?}\n    interval: {step}s\n    input_series:");
    for (series, values) in inputs {
        let _ = writeln!(out, "      - {{series: '{series}', values: '{values}'}}");
    }
}

/// Begins a file of tests, whose rules are evaluated every `step` seconds.
pub(crate) fn file(step: u64, rules: &[&str]) -> String {
    let files: Vec<_> = rules.iter().map(|name| format!("  - ../rules/{name}.yml\n")).collect();
    format!(
        "# Rendered by watchkeeper's tests; changes by hand are overwritten.\n\
         # Run it: promtool test rules examples/stack/prometheus/tests/*.yml\n\
         rule_files:\n{}evaluation_interval: {step}s\ntests:\n",
        files.concat()
    )
}
