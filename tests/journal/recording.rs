//! Recording, with a store that works and with one that does not.

use std::time::{Duration, Instant};

use watchkeeper::event::Event;
use watchkeeper::journal::{DropReason, JournalOptions, Sink, WhenFull};
use watchkeeper::metric::Format;
use watchkeeper::queue::Bound;
use watchkeeper::sample::Sample;
use watchkeeper::store::{EventQuery, SampleQuery, Scope};
use watchkeeper::{Watchkeeper, service_info};

use crate::faulty::{Does, Faulty};
use crate::support::lateness::Lateness;
use crate::{block_on, counts, event, settled};

fn watch(store: &Faulty) -> Watchkeeper {
    Watchkeeper::builder(service_info!()).store(store.store()).build().unwrap()
}

#[test]
fn what_is_recorded_is_found_in_the_store_without_any_runtime_of_the_apps() {
    let watch = Watchkeeper::builder(service_info!()).build().unwrap();

    let first = watch.record_event(Event::log("checkout").message("card refused").tag("order", 42)).unwrap();
    let last = watch.record_event(Event::alert("stock").message("no more")).unwrap();
    let sample = watch.record_sample(Sample::gauge("parcels_waiting", 7.0)).unwrap();

    settled(&watch, Sink::Events);
    settled(&watch, Sink::Samples);
    let events = block_on(watch.store().events(&EventQuery::new(Scope::All))).unwrap();
    let ids: Vec<_> = events.items.iter().map(|event| event.id()).collect();
    assert_eq!(ids, [last, first], "newest first");
    let samples = block_on(watch.store().samples(&SampleQuery::new(Scope::All))).unwrap();
    assert_eq!(samples.items[0].id(), sample);
    let scrape = watch.registry().render(Format::Text);
    for line in [
        "monitoring_events_total{event_type=\"log\"} 1\n",
        "monitoring_events_total{event_type=\"alert\"} 1\n",
        "monitoring_samples_total 1\n",
        "watchkeeper_queue_bytes{sink=\"events\"} 0\n",
        "watchkeeper_dropped_total{sink=\"samples\",reason=\"full\"} 0\n",
        "watchkeeper_write_duration_seconds_count{sink=\"events\"} ",
    ] {
        assert!(scrape.contains(line), "{line} is not in\n{scrape}");
    }
}

#[test]
fn recording_works_in_a_runtime_and_after_its_end() {
    let store = Faulty::new(Duration::ZERO, |_, _| Does::Stores);
    let watch = watch(&store);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async { watch.record_event(event(0)) }).unwrap();
    drop(runtime);
    watch.record_event(event(1)).unwrap();
    settled(&watch, Sink::Events);
    assert_eq!(store.stored(), (2, 0));
}

#[test]
fn what_is_queued_is_written_when_the_watch_goes() {
    let store = Faulty::new(Duration::ZERO, |_, _| Does::Stores);
    let watch = watch(&store);
    (0..3_000).for_each(|number| assert!(watch.record_event(event(number)).is_some()));
    drop(watch);
    crate::support::process::eventually(|| match store.stored() {
        (3_000, 0) => Ok(()),
        stored => Err(format!("{stored:?}")),
    });
}

#[test]
fn a_store_that_hangs_holds_nobody_up_and_the_end_comes_in_time() {
    // One that does not answer, and one that blocks the thread it is called on.
    for does in [Does::Hangs, Does::Blocks(Duration::from_secs(4))] {
        let store = Faulty::new(Duration::ZERO, move |_, _| does);
        let watch = watch(&store);
        let slowest = (0..5_000)
            .map(|number| {
                let start = Instant::now();
                watch.record_event(event(number));
                start.elapsed()
            })
            .max();
        assert!(slowest < Some(Duration::from_millis(500)), "{does:?}: {slowest:?}");

        let deadline = Duration::from_millis(600);
        let lateness = Lateness::watch();
        let start = Instant::now();
        let report = block_on(watch.close(deadline));
        let took = start.elapsed();

        assert!(took <= lateness.end_of(deadline), "{does:?}: {took:?}");
        assert_eq!(report.left(Sink::Events), 5_000, "{does:?}: {report}");
        let counts = counts(&watch, Sink::Events);
        assert_eq!((counts.accepted(), counts.dropped_for(DropReason::Shutdown)), (5_000, 5_000));
        // What comes later is counted as well, and a second close says what the first one said.
        assert_eq!(watch.record_event(event(1)), None);
        assert_eq!(block_on(watch.close(deadline)), report);
        assert_eq!(watch.journal().counts(Sink::Events).unwrap().dropped_for(DropReason::Shutdown), 5_001);
    }
}

#[test]
fn the_end_writes_what_there_is_time_for() {
    let store = Faulty::new(Duration::from_micros(10), |_, _| Does::Stores);
    let watch = watch(&store);
    (0..10_000).for_each(|number| assert!(watch.record_event(event(number)).is_some()));
    let report = block_on(watch.close(Duration::from_secs(20)));
    assert!(report.is_complete(), "{report}");
    assert_eq!(store.stored(), (10_000, 0));
}

#[test]
fn when_there_is_no_room_what_matters_less_goes_first_unless_the_app_says_otherwise() {
    let accepted = |when_full| {
        let store = Faulty::new(Duration::ZERO, |_, _| Does::Hangs);
        let options = JournalOptions::new().bound(Bound { items: 80, ..Bound::default() }).when_full(when_full);
        let watch = Watchkeeper::builder(service_info!()).store(store.store()).journal(options).build().unwrap();
        let record = |draft: fn() -> watchkeeper::event::EventDraft| {
            (0..100).filter(|_| watch.record_event(draft()).is_some()).count()
        };
        use watchkeeper::event::Level;
        let info = record(|| Event::log("checkout").level(Level::Info));
        let errors = record(|| Event::log("checkout").level(Level::Error));
        let alerts = record(|| Event::alert("checkout"));
        let counts = counts(&watch, Sink::Events);
        assert_eq!((counts.accepted(), counts.dropped_for(DropReason::Full)), (300, 220));
        (info, errors, alerts)
    };
    assert_eq!(accepted(WhenFull::DropByPriority), (60, 10, 10));
    assert_eq!(accepted(WhenFull::DropNewest), (80, 0, 0));
}

#[test]
fn what_is_not_fit_to_be_kept_is_changed_and_counted() {
    let watch = Watchkeeper::builder(service_info!()).build().unwrap();
    let id = watch.record_event(Event::log("checkout").message("a\0b")).unwrap();
    settled(&watch, Sink::Events);
    let scope = Scope::All;
    let event = block_on(watch.store().event(id, &scope)).unwrap().unwrap();
    assert!(event.tags().get(Event::SANITIZED).is_some(), "{event:?}");
    assert_eq!(watch.journal().changed(), 1);
}
