//! What others read from a scrape: promtool, and the parser that prometheus_client has for each format.

#[path = "support/mod.rs"]
mod support;

use std::collections::BTreeMap;
use std::time::Duration;

use support::judges::{Format, Scrape, assert_promtool_has_no_complaint, parse_scrape};
use watchkeeper::metric::{CounterDesc, GaugeDesc, HistogramDesc, Open, Registry, TraceId, UpDownDesc};

watchkeeper::label_enum! {
    /// How a parcel travels.
    enum Carrier: "carrier" { Post = "post", Bicycle = "bicycle" }
}
watchkeeper::open_label! {
    /// Where a parcel starts.
    struct Depot: "depot";
}

const SENT: CounterDesc<(Carrier, Open<Depot>)> = CounterDesc::new("parcels_sent_total", "Parcels, by \"carrier\".");
const LOADED: CounterDesc<(Carrier,)> = CounterDesc::new("vans_loaded_total", r"Vans, by carrier \ round.");
const FUEL: GaugeDesc<(Open<Depot>,)> = GaugeDesc::new("fuel_ratio", "How full the tank is.");
const ON_THE_ROAD: UpDownDesc = UpDownDesc::new("vans_on_the_road", "Vans that have not come back.");
const DELIVERY: HistogramDesc<(Carrier,)> =
    HistogramDesc::new("delivery_duration_seconds", "From door to door.", &[0.5, 1.0, 60.0]).with_exemplars();

fn text(registry: &Registry) -> Scrape {
    let scrape = registry.render(watchkeeper::metric::Format::Text);
    assert_promtool_has_no_complaint(&scrape);
    parse_scrape(Format::Text, &scrape)
}

fn openmetrics(registry: &Registry) -> Scrape {
    parse_scrape(Format::OpenMetrics, &registry.render(watchkeeper::metric::Format::OpenMetrics))
}

/// The value of the one sample with this name and these labels.
#[track_caller]
fn value(scrape: &Scrape, name: &str, labels: &[(&str, &str)]) -> f64 {
    let labels: BTreeMap<String, String> = labels.iter().map(|&(name, value)| (name.into(), value.into())).collect();
    let found: Vec<_> = scrape.samples.iter().filter(|s| s.name == name && s.labels == labels).collect();
    assert_eq!(found.len(), 1, "{name} {labels:?} in {:#?}", scrape.samples);
    found[0].value.parse().expect("a number")
}

#[track_caller]
fn assert_same_samples(text: &Scrape, openmetrics: &Scrape) {
    let bare = |scrape: &Scrape| {
        let mut samples = scrape.samples.clone();
        // Only OpenMetrics has them.
        samples.iter_mut().for_each(|sample| sample.exemplar = None);
        samples
    };
    assert_eq!(bare(text), bare(openmetrics));
}

#[test]
fn every_kind_of_metric_reads_back_as_what_was_recorded() {
    let registry = Registry::new();
    registry.counter(&LOADED).unwrap().add((Carrier::Post,), (1 << 53) - 1);
    registry.gauge(&FUEL).unwrap().set(("north",), -0.1);
    let on_the_road = registry.up_down(&ON_THE_ROAD).unwrap();
    let _vans = [on_the_road.track(()), on_the_road.track(())];
    let delivery = registry.histogram(&DELIVERY).unwrap();
    for millis in [500, 501, 90_000] {
        delivery.observe_duration((Carrier::Bicycle,), Duration::from_millis(millis));
    }

    let (text, openmetrics) = (text(&registry), openmetrics(&registry));

    assert_same_samples(&text, &openmetrics);
    let value = |name: &str, labels: &[(&str, &str)]| value(&openmetrics, name, labels);
    assert_eq!(value("vans_loaded_total", &[("carrier", "post")]), 9_007_199_254_740_991.0);
    assert_eq!(value("vans_loaded_total", &[("carrier", "bicycle")]), 0.0);
    assert_eq!(value("fuel_ratio", &[("depot", "north")]), -0.1);
    assert_eq!(value("vans_on_the_road", &[]), 2.0);
    for (le, count) in [("0.5", 1.0), ("1.0", 2.0), ("60.0", 2.0), ("+Inf", 3.0)] {
        assert_eq!(value("delivery_duration_seconds_bucket", &[("carrier", "bicycle"), ("le", le)]), count);
    }
    assert_eq!(value("delivery_duration_seconds_count", &[("carrier", "bicycle")]), 3.0);
    assert_eq!(value("delivery_duration_seconds_sum", &[("carrier", "bicycle")]), 91.001);
    let kinds: Vec<(&str, &str)> =
        openmetrics.families.iter().map(|(name, family)| (name.as_str(), family.kind.as_str())).collect();
    assert_eq!(
        kinds,
        [
            ("delivery_duration_seconds", "histogram"),
            ("fuel_ratio", "gauge"),
            ("vans_loaded", "counter"),
            ("vans_on_the_road", "gauge"),
            ("watchkeeper_invalid_observations", "counter"),
            ("watchkeeper_label_overflow", "counter"),
        ]
    );
    assert_eq!(openmetrics.families["vans_loaded"].help, r"Vans, by carrier \ round.");
}

#[test]
fn a_gauge_that_is_no_number_reads_back_as_none() {
    let registry = Registry::new();
    let fuel = registry.gauge(&FUEL).unwrap();
    fuel.set(("north",), f64::NAN);
    fuel.set(("south",), f64::NEG_INFINITY);
    fuel.set(("east",), 1e-300);

    let (text, openmetrics) = (text(&registry), openmetrics(&registry));

    assert_same_samples(&text, &openmetrics);
    assert!(value(&text, "fuel_ratio", &[("depot", "north")]).is_nan());
    assert_eq!(value(&text, "fuel_ratio", &[("depot", "south")]), f64::NEG_INFINITY);
    assert_eq!(value(&text, "fuel_ratio", &[("depot", "east")]), 1e-300);
}

#[test]
fn a_label_value_is_read_back_to_the_letter_and_a_control_character_as_its_replacement() {
    let registry = Registry::builder().prefix("depots").constant_label("region", "a\"b").build().unwrap();
    let sent = registry.counter(&SENT).unwrap();
    let kept = ["", " ", "a\\b", "a\\\\", "\"", "a\"b\\", "\\n", "{le=\"1\"} 3 # {", "naïve 漢字 🚲", "a,b=c"];
    let replaced = [("a\nb", "a\u{FFFD}b"), ("\u{1b}[2J", "\u{FFFD}[2J"), ("\u{2028}", "\u{FFFD}")];
    let depots = || kept.map(|value| (value, value)).into_iter().chain(replaced);
    for (written, _) in depots() {
        sent.inc((Carrier::Bicycle, written));
    }

    let (text, openmetrics) = (text(&registry), openmetrics(&registry));

    assert_same_samples(&text, &openmetrics);
    for (_, read) in depots() {
        let labels = [("carrier", "bicycle"), ("depot", read), ("region", "a\"b")];
        assert_eq!(value(&text, "depots_parcels_sent_total", &labels), 1.0, "{read:?}");
    }
    assert_eq!(openmetrics.families["depots_parcels_sent"].help, "Parcels, by \"carrier\".");
}

#[test]
fn an_exemplar_carries_the_trace_of_the_slowest_observation_of_its_bucket() {
    let registry = Registry::new();
    let delivery = registry.histogram(&DELIVERY).unwrap().with((Carrier::Post,));
    let trace = |id| TraceId::new(id).unwrap();
    delivery.observe_duration_in(Duration::from_millis(700), trace(0xa));
    delivery.observe_duration_in(Duration::from_millis(900), trace(0xb));
    delivery.observe_duration_in(Duration::from_millis(800), trace(0xc));

    let openmetrics = openmetrics(&registry);

    let exemplars: Vec<_> = openmetrics.samples.iter().filter_map(|s| Some((s, s.exemplar.as_ref()?))).collect();
    let [(sample, exemplar)] = exemplars.as_slice() else { panic!("{exemplars:?}") };
    assert_eq!(sample.labels["le"], "1.0");
    assert_eq!(exemplar.labels["trace_id"], "0000000000000000000000000000000b");
    assert_eq!(exemplar.value, "0.9");
    assert!(exemplar.timestamp.is_some());
}

#[test]
fn an_apps_own_collectors_read_the_same_in_both_formats() {
    let registry = Registry::builder().prefix("app").constant_label("region", "eu").build().unwrap();
    let jobs =
        prometheus::IntCounterVec::new(prometheus::Opts::new("jobs_total", "Jobs \"done\"."), &["rule"]).unwrap();
    jobs.with_label_values(&["a\"b\\c\nd"]).inc_by(3);
    let load = prometheus::Gauge::new("load", "Load.").unwrap();
    load.set(f64::INFINITY);
    // A label that ends in `le`, with a value that could be a bound.
    let options = prometheus::HistogramOpts::new("wait_seconds", "Wait.").buckets(vec![0.5, 1.0, 2500.0]);
    let wait = prometheus::HistogramVec::new(options, &["scale"]).unwrap();
    wait.with_label_values(&["5"]).observe(1.0);
    registry.register_collector(Box::new(jobs)).unwrap();
    registry.register_collector(Box::new(load)).unwrap();
    registry.register_collector(Box::new(wait)).unwrap();

    let text = parse_scrape(Format::Text, &registry.render(watchkeeper::metric::Format::Text));
    let openmetrics = openmetrics(&registry);

    assert_eq!(value(&openmetrics, "app_jobs_total", &[("region", "eu"), ("rule", "a\"b\\c\nd")]), 3.0);
    assert_eq!(value(&openmetrics, "app_load", &[("region", "eu")]), f64::INFINITY);
    assert_eq!(value(&openmetrics, "app_wait_seconds_count", &[("region", "eu"), ("scale", "5")]), 1.0);
    assert_same_samples(&text, &openmetrics);
}

#[test]
fn an_apps_counter_without_total_keeps_its_name_and_is_of_unknown_type() {
    let registry = Registry::new();
    let jobs = prometheus::IntCounter::new("jobs", "Jobs.").unwrap();
    jobs.inc();
    registry.register_collector(Box::new(jobs)).unwrap();

    let openmetrics = openmetrics(&registry);

    assert_eq!(openmetrics.families["jobs"].kind, "unknown");
    assert_eq!(value(&openmetrics, "jobs", &[]), 1.0);
}

#[test]
fn an_apps_counters_that_differ_by_total_alone_stay_two() {
    let registry = Registry::new();
    for (name, by) in [("jobs", 1), ("jobs_total", 2), ("runs_total", 3)] {
        let counter = prometheus::IntCounter::new(name, "Jobs.").unwrap();
        counter.inc_by(by);
        registry.register_collector(Box::new(counter)).unwrap();
    }
    let load = prometheus::Gauge::new("runs", "Runs under way.").unwrap();
    registry.register_collector(Box::new(load)).unwrap();

    let openmetrics = openmetrics(&registry);

    for (name, kind) in [("jobs", "unknown"), ("jobs_total", "unknown"), ("runs", "gauge"), ("runs_total", "unknown")] {
        assert_eq!(openmetrics.families[name].kind, kind, "{name}");
    }
    assert_eq!(value(&openmetrics, "jobs", &[]), 1.0);
    assert_eq!(value(&openmetrics, "jobs_total", &[]), 2.0);
    assert_eq!(value(&openmetrics, "runs_total", &[]), 3.0);
}

#[test]
fn promtool_complains_where_there_is_reason_to() {
    let bad = "# HELP jobs Jobs.\n# TYPE jobs counter\njobs 1\n";
    let complaint = std::panic::catch_unwind(|| assert_promtool_has_no_complaint(bad));
    assert!(complaint.is_err(), "a counter without `_total` passes");
}
