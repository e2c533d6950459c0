//! Answers in their envelope: `success` with `data` or with `error`.

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http::header::{
    ALLOW, CACHE_CONTROL, CONNECTION, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, HeaderName, HeaderValue, LOCATION,
    RETRY_AFTER, WWW_AUTHENTICATE, X_CONTENT_TYPE_OPTIONS,
};
use http::{StatusCode, Version};
use serde::Serialize;

use super::error::{ApiError, Code};
use crate::store::Cursor;

/// What a handler answers when it did what was asked.
#[derive(Debug)]
pub(crate) struct Answer {
    response: http::Response<Bytes>,
}

#[derive(Serialize)]
struct Data<T> {
    success: bool,
    data: T,
}

#[derive(Serialize)]
struct List<'a, T> {
    success: bool,
    data: &'a [T],
    next_cursor: Option<Cursor>,
}

#[derive(Serialize)]
struct Failure<'a> {
    success: bool,
    error: Described<'a>,
}

#[derive(Serialize)]
struct Described<'a> {
    code: &'static str,
    message: &'a str,
    field: Option<&'a str>,
}

impl Answer {
    /// Answers 200 with data.
    pub(crate) fn ok(data: &impl Serialize) -> Result<Self, ApiError> {
        Self::new(StatusCode::OK, &Data { success: true, data })
    }

    /// Answers 201 with what was created, which is found at this path below the API's.
    pub(crate) fn created(data: &impl Serialize, path: Option<String>) -> Result<Self, ApiError> {
        let mut answer = Self::new(StatusCode::CREATED, &Data { success: true, data })?;
        if let Some(path) = path {
            answer.set(LOCATION, format!("{}{path}", super::PREFIX));
        }
        Ok(answer)
    }

    /// Answers 200 with a page, and where the next one begins.
    pub(crate) fn page<T: Serialize>(items: &[T], next: Option<Cursor>) -> Result<Self, ApiError> {
        Self::new(StatusCode::OK, &List { success: true, data: items, next_cursor: next })
    }

    /// Answers 200 with a document that has no envelope.
    pub(crate) fn document(content_type: &'static str, body: Bytes) -> Self {
        let mut response = http::Response::new(body);
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        Self { response }
    }

    /// Answers with what another part of the crate answers.
    pub(crate) fn whole(response: http::Response<Bytes>) -> Self {
        Self { response }
    }

    pub(super) fn status(&self) -> u16 {
        self.response.status().as_u16()
    }

    /// Sets the entity tag: the version of what is answered.
    #[must_use]
    pub(crate) fn version(mut self, version: u64) -> Self {
        self.set(ETAG, format!("\"{version}\""));
        self
    }

    fn new(status: StatusCode, body: &impl Serialize) -> Result<Self, ApiError> {
        let body =
            serde_json::to_vec(body).map_err(|_| ApiError::new(Code::Internal, "the answer cannot be written"))?;
        let mut answer = Self::document("application/json", body.into());
        *answer.response.status_mut() = status;
        Ok(answer)
    }

    fn set(&mut self, name: HeaderName, value: String) {
        if let Ok(value) = HeaderValue::try_from(value) {
            self.response.headers_mut().insert(name, value);
        }
    }
}

/// Makes the response of what became of a request, with what every answer of the API carries.
pub(super) fn respond(answer: Result<Answer, ApiError>, version: Version) -> Response {
    let mut response = answer.unwrap_or_else(|error| refusal(&error, version)).response;
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    // Should a browser show an answer as a page, it is one that loads and runs nothing.
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"));
    response.map(Body::from)
}

fn refusal(error: &ApiError, version: Version) -> Answer {
    let described = Described { code: error.code.as_str(), message: &error.message, field: error.field.as_deref() };
    let body = serde_json::to_vec(&Failure { success: false, error: described }).unwrap_or_default();
    let mut answer = Answer::document("application/json", body.into());
    *answer.response.status_mut() =
        StatusCode::from_u16(error.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    if let Some(seconds) = error.retry_after {
        answer.set(RETRY_AFTER, seconds.to_string());
    }
    if let Some(methods) = &error.allow {
        answer.set(ALLOW, methods.clone());
    }
    match error.code {
        Code::Unauthorized => answer.set(WWW_AUTHENTICATE, "Bearer realm=\"monitoring\"".into()),
        // What is left of such a body is not waited for.
        Code::RequestTimeout | Code::TooLarge if version <= Version::HTTP_11 => answer.set(CONNECTION, "close".into()),
        _ => {}
    }
    answer
}
