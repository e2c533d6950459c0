//! Our registry as a collector of the `prometheus` crate.

use std::cell::Cell;
use std::collections::HashMap;
use std::fmt;

use prometheus::core::{Collector, Desc};
use prometheus::proto;

use super::descriptor::Kind;
use super::family::Family;
use super::registry::Registry;
use super::series::Series;

/// A whole [`Registry`] as one collector, for an app that scrapes a `prometheus::Registry` of its own.
///
/// It says which metrics it has when it is made; those registered later are collected all the same.
/// Collectors that were registered with our registry come along.
///
/// ```
/// let ours = watchkeeper::metric::Registry::new();
/// let theirs = prometheus::Registry::new();
/// theirs.register(Box::new(ours.collector()))?;
/// # Ok::<(), prometheus::Error>(())
/// ```
pub struct RegistryCollector {
    registry: Registry,
    described: Vec<Desc>,
}

impl Registry {
    /// Makes the registry a collector that the app registers with a `prometheus::Registry` of its own.
    pub fn collector(&self) -> RegistryCollector {
        let mut described: Vec<_> = self.all().iter().filter_map(|family| describe(family)).collect();
        if described.is_empty() {
            // A collector without a description is refused, and metrics may be registered later.
            let name = "watchkeeper_registry".to_owned();
            described.extend(Desc::new(name, "A registry of watchkeeper.".to_owned(), Vec::new(), HashMap::new()));
        }
        RegistryCollector { registry: self.clone(), described }
    }

    pub(super) fn is(&self, other: &Self) -> bool {
        std::sync::Arc::ptr_eq(self.cells(), other.cells())
    }
}

impl Collector for RegistryCollector {
    fn desc(&self) -> Vec<&Desc> {
        self.described.iter().collect()
    }

    fn collect(&self) -> Vec<proto::MetricFamily> {
        let Some(_nested) = Nested::enter() else { return Vec::new() };
        self.registry.run_hooks();
        let mut families: Vec<_> = self.registry.all().iter().map(|family| collect(family)).collect();
        families.retain(|family| !family.get_metric().is_empty());
        families.extend(self.registry.gather_collectors());
        families
    }
}

/// Registries may hold each other's collectors; a circle of them ends here instead of at the end of the stack.
struct Nested;

impl Nested {
    const DEEPEST: u32 = 4;

    fn enter() -> Option<Self> {
        (DEPTH.get() < Self::DEEPEST).then(|| {
            DEPTH.set(DEPTH.get() + 1);
            Self
        })
    }
}

impl Drop for Nested {
    fn drop(&mut self) {
        DEPTH.set(DEPTH.get() - 1);
    }
}

thread_local! {
    static DEPTH: Cell<u32> = const { Cell::new(0) };
}

impl fmt::Debug for RegistryCollector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RegistryCollector").field("metrics", &self.described.len()).finish_non_exhaustive()
    }
}

fn describe(family: &Family) -> Option<Desc> {
    let labels = family.shape.labels.iter().map(|label| label.name.clone()).collect();
    let constant = family.shape.constant_labels.iter().cloned().collect();
    Desc::new(family.shape.name.clone(), family.shape.help.clone(), labels, constant).ok()
}

fn collect(family: &Family) -> proto::MetricFamily {
    let mut out = proto::MetricFamily::default();
    out.set_name(family.shape.name.clone());
    out.set_help(family.shape.help.clone());
    out.set_field_type(match family.shape.kind {
        Kind::Counter => proto::MetricType::COUNTER,
        Kind::Gauge | Kind::UpDown => proto::MetricType::GAUGE,
        Kind::Histogram => proto::MetricType::HISTOGRAM,
    });
    out.set_metric(family.read(|all| all.iter().map(|series| metric(family, series)).collect()));
    out
}

fn metric(family: &Family, series: &Series) -> proto::Metric {
    let constant = family.shape.constant_labels.iter().map(|(name, value)| pair(name, value));
    let names = family.shape.labels.iter().map(|label| &label.name);
    let own = names.zip(family.values(series)).map(|(name, value)| pair(name, value));
    let mut labels: Vec<_> = constant.chain(own).collect();
    labels.sort_by(|a, b| a.name().cmp(b.name()));
    let mut metric = proto::Metric::from_label(labels);
    let ticks = family.shape.unit.ticks() as f64;
    match family.shape.kind {
        Kind::Counter => {
            let mut counter = proto::Counter::default();
            counter.set_value(series.total(family) as f64 / ticks);
            metric.set_counter(counter);
        }
        Kind::Gauge | Kind::UpDown => {
            let mut gauge = proto::Gauge::default();
            gauge.set_value(match family.shape.kind {
                Kind::UpDown => (series.sum(family) as i64).max(0) as f64,
                _ => f64::from_bits(family.cells.sum(series.spot.at)),
            });
            metric.set_gauge(gauge);
        }
        Kind::Histogram => metric.set_histogram(histogram(family, series, ticks)),
    }
    metric
}

fn histogram(family: &Family, series: &Series, ticks: f64) -> proto::Histogram {
    let mut cells = vec![0; family.width];
    series.sum_run(family, &mut cells);
    let mut count = 0;
    let mut buckets = Vec::with_capacity(family.bounds.len());
    for (bound, cell) in family.shape.buckets.iter().zip(&cells) {
        count += cell;
        let mut bucket = proto::Bucket::default();
        bucket.set_upper_bound(*bound);
        bucket.set_cumulative_count(count);
        buckets.push(bucket);
    }
    let mut histogram = proto::Histogram::default();
    histogram.set_bucket(buckets);
    histogram.set_sample_count(count + cells[family.bounds.len()]);
    histogram.set_sample_sum(cells[family.bounds.len() + 1] as f64 / ticks);
    histogram
}

fn pair(name: &str, value: &str) -> proto::LabelPair {
    let mut pair = proto::LabelPair::default();
    pair.set_name(name.to_owned());
    pair.set_value(value.to_owned());
    pair
}
