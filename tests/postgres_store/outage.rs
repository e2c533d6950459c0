//! Postgres is killed while events arrive: nothing that was accepted is lost, and nothing comes twice.
//!
//! It is killed 10 times, or as often as `WATCHKEEPER_TEST_KILLS` says:
//! `WATCHKEEPER_TEST_KILLS=100 cargo test --all-features --test postgres_store outage -- --nocapture` takes some ten minutes.
//! What a killed process has written is with the system, so the ten go without `fsync`, which makes each start quick; by
//! the command it is on.

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use watchkeeper::event::Event;
use watchkeeper::journal::{JournalOptions, Sink};
use watchkeeper::queue::Bound;
use watchkeeper::store::{EventStore, Postgres};
use watchkeeper::testing::laws::run;
use watchkeeper::{Timestamp, Watchkeeper, service_info};

use crate::support::lateness::Lateness;
use crate::support::postgres::PostgresServer;
use crate::support::process::eventually;

/// How soon something is written after the server accepts connections again.
const SOON: Duration = Duration::from_secs(2);

#[test]
fn nothing_is_lost_and_nothing_comes_twice_when_postgres_is_killed_under_load() {
    let told = std::env::var("WATCHKEEPER_TEST_KILLS").ok();
    let kills: u32 = told.as_ref().map_or(10, |kills| kills.parse().unwrap());
    let mut server = PostgresServer::start_with(if told.is_some() { &[] } else { &["fsync=off"] });
    let database = run(server.database());
    let url = server.url(&database);
    // Room for what arrives while a busy machine brings the server back.
    let options = JournalOptions::default().bound(Bound { bytes: 512 << 20, items: 1_000_000 });
    let store = Postgres::from_url(&url).unwrap();
    let watch = Watchkeeper::builder(service_info!()).store(store).journal(options).build().unwrap();
    let counts = || watch.journal().counts(Sink::Events).unwrap();
    let done = AtomicBool::new(false);
    let (mut recorded, mut slowest) = (HashSet::new(), Duration::ZERO);

    std::thread::scope(|threads| {
        let load = threads.spawn(|| {
            let mut ids = Vec::new();
            let start = Instant::now();
            while !done.load(Ordering::Relaxed) {
                // 2,000 in a second, whatever the sleep makes of it.
                while (ids.len() as u128) < start.elapsed().as_millis() * 2 {
                    ids.push(watch.record_event(Event::log("load").tag("n", ids.len())).expect("there is room"));
                }
                std::thread::sleep(Duration::from_millis(5));
            }
            ids
        });
        for kill in 0..kills {
            // At a moment that nobody chose, while it catches up or after that. Without a limit the load would only grow.
            while counts().queued() > 40_000 {
                std::thread::sleep(Duration::from_millis(20));
            }
            std::thread::sleep(Duration::from_millis(50 + RandomState::new().hash_one(kill) % 550));
            server.end_by("KILL");
            server.launch();
            eventually(|| run(answers(&url)));
            let (back, stored, lateness) = (Instant::now(), counts().stored(), Lateness::watch());
            while counts().stored() == stored {
                assert!(back.elapsed() < lateness.end_of(SOON), "nothing was written within {SOON:?}: {:?}", counts());
                std::thread::sleep(Duration::from_millis(5));
            }
            slowest = slowest.max(back.elapsed());
            if kill % 10 == 9 {
                println!("{} kills, {:?}, the first write at most {slowest:?} after", kill + 1, counts());
            }
        }
        done.store(true, Ordering::Relaxed);
        recorded.extend(load.join().unwrap());
    });
    let counts = eventually(|| if counts().queued() == 0 { Ok(counts()) } else { Err(format!("{:?}", counts())) });
    assert_eq!((counts.accepted(), counts.stored(), counts.dropped()), (recorded.len() as u64, counts.accepted(), 0));
    run(async {
        let client = server.connect(&database).await;
        let rows = client.query("SELECT id::text FROM watchkeeper.events", &[]).await.unwrap();
        let there: HashSet<watchkeeper::Id> = rows.iter().map(|row| row.get::<_, &str>(0).parse().unwrap()).collect();
        assert_eq!((rows.len(), there.len()), (recorded.len(), recorded.len()));
        assert!(there == recorded, "what is stored is what was recorded");
        // The statistics are part of the same statement.
        let total = Postgres::from_url(&url).unwrap().event_counts(Timestamp::now()).await.unwrap().total;
        assert_eq!(total, recorded.len() as u64);
    });
    println!(
        "{kills} kills, {} events, none lost, none twice; the first write at most {slowest:?} after",
        recorded.len()
    );
}

async fn answers(url: &str) -> Result<(), String> {
    let (client, connection) =
        tokio_postgres::connect(url, tokio_postgres::NoTls).await.map_err(|error| error.to_string())?;
    tokio::spawn(connection);
    client.query_one("SELECT 1", &[]).await.map(|_| ()).map_err(|error| error.to_string())
}
