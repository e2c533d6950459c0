//! What Grafana is told at its start: data sources, and where the dashboards lie.

use serde_json::{Value, json};

use crate::schema::node_modules;
use crate::support::process::program;
use crate::{committed, repository};

/// Reads a file of YAML, by a parser that Grafana's world uses.
#[track_caller]
fn yaml(path: &str) -> Value {
    let read = "const { parse } = require(process.argv[1] + '/yaml'); const { readFileSync } = require('fs'); \
                process.stdout.write(JSON.stringify(parse(readFileSync(process.argv[2], 'utf8'), { strict: true })))";
    let mut node = program("node", "nodejs");
    let output = node.args(["-e", read]).arg(node_modules()).arg(repository(path)).output().expect("node starts");
    assert!(output.status.success(), "{path}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

#[test]
fn grafana_asks_prometheus_by_proxy_and_knows_alertmanager() {
    let sources = yaml("examples/stack/grafana/provisioning/datasources/watchkeeper.yml");
    assert_eq!(sources["apiVersion"], 1);
    let [prometheus, alertmanager] = sources["datasources"].as_array().expect("a list").as_slice() else {
        panic!("{sources:#}")
    };
    let told = |source: &Value, keys: &[&str]| keys.iter().map(|key| source.pointer(key).cloned()).collect::<Vec<_>>();
    let keys = ["/type", "/access", "/isDefault", "/url", "/jsonData/timeInterval", "/jsonData/queryTimeout"];
    let expected = [json!("prometheus"), json!("proxy"), json!(true), json!("http://prometheus:9090")];
    let expected = expected.into_iter().chain([json!("15s"), json!("60s")]).map(Some).collect::<Vec<_>>();
    assert_eq!(told(prometheus, &keys), expected);
    let expected = [json!("alertmanager"), json!("http://alertmanager:9093"), json!("prometheus")].map(Some);
    assert_eq!(told(alertmanager, &["/type", "/url", "/jsonData/implementation"]), expected);
    assert_eq!(prometheus["jsonData"]["alertmanagerUid"], alertmanager["uid"]);
    for dashboard in committed() {
        // The variable's first choice is a source that there is.
        let chosen = &dashboard.json["templating"]["list"][0]["current"];
        assert_eq!(
            (&chosen["value"], &chosen["text"]),
            (&prometheus["uid"], &prometheus["name"]),
            "{}",
            dashboard.name
        );
    }
}

#[test]
fn grafana_finds_the_dashboards_and_nobody_changes_them_in_the_browser() {
    let found = yaml("examples/stack/grafana/provisioning/dashboards/watchkeeper.yml");
    let provider = &found["providers"][0];
    assert_eq!((&provider["type"], &provider["allowUiUpdates"]), (&json!("file"), &json!(false)));
    assert_eq!(provider["options"]["path"], "/var/lib/grafana/dashboards");
}
