//! sentry-tower's two layers, without a client and with one that sends nothing: for scale, they count nothing.

use std::sync::Arc;

use axum::extract::Request;
use sentry_core::{Client, ClientOptions, Envelope, Hub, Scope, Transport, TransportFactory, TransportOptions};
use sentry_tower::{NewSentryLayer, SentryHttpLayer, SentryLayer};
use tower::ServiceBuilder;

use crate::peer::{Peer, Running};

pub fn peers() -> [Peer; 2] {
    [
        Peer {
            key: "sentry-idle",
            title: "sentry-tower 0.49, both layers, no client (for scale)",
            attacked: false,
            start: || {
                Running::idle(|router| {
                    router.layer(
                        ServiceBuilder::new()
                            .layer(NewSentryLayer::<Request>::new_from_top())
                            .layer(SentryHttpLayer::new()),
                    )
                })
            },
        },
        Peer {
            key: "sentry",
            title: "sentry-tower 0.49, both layers, no-op transport (for scale)",
            attacked: false,
            start: with_client,
        },
    ]
}

/// A client of this row's own: a client that is bound to the process would be the other row's too.
fn with_client() -> Running {
    let mut options = ClientOptions::default();
    options.dsn = Some("https://public@localhost/1".parse().expect("a DSN"));
    options.transport = Some(Arc::new(Nowhere));
    let hub = Arc::new(Hub::new(Some(Arc::new(Client::from(options))), Arc::new(Scope::default())));
    Running::idle(move |router| {
        let hub = Arc::clone(&hub);
        router.layer(
            ServiceBuilder::new()
                .layer(SentryLayer::<_, Arc<Hub>, Request>::new(move |_: &Request| Arc::new(Hub::new_from_top(&hub))))
                .layer(SentryHttpLayer::new()),
        )
    })
}

struct Nowhere;

impl Transport for Nowhere {
    fn send_envelope(&self, _: Envelope) {}
}

impl TransportFactory for Nowhere {
    fn create_transport_with_options(&self, _: TransportOptions) -> Arc<dyn Transport> {
        Arc::new(Nowhere)
    }
}
