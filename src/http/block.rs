//! A route's cells as one thread writes them.
//!
//! What nearly all requests write is written in one go. Whether other threads write there too is asked once then: a
//! question for each cell is 20 instructions of a request.

use std::sync::Arc;

use super::route::{Distribution, Layout, Route};
use crate::metric::cell::{CHUNK, Chunk, add_capped, add_to};
use crate::presets::http::Outcome;

/// A route's cells in this thread's shard.
pub(super) struct Block {
    pub(super) route: Arc<Route>,
    chunk: Arc<Chunk>,
    /// Where the block begins in its chunk.
    base: usize,
    shared: bool,
}

impl Block {
    /// Takes a route's cells, which lie in this chunk of a shard that other threads write into too, or do not.
    pub(super) fn new(route: Arc<Route>, chunk: Arc<Chunk>, shared: bool) -> Self {
        Self { base: route.block.offset(), route, chunk, shared }
    }

    /// Counts a request as begun, and its body where its size is known.
    #[inline]
    pub(super) fn enter(&self, layout: &Layout, body: Option<u64>) {
        match self.shared {
            false => self.enter_as::<false>(layout, body),
            true => self.enter_as::<true>(layout, body),
        }
    }

    #[inline]
    fn enter_as<const SHARED: bool>(&self, layout: &Layout, body: Option<u64>) {
        self.add_as::<SHARED>(Layout::IN_FLIGHT, 1);
        if let Some(bytes) = body {
            self.observe_as::<SHARED>(&layout.request_body, bytes);
        }
    }

    /// Counts a request as answered in full: under its status's cell, with its duration and its body's size.
    #[inline]
    pub(super) fn answer(&self, layout: &Layout, code: usize, ticks: u64, bytes: u64) {
        match self.shared {
            false => self.answer_as::<false>(layout, code, ticks, bytes),
            true => self.answer_as::<true>(layout, code, ticks, bytes),
        }
    }

    #[inline]
    fn answer_as<const SHARED: bool>(&self, layout: &Layout, code: usize, ticks: u64, bytes: u64) {
        self.add_as::<SHARED>(code, 1);
        self.observe_as::<SHARED>(&layout.duration, ticks);
        self.observe_as::<SHARED>(&layout.response_body, bytes);
        self.add_as::<SHARED>(Layout::OUTCOMES + Outcome::Completed as usize, 1);
        self.add_as::<SHARED>(Layout::IN_FLIGHT, u64::MAX);
    }

    /// Adds to one of the block's cells.
    pub(super) fn add(&self, cell: usize, by: u64) {
        match self.shared {
            false => self.add_as::<false>(cell, by),
            true => self.add_as::<true>(cell, by),
        }
    }

    /// Observes a value.
    pub(super) fn observe(&self, histogram: &Distribution, ticks: u64) -> usize {
        match self.shared {
            false => self.observe_as::<false>(histogram, ticks),
            true => self.observe_as::<true>(histogram, ticks),
        }
    }

    #[inline]
    fn add_as<const SHARED: bool>(&self, cell: usize, by: u64) {
        // A block lies in one chunk, so this never wraps; the remainder saves a check.
        add_to(&self.chunk[(self.base + cell) % CHUNK], by, SHARED);
    }

    #[inline]
    fn observe_as<const SHARED: bool>(&self, histogram: &Distribution, ticks: u64) -> usize {
        let bucket = histogram.bucket(ticks);
        self.add_as::<SHARED>(histogram.at + bucket, 1);
        // A sum that started again would look like a restart of the service.
        add_capped(&self.chunk[(self.base + histogram.sum) % CHUNK], ticks, SHARED);
        bucket
    }

    pub(super) const fn is_shared(&self) -> bool {
        self.shared
    }
}
