//! How bodies are followed: wrapped in a type of ours, or within the one that axum has anyway.

/// Wraps any body, request and response alike, as [`MeteredBody`](super::MeteredBody). Nothing is allocated for it.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct AnyBody;

/// Keeps axum's own body type: one of known size passes as it is, a stream is boxed once more.
#[cfg(feature = "axum")]
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct AxumBody;
