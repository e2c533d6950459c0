//! The count of a request's body, while it is read.

use super::local;

/// Counts a request's body as it is read.
#[derive(Debug)]
pub(crate) struct RequestMeter {
    layer: u32,
    route: u32,
    bytes: u64,
}

impl RequestMeter {
    pub(super) const fn new(layer: u32, route: u32) -> Self {
        Self { layer, route, bytes: 0 }
    }

    pub(crate) const fn count(&mut self, bytes: u64) {
        self.bytes += bytes;
    }
}

impl Drop for RequestMeter {
    fn drop(&mut self) {
        local::with(self.layer, |layer| {
            let (_, layout, block) = layer.at(self.route)?;
            block.observe(&layout.request_body, self.bytes);
            Some(())
        });
    }
}
