//! Tasks that are called: by name, with arguments, from any executor.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::time::Duration;

use serde_json::{Value, json};
use watchkeeper::tasks::{Argument, Arguments, InvalidTask, Task, TaskContext, TaskError, TaskOptions};
use watchkeeper::{Watchkeeper, assert_scrape, service_info};

fn watch() -> Watchkeeper {
    Watchkeeper::builder(service_info!()).tasks(TaskOptions::new().without_scheduler()).build().unwrap()
}

#[tokio::test]
async fn a_task_of_the_apps_own_is_called_by_its_name_with_json() {
    let watch = watch();
    let double = |_: TaskContext, arguments: Arguments| async move {
        Ok::<_, TaskError>(json!({ "doubled": arguments.whole("number").unwrap_or(0) * 2 }))
    };
    watch.tasks().register(Task::new("double", double).argument(Argument::whole("number", 1, 9).required())).unwrap();

    assert_eq!(watch.tasks().run("double", json!({ "number": 4 })).await.unwrap(), json!({ "doubled": 8 }));

    let refused = watch.tasks().run("double", json!({ "number": 12 })).await.unwrap_err();
    assert_eq!(refused.to_string(), "double: number is 12; allowed: a whole number from 1 to 9");
    assert_scrape!(watch, r#"watchkeeper_task_runs_total{task="double",status="success"} 1"#);
}

#[tokio::test]
async fn an_unknown_name_is_answered_with_those_that_there_are() {
    let error = watch().tasks().run("monitoring_data_retentoin", Value::Null).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "no task is named \"monitoring_data_retentoin\"; there are: monitoring_alert_evaluation, \
         monitoring_data_retention, monitoring_event_processing, monitoring_incident_analysis"
    );
}

#[tokio::test]
async fn what_nothing_does_yet_has_its_name_and_arguments_and_says_why_until_something_does() {
    let watch = watch();
    let tasks = watch.tasks();
    let error = tasks.run("monitoring_alert_evaluation", Value::Null).await.unwrap_err();
    assert_eq!(error.to_string(), "monitoring_alert_evaluation is not available: this watch evaluates no alert rules");
    let error = tasks.run("monitoring_incident_analysis", Value::Null).await.unwrap_err();
    assert!(error.to_string().starts_with("monitoring_incident_analysis: incident is missing; allowed: an id"));

    let evaluate = |_: TaskContext, _: Arguments| async { Ok::<_, TaskError>(json!({ "rules": 3 })) };
    tasks.register(Task::new("monitoring_alert_evaluation", evaluate)).unwrap();
    assert_eq!(tasks.run("monitoring_alert_evaluation", Value::Null).await.unwrap(), json!({ "rules": 3 }));
    let again = tasks.register(Task::new("monitoring_alert_evaluation", evaluate)).unwrap_err();
    assert_eq!(again, InvalidTask::NameTaken { name: "monitoring_alert_evaluation".into() });
}

#[tokio::test]
async fn a_task_that_panics_or_hangs_is_an_error_and_nothing_more() {
    let watch = watch();
    let tasks = watch.tasks();
    async fn panics(_: TaskContext, _: Arguments) -> Result<Value, TaskError> {
        panic!("the sweep broke")
    }
    async fn hangs(_: TaskContext, _: Arguments) -> Result<Value, TaskError> {
        std::future::pending().await
    }
    tasks.register(Task::new("panics", panics)).unwrap();
    tasks.register(Task::new("hangs", hangs).timeout(Duration::from_millis(50))).unwrap();

    assert_eq!(tasks.run("panics", Value::Null).await.unwrap_err().to_string(), "panics panicked");
    assert_eq!(tasks.run("hangs", Value::Null).await.unwrap_err().to_string(), "hangs was given up after 50ms");
    assert_scrape!(watch, r#"watchkeeper_task_runs_total{task="panics",status="error"} 1"#);
    assert_scrape!(watch, r#"watchkeeper_task_runs_total{task="hangs",status="error"} 1"#);
    assert_scrape!(watch, r#"watchkeeper_task_duration_seconds_count{task="hangs"} 1"#);
}

#[tokio::test]
async fn a_task_that_runs_already_is_busy() {
    let watch = watch();
    let (started, free) = (Arc::new(tokio::sync::Notify::new()), Arc::new(tokio::sync::Notify::new()));
    let (says, waits) = (Arc::clone(&started), Arc::clone(&free));
    let work = move |_: TaskContext, _: Arguments| {
        let (says, waits) = (Arc::clone(&says), Arc::clone(&waits));
        async move {
            says.notify_one();
            waits.notified().await;
            Ok::<_, TaskError>(Value::Null)
        }
    };
    watch.tasks().register(Task::new("slow", work)).unwrap();
    let tasks = watch.tasks().clone();
    let first = tokio::spawn(async move { tasks.run("slow", Value::Null).await });
    started.notified().await;
    let second = watch.tasks().run("slow", Value::Null).await.unwrap_err();
    assert!(matches!(&second, TaskError::Busy { holder, .. } if holder.contains(watch.tasks().instance())), "{second}");
    free.notify_one();
    assert_eq!(first.await.unwrap().unwrap(), Value::Null);
    free.notify_one();
    assert_eq!(watch.tasks().run("slow", Value::Null).await.unwrap(), Value::Null);
}

#[test]
fn a_task_may_be_called_from_any_executor_and_goes_on_when_its_caller_leaves() {
    let watch = watch();
    let done = Arc::new(AtomicU32::new(0));
    let counts = Arc::clone(&done);
    let work = move |_: TaskContext, _: Arguments| {
        let counts = Arc::clone(&counts);
        async move {
            tokio::time::sleep(Duration::from_millis(20)).await;
            counts.fetch_add(1, SeqCst);
            Ok::<_, TaskError>(Value::Null)
        }
    };
    watch.tasks().register(Task::new("counts", work)).unwrap();
    // Polled once on a thread without any runtime, and dropped.
    let mut call = Box::pin(watch.tasks().run("counts", Value::Null));
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    assert!(call.as_mut().poll(&mut context).is_pending());
    drop(call);
    crate::support::process::eventually(|| match done.load(SeqCst) {
        1 => Ok(()),
        runs => Err(format!("{runs} runs")),
    });
}
