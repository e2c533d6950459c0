//! Several instances on one database, each a process of its own: one runs what is scheduled, whatever happens to it.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio_postgres::Client;

use super::app::{Plan, Report, end, start};
use super::cluster::CLUSTER;
use super::support::lateness::Lateness;
use super::support::process::{PATIENCE, Process};

/// A database with the table that the work writes to.
async fn database() -> (String, Client) {
    let name = CLUSTER.database().await;
    let client = CLUSTER.connect(&name).await;
    let table = "CREATE TABLE swept (slot timestamptz NOT NULL, instance text NOT NULL, fence bigint NOT NULL)";
    client.batch_execute(table).await.unwrap();
    (CLUSTER.url(&name), client)
}

/// Asks again and again until a number is what is waited for. A table that is not made yet has none.
async fn until(client: &Client, sql: &str, reached: impl Fn(i64) -> bool) {
    let start = std::time::Instant::now();
    loop {
        let number = client.query_one(sql, &[]).await.map(|row| row.get::<_, i64>(0));
        match number {
            Ok(number) if reached(number) => return,
            last => assert!(start.elapsed() < PATIENCE, "{sql}: {last:?}"),
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn leader(client: &Client) -> Option<String> {
    let sql = "SELECT holder FROM watchkeeper.leases WHERE name = 'runner' AND until > clock_timestamp()";
    client.query_opt(sql, &[]).await.ok().flatten().and_then(|row| row.get(0))
}

/// The place of the app whose process leads.
async fn leading(client: &Client, apps: &[Process]) -> usize {
    let start = std::time::Instant::now();
    loop {
        if let Some(name) = leader(client).await
            && let Some(place) = apps.iter().position(|app| name.contains(&format!("-{}-", app.id())))
        {
            return place;
        }
        assert!(start.elapsed() < PATIENCE, "nobody leads");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn counted(client: &Client) -> i64 {
    let sql = "SELECT count(*) FROM watchkeeper.task_runs WHERE task = 'sweep' AND ended_at IS NOT NULL";
    client.query_one(sql, &[]).await.unwrap().get(0)
}

#[tokio::test]
async fn of_three_instances_one_runs_each_interval_once() {
    const EVERY: i64 = 2000;
    let (url, client) = database().await;
    let lateness = Lateness::watch();
    let plan = Plan::Sweeps { url, every_ms: EVERY as u64, takes_ms: 50, lease_ms: 1500 };
    let apps: Vec<Process> = (0..3).map(|_| start(&plan)).collect();
    until(&client, "SELECT count(*) FROM swept", |swept| swept >= 5).await;
    let reports: Vec<Report> = apps.into_iter().map(end).collect();

    let rows = client.query("SELECT extract(epoch FROM slot)::bigint FROM swept ORDER BY slot", &[]).await.unwrap();
    let slots: Vec<i64> = rows.iter().map(|row| row.get(0)).collect();
    let once: BTreeSet<i64> = slots.iter().copied().collect();
    assert_eq!(slots.len(), once.len(), "an interval was swept twice: {slots:?}");
    let span = (slots.last().unwrap() - slots.first().unwrap()) * 1000 / EVERY + 1;
    let missed = span as u128 - once.len() as u128;
    assert!(missed <= lateness.worst().as_millis() / 500, "{missed} intervals were passed over: {slots:?}");
    let seen: u64 = reports.iter().map(|report| report.succeeded).sum();
    assert_eq!(seen as i64, counted(&client).await, "{reports:?}");
    assert!(reports.iter().all(|report| report.failed == 0), "{reports:?}");
    let instances: i64 = client.query_one("SELECT count(*) FROM watchkeeper.instances", &[]).await.unwrap().get(0);
    assert_eq!(instances, 3);
}

#[tokio::test]
async fn a_leader_that_was_frozen_and_woke_again_is_not_counted_twice() {
    let (url, client) = database().await;
    // One interval is all that the test sees; it takes a new turn at a full hour, which changes nothing.
    let plan = Plan::Sweeps { url, every_ms: 3_600_000, takes_ms: 1500, lease_ms: 1500 };
    let mut apps: Vec<Process> = (0..3).map(|_| start(&plan)).collect();
    until(&client, "SELECT count(*) FROM swept", |swept| swept == 1).await;
    let frozen = leading(&client, &apps).await;
    apps[frozen].signal("STOP");
    // Another one leads, sweeps the same interval, and is counted.
    until(&client, "SELECT count(*) FROM swept", |swept| swept == 2).await;
    until(
        &client,
        "SELECT count(*) FROM watchkeeper.task_runs WHERE ended_at IS NOT NULL AND task = 'sweep'",
        |ended| ended == 1,
    )
    .await;
    let next = leading(&client, &apps).await;
    assert_ne!(next, frozen);
    apps[frozen].signal("CONT");
    tokio::time::sleep(Duration::from_secs(3)).await;

    let rows = client.query("SELECT instance, fence, slot::text FROM swept ORDER BY fence", &[]).await.unwrap();
    let [first, second] = &rows[..] else { panic!("{rows:?}") };
    let text = |row: &tokio_postgres::Row, at| row.get::<_, String>(at);
    assert!(text(first, 0).contains(&format!("-{}-", apps[frozen].id())));
    assert_eq!(text(first, 2), text(second, 2), "the same interval");
    assert!(first.get::<_, i64>(1) < second.get::<_, i64>(1));
    let run = "SELECT holder, fence, status FROM watchkeeper.task_runs WHERE task = 'sweep'";
    let run = client.query_one(run, &[]).await.unwrap();
    assert!(text(&run, 0).starts_with(&text(second, 0)));
    assert_eq!((run.get::<_, i64>(1), text(&run, 2)), (second.get(1), "success".to_owned()));

    // The one that leads now is killed; whoever is left leads, and does not sweep again.
    apps[next].signal("KILL");
    let mut left: Vec<Process> = apps.drain(..).enumerate().filter(|(at, _)| *at != next).map(|(_, app)| app).collect();
    leading(&client, &left).await;
    let reports: Vec<Report> = left.drain(..).map(end).collect();
    assert!(reports.iter().all(|report| (report.succeeded, report.failed) == (0, 0)), "{reports:?}");
    assert_eq!(counted(&client).await, 1);
}
