//! Templates of labels and annotations: the part of Go's `text/template` that alert rules use, with Prometheus' functions.

mod expand;
mod function;
mod lexer;
mod node;
mod number;
mod parser;
mod value;

use std::collections::BTreeMap;
use std::fmt;

use thiserror::Error;

pub use value::TemplateSample;

use node::Node;

/// The longest text that a template may come to, in bytes. What is over is cut off.
pub const MAX_EXPANDED_BYTES: usize = 16 * 1024;

/// Says what cannot be read in a template, and where.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("at byte {at}: {reason}")]
#[non_exhaustive]
pub struct TemplateError {
    /// The byte of the template at which it is, from 0.
    pub at: usize,
    /// What is wrong.
    pub reason: String,
}

/// Says why a template could not be expanded.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct ExpandError(pub(super) String);

/// A template that can be expanded: text with actions such as `{{ $labels.instance }}`.
///
/// | part | what there is |
/// | --- | --- |
/// | data | `$labels`, `$externalLabels`, `$externalURL`, `$value`, and `.Labels`, `.ExternalLabels`, `.ExternalURL`, `.Value` |
/// | actions | `if`, `else if`, `else`, `range`, `with`, `end`, variables, comments, trimming by `{{-` and `-}}` |
/// | Go's functions | `and`, `eq`, `ge`, `gt`, `index`, `le`, `len`, `lt`, `ne`, `not`, `or`, `print`, `printf`, `println` |
/// | numbers | `humanize`, `humanize1024`, `humanizeDuration`, `humanizePercentage`, `humanizeTimestamp` |
/// | text | `title`, `toLower`, `toUpper`, `stripPort`, `stripDomain`, `safeHtml`, `externalURL`, `pathPrefix` |
/// | queries | `query`, `first`, `label`, `value`, `strvalue`, `sortByLabel` |
///
/// Anything else, such as `match`, `reReplaceAll`, `tableLink`, `define` and `template`, is refused when the template is
/// read, with its place.
///
/// ```
/// use watchkeeper::alerting::Template;
///
/// let template: Template = "{{ $value | humanizePercentage }} of {{ $labels.job }} fail".parse()?;
/// assert!("{{ $value | tableLink }}".parse::<Template>().is_err());
/// # Ok::<(), watchkeeper::alerting::TemplateError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Template {
    text: String,
    nodes: Vec<Node>,
}

/// What a template is expanded with.
#[derive(Clone, Copy)]
pub struct TemplateData<'a> {
    /// The labels that the query found.
    pub labels: &'a BTreeMap<String, String>,
    /// The value that the query found.
    pub value: f64,
    /// What this instance is told apart by from others.
    pub external_labels: &'a BTreeMap<String, String>,
    /// Where this instance is reached from outside.
    pub external_url: &'a str,
    /// Evaluates a query for the template.
    pub query: &'a dyn Fn(&str) -> Result<Vec<TemplateSample>, String>,
}

impl std::str::FromStr for Template {
    type Err = TemplateError;

    fn from_str(text: &str) -> Result<Self, TemplateError> {
        Ok(Self { text: text.to_owned(), nodes: parser::parse(text)? })
    }
}

impl Template {
    /// Makes one of text that has no actions, whatever it looks like.
    pub(super) fn plain(text: &str) -> Self {
        Self { text: text.to_owned(), nodes: vec![Node::Text(text.to_owned())] }
    }

    /// Returns the template as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Expands the template; at most [`MAX_EXPANDED_BYTES`] come of it.
    ///
    /// # Errors
    ///
    /// When a function cannot do with what it is given, or a query fails.
    pub fn expand(&self, data: &TemplateData<'_>) -> Result<String, ExpandError> {
        expand::expand(&self.nodes, data)
    }

    /// Expands the template, and says in its place what is wrong where it cannot be, as Prometheus does.
    pub fn expand_or_say(&self, data: &TemplateData<'_>) -> String {
        self.expand(data).unwrap_or_else(|error| format!("<error expanding template: {error}>"))
    }
}

impl fmt::Debug for TemplateData<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TemplateData").field("labels", self.labels).field("value", &self.value).finish_non_exhaustive()
    }
}
