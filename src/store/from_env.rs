//! The store that the environment asks for.

use crate::environment::{Environment, NotUnicode};
use crate::store::Parts;

/// The address of the database that watchkeeper is to use, where it is not the app's own.
const OWN: &str = "MONITORING_DATABASE_URL";

/// The address of the app's database.
const SHARED: &str = "DATABASE_URL";

/// Says which variable asks for a store that cannot be had, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidStore {
    /// A variable's value is not Unicode text.
    #[error(transparent)]
    NotUnicode(#[from] NotUnicode),
    /// A variable's value is no address of a database that this library can use. The value is not shown.
    #[error("{variable}: {reason}")]
    Address {
        /// The variable.
        variable: &'static str,
        /// What is wrong.
        reason: String,
    },
}

impl Parts {
    /// Makes the store that the process environment asks for: in Postgres at the address in `MONITORING_DATABASE_URL`, or
    /// else in `DATABASE_URL`; in memory where neither is set.
    ///
    /// It does not connect, so a database that is away is no error. Without the feature `postgres`, `DATABASE_URL` is the
    /// app's own business, and the store is in memory.
    ///
    /// # Errors
    ///
    /// [`InvalidStore`] where a variable holds no such address, or `MONITORING_DATABASE_URL` is set without the feature
    /// `postgres`.
    pub fn from_env() -> Result<Self, InvalidStore> {
        Self::from_environment(&Environment::process())
    }

    /// Makes the store that an environment asks for, as [`from_env`](Self::from_env) does.
    ///
    /// ```
    /// use watchkeeper::environment::Environment;
    /// use watchkeeper::store::Parts;
    ///
    /// let nothing: Environment = [("DATABASE_URL", "")].into_iter().collect();
    /// let in_memory = Parts::from_environment(&nothing)?;
    /// # Ok::<(), watchkeeper::store::InvalidStore>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`from_env`](Self::from_env).
    pub fn from_environment(environment: &Environment) -> Result<Self, InvalidStore> {
        for variable in [OWN, SHARED] {
            if let Some(address) = environment.get(variable)? {
                return Self::at(variable, &address);
            }
        }
        Ok(Self::new())
    }

    #[cfg(feature = "postgres")]
    fn at(variable: &'static str, address: &str) -> Result<Self, InvalidStore> {
        let invalid =
            |error: super::postgres::InvalidDatabaseUrl| InvalidStore::Address { variable, reason: error.to_string() };
        let store = super::Postgres::from_url(address).map_err(invalid)?;
        Ok(Self::all_in(store))
    }

    #[cfg(not(feature = "postgres"))]
    fn at(variable: &'static str, _: &str) -> Result<Self, InvalidStore> {
        if variable == SHARED {
            return Ok(Self::new());
        }
        let reason = "a store in Postgres needs the feature `postgres` of watchkeeper".to_owned();
        Err(InvalidStore::Address { variable, reason })
    }
}

#[cfg(all(test, feature = "postgres"))]
mod tests {
    use super::*;

    fn store(variables: &[(&str, &str)]) -> Result<String, String> {
        let environment: Environment = variables.iter().copied().collect();
        Parts::from_environment(&environment).map(|parts| format!("{parts:?}")).map_err(|error| error.to_string())
    }

    #[test]
    fn the_environment_chooses_the_store() {
        let url = "postgres://ada:s3cret@db/shop";
        assert!(store(&[]).unwrap().contains("Memory"));
        for variables in [&[(SHARED, url)] as &[_], &[(OWN, url)], &[(OWN, url), (SHARED, "mysql://db/shop")]] {
            let said = store(variables).unwrap();
            assert!(said.contains("Postgres") && !said.contains("Memory") && !said.contains("s3cret"), "{said}");
        }
        let wrong = store(&[(OWN, "mysql://ada:s3cret@db/shop"), (SHARED, url)]).unwrap_err();
        assert!(wrong.starts_with("MONITORING_DATABASE_URL: a Postgres address is"), "{wrong}");
        assert!(!wrong.contains("s3cret"), "{wrong}");
    }
}
