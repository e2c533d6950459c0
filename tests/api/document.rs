//! The description of the API: served, committed, and the same as the table of routes.

use serde_json::Value;

use crate::app::{App, Caller};
use crate::support::generated;

#[tokio::test]
async fn the_committed_description_is_that_of_the_routes() {
    let rendered = App::new().watch.monitoring_api().openapi();
    generated::compare("docs/openapi.json", &rendered, "cargo test --all-features --test api document");
}

#[tokio::test]
async fn what_is_served_is_what_is_committed() {
    let app = App::new();
    let served: Value = app.get(Caller::User, "/openapi.json").await.json();
    let rendered: Value = serde_json::from_str(&app.watch.monitoring_api().openapi()).expect("JSON");
    assert_eq!(served, rendered);
    assert_eq!(served["openapi"], "3.1.0");
}

#[tokio::test]
async fn every_route_is_described_with_its_role_and_nothing_else_is() {
    let app = App::new();
    let described: Value = app.get(Caller::User, "/openapi.json").await.json();
    let mut rows = 0;
    for route in app.watch.monitoring_api().routes() {
        let operation = &described["paths"][&route.path][route.method.to_lowercase()];
        assert_eq!(operation["x-role"], route.role.as_str(), "{route:?}");
        assert!(operation["summary"].as_str().is_some_and(|text| text.ends_with('.')), "{route:?}");
        rows += 1;
    }
    let paths = described["paths"].as_object().expect("paths");
    assert_eq!(paths.values().map(|path| path.as_object().expect("methods").len()).sum::<usize>(), rows);
}
