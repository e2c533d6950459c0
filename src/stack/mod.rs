//! The stack around an app: documents and configuration rendered from the catalogue.

pub mod dashboard;
pub mod exporter;
pub mod reference;
mod renamed;
