//! What a real Prometheus server makes of the shop.

use std::collections::BTreeMap;
use std::io::Write;
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use crate::support::client::Request;
use crate::support::example::Server;
use crate::support::judges::{Format, parse_scrape};
use crate::support::process::eventually;
use crate::support::prometheus::Prometheus;
use crate::{shop, shop_with};

/// Method, path and status, with the number of requests.
type Counts = BTreeMap<(String, String, String), u64>;

/// Sends requests, and keeps the account that the shop's counters must agree with.
struct Client<'a> {
    shop: &'a Server,
    sent: Counts,
}

impl Client<'_> {
    /// Sends a request so many times, and demands the status that is due; `path` is the template that it belongs to.
    #[track_caller]
    fn send(&mut self, times: u64, path: &str, status: u16, method: &str, uri: &str, body: Option<Value>) {
        for _ in 0..times {
            let mut request = self.shop.request(method, uri);
            if let Some(body) = &body {
                request = request.json(body);
            }
            match request.try_send() {
                Ok(answer) => assert_eq!(answer.status, status, "{method} {uri}: {}", answer.text()),
                // A panic may close the connection instead of being answered.
                Err(error) => assert_eq!(path, "/panic", "{method} {uri}: {error}"),
            }
        }
        self.account(times, method, path, status);
    }

    fn account(&mut self, times: u64, method: &str, path: &str, status: u16) {
        *self.sent.entry((method.to_owned(), path.to_owned(), status.to_string())).or_default() += times;
    }
}

/// The shop's own counters, where they are above zero, as Prometheus has them.
fn counted(prometheus: &Prometheus) -> Counts {
    let series = prometheus.query(r#"http_requests_total{job="watched"} > 0"#);
    let key = |label: &str, i: usize| series[i].label(label).to_owned();
    (0..series.len())
        .map(|i| ((key("method", i), key("path", i), key("status", i)), series[i].value.round() as u64))
        .collect()
}

#[test]
fn prometheus_counts_exactly_the_requests_that_were_sent() {
    let shop = shop();
    let prometheus = Prometheus::scraping(shop.address);
    let mut client = Client { shop: &shop, sent: Counts::new() };

    let login = |password| Some(json!({"email": "ada@example.org", "password": password}));
    let payment = |card| Some(json!({"amount_cents": 1250, "card": card}));
    client.send(7, "/login", 200, "POST", "/login", login("open sesame"));
    client.send(5, "/login", 401, "POST", "/login", login("guess"));
    client.send(3, "/login", 429, "POST", "/login", login("guess"));
    client.send(40, "/orders/{id}", 200, "GET", "/orders/7", None);
    client.send(9, "/orders/{id}", 200, "GET", "/orders/8?card=4111111111111111", None);
    client.send(4, "/orders/{id}", 405, "DELETE", "/orders/7", None);
    client.send(6, "/subscriptions", 201, "POST", "/subscriptions", None);
    client.send(2, "/subscriptions/{id}", 204, "DELETE", "/subscriptions/1", None);
    client.send(1, "/subscriptions/{id}/reactivate", 200, "POST", "/subscriptions/1/reactivate", None);
    client.send(11, "/payments", 200, "POST", "/payments", payment("visa"));
    client.send(8, "/payments", 402, "POST", "/payments", payment("declined"));
    client.send(2, "/slow", 200, "GET", "/slow?ms=20", None);
    client.send(2, "/slow", 400, "GET", "/slow?ms=soon", None);
    client.send(3, "/stream", 200, "GET", "/stream?chunks=5", None);
    client.send(5, "/fail", 500, "GET", "/fail", None);
    client.send(2, "/panic", 500, "GET", "/panic", None);
    // Whatever was asked for and is not there is one path, whatever the method one of the known ones or another.
    client.send(6, "unmatched", 404, "GET", "/wp-login.php", None);
    client.send(6, "unmatched", 404, "GET", "/.env", None);
    client.account(1, "other", "/orders/{id}", 405);
    assert_eq!(shop.request("BREW", "/orders/7").send().status, 405);
    // A client that goes away before it is answered.
    client.account(1, "GET", "/slow", 499);
    let mut impatient = TcpStream::connect(shop.address).expect("the shop listens");
    impatient.write_all(b"GET /slow?ms=30000 HTTP/1.1\r\nhost: shop\r\n\r\n").expect("the shop reads");
    eventually(|| {
        let in_flight = r#"http_requests_in_flight{method="GET",path="/slow"} 1"#;
        if shop.get("/metrics").text().contains(in_flight) { Ok(()) } else { Err("not in flight".to_owned()) }
    });
    drop(impatient);

    eventually(|| match counted(&prometheus) {
        counted if counted == client.sent => Ok(()),
        counted => Err(format!("sent:    {:?}\ncounted: {counted:?}", client.sent)),
    });
    let up: Vec<f64> = prometheus.query(r#"up{job="watched"}"#).iter().map(|sample| sample.value).collect();
    assert_eq!(up, [1.0], "{}", prometheus.targets());
    // Nothing is under way any more.
    let in_flight = prometheus.query("sum(http_requests_in_flight)");
    assert_eq!(in_flight[0].value, 0.0, "{in_flight:?}");
}

/// All requests that the shop has counted, by its own scrape, and when it was asked.
fn total(shop: &Server) -> (f64, SystemTime) {
    let asked = SystemTime::now();
    let scrape = parse_scrape(Format::Text, Request::new("GET", shop.address, "/metrics").send().text());
    let requests = scrape.samples.iter().filter(|sample| sample.name == "http_requests_total");
    (requests.map(|sample| sample.value.parse::<f64>().expect("a number")).sum(), asked)
}

#[test]
fn prometheus_sees_the_rate_at_which_the_shop_sends_itself_requests() {
    const WINDOW: Duration = Duration::from_secs(20);
    let shop = shop_with(&["--traffic", "100"], &[]);
    let prometheus = Prometheus::scraping(shop.address);
    // A rate is made from what lies inside its window, so the series must be there before it opens.
    eventually(|| match prometheus.query("sum(http_requests_total)").first() {
        Some(requests) if requests.value >= 300.0 => Ok(()),
        requests => Err(format!("too little traffic: {requests:?}")),
    });

    let (before, from) = total(&shop);
    thread::sleep(WINDOW);
    let (after, to) = total(&shop);

    let window = to.duration_since(from).expect("a clock that goes forward");
    let sent = (after - before) / window.as_secs_f64();
    let expression = format!("sum(rate(http_requests_total[{}ms]))", window.as_millis());
    let rate = prometheus.query_at(&expression, to)[0].value;
    println!("Prometheus sees {rate:.2} requests a second, the shop counted {sent:.2}");
    assert!(sent > 50.0, "the shop sends itself only {sent} requests a second");
    assert!((rate / sent - 1.0).abs() < 0.05, "Prometheus sees {rate}/s, the shop counted {sent}/s");
}
