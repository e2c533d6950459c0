//! The service behind Actix Web: called within the process, and served by its own server with its own router.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use actix_web::body::{BodySize, MessageBody};
use actix_web::dev::{Payload, Service, ServiceRequest, ServiceResponse, Transform, fn_service};
use actix_web::error::ErrorInternalServerError;
use actix_web::http::StatusCode;
use actix_web::test::TestRequest;
use actix_web::{App, HttpMessage, HttpRequest, HttpResponse, HttpServer, web};
use axum::body::Body;
use bytes::Bytes;
use futures_util::{FutureExt, Stream, StreamExt};
use http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use http::{Request, Response};
use http_body::{Body as _, Frame, SizeHint};
use http_body_util::StreamBody;
use watchkeeper::Watchkeeper;
use watchkeeper::actix::Middleware;

use crate::app::{Call, Catch, Open};
use crate::script::{BoxError, Script};
use crate::service::{Plan, ROUTES, answer};

/// Calls the service with the middleware around it, and the probe around that.
pub fn call(watch: &Watchkeeper, calls: &Arc<AtomicU64>, catch: Catch, request: Request<Body>) -> Call {
    let (middleware, calls) = (Middleware::new(watch.tower_layer()), Arc::clone(calls));
    Box::pin(async move {
        let service = middleware.new_transform(fn_service(move |request| handle(request, catch))).await;
        let service = service.expect("it cannot fail");
        let request = request_from(request);
        calls.fetch_add(1, Ordering::Relaxed);
        let answering = service.call(request);
        let answered = match catch {
            Catch::Outside => match AssertUnwindSafe(answering).catch_unwind().await {
                Ok(answered) => answered,
                Err(_) => return Ok(Response::builder().status(500).body(Body::from("Service panicked"))?),
            },
            Catch::Nowhere | Catch::Inside => answering.await,
        };
        match answered {
            Ok(response) => Ok(response_from(response)),
            Err(error) => Err(error.to_string().into()),
        }
    })
}

/// Serves on a port of loopback, on threads of Actix Web's, for as long as the process lives.
pub fn listen(watch: &Watchkeeper, calls: &Arc<AtomicU64>, connections: &Arc<AtomicU64>) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    let (watch, calls, connections) = (watch.clone(), Arc::clone(calls), Arc::clone(connections));
    std::thread::spawn(move || {
        let app = move || {
            let calls = Arc::clone(&calls);
            let mut app = App::new();
            for route in ROUTES {
                app = match *route {
                    "/upgrade" => app.route(route, web::to(upgrade)),
                    _ => app.route(route, web::to(handler)),
                };
            }
            app.default_service(web::to(handler)).wrap(Middleware::new(watch.tower_layer())).wrap_fn(
                move |request, service| {
                    calls.fetch_add(1, Ordering::Relaxed);
                    service.call(request)
                },
            )
        };
        let server = HttpServer::new(app)
            .workers(1)
            .client_request_timeout(std::time::Duration::ZERO)
            .disable_signals()
            .on_connect(move |_, data| drop(data.insert(Rc::new(Open::new(&connections)))))
            .listen(listener)
            .expect("it is bound")
            .run();
        actix_web::rt::System::new().block_on(server)
    });
    address
}

/// The service as one of Actix Web's that an `App` would be.
async fn handle(mut request: ServiceRequest, catch: Catch) -> Result<ServiceResponse<Scripted>, actix_web::Error> {
    let (head, payload) = (request.request().clone(), request.take_payload());
    let answering = respond(&head, payload);
    let answered = match catch {
        Catch::Inside => match AssertUnwindSafe(answering).catch_unwind().await {
            Ok(answered) => answered,
            Err(_) => Ok(HttpResponse::with_body(
                StatusCode::INTERNAL_SERVER_ERROR,
                Scripted(Script::whole("Service panicked")),
            )),
        },
        Catch::Nowhere | Catch::Outside => answering.await,
    };
    Ok(request.into_response(answered.map_err(ErrorInternalServerError)?))
}

async fn handler(request: HttpRequest, payload: web::Payload) -> Result<HttpResponse<Scripted>, actix_web::Error> {
    respond(&request, payload.into_inner()).await.map_err(ErrorInternalServerError)
}

async fn respond(head: &HttpRequest, payload: Payload) -> Result<HttpResponse<Scripted>, BoxError> {
    let payload = payload.map(|data| data.map(Frame::data).map_err(|error| BoxError::from(error.to_string())));
    let mut request =
        Request::builder().method(head.method().as_str()).uri(head.uri().to_string()).body(StreamBody::new(payload))?;
    if let Some(plan) = head.extensions_mut().remove::<Plan>() {
        request.extensions_mut().insert(plan);
    }
    let (head, body) = answer(request).await?.into_parts();
    let mut response = HttpResponse::build(StatusCode::from_u16(head.status.as_u16())?);
    for (name, value) in &head.headers {
        match *name {
            // What would be written as chunks otherwise.
            CONTENT_LENGTH if body.size_hint().exact().is_none() => response.no_chunking(value.to_str()?.parse()?),
            _ => response.append_header((name.as_str(), value.as_bytes())),
        };
    }
    Ok(response.message_body(Scripted(body)).map_err(|error| error.to_string())?)
}

/// From the upgrade on, every byte comes back as it is.
async fn upgrade(payload: web::Payload) -> HttpResponse {
    let echo: Pin<Box<dyn Stream<Item = _>>> = Box::pin(payload.into_inner());
    HttpResponse::build(StatusCode::SWITCHING_PROTOCOLS).upgrade("websocket").streaming(echo)
}

/// A body that does what it is told, as far as Actix Web lets it: there are no trailers, and no end that is told.
#[derive(Debug)]
pub struct Scripted(Script);

impl MessageBody for Scripted {
    type Error = Torn;

    fn size(&self) -> BodySize {
        self.0.size_hint().exact().map_or(BodySize::Stream, BodySize::Sized)
    }

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, Torn>>> {
        loop {
            let frame = std::task::ready!(Pin::new(&mut self.0).poll_frame(context));
            match frame.map(|frame| frame.map(Frame::into_data)) {
                Some(Ok(Ok(data))) => return Poll::Ready(Some(Ok(data))),
                Some(Ok(Err(_trailers))) => {}
                Some(Err(error)) => return Poll::Ready(Some(Err(Torn(error)))),
                None => return Poll::Ready(None),
            }
        }
    }
}

/// Why a body ended early.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Torn(BoxError);

fn request_from(request: Request<Body>) -> ServiceRequest {
    let (mut head, body) = request.into_parts();
    let mut built = TestRequest::with_uri(&head.uri.to_string())
        .method(actix_web::http::Method::from_bytes(head.method.as_str().as_bytes()).expect("a method"));
    built = match body.size_hint().exact() {
        Some(0) => built,
        Some(bytes) => built.insert_header((CONTENT_LENGTH.as_str(), bytes)),
        None => built.insert_header((TRANSFER_ENCODING.as_str(), "chunked")),
    };
    let mut request = built.to_srv_request();
    if body.size_hint().exact() == Some(0) {
        // As the server gives it.
        request.set_payload(Payload::None);
    } else {
        let data = body.into_data_stream().map(|data| data.map_err(|error| std::io::Error::other(error).into()));
        request.set_payload(Payload::Stream { payload: Box::pin(data) });
    }
    if let Some(plan) = head.extensions.remove::<Plan>() {
        request.extensions_mut().insert(plan);
    }
    request
}

fn response_from<B>(response: ServiceResponse<B>) -> Response<Body>
where
    B: MessageBody<Error = Torn> + Send + Unpin + 'static,
{
    let (_, response) = response.into_parts();
    let mut built = Response::builder().status(response.status().as_u16());
    for (name, value) in response.headers() {
        built = built.header(name.as_str(), value.as_bytes());
    }
    built.body(Body::new(Back(response.into_body()))).expect("a response")
}

/// A body of Actix Web's, as the tests read bodies.
struct Back<B>(B);

impl<B: MessageBody<Error = Torn> + Unpin> http_body::Body for Back<B> {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        Pin::new(&mut self.0).poll_next(context).map(|data| data.map(|data| data.map(Frame::data).map_err(Into::into)))
    }

    fn is_end_stream(&self) -> bool {
        self.0.size().is_eof()
    }

    fn size_hint(&self) -> SizeHint {
        match self.0.size() {
            BodySize::None => SizeHint::with_exact(0),
            BodySize::Sized(bytes) => SizeHint::with_exact(bytes),
            BodySize::Stream => SizeHint::default(),
        }
    }
}
