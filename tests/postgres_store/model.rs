//! The store in memory is the model: random histories, the same answers.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;
use watchkeeper::event::{Event, TimeWindow};
use watchkeeper::store::{EventQuery, EventStore, Memory, Postgres, Scope};
use watchkeeper::testing::laws::run;
use watchkeeper::{Id, Timestamp};

use super::cluster::{CLUSTER, fresh, patient, store};
use crate::support::history::{Step, event, query, step, time};

/// Plays a history on both stores.
fn play(steps: Vec<Step>) -> Result<(), TestCaseError> {
    run(async {
        // Histories take place on one day, whenever they are played.
        let mut options = patient();
        options.max_age = Duration::from_secs(50 * 365 * 86_400);
        let database = CLUSTER.database().await;
        let postgres = Postgres::with_options(&CLUSTER.url(&database), options).unwrap();
        let memory = Memory::new();
        let mut all = Vec::<Arc<Event>>::new();
        for step in steps {
            match step {
                Step::Append(batch) => {
                    let batch: Vec<_> = batch.iter().map(event).collect();
                    let answers = postgres.append_events(&batch).await.unwrap();
                    prop_assert_eq!(answers, memory.append_events(&batch).await.unwrap());
                    all.extend(batch);
                }
                Step::Again(place) if !all.is_empty() => {
                    let again = [Arc::clone(place.get(&all)), Arc::clone(&all[0])];
                    let answers = postgres.append_events(&again).await.unwrap();
                    prop_assert_eq!(answers, memory.append_events(&again).await.unwrap());
                }
                Step::Ask(asked) => {
                    let query = query(&asked, &all);
                    let page = postgres.events(&query).await.unwrap();
                    prop_assert_eq!(page, memory.events(&query).await.unwrap(), "{:?}", query);
                }
                // Days are dropped as a whole, which is a law of its own.
                Step::Again(_) | Step::DropBefore(_) => {}
            }
            let now = time(60);
            prop_assert_eq!(postgres.event_counts(now).await.unwrap(), memory.event_counts(now).await.unwrap());
        }
        Ok(())
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 25, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_random_history_is_answered_as_by_the_memory_store(steps in vec(step(), 1..60)) {
        play(steps)?;
    }
}

/// Partitions are read a few at a time: no page shows it.
#[test]
fn pages_over_many_days_are_those_of_the_memory_store() {
    run(async {
        let database = CLUSTER.database().await;
        let (store, memory, now) = (store(&database), Memory::new(), Timestamp::now());
        let events: Vec<_> = (0..135)
            .map(|n| {
                let at = now.minus(Duration::from_secs(n % 45 * 86_400 + n));
                let told = Event::log(if n % 45 == 40 { "rare" } else { "s" }).at(at);
                Arc::new(told.accept(TimeWindow::days(100), now).0)
            })
            .collect();
        store.append_events(&events).await.unwrap();
        memory.append_events(&events).await.unwrap();
        let (all, half) = (EventQuery::new(Scope::All), now.minus(Duration::from_secs(15 * 86_400)));
        for base in [
            all.clone().limit(1000),
            all.clone().limit(7),
            all.clone().limit(100).end(half),
            all.clone().limit(100).start(half),
            all.clone().source("rare"),
            all.clone().source("rare").limit(2),
            all.clone().source("nobody"),
        ] {
            for base in [base.clone(), base.oldest_first()] {
                for offset in [0, 5, 130, 135] {
                    let mut query = base.clone().offset(offset);
                    loop {
                        let page = store.events(&query).await.unwrap();
                        assert_eq!(page, memory.events(&query).await.unwrap(), "{query:?}");
                        let Some(next) = page.next else { break };
                        query = base.clone().after(next);
                    }
                }
            }
        }
        // What nobody has to look at is not even locked, however many partitions there are.
        let client = CLUSTER.connect(&database).await;
        let oldest =
            "SELECT min(inhrelid::regclass::text) FROM pg_inherits WHERE inhparent = 'watchkeeper.events'::regclass";
        let oldest: String = client.query_one(oldest, &[]).await.unwrap().get(0);
        client.batch_execute(&format!("BEGIN; LOCK TABLE {oldest} IN ACCESS EXCLUSIVE MODE")).await.unwrap();
        assert_eq!(store.events(&all.limit(3)).await.unwrap().items.len(), 3);
    });
}

/// Every row that was committed before the first page comes exactly once, whoever writes meanwhile and whenever it was.
#[test]
fn pages_hold_all_that_was_there_while_four_connections_write() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let store = fresh().await;
        let now = Timestamp::now();
        let event = move |age: i64| {
            let at = Timestamp::from_micros(now.as_micros() - age);
            Arc::new(Event::log("s").at(at).accept(TimeWindow::default(), now).0)
        };
        let before: Vec<_> = (0..1_000).map(|n| event(n * 997 % 2_000)).collect();
        store.append_events(&before).await.unwrap();
        let writers: Vec<_> = (0..4)
            .map(|writer| {
                let store = store.clone();
                tokio::spawn(async move {
                    for round in 0..40 {
                        let batch: Vec<_> =
                            (0..25).map(|n| event((round * 25 + n) * 31 % 3_000 - 500 + writer)).collect();
                        store.append_events(&batch).await.unwrap();
                    }
                })
            })
            .collect();
        for round in 0..6 {
            let base = EventQuery::new(Scope::All).limit(37 + round);
            let base = if round % 2 == 0 { base } else { base.oldest_first() };
            let (mut seen, mut next) = (HashSet::<Id>::new(), None);
            loop {
                let query = next.map_or(base.clone(), |next| base.clone().after(next));
                let page = store.events(&query).await.unwrap();
                for event in &page.items {
                    assert!(seen.insert(event.id()), "nothing comes twice");
                }
                next = page.next;
                if next.is_none() {
                    break;
                }
            }
            assert!(before.iter().all(|event| seen.contains(&event.id())), "nothing is missed");
        }
        for writer in writers {
            writer.await.unwrap();
        }
        assert_eq!(store.event_counts(now).await.unwrap().total, 1_000 + 4 * 40 * 25);
    });
}
