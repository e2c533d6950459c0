//! The committed files are what the code renders, and hold what they should.

use std::collections::BTreeSet;
use std::fs;

use watchkeeper::presets::{CATALOGUE, Group};
use watchkeeper::promql::Origin;
use watchkeeper::stack::dashboard::SHIPPED;

use crate::{Committed, FOLDER, committed, file, panels, repository};

/// The panels that each dashboard is to have.
const PANELS: &[(&str, usize)] = &[
    ("api-overview", 4),
    ("business", 5),
    ("application-health", 8),
    ("infrastructure", 5),
    ("gateway-performance", 13),
    ("billing-revenue", 15),
    ("realtime-overview", 8),
    ("sync-and-integrations", 7),
    ("jobs-and-processes", 9),
    ("objectives", 5),
    ("watchkeeper", 6),
    ("every-metric", CATALOGUE.len()),
];

#[test]
fn the_committed_dashboards_are_what_the_code_renders() {
    let expected = committed().iter().map(|dashboard| repository(&file(dashboard.name))).collect();
    let found: BTreeSet<_> = fs::read_dir(repository(FOLDER))
        .expect("the dashboards can be listed")
        .map(|entry| entry.expect("the dashboards can be listed").path())
        .collect();
    assert_eq!(found, expected, "nothing else may lie beside them");
}

#[test]
fn each_dashboard_has_the_panels_that_it_should() {
    let counts: Vec<_> = committed().iter().map(|found| (found.name, panels(&found.json).len())).collect();
    println!("panels: {counts:?}");
    assert_eq!(counts, PANELS);
}

#[test]
fn every_panel_says_what_it_shows_and_in_which_unit() {
    for dashboard in committed() {
        let (mut titles, mut places) = (BTreeSet::new(), BTreeSet::new());
        for panel in panels(&dashboard.json) {
            let title = panel["title"].as_str().expect("a title");
            let at = format!("{}, {title}", dashboard.name);
            assert!(titles.insert(title), "{at}: the title is there twice");
            assert!(panel["description"].as_str().is_some_and(|text| text.ends_with('.')), "{at}: no description");
            let defaults = &panel["fieldConfig"]["defaults"];
            assert!(defaults["unit"].as_str().is_some_and(|unit| !unit.is_empty()), "{at}: no unit");
            assert!(!defaults["thresholds"]["steps"].as_array().expect("steps").is_empty(), "{at}: no threshold");
            let targets = panel["targets"].as_array().expect("targets");
            assert!(!targets.is_empty(), "{at}: no query");
            for target in targets {
                assert!(target["legendFormat"].as_str().is_some_and(|text| !text.is_empty()), "{at}: no legend");
            }
            let place = &panel["gridPos"];
            assert!(places.insert((place["x"].as_u64(), place["y"].as_u64())), "{at}: two panels in one place");
            assert!(place["x"].as_u64().zip(place["w"].as_u64()).is_some_and(|(x, w)| x + w <= 24), "{at}: too wide");
        }
    }
}

#[test]
fn every_dashboard_shows_the_last_hour_marks_alerts_and_asks_the_chosen_source() {
    for Committed { name, json } in committed() {
        assert_eq!((json["time"]["from"].as_str(), json["refresh"].as_str()), (Some("now-1h"), Some("30s")), "{name}");
        assert_eq!(json["uid"], format!("watchkeeper-{name}"));
        let variables = json["templating"]["list"].as_array().expect("variables");
        let names: Vec<_> = variables.iter().filter_map(|variable| variable["name"].as_str()).collect();
        assert_eq!(names[0], "datasource", "{name}");
        // An objective is of a service, whichever instances it has.
        assert_eq!(names.contains(&"instance"), *name != "objectives", "{name}: {names:?}");
        assert_eq!(
            names.contains(&"organization"),
            ["gateway-performance", "billing-revenue"].contains(name),
            "{name}"
        );
        let annotations = json["annotations"]["list"].as_array().expect("annotations");
        assert!(annotations.iter().any(|annotation| annotation["name"] == "Alerts"), "{name}");
        // The machines have no builds of ours.
        let deploys = annotations.iter().any(|annotation| annotation["name"] == "Deploys");
        assert_eq!(deploys, !["infrastructure", "objectives"].contains(name), "{name}");
        for panel in panels(json) {
            assert_eq!(panel["datasource"]["uid"], "${datasource}", "{name}");
        }
    }
}

#[test]
fn every_group_has_a_dashboard() {
    let used: BTreeSet<String> = SHIPPED
        .iter()
        // The list of all metrics would have every group by itself.
        .filter(|shipped| shipped.name != "every-metric")
        .flat_map(|shipped| (shipped.dashboard)().uses())
        .filter(|used| used.origin == Origin::App)
        .map(|used| used.metric)
        .collect();
    let shown = |group: &Group| {
        let mut metrics = CATALOGUE.iter().filter(|entry| entry.group == *group).map(|entry| &entry.metric.meta().name);
        metrics.any(|name| used.contains(&**name))
    };
    let missing: Vec<_> = Group::ALL.iter().filter(|group| !shown(group)).collect();
    assert!(missing.is_empty(), "no dashboard shows anything of {missing:?}");
}
