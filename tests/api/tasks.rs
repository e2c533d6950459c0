//! Tasks over HTTP.

use serde_json::json;
use watchkeeper::tasks::{Argument, Task};

use crate::app::{App, Caller};

#[tokio::test]
async fn an_admin_runs_a_task_with_arguments_and_gets_what_it_says() {
    let app = App::new();
    let greet = Task::new("greet", |_, arguments: watchkeeper::tasks::Arguments| async move {
        Ok::<_, std::io::Error>(json!({ "said": arguments.text("whom") }))
    });
    app.watch.tasks().register(greet.argument(Argument::text("whom").required())).expect("a task");
    let answer = app.post(Caller::Admin, "/tasks/greet", json!({ "whom": "ada" })).await;
    assert_eq!(answer.data(), json!({ "task": "greet", "result": { "said": "ada" } }));
    let wrong = app.post(Caller::Admin, "/tasks/greet", json!({ "whom": 7 })).await;
    assert_eq!(wrong.error(), (400, "invalid_field".into(), "whom".into()));
    assert_eq!(app.post(Caller::Admin, "/tasks/nothing", json!({})).await.error().0, 404);
    assert_eq!(app.post(Caller::Moderator, "/tasks/greet", json!({ "whom": "ada" })).await.error().0, 403);
    let names = app.get(Caller::Admin, "/tasks").await.data();
    assert!(names.as_array().expect("a list").iter().any(|task| task["name"] == "greet"), "{names}");
}
