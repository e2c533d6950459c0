//! A query: an expression that was read and found sound.

use std::fmt;
use std::sync::Arc;

use super::{error::QueryError, matcher::Matcher, node::Node, read, value_type::ValueType};

/// An expression that is known to be sound: it can be read, its types fit, and everything in it is supported.
///
/// A clone shares what it holds.
#[derive(Clone)]
pub struct Query {
    text: Arc<str>,
    pub(super) root: Arc<Node>,
}

impl Query {
    /// The most bytes of an expression.
    pub const MOST_BYTES: usize = 8192;
    /// The most levels of an expression: brackets within brackets and operators that follow each other.
    pub const MOST_LEVELS: usize = 64;
    /// The most regular expressions in an expression.
    pub const MOST_PATTERNS: usize = 32;

    /// Reads an expression and checks everything that can be known without its series.
    ///
    /// # Errors
    ///
    /// When it cannot be read, when a type or a parameter does not fit, when it asks for something that is not
    /// supported, or when it is larger than allowed; with its position.
    pub fn parse(text: &str) -> Result<Self, QueryError> {
        Ok(Self { root: Arc::new(read::read(text)?), text: text.into() })
    }

    /// Returns what it results in.
    #[must_use]
    pub fn value_type(&self) -> ValueType {
        self.root.kind()
    }

    /// Returns the matchers of a query that is a selector and nothing else, as `match[]` of Prometheus' API takes it; none of
    /// any other.
    #[must_use]
    pub fn selector(&self) -> Option<&[Matcher]> {
        match &*self.root {
            Node::Select(selector) => Some(&selector.matchers),
            _ => None,
        }
    }

    /// Returns the expression as it was written.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }
}

impl fmt::Debug for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Query").field(&self.text).finish()
    }
}

impl fmt::Display for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
