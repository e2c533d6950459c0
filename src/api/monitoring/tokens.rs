//! Bearer tokens that are set once, each of a name and a role.

use std::fmt;
use std::future::ready;

use http::header::AUTHORIZATION;
use http::request::Parts;
use sha2::{Digest, Sha256};
use subtle::{ConditionallySelectable, ConstantTimeEq};
use thiserror::Error;

use super::{Principal, PrincipalFuture, PrincipalSource, Role};
use crate::environment::{Environment, NotUnicode};

/// The variable that holds the tokens.
pub(crate) const VARIABLE: &str = "MONITORING_TOKENS";

/// The shortest token, in bytes.
pub const MIN_TOKEN_BYTES: usize = 16;

/// Knows principals by the bearer token that they send.
///
/// Of a token only its SHA-256 is kept. What is sent is hashed and compared with every one of them in constant time, so
/// the time that an answer takes tells nothing of any token. Neither the log nor `Debug` shows one.
///
/// ```
/// use watchkeeper::api::monitoring::{Role, Tokens};
///
/// let tokens = Tokens::new().token("ada", Role::Admin, "9f86d081884c7d659a2feaa0c55ad015")?;
/// # Ok::<(), watchkeeper::api::monitoring::InvalidTokens>(())
/// ```
#[derive(Clone, Default)]
pub struct Tokens {
    entries: Vec<Entry>,
}

#[derive(Clone)]
struct Entry {
    hash: [u8; 32],
    principal: Principal,
}

/// Says which token cannot be used, and why; the token itself is not shown.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum InvalidTokens {
    /// The variable's value is not Unicode text.
    #[error(transparent)]
    NotUnicode(#[from] NotUnicode),
    /// An entry is not `name:role:token`, or breaks a rule.
    #[error("{}entry {entry}: {reason}", variable.map(|name| format!("{name}: ")).unwrap_or_default())]
    Entry {
        /// The variable, where it came from one.
        variable: Option<&'static str>,
        /// Which entry it is, from 1.
        entry: usize,
        /// What is wrong with it.
        reason: String,
    },
}

impl Tokens {
    /// Begins with no token: nobody is known.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a token. One name may have several, so that they can be exchanged one after the other.
    ///
    /// # Errors
    ///
    /// When the token has less than 16 bytes, white space or a comma, or is another's too, or the name is not fit.
    pub fn token(mut self, name: &str, role: Role, token: &str) -> Result<Self, InvalidTokens> {
        let entry = self.entries.len() + 1;
        let refuse = |reason: &str| InvalidTokens::Entry { variable: None, entry, reason: reason.to_owned() };
        let principal = Principal::new(name, role).map_err(|error| refuse(&error.to_string()))?;
        if token.len() < MIN_TOKEN_BYTES {
            return Err(refuse("a token has at least 16 bytes"));
        }
        if !token.bytes().all(|byte| byte.is_ascii_graphic() && byte != b',') {
            return Err(refuse("a token is made of visible ASCII characters without commas"));
        }
        let hash = hash(token.as_bytes());
        let also = self.entries.iter().find(|entry| entry.hash == hash);
        if also.is_some_and(|entry| entry.principal != principal) {
            return Err(refuse("the token is another's too"));
        }
        self.entries.push(Entry { hash, principal });
        Ok(self)
    }

    /// Reads `MONITORING_TOKENS` from the process environment: `name:role:token`, separated by commas, with the roles
    /// `user`, `moderator` and `admin`. `None` where it is not set.
    ///
    /// # Errors
    ///
    /// Names the variable and the entry that cannot be used, without showing it.
    pub fn from_env() -> Result<Option<Self>, InvalidTokens> {
        Self::from_environment(&Environment::process())
    }

    /// Reads `MONITORING_TOKENS` from an environment, as [`from_env`](Self::from_env) does.
    ///
    /// # Errors
    ///
    /// As [`from_env`](Self::from_env).
    pub fn from_environment(environment: &Environment) -> Result<Option<Self>, InvalidTokens> {
        let Some(text) = environment.get(VARIABLE)? else { return Ok(None) };
        let mut tokens = Self::new();
        for (place, entry) in text.split(',').enumerate() {
            let refuse = |reason: String| InvalidTokens::Entry { variable: Some(VARIABLE), entry: place + 1, reason };
            let mut parts = entry.trim().splitn(3, ':');
            let (Some(name), Some(role), Some(token)) = (parts.next(), parts.next(), parts.next()) else {
                return Err(refuse("it is not name:role:token".into()));
            };
            // What stands in the place of a role may be a token in the wrong order, so it is not shown.
            let role = role.parse::<Role>().map_err(|_| refuse("the role is none of user, moderator, admin".into()))?;
            tokens = tokens.token(name, role, token).map_err(|error| match error {
                InvalidTokens::Entry { reason, .. } => refuse(reason),
                other => other,
            })?;
        }
        Ok(Some(tokens))
    }

    /// Finds whose token it is. Every entry is compared, whichever it is, and each in constant time.
    pub(crate) fn find(&self, token: &[u8]) -> Option<&Principal> {
        let hash = hash(token);
        let mut place = u32::MAX;
        for (entry, at) in self.entries.iter().zip(0..) {
            place.conditional_assign(&at, entry.hash.ct_eq(&hash));
        }
        self.entries.get(place as usize).map(|entry| &entry.principal)
    }
}

impl PrincipalSource for Tokens {
    fn principal<'a>(&'a self, head: &'a Parts) -> PrincipalFuture<'a> {
        let token = head.headers.get(AUTHORIZATION).and_then(|value| super::super::token::bearer(value.as_bytes()));
        Box::pin(ready(Ok(token.and_then(|token| self.find(token)).cloned())))
    }
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.entries.iter().map(|entry| &entry.principal)).finish()
    }
}

fn hash(token: &[u8]) -> [u8; 32] {
    Sha256::digest(token).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Option<Tokens>, String> {
        Tokens::from_environment(&[(VARIABLE, text)].into_iter().collect()).map_err(|error| error.to_string())
    }

    #[test]
    fn a_token_is_found_wherever_it_stands_and_nothing_else_is() {
        let tokens =
            read("ada:admin:0123456789abcdef, bob:user:fedcba9876543210,ada:admin:00:11:22:33:44:55").unwrap().unwrap();
        let name = |token: &str| tokens.find(token.as_bytes()).map(|found| (found.name(), found.role()));
        assert_eq!(name("0123456789abcdef"), Some(("ada", Role::Admin)));
        assert_eq!(name("fedcba9876543210"), Some(("bob", Role::User)));
        assert_eq!(name("00:11:22:33:44:55"), Some(("ada", Role::Admin)));
        for wrong in ["", "0123456789abcde", "0123456789abcdeF", "0123456789abcdef0", "ada"] {
            assert_eq!(name(wrong), None, "{wrong}");
        }
        assert!(Tokens::new().find(b"").is_none());
        assert!(!format!("{tokens:?}").contains("0123"), "{tokens:?}");
    }

    #[test]
    fn an_entry_that_cannot_be_used_is_named_and_not_shown() {
        for (text, says) in [
            ("ada:admin", "MONITORING_TOKENS: entry 1: it is not name:role:token"),
            ("ada:root:0123456789abcdef", "MONITORING_TOKENS: entry 1: the role is none of user, moderator, admin"),
            ("ada:admin:short", "MONITORING_TOKENS: entry 1: a token has at least 16 bytes"),
            ("a:user:0123456789abcdef,", "MONITORING_TOKENS: entry 2: it is not name:role:token"),
            (":user:0123456789abcdef", "entry 1: the name of a principal has 1 to 256 bytes"),
            ("a:user:0123456789abcdef,b:admin:0123456789abcdef", "entry 2: the token is another's too"),
            ("a:user:0123456789 abcdef", "entry 1: a token is made of visible ASCII characters"),
        ] {
            let said = read(text).unwrap_err();
            assert!(said.contains(says) && !said.contains("0123"), "{text}: {said}");
        }
        assert!(read("").unwrap().is_none());
    }
}
