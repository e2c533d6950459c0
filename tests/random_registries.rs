//! Registries filled at random, as the parsers of prometheus_client, promtool and a real Prometheus read them.

#[path = "../fuzz/targets/mod.rs"]
mod targets;

#[path = "support/mod.rs"]
mod support;

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use axum::Router;
use axum::extract::Path;
use axum::routing::get;
use support::judges::{Format, Scrape, assert_promtool_has_no_complaint, parse_scrapes};
use support::process::eventually;
use support::prometheus::Prometheus;
use targets::entropy::{Entropy, Noise};
use targets::expected::{Family, Read};
use targets::plan::Planned;
use targets::reader;
use watchkeeper::metric::{self, CounterDesc, GaugeDesc, HistogramDesc, Registry};

const REGISTRIES: u64 = 10_000;
const BATCH: u64 = 250;
const FORMATS: [(metric::Format, Format); 2] =
    [(metric::Format::Text, Format::Text), (metric::Format::OpenMetrics, Format::OpenMetrics)];

/// The seeds begin where `WATCHKEEPER_TEST_SEED` says, so that other registries can be had.
fn first_seed() -> u64 {
    std::env::var("WATCHKEEPER_TEST_SEED").map_or(0, |seed| seed.parse().expect("a number"))
}

fn registry(seed: u64) -> Planned {
    let mut noise = Noise::new(seed);
    let length = noise.number() % 768;
    Planned::out_of(&mut Entropy::new(&noise.bytes(length as usize)))
}

/// What prometheus_client read, as the account of a registry compares it.
fn read(scrape: Scrape) -> Read {
    let family = |family: support::judges::Family| Family { kind: family.kind, help: family.help, unit: family.unit };
    Read {
        families: scrape.families.into_iter().map(|(name, found)| (name, family(found))).collect(),
        traces: scrape
            .samples
            .iter()
            .filter_map(|sample| Some(sample.exemplar.as_ref()?.labels["trace_id"].clone()))
            .collect(),
        samples: scrape
            .samples
            .into_iter()
            .map(|sample| ((sample.name, sample.labels), sample.value.parse().expect("Python writes a float")))
            .collect(),
    }
}

/// Judges registries from a seed on, and says how many samples they had.
fn judge(first: u64) -> usize {
    let planned: Vec<_> = (first..first + BATCH).map(|seed| (seed, registry(seed))).collect();
    let scrapes: Vec<_> = (planned.iter())
        .flat_map(|(seed, planned)| {
            FORMATS.map(|(ours, theirs)| (seed, planned, ours, theirs, planned.registry.render(ours)))
        })
        .collect();
    let answers = parse_scrapes(scrapes.iter().map(|(_, _, _, theirs, scrape)| (*theirs, scrape.as_str())));
    let mut samples = 0;
    for ((seed, planned, ours, _, scrape), answer) in scrapes.iter().zip(answers) {
        let compared = answer.and_then(|answer| {
            samples += answer.samples.len();
            planned.expected.compare(*ours, &read(answer))
        });
        if let Err(fault) = compared {
            panic!("seed {seed}, {ours:?}: {fault}\n{scrape}");
        }
    }
    samples
}

#[test]
fn ten_thousand_random_registries_read_back_as_what_was_recorded() {
    let (next, first) = (AtomicU64::new(0), first_seed());
    let workers = thread::available_parallelism().map_or(1, usize::from);
    let samples: usize = thread::scope(|scope| {
        let work = || {
            let mut samples = 0;
            loop {
                let batch = next.fetch_add(BATCH, Ordering::Relaxed);
                if batch >= REGISTRIES {
                    return samples;
                }
                samples += judge(first + batch);
            }
        };
        let workers: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
        workers.into_iter().map(|worker| worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))).sum()
    });
    // A generator that lost its way would leave nothing to compare.
    assert!(samples > 300_000, "only {samples} samples in both formats");
}

/// Registers something under a name that others want too; says whether it was taken.
type Registration = fn(&Registry) -> bool;

fn foreign(registry: &Registry, name: &str) -> bool {
    let gauge = prometheus::Gauge::new(name, "Theirs.").expect("a name");
    registry.register_collector(Box::new(gauge)).is_ok()
}

const RIVALS: [Registration; 6] = [
    |registry| registry.counter(&CounterDesc::<()>::new("x_seconds_total", "A total.")).is_ok(),
    |registry| registry.gauge(&GaugeDesc::<()>::new("x_seconds", "A gauge.")).is_ok(),
    |registry| registry.histogram(&HistogramDesc::<()>::new("x_seconds", "A time.", &[1.0])).is_ok(),
    |registry| registry.histogram(&HistogramDesc::<()>::new("x_seconds", "A time.", &[2.0])).is_ok(),
    |registry| foreign(registry, "x_seconds"),
    |registry| foreign(registry, "x_seconds_total"),
];

#[test]
fn in_whatever_order_a_name_is_wanted_it_has_one_meaning() {
    // Every order of six registrations: the digits of a number in the factorial system pick who comes next.
    for mut order in 0..720 {
        let registry = Registry::new();
        let mut waiting: Vec<usize> = (0..RIVALS.len()).collect();
        let mut taken = Vec::new();
        while !waiting.is_empty() {
            let rival = waiting.remove(order % waiting.len());
            order /= waiting.len() + 1;
            if RIVALS[rival](&registry) {
                taken.push(rival);
            }
            for (format, _) in FORMATS {
                let scrape = registry.render(format);
                reader::read(format, &scrape).unwrap_or_else(|fault| panic!("{taken:?}: {fault}\n{scrape}"));
            }
        }
        // Only the app's own two, which differ in their name, are both kept.
        assert!(taken.len() == 1 || taken == [4, 5] || taken == [5, 4], "{taken:?} have the name together");
    }
}

#[test]
fn a_series_of_a_histogram_is_no_name_for_a_collector() {
    const WAIT: HistogramDesc = HistogramDesc::new("wait_seconds", "A time.", &[1.0]);
    for suffix in ["_bucket", "_sum", "_count"] {
        let registry = Registry::new();
        assert!(registry.histogram(&WAIT).is_ok());
        assert!(!foreign(&registry, &format!("wait_seconds{suffix}")), "{suffix}");
        let registry = Registry::new();
        assert!(foreign(&registry, &format!("wait_seconds{suffix}")));
        assert!(registry.histogram(&WAIT).is_err(), "{suffix}");
    }
}

#[test]
fn promtool_has_no_complaint_about_fifty_of_our_own() {
    for seed in first_seed()..first_seed() + 50 {
        let bytes = Noise::new(seed).bytes(512);
        let planned = Planned::of_our_own(&mut Entropy::new(&bytes));
        assert_promtool_has_no_complaint(&planned.registry.render(metric::Format::Text));
    }
}

#[test]
fn a_real_prometheus_scrapes_every_sample_of_a_hundred() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let mut pages = BTreeMap::new();
    for seed in first_seed()..first_seed() + 100 {
        let planned = registry(seed);
        for (format, _) in FORMATS {
            pages.insert(format!("{format:?}-{seed}"), (format.content_type(), planned.registry.render(format)));
        }
    }
    let samples = pages.iter().map(|(name, (_, text))| {
        (format!("/{name}"), text.lines().filter(|line| !line.starts_with('#')).count() as f64)
    });
    let samples: BTreeMap<String, f64> = samples.collect();
    let page = move |Path(name): Path<String>| async move {
        let (content_type, text) = pages[&name].clone();
        ([("content-type", content_type)], text)
    };
    let listener = runtime.block_on(tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))).expect("a port");
    let address = listener.local_addr().expect("an address");
    runtime.spawn(async move { axum::serve(listener, Router::new().route("/{name}", get(page))).await });

    let paths: Vec<&str> = samples.keys().map(String::as_str).collect();
    let prometheus = Prometheus::scraping_paths(address, &paths);

    eventually(|| {
        let by_path = |expression: &str| -> BTreeMap<String, f64> {
            let series = prometheus.query(expression);
            series.iter().map(|sample| (sample.label("path").to_owned(), sample.value)).collect()
        };
        let up = by_path("up");
        if up.len() < samples.len() {
            return Err(format!("{} of {} were scraped", up.len(), samples.len()));
        }
        assert!(up.values().all(|up| *up == 1.0), "{:#}", prometheus.targets());
        assert_eq!(by_path("scrape_samples_scraped"), samples);
        Ok(())
    });
}
