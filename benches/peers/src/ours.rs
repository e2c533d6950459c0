//! Our rows.

use crate::{peer::Peer, scrape::Writer};

/// The rows of the HTTP layer and of the attack.
pub fn peers() -> Vec<Peer> {
    Vec::new()
}

/// The rows of the scrape.
pub fn writers() -> Vec<Writer> {
    Vec::new()
}
