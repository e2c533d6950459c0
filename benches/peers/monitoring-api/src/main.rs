//! The monitoring API under `wrk`, beside a bare axum handler over the same store: `cargo run --release -p monitoring-api`.
//!
//! Over memory, and over Postgres where `DATABASE_URL` names a database that may be filled. The bare handler reads JSON,
//! calls the store and writes JSON: the same SQL, without callers, roles, limits, checks and audit.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::process::Command;
use std::sync::Arc;

use axum::extract::State;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use watchkeeper::api::monitoring::{ApiOptions, PREFIX, Role, Tokens};
use watchkeeper::event::{EventDraft, TimeWindow};
use watchkeeper::store::{EventQuery, Memory, Parts, Postgres, Scope, Store};
use watchkeeper::{Timestamp, Watchkeeper, service_info};

const TOKEN: &str = "token-of-the-bench-itself";
const ROUNDS: usize = 5;
const SECONDS: u32 = 2;
const CONNECTIONS: u32 = 16;
const BULK: usize = 100;

type Shared = Arc<dyn Store>;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let mut stores: Vec<(&str, Box<dyn Fn() -> Result<Parts, Box<dyn std::error::Error>>>)> =
        vec![("memory", Box::new(|| Ok(Parts::all_in(Memory::new()))))];
    if let Ok(url) = std::env::var("DATABASE_URL") {
        stores.push(("Postgres", Box::new(move || Ok(Parts::all_in(Postgres::from_url(&url)?)))));
    }
    let event = json!({ "event_type": "log", "source": "checkout", "level": "info", "message": "card accepted",
        "tags": { "region": "eu", "order": 42 }, "payload": { "card": { "brand": "visa" }, "cents": 1999 } });
    let requests = [
        ("POST /events", "/events", Some(event.to_string())),
        ("POST /events/bulk, 100", "/events/bulk", Some(Value::from(vec![event; BULK]).to_string())),
        ("GET /events, 100", "/events", None),
    ];
    println!("`wrk`, {CONNECTIONS} connections, one worker thread, the servers in turn, the median of {ROUNDS} times {SECONDS} s\n");
    println!("| request | store | server | requests/s | p50 | p99 |\n| --- | --- | --- | --- | --- | --- |");
    for (store_name, store) in &stores {
        let servers = [("bare", serve(&runtime, bare(Arc::new(store()?)))?), ("API", serve(&runtime, ours(store()?)?)?)];
        for (name, path, body) in &requests {
            let mut runs = [Vec::new(), Vec::new()];
            // The first round warms up and is not looked at.
            for round in 0..=ROUNDS {
                for at in 0..servers.len() {
                    let at = (at + round) % servers.len();
                    let run = drive(servers[at].1, path, body.as_deref())?;
                    if round > 0 {
                        runs[at].push(run);
                    }
                }
            }
            for ((server, _), runs) in servers.iter().zip(&runs) {
                let median = |of: fn(&Run) -> f64| {
                    let mut values: Vec<f64> = runs.iter().map(of).collect();
                    values.sort_by(f64::total_cmp);
                    values[values.len() / 2]
                };
                let (rate, p50, p99) = (median(|run| run.per_second), median(|run| run.p50), median(|run| run.p99));
                println!("| {name} | {store_name} | {server} | {rate:.0} | {p50:.2} ms | {p99:.2} ms |");
            }
        }
    }
    Ok(())
}

/// A handler that does what has to be done, and nothing else.
fn bare(store: Shared) -> Router {
    async fn create(State(store): State<Shared>, Json(draft): Json<EventDraft>) -> Json<Value> {
        let (event, _) = draft.created_by("bench").accept(TimeWindow::default(), Timestamp::now());
        let batch = [Arc::new(event)];
        store.append_events(&batch).await.expect("the store takes it");
        Json(json!({ "success": true, "data": &*batch[0] }))
    }
    async fn create_many(State(store): State<Shared>, Json(drafts): Json<Vec<EventDraft>>) -> Json<Value> {
        let now = Timestamp::now();
        let accept = |draft: EventDraft| Arc::new(draft.created_by("bench").accept(TimeWindow::default(), now).0);
        let batch: Vec<_> = drafts.into_iter().map(accept).collect();
        store.append_events(&batch).await.expect("the store takes it");
        Json(json!({ "success": true, "data": { "accepted": batch.len() } }))
    }
    async fn list(State(store): State<Shared>) -> Json<Value> {
        let page = store.events(&EventQuery::new(Scope::CreatedBy("bench".into()))).await.expect("the store answers");
        let items: Vec<_> = page.items.iter().map(|event| &**event).collect();
        Json(json!({ "success": true, "data": items, "next_cursor": page.next }))
    }
    Router::new()
        .route(&format!("{PREFIX}/events"), post(create).merge(get(list)))
        .route(&format!("{PREFIX}/events/bulk"), post(create_many))
        .with_state(store)
}

fn ours(store: Parts) -> Result<Router, Box<dyn std::error::Error>> {
    let mut options = ApiOptions::default();
    options.requests_per_second = 0;
    let tokens = Tokens::new().token("bench", Role::User, TOKEN)?;
    let watch = Watchkeeper::builder(service_info!()).store(store).principals(tokens).api(options).build()?;
    Ok(watch.routes())
}

fn serve(runtime: &tokio::runtime::Runtime, router: Router) -> std::io::Result<SocketAddr> {
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"))?;
    let address = listener.local_addr()?;
    runtime.spawn(async move { axum::serve(listener, router).await });
    Ok(address)
}

struct Run {
    per_second: f64,
    p50: f64,
    p99: f64,
}

fn drive(address: SocketAddr, path: &str, body: Option<&str>) -> Result<Run, Box<dyn std::error::Error>> {
    let mut script = format!("wrk.headers['authorization'] = 'Bearer {TOKEN}'\n");
    if let Some(body) = body {
        write!(script, "wrk.method = 'POST'\nwrk.headers['content-type'] = 'application/json'\nwrk.body = [[{body}]]\n")?;
    }
    script += "done = function(summary, latency) io.write(string.format('RUN %d %d %d %d %d\\n', summary.requests, \
               summary.duration, latency:percentile(50), latency:percentile(99), summary.errors.status)) end\n";
    let file = std::env::temp_dir().join(format!("monitoring-api-{}.lua", std::process::id()));
    std::fs::write(&file, script)?;
    let output = Command::new("wrk")
        .args(["-t1", &format!("-c{CONNECTIONS}"), &format!("-d{SECONDS}s"), "-s"])
        .arg(&file)
        .arg(format!("http://{address}{PREFIX}{path}"))
        .output()?;
    let _ = std::fs::remove_file(&file);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let line = said.lines().find_map(|line| line.strip_prefix("RUN ")).ok_or_else(|| said.clone())?;
    let numbers: Vec<f64> = line.split(' ').map(str::parse).collect::<Result<_, _>>()?;
    assert_eq!(numbers[4], 0.0, "every answer is a success: {said}");
    Ok(Run { per_second: numbers[0] / (numbers[1] / 1e6), p50: numbers[2] / 1e3, p99: numbers[3] / 1e3 })
}
