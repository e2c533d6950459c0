//! How many who ask at once share one run.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::Duration;

use tokio::task::JoinSet;
use watchkeeper::health::Check;

use crate::ask::watch;

/// A check that counts how often it is asked, and takes a while.
fn counted(asked: &Arc<AtomicU32>) -> Check {
    let asked = Arc::clone(asked);
    Check::new("db", move || {
        asked.fetch_add(1, Relaxed);
        async {
            tokio::time::sleep(Duration::from_millis(50)).await;
            Ok::<(), &'static str>(())
        }
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_questions_at_once_are_one_run() {
    let asked = Arc::default();
    let watch = watch([counted(&asked)]);
    let mut questions = JoinSet::new();
    for _ in 0..1000 {
        let watch = watch.clone();
        questions.spawn(async move { watch.health().report().await.checks[0].checked_at });
    }
    let answers = questions.join_all().await;
    assert!(answers.iter().all(|at| *at == answers[0]));
    assert_eq!(asked.load(Relaxed), 1);
}

#[tokio::test]
async fn a_client_that_leaves_takes_the_run_along_for_nobody() {
    let asked = Arc::default();
    let watch = watch([counted(&asked)]);
    for _ in 0..100 {
        let _ = tokio::time::timeout(Duration::from_millis(1), watch.health().report()).await;
    }
    watch.health().report().await;
    assert!(asked.load(Relaxed) <= 1 + 100 / 50, "{asked:?}");
}

#[tokio::test]
async fn a_result_is_kept_as_long_as_the_check_says() {
    let asked = Arc::default();
    let watch = watch([counted(&asked).keep(Duration::from_millis(200))]);
    let first = watch.health().report().await;
    let again = watch.health().report().await;
    assert_eq!(first.checks, again.checks);
    assert!(again.at > again.checks[0].checked_at, "the result is older than the report, and says so");
    tokio::time::sleep(Duration::from_millis(250)).await;
    let later = watch.health().report().await;
    assert!(later.checks[0].checked_at > first.checks[0].checked_at);
    assert_eq!(asked.load(Relaxed), 2);
}
