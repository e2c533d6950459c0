//! Visualisations: the kinds of panels, with the options that Grafana knows for each.

use serde_json::{Value, json};

use super::field::Threshold;
use super::query::Shape;

/// The version of Grafana's panels whose options these are.
pub(super) const PANELS: &str = "13.2.2";

/// A kind of panel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Visual {
    /// Lines over time.
    TimeSeries,
    /// Areas over time that add up.
    StackedSeries,
    /// One large number, with its course behind it.
    Stat,
    /// A dial.
    Gauge,
    /// One bar for each series, the longest first.
    BarGauge,
    /// Shares of a whole.
    PieChart,
    /// One line for each series.
    Table,
}

impl Visual {
    /// Returns the panel's type as Grafana names it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TimeSeries | Self::StackedSeries => "timeseries",
            Self::Stat => "stat",
            Self::Gauge => "gauge",
            Self::BarGauge => "bargauge",
            Self::PieChart => "piechart",
            Self::Table => "table",
        }
    }

    pub(super) fn shape(self) -> Shape {
        match self {
            Self::TimeSeries | Self::StackedSeries | Self::Stat => Shape::Range,
            Self::Gauge | Self::BarGauge | Self::PieChart => Shape::Instant,
            Self::Table => Shape::Table,
        }
    }

    /// What colours a value: its series, or whether it is good.
    pub(super) const fn color(self) -> &'static str {
        match self {
            Self::TimeSeries | Self::StackedSeries | Self::PieChart => "palette-classic",
            Self::Stat | Self::Gauge | Self::BarGauge | Self::Table => "thresholds",
        }
    }

    pub(super) fn options(self) -> Value {
        let reduce = json!({"calcs": ["lastNotNull"], "fields": "", "values": false});
        match self {
            Self::TimeSeries | Self::StackedSeries => json!({
                "legend": {"calcs": ["mean", "max"], "displayMode": "table", "placement": "bottom", "showLegend": true},
                "tooltip": {"mode": "multi", "sort": "desc"},
            }),
            Self::Stat => json!({
                "colorMode": "value",
                "graphMode": "area",
                "justifyMode": "auto",
                "orientation": "auto",
                "percentChangeColorMode": "standard",
                "reduceOptions": reduce,
                "showPercentChange": false,
                "textMode": "auto",
                "wideLayout": true,
            }),
            Self::Gauge => json!({
                "barShape": "flat",
                "barWidthFactor": 0.4,
                "effects": {"barGlow": false, "centerGlow": false, "gradient": false},
                "minVizHeight": 75,
                "minVizWidth": 75,
                "orientation": "auto",
                "reduceOptions": reduce,
                "segmentCount": 1,
                "segmentSpacing": 0.3,
                "shape": "gauge",
                "showThresholdLabels": false,
                "showThresholdMarkers": true,
                "sizing": "auto",
            }),
            Self::BarGauge => json!({
                "displayMode": "basic",
                "legend": {"calcs": [], "displayMode": "list", "placement": "bottom", "showLegend": false},
                "maxVizHeight": 300,
                "minVizHeight": 16,
                "minVizWidth": 8,
                "namePlacement": "auto",
                "orientation": "horizontal",
                "reduceOptions": reduce,
                "showUnfilled": true,
                "sizing": "auto",
                "valueMode": "color",
            }),
            Self::PieChart => json!({
                "displayLabels": ["percent"],
                "legend": {
                    "calcs": [],
                    "displayMode": "table",
                    "placement": "right",
                    "showLegend": true,
                    "values": ["value"],
                },
                "orientation": "auto",
                "pieType": "pie",
                "reduceOptions": reduce,
                "sort": "desc",
                "tooltip": {"mode": "single", "sort": "none"},
            }),
            Self::Table => json!({"cellHeight": "sm", "frameIndex": 0, "showHeader": true}),
        }
    }

    /// The part of a field's configuration that belongs to the kind of panel.
    pub(super) fn custom(self, threshold: Option<Threshold>) -> Value {
        match self {
            Self::TimeSeries | Self::StackedSeries => {
                let stacked = self == Self::StackedSeries;
                json!({
                    // A curve that begins at zero does not make much of little.
                    "axisSoftMin": 0,
                    "drawStyle": "line",
                    "fillOpacity": if stacked { 40 } else { 8 },
                    "lineInterpolation": "linear",
                    "lineWidth": 1,
                    "showPoints": "never",
                    "spanNulls": false,
                    "stacking": {"group": "A", "mode": if stacked { "normal" } else { "none" }},
                    "thresholdsStyle": {"mode": if threshold.is_some() { "dashed" } else { "off" }},
                })
            }
            Self::PieChart => json!({"hideFrom": {"legend": false, "tooltip": false, "viz": false}}),
            Self::Table => json!({"align": "auto", "cellOptions": {"type": "auto"}, "inspect": false}),
            Self::Stat | Self::Gauge | Self::BarGauge => json!({}),
        }
    }

    /// What is done to the answer before it is shown.
    pub(super) fn transformations(self) -> Value {
        match self {
            Self::Table => json!([{"id": "organize", "options": {"excludeByName": {"Time": true}}}]),
            _ => json!([]),
        }
    }
}
