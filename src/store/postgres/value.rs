//! Values as they travel to Postgres and back.

use std::error::Error;

use bytes::{BufMut, BytesMut};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};
use uuid::Uuid;

use crate::event::{Fields, stored};
use crate::id::Id;
use crate::timestamp::Timestamp;

type Failure = Box<dyn Error + Sync + Send>;

/// The microseconds between 1970 and 2000, where Postgres begins to count.
const MILLENNIUM: i64 = 946_684_800_000_000;

/// An id, as `uuid`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Key(pub(super) Id);

impl ToSql for Key {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Failure> {
        out.put_slice(self.0.as_uuid().as_bytes());
        Ok(IsNull::No)
    }

    fn accepts(ty: &Type) -> bool {
        *ty == Type::UUID
    }

    to_sql_checked!();
}

impl<'a> FromSql<'a> for Key {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Failure> {
        Ok(Self(Id::stored(Uuid::from_slice(raw)?)))
    }

    fn accepts(ty: &Type) -> bool {
        *ty == Type::UUID
    }
}

/// A time, as `timestamptz`. One that is out of our range, or infinite, is read as the nearest that is in it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Time(pub(super) Timestamp);

impl ToSql for Time {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Failure> {
        out.put_i64(self.0.as_micros() - MILLENNIUM);
        Ok(IsNull::No)
    }

    fn accepts(ty: &Type) -> bool {
        *ty == Type::TIMESTAMPTZ
    }

    to_sql_checked!();
}

impl<'a> FromSql<'a> for Time {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Failure> {
        let micros = i64::from_be_bytes(raw.try_into()?);
        Ok(Self(Timestamp::from_micros(micros.saturating_add(MILLENNIUM))))
    }

    fn accepts(ty: &Type) -> bool {
        *ty == Type::TIMESTAMPTZ
    }
}

/// JSON that is written already, as `jsonb`.
#[derive(Debug, Clone)]
pub(super) struct Json(String);

impl Json {
    /// Writes a value; what has no JSON, which none of ours is, becomes `null`.
    pub(super) fn of(value: &impl Serialize) -> Self {
        Self(serde_json::to_string(value).unwrap_or_else(|_| "null".to_owned()))
    }
}

impl ToSql for Json {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Failure> {
        out.put_u8(1);
        out.put_slice(self.0.as_bytes());
        Ok(IsNull::No)
    }

    fn accepts(ty: &Type) -> bool {
        *ty == Type::JSONB
    }

    to_sql_checked!();
}

/// A row that was read as one `jsonb`.
#[derive(Debug)]
pub(super) struct Document<T>(pub(super) T);

impl<'a, T: DeserializeOwned> FromSql<'a> for Document<T> {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Failure> {
        Ok(Self(serde_json::from_slice(text(raw)?)?))
    }

    fn accepts(ty: &Type) -> bool {
        *ty == Type::JSONB
    }
}

/// The members of an object. What somebody else put there and no reader of ours takes, such as a number beyond all
/// floats, is read as the member `_unreadable`, so that it spoils no page.
#[derive(Debug)]
pub(super) struct Members(pub(super) Fields);

impl<'a> FromSql<'a> for Members {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Failure> {
        let mut reader = serde_json::Deserializer::from_slice(text(raw)?);
        Ok(Self(stored(&mut reader).unwrap_or_else(|_| [("_unreadable", true.into())].into_iter().collect())))
    }

    fn accepts(ty: &Type) -> bool {
        *ty == Type::JSONB
    }
}

/// The text of a `jsonb`, behind the number of its format.
fn text(raw: &[u8]) -> Result<&[u8], Failure> {
    match raw {
        [1, text @ ..] => Ok(text),
        _ => Err("jsonb is in a format that is not known".into()),
    }
}
