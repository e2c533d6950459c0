//! The registry: a cheap handle on a set of metrics, as many side by side as an app wants.

use std::any::Any;
use std::collections::btree_map::{BTreeMap, Entry};
use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use super::builder::{Options, RegistryBuilder};
use super::cell::Cells;
use super::counter::CounterFamily;
use super::descriptor::{CounterDesc, GaugeDesc, HistogramDesc, Kind, Meta, UpDownDesc};
use super::error::RegisterError;
use super::exposition::{self, Format};
use super::family::Family;
use super::gauge::GaugeFamily;
use super::histogram::HistogramFamily;
use super::label::{LabelSet, Open};
use super::loss::{INVALID_OBSERVATIONS, LABEL_OVERFLOW, Losses, MetricName};
use super::shape::{LabelShape, Shape};
use super::up_down::UpDownFamily;
use crate::sanitise;

/// A set of metrics that is scraped together. Cloning it copies a handle, not the metrics.
///
/// ```
/// use watchkeeper::metric::{CounterDesc, Format, Registry};
///
/// const PARCELS_SENT: CounterDesc = CounterDesc::new("parcels_sent_total", "Parcels that left the house.");
///
/// let registry = Registry::builder().prefix("depot").build()?;
/// let sent = registry.counter(&PARCELS_SENT)?;
/// sent.inc(());
/// assert!(registry.render(Format::Text).contains("depot_parcels_sent_total 1\n"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Registry {
    inner: Arc<Inner>,
}

struct Inner {
    options: Options,
    cells: Arc<Cells>,
    /// By the name without `_total`, since OpenMetrics forbids two metrics that differ in no more.
    families: RwLock<BTreeMap<String, Arc<Family>>>,
    collectors: prometheus::Registry,
    collector_names: RwLock<BTreeSet<String>>,
    hooks: RwLock<Vec<Hook>>,
    /// What lives as long as the registry, though others only hold it weakly.
    kept: Mutex<Vec<Arc<dyn Any + Send + Sync>>>,
}

type Hook = Arc<dyn Fn() + Send + Sync>;

impl Registry {
    /// Makes an empty registry with every default: no prefix, 1,000 values of an open label, 2,000 series a metric.
    pub fn new() -> Self {
        Self::with(Options::default())
    }

    /// Builds a registry with a prefix, constant labels, limits or buckets of its own.
    pub fn builder() -> RegistryBuilder {
        RegistryBuilder::default()
    }

    pub(super) fn with(options: Options) -> Self {
        let constant: HashMap<_, _> = options.constant_labels.iter().cloned().collect();
        let prefix = options.prefix.clone();
        // Refused only for an empty prefix or a bad label, which the builder has excluded.
        let collectors = prometheus::Registry::new_custom(prefix, (!constant.is_empty()).then_some(constant));
        let inner = Inner {
            options,
            cells: Arc::new(Cells::new()),
            families: RwLock::default(),
            collectors: collectors.unwrap_or_default(),
            collector_names: RwLock::default(),
            hooks: RwLock::default(),
            kept: Mutex::default(),
        };
        Self { inner: Arc::new(inner) }
    }

    /// Registers a counter; the same descriptor again returns the same counter.
    ///
    /// # Errors
    ///
    /// When the name is taken by a metric of another meaning, or the closed labels make too many series.
    pub fn counter<L: LabelSet>(&self, desc: &CounterDesc<L>) -> Result<CounterFamily<L>, RegisterError> {
        self.family(&desc.meta).map(CounterFamily::new)
    }

    /// Registers a gauge; the same descriptor again returns the same gauge.
    ///
    /// # Errors
    ///
    /// As [`counter`](Self::counter).
    pub fn gauge<L: LabelSet>(&self, desc: &GaugeDesc<L>) -> Result<GaugeFamily<L>, RegisterError> {
        self.family(&desc.meta).map(GaugeFamily::new)
    }

    /// Registers a number of things under way; the same descriptor again returns the same number.
    ///
    /// # Errors
    ///
    /// As [`counter`](Self::counter).
    pub fn up_down<L: LabelSet>(&self, desc: &UpDownDesc<L>) -> Result<UpDownFamily<L>, RegisterError> {
        self.family(&desc.meta).map(UpDownFamily::new)
    }

    /// Registers a histogram; the same descriptor again returns the same histogram.
    ///
    /// # Errors
    ///
    /// As [`counter`](Self::counter).
    pub fn histogram<L: LabelSet>(&self, desc: &HistogramDesc<L>) -> Result<HistogramFamily<L>, RegisterError> {
        self.family(&desc.meta).map(HistogramFamily::new)
    }

    /// Registers a collector of the `prometheus` crate, to be scraped with the rest.
    ///
    /// The registry's prefix and constant labels are put on its metrics too.
    ///
    /// # Errors
    ///
    /// When a name is taken, or the same collector is registered already.
    pub fn register_collector(&self, collector: Box<dyn prometheus::core::Collector>) -> Result<(), RegisterError> {
        let families = self.inner.families.read().unwrap_or_else(PoisonError::into_inner);
        let names: Vec<_> = collector.desc().iter().map(|desc| self.inner.options.full_name(&desc.fq_name)).collect();
        let taken = |name: &&String| {
            let histogram = families.get(histogram_of(name));
            families.contains_key(stem(name)) || histogram.is_some_and(|family| family.shape.kind == Kind::Histogram)
        };
        if let Some(name) = names.iter().find(taken) {
            return Err(RegisterError::Conflict { name: name.clone(), difference: "owner" });
        }
        self.inner.collectors.register(collector).map_err(|error| RegisterError::Collector(error.to_string()))?;
        self.inner.collector_names.write().unwrap_or_else(PoisonError::into_inner).extend(names);
        Ok(())
    }

    /// Calls `hook` before every scrape, to set gauges that are cheap to read. One that panics is skipped.
    pub fn on_scrape(&self, hook: impl Fn() + Send + Sync + 'static) {
        self.inner.hooks.write().unwrap_or_else(PoisonError::into_inner).push(Arc::new(hook));
    }

    /// Writes every metric in the given format.
    pub fn render(&self, format: Format) -> String {
        let mut out = Vec::new();
        self.render_into(format, &mut out);
        // Names, labels and help are text already, and numbers are ASCII.
        String::from_utf8(out).unwrap_or_default()
    }

    /// Appends every metric in the given format, for a caller who keeps the buffer.
    pub fn render_into(&self, format: Format, out: &mut Vec<u8>) {
        self.run_hooks();
        for family in self.all() {
            exposition::family(&family, format, out);
        }
        self.write_collectors(format, out);
        if format == Format::OpenMetrics {
            out.extend_from_slice(b"# EOF\n");
        }
    }

    pub(super) fn run_hooks(&self) {
        let hooks = self.inner.hooks.read().unwrap_or_else(PoisonError::into_inner).clone();
        for hook in hooks {
            let _ = catch_unwind(AssertUnwindSafe(|| hook()));
        }
    }

    fn families(&self) -> std::sync::RwLockReadGuard<'_, BTreeMap<String, Arc<Family>>> {
        self.inner.families.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns every metric, so that one may be registered while they are read.
    pub(super) fn all(&self) -> Vec<Arc<Family>> {
        self.families().values().cloned().collect()
    }

    pub(super) fn write_collectors(&self, format: Format, out: &mut Vec<u8>) {
        exposition::collectors(&self.inner.collectors, format, out);
    }

    pub(super) fn gather_collectors(&self) -> Vec<prometheus::proto::MetricFamily> {
        self.inner.collectors.gather()
    }

    /// Keeps something alive for as long as the registry.
    pub(crate) fn keep(&self, what: Arc<dyn Any + Send + Sync>) {
        self.inner.kept.lock().unwrap_or_else(PoisonError::into_inner).push(what);
    }

    /// Returns what a family is made of, for callers that lay out their cells themselves.
    pub(crate) fn cells(&self) -> &Arc<Cells> {
        &self.inner.cells
    }

    pub(crate) fn family(&self, meta: &Meta) -> Result<Arc<Family>, RegisterError> {
        self.family_shaped(meta, |_| {})
    }

    /// Registers a metric whose labels the caller bounds or adds to.
    pub(crate) fn family_shaped(
        &self,
        meta: &Meta,
        shape_it: impl FnOnce(&mut Shape),
    ) -> Result<Arc<Family>, RegisterError> {
        let mut shape = self.shape(meta)?;
        shape_it(&mut shape);
        // Before anything is registered for it: a metric that is refused leaves no trace.
        self.conflict(&shape, &self.families())?;
        let losses = self.losses(&shape)?;
        let mut families = self.inner.families.write().unwrap_or_else(PoisonError::into_inner);
        self.conflict(&shape, &families)?;
        match families.entry(stem(&shape.name).to_owned()) {
            Entry::Occupied(taken) => Ok(Arc::clone(taken.get())),
            Entry::Vacant(free) => {
                let name = shape.name.clone();
                let family = Family::new(shape, Arc::clone(&self.inner.cells), self.inner.options.limits, losses)
                    .ok_or(RegisterError::Full { name })?;
                Ok(Arc::clone(free.insert(Arc::new(family))))
            }
        }
    }

    /// Says what would keep a metric from being registered now; registers nothing.
    pub(crate) fn check(&self, meta: &Meta) -> Result<(), RegisterError> {
        let shape = self.shape(meta)?;
        self.conflict(&shape, &self.families())
    }

    fn conflict(&self, shape: &Shape, families: &BTreeMap<String, Arc<Family>>) -> Result<(), RegisterError> {
        let names = self.inner.collector_names.read().unwrap_or_else(PoisonError::into_inner);
        let taken = families.get(stem(&shape.name));
        let same = |name: &String| {
            let series = shape.kind == Kind::Histogram && histogram_of(name) == shape.name;
            series || stem(name) == stem(&shape.name)
        };
        let difference = if names.iter().any(same) {
            Some("owner")
        } else {
            taken.and_then(|taken| difference(&taken.shape, shape))
        };
        match difference {
            Some(difference) => Err(RegisterError::Conflict { name: shape.name.clone(), difference }),
            None => Ok(()),
        }
    }

    fn shape(&self, meta: &Meta) -> Result<Shape, RegisterError> {
        let options = &self.inner.options;
        let name = options.full_name(&meta.name);
        if let Some((label, _)) =
            (options.constant_labels.iter()).find(|(label, _)| meta.labels.iter().any(|l| l.name == label))
        {
            return Err(RegisterError::ConstantLabel { name, label: label.clone() });
        }
        let series = meta.labels.iter().filter_map(|label| label.values).map(<[_]>::len).product();
        let limit = options.limits.series;
        if series > limit {
            return Err(RegisterError::TooManySeries { name, series, limit });
        }
        let buckets = options.buckets.get(&*meta.name).map_or(&*meta.buckets, Vec::as_slice);
        let buckets = if meta.kind == Kind::Histogram { buckets.to_vec() } else { Vec::new() };
        let labels =
            meta.labels.iter().map(|label| LabelShape { values: label.values, ..LabelShape::open(label.name) });
        Ok(Shape {
            name,
            help: sanitise::help(&meta.help),
            kind: meta.kind,
            unit: meta.unit(),
            labels: labels.collect(),
            buckets,
            exemplars: meta.exemplars,
            on_demand: meta.on_demand,
            overflows: meta.labels.iter().any(|label| label.values.is_none()),
            constant_labels: options.constant_labels.clone(),
            constant: options.constant_text(),
        })
    }

    /// Returns the cells that count what a metric could not record.
    fn losses(&self, shape: &Shape) -> Result<Losses, RegisterError> {
        let (overflow, invalid) = (LABEL_OVERFLOW, INVALID_OBSERVATIONS);
        // Those that count losses have nobody to count theirs.
        if [&overflow, &invalid].iter().any(|desc| shape.name == self.inner.options.full_name(desc.name())) {
            return Ok(Losses::default());
        }
        let cell = |counted: bool, desc: &CounterDesc<(Open<MetricName>,)>| {
            let counter = if counted { self.family(&desc.meta)? } else { return Ok(None) };
            Ok(counter.locate(&[super::label::Part::Open(&shape.name)]).map(|spot| spot.at))
        };
        Ok(Losses {
            overflow: cell(shape.overflows, &overflow)?,
            invalid: cell(shape.kind == Kind::Histogram, &invalid)?,
        })
    }
}

impl Default for Registry {
    fn default() -> Self {
        Self::new()
    }
}

impl AsRef<Self> for Registry {
    fn as_ref(&self) -> &Self {
        self
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registry").field("metrics", &self.families().len()).finish_non_exhaustive()
    }
}

fn stem(name: &str) -> &str {
    name.strip_suffix("_total").unwrap_or(name)
}

/// Returns the name of the histogram that would have a series of this name; of our own only collectors have such names.
fn histogram_of(name: &str) -> &str {
    ["_bucket", "_sum", "_count"].iter().find_map(|suffix| name.strip_suffix(suffix)).unwrap_or(name)
}

fn difference(a: &Shape, b: &Shape) -> Option<&'static str> {
    if a.kind != b.kind || a.name != b.name {
        Some("type")
    } else if a.labels != b.labels {
        Some("labels")
    } else if a.help != b.help {
        Some("help")
    } else if a.buckets != b.buckets || a.exemplars != b.exemplars {
        Some("buckets")
    } else {
        None
    }
}
