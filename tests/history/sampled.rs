//! What is sampled, what was submitted, and what the store has beside it, asked in one language.

use std::time::{Duration, Instant};

use watchkeeper::history::{History, HistoryOptions};
use watchkeeper::metric::CounterDesc;
use watchkeeper::promql::engine::{LabelSet, Series, Value, is_stale};
use watchkeeper::sample::Sample;
use watchkeeper::store::{Memory, SampleQuery, SampleStore, Scope};
use watchkeeper::{ServiceInfo, Timestamp, Watchkeeper};

const SALES: CounterDesc = CounterDesc::new("sales_total", "Sales.");

/// Asks until there is an answer that fits.
async fn until(history: &History, expression: &str, fits: impl Fn(&[(LabelSet, f64)]) -> bool) -> Vec<(LabelSet, f64)> {
    let begun = Instant::now();
    loop {
        let value = history.query(expression, Timestamp::now()).await.unwrap_or_else(|error| panic!("{error}"));
        let Value::Vector(samples) = value else { panic!("{expression} is no vector: {value:?}") };
        let found: Vec<_> = samples.into_iter().map(|sample| (sample.labels, sample.value)).collect();
        if fits(&found) {
            return found;
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "{expression}: {found:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn watch(store: &Memory, options: HistoryOptions) -> Watchkeeper {
    let options = options.interval(Duration::from_millis(100)).instance("shop:3000");
    let built = Watchkeeper::builder(ServiceInfo::new("shop", "1")).store(store.clone()).history(options).build();
    built.expect("a watch")
}

#[tokio::test]
async fn a_counter_that_moves_and_a_sample_that_was_submitted_are_asked_for_alike() {
    let store = Memory::new();
    let watch = watch(&store, HistoryOptions::new());
    let history = watch.history().expect("it was asked for");
    let sales = watch.registry().counter(&SALES).expect("a counter").with(());
    for _ in 0..10 {
        sales.add(3);
        tokio::time::sleep(Duration::from_millis(60)).await;
    }
    let found = until(history, "rate(sales_total[10s]) > 0", |found| !found.is_empty()).await;
    assert_eq!(found[0].0.to_string(), r#"{instance="shop:3000", job="shop", service="shop"}"#);

    let before = Timestamp::now().minus(Duration::from_secs(30));
    for (at, celsius) in [(0, 20.0), (10, 24.0), (20, 28.0)] {
        let time = before.plus(Duration::from_secs(at));
        watch.record_sample(Sample::gauge("oven_celsius", celsius).label("oven", "left").at(time));
    }
    let found = until(history, "max_over_time(oven_celsius{oven=\"left\"}[1m])", |found| {
        found.first().is_some_and(|(_, value)| *value == 28.0)
    });
    assert_eq!(found.await[0].0.to_string(), r#"{oven="left"}"#);
    until(history, "delta(oven_celsius[1m]) > 8 and on () sales_total", |found| found.len() == 1).await;
    let now = Timestamp::now();
    let names = history.series(&["{__name__=~\"oven_.*|sales_total\"}"], before, now).await.expect("series");
    assert_eq!(names.iter().map(|labels| labels.get("__name__")).collect::<Vec<_>>(), ["oven_celsius", "sales_total"]);
}

#[tokio::test]
async fn what_was_put_into_the_store_is_there_for_the_next_process_and_no_point_comes_twice() {
    let store = Memory::new();
    let first = watch(&store, HistoryOptions::new().store_samples());
    let history = first.history().expect("it was asked for");
    first.registry().counter(&SALES).expect("a counter").with(()).add(7);
    until(history, "count_over_time(sales_total[1m]) >= 4", |found| !found.is_empty()).await;
    assert!(history.close(Duration::from_secs(60)), "the last round is over");
    let query = SampleQuery::new(Scope::All).name("sales_total");
    let begun = Instant::now();
    let stored = loop {
        let stored = store.samples(&query).await.expect("samples").items;
        if stored.len() >= 4 {
            break stored;
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "{stored:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    for sample in &stored {
        let labels: Vec<_> = sample.labels().iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(labels, [("instance", "shop:3000"), ("job", "shop"), ("service", "shop")]);
    }
    let counted = until(history, "count_over_time(sales_total[1m])", |found| !found.is_empty()).await;
    let held = counted[0].1;
    assert!(first.close(Duration::from_secs(10)).await.is_complete());
    drop(first);

    let second = watch(&store, HistoryOptions::new());
    let history = second.history().expect("it was asked for");
    let found = until(history, "max_over_time(sales_total[5m])", |found| !found.is_empty()).await;
    assert_eq!((found.len(), found[0].1), (1, 7.0));
    let again = until(history, "count_over_time(sales_total[5m])", |found| !found.is_empty()).await;
    assert!(again[0].1 <= held.max(stored.len() as f64) + 1.0, "{again:?} of {held}");
}

#[tokio::test]
async fn series_without_room_are_counted_and_a_history_that_closes_ends_all() {
    let store = Memory::new();
    let watch = watch(&store, HistoryOptions::new().max_series(10));
    let history = watch.history().expect("it was asked for");
    let begun = Instant::now();
    while history.stats().refused == 0 {
        assert!(begun.elapsed() < Duration::from_secs(60));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(history.stats().series, 10);
    let scrape = watchkeeper::testing::Scrape::of(&watch);
    assert!(
        scrape.value("watchkeeper_dropped_total{sink=\"history\",reason=\"full\"}").is_some_and(|count| count > 0.0)
    );
    assert!(history.close(Duration::from_secs(60)));
    let Value::Matrix(series) = history.query("{job=\"shop\"}[1m]", Timestamp::now()).await.expect("an answer") else {
        panic!("a matrix")
    };
    assert!(series.iter().all(|series| series.points.iter().all(|(_, value)| !is_stale(*value))));
    let now = history.query("{job=\"shop\"}", Timestamp::now()).await.expect("an answer");
    assert!(matches!(&now, Value::Vector(samples) if samples.is_empty()), "{now:?}");
}

#[tokio::test]
async fn what_is_loaded_is_asked_for_like_everything_else() {
    let history = History::empty(HistoryOptions::new());
    let labels = LabelSet::new([("__name__", "orders_total"), ("job", "shop")]);
    let now = Timestamp::now();
    let begun = now.as_micros() / 1000 - 600_000;
    let points = (0..40).map(|at| (begun + at * 15_000, at as f64)).collect();
    history.load([Series { labels, points }]);
    assert_eq!((history.stats().series, history.stats().samples), (1, 40));
    let found = until(&history, "increase(orders_total[5m])", |found| !found.is_empty()).await;
    assert!((found[0].1 - 20.0).abs() < 1e-6, "{found:?}");
}
