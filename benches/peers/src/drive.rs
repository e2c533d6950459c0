//! Drives a router without sockets: the same routes, handler and loop for every row.

use std::future::Future;
use std::pin::pin;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::{Arc, LazyLock, mpsc};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::routing::get;
use http_body::Body as _;
use tower::Service;

use crate::clock::{Stretch, busy};
use crate::peer::{Hook, Peer, Running};

/// The routes of the router under test, each with a path that matches it.
const ROUTES: [(&str, &str); 20] = [
    ("/", "/"),
    ("/about", "/about"),
    ("/login", "/login"),
    ("/logout", "/logout"),
    ("/users", "/users"),
    ("/users/{id}", "/users/4711"),
    ("/users/{id}/sessions", "/users/4711/sessions"),
    ("/users/{id}/sessions/{session}", "/users/4711/sessions/17"),
    ("/orders", "/orders"),
    ("/orders/{id}", "/orders/1000042"),
    ("/orders/{id}/items", "/orders/1000042/items"),
    ("/orders/{id}/items/{item}", "/orders/1000042/items/3"),
    ("/products", "/products"),
    ("/products/{slug}", "/products/green-tea"),
    ("/products/{slug}/reviews", "/products/green-tea/reviews"),
    ("/payments", "/payments"),
    ("/payments/{id}", "/payments/pay-8fd2"),
    ("/subscriptions", "/subscriptions"),
    ("/subscriptions/{id}", "/subscriptions/77"),
    ("/files/{*path}", "/files/2026/11/report.csv"),
];

/// The route that two threads share.
const SHARED_ROUTE: usize = 9;
/// A path that it matches.
pub const SHARED_PATH: &str = ROUTES[SHARED_ROUTE].1;

/// What every client sends; a layer that looks a header up must not find an empty map.
static HEADERS: LazyLock<HeaderMap> = LazyLock::new(|| {
    [
        (header::HOST, "shop.example"),
        (header::USER_AGENT, "curl/8.11.0"),
        (header::ACCEPT, "*/*"),
        (header::ACCEPT_ENCODING, "gzip"),
    ]
    .map(|(name, value)| (name, HeaderValue::from_static(value)))
    .into_iter()
    .collect()
});

/// The router under test, without a layer.
pub fn routes() -> Router {
    ROUTES.iter().fold(Router::new(), |router, (route, _)| router.route(route, get(answer)))
}

async fn answer() -> &'static str {
    "ok"
}

/// A row that is up, with its router.
pub struct Row {
    pub peer: Peer,
    pub running: Running,
    router: Router,
    second_router: Router,
    sent: u64,
}

impl Row {
    /// Brings `peer` up around the router of twenty routes.
    pub fn new(peer: Peer) -> Self {
        let running = (peer.start)();
        // `with_state` as axum's own server does it: every handler is made a route now, not at each request.
        let [router, second_router] = [routes(), routes()].map(|router| running.wrap(router).with_state(()));
        Self { peer, running, router, second_router, sent: 0 }
    }

    /// Sends `count` requests, the routes in turn, and says what that took and what the peer put off.
    ///
    /// Never inlined, since it is what instructions are counted in.
    #[inline(never)]
    pub fn send(&mut self, count: u32) -> (Duration, Duration) {
        self.sent += u64::from(count);
        let uris = uris();
        let took = busy(|| send(&mut self.router, count, uris.iter().cycle()));
        let settle = self.running.settle();
        (took, busy(|| settle()))
    }

    /// As [`send`](Self::send), but all to one route.
    pub fn send_to_one_route(&mut self, count: u32) -> Duration {
        self.sent += u64::from(count);
        let uri = Uri::from_static(SHARED_PATH);
        let took = busy(|| send(&mut self.router, count, std::iter::repeat(&uri)));
        self.running.settle()();
        took
    }

    /// Sends `count` requests to one route from each of two threads at once; the mean of what that took either, or
    /// nothing where the machine did not give both a core for that long.
    ///
    /// Each thread has a router of its own around the same peer: axum's routers share reference counts, and two threads
    /// on one router slow each other down by more than most rows cost, whatever the layer does.
    pub fn send_from_two_threads(&mut self, count: u32, second: &SecondThread) -> Option<Duration> {
        self.sent += 2 * u64::from(count);
        let start = Arc::new(AtomicU32::new(0));
        let theirs = second.run(Job {
            router: self.second_router.clone(),
            count,
            start: Arc::clone(&start),
            settle: self.running.settle(),
        });
        let ours = together(&mut self.router, count, &start);
        self.running.settle()();
        let theirs = theirs.recv().expect("the second thread");
        ours.side_by_side(theirs).then(|| (ours.busy + theirs.busy) / 2)
    }

    /// Sends one request whose answer is 404 because nothing matches `path`.
    pub fn send_unmatched(&mut self, path: &str) {
        self.sent += 1;
        let uri = path.parse().expect("a path");
        assert_eq!(status(&mut self.router, Method::GET, uri, &HEADERS), StatusCode::NOT_FOUND);
    }

    /// Sends one request to a route that exists, with a method that does not.
    pub fn send_method(&mut self, method: &str) {
        self.sent += 1;
        let method = Method::from_bytes(method.as_bytes()).expect("a method");
        let uri = Uri::from_static(SHARED_PATH);
        assert_eq!(status(&mut self.router, method, uri, &HEADERS), StatusCode::METHOD_NOT_ALLOWED);
    }

    /// Sends one request to a route that exists, for a host that does not.
    pub fn send_host(&mut self, host: &str) {
        self.sent += 1;
        let mut headers = HEADERS.clone();
        headers.insert(header::HOST, HeaderValue::from_str(host).expect("a host"));
        let uri = Uri::from_static(SHARED_PATH);
        assert_eq!(status(&mut self.router, Method::GET, uri, &headers), StatusCode::OK);
    }

    /// Panics unless the row counted every request that it was sent.
    pub fn assert_counted(&self) {
        self.running.settle()();
        self.running.assert_counted(self.peer.title, self.sent);
    }
}

/// The second thread, which lives as long as the run, so that it is warm like a server's worker.
pub struct SecondThread {
    jobs: mpsc::Sender<(Job, mpsc::Sender<Stretch>)>,
}

struct Job {
    router: Router,
    count: u32,
    start: Arc<AtomicU32>,
    settle: Hook,
}

impl SecondThread {
    /// Starts it.
    pub fn start() -> Self {
        let (jobs, queue) = mpsc::channel::<(Job, mpsc::Sender<Stretch>)>();
        thread::spawn(move || {
            for (mut job, answer) in queue {
                let took = together(&mut job.router, job.count, &job.start);
                (job.settle)();
                // The main thread waits for this answer, or has panicked.
                let _ = answer.send(took);
            }
        });
        Self { jobs }
    }

    fn run(&self, job: Job) -> mpsc::Receiver<Stretch> {
        let (answer, took) = mpsc::channel();
        self.jobs.send((job, answer)).expect("the second thread");
        took
    }
}

/// Waits until both threads are here, then sends.
fn together(router: &mut Router, count: u32, start: &AtomicU32) -> Stretch {
    let uri = Uri::from_static(SHARED_PATH);
    start.fetch_add(1, SeqCst);
    while start.load(SeqCst) < 2 {
        std::hint::spin_loop();
    }
    Stretch::of(|| send(router, count, std::iter::repeat(&uri)))
}

fn uris() -> [Uri; ROUTES.len()] {
    ROUTES.map(|(_, path)| Uri::from_static(path))
}

fn send<'a>(router: &mut Router, count: u32, uris: impl Iterator<Item = &'a Uri>) {
    for uri in uris.take(count as usize) {
        assert_eq!(status(router, Method::GET, uri.clone(), &HEADERS), StatusCode::OK);
    }
}

/// Sends one request, drains the body of its answer and drops both, as a server does.
#[inline(never)]
fn status(router: &mut Router, method: Method, uri: Uri, headers: &HeaderMap) -> StatusCode {
    let mut request = Request::new(Body::empty());
    *request.headers_mut() = headers.clone();
    *request.method_mut() = method;
    *request.uri_mut() = uri;
    let mut cx = Context::from_waker(Waker::noop());
    let mut answer = pin!(router.call(request));
    let response = loop {
        if let Poll::Ready(Ok(response)) = answer.as_mut().poll(&mut cx) {
            break response;
        }
    };
    let (head, body) = response.into_parts();
    let mut body = pin!(body);
    loop {
        match body.as_mut().poll_frame(&mut cx) {
            Poll::Ready(Some(frame)) => drop(frame.expect("a body that does not fail")),
            Poll::Ready(None) => return head.status,
            Poll::Pending => {}
        }
    }
}
