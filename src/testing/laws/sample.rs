//! The law of samples.

use std::sync::Arc;
use std::time::Duration;

use super::{ok, sample, time};
use crate::sample::{MetricType, Sample};
use crate::store::{Appended, Counts, Page, SampleQuery, SampleStore, Scope};
use crate::timestamp::Timestamp;

fn all() -> SampleQuery {
    SampleQuery::new(Scope::All)
}

async fn found(store: &dyn SampleStore, query: SampleQuery) -> Page<Arc<Sample>> {
    ok(store.samples(&query)).await
}

/// Each value comes back as it was, those that are no number too.
pub async fn what_is_stored_is_read_back_to_the_bit(store: &dyn SampleStore) {
    let values = [
        0.0,
        -0.0,
        f64::NAN,
        f64::INFINITY,
        f64::NEG_INFINITY,
        f64::MIN_POSITIVE / 2.0,
        f64::MAX,
        0.1 + 0.2,
        9_007_199_254_740_993.0,
    ];
    let types = [Sample::counter, Sample::gauge, Sample::histogram];
    let told = |(n, value): (usize, &f64)| types[n % 3]("load:avg_1", *value).label("host", "ü\"\\").at(time(n as i64));
    let mut samples: Vec<_> = values.iter().enumerate().map(|told_of| sample(told(told_of))).collect();
    samples.push(sample(Sample::gauge("bare", 1.0).created_by("ann").at(time(99))));
    assert_eq!(ok(store.append_samples(&samples)).await, vec![Appended::Stored; samples.len()]);
    assert_eq!(found(store, all().oldest_first()).await.items, samples);
    assert_eq!(samples[1].metric_type(), MetricType::Gauge);
}

/// An id that is there stays as it was.
pub async fn a_duplicate_stays_as_it_was(store: &dyn SampleStore) {
    let samples = [sample(Sample::gauge("a", 1.0).at(time(0))), sample(Sample::gauge("a", 2.0).at(time(0)))];
    let both = [Arc::clone(&samples[0]), Arc::clone(&samples[0])];
    assert_eq!(ok(store.append_samples(&both)).await, [Appended::Stored, Appended::Duplicate]);
    assert_eq!(ok(store.append_samples(&samples)).await, [Appended::Duplicate, Appended::Stored]);
    // The same series at the same time is no duplicate: the id tells.
    assert_eq!(found(store, all().oldest_first()).await.items, samples);
    assert_eq!(ok(store.append_samples(&[])).await, []);
}

/// Samples are ordered as events are.
pub async fn newest_come_first_and_equal_times_in_order_of_arrival(store: &dyn SampleStore) {
    let mut samples: Vec<_> = [3, 1, 2, 2, 2, 1].map(|at| sample(Sample::gauge("a", 1.0).at(time(at)))).into();
    for one in &samples {
        ok(store.append_samples(std::slice::from_ref(one))).await;
    }
    samples.sort_by_key(|sample| sample.id());
    assert!(samples.windows(2).all(|pair| pair[0].timestamp() <= pair[1].timestamp()));
    assert_eq!(found(store, all().oldest_first()).await.items, samples);
    samples.reverse();
    assert_eq!(found(store, all()).await.items, samples);
}

/// A sample is found when every condition holds for it.
pub async fn conditions_hold_together(store: &dyn SampleStore) {
    let told =
        |name: &str, host: &str| Sample::gauge(name, 1.0).label("host", host).label("core", "0").created_by("ann");
    let samples = [
        told("load", "a").at(time(1)),
        told("loads", "a").at(time(1)),
        told("load", "b").at(time(1)),
        told("load", "a").created_by("bob").at(time(1)),
        told("load", "a").at(time(0)),
        told("load", "a").at(time(3)),
    ]
    .map(sample);
    ok(store.append_samples(&samples)).await;
    let ann = SampleQuery::new(Scope::CreatedBy("ann".into()));
    let query = ann.name("load").label("host", "a").label("core", "0").start(time(1)).end(time(2));
    assert_eq!(found(store, query).await.items, samples[..1]);
    for absent in [all().name("lo_d"), all().name("%"), all().label("host", "A"), all().label("ho", "a")] {
        assert_eq!(found(store, absent).await, Page::default());
    }
}

/// As to Prometheus, no label and an empty one are the same.
pub async fn an_empty_label_is_one_that_is_not_there(store: &dyn SampleStore) {
    let samples = [
        sample(Sample::gauge("a", 1.0).label("zone", "x").at(time(0))),
        sample(Sample::gauge("a", 1.0).at(time(1))),
        sample(Sample::gauge("a", 1.0).label("zone", "").at(time(2))),
    ];
    ok(store.append_samples(&samples)).await;
    assert_eq!(found(store, all().label("zone", "").oldest_first()).await.items, samples[1..]);
}

/// What is not in the scope is not there.
pub async fn the_scope_is_part_of_the_query(store: &dyn SampleStore) {
    let owners = ["ann", "bob", "ann", "bob"];
    let told = |(n, who): (usize, &str)| sample(Sample::gauge("a", n as f64).created_by(who).at(time(n as i64)));
    let samples: Vec<_> = owners.into_iter().enumerate().map(told).collect();
    ok(store.append_samples(&samples)).await;
    let page = found(store, SampleQuery::new(Scope::CreatedBy("bob".into())).limit(1).offset(1)).await;
    assert_eq!((page.items, page.next), (vec![Arc::clone(&samples[1])], None));
    assert_eq!(found(store, SampleQuery::new(Scope::CreatedBy("app".into()))).await, Page::default());
}

/// From either end, each sample comes once.
pub async fn following_the_cursors_finds_each_once(store: &dyn SampleStore) {
    let told = |n: i64| sample(Sample::gauge(if n % 2 == 0 { "a" } else { "b" }, 1.0).at(time(n / 5)));
    let samples: Vec<_> = (0..40).map(told).collect();
    ok(store.append_samples(&samples)).await;
    for base in [all().name("a"), all().name("a").oldest_first()] {
        let mut items = Vec::new();
        let mut next = None;
        loop {
            let query = base.clone().limit(3);
            let page = found(store, next.map_or(query.clone(), |next| query.after(next))).await;
            items.extend(page.items);
            next = page.next;
            if next.is_none() {
                break;
            }
        }
        items.sort_by_key(|sample| sample.id());
        let wanted: Vec<_> = samples.iter().filter(|sample| sample.name() == "a").cloned().collect();
        assert_eq!(items, wanted);
    }
}

/// The total stands whatever is dropped, and the last hour goes by the samples' own time.
pub async fn totals_never_fall(store: &dyn SampleStore) {
    let now = Timestamp::now();
    let ages = [0, 60, 86_400 * 3, 86_400 * 5];
    let samples = ages.map(|age| sample(Sample::gauge("a", 1.0).at(now.minus(Duration::from_secs(age)))));
    ok(store.append_samples(&samples)).await;
    ok(store.append_samples(&samples)).await;
    assert!(ok(store.drop_samples(now.minus(Duration::from_secs(86_400)))).await > 0);
    assert_eq!(ok(store.sample_counts(now)).await, Counts { total: 4, last_hour: 2 });
}

/// Dropping takes nothing from the time on, and leaves nothing that is more than a day older than it.
pub async fn what_is_older_is_dropped_and_nothing_younger(store: &dyn SampleStore) {
    let day = Duration::from_secs(86_400);
    let before = time(0).minus(3 * day);
    let micro = Duration::from_micros(1);
    let told = |at: Timestamp| sample(Sample::gauge("a", 1.0).at(at));
    let gone = [before.minus(day).minus(micro)].map(told);
    let kept = [before, time(0)].map(told);
    ok(store.append_samples(&gone)).await;
    ok(store.append_samples(&kept)).await;
    ok(store.drop_samples(before)).await;
    assert_eq!(found(store, all().oldest_first()).await.items, kept);
}
