//! tower-http's `TraceLayer` with nobody subscribed: for scale, it counts nothing.

use tower_http::trace::TraceLayer;

use crate::peer::{Peer, Running};

pub fn peer() -> Peer {
    Peer {
        key: "trace",
        title: "tower-http 0.7 `TraceLayer`, no subscriber (for scale)",
        attacked: false,
        start: || Running::idle(|router| router.layer(TraceLayer::new_for_http())),
    }
}
