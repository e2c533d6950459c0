//! What is passed on to a system outside: by a forwarder of the app's, and by a signed webhook that Python checks.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use serde_json::Value;
use watchkeeper::journal::{
    DropReason, ForwardError, ForwardErrorKind, ForwardFuture, Forwarded, Forwarder, Sink, Webhook,
};
use watchkeeper::sample::Sample;
use watchkeeper::{Watchkeeper, service_info};

use crate::{counts, event, settled};

/// Takes what it is given, but for events whose message is divisible by 100.
#[derive(Debug, Clone, Default)]
struct Collector {
    taken: Arc<Mutex<Vec<String>>>,
    tries: Arc<Mutex<u32>>,
}

impl Forwarder for Collector {
    fn forward<'a>(&'a self, batch: &'a [Forwarded]) -> ForwardFuture<'a> {
        Box::pin(async {
            let mut tries = self.tries.lock().unwrap();
            *tries += 1;
            if *tries == 1 {
                return Err(ForwardError::new(ForwardErrorKind::Unavailable).because("it is starting"));
            }
            let name = |item: &Forwarded| match item {
                Forwarded::Event(event) => event.message().unwrap_or_default().to_owned(),
                Forwarded::Sample(sample) => sample.name().to_owned(),
                _ => unreachable!("there is nothing else"),
            };
            let names: Vec<_> = batch.iter().map(name).collect();
            if names.iter().any(|name| name.ends_with("00")) {
                return Err(ForwardError::new(ForwardErrorKind::Invalid));
            }
            self.taken.lock().unwrap().extend(names);
            Ok(())
        })
    }
}

#[test]
fn events_and_samples_are_passed_on_in_their_order_with_an_account_of_their_own() {
    let collector = Collector::default();
    let watch = Watchkeeper::builder(service_info!()).forward(collector.clone()).build().unwrap();
    for number in 1..=300 {
        watch.record_event(event(number)).unwrap();
    }
    watch.record_sample(Sample::counter("parcels_sent_total", 3.0)).unwrap();

    let counts = settled(&watch, Sink::Forward);

    assert_eq!((counts.stored(), counts.dropped_for(DropReason::Invalid)), (298, 3));
    let numbers = (1..300).filter(|number| number % 100 != 0).map(|number| number.to_string());
    let expected: Vec<_> = numbers.chain(["parcels_sent_total".to_owned()]).collect();
    assert_eq!(*collector.taken.lock().unwrap(), expected);
    assert_eq!(settled(&watch, Sink::Events).stored(), 300, "the store has an account of its own");
    let scrape = watch.registry().render(watchkeeper::metric::Format::Text);
    assert!(scrape.contains("watchkeeper_dropped_total{sink=\"forward\",reason=\"invalid\"} 3\n"), "{scrape}");
}

/// What a receiver was sent, and what it is to answer next.
#[derive(Default)]
struct Receiver {
    requests: Mutex<Vec<(HeaderMap, Bytes)>>,
    answers: Mutex<Vec<(StatusCode, Option<&'static str>)>>,
}

async fn receive(State(receiver): State<Arc<Receiver>>, headers: HeaderMap, body: Bytes) -> (StatusCode, HeaderMap) {
    receiver.requests.lock().unwrap().push((headers, body));
    let (status, wait) = receiver.answers.lock().unwrap().pop().unwrap_or((StatusCode::NO_CONTENT, None));
    let wait = wait.map(|wait| (axum::http::header::RETRY_AFTER, wait.parse().unwrap()));
    (status, wait.into_iter().collect())
}

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// Serves a receiver, and gives back a watch that passes on to it.
async fn watch_with_webhook(receiver: &Arc<Receiver>) -> Watchkeeper {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let app = Router::new().route("/hook", post(receive)).with_state(Arc::clone(receiver));
    tokio::spawn(axum::serve(listener, app).into_future());
    let webhook = Webhook::new(&format!("http://{address}/hook"), SECRET).unwrap();
    Watchkeeper::builder(service_info!()).forward(webhook).build().unwrap()
}

async fn forwarded(watch: &Watchkeeper, items: u64) {
    for _ in 0..500 {
        let counts = counts(watch, Sink::Forward);
        if counts.accepted() == items && counts.queued() == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("{:?}", counts(watch, Sink::Forward));
}

/// Checks a signature with Python's own HMAC, as a receiver would.
fn assert_python_finds_it_signed(headers: &HeaderMap, body: &str) {
    let header = |name: &str| headers[name].to_str().unwrap();
    let program = "import base64, hmac, sys\n\
         secret, message, at, signed, body = sys.argv[1:]\n\
         key = base64.b64decode(secret.removeprefix('whsec_'))\n\
         mac = hmac.new(key, f'{message}.{at}.{body}'.encode(), 'sha256').digest()\n\
         raise SystemExit(signed != 'v1,' + base64.b64encode(mac).decode())";
    let arguments = [SECRET, header("webhook-id"), header("webhook-timestamp"), header("webhook-signature"), body];
    let status =
        std::process::Command::new(crate::support::judges::python()).arg("-c").arg(program).args(arguments).status();
    assert!(status.expect("python starts").success(), "{headers:?}");
}

#[tokio::test]
async fn a_webhook_is_signed_so_that_python_finds_it_right_and_keeps_its_id_when_sent_again() {
    let receiver = Arc::new(Receiver::default());
    *receiver.answers.lock().unwrap() = vec![(StatusCode::INTERNAL_SERVER_ERROR, None)];
    let watch = watch_with_webhook(&receiver).await;
    let id = watch.record_event(event(7)).unwrap();
    watch.record_sample(Sample::gauge("parcels_waiting", 2.0)).unwrap();
    forwarded(&watch, 2).await;

    let requests = std::mem::take(&mut *receiver.requests.lock().unwrap());
    let [(first, _), (again, body)] = &requests[..] else { panic!("{requests:?}") };
    assert_eq!(first["webhook-id"], again["webhook-id"]);
    assert_eq!(again["content-type"], "application/json");
    let text = std::str::from_utf8(body).unwrap();
    assert_python_finds_it_signed(again, text);
    let body: Value = serde_json::from_str(text).unwrap();
    assert_eq!(body["events"][0]["id"], id.to_string());
    assert_eq!(body["samples"][0]["name"], "parcels_waiting");
    assert_eq!(counts(&watch, Sink::Forward).stored(), 2);
}

#[tokio::test]
async fn a_receiver_that_asks_to_wait_is_left_alone_meanwhile() {
    let receiver = Arc::new(Receiver::default());
    *receiver.answers.lock().unwrap() = vec![(StatusCode::TOO_MANY_REQUESTS, Some("1"))];
    let watch = watch_with_webhook(&receiver).await;
    let start = std::time::Instant::now();
    watch.record_event(event(7)).unwrap();
    forwarded(&watch, 1).await;
    assert!(start.elapsed() >= Duration::from_secs(1), "{:?}", start.elapsed());
    assert_eq!(receiver.requests.lock().unwrap().len(), 2);
}

#[tokio::test]
async fn what_a_receiver_will_not_take_is_dropped_for_its_reason_and_redirects_are_not_followed() {
    for (status, reason) in [
        (StatusCode::UNPROCESSABLE_ENTITY, DropReason::Invalid),
        (StatusCode::GONE, DropReason::Refused),
        (StatusCode::FORBIDDEN, DropReason::Failed),
        (StatusCode::TEMPORARY_REDIRECT, DropReason::Failed),
    ] {
        let receiver = Arc::new(Receiver::default());
        *receiver.answers.lock().unwrap() = vec![(status, None)];
        let watch = watch_with_webhook(&receiver).await;
        watch.record_event(event(7)).unwrap();
        forwarded(&watch, 1).await;
        let counts = counts(&watch, Sink::Forward);
        assert_eq!((counts.dropped_for(reason), counts.stored()), (1, 0), "{status}: {counts:?}");
    }
}
