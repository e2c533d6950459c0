//! Dashboards for Grafana, rendered from the catalogue and from queries that are built from it.
//!
//! [`SHIPPED`] are those of the ready-made metrics, committed under `examples/stack/grafana/dashboards/`. An app builds
//! its own from the same parts, renders it to JSON and commits that.
//!
//! ```
//! use watchkeeper::presets::http::REQUEST_DURATION;
//! use watchkeeper::promql::{self, Scope, Window, select};
//! use watchkeeper::stack::dashboard::{Dashboard, FieldUnit, Limit, Panel, Visual, watched};
//!
//! let scan = watched(select(&REQUEST_DURATION).eq("path", "/api/scan"));
//! let slowest = Panel::new(Visual::TimeSeries, "Scans", "95th percentile of the time of a scan.", FieldUnit::Seconds)
//!     .query(promql::quantile(0.95, scan, Window::RATE_INTERVAL, &[]), "p95")
//!     .limit(Limit::Most(0.3));
//! let dashboard = Dashboard::new("warehouse", "Warehouse", "How the warehouse fares.")
//!     .services_of(&REQUEST_DURATION)
//!     .panel(slowest);
//! let json = dashboard.render(&Scope::default())?;
//! # assert!(json.contains("[$__rate_interval]"));
//! # Ok::<(), watchkeeper::stack::dashboard::DashboardError>(())
//! ```

mod annotation;
mod api_overview;
mod application;
mod billing;
mod business;
mod catalogue;
mod error;
mod field;
mod gateway;
mod grid;
mod infrastructure;
mod jobs;
mod json;
mod monitoring;
mod panel;
mod query;
mod realtime;
mod shipped;
mod sync;
mod variable;
mod visual;

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};

use self::annotation::Annotation;
use self::grid::Grid;
use crate::promql::{PromqlError, Queried, Scope, SeriesKind, Use, observations, select};

pub use error::DashboardError;
pub use field::{FieldUnit, Limit};
pub use panel::{Panel, watched};
pub use shipped::{SHIPPED, Shipped};
pub use variable::Variable;
pub use visual::Visual;

/// The version of Grafana's dashboard schema that is rendered; Grafana 12.1 and later know it.
pub const SCHEMA_VERSION: u32 = 42;

/// The tag by which shipped dashboards, and those of apps, find each other.
pub const TAG: &str = "watchkeeper";

/// One dashboard: panels in the order in which they are read, and what can be chosen on it.
///
/// It shows the last hour, asks again every 30 s, offers a choice of the data source, marks alerts and deploys, and
/// links to the other dashboards with the tag [`TAG`].
#[derive(Debug, Clone)]
#[must_use]
pub struct Dashboard {
    uid: String,
    title: String,
    description: String,
    scraped_every: Option<Duration>,
    variables: Vec<Variable>,
    annotations: Vec<Annotation>,
    rows: Vec<Row>,
}

#[derive(Debug, Clone)]
struct Row {
    /// The panels before the first row have no title above them.
    title: Option<String>,
    collapsed: bool,
    panels: Vec<Panel>,
}

impl Dashboard {
    /// Begins a dashboard under an id that stays the same for ever, with its title and what it is for.
    pub fn new(uid: impl Into<String>, title: impl Into<String>, description: impl Into<String>) -> Self {
        Self {
            uid: uid.into(),
            title: title.into(),
            description: description.into(),
            scraped_every: None,
            variables: Vec::new(),
            annotations: vec![Annotation::alerts()],
            rows: vec![Row { title: None, collapsed: false, panels: Vec::new() }],
        }
    }

    /// Sets how often the metrics are scraped, where it is less often than the data source says: windows of rates are
    /// four times as long at least.
    pub fn scraped_every(mut self, interval: Duration) -> Self {
        self.scraped_every = Some(interval);
        self
    }

    /// Offers a choice of the services and instances that have a metric, `$job` and `$instance` in
    /// [`watched`] queries, and marks their deploys.
    pub fn services_of(mut self, metric: &(impl Queried + ?Sized)) -> Self {
        let series = || match metric.series().kind {
            SeriesKind::Histogram => observations(select(metric)),
            _ => select(metric),
        };
        self.annotations.push(Annotation::deploys());
        self.variable(Variable::values("job", "Service", series())).variable(Variable::values(
            "instance",
            "Instance",
            series().matching("job", "$job"),
        ))
    }

    /// Offers a further choice.
    pub fn variable(mut self, variable: Variable) -> Self {
        self.variables.push(variable);
        self
    }

    /// Begins a row of panels under a title.
    pub fn row(self, title: impl Into<String>) -> Self {
        self.begin(title.into(), false)
    }

    /// Begins a row whose panels ask for nothing until a reader opens it.
    pub fn collapsed_row(self, title: impl Into<String>) -> Self {
        self.begin(title.into(), true)
    }

    fn begin(mut self, title: String, collapsed: bool) -> Self {
        self.rows.push(Row { title: Some(title), collapsed, panels: Vec::new() });
        self
    }

    /// Adds a panel, to the right of the one before where there is room.
    pub fn panel(mut self, panel: Panel) -> Self {
        if let Some(row) = self.rows.last_mut() {
            row.panels.push(panel);
        }
        self
    }

    /// Returns the title.
    pub fn title(&self) -> &str {
        &self.title
    }

    /// Returns the panels in order.
    pub fn panels(&self) -> impl Iterator<Item = &Panel> {
        self.rows.iter().flat_map(|row| &row.panels)
    }

    /// Returns every metric that a panel or an annotation asks for.
    pub fn uses(&self) -> BTreeSet<Use> {
        let annotations = self.annotations.iter().map(|annotation| &annotation.expr);
        self.panels().flat_map(Panel::exprs).chain(annotations).flat_map(|expr| expr.uses()).collect()
    }

    /// Writes the dashboard as the JSON that Grafana imports or provisions, the same for the same input.
    ///
    /// # Errors
    ///
    /// Names the first panel, variable or annotation whose query cannot be.
    pub fn render(&self, scope: &Scope) -> Result<String, DashboardError> {
        let mut scope = scope.clone();
        if let Some(interval) = self.scraped_every {
            scope.scrape_interval = scope.scrape_interval.max(interval);
        }
        let variables = self.variables.iter().map(|variable| {
            let rendered = variable.render(&scope);
            rendered.map_err(|source| self.fault(format!("variable `{}`", variable.name), source))
        });
        let variables: Vec<_> =
            [Ok(variable::data_sources())].into_iter().chain(variables).collect::<Result<_, _>>()?;
        let annotations = self.annotations.iter().map(|annotation| {
            let rendered = annotation.render(&scope);
            rendered.map_err(|source| self.fault(format!("annotation `{}`", annotation.name()), source))
        });
        let annotations: Vec<_> = [Ok(annotation::notes())].into_iter().chain(annotations).collect::<Result<_, _>>()?;
        Ok(json::write(json!({
            "annotations": {"list": annotations},
            "description": self.description,
            "editable": true,
            "fiscalYearStartMonth": 0,
            // A line under the pointer on every chart at once.
            "graphTooltip": 1,
            "id": null,
            "links": [link_to_others()],
            "panels": self.render_panels(&scope)?,
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
                rendered.map_err(|source| self.fault(format!("panel `{}`", panel.title()), source))
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

    fn fault(&self, place: String, source: PromqlError) -> DashboardError {
        DashboardError { dashboard: self.title.clone(), place, source }
    }
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
    use super::*;
    use crate::presets::auth::{ACTIVE_SESSIONS, LOGIN_ATTEMPTS};
    use crate::presets::http::REQUEST_DURATION;
    use crate::promql::{self, Window};

    fn rendered(dashboard: &Dashboard, scope: &Scope) -> Value {
        serde_json::from_str(&dashboard.render(scope).unwrap()).unwrap()
    }

    fn sign_ins(window: &str) -> Dashboard {
        let rate = promql::rate(watched(&LOGIN_ATTEMPTS), window).sum_by(&["result"]);
        let panel = Panel::new(Visual::TimeSeries, "Sign-ins", "Who comes in.", FieldUnit::PerSecond);
        Dashboard::new("sign-ins", "Sign-ins", "Who comes in.").panel(panel.query(rate, "{{result}}"))
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
        assert!(matches!(error.source, PromqlError::WindowTooShort { .. }), "{error}");
        let json = rendered(&sign_ins("2m").scraped_every(Duration::from_secs(30)), &Scope::default());
        assert_eq!(json["panels"][0]["interval"], "30s");
    }

    #[test]
    fn a_prefix_stands_before_each_of_the_apps_metrics_and_no_other() {
        let dashboard = sign_ins("5m").services_of(&REQUEST_DURATION);
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
}
