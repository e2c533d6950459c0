//! What can be wrong with a rule.

use thiserror::Error;

use crate::promql::PromqlError;

/// Says which rule was not rendered, and why.
#[derive(Debug, Clone, PartialEq, Error)]
#[error("rule `{rule}`: {reason}")]
#[non_exhaustive]
pub struct RuleError {
    /// The rule's name.
    pub rule: String,
    /// What is wrong with it.
    pub reason: RuleFault,
}

/// What is wrong with a rule.
#[derive(Debug, Clone, PartialEq, Error)]
#[non_exhaustive]
pub enum RuleFault {
    /// Its expression cannot be, or one of its windows.
    #[error(transparent)]
    Query(#[from] PromqlError),
    /// An alert's name is not in camel case: it is also the file name of its runbook.
    #[error("an alert's name is letters and digits, beginning with a capital")]
    AlertName,
    /// A recorded name is not `level:metric:operation`.
    #[error("a recorded name is level:metric:operation, in lower snake case")]
    RecordName,
    /// Something that people read is missing.
    #[error("no {0}")]
    Missing(&'static str),
    /// A text names a label that the alert does not have.
    #[error("a text names the label `{0}`, which the alert does not have")]
    TextLabel(String),
    /// Nothing says which service the alert is about, so that nothing can be inhibited by it, or everything.
    #[error("neither its series nor its own labels have `service`")]
    NoService,
    /// An alert's own label is set twice, or sets the severity again.
    #[error("the label `{0}` is set twice")]
    LabelTwice(String),
    /// Two rules, or two groups, have the same name.
    #[error("there are two of that name")]
    Twice,
    /// It records or alerts nothing: a single number.
    #[error("the expression is a single number")]
    Scalar,
}
