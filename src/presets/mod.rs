//! Ready-made metrics of the field, by group.

pub mod http;
