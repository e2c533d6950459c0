//! The router without any layer.

use crate::peer::{Peer, Running};

pub fn peer() -> Peer {
    Peer { key: "bare", title: "bare router", attacked: false, start: || Running::idle(|router| router) }
}
