//! A request: the resource, written once, and the spans or log records of a batch.

use super::attribute;
use super::attribute::Value;
use super::wire;

/// Writes requests of one resource.
#[derive(Debug)]
pub(super) struct BatchWriter {
    /// The resource, as a field of `ResourceSpans`.
    resource: Vec<u8>,
    /// The scope, as a field of `ScopeSpans`.
    scope: Vec<u8>,
}

impl BatchWriter {
    pub(super) fn new(resource: &[(String, String)]) -> Self {
        let mut written = Self { resource: Vec::new(), scope: Vec::new() };
        wire::message(&mut written.resource, 1, |out| {
            for (key, value) in resource {
                attribute::write(out, 1, key, &Value::text(value));
            }
        });
        wire::message(&mut written.scope, 1, |out| {
            wire::bytes(out, 1, env!("CARGO_PKG_NAME").as_bytes());
            wire::bytes(out, 2, env!("CARGO_PKG_VERSION").as_bytes());
        });
        written
    }

    /// Writes an `ExportTraceServiceRequest` of spans, or an `ExportLogsServiceRequest` of log records: their fields have
    /// the same numbers.
    pub(super) fn write(&self, items: &[Box<[u8]>]) -> Vec<u8> {
        let of_scope = self.scope.len() + items.iter().map(|item| wire::length_of(item.len())).sum::<usize>();
        let of_resource = self.resource.len() + wire::length_of(of_scope);
        let mut out = Vec::with_capacity(wire::length_of(of_resource));
        wire::head(&mut out, 1, of_resource);
        out.extend_from_slice(&self.resource);
        wire::head(&mut out, 2, of_scope);
        out.extend_from_slice(&self.scope);
        for item in items {
            wire::bytes(&mut out, 2, item);
        }
        out
    }
}
