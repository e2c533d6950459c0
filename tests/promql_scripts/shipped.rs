//! The rules that are shipped.

use std::fs;
use std::path::Path;

use watchkeeper::promql::engine::{Engine, Query};
use yaml_rust2::{Yaml, YamlLoader};

use super::stored::Stored;

/// Every text under the key `expr`.
fn expressions(yaml: &Yaml, found: &mut Vec<String>) {
    match yaml {
        Yaml::Array(items) => items.iter().for_each(|item| expressions(item, found)),
        Yaml::Hash(entries) => {
            for (key, value) in entries {
                match (key.as_str(), value.as_str()) {
                    (Some("expr"), Some(expression)) => found.push(expression.to_owned()),
                    _ => expressions(value, found),
                }
            }
        }
        _ => {}
    }
}

#[test]
fn every_shipped_rule_can_be_evaluated_in_the_process() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/stack/prometheus/rules");
    let mut found = Vec::new();
    for entry in fs::read_dir(&folder).expect("the rules") {
        let text = fs::read_to_string(entry.expect("a file").path()).expect("a file of rules");
        YamlLoader::load_from_str(&text).expect("YAML").iter().for_each(|yaml| expressions(yaml, &mut found));
    }
    assert!(found.len() > 100, "only {} rules", found.len());
    for expression in found {
        let query = Query::parse(&expression).unwrap_or_else(|error| panic!("{expression}: {error}"));
        let result = Engine::default().instant(&query, &Stored::default(), 0);
        assert!(result.is_ok(), "{expression}: {result:?}");
    }
}
