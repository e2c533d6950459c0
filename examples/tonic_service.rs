//! The layer around a tonic server, whose calls end as their `grpc-status` says: `cargo run --example tonic_service`.
//!
//! Metrics are on a port of their own, <http://127.0.0.1:9464/metrics>, since the server speaks nothing but gRPC.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::task::{Context, Poll};

use tonic::body::Body;
use tonic::server::{Grpc, NamedService, UnaryService};
use tonic::transport::Server;
use tonic::{Request, Response, Status};
use tonic_prost::ProstCodec;
use tower::Service;
use watchkeeper::{Watchkeeper, service_info};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let address =
        |name, default: &str| std::env::var(name).unwrap_or_else(|_| default.to_owned()).parse::<SocketAddr>();
    // The path of a call is its method's name, so it is a route of its own; what no service has is `unmatched`.
    let watch = Watchkeeper::builder(service_info!())
        .http(|http| http.path(|head| (head.uri.path() == Greeter::GREET).then(|| Greeter::GREET.into())))
        .build()?;
    let _metrics = watch.serve_metrics(address("METRICS_ADDR", "127.0.0.1:9464")?).await?;
    Server::builder()
        .layer(watch.tower_layer())
        .add_service(Greeter)
        .serve_with_shutdown(address("LISTEN_ADDR", "127.0.0.1:50051")?, watch.shutdown_signal())
        .await?;
    Ok(())
}

#[derive(Clone, PartialEq, prost::Message)]
struct Name {
    #[prost(string, tag = "1")]
    name: String,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Greeting {
    #[prost(string, tag = "1")]
    text: String,
}

/// What a handler looks like; everything below this is what `tonic-prost-build` makes of a `.proto` file.
async fn greet(request: Request<Name>) -> Result<Response<Greeting>, Status> {
    match request.into_inner().name.as_str() {
        "" => Err(Status::invalid_argument("a name is needed")),
        name => Ok(Response::new(Greeting { text: format!("hello {name}") })),
    }
}

#[derive(Clone)]
struct Greeter;

impl Greeter {
    const GREET: &'static str = "/example.Greeter/Greet";
}

impl NamedService for Greeter {
    const NAME: &'static str = "example.Greeter";
}

type Answering<T> = std::pin::Pin<Box<dyn Future<Output = T> + Send>>;

impl UnaryService<Name> for Greeter {
    type Response = Greeting;
    type Future = Answering<Result<Response<Greeting>, Status>>;

    fn call(&mut self, request: Request<Name>) -> Self::Future {
        Box::pin(greet(request))
    }
}

impl Service<http::Request<Body>> for Greeter {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = Answering<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        Box::pin(async move {
            if request.uri().path() == Self::GREET {
                return Ok(Grpc::new(ProstCodec::<Greeting, Name>::default()).unary(Self, request).await);
            }
            Ok(Status::unimplemented("no such method").into_http())
        })
    }
}
