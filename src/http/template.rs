//! The template of the route that a router other than axum's has matched.

/// Says beside a request which route it belongs to; the app's own router bounds how many there are.
#[derive(Debug, Clone)]
pub(crate) struct Template(pub(crate) String);
