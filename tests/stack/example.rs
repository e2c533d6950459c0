//! What an app renders for its own metrics, judged like what is shipped.

use crate::checks::judged;
use crate::support::example::example;
use crate::support::process::{Folder, program};

/// The names of the app's metrics, under its prefix.
const OWN: [&str; 3] = ["depot_parcels_total", "depot_packing_duration_seconds", "depot_vans_loading"];

#[test]
fn an_app_renders_rules_objectives_dashboard_and_reference_of_its_own() {
    let folder = Folder::new("depot");
    let listed = judged(example("render_stack").arg(folder.path()));
    let read = |name: &str| {
        assert!(listed.lines().any(|line| line.ends_with(name)), "{listed}");
        std::fs::read_to_string(folder.path().join(name)).expect("the example says that it has written it")
    };

    let said =
        judged(program("promtool", "prometheus").args(["check", "config"]).arg(folder.path().join("prometheus.yml")));
    assert!(said.contains("4 rule files found"), "{said}");
    let rules = ["depot", "objectives", "http", "monitor"].map(|name| folder.path().join(format!("rules/{name}.yml")));
    let said =
        judged(program("promtool", "prometheus").args(["check", "rules", "--lint=all", "--lint-fatal"]).args(rules));
    assert_eq!(said.matches("SUCCESS").count(), 4, "{said}");
    judged(
        program("amtool", "prometheus-alertmanager").arg("check-config").arg(folder.path().join("alertmanager.yml")),
    );

    let rules = read("rules/depot.yml");
    assert!(rules.contains("depot_parcels_total{status=\"error\"}"), "{rules}");
    assert!(rules.contains("runbook_url: https://git.example.org/depot/docs/runbooks/ParcelsRefused.md"), "{rules}");
    // The prefix is the app's, on what is ready made too; what Prometheus makes has none.
    assert!(read("rules/http.yml").contains("rate(depot_http_requests_total["));
    assert!(read("rules/monitor.yml").contains("up == 0"));
    let objectives = read("rules/objectives.yml");
    assert!(objectives.contains(r#"depot_packing_duration_seconds_bucket{le="60.0"}"#), "{objectives}");

    let dashboard: serde_json::Value = serde_json::from_str(&read("dashboards/depot.json")).expect("JSON");
    assert_eq!(dashboard["panels"].as_array().map(Vec::len), Some(3), "{dashboard}");
    let metrics = read("docs/metrics.md");
    for name in OWN {
        assert!(metrics.contains(&format!("### `{name}`")), "{metrics}");
    }
    assert!(read("docs/objectives.md").contains("| `parcels` | 99 % | 432 minutes | 99 % of parcels are taken. |"));
}
