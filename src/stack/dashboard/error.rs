//! What can be wrong with a dashboard.

use thiserror::Error;

use crate::promql::PromqlError;

/// Names the dashboard, the place in it, and what is wrong there.
#[derive(Debug, Clone, PartialEq, Error)]
#[error("dashboard `{dashboard}`, {place}: {fault}")]
#[non_exhaustive]
pub struct DashboardError {
    /// The dashboard's title.
    pub dashboard: String,
    /// Where in it: the panel, the variable or the annotation.
    pub place: String,
    /// What is wrong there.
    #[source]
    pub fault: DashboardFault,
}

/// Says why a dashboard was not rendered.
#[derive(Debug, Clone, PartialEq, Error)]
#[non_exhaustive]
pub enum DashboardFault {
    /// A query cannot be.
    #[error(transparent)]
    Query(Box<PromqlError>),
    /// A query asks for a choice that the dashboard does not offer, so that it would find nothing.
    #[error("it asks for `${0}`, and the dashboard offers no such choice")]
    NoVariable(String),
    /// Grafana takes ids of 1 to 40 letters, digits, `-` and `_`.
    #[error("`{0}` is no id of 1 to 40 letters, digits, - and _")]
    Id(String),
}

impl From<PromqlError> for DashboardFault {
    fn from(error: PromqlError) -> Self {
        Self::Query(Box::new(error))
    }
}
