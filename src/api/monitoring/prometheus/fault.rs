//! Errors as Prometheus answers them: a type, a status, a sentence.

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Response, StatusCode};

use super::super::answer::Answer;
use crate::history::HistoryError;
use crate::promql::engine::{EvaluationError, SourceError};

/// An error of Prometheus' API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    kind: Kind,
    message: String,
}

/// Prometheus' types of errors, as far as they are answered here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    BadData,
    Execution,
    Timeout,
    Internal,
    Unavailable,
    /// There is no history.
    Off,
}

impl Fault {
    /// Refuses a parameter, in Prometheus' words.
    pub(super) fn parameter(name: &str, why: impl std::fmt::Display) -> Self {
        Self { kind: Kind::BadData, message: format!("invalid parameter \"{name}\": {why}") }
    }

    pub(super) fn bad_data(message: impl Into<String>) -> Self {
        Self { kind: Kind::BadData, message: message.into() }
    }

    pub(super) fn off() -> Self {
        Self { kind: Kind::Off, message: "the service keeps no history".to_owned() }
    }

    pub(super) fn answer(&self) -> Answer {
        let (kind, status) = match self.kind {
            Kind::BadData => ("bad_data", StatusCode::BAD_REQUEST),
            Kind::Execution => ("execution", StatusCode::UNPROCESSABLE_ENTITY),
            Kind::Timeout => ("timeout", StatusCode::SERVICE_UNAVAILABLE),
            Kind::Internal => ("internal", StatusCode::INTERNAL_SERVER_ERROR),
            Kind::Unavailable => ("unavailable", StatusCode::SERVICE_UNAVAILABLE),
            Kind::Off => ("unavailable", StatusCode::NOT_IMPLEMENTED),
        };
        let message = crate::sanitise::truncate(&self.message, 1024);
        let body = serde_json::json!({ "status": "error", "errorType": kind, "error": message }).to_string();
        let mut response = Response::new(Bytes::from(body));
        *response.status_mut() = status;
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        Answer::whole(response)
    }
}

impl From<HistoryError> for Fault {
    fn from(error: HistoryError) -> Self {
        let kind = match &error {
            HistoryError::Query(_) => return Self::parameter("query", error),
            HistoryError::NoSelector { .. } => Kind::BadData,
            HistoryError::Evaluation(EvaluationError::Range { .. } | EvaluationError::TooManySteps { .. }) => {
                Kind::BadData
            }
            HistoryError::Evaluation(EvaluationError::Deadline { .. })
            | HistoryError::Evaluation(EvaluationError::Source(SourceError::Deadline))
            | HistoryError::Source(SourceError::Deadline) => Kind::Timeout,
            HistoryError::Evaluation(EvaluationError::Source(SourceError::Unavailable(_)))
            | HistoryError::Source(SourceError::Unavailable(_)) => {
                return Self { kind: Kind::Internal, message: "the store cannot be asked".to_owned() };
            }
            HistoryError::Evaluation(_) | HistoryError::Source(_) => Kind::Execution,
            HistoryError::Busy | HistoryError::Overdue { .. } => Kind::Unavailable,
            HistoryError::Failed => Kind::Internal,
        };
        Self { kind, message: error.to_string() }
    }
}
