//! A service of the test's own, with a history and the API that asks it.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use watchkeeper::api::monitoring::{Role, Tokens};
use watchkeeper::history::HistoryOptions;
use watchkeeper::{ServiceInfo, Watchkeeper};

use crate::support::client::{Answer, Request};
use crate::support::process::free_port;

pub(crate) const MODERATOR: &str = "token-of-mia-moderator";
pub(crate) const USER: &str = "token-of-ada-the-user";
pub(crate) const API: &str = "/api/v1/monitoring";

/// The service, serving on loopback for as long as the test's runtime lives.
pub(crate) struct Service {
    pub(crate) watch: Watchkeeper,
    pub(crate) address: SocketAddr,
}

impl Service {
    /// Starts a service that samples itself every second, as job `shop`.
    pub(crate) async fn start(choose: impl FnOnce(HistoryOptions) -> HistoryOptions) -> Self {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()));
        let options = HistoryOptions::new().interval(Duration::from_secs(1)).instance(address.to_string());
        let tokens = Tokens::new().token("mia", Role::Moderator, MODERATOR);
        let tokens = tokens.and_then(|tokens| tokens.token("ada", Role::User, USER)).expect("tokens");
        let watch = Watchkeeper::builder(ServiceInfo::new("shop", "1.0.0"))
            .history(choose(options))
            .principals(tokens)
            .build()
            .expect("a watch");
        let app: Router =
            Router::new().route("/hello", get(|| async { "hello" })).merge(watch.routes()).layer(watch.http_layer());
        let listener = tokio::net::TcpListener::bind(address).await.expect("a free port");
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { watch, address }
    }

    /// Asks the API as a moderator, off the test's runtime.
    pub(crate) async fn ask(&self, method: &str, path: &str, form: Option<&str>) -> Answer {
        self.ask_as(MODERATOR, method, path, form).await
    }

    pub(crate) async fn ask_as(&self, token: &str, method: &str, path: &str, form: Option<&str>) -> Answer {
        let mut request = Request::new(method, self.address, &format!("{API}{path}"));
        request = request.header("authorization", &format!("Bearer {token}"));
        if let Some(form) = form {
            request = request.form(form);
        }
        tokio::task::spawn_blocking(move || request.send()).await.expect("an answer")
    }
}
