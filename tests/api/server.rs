//! The API behind a socket, with a runtime of its own.

use std::net::SocketAddr;

use tokio::net::TcpListener;
use watchkeeper::alerting::AlertingOptions;
use watchkeeper::api::monitoring::ApiOptions;
use watchkeeper::history::HistoryOptions;
use watchkeeper::store::{Memory, Store};
use watchkeeper::{Telemetry, Watchkeeper, service_info};

use crate::app::{OTHER, tokens};
use crate::support::client::{Answer, Request};

/// A server that ends with the test.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    runtime: Option<tokio::runtime::Runtime>,
}

impl Server {
    pub(crate) fn start(options: ApiOptions) -> Self {
        Self::with(Memory::new(), options)
    }

    pub(crate) fn with(store: impl Store + 'static, options: ApiOptions) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
        let runtime = runtime.expect("a runtime");
        // Its filter can be changed; nothing is logged through it.
        let telemetry = Telemetry::builder(service_info!()).filter("info").writer(std::io::sink());
        let (telemetry, _layer) = telemetry.layer::<tracing_subscriber::Registry>().expect("telemetry");
        let address = runtime.block_on(async {
            let watch = Watchkeeper::builder(&telemetry)
                .store(store)
                .principals(tokens())
                .api(options)
                .history(HistoryOptions::new())
                .alerts(AlertingOptions::new())
                .build();
            let app: axum::Router = watch.expect("a watch").routes();
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
            let address = listener.local_addr().expect("an address");
            let app = app.into_make_service_with_connect_info::<SocketAddr>();
            tokio::spawn(async move { axum::serve(listener, app).await });
            address
        });
        Self { address, runtime: Some(runtime) }
    }

    /// Makes a request of bob's, who does nothing wrong.
    pub(crate) fn request(&self, method: &str, path: &str) -> Request {
        Request::new(method, self.address, &format!("{}{path}", watchkeeper::api::monitoring::PREFIX))
            .header("authorization", &format!("Bearer {OTHER}"))
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.request("GET", path).send()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
