//! A route: one row of the table that the router, OpenAPI and the table of roles are made from.

#![cfg_attr(not(feature = "alerting"), allow(dead_code, reason = "forms are taken by the paths of Prometheus alone"))]

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use http::Method;

use super::Role;
use super::answer::Answer;
use super::call::Call;
use super::error::ApiError;
use super::idempotency;
use super::query::Parameter;
use super::schema::{Object, Schema};

/// What becomes of a call, sooner or later.
type Handling = Pin<Box<dyn Future<Output = Result<Answer, ApiError>> + Send>>;

/// One route: its method and path, who may call it, what it takes and answers, and who handles it.
#[derive(Clone)]
pub(crate) struct Route {
    pub(super) method: Method,
    /// Below the prefix, with the names of its parts in braces.
    pub(super) path: &'static str,
    pub(super) role: Role,
    pub(super) name: &'static str,
    pub(super) about: &'static str,
    pub(super) parameters: Vec<&'static [Parameter]>,
    pub(super) takes: Takes,
    pub(super) answers: Answers,
    /// Codes that it answers beside those that every route may answer.
    pub(super) conflicts: bool,
    pub(super) forbids: bool,
    pub(super) audit: Audit,
    pub(super) handler: Arc<dyn Fn(Call) -> Handling + Send + Sync>,
}

/// What a route takes as its body.
#[derive(Debug, Clone, Copy)]
pub(super) enum Takes {
    Nothing,
    One(&'static Object),
    /// A JSON object with any fields, which the handler checks.
    Fields,
    /// A JSON array, or one JSON value on each line; each item is checked by the handler.
    Many(&'static Object),
    /// A form, which stands behind the question mark, in the body, or in both; the handler reads it.
    Form,
}

/// What a route answers when it did what was asked.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Answers {
    /// 200 and one thing.
    One(Schema),
    /// 201 and what was created; 200 where it was there already, under the same idempotency key.
    Created(Schema),
    /// 200 and a page of things.
    Page(Schema),
    /// 200 and a document without envelope, of a type of content.
    Document(&'static str),
}

/// What of a route's calls makes an audit entry, besides every refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Audit {
    /// Each one, done or failed.
    Change,
    /// Those that may read what is another's.
    Read,
    /// None: what is made says itself who made it, or nothing is anybody's.
    Nothing,
}

impl Audit {
    fn of(method: &Method) -> Self {
        if method == Method::GET { Self::Read } else { Self::Change }
    }
}

const KEY: &[Parameter] = &[Parameter::header(
    "Idempotency-Key",
    Schema::Matching(idempotency::MAX_KEY_BYTES, "^[!-~]+$", idempotency::is_key),
    "Creates once, however often the request is sent. A UUID of version 7 holds across restarts and instances.",
)];

const IF_MATCH: &[Parameter] = &[Parameter::header(
    "If-Match",
    Schema::Matching(22, r#"^"[0-9]{1,19}"$"#, |text| text.len() > 2),
    "The version that the change is made from, as `ETag` has it; the same as `version` in the body.",
)];

impl Route {
    /// Makes a row: the method, the path below `/api/v1/monitoring`, the lowest role that may call it, and the handler. The
    /// name is unique among all routes.
    pub(crate) fn new<F, H>(method: Method, path: &'static str, role: Role, name: &'static str, handler: H) -> Self
    where
        F: Future<Output = Result<Answer, ApiError>> + Send + 'static,
        H: Fn(Call) -> F + Send + Sync + 'static,
    {
        Self {
            path,
            role,
            name,
            about: "",
            parameters: Vec::new(),
            takes: Takes::Nothing,
            answers: Answers::One(Schema::Any),
            conflicts: false,
            forbids: false,
            audit: Audit::of(&method),
            handler: Arc::new(move |call| Box::pin(handler(call))),
            method,
        }
    }

    /// Says what it does, in a sentence.
    pub(crate) fn about(mut self, about: &'static str) -> Self {
        self.about = about;
        self
    }

    /// Takes these parameters of the query. Any other is refused.
    pub(crate) fn query(mut self, parameters: &'static [Parameter]) -> Self {
        self.parameters.push(parameters);
        self
    }

    /// Takes a JSON object as its body. Default: no body is read.
    pub(crate) fn takes(mut self, object: &'static Object) -> Self {
        self.takes = Takes::One(object);
        self
    }

    /// Takes a JSON object with any fields; the handler checks them.
    pub(crate) fn takes_fields(mut self) -> Self {
        self.takes = Takes::Fields;
        self
    }

    /// Takes many JSON objects, as an array or one on each line.
    pub(crate) fn takes_many(mut self, object: &'static Object) -> Self {
        self.takes = Takes::Many(object);
        self
    }

    /// Takes a form, in the query and in the body, as the API of another system has it: what it does not know is passed over.
    pub(crate) fn takes_form(mut self, parameters: &'static [Parameter]) -> Self {
        self.parameters.push(parameters);
        self.takes = Takes::Form;
        self
    }

    /// Says what it answers.
    pub(crate) fn answers(mut self, answers: Answers) -> Self {
        self.answers = answers;
        self
    }

    /// Takes an idempotency key; the handler keeps its promise.
    pub(crate) fn idempotent(mut self) -> Self {
        self.parameters.push(KEY);
        self.conflicts = true;
        self
    }

    /// Takes the version that a change is made from; the handler compares it.
    pub(crate) fn versioned(mut self) -> Self {
        self.parameters.push(IF_MATCH);
        self.conflicts = true;
        self
    }

    /// May answer 403 for what is in the body.
    pub(crate) fn forbids(mut self) -> Self {
        self.forbids = true;
        self
    }

    /// Makes no audit entries: what is made says itself who made it, or nothing is anybody's. Default: every change makes
    /// one, and every read by somebody who sees what is another's.
    pub(crate) fn unaudited(mut self) -> Self {
        self.audit = Audit::Nothing;
        self
    }

    /// May answer 409.
    pub(crate) fn conflicts(mut self) -> Self {
        self.conflicts = true;
        self
    }

    /// Tells whether its body may have the size of many items.
    pub(super) const fn takes_bulk(&self) -> bool {
        matches!(self.takes, Takes::Many(_))
    }
}

impl fmt::Debug for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} ({})", self.method, self.path, self.role)
    }
}
