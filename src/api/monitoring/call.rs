//! A call: a request that was let in, with everything that its handler needs.

#![cfg_attr(not(feature = "alerting"), allow(dead_code, reason = "forms are taken by the paths of Prometheus alone"))]

use std::sync::Arc;

use http::request::Parts;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::body::Held;
use super::door::Api;
use super::error::{ApiError, Code};
use super::idempotency::{self, Key};
use super::query::Query;
use super::{Principal, Services};
use crate::id::Id;
use crate::store::Scope;
use crate::timestamp::Timestamp;

/// A request that was let in: the caller is known and has the role that the route asks for, the query and the body are as
/// the route says. Nothing else makes one, so no handler is reached in another way.
#[derive(Debug)]
pub(crate) struct Call {
    pub(super) api: Arc<Api>,
    pub(super) principal: Principal,
    pub(super) head: Parts,
    pub(super) path: Vec<(String, String)>,
    pub(super) query: Query,
    pub(super) body: Body,
    /// What the body takes of the room of all, until the answer is made.
    pub(super) _held: Held,
}

/// What came with a request.
#[derive(Debug)]
pub(super) enum Body {
    None,
    /// One JSON value, checked by the route's schema.
    One(Value),
    /// Many, each read by itself.
    Many(Vec<Result<Value, ApiError>>),
    /// A form, as it was sent.
    Form(String),
}

impl Call {
    /// Returns who calls.
    pub(crate) fn principal(&self) -> &Principal {
        &self.principal
    }

    /// Returns whose things the caller sees.
    pub(crate) fn scope(&self) -> Scope {
        self.principal.scope()
    }

    /// Returns what the handlers work with.
    pub(crate) fn services(&self) -> &Services {
        &self.api.services
    }

    /// Returns the query.
    pub(crate) fn query(&self) -> &Query {
        &self.query
    }

    /// Returns a part of the path by the name that it has in braces.
    pub(crate) fn path(&self, name: &str) -> &str {
        self.path.iter().find(|(own, _)| own == name).map_or("", |(_, value)| value)
    }

    /// Returns the id in the path; what is no id is not there.
    pub(crate) fn id(&self) -> Result<Id, ApiError> {
        self.path("id").parse().map_err(|_| ApiError::not_found())
    }

    /// Takes the body, which has been checked by the route's schema.
    pub(crate) fn value(&mut self) -> Value {
        match std::mem::replace(&mut self.body, Body::None) {
            Body::One(value) => value,
            _ => Value::Object(serde_json::Map::new()),
        }
    }

    /// Takes the body as a value of a type.
    pub(crate) fn body<T: DeserializeOwned>(&mut self) -> Result<T, ApiError> {
        read(self.value())
    }

    /// Takes the items of the body.
    pub(super) fn items(&mut self) -> Vec<Result<Value, ApiError>> {
        match std::mem::replace(&mut self.body, Body::None) {
            Body::Many(items) => items,
            _ => Vec::new(),
        }
    }

    /// Returns the idempotency key, if the request carries one.
    pub(super) fn key(&self, route: &str, now: Timestamp) -> Result<Option<Key>, ApiError> {
        let Some(value) = self.head.headers.get(idempotency::HEADER) else { return Ok(None) };
        let text = value.to_str().unwrap_or_default();
        Key::read(text, self.principal.name(), route, &self.api.remembered, now).map(Some)
    }

    /// Returns the time that an idempotency key gives to what has none of its own, if it is one that is accepted.
    pub(super) fn within_window(&self, time: Timestamp) -> Result<Timestamp, ApiError> {
        if self.api.options.window.nearest(time, Timestamp::now()) == time {
            return Ok(time);
        }
        let message = "the key's time is too long ago, or in the future";
        Err(ApiError::new(Code::InvalidParameter, message).field(idempotency::HEADER))
    }

    /// Returns the version that a change is made from: the one that is there, if `If-Match` or else the body says so; none
    /// where neither says anything.
    pub(crate) fn seen(&self, there: u64, in_body: Option<u64>) -> Result<Option<u64>, ApiError> {
        let seen = match self.head.headers.get(http::header::IF_MATCH) {
            Some(tag) if tag == "*" => return Ok(None),
            Some(tag) => (tag.as_bytes() == format!("\"{there}\"").as_bytes()).then_some(there),
            None if in_body.is_none() => return Ok(None),
            None => in_body.filter(|seen| *seen == there),
        };
        seen.map(Some).ok_or_else(|| ApiError::stale(there))
    }
}

/// Makes a value of a type of what a schema has checked.
pub(super) fn read<T: DeserializeOwned>(value: Value) -> Result<T, ApiError> {
    serde_json::from_value(value).map_err(|error| {
        let said = error.to_string();
        ApiError::new(Code::InvalidField, crate::sanitise::truncate(&said, 256).to_owned())
    })
}
