//! Alerts: rules, the states of what they find, and those who are told.

mod states;
mod template;

pub use states::{Notice, OUTAGE_TOLERANCE, RESOLVED_RETENTION, RuleAlerts, StepError, Terms, Transition};
pub use template::{ExpandError, MAX_EXPANDED_BYTES, Template, TemplateData, TemplateError, TemplateSample};
