//! What can be wrong with a dashboard.

use thiserror::Error;

use crate::promql::PromqlError;

/// Names the dashboard, and the panel or variable in it, whose query cannot be.
#[derive(Debug, Clone, PartialEq, Error)]
#[error("dashboard `{dashboard}`, {place}: {source}")]
#[non_exhaustive]
pub struct DashboardError {
    /// The dashboard's title.
    pub dashboard: String,
    /// Where in it: the panel, the variable or the annotation.
    pub place: String,
    /// What is wrong with the query there.
    pub source: Box<PromqlError>,
}
