//! What can be chosen about the API: how large, how often, how long.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use http::request::Parts;

use crate::event::TimeWindow;

/// Tells where a request comes from.
pub(super) type ClientAddress = Arc<dyn Fn(&Parts) -> Option<IpAddr> + Send + Sync>;

/// Choices about the API. Made by [`default`](Self::default) and changed field by field.
#[derive(Clone)]
#[non_exhaustive]
pub struct ApiOptions {
    /// The most bytes of a body, decoded and encoded. Default: 256 KiB.
    pub body_bytes: usize,
    /// The most bytes of a body with many items, decoded and encoded. Default: 4 MiB.
    pub bulk_bytes: usize,
    /// The most items in one body. Default: 1,000.
    pub bulk_items: usize,
    /// The most bytes of bodies that are held at a time, all requests together; further ones get 503. Default: 64 MiB.
    pub held_bytes: usize,
    /// How many requests a principal may send in a second; 0 is any number. Default: 100.
    pub requests_per_second: u32,
    /// How many of them may come at once. Default: 200.
    pub burst: u32,
    /// How long a body may take to arrive; then the answer is 408. Default: 10 s.
    pub body_deadline: Duration,
    /// How long an answer may take altogether; then it is 504. Default: 15 s.
    pub deadline: Duration,
    /// The times of events and samples that are accepted. Default: the last 30 days, and five minutes in the future.
    pub window: TimeWindow,
    pub(super) client_address: Option<ClientAddress>,
}

impl ApiOptions {
    /// Sets how a client's address is found, for an app behind a proxy that says it in a header.
    ///
    /// Default: axum's `ConnectInfo<SocketAddr>`, which an app has that is served by
    /// `into_make_service_with_connect_info`. Where no address is known, wrong tokens are answered late, but not refused
    /// unseen.
    pub fn client_address(&mut self, find: impl Fn(&Parts) -> Option<IpAddr> + Send + Sync + 'static) {
        self.client_address = Some(Arc::new(find));
    }
}

impl Default for ApiOptions {
    fn default() -> Self {
        Self {
            body_bytes: 256 * 1024,
            bulk_bytes: 4 * 1024 * 1024,
            bulk_items: 1000,
            held_bytes: 64 * 1024 * 1024,
            requests_per_second: 100,
            burst: 200,
            body_deadline: Duration::from_secs(10),
            deadline: Duration::from_secs(15),
            window: TimeWindow::default(),
            client_address: None,
        }
    }
}

impl fmt::Debug for ApiOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiOptions")
            .field("body_bytes", &self.body_bytes)
            .field("bulk_bytes", &self.bulk_bytes)
            .field("bulk_items", &self.bulk_items)
            .field("held_bytes", &self.held_bytes)
            .field("requests_per_second", &self.requests_per_second)
            .field("burst", &self.burst)
            .field("body_deadline", &self.body_deadline)
            .field("deadline", &self.deadline)
            .field("window", &self.window)
            .finish_non_exhaustive()
    }
}
