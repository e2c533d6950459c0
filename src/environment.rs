//! Where settings come from: the process environment, or a stand-in for it.

use std::collections::HashMap;
use std::ffi::OsString;
use std::fmt;
use std::sync::Arc;

/// Reads environment variables, from the process by default and from a map or a function where an app or a test
/// wants its own.
///
/// ```
/// use watchkeeper::environment::Environment;
///
/// let environment: Environment = [("RUST_LOG", "debug"), ("EMPTY", " ")].into_iter().collect();
/// assert_eq!(environment.get("RUST_LOG")?.as_deref(), Some("debug"));
/// assert_eq!(environment.get("EMPTY")?, None);
/// # Ok::<(), watchkeeper::environment::NotUnicode>(())
/// ```
#[derive(Clone)]
pub struct Environment {
    lookup: Arc<Lookup>,
}

type Lookup = dyn Fn(&str) -> Option<OsString> + Send + Sync;

/// Says that a variable's value is not Unicode text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{variable} is not valid Unicode")]
pub struct NotUnicode {
    /// The variable's name.
    pub variable: &'static str,
}

impl Environment {
    /// Reads the process environment.
    pub fn process() -> Self {
        Self::from_fn(|name| std::env::var_os(name))
    }

    /// Asks `lookup` for each variable.
    pub fn from_fn(lookup: impl Fn(&str) -> Option<OsString> + Send + Sync + 'static) -> Self {
        Self { lookup: Arc::new(lookup) }
    }

    /// Reads one variable without the white space around it; an empty one counts as unset.
    ///
    /// # Errors
    /// [`NotUnicode`] where the value is not Unicode text.
    pub fn get(&self, variable: &'static str) -> Result<Option<String>, NotUnicode> {
        let Some(value) = (self.lookup)(variable) else { return Ok(None) };
        let value = value.into_string().map_err(|_| NotUnicode { variable })?;
        let value = value.trim();
        Ok((!value.is_empty()).then(|| value.to_owned()))
    }
}

impl Default for Environment {
    fn default() -> Self {
        Self::process()
    }
}

impl<K: Into<String>, V: Into<OsString>> FromIterator<(K, V)> for Environment {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(variables: I) -> Self {
        let map: HashMap<String, OsString> = variables.into_iter().map(|(k, v)| (k.into(), v.into())).collect();
        Self::from_fn(move |name| map.get(name).cloned())
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The values stay unprinted: some of them are credentials.
        f.debug_struct("Environment").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_variable_counts_as_unset() {
        let environment: Environment = [("A", ""), ("B", " \r\n"), ("C", " json\r")].into_iter().collect();
        assert_eq!(environment.get("A"), Ok(None));
        assert_eq!(environment.get("B"), Ok(None));
        assert_eq!(environment.get("C"), Ok(Some("json".into())));
        assert_eq!(environment.get("D"), Ok(None));
    }

    #[cfg(unix)]
    #[test]
    fn a_value_that_is_no_text_is_an_error_naming_the_variable() {
        use std::os::unix::ffi::OsStringExt;
        let environment: Environment = [("RUST_LOG", OsString::from_vec(vec![0xff]))].into_iter().collect();
        assert_eq!(environment.get("RUST_LOG").unwrap_err().to_string(), "RUST_LOG is not valid Unicode");
    }
}
