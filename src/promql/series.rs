//! Series that can be queried: what they are called, what they are, which labels they have.

use std::borrow::Cow;

use crate::metric::{Describe, Kind, Meta};

/// The labels that Prometheus gives every series of a target; the rendered `prometheus.yml` sets `service` on each.
pub const TARGET_LABELS: [&str; 3] = ["instance", "job", "service"];

/// What a metric is to a query.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SeriesKind {
    /// A total that only rises.
    Counter,
    /// A value that goes up and down.
    Gauge,
    /// A distribution over buckets.
    Histogram,
}

impl SeriesKind {
    /// Returns the type as Prometheus names it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

/// Where a metric comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Origin {
    /// The app: its own metrics or the catalogue's, under the registry's prefix.
    App,
    /// The exporter of that name.
    Exporter(&'static str),
    /// A recording rule.
    Rule,
}

/// A metric as queries know it.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Series {
    /// The metric's name, without the registry's prefix.
    pub name: Cow<'static, str>,
    /// What it is.
    pub kind: SeriesKind,
    /// Its labels, with the values of closed ones; target labels come on top.
    pub labels: Vec<(Cow<'static, str>, Option<&'static [&'static str]>)>,
    /// The upper bounds of a histogram's buckets.
    pub buckets: Cow<'static, [f64]>,
    /// Where it comes from.
    pub origin: Origin,
    /// Whether its series have the labels of a target, [`TARGET_LABELS`].
    pub has_target_labels: bool,
}

impl Series {
    /// Describes what a recording rule makes.
    pub(crate) fn recorded(name: String, labels: impl IntoIterator<Item = String>) -> Self {
        Self {
            name: Cow::Owned(name),
            kind: SeriesKind::Gauge,
            labels: labels.into_iter().map(|label| (Cow::Owned(label), None)).collect(),
            buckets: Cow::Borrowed(&[]),
            origin: Origin::Rule,
            has_target_labels: false,
        }
    }
}

/// A metric that a query can begin at.
pub trait Queried {
    /// Returns what queries need to know of it.
    fn series(&self) -> Series;
}

impl<T: Describe + ?Sized> Queried for T {
    fn series(&self) -> Series {
        let Meta { name, kind, labels, buckets, .. } = self.meta();
        Series {
            name: name.clone(),
            kind: match kind {
                Kind::Counter => SeriesKind::Counter,
                Kind::Gauge | Kind::UpDown => SeriesKind::Gauge,
                Kind::Histogram => SeriesKind::Histogram,
            },
            labels: labels.iter().map(|label| (Cow::Borrowed(label.name), label.values)).collect(),
            buckets: buckets.clone(),
            origin: Origin::App,
            has_target_labels: true,
        }
    }
}

/// A metric of an exporter, declared as far as queries use it.
///
/// ```
/// use watchkeeper::promql::{Expr, ExporterMetric, Scope, select};
///
/// const PROBE_SUCCESS: ExporterMetric = ExporterMetric::gauge("blackbox", "probe_success", &[]);
/// let down = Expr::from(select(&PROBE_SUCCESS).eq("job", "pages")).equals(0.0);
/// assert_eq!(down.render(&Scope::default())?, r#"probe_success{job="pages"} == 0"#);
/// # Ok::<(), watchkeeper::promql::PromqlError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct ExporterMetric {
    /// The exporter's name.
    pub exporter: &'static str,
    /// The metric's name.
    pub name: &'static str,
    /// What it is.
    pub kind: SeriesKind,
    /// The labels that queries use; the exporter may have more.
    pub labels: &'static [&'static str],
    /// The bounds that queries use of a histogram's buckets.
    pub buckets: &'static [f64],
}

impl ExporterMetric {
    /// Declares a total that only rises.
    pub const fn counter(exporter: &'static str, name: &'static str, labels: &'static [&'static str]) -> Self {
        Self { exporter, name, kind: SeriesKind::Counter, labels, buckets: &[] }
    }

    /// Declares a value that goes up and down.
    pub const fn gauge(exporter: &'static str, name: &'static str, labels: &'static [&'static str]) -> Self {
        Self { exporter, name, kind: SeriesKind::Gauge, labels, buckets: &[] }
    }

    /// Declares a distribution, by those of its bounds that queries may name.
    pub const fn histogram(
        exporter: &'static str,
        name: &'static str,
        labels: &'static [&'static str],
        buckets: &'static [f64],
    ) -> Self {
        Self { exporter, name, kind: SeriesKind::Histogram, labels, buckets }
    }
}

impl Queried for ExporterMetric {
    fn series(&self) -> Series {
        Series {
            name: Cow::Borrowed(self.name),
            kind: self.kind,
            labels: self.labels.iter().map(|&label| (Cow::Borrowed(label), None)).collect(),
            buckets: Cow::Borrowed(self.buckets),
            origin: Origin::Exporter(self.exporter),
            has_target_labels: true,
        }
    }
}
