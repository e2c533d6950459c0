//! What the store in Postgres costs the server: `cargo bench --all-features --bench postgres_store`.
//!
//! A cluster of its own, with fsync on, takes 5,000,000 events of ten days in batches of 1,000 and is asked for pages of them.
//! Figures of the server are its processor time, since the clock of a busy machine says little; those of queries are the
//! median of 51, beside what each plan comes to, as the server's `auto_explain` tells it. The events take 3 GB of disk
//! while it runs. `-- --events 200000` takes fewer; `-- --quick` is a smoke, whose figures mean nothing.
#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a program that prints figures")]

#[path = "../tests/support/mod.rs"]
mod support;

use std::sync::Arc;
use std::time::{Duration, Instant};

use support::postgres::PostgresServer;
use watchkeeper::Timestamp;
use watchkeeper::event::{Event, EventType, Level, TimeWindow};
use watchkeeper::store::{EventQuery, EventStore, Postgres, PostgresOptions, Scope};
use watchkeeper::testing::laws::run;

const BATCH: usize = 1000;

/// The time in which all events happened: as many partitions have them.
const SPAN: Duration = Duration::from_secs(10 * 86_400);

/// The time between two events.
fn step(count: usize) -> Duration {
    SPAN / count as u32
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let quick = arguments.iter().any(|argument| argument == "--quick");
    let told = arguments.iter().position(|argument| argument == "--events");
    let told = told.and_then(|at| arguments.get(at + 1)).map(|count| count.parse().unwrap());
    let count: usize = told.unwrap_or(if quick { 5_000 } else { 5_000_000 });
    let server = PostgresServer::start_with(&["shared_buffers=512MB", "max_wal_size=4GB", "checkpoint_timeout=15min"]);
    run(measure(&server, count));
}

fn event(n: usize, count: usize, now: Timestamp) -> Arc<Event> {
    let level = match n % 1000 {
        0 => Level::Critical,
        1..=9 => Level::Error,
        10..=39 => Level::Warn,
        40..=799 => Level::Info,
        _ => Level::Debug,
    };
    let event_type = if n % 200 == 7 { EventType::Alert } else { EventType::Log };
    let source = format!("part-{}", n * 7 % 50);
    let told = Event::of_type(event_type, source).level(level).tag("order", n).tag("region", "eu-west-1");
    let told = told.message("a line of some sixty letters, as they come from a service").detail("amount", 19.99);
    let told = told.detail("customer", "c-000001234567").detail("path", "/api/v1/orders/{id}").created_by("shop");
    let told = if n.is_multiple_of(10) { told.trace_id(format!("4bf92f3577b34da6a3ce929d{n:08x}")) } else { told };
    let at = now.minus(step(count) * (count - n) as u32);
    Arc::new(told.at(at).accept(TimeWindow::default(), now).0)
}

async fn measure(server: &PostgresServer, count: usize) {
    let database = server.database().await;
    let mut options = PostgresOptions::default();
    options.call_deadline = Duration::from_secs(60);
    let store = Postgres::with_options(&server.url(&database), options).unwrap();
    let now = Timestamp::now();
    store.append_events(&[event(0, count, now)]).await.unwrap();

    let (used, start) = (server.processor_time(), Instant::now());
    for first in (1..count).step_by(BATCH) {
        let batch: Vec<_> = (first..(first + BATCH).min(count)).map(|n| event(n, count, now)).collect();
        store.append_events(&batch).await.unwrap();
    }
    let (used, elapsed) = (server.processor_time() - used, start.elapsed());
    let client = server.connect(&database).await;
    let bytes = "SELECT sum(pg_total_relation_size(inhrelid))::bigint FROM pg_inherits
        WHERE inhparent = 'watchkeeper.events'::regclass";
    let bytes: i64 = client.query_one(bytes, &[]).await.unwrap().get(0);
    println!("{count} events, batches of {BATCH}, all indexes, fsync on");
    println!("  processor time of the server, µs/event  {:.2}", used.as_secs_f64() * 1e6 / count as f64);
    println!("  bytes/event, indexes included           {}", bytes as usize / count);
    println!("  events/s on this machine at this time   {:.0}", count as f64 / elapsed.as_secs_f64());
    for statement in ["VACUUM ANALYZE watchkeeper.events", "CHECKPOINT"] {
        client.batch_execute(statement).await.unwrap();
    }

    let all = || EventQuery::new(Scope::All);
    let middle = event(count / 2, count, now);
    let hour = now.minus(Duration::from_secs(3600));
    let queries = [
        ("newest", all()),
        ("by source", all().source("part-7")),
        ("by source, old times", all().source("part-7").end(middle.timestamp())),
        ("warn and worse", all().at_least(Level::Warn)),
        ("one grave level", all().level(Level::Critical)),
        ("source, warn and worse", all().source("part-7").at_least(Level::Warn)),
        ("by type", all().event_type(EventType::Alert)),
        ("by trace", all().trace_id(format!("4bf92f3577b34da6a3ce929d{:08x}", count / 20 * 10))),
        ("an hour, warn and worse, oldest first", all().at_least(Level::Warn).start(hour).oldest_first()),
        ("behind a cursor in the middle", all().after(watchkeeper::store::Cursor::at(middle.id()))),
        ("page 50 by offset", all().offset(5_000)),
    ];
    println!("pages of 100, median of 51, ms");
    for (name, query) in &queries {
        let found = store.events(query).await.unwrap().items.len();
        println!("  {:.2}  {name} ({found})", median(async || drop(store.events(query).await.unwrap())).await);
    }
    println!("  {:.2}  by id", median(async || drop(store.event(middle.id(), &Scope::All).await.unwrap())).await);
    println!("  {:.2}  counts", median(async || assert!(store.event_counts(now).await.unwrap().total > 0)).await);

    let explain = format!(
        "ALTER DATABASE {database} SET session_preload_libraries = 'auto_explain';
         ALTER DATABASE {database} SET auto_explain.log_min_duration = 0;
         ALTER DATABASE {database} SET auto_explain.log_analyze = on"
    );
    client.batch_execute(&explain).await.unwrap();
    let explained = Postgres::with_options(&server.url(&database), options).unwrap();
    let _ = explained.events(&all()).await.unwrap();
    println!("plans of these statements");
    for (name, query) in &queries {
        println!("  {name}: {}", plans(server, count, async || drop(explained.events(query).await.unwrap())).await);
    }
    let by_id = plans(server, count, async || drop(explained.event(middle.id(), &Scope::All).await.unwrap())).await;
    println!("  by id: {by_id}");
    drop(explained);

    let start = Instant::now();
    let dropped = store.drop_events(now.minus(SPAN - Duration::from_secs(86_400))).await.unwrap();
    println!("dropping {dropped} events of the oldest days took {:.0} ms", start.elapsed().as_secs_f64() * 1e3);

    let older = (1..=390).map(|day| {
        let at = now.minus(SPAN).minus(Duration::from_secs(day * 86_400));
        Arc::new(Event::log("old").at(at).accept(TimeWindow::days(401), now).0)
    });
    for some in older.collect::<Vec<_>>().chunks(30) {
        store.append_events(some).await.unwrap();
    }
    println!("the same with partitions for 400 days");
    for (name, query) in &queries {
        println!("  {:.2}  {name}", median(async || drop(store.events(query).await.unwrap())).await);
    }
    println!("  {:.2}  by id", median(async || drop(store.event(middle.id(), &Scope::All).await.unwrap())).await);
}

async fn median(mut ask: impl AsyncFnMut()) -> f64 {
    let mut times = Vec::new();
    for _ in 0..51 {
        let start = Instant::now();
        ask().await;
        times.push(start.elapsed().as_secs_f64() * 1e3);
    }
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

/// Says which nodes the plans of a call have, and how often each was run; parts of the tree that were not reached are left out.
async fn plans(server: &PostgresServer, size: usize, ask: impl AsyncFn()) -> String {
    let before = server.log().len();
    ask().await;
    // The server's log is read by another thread.
    tokio::time::sleep(Duration::from_millis(300)).await;
    let log = server.log();
    let (mut nodes, mut skipped, mut statements) = (Vec::<(String, usize)>::new(), 0, 0);
    for line in log[before..].lines() {
        statements += usize::from(line.contains("  plan:"));
        let Some((node, rest)) = line.split_once("  (cost=") else { continue };
        if rest.contains("(never executed)") {
            skipped += 1;
            continue;
        }
        let node = node.trim().trim_start_matches("->").trim();
        let node = node.split(' ').map(without_day).collect::<Vec<_>>().join(" ");
        // Those that were made ahead are empty, and nothing is the quickest to read.
        let is_whole = node.starts_with("Seq Scan on events") && !rest.starts_with("0.00..0.00 ");
        assert!(!is_whole || size < 1_000_000, "a whole partition is read: {log}");
        match nodes.iter_mut().find(|(known, _)| *known == node) {
            Some((_, times)) => *times += 1,
            None => nodes.push((node, 1)),
        }
    }
    let nodes: Vec<String> = nodes.iter().map(|(node, times)| format!("{times} × {node}")).collect();
    format!("{statements} statements; {}; {skipped} not reached", nodes.join(", "))
}

/// Leaves the day out of the name of a partition or its index.
fn without_day(word: &str) -> String {
    let is_day = |part: &str| part.len() == 8 && part.bytes().all(|byte| byte.is_ascii_digit());
    word.split('_').filter(|part| !is_day(part)).collect::<Vec<_>>().join("_")
}
