//! The routes of tasks.

use std::error::Error as _;

use http::Method;
use serde::Serialize;
use serde_json::Value;

use super::Role;
use super::answer::Answer;
use super::call::Call;
use super::error::{ApiError, Code};
use super::route::{Answers, Route};
use super::schema::{Field, Object, Schema};
use crate::tasks::TaskError;

const DONE: Object = Object {
    name: "TaskDone",
    fields: &[
        Field::required("task", Schema::Text(64), "The task."),
        Field::required("result", Schema::Any, "What it says about what it did."),
    ],
};

const TASK: Object = Object {
    name: "Task",
    fields: &[
        Field::required("name", Schema::Text(64), "Its name."),
        Field::required("about", Schema::Text(1024), "What it does."),
        Field::required("arguments", Schema::List(&Schema::Object(&ARGUMENT)), "What it may be told."),
        Field::nullable("every_seconds", Schema::Number, "How often it runs by itself; null where it does not."),
        Field::required("timeout_seconds", Schema::Number, "How long it may take."),
        Field::nullable("not_available", Schema::Text(1024), "Why it cannot be run; null where it can."),
    ],
};

const ARGUMENT: Object = Object {
    name: "TaskArgument",
    fields: &[
        Field::required("name", Schema::Text(64), "Its name."),
        Field::required("about", Schema::Text(1024), "What it means."),
        Field::required("allowed", Schema::Text(1024), "What it may be, in words."),
        Field::required("required", Schema::Flag, "Whether it has to be there."),
        Field::nullable("default", Schema::Any, "What it is where it is left out."),
    ],
};

#[derive(Serialize)]
struct Done<'a> {
    task: &'a str,
    result: Value,
}

/// The rows of the table.
pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::new(Method::GET, "/tasks", Role::Admin, "listTasks", list)
            .unaudited()
            .about("Lists the tasks, with what each may be told.")
            .answers(Answers::One(Schema::List(&Schema::Object(&TASK)))),
        Route::new(Method::POST, "/tasks/{name}", Role::Admin, "runTask", run)
            .about("Runs a task, and answers when it is done; it goes on when the answer is late.")
            .takes_fields()
            .conflicts()
            .answers(Answers::One(Schema::Object(&DONE))),
    ]
}

async fn list(call: Call) -> Result<Answer, ApiError> {
    Answer::ok(&call.services().tasks.list())
}

async fn run(mut call: Call) -> Result<Answer, ApiError> {
    let arguments = call.value();
    let name = call.path("name");
    let result = call.services().tasks.run(name, arguments).await?;
    Answer::ok(&Done { task: name, result })
}

impl From<TaskError> for ApiError {
    fn from(error: TaskError) -> Self {
        let (code, message) = match error {
            TaskError::Unknown { known, .. } => (Code::NotFound, format!("no such task; there are: {known}")),
            TaskError::Argument { field, problem, allowed, .. } => {
                return Self::new(Code::InvalidField, format!("{problem}; accepted: {allowed}")).field(field);
            }
            TaskError::NotAvailable { reason, .. } => (Code::Conflict, reason),
            TaskError::Busy { .. } => (Code::Conflict, "the task is running already".into()),
            TaskError::Superseded { .. } => (Code::Conflict, "another instance has taken the task over".into()),
            TaskError::TimedOut { .. } => (Code::Timeout, "the task took longer than it may".into()),
            TaskError::Closed { .. } => (Code::Unavailable, "the app is closing".into()),
            TaskError::Store { source, .. } => return source.into(),
            TaskError::Panicked { .. } | TaskError::Failed { .. } => {
                // Why is for the log: it may name anything.
                tracing::warn!(cause = error.source(), "a task that was called failed: {error}");
                (Code::Internal, "the task failed".into())
            }
        };
        Self::new(code, message)
    }
}
