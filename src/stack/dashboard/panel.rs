//! Panels: one question to the data source, and how its answer is shown.

use std::time::Duration;

use serde_json::{Value, json};

use super::field::{FieldUnit, Threshold, thresholds};
use super::grid::Place;
use super::json::{number, put};
use super::query::{Query, data_source};
use super::visual::{PANELS, Visual};
use crate::metric::{Describe, Kind, Meta, Unit};
use crate::promql::{self, Expr, PromqlError, Scope, Selector, Window};

/// One panel of a dashboard.
///
/// A panel of width 12 fills half of the screen, which is the default; a height of 8 is the default too.
#[derive(Debug, Clone)]
#[must_use]
pub struct Panel {
    visual: Visual,
    title: String,
    description: String,
    unit: FieldUnit,
    queries: Vec<Query>,
    threshold: Option<Threshold>,
    range: (Option<f64>, Option<f64>),
    scraped_every: Option<Duration>,
    pub(super) width: u8,
    pub(super) height: u8,
}

impl Panel {
    /// Makes a panel with its title, what it shows in words, and the unit of its values.
    pub fn new(visual: Visual, title: impl Into<String>, description: impl Into<String>, unit: FieldUnit) -> Self {
        let is_share = unit == FieldUnit::Share && matches!(visual, Visual::Gauge | Visual::BarGauge);
        Self {
            visual,
            title: title.into(),
            description: description.into(),
            unit,
            queries: Vec::new(),
            threshold: None,
            range: if is_share { (Some(0.0), Some(1.0)) } else { (None, None) },
            scraped_every: None,
            width: 12,
            height: 8,
        }
    }

    /// Makes a panel that shows any metric in the way that fits its type: the rate of a total, the 95th percentile
    /// of a distribution, the value of a gauge on each instance; by all of the metric's labels, of the
    /// [services](super::Dashboard::services_of) that are chosen.
    ///
    /// ```
    /// use watchkeeper::presets::auth::LOGIN_ATTEMPTS;
    /// use watchkeeper::promql::Scope;
    /// use watchkeeper::stack::dashboard::{Dashboard, Panel};
    ///
    /// let dashboard = Dashboard::new("sign-ins", "Sign-ins", "Who comes in.")
    ///     .services_of(&LOGIN_ATTEMPTS)
    ///     .panel(Panel::of(&LOGIN_ATTEMPTS));
    /// let json = dashboard.render(&Scope::default())?;
    /// let expr = r#""expr": "sum by (result) (rate(login_attempts_total{job=~\"$job\",instance=~\"$instance\"}"#;
    /// assert!(json.contains(expr), "{json}");
    /// # Ok::<(), watchkeeper::stack::dashboard::DashboardError>(())
    /// ```
    pub fn of(metric: &dyn Describe) -> Self {
        let meta = metric.meta();
        let labels: Vec<_> = meta.labels.iter().map(|label| label.name).collect();
        let (unit, expr) = Self::shown(metric, meta, &labels);
        let legend: Vec<_> = expr.labels().iter().map(|label| format!("{{{{{label}}}}}")).collect();
        let legend = if legend.is_empty() { meta.name.to_string() } else { legend.join(" ") };
        Self::new(Visual::TimeSeries, &*meta.name, &*meta.help, unit).query(expr, legend)
    }

    fn shown(metric: &dyn Describe, meta: &Meta, labels: &[&str]) -> (FieldUnit, Expr) {
        let unit = FieldUnit::from(meta.unit());
        let of = watched(promql::select(metric));
        let in_units = |expr: Expr| if meta.unit() == Unit::Cents { expr / 100.0 } else { expr };
        match (meta.kind, meta.unit()) {
            // Money comes too seldom for a rate per second to say something.
            (Kind::Counter, Unit::Cents) => (unit, in_units(promql::increase(of, "1h").sum_by(labels))),
            (Kind::Counter, Unit::Bytes) => (FieldUnit::BytesPerSecond, rate(of).sum_by(labels)),
            // Seconds of work in a second: how many are at it.
            (Kind::Counter, _) => (FieldUnit::PerSecond, rate(of).sum_by(labels)),
            (Kind::Histogram, _) => (unit, in_units(promql::quantile(0.95, of, Window::RATE_INTERVAL, labels))),
            (Kind::UpDown, _) => (unit, in_units(Expr::from(of).sum_by(labels))),
            // What each instance has set may be its own, or the same for all: a sum could be wrong.
            (Kind::Gauge, _) => (unit, in_units(Expr::from(of).max_by(&[labels, &["instance"]].concat()))),
        }
    }

    /// Asks for an expression; `legend` names its series, with `{{label}}` for a label's value.
    pub fn query(mut self, expr: impl Into<Expr>, legend: impl Into<String>) -> Self {
        self.queries.push(Query { expr: expr.into(), legend: legend.into(), exemplars: false });
        self
    }

    /// Shows, on a chart, the trace ids that the last query's metric keeps.
    pub fn with_exemplars(mut self) -> Self {
        if let Some(query) = self.queries.last_mut() {
            query.exemplars = true;
        }
        self
    }

    /// Shows where good values end. Default: every value is good.
    pub fn threshold(mut self, threshold: Threshold) -> Self {
        self.threshold = Some(threshold);
        self
    }

    /// Sets the ends of the scale. Default: charts show zero and whatever is there, dials and bars of shares 0 to 1.
    pub fn scale(mut self, least: f64, most: f64) -> Self {
        self.range = (Some(least), Some(most));
        self
    }

    /// Sets how often its metrics are scraped, where it is less often than those of the dashboard.
    pub fn scraped_every(mut self, interval: Duration) -> Self {
        self.scraped_every = Some(interval);
        self
    }

    /// Sets the size on a screen that is 24 wide. Default: 12 by 8.
    pub fn size(mut self, width: u8, height: u8) -> Self {
        (self.width, self.height) = (width.clamp(1, 24), height.max(1));
        self
    }

    /// Returns the title.
    pub fn title(&self) -> &str {
        &self.title
    }

    /// Returns what kind of panel it is.
    pub fn visual(&self) -> Visual {
        self.visual
    }

    /// Returns the expressions that it asks for.
    pub fn exprs(&self) -> impl Iterator<Item = &Expr> {
        self.queries.iter().map(|query| &query.expr)
    }

    pub(super) fn render(
        &self,
        id: usize,
        place: Place,
        scraped_every: Option<Duration>,
        scope: &Scope,
    ) -> Result<Value, PromqlError> {
        let (shape, every) = (self.visual.shape(), self.scraped_every.or(scraped_every));
        let mut scope = scope.clone();
        scope.scrape_interval = scope.scrape_interval.max(every.unwrap_or_default());
        let targets = self.queries.iter().enumerate().map(|(number, query)| query.render(number, shape, every, &scope));
        let mut defaults = json!({
            "color": {"mode": self.visual.color()},
            "custom": self.visual.custom(self.threshold),
            "mappings": self.unit.mappings(),
            "thresholds": thresholds(self.threshold),
            "unit": self.unit.id(),
        });
        put(&mut defaults, "decimals", self.unit.decimals());
        put(&mut defaults, "min", self.range.0.map(number));
        put(&mut defaults, "max", self.range.1.map(number));
        Ok(json!({
            "datasource": data_source(),
            "description": self.description,
            "fieldConfig": {"defaults": defaults, "overrides": []},
            "gridPos": place.render(),
            "id": id,
            "options": self.visual.options(),
            "pluginVersion": PANELS,
            "targets": targets.collect::<Result<Vec<_>, _>>()?,
            "title": self.title,
            "transformations": self.visual.transformations(),
            "type": self.visual.as_str(),
        }))
    }
}

/// Keeps the series of the services that are chosen on the dashboard.
///
/// ```
/// use watchkeeper::presets::sync::INTEGRATION_UP;
/// use watchkeeper::promql::{self, Expr, Scope};
/// use watchkeeper::stack::dashboard;
///
/// let up = Expr::from(dashboard::watched(promql::select(&INTEGRATION_UP)));
/// assert_eq!(up.render(&Scope::default())?, r#"integration_up{job=~"$job",instance=~"$instance"}"#);
/// # Ok::<(), promql::PromqlError>(())
/// ```
pub fn watched(of: impl Into<Selector>) -> Selector {
    of.into().matching("job", "$job").matching("instance", "$instance")
}

/// The rate over the window that Grafana chooses.
pub(super) fn rate(of: Selector) -> Expr {
    promql::rate(of, Window::RATE_INTERVAL)
}
