//! The one registry for apps that want one line.

use std::fmt;
use std::sync::OnceLock;

use lazy_static::lazy_static;

use super::registry::Registry;

static CHOSEN: OnceLock<Registry> = OnceLock::new();

lazy_static! {
    static ref GLOBAL: Registry = CHOSEN.get_or_init(Registry::new).clone();
}

/// Returns the global registry, made with every default unless [`install`] came first.
///
/// Nothing in this crate needs it: it is for code that no handle reaches.
pub fn global() -> &'static Registry {
    &GLOBAL
}

/// Makes `registry` the global one. The same registry again is no error.
///
/// # Errors
///
/// When another registry is the global one already; that one stays.
pub fn install(registry: &Registry) -> Result<(), AlreadyInstalled> {
    if CHOSEN.get_or_init(|| registry.clone()).is(registry) { Ok(()) } else { Err(AlreadyInstalled(())) }
}

/// Says that another registry is the global one already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AlreadyInstalled(());

impl fmt::Display for AlreadyInstalled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("another registry is the global one already: install yours before anything records")
    }
}

impl std::error::Error for AlreadyInstalled {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_registry_stays_and_the_same_again_is_no_error() {
        let (first, second) = (Registry::new(), Registry::new());
        assert_eq!(install(&first), Ok(()));
        assert_eq!(install(&first), Ok(()));
        assert_eq!(install(&second), Err(AlreadyInstalled(())));
        assert!(global().is(&first));
    }
}
