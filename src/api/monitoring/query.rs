//! Queries: what stands behind the question mark, read by what the route says that it takes.

use std::str::FromStr;

use serde_json::{Map, Value, json};

use super::error::{ApiError, Code};
use super::schema::Schema;
use crate::store::{Cursor, MAX_LIMIT, MAX_OFFSET};
use crate::timestamp::Timestamp;

/// The longest query, in bytes.
pub(super) const MAX_QUERY_BYTES: usize = 8 * 1024;

/// A parameter that a route takes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Parameter {
    name: &'static str,
    schema: Schema,
    place: Place,
    about: &'static str,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Query,
    /// Any number of times.
    QueryEach,
    Header,
}

impl Parameter {
    /// A parameter of the query, there once at most.
    pub(crate) const fn query(name: &'static str, schema: Schema, about: &'static str) -> Self {
        Self { name, schema, place: Place::Query, about }
    }

    /// A parameter of the query that may be there several times.
    pub(crate) const fn each(name: &'static str, schema: Schema, about: &'static str) -> Self {
        Self { name, schema, place: Place::QueryEach, about }
    }

    /// A header, for whoever reads OpenAPI; the handler reads it.
    pub(crate) const fn header(name: &'static str, schema: Schema, about: &'static str) -> Self {
        Self { name, schema, place: Place::Header, about }
    }

    pub(super) fn render(&self, components: &mut Map<String, Value>) -> Value {
        let schema = self.schema.render(components);
        let place = if self.place == Place::Header { "header" } else { "query" };
        let schema = match self.place {
            Place::QueryEach => json!({ "type": "array", "items": schema, "maxItems": MOST_EACH }),
            _ => schema,
        };
        let mut parameter =
            json!({ "name": self.name, "in": place, "description": self.about, "required": false, "schema": schema });
        if self.place == Place::QueryEach {
            parameter["style"] = "form".into();
            parameter["explode"] = true.into();
        }
        parameter
    }
}

/// How often a parameter may be there that may be there several times.
const MOST_EACH: usize = 16;

/// What says which page is wanted.
pub(crate) const PAGE: &[Parameter] = &[
    Parameter::query(
        "limit",
        Schema::Whole(1, MAX_LIMIT as u64),
        "How many things a page holds at most; 100 by default.",
    ),
    Parameter::query("offset", Schema::Whole(0, MAX_OFFSET as u64), "How many things are passed over; 0 by default."),
    Parameter::query("cursor", Schema::Id, "The `next_cursor` of the page before; it goes further than an offset can."),
];

/// What says from when to when.
pub(crate) const TIMES: &[Parameter] = &[
    Parameter::query("start_time", Schema::Time, "At this time or later, in RFC 3339."),
    Parameter::query("end_time", Schema::Time, "At this time or earlier, in RFC 3339."),
];

/// A query that was read: every parameter is one that the route takes, and of its schema.
#[derive(Debug, Default)]
pub(crate) struct Query {
    found: Vec<(&'static str, Value)>,
}

impl Query {
    pub(super) fn read(text: &str, takes: &[&'static [Parameter]]) -> Result<Self, ApiError> {
        if text.len() > MAX_QUERY_BYTES {
            return Err(ApiError::new(Code::QueryTooLong, format!("a query has at most {MAX_QUERY_BYTES} bytes")));
        }
        let mut query = Self::default();
        for pair in text.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let name = decode(name)?;
            let mut known = takes.iter().copied().flatten().filter(|parameter| parameter.place != Place::Header);
            let Some(parameter) = known.find(|parameter| parameter.name == name) else {
                let names: Vec<_> = takes.iter().copied().flatten().filter(|p| p.place != Place::Header).collect();
                let names: Vec<_> = names.iter().map(|parameter| parameter.name).collect();
                let accepted = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
                let name = crate::sanitise::label_value(&name).into_owned();
                return Err(refuse(format!("no such parameter; accepted: {accepted}"), name));
            };
            let there = query.found.iter().filter(|(own, _)| *own == parameter.name).count();
            let most = if parameter.place == Place::QueryEach { MOST_EACH } else { 1 };
            if there >= most {
                return Err(refuse(format!("it may be there {most} times at most"), parameter.name.to_owned()));
            }
            let value = typed(decode(value)?, parameter.schema);
            parameter.schema.check(&value).map_err(|wrong| refuse(wrong, parameter.name.to_owned()))?;
            query.found.push((parameter.name, value));
        }
        Ok(query)
    }

    /// Returns the values of a parameter.
    pub(crate) fn all(&self, name: &'static str) -> impl Iterator<Item = &str> {
        self.found.iter().filter(move |(own, _)| *own == name).filter_map(|(_, value)| value.as_str())
    }

    /// Returns a parameter that is text.
    pub(crate) fn text(&self, name: &'static str) -> Option<&str> {
        self.all(name).next()
    }

    /// Returns a parameter that has been checked to be one of its kind, such as a time or a name.
    pub(crate) fn parsed<T: FromStr>(&self, name: &'static str) -> Option<T> {
        self.text(name)?.parse().ok()
    }

    /// Returns a time.
    pub(crate) fn time(&self, name: &'static str) -> Option<Timestamp> {
        self.parsed(name)
    }

    /// Returns the place where the page before ended.
    pub(crate) fn cursor(&self) -> Option<Cursor> {
        self.parsed("cursor")
    }

    /// Returns a whole number.
    pub(crate) fn whole(&self, name: &'static str) -> Option<usize> {
        let (_, value) = self.found.iter().find(|(own, _)| *own == name)?;
        usize::try_from(value.as_u64()?).ok()
    }
}

/// Sets times and page of any of the store's queries from a request.
macro_rules! paged {
    ($query:expr, $from:expr) => {{
        let (mut query, from) = ($query, $from);
        if let Some(limit) = from.whole("limit") {
            query = query.limit(limit);
        }
        if let Some(offset) = from.whole("offset") {
            query = query.offset(offset);
        }
        if let Some(cursor) = from.cursor() {
            query = query.after(cursor);
        }
        query
    }};
}
pub(crate) use paged;

/// Makes a number of what is to be one.
fn typed(text: String, schema: Schema) -> Value {
    let digits = || !text.is_empty() && text.len() < 20 && text.bytes().all(|byte| byte.is_ascii_digit());
    match schema {
        Schema::Whole(..) if digits() => text.parse::<u64>().map_or(Value::Null, Value::from),
        Schema::Flag if text == "true" || text == "false" => Value::Bool(text == "true"),
        Schema::Number => text.parse::<f64>().map_or(Value::Null, Value::from),
        _ => Value::String(text),
    }
}

/// Decodes a part of a form: `+` is a space, `%` begins a byte.
pub(super) fn decode(text: &str) -> Result<String, ApiError> {
    let wrong = || refuse("it is no percent-encoded UTF-8".into(), crate::sanitise::label_value(text).into_owned());
    let mut decoded = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
                let (Some(high), Some(low)) = (digit(bytes.next()), digit(bytes.next())) else { return Err(wrong()) };
                (high * 16 + low) as u8
            }
            other => other,
        });
    }
    String::from_utf8(decoded).map_err(|_| wrong())
}

fn refuse(message: String, name: String) -> ApiError {
    ApiError::new(Code::InvalidParameter, message).field(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TAKES: &[&[Parameter]] = &[PAGE, TIMES, &[Parameter::each("tag", Schema::Text(64), "A tag.")]];

    fn field(text: &str) -> Option<String> {
        Query::read(text, TAKES).unwrap_err().field
    }

    #[test]
    fn a_query_is_read_by_what_the_route_takes() {
        let query = Query::read("limit=7&tag=a%3Ab&start_time=2026-11-24T14:02:00%2B01:00&tag=c+d&", TAKES).unwrap();
        assert_eq!(query.whole("limit"), Some(7));
        assert_eq!(query.all("tag").collect::<Vec<_>>(), ["a:b", "c d"]);
        assert_eq!(query.time("start_time").unwrap().to_string(), "2026-11-24T13:02:00.000000Z");
        assert_eq!(query.cursor(), None);
    }

    #[test]
    fn what_is_unknown_twice_or_out_of_range_is_refused_by_name() {
        assert_eq!(field("Limit=1").as_deref(), Some("Limit"));
        assert_eq!(field("limit=1&limit=1").as_deref(), Some("limit"));
        for text in ["limit=0", "limit=1001", "limit=", "limit", "limit=1.0", "limit=-1", "limit=99999999999999999999"]
        {
            assert_eq!(field(text).as_deref(), Some("limit"), "{text}");
        }
        assert_eq!(field("cursor=1").as_deref(), Some("cursor"));
        assert_eq!(field("tag=%zz").as_deref(), Some("%zz"));
        assert_eq!(field("tag=%ff").as_deref(), Some("%ff"));
        assert_eq!(Query::read(&"a".repeat(MAX_QUERY_BYTES + 1), TAKES).unwrap_err().code, Code::QueryTooLong);
    }
}
