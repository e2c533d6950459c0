//! The service behind tonic's router and its server, which speaks HTTP/1 here too.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::task::{Context, Poll};

use axum::body::Body;
use futures_util::stream;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tonic::service::Routes;
use tonic::transport::Server;
use tonic::transport::server::Connected;
use tower::ServiceBuilder;
use tower::util::{BoxCloneService, MapRequestLayer, ServiceExt};
use tower_http::catch_panic::CatchPanicLayer;
use watchkeeper::Watchkeeper;

use crate::app::{Boxed, Catch, Open, counting, router};

/// The routes in tonic, with the layer around them and the probe around that.
pub fn service(watch: &Watchkeeper, calls: &Arc<AtomicU64>, catch: Catch) -> Boxed {
    let routes = Routes::from(if catch == Catch::Inside { router().layer(CatchPanicLayer::new()) } else { router() });
    let service = ServiceBuilder::new().map_request(counting(calls)).layer(watch.tower_layer()).service(routes);
    let service = service.map_response(|response: http::Response<_>| response.map(Body::new)).map_err(Into::into);
    if catch == Catch::Outside {
        let caught = ServiceBuilder::new().layer(CatchPanicLayer::new()).service(service);
        return BoxCloneService::new(caught.map_response(|response: http::Response<_>| response.map(Body::new)));
    }
    BoxCloneService::new(service)
}

/// Serves what connects, until the runtime ends.
pub async fn serve(
    watch: Watchkeeper,
    calls: Arc<AtomicU64>,
    connections: Arc<AtomicU64>,
    listener: TcpListener,
) -> Result<(), tonic::transport::Error> {
    let incoming = stream::unfold((listener, connections), async |(listener, connections)| {
        let accepted = listener.accept().await.map(|(stream, _)| Kept { stream, _open: Open::new(&connections) });
        Some((accepted, (listener, connections)))
    });
    Server::builder()
        .accept_http1(true)
        .layer(MapRequestLayer::new(counting(&calls)))
        .layer(watch.tower_layer())
        .add_routes(Routes::from(router()))
        .serve_with_incoming(Box::pin(incoming))
        .await
}

/// A connection that counts while it is open.
struct Kept {
    stream: TcpStream,
    _open: Open,
}

impl Connected for Kept {
    type ConnectInfo = ();

    fn connect_info(&self) {}
}

impl AsyncRead for Kept {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, to: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, to)
    }
}

impl AsyncWrite for Kept {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
