//! The answer to a scrape: negotiated, rendered once for all who ask at the same time, off the runtime's workers
//! when it is large.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Instant;

use bytes::Bytes;
use http::header::{
    ACCEPT, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER, VARY, WWW_AUTHENTICATE,
};
use http::{Response, StatusCode};
use tokio::sync::Mutex;

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
    answers: [Mutex<Option<Answer>>; 4],
    last_bytes: AtomicUsize,
    waiting: AtomicUsize,
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

    /// Answers only who sends `Authorization: Bearer` with this token, where there is one; others get 401.
    pub fn with_token(registry: Registry, token: Option<String>) -> Self {
        let inner = Inner {
            registry,
            token: token.map(Token::new),
            answers: Default::default(),
            last_bytes: AtomicUsize::new(usize::MAX),
            waiting: AtomicUsize::new(0),
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
        let Some(_place) = Waiting::take(&self.inner.waiting) else {
            let mut refusal = Response::new(Bytes::from_static(b"too many scrapes at once\n"));
            *refusal.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
            refusal.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
            return refusal;
        };
        let accept = headers.get(ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or("");
        let (format, zipped) = (Format::negotiate(accept), accepts_gzip(headers));
        let mut response = Response::new(self.body(format, zipped).await);
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(format.content_type()));
        headers.insert(VARY, HeaderValue::from_static("accept, accept-encoding"));
        if zipped {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        response
    }

    async fn body(&self, format: Format, zipped: bool) -> Bytes {
        let arrived = Instant::now();
        let place = usize::from(format == Format::OpenMetrics) * 2 + usize::from(zipped);
        let mut answer = self.inner.answers[place].lock().await;
        if let Some(shared) = answer.as_ref().filter(|answer| answer.began >= arrived) {
            return shared.body.clone();
        }
        let began = Instant::now();
        let body = self.render(format, zipped).await;
        *answer = Some(Answer { began, body: body.clone() });
        body
    }

    async fn render(&self, format: Format, zipped: bool) -> Bytes {
        let inner = Arc::clone(&self.inner);
        // Of the first scrape the size is unknown, so it counts as large.
        let large = inner.last_bytes.load(Relaxed) > LARGE_BYTES;
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) if large => {
                let rendering = runtime.spawn_blocking(move || inner.render(format, zipped));
                // Cancelled only when the runtime is shutting down, and nobody is left to read it.
                rendering.await.unwrap_or_default()
            }
            _ => inner.render(format, zipped),
        }
    }

    fn allows(&self, headers: &HeaderMap) -> bool {
        self.inner.token.as_ref().is_none_or(|token| token.is_sent_in(headers))
    }
}

/// A place among those who wait, given up when it is dropped.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn take(waiting: &'a AtomicUsize) -> Option<Self> {
        // One beside those who wait is being rendered.
        let place = Self(waiting);
        (waiting.fetch_add(1, Relaxed) <= MOST_WAITING).then_some(place)
    }
}

impl Drop for Waiting<'_> {
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
