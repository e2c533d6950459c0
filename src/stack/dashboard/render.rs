//! Rendering: a dashboard as the JSON that Grafana reads.

use serde_json::{Value, json};

use super::grid::Grid;
use super::{Dashboard, DashboardError, DashboardFault, SCHEMA_VERSION, TAG, annotation, json, variable};
use crate::promql::Scope;

impl Dashboard {
    /// Writes the dashboard as the JSON that Grafana imports or provisions, the same for the same input.
    ///
    /// # Errors
    ///
    /// Names the first panel, variable or annotation whose query cannot be, or asks for a choice that is not offered.
    pub fn render(&self, scope: &Scope) -> Result<String, DashboardError> {
        if !is_id(&self.uid) {
            return Err(self.fault("its id".to_owned(), DashboardFault::Id(self.uid.clone())));
        }
        let mut variables = vec![variable::data_sources()];
        for variable in &self.variables {
            let rendered = variable.render(scope);
            variables
                .push(rendered.map_err(|error| self.fault(format!("variable `{}`", variable.name), error.into()))?);
        }
        let mut annotations = vec![annotation::notes()];
        for annotation in &self.annotations {
            let rendered = annotation.render(scope);
            let rendered = rendered.map_err(DashboardFault::from).and_then(|json| self.with_choices(json));
            annotations
                .push(rendered.map_err(|fault| self.fault(format!("annotation `{}`", annotation.name()), fault))?);
        }
        Ok(json::write(json!({
            "annotations": {"list": annotations},
            "description": self.description,
            "editable": true,
            "fiscalYearStartMonth": 0,
            // A line under the pointer on every chart at once.
            "graphTooltip": 1,
            "id": null,
            "links": [link_to_others()],
            "panels": self.render_panels(scope)?,
            "preload": false,
            "refresh": "30s",
            "schemaVersion": SCHEMA_VERSION,
            "tags": [TAG],
            "templating": {"list": variables},
            "time": {"from": "now-1h", "to": "now"},
            "timepicker": {},
            "timezone": "browser",
            "title": self.title,
            "uid": self.uid,
            "version": 1,
            "weekStart": "",
        })))
    }

    fn render_panels(&self, scope: &Scope) -> Result<Vec<Value>, DashboardError> {
        let (mut grid, mut id, mut out) = (Grid::default(), 0, Vec::new());
        for row in &self.rows {
            let heading = row.title.as_ref().map(|title| {
                id += 1;
                let place = grid.heading().render();
                json!({"collapsed": row.collapsed, "gridPos": place, "id": id, "panels": [], "title": title, "type": "row"})
            });
            let panels = row.panels.iter().map(|panel| {
                id += 1;
                let rendered = panel.render(id, grid.place(panel.width, panel.height), self.scraped_every, scope);
                let rendered = rendered.map_err(DashboardFault::from).and_then(|json| self.with_choices(json));
                rendered.map_err(|fault| self.fault(format!("panel `{}`", panel.title()), fault))
            });
            let panels: Vec<Value> = panels.collect::<Result<_, _>>()?;
            match heading {
                // The panels of a closed row stand in it, those of an open one behind it.
                Some(mut heading) if row.collapsed => {
                    heading["panels"] = panels.into();
                    out.push(heading);
                }
                heading => out.extend(heading.into_iter().chain(panels)),
            }
        }
        Ok(out)
    }

    /// Refuses what asks for a choice that is not there: Grafana would leave `$job` as it is, and find nothing.
    fn with_choices(&self, json: Value) -> Result<Value, DashboardFault> {
        let targets = json["targets"].as_array().into_iter().flatten().chain([&json]);
        for expr in targets.filter_map(|target| target["expr"].as_str()) {
            for name in variable::named_in(expr) {
                if !self.variables.iter().any(|variable| variable.name == name) {
                    return Err(DashboardFault::NoVariable(name.to_owned()));
                }
            }
        }
        Ok(json)
    }

    fn fault(&self, place: String, fault: DashboardFault) -> DashboardError {
        DashboardError { dashboard: self.title.clone(), place, fault }
    }
}

fn is_id(text: &str) -> bool {
    (1..=40).contains(&text.len()) && text.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'-' || c == b'_')
}

fn link_to_others() -> Value {
    json!({
        "asDropdown": true,
        "icon": "external link",
        "includeVars": true,
        "keepTime": true,
        "tags": [TAG],
        "targetBlank": false,
        "title": "Other dashboards",
        "tooltip": "",
        "type": "dashboards",
        "url": "",
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::{FieldUnit, Panel, Variable, Visual, watched};
    use super::*;
    use crate::presets::auth::{ACTIVE_SESSIONS, LOGIN_ATTEMPTS};
    use crate::presets::http::REQUEST_DURATION;
    use crate::promql::{self, PromqlError, Window};

    fn rendered(dashboard: &Dashboard, scope: &Scope) -> Value {
        serde_json::from_str(&dashboard.render(scope).unwrap()).unwrap()
    }

    fn sign_ins(window: &str) -> Dashboard {
        let rate = promql::rate(watched(&LOGIN_ATTEMPTS), window).sum_by(&["result"]);
        let panel = Panel::new(Visual::TimeSeries, "Sign-ins", "Who comes in.", FieldUnit::PerSecond);
        Dashboard::new("sign-ins", "Sign-ins", "Who comes in.")
            .services_of(&LOGIN_ATTEMPTS)
            .panel(panel.query(rate, "{{result}}"))
    }

    #[test]
    fn a_query_that_cannot_be_is_named_with_its_panel() {
        let of_path = Panel::new(Visual::Stat, "By path", "Wrong.", FieldUnit::Count)
            .query(promql::rate(&LOGIN_ATTEMPTS, Window::RATE_INTERVAL).sum_by(&["path"]), "{{path}}");
        let error = sign_ins("5m").panel(of_path).render(&Scope::default()).unwrap_err();
        let text = "dashboard `Sign-ins`, panel `By path`: `login_attempts_total` has no label `path`";
        assert_eq!(error.to_string(), text);
        let of_path = Variable::values("path", "Path", &LOGIN_ATTEMPTS);
        let error = sign_ins("5m").variable(of_path).render(&Scope::default()).unwrap_err();
        assert_eq!(error.place, "variable `path`");
    }

    #[test]
    fn a_window_is_as_long_as_four_scrapes_of_what_is_scraped_least_often() {
        assert!(sign_ins("1m").render(&Scope::default()).is_ok());
        let error = sign_ins("1m").scraped_every(Duration::from_secs(30)).render(&Scope::default()).unwrap_err();
        assert!(
            matches!(error.fault, DashboardFault::Query(ref fault) if matches!(**fault, PromqlError::WindowTooShort { .. })),
            "{error}"
        );
        let json = rendered(&sign_ins("2m").scraped_every(Duration::from_secs(30)), &Scope::default());
        assert_eq!(json["panels"][0]["targets"][0]["interval"], "30s");
        let slow = sign_ins("2m").panels().next().unwrap().clone().scraped_every(Duration::from_secs(60));
        let error = sign_ins("2m").panel(slow).render(&Scope::default()).unwrap_err();
        assert!(
            matches!(error.fault, DashboardFault::Query(ref fault) if matches!(**fault, PromqlError::WindowTooShort { .. })),
            "{error}"
        );
    }

    #[test]
    fn a_prefix_stands_before_each_of_the_apps_metrics_and_no_other() {
        let panel = sign_ins("5m").panels().next().unwrap().clone();
        let dashboard = Dashboard::new("shop", "Shop", "Shop.").services_of(&REQUEST_DURATION).panel(panel);
        let json = rendered(&dashboard, &Scope::default().prefix("shop"));
        let expr = json["panels"][0]["targets"][0]["expr"].as_str().unwrap();
        assert!(expr.contains("rate(shop_login_attempts_total{"), "{expr}");
        let services = json["templating"]["list"][1]["query"]["query"].as_str().unwrap();
        assert_eq!(services, "label_values(shop_http_request_duration_seconds_count,job)");
        let alerts = json["annotations"]["list"][1]["expr"].as_str().unwrap();
        assert!(alerts.starts_with("ALERTS{"), "{alerts}");
    }

    #[test]
    fn the_panels_of_a_closed_row_stand_in_it_and_those_of_an_open_one_behind_it() {
        let dashboard = Dashboard::new("rows", "Rows", "Rows.")
            .services_of(&LOGIN_ATTEMPTS)
            .row("Open")
            .panel(Panel::of(&LOGIN_ATTEMPTS))
            .collapsed_row("Closed")
            .panel(Panel::of(&ACTIVE_SESSIONS));
        let json = rendered(&dashboard, &Scope::default());
        let kinds: Vec<_> = json["panels"].as_array().unwrap().iter().map(|panel| &panel["type"]).collect();
        assert_eq!(kinds, ["row", "timeseries", "row"]);
        let inside = &json["panels"][2]["panels"][0];
        assert_eq!(
            (&inside["title"], &inside["id"], &inside["gridPos"]["y"]),
            (&json!("active_sessions"), &json!(4), &json!(10))
        );
    }

    #[test]
    fn a_choice_that_is_not_offered_is_missed_before_anybody_looks_at_an_empty_panel() {
        let dashboard = Dashboard::new("empty", "Empty", "Empty.").panel(Panel::of(&LOGIN_ATTEMPTS));
        let error = dashboard.render(&Scope::default()).unwrap_err();
        let text = "dashboard `Empty`, panel `login_attempts_total`: \
                    it asks for `$job`, and the dashboard offers no such choice";
        assert_eq!(error.to_string(), text);
    }

    #[test]
    fn an_id_that_grafana_refuses_is_refused() {
        for id in ["", "a b", "ä", "x".repeat(41).as_str()] {
            let error = Dashboard::new(id, "Id", "Id.").render(&Scope::default()).unwrap_err();
            assert_eq!(error.fault, DashboardFault::Id(id.to_owned()));
        }
    }
}
