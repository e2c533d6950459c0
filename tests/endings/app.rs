//! The same service behind axum, plain hyper, tonic and Actix Web, watched, with a probe outside that counts what comes in.

use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::response::IntoResponse;
use axum::routing::any;
use http::{Request, Response, StatusCode};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tower::util::{BoxCloneService, MapRequestLayer};
use tower::{ServiceBuilder, ServiceExt};
use tower_http::catch_panic::CatchPanicLayer;
use watchkeeper::http::{HttpLayerBuilder, MeteredBody};
use watchkeeper::presets::Group;
use watchkeeper::testing::Scrape;
use watchkeeper::{Watchkeeper, service_info};

use crate::script::BoxError;
use crate::service::{ROUTES, answer};

/// Who serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Server {
    Axum,
    Hyper,
    Tonic,
    Actix,
}

impl Server {
    pub const ALL: [Self; 4] = [Self::Axum, Self::Hyper, Self::Tonic, Self::Actix];
    /// Those whose bodies have trailers and tell their end, and which speak HTTP/2 without TLS.
    pub const OF_TOWER: [Self; 3] = [Self::Axum, Self::Hyper, Self::Tonic];
    /// Those that hand a connection over.
    pub const UPGRADING: [Self; 3] = [Self::Axum, Self::Hyper, Self::Actix];
}

/// Where a layer stands that makes an answer of a panic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Catch {
    Nowhere,
    Inside,
    Outside,
}

pub type Boxed = BoxCloneService<Request<Body>, Response<Body>, BoxError>;
pub type Answered = Result<Response<Body>, BoxError>;
/// A request's future; Actix Web's stay on their thread.
pub type Call = Pin<Box<dyn Future<Output = Answered>>>;
/// One that may go to another.
pub type SendCall = Pin<Box<dyn Future<Output = Answered> + Send>>;

/// The service, watched.
#[derive(Debug, Clone)]
pub struct App {
    server: Server,
    watch: Watchkeeper,
    calls: Arc<AtomicU64>,
    connections: Arc<AtomicU64>,
    catch: Catch,
    /// None for Actix Web, whose services are made where they are called.
    service: Option<Boxed>,
}

impl App {
    pub fn new(server: Server) -> Self {
        Self::with(server, Catch::Nowhere, |http| http)
    }

    pub fn all() -> [Self; 4] {
        Server::ALL.map(Self::new)
    }

    pub fn of_tower() -> [Self; 3] {
        Server::OF_TOWER.map(Self::new)
    }

    pub fn with(server: Server, catch: Catch, choose: impl FnOnce(HttpLayerBuilder) -> HttpLayerBuilder) -> Self {
        let watch = Watchkeeper::builder(service_info!())
            .http(|http| choose(http.path(|head| ROUTES.iter().find(|r| **r == head.uri.path()).map(|r| (*r).into()))))
            .groups(&[Group::Http])
            .build()
            .expect("a registry of its own");
        let calls = Arc::new(AtomicU64::new(0));
        let service = match server {
            Server::Axum => {
                let router = axum_service(&watch, &calls, catch);
                Some(Boxed::new(ServiceExt::<Request<Body>>::map_err(router, Into::into)))
            }
            Server::Hyper => Some(hyper_service(&watch, &calls, catch)),
            Server::Tonic => Some(crate::tonic::service(&watch, &calls, catch)),
            Server::Actix => None,
        };
        Self { server, watch, calls, connections: Arc::default(), catch, service }
    }

    pub const fn server(&self) -> Server {
        self.server
    }

    /// Calls the service; what is returned is the request's future, and nobody has polled it.
    pub fn call(&self, request: Request<Body>) -> Call {
        match self.service {
            Some(_) => self.send_call(request),
            None => crate::actix::call(&self.watch, &self.calls, self.catch, request),
        }
    }

    /// Calls a tower service.
    pub fn send_call(&self, request: Request<Body>) -> SendCall {
        Box::pin(self.service.clone().expect("a tower service").oneshot(request))
    }

    pub async fn get(&self, path: &str) -> Response<Body> {
        self.send("GET", path, Body::empty()).await.expect("an answer")
    }

    pub async fn send(&self, method: &str, path: &str, body: Body) -> Answered {
        self.call(Request::builder().method(method).uri(path).body(body).expect("a request")).await
    }

    /// Serves on a port of loopback, for as long as the runtime lives.
    pub async fn listen(&self) -> SocketAddr {
        if self.server == Server::Actix {
            return crate::actix::listen(&self.watch, &self.calls, &self.connections);
        }
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let app = self.clone();
        if self.server == Server::Tonic {
            tokio::spawn(crate::tonic::serve(app.watch, app.calls, app.connections, listener));
            return address;
        }
        tokio::spawn(async move {
            loop {
                // What was reset before it was accepted may be an error.
                let Ok((stream, _)) = listener.accept().await else { continue };
                let app = app.clone();
                let open = Open::new(&app.connections);
                tokio::spawn(async move {
                    let server = auto::Builder::new(TokioExecutor::new());
                    let (stream, _open) = (TokioIo::new(stream), open);
                    // A connection that breaks off is what some of the tests are about.
                    let _ = match app.server {
                        Server::Axum => {
                            let router = axum_service(&app.watch, &app.calls, Catch::Nowhere);
                            server.serve_connection_with_upgrades(stream, TowerToHyperService::new(router)).await
                        }
                        _ => {
                            let layers = ServiceBuilder::new().map_request(counting(&app.calls));
                            let service = layers.layer(app.watch.tower_layer()).service_fn(answer);
                            server.serve_connection_with_upgrades(stream, TowerToHyperService::new(service)).await
                        }
                    };
                });
            }
        });
        address
    }

    pub fn scrape(&self) -> Scrape {
        Scrape::of(&self.watch)
    }

    /// How many requests the probe has seen.
    pub fn calls(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }

    /// Asserts how often a path has ended so, and that nothing else is left behind.
    #[track_caller]
    pub fn ended(&self, path: &str, status: u16, outcome: &str, times: u64) {
        let scrape = self.scrape();
        let requests = scrape.sum("http_requests_total", &format!("path=\"{path}\",status=\"{status}\""));
        let ended = (requests, self.outcomes(path, outcome));
        assert_eq!(ended, (times as f64, times as f64), "{:?} {path}:\n{scrape}", self.server);
        self.at_rest();
    }

    /// How many requests of a path ended so.
    pub fn outcomes(&self, path: &str, outcome: &str) -> f64 {
        self.scrape().sum("http_request_outcomes_total", &format!("path=\"{path}\",outcome=\"{outcome}\""))
    }

    /// Asserts that no request is under way, and that each ended once.
    #[track_caller]
    pub fn at_rest(&self) {
        if let Err(unrest) = self.rests() {
            panic!("{:?}: {unrest}\n{}", self.server, self.scrape());
        }
    }

    /// Waits until it is so.
    pub async fn rest(&self) {
        self.wait(|| self.rests().is_ok()).await;
        self.at_rest();
    }

    /// Waits until it is so and every accepted connection is closed.
    pub async fn settle(&self) {
        let closed = || self.connections.load(Ordering::Relaxed) == 0;
        self.wait(|| closed() && self.rests().is_ok()).await;
        assert!(closed(), "connections are still open:\n{}", self.scrape());
        self.at_rest();
    }

    /// Waits for something on loopback; if it does not come, whoever asked will say so.
    async fn wait(&self, come: impl Fn() -> bool) {
        for _ in 0..6_000 {
            if come() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    fn rests(&self) -> Result<(), String> {
        let scrape = self.scrape();
        let calls = self.calls() as f64;
        let found = [
            ("in flight", scrape.sum("http_requests_in_flight", ""), 0.0),
            ("outcomes", scrape.sum("http_request_outcomes_total", ""), calls),
            ("requests", scrape.sum("http_requests_total", ""), calls),
            ("open streams", scrape.sum("http_connections_active", ""), 0.0),
        ];
        match found.iter().find(|(_, found, expected)| found != expected) {
            Some((what, found, expected)) => Err(format!("{what}: {found} instead of {expected}")),
            None => Ok(()),
        }
    }

    /// How many requests of a path have a duration.
    pub fn timed(&self, path: &str) -> f64 {
        self.scrape().sum("http_request_duration_seconds_count", &format!("path=\"{path}\""))
    }

    /// How many bytes were received as `request` or sent as `response` on a path, and in how many bodies.
    pub fn bodies(&self, of: &str, path: &str) -> (f64, f64) {
        let (scrape, path) = (self.scrape(), format!("path=\"{path}\""));
        let sum = |end| scrape.sum(&format!("http_{of}_body_bytes_{end}"), &path);
        (sum("sum"), sum("count"))
    }
}

/// A connection that is served.
pub struct Open(Arc<AtomicU64>);

impl Open {
    pub fn new(connections: &Arc<AtomicU64>) -> Self {
        connections.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(connections))
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Counts a request as it passes.
pub fn counting<B>(calls: &Arc<AtomicU64>) -> impl Fn(Request<B>) -> Request<B> + Clone + Send + Sync + 'static {
    let calls = Arc::clone(calls);
    move |request| {
        calls.fetch_add(1, Ordering::Relaxed);
        request
    }
}

/// The routes in axum, with the layer around them and the probe around that.
fn axum_service(watch: &Watchkeeper, calls: &Arc<AtomicU64>, catch: Catch) -> Router {
    let mut router = router();
    if catch == Catch::Inside {
        router = router.layer(CatchPanicLayer::new());
    }
    router = router.layer(watch.http_layer()).layer(MapRequestLayer::new(counting(calls)));
    if catch == Catch::Outside { router.layer(CatchPanicLayer::new()) } else { router }
}

/// The routes.
pub fn router() -> Router {
    let handler = async |request: Request<Body>| match answer(request).await {
        Ok(response) => response.map(Body::new).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    };
    ROUTES.iter().fold(Router::new(), |router, route| router.route(route, any(handler)))
}

/// The same for plain hyper.
fn hyper_service(watch: &Watchkeeper, calls: &Arc<AtomicU64>, catch: Catch) -> Boxed {
    let layers = ServiceBuilder::new().map_request(counting(calls)).layer(watch.tower_layer());
    match catch {
        Catch::Nowhere => layers
            .service_fn(answer::<MeteredBody<Body>>)
            .map_response(|response| response.map(Body::new))
            .boxed_clone(),
        Catch::Inside => layers
            .layer(CatchPanicLayer::new())
            .service_fn(answer::<MeteredBody<Body>>)
            .map_response(|response| response.map(Body::new))
            .boxed_clone(),
        Catch::Outside => ServiceBuilder::new()
            .layer(CatchPanicLayer::new())
            .map_request(counting(calls))
            .layer(watch.tower_layer())
            .service_fn(answer::<MeteredBody<Body>>)
            .map_response(|response| response.map(Body::new))
            .boxed_clone(),
    }
}
