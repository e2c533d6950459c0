//! What an error of Postgres means for whoever called the store.

use std::error::Error as _;
use std::io;

use tokio_postgres::Error;
use tokio_postgres::error::SqlState;

use crate::store::{StoreError, StoreErrorKind};

/// Makes an error of the store of one of Postgres.
pub(super) fn fault(operation: &'static str, error: Error) -> StoreError {
    StoreError::new(kind(&error), operation).because(error)
}

/// Returns the kind of fault: by its SQLSTATE, and where the server did not say one, by where it happened.
fn kind(error: &Error) -> StoreErrorKind {
    if finds_no_partition(error) {
        // Others drop what is old, and make what is missing.
        return StoreErrorKind::Contention;
    }
    if let Some(code) = error.code() {
        return kind_of(code.code());
    }
    let below = error.source();
    if error.is_closed() || below.is_some_and(|source| source.is::<io::Error>()) {
        return StoreErrorKind::Unavailable;
    }
    // The driver tells its kinds apart by their words alone.
    let words = error.to_string();
    if words.starts_with("error serializing parameter") {
        StoreErrorKind::Refused
    } else if words.starts_with("error deserializing column") || words.starts_with("invalid column") {
        StoreErrorKind::Corrupt
    } else if words.starts_with("invalid con") {
        StoreErrorKind::Internal
    } else {
        // Connecting, authentication, TLS, a server that speaks something else: another attempt may go well.
        StoreErrorKind::Unavailable
    }
}

/// Makes an error of the store of one of sqlx.
#[cfg(feature = "sqlx")]
pub(super) fn fault_of_sqlx(operation: &'static str, error: sqlx::Error) -> StoreError {
    use sqlx::Error;
    use sqlx::postgres::PgDatabaseError;

    let kind = match &error {
        Error::Database(said) => match said.try_downcast_ref::<PgDatabaseError>() {
            Some(said) if is_of_partitions(said.code(), said.constraint(), said.routine()) => {
                StoreErrorKind::Contention
            }
            Some(said) => kind_of(said.code()),
            None => StoreErrorKind::Internal,
        },
        Error::Encode(_) => StoreErrorKind::Refused,
        Error::Decode(_) | Error::ColumnDecode { .. } => StoreErrorKind::Corrupt,
        Error::Io(_) | Error::Tls(_) | Error::Protocol(_) | Error::WorkerCrashed => StoreErrorKind::Unavailable,
        _ => StoreErrorKind::Internal,
    };
    StoreError::new(kind, operation).because(error)
}

/// Returns the kind of fault that a SQLSTATE stands for.
pub(super) fn kind_of(code: &str) -> StoreErrorKind {
    let is = |known: &SqlState| known.code() == code;
    if is(&SqlState::QUERY_CANCELED) {
        return StoreErrorKind::Timeout;
    }
    if is(&SqlState::LOCK_NOT_AVAILABLE) {
        return StoreErrorKind::Contention;
    }
    if is(&SqlState::READ_ONLY_SQL_TRANSACTION) || is(&SqlState::INSUFFICIENT_PRIVILEGE) {
        return StoreErrorKind::ReadOnly;
    }
    if is(&SqlState::TOO_MANY_CONNECTIONS) {
        return StoreErrorKind::Unavailable;
    }
    match code.get(..2).unwrap_or_default() {
        // Connections, who may connect, the database itself; a shutdown, a crash, a start.
        "08" | "28" | "3D" | "57" => StoreErrorKind::Unavailable,
        "40" => StoreErrorKind::Contention,
        "53" => StoreErrorKind::Full,
        // Values, constraints, limits of the program.
        "22" | "23" | "54" => StoreErrorKind::Refused,
        // Damaged pages and indexes.
        "XX" if code != "XX000" => StoreErrorKind::Corrupt,
        _ => StoreErrorKind::Internal,
    }
}

/// Tells whether a table, a function or the schema is not there, or not as it should be.
pub(super) fn is_schema_gone(error: &StoreError) -> bool {
    let code = cause(error).and_then(Error::code);
    let gone = [
        SqlState::UNDEFINED_TABLE,
        SqlState::UNDEFINED_COLUMN,
        SqlState::UNDEFINED_FUNCTION,
        SqlState::UNDEFINED_OBJECT,
        SqlState::INVALID_SCHEMA_NAME,
    ];
    code.is_some_and(|code| gone.contains(code))
}

/// Tells whether no partition takes a row.
pub(super) fn is_without_partition(error: &StoreError) -> bool {
    cause(error).is_some_and(finds_no_partition)
}

fn finds_no_partition(error: &Error) -> bool {
    let said = error.as_db_error();
    said.is_some_and(|said| is_of_partitions(said.code().code(), said.constraint(), said.routine()))
}

/// The code is that of a check, but there is no check with a name, and only one place in the server says so.
fn is_of_partitions(code: &str, constraint: Option<&str>, routine: Option<&str>) -> bool {
    code == SqlState::CHECK_VIOLATION.code() && constraint.is_none() && routine == Some("ExecFindPartition")
}

/// Tells whether a row has a key that another one has.
pub(super) fn is_key_taken(error: &StoreError) -> bool {
    cause(error).and_then(Error::code) == Some(&SqlState::UNIQUE_VIOLATION)
}

fn cause(error: &StoreError) -> Option<&Error> {
    std::error::Error::source(error).and_then(|source| source.downcast_ref())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_code_has_its_kind() {
        for (kind, codes) in [
            (
                StoreErrorKind::Unavailable,
                &["08000", "08001", "08003", "08006", "57P01", "57P02", "57P03", "53300", "28P01", "3D000"] as &[_],
            ),
            (StoreErrorKind::Timeout, &["57014"]),
            (StoreErrorKind::Contention, &["40001", "40P01", "55P03"]),
            (StoreErrorKind::ReadOnly, &["25006", "42501"]),
            (StoreErrorKind::Full, &["53100", "53200", "53400"]),
            (
                StoreErrorKind::Refused,
                &["22P05", "22P02", "22021", "22008", "22003", "23502", "23503", "23505", "23514", "54000", "54001"],
            ),
            (StoreErrorKind::Corrupt, &["XX001", "XX002"]),
            (StoreErrorKind::Internal, &["42601", "25P02", "XX000", "", "é"]),
        ] {
            for code in codes {
                assert_eq!(kind_of(code), kind, "{code}");
            }
        }
    }
}
