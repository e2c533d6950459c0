//! Dashboards for Grafana, rendered from the catalogue and from queries that are built from it.
//!
//! [`SHIPPED`] are those of the ready-made metrics, committed under `examples/stack/grafana/dashboards/`. An app builds
//! its own from the same parts, renders it to JSON and commits that.
//!
//! ```
//! use watchkeeper::presets::http::REQUEST_DURATION;
//! use watchkeeper::promql::{self, Scope, Window, select};
//! use watchkeeper::stack::dashboard::{Dashboard, FieldUnit, Threshold, Panel, Visual, watched};
//!
//! let scan = watched(select(&REQUEST_DURATION).eq("path", "/api/scan"));
//! let slowest = Panel::new(Visual::TimeSeries, "Scans", "95th percentile of the time of a scan.", FieldUnit::Seconds)
//!     .query(promql::quantile(0.95, scan, Window::RATE_INTERVAL, &[]), "p95")
//!     .threshold(Threshold::AtMost(0.3));
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
mod objectives;
mod panel;
mod query;
mod realtime;
mod render;
mod shipped;
mod sync;
mod variable;
mod visual;

use std::collections::BTreeSet;
use std::time::Duration;

use self::annotation::Annotation;
use self::panel::rate;
use crate::promql::{Queried, SeriesKind, Use, observations, select};

pub use error::{DashboardError, DashboardFault};
pub use field::{FieldUnit, Threshold};
pub use panel::{Panel, watched};
pub use shipped::{SHIPPED, Shipped};
pub use variable::Variable;
pub use visual::Visual;

/// The version of Grafana's dashboard schema that is rendered; Grafana 12.2 and later know it.
pub const SCHEMA_VERSION: u32 = 42;

/// How often the slowest service or exporter is scraped: dashboards about all of them ask no finer.
const SLOWEST: Duration = Duration::from_secs(30);

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
    /// Begins a dashboard under an id that stays the same for ever, of 1 to 40 letters, digits, `-` and `_`, with its
    /// title and what it is for.
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
}
