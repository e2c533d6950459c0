//! Traffic: the shop's own customers, over loopback, in a mix as shops have it.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use axum::http::header::CONTENT_TYPE;
use axum::http::{Method, Request};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use tokio::sync::Semaphore;

/// More requests than this at a time wait, so that a shop that falls behind is not buried.
const MOST_AT_ONCE: usize = 500;

/// Sends the shop so many requests a second until the runtime ends; so many of a hundred fail, beside the few that always
/// do.
pub(crate) fn start(shop: SocketAddr, rate: NonZeroU32, failing: u32) {
    let shop = reachable(shop);
    tokio::spawn(async move {
        let client = Client::builder(TokioExecutor::new()).build_http();
        let room = Arc::new(Semaphore::new(MOST_AT_ONCE));
        let mut clock = tokio::time::interval(Duration::from_secs(1) / rate.get());
        for number in 0_u64.. {
            clock.tick().await;
            let Ok(permit) = Arc::clone(&room).acquire_owned().await else { return };
            let client = client.clone();
            tokio::spawn(async move {
                send(&client, shop, number, failing).await;
                drop(permit);
            });
        }
    });
}

/// An address that means every interface is no address to connect to.
pub(crate) fn reachable(mut shop: SocketAddr) -> SocketAddr {
    if shop.ip().is_unspecified() {
        shop.set_ip(if shop.is_ipv4() { Ipv4Addr::LOCALHOST.into() } else { Ipv6Addr::LOCALHOST.into() });
    }
    shop
}

async fn send(client: &Client<HttpConnector, Full<Bytes>>, shop: SocketAddr, number: u64, failing: u32) {
    let fails = number * 37 % 100 < u64::from(failing);
    let (method, path, body) = if fails { (Method::GET, "/fail".to_owned(), None) } else { customer(number) };
    let body = body.map_or_else(Bytes::new, |body| body.to_string().into());
    let request = Request::builder()
        .method(method)
        .uri(format!("http://{shop}{path}"))
        .header(CONTENT_TYPE, "application/json")
        .body(Full::new(body));
    // What goes wrong is what the shop's own metrics show; a customer just leaves.
    if let Ok(request) = request
        && let Ok(answer) = client.request(request).await
    {
        let mut body = answer.into_body();
        while let Some(Ok(_)) = body.frame().await {}
    }
}

/// Makes up a request. A thousand in a row have exactly the shares below, well mixed.
fn customer(number: u64) -> (Method, String, Option<Value>) {
    let get = |path: String| (Method::GET, path, None);
    let post = |path: &str, body: Value| (Method::POST, path.to_owned(), Some(body));
    let login = |who: &str, password: &str| {
        post("/login", json!({"email": format!("{who}@example.org"), "password": password}))
    };
    let pay = |card: &str| post("/payments", json!({"amount_cents": 499 + number % 40 * 250, "card": card}));
    // 617 and 1,000 have no common divisor, so every share comes once in a thousand.
    match number * 617 % 1_000 {
        0..450 => get(format!("/orders/{number}")),
        450..650 => login(&format!("customer{}", number % 500), "open sesame"),
        650..690 => login(&format!("customer{}", number % 500), "open barley"),
        690..710 => login("mallory", "guess"),
        710..790 => pay("visa"),
        790..805 => pay("declined"),
        805..835 => (Method::POST, "/subscriptions".to_owned(), None),
        835..850 => (Method::DELETE, format!("/subscriptions/{number}"), None),
        850..860 => (Method::POST, format!("/subscriptions/{number}/reactivate"), None),
        860..920 => get(format!("/slow?ms={}", 20 + number % 20 * 15)),
        920..960 => get(format!("/stream?chunks={}", 1 + number % 50)),
        960..990 => get(format!("/no/such/page/{number}")),
        // A panic fills the screen, so there is one in five thousand.
        999 if number % 5_000 >= 4_000 => get("/panic".to_owned()),
        _ => get("/fail".to_owned()),
    }
}
