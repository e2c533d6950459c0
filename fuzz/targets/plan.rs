//! A registry made and filled by random decisions, with what a scrape of it must show.

use std::collections::BTreeMap;
use std::time::Duration;

use watchkeeper::metric::{CounterDesc, GaugeDesc, HistogramDesc, Open, Registry, TraceId, UpDownDesc};
use watchkeeper::sanitise::{is_control, label_value};

use super::entropy::Entropy;
use super::expected::{Expected, Family, Series};
use super::labels::{Carrier, Depot, Labelled, Picked, Tenant};

/// What one of our own metrics has recorded, in ticks, by its labels.
#[derive(Default)]
struct Recorded {
    family: Family,
    bounds: Vec<f64>,
    ticks: u64,
    series: BTreeMap<BTreeMap<String, String>, Amounts>,
}

#[derive(Default, Clone)]
struct Amounts {
    total: u64,
    level: i64,
    set: Option<f64>,
    observed: Vec<u64>,
}

/// A registry, and what a scrape of it must show.
pub struct Planned {
    pub registry: Registry,
    pub expected: Expected,
}

impl Planned {
    /// Registers metrics of any kind in any order, some under names that are taken, and records in them.
    pub fn out_of(entropy: &mut Entropy<'_>) -> Self {
        Self::of(entropy, true)
    }

    /// The same without collectors of the `prometheus` crate.
    pub fn of_our_own(entropy: &mut Entropy<'_>) -> Self {
        Self::of(entropy, false)
    }

    fn of(entropy: &mut Entropy<'_>, collectors: bool) -> Self {
        let mut builder = Registry::builder();
        let prefix = entropy.once_in(3).then(|| entropy.word());
        if let Some(prefix) = &prefix {
            builder = builder.prefix(prefix);
        }
        let mut constant = BTreeMap::new();
        for name in ["zone", "version"] {
            if entropy.once_in(4) {
                let value = entropy.text(8);
                builder = builder.constant_label(name, &value);
                constant.insert(name.to_owned(), label_value(&value).into_owned());
            }
        }
        let Ok(registry) = builder.build() else { panic!("the choices are sound") };
        let mut plan = Plan { registry, prefix, constant, own: BTreeMap::new(), expected: Expected::default() };
        for _ in 0..entropy.below(10) {
            match entropy.below(6) {
                0 => plan.metric::<()>(entropy),
                1 => plan.metric::<(Carrier,)>(entropy),
                2 => plan.metric::<(Open<Depot>,)>(entropy),
                3 => plan.metric::<(Carrier, Open<Depot>)>(entropy),
                4 => plan.metric::<(Open<Tenant>, Open<Depot>)>(entropy),
                _ if collectors => plan.collector(entropy),
                _ => {}
            }
        }
        plan.finish()
    }
}

struct Plan {
    registry: Registry,
    prefix: Option<String>,
    constant: BTreeMap<String, String>,
    own: BTreeMap<String, Recorded>,
    expected: Expected,
}

impl Plan {
    fn metric<L: Labelled>(&mut self, entropy: &mut Entropy<'_>) {
        let unit = entropy.of(&["", "_seconds", "_bytes", "_ratio", "_cents"]);
        let name = format!("{}{unit}", entropy.word());
        let help = format!("H{}", entropy.text(12));
        match entropy.below(4) {
            0 => self.counter::<L>(format!("{name}_total"), help, entropy),
            1 => self.gauge::<L>(name, help, entropy),
            2 => self.up_down::<L>(name, help, entropy),
            _ => self.histogram::<L>(name, help, entropy),
        }
    }

    fn counter<L: Labelled>(&mut self, name: String, help: String, entropy: &mut Entropy<'_>) {
        let Ok(desc) = CounterDesc::<L>::try_new(&name, &help) else { return };
        let Ok(counter) = self.registry.counter(&desc) else { return };
        let recorded = self.recorded(&name, "counter", &help, &[]);
        for _ in 0..entropy.below(5) {
            let picked = Picked::out_of(entropy);
            let by = match entropy.below(3) {
                0 => entropy.number(),
                1 => (1 << 53) + 1,
                _ => u64::from(entropy.byte()),
            };
            let ticks = recorded.ticks;
            let total = &mut recorded.at::<L>(&picked).total;
            let mut raise = |by: u64| *total = total.saturating_add(by);
            match entropy.below(4) {
                0 => {
                    counter.inc(L::values(&picked));
                    raise(ticks);
                }
                1 => {
                    counter.add_duration(L::values(&picked), Duration::new(by >> 32, by as u32 % 1_000_000_000));
                    let nanos = (by >> 32) * 1_000_000_000 + u64::from(by as u32 % 1_000_000_000);
                    raise(if ticks == 1 { by >> 32 } else { nanos });
                }
                2 => {
                    counter.with(L::values(&picked)).add(by);
                    raise(by.saturating_mul(ticks));
                }
                _ => {
                    counter.add(L::values(&picked), by);
                    raise(by.saturating_mul(ticks));
                }
            }
        }
    }

    fn gauge<L: Labelled>(&mut self, name: String, help: String, entropy: &mut Entropy<'_>) {
        let Ok(desc) = GaugeDesc::<L>::try_new(&name, &help) else { return };
        let Ok(gauge) = self.registry.gauge(&desc) else { return };
        // A gauge that is set and one that is raised have one type in a scrape, and are two to a registry.
        let recorded = self.recorded(&name, "gauge", &help, &[]);
        for _ in 0..entropy.below(5) {
            let (picked, value) = (Picked::out_of(entropy), entropy.float());
            gauge.set(L::values(&picked), value);
            recorded.at::<L>(&picked).set = Some(value);
        }
    }

    fn up_down<L: Labelled>(&mut self, name: String, help: String, entropy: &mut Entropy<'_>) {
        let Ok(desc) = UpDownDesc::<L>::try_new(&name, &help) else { return };
        let Ok(number) = self.registry.up_down(&desc) else { return };
        let recorded = self.recorded(&name, "gauge", &help, &[]);
        for _ in 0..entropy.below(5) {
            let (picked, by) = (Picked::out_of(entropy), i64::from(entropy.byte() as i8));
            number.with(L::values(&picked)).add(by);
            recorded.at::<L>(&picked).level += by;
        }
    }

    fn histogram<L: Labelled>(&mut self, name: String, help: String, entropy: &mut Entropy<'_>) {
        let whole = !name.ends_with("_seconds") && !name.ends_with("_ratio");
        let bounds = bounds(whole, entropy);
        let Ok(mut desc) = HistogramDesc::<L>::try_new(&name, &help, &bounds) else { return };
        if entropy.once_in(2) {
            desc = desc.with_exemplars();
        }
        let Ok(histogram) = self.registry.histogram(&desc) else { return };
        let mut invalid = 0;
        let mut traces = Vec::new();
        let recorded = self.recorded(&name, "histogram", &help, &bounds);
        for _ in 0..entropy.below(8) {
            let picked = Picked::out_of(entropy);
            // Few enough ticks that the float in between keeps each of them.
            let ticks = if entropy.once_in(3) {
                u64::from(entropy.byte() % 8)
            } else {
                entropy.number() >> (15 + entropy.below(48))
            };
            let per_unit = recorded.ticks;
            match entropy.below(5) {
                0 => {
                    let nothing =
                        entropy.of(&[f64::NAN, -1.0, -5e-324, f64::INFINITY, f64::NEG_INFINITY, 1e300, -1e300]);
                    histogram.observe(L::values(&picked), nothing);
                    invalid += 1;
                    continue;
                }
                1 if per_unit > 1 => {
                    let id = u128::from(entropy.number()) + 1;
                    let Some(trace) = TraceId::new(id) else { continue };
                    traces.push(trace.to_string());
                    histogram.with(L::values(&picked)).observe_duration_in(Duration::from_nanos(ticks), trace);
                }
                2 if per_unit > 1 => histogram.observe_duration(L::values(&picked), Duration::from_nanos(ticks)),
                3 => histogram.with(L::values(&picked)).observe(ticks as f64 / per_unit as f64),
                _ => histogram.observe(L::values(&picked), ticks as f64 / per_unit as f64),
            }
            recorded.at::<L>(&picked).observed.push(ticks);
        }
        self.expected.traces.append(&mut traces);
        let counter = self.series("watchkeeper_invalid_observations_total", &[("metric", self.full_name(&name))]);
        *self.expected.samples.entry(counter).or_default() += f64::from(invalid);
    }

    /// Registers a collector of the `prometheus` crate, which knows fewer rules than we do.
    fn collector(&mut self, entropy: &mut Entropy<'_>) {
        let name = format!("{}{}", entropy.word(), entropy.of(&["", "_total", "_seconds", "_sum", "_Bytes"]));
        let help = format!("H{}", entropy.text(6).replace(is_control, " "));
        let full = self.full_name(&name);
        // The crate would write a series twice where a histogram's and another's names meet.
        let meets = |a: &str, b: &str| ["_sum", "_count", "_bucket"].iter().any(|suffix| format!("{a}{suffix}") == b);
        if self.expected.families.keys().any(|taken| meets(taken, &full) || meets(&full, taken)) {
            return;
        }
        let (label, value) = ("rule", entropy.text(6).replace('\0', ""));
        let options = prometheus::Opts::new(&name, &help);
        match entropy.below(3) {
            0 => {
                let Ok(counter) = prometheus::IntCounterVec::new(options, &[label]) else { return };
                if self.registry.register_collector(Box::new(counter.clone())).is_ok() {
                    let by = entropy.number() >> 12;
                    counter.with_label_values(&[&value]).inc_by(by);
                    self.foreign("counter", &full, &help, vec![(full.clone(), label, value, by as f64)]);
                }
            }
            1 => {
                let Ok(gauge) = prometheus::GaugeVec::new(options, &[label]) else { return };
                if self.registry.register_collector(Box::new(gauge.clone())).is_ok() {
                    let level = entropy.float();
                    gauge.with_label_values(&[&value]).set(level);
                    self.foreign("gauge", &full, &help, vec![(full.clone(), label, value, level)]);
                }
            }
            _ => {
                let options = prometheus::HistogramOpts::new(&name, &help).buckets(vec![0.5, 2.0, 1e6]);
                let Ok(histogram) = prometheus::Histogram::with_opts(options) else { return };
                if self.registry.register_collector(Box::new(histogram.clone())).is_ok() {
                    let observed = f64::from(entropy.byte());
                    histogram.observe(observed);
                    let bucket =
                        |le: f64| (format!("{full}_bucket"), "le", format!("{le:?}"), f64::from(observed <= le));
                    let mut samples: Vec<_> = [0.5, 2.0, 1e6, f64::INFINITY].map(bucket).into();
                    samples.push((format!("{full}_sum"), "", String::new(), observed));
                    samples.push((format!("{full}_count"), "", String::new(), 1.0));
                    self.foreign("histogram", &full, &help, samples);
                }
            }
        }
    }

    fn foreign(&mut self, kind: &str, full: &str, help: &str, samples: Vec<(String, &str, String, f64)>) {
        let family = Family { kind: kind.to_owned(), help: help.to_owned(), unit: String::new() };
        self.expected.families.insert(full.to_owned(), family);
        for (name, label, value, number) in samples {
            let mut labels = self.constant.clone();
            if !label.is_empty() {
                labels.insert(label.to_owned(), value);
            }
            self.expected.samples.insert((name, labels), number);
        }
    }

    fn recorded(&mut self, name: &str, kind: &str, help: &str, bounds: &[f64]) -> &mut Recorded {
        let stem = name.strip_suffix("_total").unwrap_or(name);
        let unit = ["seconds", "bytes", "ratio", "cents"].into_iter().find(|unit| stem.ends_with(&format!("_{unit}")));
        // A share of a count is a count.
        let unit = unit.filter(|unit| *unit != "ratio" || kind != "counter").unwrap_or_default();
        let clean = |c: char| if is_control(c) && c != '\n' { '\u{fffd}' } else { c };
        let family = Family { kind: kind.to_owned(), help: help.chars().map(clean).collect(), unit: unit.to_owned() };
        let ticks = if matches!(unit, "seconds" | "ratio") { 1_000_000_000 } else { 1 };
        let new = Recorded { family, bounds: bounds.to_vec(), ticks, series: BTreeMap::new() };
        self.own.entry(name.to_owned()).or_insert(new)
    }

    fn full_name(&self, name: &str) -> String {
        self.prefix.as_ref().map_or_else(|| name.to_owned(), |prefix| format!("{prefix}_{name}"))
    }

    fn series(&self, name: &str, labels: &[(&str, String)]) -> Series {
        let own = labels.iter().map(|(name, value)| ((*name).to_owned(), value.clone()));
        (self.full_name(name), self.constant.clone().into_iter().chain(own).collect())
    }

    fn finish(mut self) -> Planned {
        for (name, recorded) in std::mem::take(&mut self.own) {
            self.expected.families.insert(self.full_name(&name), recorded.family.clone());
            for (labels, amounts) in &recorded.series {
                let mut put = |suffix: &str, more: Option<(&str, String)>, value: f64| {
                    let labels = labels.iter().map(|(name, value)| (name.as_str(), value.clone()));
                    let labels: Vec<_> = labels.chain(more).collect();
                    let series = self.series(&format!("{name}{suffix}"), &labels);
                    self.expected.samples.insert(series, value);
                };
                let units = |ticks: u64| {
                    if recorded.ticks == 1 { ticks as f64 } else { ticks as f64 / recorded.ticks as f64 }
                };
                match (recorded.family.kind.as_str(), amounts.set) {
                    ("counter", _) => put("", None, units(amounts.total)),
                    ("gauge", Some(value)) => put("", None, value),
                    ("gauge", None) => put("", None, amounts.level.max(0) as f64),
                    _ => {
                        for &bound in recorded.bounds.iter().chain(&[f64::INFINITY]) {
                            let below = amounts.observed.iter().filter(|ticks| units(**ticks) <= bound).count();
                            put("_bucket", Some(("le", format!("{bound:?}"))), below as f64);
                        }
                        put("_count", None, amounts.observed.len() as f64);
                        put("_sum", None, units(amounts.observed.iter().sum()));
                    }
                }
            }
        }
        Planned { registry: self.registry, expected: self.expected }
    }
}

impl Recorded {
    fn at<L: Labelled>(&mut self, picked: &Picked) -> &mut Amounts {
        let labels = L::pairs(picked).into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        self.series.entry(labels).or_default()
    }
}

/// Rising bounds: whole billionths, where that is what is kept, and some far outside of them.
fn bounds(whole: bool, entropy: &mut Entropy<'_>) -> Vec<f64> {
    const FAR: [f64; 6] = [5e-324, 1e-12, 1e18, 1e25, 1e300, f64::MAX];
    let most = if entropy.once_in(8) { 64 } else { 8 };
    let mut bounds: Vec<f64> = (0..=entropy.below(most))
        .map(|_| match entropy.below(4) {
            0 => entropy.of(&FAR),
            1 if !whole => f64::from(entropy.byte()) + 1.0,
            1 if whole => f64::from(entropy.byte() % 32) / 4.0 + 0.25,
            _ if whole => f64::from(entropy.number() as u32) / 16.0 + 0.5,
            _ => ((entropy.number() >> (16 + entropy.below(32))) + 1) as f64 / 1e9,
        })
        .collect();
    bounds.sort_by(f64::total_cmp);
    bounds.dedup();
    bounds.truncate(64);
    bounds
}
