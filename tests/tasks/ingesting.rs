//! Retention while events arrive: nobody waits for it, counts do not fall, evidence stays.
//!
//! A day of full size, 2,000 events a second beside it, figures printed:
//!
//! ```sh
//! WATCHKEEPER_TEST_RETENTION_ROWS=714000 cargo test --all-features --test tasks ingesting -- --nocapture
//! ```

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::json;
use watchkeeper::event::Level;
use watchkeeper::incident::{EntryKind, Incident, Severity};
use watchkeeper::store::{Appended, EventStore, IncidentStore, Postgres, Scope, TimelineQuery};
use watchkeeper::tasks::{Archive, TaskOptions};
use watchkeeper::{Timestamp, Watchkeeper, service_info};

use super::cluster;
use super::retention::{event, noon};
use super::support::lateness::Lateness;
use super::support::postgres::PostgresServer;
use super::support::process::Folder;

/// Fills the day of a time with rows of some 400 bytes; each hundredth is a warning, each thousandth an error.
const FILL: &str = "
    INSERT INTO watchkeeper.events (id, event_type, source, message, level, tags, payload, timestamp, created_at)
    SELECT (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || '70008' || lpad(to_hex(n), 15, '0'))::uuid,
        'log', 'checkout' || n % 20, 'order ' || n || ' was taken by a warehouse that is far from whoever wants it',
        CASE WHEN n % 1000 = 0 THEN 'error' WHEN n % 100 = 1 THEN 'warn' ELSE 'info' END,
        jsonb_build_object('host', 'shop-' || n % 8, 'request_id', md5(n::text)),
        jsonb_build_object('order', n, 'carrier', 'bicycle', 'weight', n % 977, 'note', repeat('x', 60)), at, at
    FROM generate_series(1, $1::bigint) n,
        LATERAL (SELECT date_trunc('day', $2::text::timestamptz, 'UTC') + n * interval '86390 seconds' / $1::bigint AS at) t";

/// How long a call took, and when it began.
type Calls = Arc<Mutex<Vec<(Instant, Duration)>>>;

/// Appends 40 events every 20 ms, by the journal's own pace, until it is told to end; says how many were stored.
async fn ingest(store: Postgres, over: Arc<AtomicBool>, calls: Calls) -> u64 {
    let (mut stored, mut next) = (0, tokio::time::interval(Duration::from_millis(20)));
    while !over.load(Relaxed) {
        next.tick().await;
        let events: Vec<_> = (0..40).map(|_| event(Level::Info, "an order was taken", Timestamp::now())).collect();
        let start = Instant::now();
        assert_eq!(store.append_events(&events).await.unwrap(), [Appended::Stored; 40]);
        calls.lock().unwrap().push((start, start.elapsed()));
        stored += 40;
    }
    stored
}

/// The longest that anybody waited for a lock, and that a lock on all events which shuts everybody out was held.
async fn watch_locks(server: &PostgresServer, database: &str, over: Arc<AtomicBool>) -> (Duration, Duration) {
    const WAITS: &str = "
        SELECT coalesce(max(extract(epoch FROM clock_timestamp() - waitstart)) FILTER (WHERE NOT granted), 0)::float8,
            coalesce(bool_or(granted AND mode = 'AccessExclusiveLock' AND relation = 'watchkeeper.events'::regclass), false)
        FROM pg_locks";
    let client = server.connect(database).await;
    let statement = client.prepare(WAITS).await.unwrap();
    let (mut waited, mut held, mut since) = (0.0_f64, Duration::ZERO, None);
    while !over.load(Relaxed) {
        let row = client.query_one(&statement, &[]).await.unwrap();
        waited = waited.max(row.get(0));
        since = row.get::<_, bool>(1).then(|| since.unwrap_or_else(Instant::now));
        held = held.max(since.map_or(Duration::ZERO, |since: Instant| since.elapsed()));
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    (Duration::from_secs_f64(waited), held)
}

/// The counts, asked again and again; they never fall.
async fn watch_counts(store: Postgres, over: Arc<AtomicBool>) -> u64 {
    let mut total = 0;
    while !over.load(Relaxed) {
        let counts = store.event_counts(Timestamp::now()).await.unwrap();
        assert!(counts.total >= total, "the total fell from {total} to {}", counts.total);
        total = counts.total;
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    total
}

fn percentile(calls: &Calls, from: Instant, to: Instant, share: f64) -> Duration {
    let calls = calls.lock().unwrap();
    let mut times: Vec<_> =
        calls.iter().filter(|(at, took)| *at + *took >= from && *at <= to).map(|(_, took)| *took).collect();
    times.sort();
    let last = times.len().saturating_sub(1);
    times.get((last as f64 * share).round() as usize).copied().unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn retention_holds_up_nobody_who_stores_events() {
    let rows: i64 = std::env::var("WATCHKEEPER_TEST_RETENTION_ROWS").map_or(20_000, |rows| rows.parse().unwrap());
    let calm = if rows > 100_000 { Duration::from_secs(15) } else { Duration::from_secs(2) };
    // With fsync, as it is in production.
    let server = PostgresServer::start_with(&["max_connections=100", "shared_buffers=256MB", "max_wal_size=4GB"]);
    let database = server.database().await;
    let store = cluster::store(&server.url(&database));
    let (older, old) = (noon(60), noon(50));
    let mut incidents = Vec::new();
    for day in [older, old] {
        // Its partition is made by the first of its events.
        store.append_events(&[event(Level::Info, "first", day)]).await.unwrap();
        let client = server.connect(&database).await;
        client.execute(FILL, &[&rows, &day.to_string()]).await.unwrap();
        let (incident, created) = Incident::draft("payments fail", Severity::High).check(day).unwrap();
        store.open_incident(&incident, &created).await.unwrap();
        incidents.push(incident);
    }
    let client = server.connect(&database).await;
    for once in ["VACUUM ANALYZE watchkeeper.events", "CHECKPOINT"] {
        client.batch_execute(once).await.unwrap();
    }
    let folder = Folder::new("ingesting");
    let watches = [None, Some(Archive::folder(folder.path()))].map(|archive| {
        let options = TaskOptions::new().without_scheduler();
        let options = match archive {
            Some(archive) => options.archive(archive),
            None => options,
        };
        Watchkeeper::builder(service_info!()).store(store.clone()).tasks(options).build().unwrap()
    });

    let lateness = Lateness::watch();
    let (over, calls) = (Arc::new(AtomicBool::new(false)), Calls::default());
    let writer = tokio::spawn(ingest(cluster::store(&server.url(&database)), Arc::clone(&over), Arc::clone(&calls)));
    let counts = tokio::spawn(watch_counts(cluster::store(&server.url(&database)), Arc::clone(&over)));
    let start = Instant::now();
    tokio::time::sleep(calm).await;
    let usual = percentile(&calls, start, Instant::now(), 0.99);
    println!("{rows} rows a day; an append of 40 took {usual:?} at p99 before");
    for (watch, (days, name)) in watches.iter().zip([(56, "without an archive"), (46, "with an archive")]) {
        let locks_over = Arc::new(AtomicBool::new(false));
        let locks = watch_locks(&server, &database, Arc::clone(&locks_over));
        let run = async {
            let start = Instant::now();
            let said = watch.tasks().run("monitoring_data_retention", json!({ "event_days": days })).await.unwrap();
            let end = Instant::now();
            locks_over.store(true, Relaxed);
            (said, start, end)
        };
        let ((said, start, end), (waited, held)) = tokio::join!(run, locks);
        let (p50, p99) = (percentile(&calls, start, end, 0.5), percentile(&calls, start, end, 0.99));
        println!(
            "{name}: {:?} in all; an append p50 {p50:?}, p99 {p99:?}; a lock waited for {waited:?} and held {held:?} at most; {said}",
            end - start
        );
        assert_eq!(said["event_days"], 1, "{said}");
        assert!(said["evidence_added"].as_u64().unwrap() > 0, "{said}");
        let most = Duration::from_millis(100) + lateness.worst();
        assert!(
            waited <= most && held <= most,
            "a lock was waited for {waited:?} and held {held:?}, late {:?}",
            lateness.worst()
        );
        assert!(
            p99 <= 2 * usual + 2 * lateness.worst(),
            "p99 rose from {usual:?} to {p99:?}, late {:?}",
            lateness.worst()
        );
    }
    over.store(true, Relaxed);
    let stored = writer.await.unwrap();
    assert!(counts.await.unwrap() <= stored + 2);
    // Every event that arrived meanwhile is there, and counted.
    assert_eq!(store.event_counts(Timestamp::now()).await.unwrap().total, stored + 2);
    for incident in &incidents {
        let query = TimelineQuery::new(Scope::All, incident.id).kind(EntryKind::Event).limit(1000);
        let evidence = store.timeline(&query).await.unwrap().items.len() as i64;
        // Eleven in a thousand are grave, and those of the time from an hour before noon on belong to the incident.
        assert!(evidence >= (rows * 11 / 1000 / 3).min(500), "{evidence} entries are left");
    }
    drop(server);
}
