//! The committed dashboards, checked by the TypeScript compiler against Grafana's own types; and the check, by faults
//! that are planted.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::support::process::{Folder, program};
use crate::{committed, panels, repository};

/// A fault: the dashboard and the place that it is planted in, and what stands there then. Without a value the place is
/// taken away.
const FAULTS: &[(&str, &str, Option<&str>)] = &[
    ("api-overview", "/schemaVersion", Some(r#""42""#)),
    ("api-overview", "/graphTooltip", Some("7")),
    ("api-overview", "/panel", Some("[]")),
    ("api-overview", "/links/0/type", Some(r#""dashboard""#)),
    ("api-overview", "/templating/list/1/type", Some(r#""label""#)),
    ("api-overview", "/templating/list/1/hide", Some("9")),
    ("api-overview", "/annotations/list/1/iconColor", None),
    ("api-overview", "/panels/0/type", Some(r#""timeserie""#)),
    ("api-overview", "/panels/0/title", None),
    ("api-overview", "/panels/0/gridPos/w", Some(r#""12""#)),
    ("api-overview", "/panels/0/targets/0/expr", None),
    ("api-overview", "/panels/0/targets/0/refId", Some("1")),
    ("api-overview", "/panels/0/targets/0/format", Some(r#""lines""#)),
    ("api-overview", "/panels/0/targets/0/legend", Some(r#""{{path}}""#)),
    ("api-overview", "/panels/0/options/legend/placement", Some(r#""below""#)),
    ("api-overview", "/panels/0/options/legend/calcs", Some(r#""mean""#)),
    ("api-overview", "/panels/0/options/showTitle", Some("true")),
    ("api-overview", "/panels/0/fieldConfig/defaults/unit", Some("3")),
    ("api-overview", "/panels/0/fieldConfig/defaults/color/mode", Some(r#""palette""#)),
    ("api-overview", "/panels/0/fieldConfig/defaults/thresholds/mode", Some(r#""abs""#)),
    ("api-overview", "/panels/0/fieldConfig/defaults/thresholds/steps/0/color", None),
    ("api-overview", "/panels/0/fieldConfig/defaults/custom/drawStyle", Some(r#""lines""#)),
    ("api-overview", "/panels/0/fieldConfig/defaults/custom/stacking/mode", Some(r#""stacked""#)),
    ("infrastructure", "/panels/0/targets/0/interval", Some("30")),
    ("business", "/panels/0/options/reduceOptions", None),
    ("business", "/panels/0/options/colorMode", Some(r#""text""#)),
    ("business", "/panels/0/fieldConfig/defaults/custom/lineWidth", Some("1")),
    ("infrastructure", "/panels/2/options/displayMode", Some(r#""bars""#)),
    ("application-health", "/panels/2/options/cellHeight", Some(r#""tall""#)),
    ("gateway-performance", "/panels/0/collapsed", None),
    ("every-metric", "/panels/0/panels/0/options/tooltip/mode", Some(r#""several""#)),
];

#[test]
fn every_dashboard_is_what_grafanas_own_types_allow_and_planted_faults_are_found() {
    let mut sources: BTreeMap<String, Value> = BTreeMap::new();
    for dashboard in committed() {
        sources.insert(format!("good-{}", dashboard.name), dashboard.json.clone());
    }
    for (number, (dashboard, place, value)) in FAULTS.iter().enumerate() {
        let committed = committed().iter().find(|found| found.name == *dashboard).expect("a dashboard of ours");
        let mut json = committed.json.clone();
        plant(&mut json, place, *value);
        sources.insert(format!("bad-{number:02}"), json);
    }

    let complaints = compile(&sources);

    let good: Vec<_> = complaints.iter().filter(|(file, _)| file.starts_with("good-")).collect();
    assert!(good.is_empty(), "{good:#?}");
    let missed = |number: &usize| !complaints.contains_key(&format!("bad-{number:02}"));
    let missed: Vec<_> = (0..FAULTS.len()).filter(missed).map(|number| FAULTS[number]).collect();
    assert!(missed.is_empty(), "faults that were not found: {missed:#?}");
    println!("{} dashboards checked, {} planted faults found", committed().len(), FAULTS.len());
}

#[test]
fn dashboards_and_panels_are_of_the_versions_that_the_types_are_of() {
    let ask = "const { defaultDashboard } = require('@grafana/schema'); \
               const panel = require('@grafana/schema/dist/esm/raw/composable/stat/panelcfg/x/StatPanelCfg_types.gen'); \
               process.stdout.write(JSON.stringify([defaultDashboard.schemaVersion, panel.pluginVersion]))";
    let mut node = program("node", "nodejs");
    let output = node.args(["-e", ask]).current_dir(node_modules()).output().expect("node starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let current: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    for dashboard in committed() {
        let panel = panels(&dashboard.json)[0];
        assert_eq!(json!([dashboard.json["schemaVersion"], panel["pluginVersion"]]), current, "{}", dashboard.name);
    }
}

#[track_caller]
fn plant(json: &mut Value, place: &str, value: Option<&str>) {
    let (parent, key) = place.rsplit_once('/').expect("a place");
    let parent = json.pointer_mut(parent).unwrap_or_else(|| panic!("there is no {place}"));
    match (parent, value) {
        (Value::Object(object), None) => assert!(object.remove(key).is_some(), "there is no {place}"),
        (Value::Object(object), Some(value)) => {
            let value: Value = serde_json::from_str(value).expect("JSON");
            assert_ne!(object.insert(key.to_owned(), value.clone()), Some(value), "{place} is so already");
        }
        (other, _) => panic!("{place}: {other}"),
    }
}

/// Compiles each dashboard as a constant of the checked type, all in one run; returns the complaints, by file.
#[track_caller]
fn compile(sources: &BTreeMap<String, Value>) -> BTreeMap<String, Vec<String>> {
    let modules = node_modules();
    let folder = Folder::new("schema");
    symlink(&modules, folder.path().join("node_modules")).expect("the folder can be written to");
    fs::copy(repository("tests/dashboards/grafana.ts"), folder.path().join("grafana.ts")).expect("a copy");
    for (name, json) in sources {
        let text =
            format!("import type {{ Checked }} from './grafana';\nexport const dashboard: Checked = {json:#};\n");
        fs::write(folder.path().join(format!("{name}.ts")), text).expect("the folder can be written to");
    }
    let config = json!({
        "compilerOptions": {
            "module": "esnext",
            "moduleResolution": "bundler",
            "noEmit": true,
            "preserveSymlinks": true,
            "skipLibCheck": true,
            "strict": true,
            "target": "es2022",
            "types": [],
        },
        "include": ["*.ts"],
    });
    fs::write(folder.path().join("tsconfig.json"), config.to_string()).expect("the folder can be written to");
    let mut node = program("node", "nodejs");
    let output = node.arg(modules.join("typescript/bin/tsc")).args(["--pretty", "false"]).current_dir(folder.path());
    let output = output.output().expect("node starts");
    let said = String::from_utf8_lossy(&output.stdout);
    let mut complaints: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for line in said.lines().filter(|line| line.contains("): error TS")) {
        let (file, _) = line.split_once(".ts(").unwrap_or_else(|| panic!("{said}"));
        complaints.entry(file.to_owned()).or_default().push(line.to_owned());
    }
    // The types themselves must be found, or nothing would be checked.
    assert!(!complaints.contains_key("grafana") && !complaints.is_empty(), "{said}\n{}", output.status);
    complaints
}

/// The folder with TypeScript and Grafana's types: `WATCHKEEPER_TEST_NODE_MODULES`, or the one that tests/run.sh made.
#[track_caller]
pub(crate) fn node_modules() -> PathBuf {
    if let Some(modules) = std::env::var_os("WATCHKEEPER_TEST_NODE_MODULES") {
        return modules.into();
    }
    let test = std::env::current_exe().expect("a test knows where it is");
    test.ancestors()
        .map(|folder| folder.join("test-node/node_modules"))
        .find(|modules| modules.join("typescript/bin/tsc").is_file())
        .expect("no Grafana types: run `bash tests/run.sh`, or set WATCHKEEPER_TEST_NODE_MODULES")
}
