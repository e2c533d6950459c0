//! The service behind axum and behind plain hyper, bare and with the layer.

use std::net::{Ipv4Addr, SocketAddr};

use axum::Router;
use axum::body::Body;
use axum::routing::{any, get};
use http::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tower::util::BoxCloneService;
use tower::{ServiceBuilder, ServiceExt};
use watchkeeper::presets::Group;
use watchkeeper::{Watchkeeper, service_info};

use crate::corpus::Asked;
use crate::script::BoxError;
use crate::service::{ROUTES, answer};

/// Who serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Server {
    Axum,
    Hyper,
}

/// Whether the layer is there, and how.
#[derive(Debug, Clone)]
pub enum Layered {
    No,
    Plainly(Watchkeeper),
    WithoutIds(Watchkeeper),
    /// Everything is followed to its end, and nothing skipped.
    ToTheEnd(Watchkeeper),
}

pub type Boxed = BoxCloneService<Request<Body>, Response<Body>, BoxError>;

impl Layered {
    pub fn all() -> [Self; 3] {
        let watch = || Watchkeeper::builder(service_info!()).groups(&[Group::Http]);
        [
            Self::Plainly(watch().build().unwrap()),
            Self::WithoutIds(watch().http(|http| http.without_request_id()).build().unwrap()),
            Self::ToTheEnd(watch().http(|http| http.measure_to_end_of_body().skip_nothing()).build().unwrap()),
        ]
    }

    pub fn gives_ids(&self) -> bool {
        matches!(self, Self::Plainly(_) | Self::ToTheEnd(_))
    }

    /// Tells whether the layer puts an id into the answer.
    pub fn gives_id_to(&self, asked: &Asked) -> bool {
        self.gives_ids() && asked.path != "/own-id"
    }

    fn watch(&self) -> Option<&Watchkeeper> {
        match self {
            Self::No => None,
            Self::Plainly(watch) | Self::WithoutIds(watch) | Self::ToTheEnd(watch) => Some(watch),
        }
    }
}

impl Server {
    pub const BOTH: [Self; 2] = [Self::Axum, Self::Hyper];

    /// The service, to be called within this process.
    pub fn service(self, layered: &Layered) -> Boxed {
        match (self, layered.watch()) {
            (Self::Axum, _) => Boxed::new(ServiceExt::<Request<Body>>::map_err(router(layered), Into::into)),
            (Self::Hyper, None) => {
                let service = ServiceBuilder::new().service_fn(answer::<Body>);
                service.map_response(|response| response.map(Body::new)).boxed_clone()
            }
            (Self::Hyper, Some(watch)) => {
                let service = ServiceBuilder::new().layer(watch.tower_layer()).service_fn(answer);
                service.map_response(|response| response.map(Body::new)).boxed_clone()
            }
        }
    }

    /// Serves on a port of loopback, for as long as the runtime lives.
    pub async fn listen(self, layered: &Layered) -> SocketAddr {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let layered = layered.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                // Small frames would wait for acknowledgements.
                stream.set_nodelay(true).unwrap();
                let layered = layered.clone();
                tokio::spawn(async move {
                    let server = auto::Builder::new(TokioExecutor::new());
                    let stream = TokioIo::new(stream);
                    // Some answers break their connection off.
                    let _ = match (self, layered.watch()) {
                        (Self::Axum, _) => {
                            let service = TowerToHyperService::new(router(&layered));
                            server.serve_connection_with_upgrades(stream, service).await
                        }
                        (Self::Hyper, None) => {
                            let service = TowerToHyperService::new(ServiceBuilder::new().service_fn(answer));
                            server.serve_connection_with_upgrades(stream, service).await
                        }
                        (Self::Hyper, Some(watch)) => {
                            let service = ServiceBuilder::new().layer(watch.tower_layer()).service_fn(answer);
                            let service = TowerToHyperService::new(service);
                            server.serve_connection_with_upgrades(stream, service).await
                        }
                    };
                });
            }
        });
        address
    }
}

fn router(layered: &Layered) -> Router {
    let handler = async |request: Request<Body>| match answer(request).await {
        Ok(response) => response.map(Body::new),
        Err(error) => Response::new(Body::from(error.to_string())),
    };
    let mut router = Router::new().route("/whole", get(handler));
    for route in ROUTES {
        router = router.route(route, any(handler));
    }
    match layered.watch() {
        Some(watch) => router.layer(watch.http_layer()),
        None => router,
    }
}
