//! What the state of the checks means for the service, and who is told why.

use std::time::Duration;

use serde_json::json;
use watchkeeper::assert_scrape;
use watchkeeper::health::Check;

use crate::ask::{ask, builder, watch};

async fn up() -> Result<(), &'static str> {
    Ok(())
}

async fn down() -> Result<(), &'static str> {
    Err("dial postgres://ada:s3cret@db/shop: refused")
}

/// Without what differs from run to run.
fn still(mut answer: serde_json::Value) -> serde_json::Value {
    let is_time = |value: &serde_json::Value| {
        let text = value.as_str().unwrap_or_default();
        text.len() == 24 && text.ends_with('Z') && text.as_bytes()[10] == b'T'
    };
    assert!(is_time(&answer["timestamp"]), "{answer}");
    answer.as_object_mut().expect("an object").remove("timestamp");
    for check in answer["checks"].as_array_mut().expect("a list") {
        assert!(is_time(&check["checked_at"]), "{check}");
        check.as_object_mut().expect("an object").remove("checked_at");
    }
    answer
}

#[tokio::test]
async fn a_service_without_checks_is_healthy() {
    let watch = builder().build().unwrap();
    for path in ["/health", "/health/live", "/health/ready"] {
        let (status, answer) = ask(&watch, path, None).await;
        assert_eq!((status, still(answer)), (200, json!({"status": "healthy", "checks": []})), "{path}");
    }
    assert!(!watch.registry().render(watchkeeper::metric::Format::Text).contains("watchkeeper_health_check_up{"));
}

#[tokio::test]
async fn every_check_up_is_healthy() {
    let watch = watch([Check::new("db", up), Check::new("search", up).informational()]);
    let (status, answer) = ask(&watch, "/health", None).await;
    let checks = json!([
        {"name": "db", "state": "up", "critical": true},
        {"name": "search", "state": "up", "critical": false},
    ]);
    assert_eq!((status, still(answer)), (200, json!({"status": "healthy", "checks": checks})));
}

#[tokio::test]
async fn an_informational_check_that_fails_degrades_the_service_and_leaves_it_ready() {
    let watch = watch([Check::new("db", up), Check::new("search", down).informational()]);
    let (status, answer) = ask(&watch, "/health", None).await;
    let checks = json!([
        {"name": "db", "state": "up", "critical": true},
        {"name": "search", "state": "down", "critical": false},
    ]);
    assert_eq!((status, still(answer)), (200, json!({"status": "degraded", "checks": checks})));
    let (status, answer) = ask(&watch, "/health/ready", None).await;
    let checks = json!([{"name": "db", "state": "up", "critical": true}]);
    assert_eq!((status, still(answer)), (200, json!({"status": "healthy", "checks": checks})));
}

#[tokio::test]
async fn a_critical_check_that_fails_makes_the_service_unhealthy_and_never_dead() {
    let watch = watch([Check::new("db", down), Check::new("search", down).informational()]);
    let (status, answer) = ask(&watch, "/health", None).await;
    assert_eq!((status, &answer["status"]), (503, &json!("unhealthy")));
    let (status, answer) = ask(&watch, "/health/ready", None).await;
    assert_eq!((status, &answer["status"]), (503, &json!("unhealthy")));
    let (status, answer) = ask(&watch, "/health/live", None).await;
    assert_eq!((status, still(answer)), (200, json!({"status": "healthy", "checks": []})));
}

#[tokio::test]
async fn causes_are_for_who_shows_the_token_and_credentials_for_nobody() {
    let watch = builder().metrics_token("open sesame").check("db", down).build().unwrap();
    for token in [None, Some("guess"), Some("")] {
        let (_, answer) = ask(&watch, "/health", token).await;
        assert_eq!(still(answer)["checks"], json!([{"name": "db", "state": "down", "critical": true}]), "{token:?}");
    }
    let (status, answer) = ask(&watch, "/health", Some("open sesame")).await;
    assert_eq!(status, 503);
    assert_eq!(answer["checks"][0]["cause"], "dial postgres://***@db/shop: refused");
    // Without a token nobody is known to be an operator.
    let watch = watch_without_token();
    let (_, answer) = ask(&watch, "/health", Some("")).await;
    assert!(answer["checks"][0].get("cause").is_none(), "{answer}");
}

#[test]
fn an_empty_token_is_an_error_that_names_the_option() {
    for token in ["", " \n"] {
        let error = builder().metrics_token(token).build().map(drop).unwrap_err();
        assert!(error.to_string().starts_with("`metrics_token` is empty"), "{error}");
    }
}

fn watch_without_token() -> watchkeeper::Watchkeeper {
    builder().check("db", down).build().unwrap()
}

#[tokio::test]
async fn a_check_that_panics_is_down() {
    let late = async || -> Result<(), &'static str> { panic!("password=s3cret") };
    fn early() -> std::future::Ready<Result<(), &'static str>> {
        panic!("no future at all")
    }
    let watch = watch([Check::new("late", late), Check::new("early", early), Check::new("db", up)]);
    let report = watch.health().report().await;
    let causes: Vec<_> = report.checks.iter().map(|check| check.cause.as_deref()).collect();
    assert_eq!(causes, [Some("the check panicked: password=***"), Some("the check panicked: no future at all"), None]);
}

#[tokio::test(start_paused = true)]
async fn a_check_that_hangs_is_down_when_its_time_is_over_and_holds_up_no_other() {
    let hang = std::future::pending::<Result<(), &'static str>>;
    let slow = async || {
        tokio::time::sleep(Duration::from_millis(1900)).await;
        Ok::<(), &'static str>(())
    };
    let watch = watch([
        Check::new("hangs", hang),
        Check::new("hangs_longer", hang).timeout(Duration::from_secs(3)),
        Check::new("slow", slow),
    ]);
    let start = tokio::time::Instant::now();
    let report = watch.health().report().await;
    assert_eq!(start.elapsed().as_secs(), 3, "they run side by side");
    let causes: Vec<_> = report.checks.iter().map(|check| check.cause.as_deref()).collect();
    assert_eq!(causes, [Some("no answer within 2s"), Some("no answer within 3s"), None]);
}

#[tokio::test(start_paused = true)]
async fn checks_whose_results_are_not_kept_run_side_by_side_all_the_same() {
    let hang = std::future::pending::<Result<(), &'static str>>;
    let watch = watch((0..5).map(|number| Check::new(&format!("hangs_{number}"), hang).keep(Duration::ZERO)));
    let start = tokio::time::Instant::now();
    watch.health().report().await;
    assert_eq!(start.elapsed().as_secs(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_check_that_blocks_its_thread_is_down_in_time_and_is_not_begun_again_meanwhile() {
    use std::sync::atomic::{AtomicU32, Ordering};
    static BEGUN: AtomicU32 = AtomicU32::new(0);
    let blocks = async || {
        BEGUN.fetch_add(1, Ordering::Relaxed);
        std::thread::sleep(Duration::from_secs(2));
        Ok::<(), &'static str>(())
    };
    let check = Check::new("blocks", blocks).timeout(Duration::from_millis(100)).keep(Duration::ZERO);
    let watch = watch([check]);
    let start = std::time::Instant::now();
    let first = watch.health().report().await;
    let second = watch.health().report().await;
    assert!(start.elapsed() < Duration::from_millis(1500), "{:?}", start.elapsed());
    assert_eq!(first.checks[0].cause.as_deref(), Some("no answer within 100ms"));
    assert_eq!(second.checks[0].cause.as_deref(), Some("the probe of before still blocks its thread"));
    assert_eq!(BEGUN.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn a_blocking_check_that_hangs_is_down_in_time_and_has_one_thread() {
    use std::sync::atomic::{AtomicU32, Ordering};
    static BEGUN: AtomicU32 = AtomicU32::new(0);
    let (open, gate) = std::sync::mpsc::channel::<()>();
    let gate = std::sync::Mutex::new(gate);
    let blocks = move || {
        BEGUN.fetch_add(1, Ordering::Relaxed);
        // Held until the sender is gone.
        let _ = gate.lock().unwrap().recv();
        Ok::<(), &'static str>(())
    };
    let failing = || Err(std::io::Error::other("no such disk"));
    let hangs = Check::blocking("hangs", blocks).timeout(Duration::from_millis(100)).keep(Duration::ZERO);
    let watch = watch([hangs, Check::blocking("fails", failing)]);
    for cause in ["no answer within 100ms", "the probe of before still blocks its thread"] {
        let report = watch.health().report().await;
        assert_eq!(report.checks[0].cause.as_deref(), Some(cause));
        assert_eq!(report.checks[1].cause.as_deref(), Some("no such disk"));
    }
    assert_eq!(BEGUN.load(Ordering::Relaxed), 1);
    drop(open);
    while watch.health().report().await.checks[0].cause.is_some() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn results_are_metrics_and_a_scrape_sees_to_the_next_ones() {
    let watch = watch([Check::new("db", up), Check::new("search", down)]);
    watch.health().report().await;
    assert_scrape!(watch, r#"watchkeeper_health_check_up{check="db"} 1"#);
    assert_scrape!(watch, r#"watchkeeper_health_check_up{check="search"} 0"#);

    // Nobody asks for health: the first scrape begins the run, and a later one shows it.
    let watch = crate::ask::watch([Check::new("db", up)]);
    let render = || watch.registry().render(watchkeeper::metric::Format::Text);
    assert!(!render().contains("watchkeeper_health_check_up{"), "not known yet, so neither up nor down");
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(render().contains("watchkeeper_health_check_up{check=\"db\"} 1\n"));
}

#[tokio::test]
async fn two_checks_of_one_name_are_both_kept() {
    let watch = watch([Check::new("db", up), Check::new("db", down), Check::new("db", up)]);
    let (_, answer) = ask(&watch, "/health", None).await;
    let names: Vec<_> = answer["checks"].as_array().unwrap().iter().map(|check| check["name"].clone()).collect();
    assert_eq!(names, ["db", "db_2", "db_3"]);
}

#[test]
fn without_a_runtime_a_check_is_down_and_nothing_panics() {
    let watch = watch([Check::new("db", up)]);
    let report = futures_executor(watch.health().report());
    assert_eq!(report.checks[0].cause.as_deref(), Some("no runtime to ask in"));
}

/// Polls a future on this thread, without a runtime around it.
fn futures_executor<T>(future: impl Future<Output = T>) -> T {
    let mut future = std::pin::pin!(future);
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    loop {
        if let std::task::Poll::Ready(value) = future.as_mut().poll(&mut context) {
            return value;
        }
    }
}

#[test]
fn a_runtime_that_ends_during_a_check_leaves_the_check_usable_in_the_next() {
    let watch = watch([Check::new("db", async || {
        tokio::time::sleep(Duration::from_millis(300)).await;
        Ok::<(), &'static str>(())
    })
    .keep(Duration::ZERO)]);
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let first = runtime();
    first.block_on(async {
        let asked = tokio::time::timeout(Duration::from_millis(50), watch.health().report()).await;
        assert!(asked.is_err(), "it is still running");
    });
    drop(first);
    let report = runtime().block_on(watch.health().report());
    assert_eq!(report.checks[0].cause, None);
}

#[test]
fn without_a_runtime_a_result_that_is_too_old_is_none() {
    let watch = watch([Check::new("db", up).keep(Duration::from_millis(200))]);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    assert_eq!(runtime.block_on(watch.health().report()).checks[0].cause, None);
    assert_eq!(futures_executor(watch.health().report()).checks[0].cause, None, "it is still kept");
    std::thread::sleep(Duration::from_millis(250));
    let report = futures_executor(watch.health().report());
    assert_eq!(report.checks[0].cause.as_deref(), Some("no runtime to ask in"));
}

#[test]
fn a_runtime_that_nobody_drives_any_more_holds_up_no_answer() {
    let slow = async || {
        tokio::time::sleep(Duration::from_millis(200)).await;
        Ok::<(), &'static str>(())
    };
    let watch = watch([Check::new("db", slow).timeout(Duration::from_millis(300)).keep(Duration::ZERO)]);
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let idle = runtime();
    idle.block_on(async {
        let asked = tokio::time::timeout(Duration::from_millis(50), watch.health().report()).await;
        assert!(asked.is_err(), "it is still running");
    });
    // From here on the first run stands still.
    runtime().block_on(async {
        let asked = tokio::time::timeout(Duration::from_secs(10), watch.health().report()).await;
        let report = asked.expect("an answer in time");
        assert_eq!(report.checks[0].cause.as_deref(), Some("the runtime that the check was begun on does not run"));
        let report = watch.health().report().await;
        assert_eq!(report.checks[0].cause, None, "another run was begun");
    });
    drop(idle);
}
