//! The app: this executable, run again in a process of its own, with a watch over a database that others watch too.

use std::io::Write;
use std::process::{Command, exit};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use watchkeeper::store::Postgres;
use watchkeeper::tasks::{Archive, Arguments, Task, TaskContext, TaskOptions};
use watchkeeper::testing::Scrape;
use watchkeeper::{Watchkeeper, service_info};

use super::cluster;
use super::support::process::Process;

const PLAN: &str = "TASKS_TEST_PLAN";

/// What the app is to do.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Plan {
    /// Runs `sweep` by the scheduler until it is told to end, then says what it counted.
    Sweeps { url: String, every_ms: u64, takes_ms: u64, lease_ms: u64 },
    /// Runs retention once.
    Drops { url: String, days: u32, archive: String },
}

/// What the app counted of `sweep`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Report {
    pub instance: String,
    pub succeeded: u64,
    pub failed: u64,
}

/// Starts the app.
pub fn start(plan: &Plan) -> Process {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args([
        "--ignored",
        "--exact",
        "app::the_app_that_the_other_tests_start",
        "--nocapture",
        "--test-threads=1",
    ]);
    command.env(PLAN, serde_json::to_string(plan).unwrap()).env("RUST_BACKTRACE", "1");
    Process::start(&mut command)
}

/// Ends the app as a supervisor does, and reads its report.
pub fn end(mut app: Process) -> Report {
    app.signal("TERM");
    assert!(app.wait().success(), "{}\n{}", app.stdout(), app.stderr());
    let output = app.stdout();
    let line = output.lines().find(|line| line.starts_with('{'));
    serde_json::from_str(line.unwrap_or_else(|| panic!("no report in {output}"))).unwrap()
}

#[test]
#[ignore = "an app in a process of its own, started by the other tests"]
fn the_app_that_the_other_tests_start() {
    let plan: Plan = serde_json::from_str(&std::env::var(PLAN).unwrap()).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        match plan {
            Plan::Sweeps { url, every_ms, takes_ms, lease_ms } => sweep(&url, every_ms, takes_ms, lease_ms).await,
            Plan::Drops { url, days, archive } => drop_old(&url, days, archive).await,
        }
    });
    exit(0);
}

async fn sweep(url: &str, every_ms: u64, takes_ms: u64, lease_ms: u64) {
    let options = TaskOptions::new().lease(Duration::from_millis(lease_ms));
    let watch = Watchkeeper::builder(service_info!()).store(cluster::store(url)).tasks(options).build().unwrap();
    let (url, instance) = (url.to_owned(), watch.tasks().instance().to_owned());
    // What the work does is seen in a table of its own, whatever becomes of the run.
    let work = move |context: TaskContext, _: Arguments| {
        let (url, instance) = (url.clone(), instance.clone());
        async move {
            let (client, connection) = tokio_postgres::connect(&url, tokio_postgres::NoTls).await?;
            tokio::spawn(connection);
            let slot = context.slot().unwrap().to_string();
            let insert = "INSERT INTO swept (slot, instance, fence) VALUES ($1::text::timestamptz, $2, $3)";
            client.execute(insert, &[&slot, &instance, &(context.fence() as i64)]).await?;
            tokio::time::sleep(Duration::from_millis(takes_ms)).await;
            Ok::<_, tokio_postgres::Error>(json!({ "swept": true }))
        }
    };
    let task = Task::new("sweep", work).every(Duration::from_millis(every_ms)).jitter(Duration::from_millis(100));
    watch.tasks().register(task).unwrap();
    watch.shutdown_signal().await;
    let _report = watch.close(Duration::from_secs(5)).await;
    let scrape = Scrape::of(&watch);
    let count = |status: &str| {
        let series = format!("watchkeeper_task_runs_total{{task=\"sweep\",status=\"{status}\"}}");
        scrape.value(&series).unwrap_or(0.0) as u64
    };
    let report =
        Report { instance: watch.tasks().instance().to_owned(), succeeded: count("success"), failed: count("error") };
    say(&serde_json::to_string(&report).unwrap());
}

async fn drop_old(url: &str, days: u32, archive: String) {
    let options = TaskOptions::new().without_scheduler().archive(Archive::folder(archive));
    let store: Postgres = cluster::store(url);
    let watch = Watchkeeper::builder(service_info!()).store(store).tasks(options).build().unwrap();
    let said: Value = loop {
        match watch.tasks().run("monitoring_data_retention", json!({ "event_days": days })).await {
            Ok(said) => break said,
            // Whoever was killed has the lease for a while.
            Err(error) if error.is_transient() => tokio::time::sleep(Duration::from_millis(50)).await,
            Err(error) => panic!("{error:?}"),
        }
    };
    say(&said.to_string());
}

/// Writes a line past the harness, which keeps what a test prints.
fn say(line: &str) {
    std::io::stdout().write_all(format!("\n{line}\n").as_bytes()).unwrap();
    std::io::stdout().flush().unwrap();
}
