//! Where a line's trace and span ids come from.

use tracing_subscriber::registry::Extensions;

use crate::trace::TraceContext;

/// The ids of a span, as W3C trace context writes them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SpanIds {
    /// The trace.
    pub(crate) trace: [u8; 16],
    /// The span within it.
    pub(crate) span: [u8; 8],
}

impl From<&TraceContext> for SpanIds {
    fn from(context: &TraceContext) -> Self {
        Self { trace: context.trace_id().to_u128().to_be_bytes(), span: context.span_id().to_u64().to_be_bytes() }
    }
}

/// Reads the ids of a span from its extensions, where whoever traces has put them.
pub(crate) trait ReadSpanIds: Send + Sync + 'static {
    /// Returns the ids of the span, if it has any yet.
    fn span_ids(&self, extensions: &Extensions<'_>) -> Option<SpanIds>;
}
