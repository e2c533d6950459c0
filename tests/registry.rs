//! What an operator sees of registries side by side, and of an app's own collectors.
#![allow(clippy::unwrap_used, reason = "a test ends where something is not as it should be")]

use watchkeeper::assert_scrape;
use watchkeeper::metric::{
    CounterDesc, Format, GaugeDesc, HistogramDesc, Open, RegisterError, Registry, UpDownDesc, bucket,
};
use watchkeeper::testing::Scrape;

watchkeeper::label_enum! {
    /// How a parcel left the house.
    pub enum Carrier: "carrier" {
        /// By post.
        Post = "post",
        /// By bicycle.
        Bicycle = "bicycle",
    }
}

watchkeeper::open_label! {
    /// The house it left.
    pub struct Depot: "depot";
}

const SENT: CounterDesc<(Carrier,)> = CounterDesc::new("parcels_sent_total", "Parcels that left the house.");
const BY_DEPOT: CounterDesc<(Open<Depot>,)> = CounterDesc::new("parcels_by_depot_total", "Parcels, by house.");
const REVENUE: CounterDesc = CounterDesc::new("revenue_cents_total", "Money taken.");
const BUSY: CounterDesc = CounterDesc::new("busy_seconds_total", "Time at work.");
const SHELVES: GaugeDesc = GaugeDesc::new("shelves", "Shelves in the house.");
const PACKING: UpDownDesc = UpDownDesc::new("parcels_being_packed", "Parcels being packed.");
const PACKING_TIME: HistogramDesc =
    HistogramDesc::new("packing_duration_seconds", "Time to pack a parcel.", &[0.005, 1.0, 5.0]);

#[test]
fn registries_side_by_side_do_not_see_each_other() {
    let shop = Registry::builder().prefix("shop").build().unwrap();
    let depot = Registry::builder().prefix("depot").constant_label("zone", "north").build().unwrap();
    shop.counter(&SENT).unwrap().inc((Carrier::Post,));
    depot.counter(&SENT).unwrap().add((Carrier::Bicycle,), 2);
    assert_scrape!(shop, r#"shop_parcels_sent_total{carrier="post"} 1"#);
    assert_scrape!(shop, r#"shop_parcels_sent_total{carrier="bicycle"} 0"#);
    assert_scrape!(depot, r#"depot_parcels_sent_total{zone="north",carrier="bicycle"} 2"#);
    assert!(!Scrape::of(&shop).to_string().contains("depot"));
    assert!(!Scrape::of(&depot).to_string().contains("shop"));
}

#[test]
fn registering_twice_is_the_same_metric_and_another_meaning_is_an_error() {
    let registry = Registry::new();
    registry.counter(&SENT).unwrap().inc((Carrier::Post,));
    registry.counter(&SENT).unwrap().inc((Carrier::Post,));
    assert_scrape!(registry, r#"parcels_sent_total{carrier="post"} 2"#);
    let other = CounterDesc::<()>::new("parcels_sent_total", "Parcels that left the house.");
    assert_eq!(
        registry.counter(&other).unwrap_err().to_string(),
        "metric `parcels_sent_total` is registered already and differs in its labels"
    );
    // OpenMetrics would call both of them parcels_sent.
    let gauge = GaugeDesc::<()>::new("parcels_sent", "Parcels.");
    assert!(matches!(registry.gauge(&gauge), Err(RegisterError::Conflict { difference: "type", .. })));
}

#[test]
fn money_is_counted_in_whole_cents_and_time_to_the_nanosecond() {
    let registry = Registry::new();
    let revenue = registry.counter(&REVENUE).unwrap();
    revenue.add((), 9_007_199_254_740_993);
    revenue.add((), 2);
    assert_scrape!(registry, "revenue_cents_total 9007199254740995");
    let busy = registry.counter(&BUSY).unwrap().with(());
    busy.add_duration(std::time::Duration::from_millis(1_500));
    busy.add(2);
    assert_scrape!(registry, "busy_seconds_total 3.5");
}

#[test]
fn a_gauge_is_set_and_a_guard_ends_what_it_began() {
    let registry = Registry::new();
    let shelves = registry.gauge(&SHELVES).unwrap().with(());
    shelves.set(12.5);
    shelves.add(-0.5);
    let packing = registry.up_down(&PACKING).unwrap();
    let guard = packing.track(());
    let panicked = std::thread::spawn({
        let packing = packing.clone();
        move || {
            let _guard = packing.track(());
            panic!("the parcel fell");
        }
    });
    panicked.join().unwrap_err();
    assert_scrape!(registry, "shelves 12");
    assert_scrape!(registry, "parcels_being_packed 1");
    drop(guard);
    assert_scrape!(registry, "parcels_being_packed 0");
}

#[test]
fn a_histogram_counts_up_to_and_with_its_bounds() {
    let registry = Registry::builder().buckets(&PACKING_TIME, &[0.1, 0.3]).build().unwrap();
    let time = registry.histogram(&PACKING_TIME).unwrap();
    for seconds in [0.1, 0.3, 0.300_000_001, f64::NAN, -1.0, f64::INFINITY, 1e300] {
        time.observe((), seconds);
    }
    time.with(()).observe(-1e-300);
    time.start_timer(()).discard();
    assert_scrape!(registry, r#"packing_duration_seconds_bucket{le="0.1"} 1"#);
    assert_scrape!(registry, r#"packing_duration_seconds_bucket{le="0.3"} 2"#);
    assert_scrape!(registry, r#"packing_duration_seconds_bucket{le="+Inf"} 3"#);
    assert_scrape!(registry, "packing_duration_seconds_sum 0.700000001");
    assert_scrape!(registry, "packing_duration_seconds_count 3");
    assert_scrape!(registry, r#"watchkeeper_invalid_observations_total{metric="packing_duration_seconds"} 5"#);
}

#[test]
fn what_is_above_a_bound_of_part_of_a_unit_is_not_counted_below_it() {
    let registry = Registry::new();
    let size = HistogramDesc::<()>::new("parcel_bytes", "Size of a parcel.", &[0.5, 2.5]);
    let size = registry.histogram(&size).unwrap();
    [0.0, 1.0, 2.0, 3.0].iter().for_each(|bytes| size.observe((), *bytes));
    assert_scrape!(registry, r#"parcel_bytes_bucket{le="0.5"} 1"#);
    assert_scrape!(registry, r#"parcel_bytes_bucket{le="2.5"} 3"#);
}

#[test]
fn a_total_stays_at_its_highest_value_rather_than_fall() {
    let registry = Registry::new();
    let revenue = registry.counter(&REVENUE).unwrap();
    let time = registry.histogram(&PACKING_TIME).unwrap();
    // The first is a negative number that was cast.
    for _ in 0..3 {
        revenue.add((), -1_i64 as u64);
        time.observe_duration((), std::time::Duration::MAX);
        let scrape = Scrape::of(&registry);
        assert_eq!(scrape.value("revenue_cents_total"), Some(u64::MAX as f64));
        assert_eq!(scrape.value("packing_duration_seconds_sum"), Some(u64::MAX as f64 / 1e9));
    }
    std::thread::spawn({
        let revenue = revenue.clone();
        move || revenue.inc(())
    })
    .join()
    .unwrap();
    assert_scrape!(registry, "revenue_cents_total 18446744073709551615");
}

#[test]
fn threads_that_flood_together_stay_within_the_cap() {
    let registry = Registry::new();
    let sent = registry.counter(&BY_DEPOT).unwrap();
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let sent = &sent;
            scope.spawn(move || (0..5_000).for_each(|number| sent.inc((&format!("{thread} {number}"),))));
        }
    });
    let scrape = Scrape::of(&registry);
    assert_eq!(scrape.count("parcels_by_depot_total"), 1_001);
    assert_eq!(scrape.sum("parcels_by_depot_total", ""), 20_000.0);
}

#[test]
fn an_apps_own_collectors_are_scraped_with_ours() {
    let registry = Registry::builder().prefix("shop").constant_label("zone", "north").build().unwrap();
    registry.counter(&SENT).unwrap();
    let theirs = prometheus::IntCounter::new("their_jobs", "Jobs.").unwrap();
    registry.register_collector(Box::new(theirs.clone())).unwrap();
    theirs.inc_by(7);
    assert_scrape!(registry, r#"shop_their_jobs{zone="north"} 7"#);
    assert!(registry.render(Format::OpenMetrics).contains("# TYPE shop_their_jobs unknown\n"));
    assert!(registry.register_collector(Box::new(theirs)).is_err());
    let taken = prometheus::IntCounter::new("parcels_sent_total", "Taken.").unwrap();
    assert!(matches!(registry.register_collector(Box::new(taken)), Err(RegisterError::Conflict { .. })));
    let late = GaugeDesc::<()>::new("their_jobs", "Jobs.");
    assert!(matches!(registry.gauge(&late), Err(RegisterError::Conflict { difference: "owner", .. })));
}

#[test]
fn ours_are_scraped_with_an_apps_own() {
    let registry = Registry::builder().constant_label("zone", "north").build().unwrap();
    registry.counter(&SENT).unwrap().inc((Carrier::Post,));
    registry.histogram(&PACKING_TIME).unwrap().observe((), 0.5);
    let theirs = prometheus::Registry::new();
    theirs.register(Box::new(registry.collector())).unwrap();
    registry.gauge(&SHELVES).unwrap().set((), 3.0);
    let scrape = Scrape::parse(&prometheus::TextEncoder::new().encode_to_string(&theirs.gather()).unwrap());
    scrape.assert_line(r#"parcels_sent_total{carrier="post",zone="north"} 1"#);
    scrape.assert_line(r#"packing_duration_seconds_bucket{zone="north",le="1"} 1"#);
    scrape.assert_line(r#"packing_duration_seconds_sum{zone="north"} 0.5"#);
    scrape.assert_line(r#"shelves{zone="north"} 3"#);
    assert!(theirs.register(Box::new(registry.collector())).is_err(), "the same names twice are refused, not a panic");
}

#[test]
fn a_registry_that_collects_itself_ends() {
    let registry = Registry::new();
    registry.register_collector(Box::new(registry.collector())).unwrap();
    registry.gauge(&SHELVES).unwrap().set((), 3.0);
    assert!(registry.render(Format::Text).contains("shelves 3\n"));
}

#[test]
fn the_ready_made_buckets_are_bounds() {
    for bounds in [bucket::REQUEST_SECONDS, bucket::QUERY_SECONDS, bucket::JOB_SECONDS, bucket::SYNC_SECONDS] {
        HistogramDesc::<()>::try_new("any_seconds", "Any.", bounds).unwrap();
    }
}
