//! The answer to a scrape: negotiated, rendered once for all who ask at the same time, off the runtime's workers
//! when it is large.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Instant;

use bytes::Bytes;
use http::header::{
    ACCEPT, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER, VARY, WWW_AUTHENTICATE,
};
use http::{Response, StatusCode};
use tokio::sync::{Mutex, OwnedMutexGuard};

use super::encoding::{accepts_gzip, gzip};
use super::token::Token;
use crate::metric::{Format, Registry};

/// A scrape of more bytes than this is rendered on a thread of the runtime's blocking pool.
const LARGE_BYTES: usize = 128 * 1024;

/// How many scrapes may wait for one that is being rendered; further ones are told to come again.
const MOST_WAITING: usize = 128;

/// Answers scrapes of one registry, with any HTTP server.
///
/// Scrapes that arrive while one is being rendered share the next one; of those at most 128 wait, and further ones get
/// 503 with `Retry-After`. Cloning it copies a handle.
#[derive(Clone)]
pub struct Scraper {
    inner: Arc<Inner>,
}

struct Inner {
    registry: Registry,
    token: Option<Token>,
    /// The last answer in each format and encoding.
    answers: [Arc<Mutex<Option<Answer>>>; 4],
    last_bytes: AtomicUsize,
    waiting: Arc<AtomicUsize>,
}

struct Answer {
    began: Instant,
    body: Bytes,
}

impl Scraper {
    /// Answers whoever asks.
    pub fn new(registry: Registry) -> Self {
        Self::with_token(registry, None)
    }

    /// Answers only who sends `Authorization: Bearer` with this token, where there is one; others get 401. White
    /// space around the token is no part of it, and an empty one opens to nobody.
    pub fn with_token(registry: Registry, token: Option<String>) -> Self {
        let inner = Inner {
            registry,
            token: token.as_deref().map(Token::new),
            answers: Default::default(),
            last_bytes: AtomicUsize::new(usize::MAX),
            waiting: Arc::default(),
        };
        Self { inner: Arc::new(inner) }
    }

    /// Answers a scrape by its request's headers: `Accept`, `Accept-Encoding` and `Authorization`.
    pub async fn answer(&self, headers: &HeaderMap) -> Response<Bytes> {
        if !self.allows(headers) {
            let mut refusal = Response::new(Bytes::from_static(b"a bearer token is needed\n"));
            *refusal.status_mut() = StatusCode::UNAUTHORIZED;
            refusal.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            return refusal;
        }
        self.answer_known(headers).await
    }

    /// Answers a scrape of somebody who is known to be allowed to see it.
    pub(super) async fn answer_known(&self, headers: &HeaderMap) -> Response<Bytes> {
        let Some(place) = Waiting::take(&self.inner.waiting) else {
            let mut refusal = Response::new(Bytes::from_static(b"too many scrapes at once\n"));
            *refusal.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
            refusal.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
            return refusal;
        };
        let accept = headers.get(ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or("");
        let (format, zipped) = (Format::negotiate(accept), accepts_gzip(headers));
        let Some(body) = self.body(place, format, zipped).await else {
            let mut failure = Response::new(Bytes::from_static(b"the scrape failed\n"));
            *failure.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
            return failure;
        };
        let mut response = Response::new(body);
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(format.content_type()));
        headers.insert(VARY, HeaderValue::from_static("accept, accept-encoding"));
        if zipped {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        response
    }

    /// Renders, or shares what another has rendered; none where a collector panics.
    async fn body(&self, place: Waiting, format: Format, zipped: bool) -> Option<Bytes> {
        let arrived = Instant::now();
        let kept = usize::from(format == Format::OpenMetrics) * 2 + usize::from(zipped);
        let answer = Arc::clone(&self.inner.answers[kept]).lock_owned().await;
        if let Some(shared) = answer.as_ref().filter(|answer| answer.began >= arrived) {
            return Some(shared.body.clone());
        }
        // Of the first scrape the size is unknown, so it counts as large.
        let large = self.inner.last_bytes.load(Relaxed) > LARGE_BYTES;
        let rendering = Rendering { inner: Arc::clone(&self.inner), answer, _place: place };
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) if large => runtime.spawn_blocking(move || rendering.finish(format, zipped)).await.ok()?,
            _ => rendering.finish(format, zipped),
        }
    }

    fn allows(&self, headers: &HeaderMap) -> bool {
        self.inner.token.as_ref().is_none_or(|token| token.is_sent_in(headers))
    }
}

/// What a rendering holds until its end, whether or not its client still waits: the place of its answer, so that no other
/// begins beside it, and its own among those who wait.
struct Rendering {
    inner: Arc<Inner>,
    answer: OwnedMutexGuard<Option<Answer>>,
    _place: Waiting,
}

impl Rendering {
    fn finish(mut self, format: Format, zipped: bool) -> Option<Bytes> {
        let began = Instant::now();
        // A collector is the app's own; its panic is not to be shared, nor taken for an empty scrape.
        let body = catch_unwind(AssertUnwindSafe(|| self.inner.render(format, zipped))).ok()?;
        *self.answer = Some(Answer { began, body: body.clone() });
        Some(body)
    }
}

/// A place among those who wait, given up when it is dropped.
struct Waiting(Arc<AtomicUsize>);

impl Waiting {
    fn take(waiting: &Arc<AtomicUsize>) -> Option<Self> {
        // One beside those who wait is being rendered.
        let place = Self(Arc::clone(waiting));
        (waiting.fetch_add(1, Relaxed) <= MOST_WAITING).then_some(place)
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}

impl Inner {
    fn render(&self, format: Format, zipped: bool) -> Bytes {
        let last = self.last_bytes.load(Relaxed);
        let mut text = Vec::with_capacity(if last == usize::MAX { 0 } else { last + last / 8 });
        self.registry.render_into(format, &mut text);
        self.last_bytes.store(text.len(), Relaxed);
        Bytes::from(if zipped { gzip(&text) } else { text })
    }
}

impl fmt::Debug for Scraper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scraper")
            .field("registry", &self.inner.registry)
            .field("token", &self.inner.token)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use http::header::AUTHORIZATION;

    use super::*;
    use crate::metric::CounterDesc;

    const SCRAPES: CounterDesc = CounterDesc::new("renderings_total", "How often the scrape was rendered.");

    fn counted() -> Registry {
        let registry = Registry::new();
        let counter = registry.counter(&SCRAPES).unwrap().with(());
        registry.on_scrape(move || {
            counter.inc();
            std::thread::sleep(std::time::Duration::from_millis(50));
        });
        registry
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn scrapes_that_come_together_are_rendered_once() {
        let scraper = Scraper::new(counted());
        let first = tokio::spawn({
            let scraper = scraper.clone();
            async move { scraper.answer(&HeaderMap::new()).await }
        });
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        let rest: Vec<_> = (0..50)
            .map(|_| {
                let scraper = scraper.clone();
                tokio::spawn(async move { scraper.answer(&HeaderMap::new()).await.into_body() })
            })
            .collect();
        first.await.unwrap();
        for body in rest {
            let body = body.await.unwrap();
            assert!(std::str::from_utf8(&body).unwrap().contains("renderings_total 2\n"));
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn more_scrapes_than_may_wait_are_told_to_come_again() {
        let registry = Registry::new();
        let (open, gate) = std::sync::mpsc::channel::<()>();
        let gate = std::sync::Mutex::new(gate);
        registry.on_scrape(move || {
            // Held until the sender is gone.
            let _ = gate.lock().unwrap().recv();
        });
        let scraper = Scraper::new(registry);
        let scrapes: Vec<_> = (0..200)
            .map(|_| {
                let scraper = scraper.clone();
                tokio::spawn(async move { scraper.answer(&HeaderMap::new()).await })
            })
            .collect();
        while scrapes.iter().filter(|scrape| scrape.is_finished()).count() < 200 - 1 - MOST_WAITING {
            tokio::task::yield_now().await;
        }
        drop(open);
        let mut answered = 0;
        for scrape in scrapes {
            let answer = scrape.await.unwrap();
            match answer.status() {
                StatusCode::OK => answered += 1,
                refused => {
                    assert_eq!(refused, StatusCode::SERVICE_UNAVAILABLE);
                    assert_eq!(answer.headers()[RETRY_AFTER], "1");
                }
            }
        }
        assert_eq!(answered, 1 + MOST_WAITING);
        assert_eq!(scraper.answer(&HeaderMap::new()).await.status(), StatusCode::OK);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_scrape_whose_client_leaves_keeps_its_place_until_it_is_rendered() {
        static BEGUN: AtomicUsize = AtomicUsize::new(0);
        let registry = Registry::new();
        let (open, gate) = std::sync::mpsc::channel::<()>();
        let gate = std::sync::Mutex::new(gate);
        registry.on_scrape(move || {
            BEGUN.fetch_add(1, Relaxed);
            // Held until the sender is gone.
            let _ = gate.lock().unwrap().recv();
        });
        let scraper = Scraper::new(registry);
        let headers = HeaderMap::new();
        for _ in 0..20 {
            let left = tokio::time::timeout(std::time::Duration::from_millis(10), scraper.answer(&headers)).await;
            assert!(left.is_err(), "it waits for the gate");
        }
        assert_eq!(BEGUN.load(Relaxed), 1, "one rendering, however many leave");
        drop(open);
        assert_eq!(scraper.answer(&HeaderMap::new()).await.status(), StatusCode::OK);
    }

    /// A collector that panics every other time.
    #[derive(Default)]
    struct Failing(AtomicUsize);

    impl prometheus::core::Collector for Failing {
        fn desc(&self) -> Vec<&prometheus::core::Desc> {
            Vec::new()
        }

        fn collect(&self) -> Vec<prometheus::proto::MetricFamily> {
            assert!(self.0.fetch_add(1, Relaxed) % 2 == 1, "the app's collector fails");
            Vec::new()
        }
    }

    #[tokio::test]
    async fn a_scrape_that_panics_is_an_error_and_the_next_one_is_none() {
        let registry = Registry::new();
        registry.register_collector(Box::new(Failing::default())).unwrap();
        let scraper = Scraper::new(registry);
        for expected in [500, 200, 500, 200] {
            let answer = scraper.answer(&HeaderMap::new()).await;
            assert_eq!(answer.status(), expected);
            assert_eq!(answer.headers().contains_key(VARY), expected == 200);
        }
    }

    #[tokio::test]
    async fn an_empty_token_opens_to_nobody_and_the_end_of_a_line_is_no_part_of_one() {
        let status = async |token: &str, given: Option<&'static str>| {
            let scraper = Scraper::with_token(Registry::new(), Some(token.to_owned()));
            let given = given.map(|given| (AUTHORIZATION, HeaderValue::from_static(given)));
            scraper.answer(&HeaderMap::from_iter(given)).await.status()
        };
        for given in [None, Some("Bearer "), Some("Bearer"), Some("Bearer  ")] {
            assert_eq!(status("", given).await, StatusCode::UNAUTHORIZED, "{given:?}");
            assert_eq!(status(" \n", given).await, StatusCode::UNAUTHORIZED, "{given:?}");
        }
        assert_eq!(status("open\r\n", Some("Bearer open")).await, StatusCode::OK);
    }

    #[tokio::test]
    async fn a_scrape_needs_the_token_where_there_is_one() {
        let scraper = Scraper::with_token(Registry::new(), Some("open".to_owned()));
        let status = async |given: Option<&'static str>| {
            let given = given.map(|given| (AUTHORIZATION, HeaderValue::from_static(given)));
            scraper.answer(&HeaderMap::from_iter(given)).await.status()
        };
        assert_eq!(status(None).await, StatusCode::UNAUTHORIZED);
        assert_eq!(status(Some("Bearer wrong")).await, StatusCode::UNAUTHORIZED);
        assert_eq!(status(Some("open")).await, StatusCode::UNAUTHORIZED);
        assert_eq!(status(Some("bearer open")).await, StatusCode::OK);
        assert!(!format!("{scraper:?}").contains("open"));
    }
}
