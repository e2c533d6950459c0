//! Every expression that the shipped rules and dashboards hold.

use std::collections::BTreeSet;

use serde_json::Value;
use watchkeeper::promql::Scope;
use watchkeeper::stack::dashboard::SHIPPED;
use watchkeeper::stack::rule::RuleFile;
use watchkeeper::stack::{Settings, alerts, recording, slo};
use yaml_rust2::YamlLoader;

/// Every file of rules, by name, as text.
pub(crate) fn rule_files(settings: &Settings) -> Vec<(String, String)> {
    let alerts = alerts::all(settings).into_iter().map(|(name, file)| (name.to_owned(), file));
    let slos = slo::SHIPPED.iter().map(|slo| (format!("slo-{}", slo.name()), slo::rules(&[*slo])));
    let files = alerts.chain([("panels".to_owned(), recording::file())]).chain(slos);
    let text = |file: &RuleFile| file.render(&settings.scope(), &settings.runbooks).expect("they are shipped");
    files.map(|(name, file)| (name, text(&file))).collect()
}

/// The expressions of all rules.
pub(crate) fn of_rules(settings: &Settings) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    for (name, text) in rule_files(settings) {
        let file = &YamlLoader::load_from_str(&text).expect("YAML")[0];
        for rule in
            file["groups"].as_vec().expect("groups").iter().flat_map(|group| group["rules"].as_vec().expect("rules"))
        {
            all.insert(rule["expr"].as_str().unwrap_or_else(|| panic!("{name}: {rule:?}")).trim().to_owned());
        }
    }
    all
}

/// The expressions of all panels and annotations, with what a reader chooses and what Grafana knows.
pub(crate) fn of_dashboards(rate_interval: &str) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    for shipped in SHIPPED {
        let text = (shipped.dashboard)().render(&Scope::default()).expect("they are shipped");
        collect(&serde_json::from_str(&text).expect("JSON"), &mut all);
    }
    let filled = |expr: &String| {
        let expr = expr.replace("$__rate_interval", rate_interval);
        ["$job", "$instance", "$organization"].iter().fold(expr, |expr, variable| expr.replace(variable, ".*"))
    };
    all.iter().map(filled).collect()
}

fn collect(json: &Value, all: &mut BTreeSet<String>) {
    match json {
        Value::Object(members) => {
            all.extend(members.get("expr").and_then(Value::as_str).map(str::to_owned));
            members.values().for_each(|member| collect(member, all));
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, all)),
        _ => {}
    }
}
