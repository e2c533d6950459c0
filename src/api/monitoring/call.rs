//! A call: a request that was let in, with everything that its handler needs.

use std::net::IpAddr;
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
    pub(super) from: Option<IpAddr>,
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

    /// Returns the address that the call comes from, where it is known.
    pub(crate) fn from(&self) -> Option<IpAddr> {
        self.from
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

    /// Returns the version that a change is made from: what `If-Match` says, or else the body.
    pub(crate) fn version(&self, in_body: Option<u64>) -> Result<Option<u64>, ApiError> {
        let Some(value) = self.head.headers.get(http::header::IF_MATCH) else { return Ok(in_body) };
        let text = value.to_str().unwrap_or_default().trim();
        let version = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).and_then(|text| text.parse().ok());
        match version {
            Some(_) => Ok(version),
            None => {
                Err(ApiError::new(Code::InvalidParameter, "accepted: a version in quotes, such as \"3\"")
                    .field("if-match"))
            }
        }
    }
}

/// Makes a value of a type of what a schema has checked.
pub(super) fn read<T: DeserializeOwned>(value: Value) -> Result<T, ApiError> {
    serde_json::from_value(value).map_err(|error| {
        let said = error.to_string();
        ApiError::new(Code::InvalidField, crate::sanitise::truncate(&said, 256).to_owned())
    })
}
