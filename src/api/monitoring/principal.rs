//! Principals: who is calling, and how the API comes to know.

use std::error::Error;
use std::future::ready;
use std::pin::Pin;
use std::sync::Arc;

use http::request::Parts;
use thiserror::Error;

use super::Role;
use crate::event::MAX_IDENTITY_BYTES;
use crate::incident::Actor;
use crate::sanitise::is_control;
use crate::store::Scope;

/// Somebody who calls: a name and a role. What they create is theirs by that name.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Principal {
    name: String,
    role: Role,
}

/// Says that a name is none that things can belong to.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("the name of a principal has 1 to 256 bytes without control characters")]
#[non_exhaustive]
pub struct InvalidPrincipal;

impl Principal {
    /// Names somebody.
    ///
    /// # Errors
    ///
    /// When the name is empty, has more than 256 bytes or a control character, since nothing could belong to it.
    pub fn new(name: impl Into<String>, role: Role) -> Result<Self, InvalidPrincipal> {
        let name = name.into();
        let fit = !name.is_empty() && name.len() <= MAX_IDENTITY_BYTES && !name.chars().any(is_control);
        fit.then_some(Self { name, role }).ok_or(InvalidPrincipal)
    }

    /// Returns the name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the role.
    pub const fn role(&self) -> Role {
        self.role
    }

    /// Returns whose things they see: their own, from moderator on everybody's.
    pub(crate) fn scope(&self) -> Scope {
        if self.role >= Role::Moderator { Scope::All } else { Scope::CreatedBy(self.name.clone()) }
    }

    /// Returns who they are to an incident.
    pub(crate) fn actor(&self) -> Actor {
        let name = self.name.clone();
        if self.role >= Role::Moderator { Actor::Moderator(name) } else { Actor::Person(name) }
    }
}

/// What a source answers: a principal, nobody, or that it cannot tell at the moment.
pub type PrincipalFuture<'a> =
    Pin<Box<dyn Future<Output = Result<Option<Principal>, Box<dyn Error + Send + Sync>>> + Send + 'a>>;

/// Tells who sends a request, from its head: an app's own session, a token.
///
/// It is asked for every request, so a change of role applies at once. Nobody is answered with 401, an error with 503
/// and a line in the log.
///
/// A function from the head to an `Option<Principal>` is a source:
///
/// ```
/// use watchkeeper::api::monitoring::{Principal, PrincipalSource, Role};
///
/// fn by_certificate(head: &http::request::Parts) -> Option<Principal> {
///     let name = head.headers.get("x-client-name")?.to_str().ok()?; // set by the proxy alone
///     Principal::new(name, Role::User).ok()
/// }
/// # fn takes(_: impl PrincipalSource) {}
/// takes(by_certificate);
/// ```
pub trait PrincipalSource: Send + Sync + 'static {
    /// Tells who sends this request; nobody where it is not known.
    fn principal<'a>(&'a self, head: &'a Parts) -> PrincipalFuture<'a>;
}

impl<F: Fn(&Parts) -> Option<Principal> + Send + Sync + 'static> PrincipalSource for F {
    fn principal<'a>(&'a self, head: &'a Parts) -> PrincipalFuture<'a> {
        Box::pin(ready(Ok(self(head))))
    }
}

impl<S: PrincipalSource + ?Sized> PrincipalSource for Arc<S> {
    fn principal<'a>(&'a self, head: &'a Parts) -> PrincipalFuture<'a> {
        (**self).principal(head)
    }
}

/// Takes the [`Principal`] that a layer of the app's own has put into the request's extensions.
///
/// The layer is to be around the API's routes. Where it did not run there is no principal, and the answer is 401.
#[derive(Debug, Clone, Copy, Default)]
pub struct FromExtension;

impl PrincipalSource for FromExtension {
    fn principal<'a>(&'a self, head: &'a Parts) -> PrincipalFuture<'a> {
        Box::pin(ready(Ok(head.extensions.get::<Principal>().cloned())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_nothing_can_belong_to_is_refused() {
        for name in ["", "a\nb", "a\0", &"x".repeat(257)] {
            assert_eq!(Principal::new(name, Role::User), Err(InvalidPrincipal), "{name:?}");
        }
        assert!(Principal::new("x".repeat(256), Role::User).is_ok());
    }

    #[test]
    fn a_user_sees_what_is_their_own_and_a_moderator_everything() {
        let scope = |role| Principal::new("ada", role).unwrap().scope();
        assert_eq!(scope(Role::User), Scope::CreatedBy("ada".into()));
        assert_eq!([scope(Role::Moderator), scope(Role::Admin)], [Scope::All, Scope::All]);
    }
}
