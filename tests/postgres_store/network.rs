//! A network that fails between the store and Postgres: nothing is lost, nothing comes twice, nobody waits for it.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use watchkeeper::event::Event;
use watchkeeper::journal::Sink;
use watchkeeper::store::{EventStore, Postgres, PostgresOptions, StoreErrorKind};
use watchkeeper::testing::laws::run;
use watchkeeper::{Id, Timestamp, Watchkeeper, service_info};

use super::cluster::{CLUSTER, store};
use crate::support::process::eventually;
use crate::support::proxy::{Network, Proxy};

#[test]
fn nothing_is_lost_and_nothing_comes_twice_whatever_the_network_does() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let database = runtime.block_on(CLUSTER.database());
    runtime.block_on(store(&database).migrate()).unwrap();
    let proxy = runtime.block_on(Proxy::start(CLUSTER.port));
    let url = CLUSTER.url(&database).replace(&CLUSTER.port.to_string(), &proxy.port.to_string());
    let mut options = PostgresOptions::default();
    options.call_deadline = Duration::from_millis(500);
    let behind = Postgres::with_options(&url, options).unwrap();
    let watch = Watchkeeper::builder(service_info!()).store(behind.clone()).build().unwrap();
    let counts = || watch.journal().counts(Sink::Events).unwrap();
    let (mut ids, mut slowest) = (HashSet::new(), Duration::ZERO);
    let mut record = |time: Duration| {
        let start = Instant::now();
        while start.elapsed() < time {
            for _ in 0..10 {
                let recording = Instant::now();
                ids.insert(watch.record_event(Event::log("load")).expect("there is room"));
                slowest = slowest.max(recording.elapsed());
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    };
    let faults = [Network::Hangs, Network::Resets, Network::Halves, Network::LosesAnswers, Network::Crawls];
    for network in faults {
        record(Duration::from_millis(200));
        proxy.set(network);
        record(Duration::from_millis(900));
        proxy.set(Network::Passes);
        let stored = counts().stored();
        eventually(|| if counts().stored() > stored { Ok(()) } else { Err(format!("{network:?}: {:?}", counts())) });
    }
    let settled = eventually(|| if counts().queued() == 0 { Ok(counts()) } else { Err(format!("{:?}", counts())) });
    assert_eq!((settled.accepted(), settled.stored(), settled.dropped()), (ids.len() as u64, settled.accepted(), 0));
    runtime.block_on(async {
        let client = CLUSTER.connect(&database).await;
        let rows = client.query("SELECT id::text FROM watchkeeper.events", &[]).await.unwrap();
        let there: HashSet<Id> = rows.iter().map(|row| row.get::<_, &str>(0).parse().unwrap()).collect();
        assert!(there == ids && rows.len() == ids.len(), "{} are stored, {} were recorded", rows.len(), ids.len());
        let total = behind.event_counts(Timestamp::now()).await.unwrap().total;
        assert_eq!(total, ids.len() as u64);
    });
    println!("{} events, none lost, none twice; recording one took at most {slowest:?}", ids.len());
}

#[test]
fn a_server_that_takes_connections_and_says_nothing_is_given_up_at_the_deadline() {
    run(async {
        let proxy = Proxy::start(CLUSTER.port).await;
        proxy.set(Network::Hangs);
        let mut options = PostgresOptions::default();
        options.call_deadline = Duration::from_millis(300);
        let url = CLUSTER.url(&CLUSTER.database().await).replace(&CLUSTER.port.to_string(), &proxy.port.to_string());
        let store = Postgres::with_options(&url, options).unwrap();
        let start = Instant::now();
        let error = store.event_counts(Timestamp::now()).await.unwrap_err();
        assert!(matches!(error.kind(), StoreErrorKind::Timeout | StoreErrorKind::Unavailable), "{error:?}");
        assert!(start.elapsed() < Duration::from_secs(3), "{:?}", start.elapsed());
        // It is not given up for good, and what hung before holds nobody up.
        proxy.set(Network::Resets);
        proxy.set(Network::Passes);
        let back = Instant::now();
        while let Err(error) = store.event_counts(Timestamp::now()).await {
            assert!(back.elapsed() < Duration::from_secs(20), "{error:?}");
        }
    });
}
