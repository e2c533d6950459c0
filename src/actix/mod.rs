//! The middleware for an Actix Web `App`, and what mounts `/metrics` and `/health` there.
//!
//! ```
//! use actix_web::{App, web};
//! use watchkeeper::{Watchkeeper, actix, service_info};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let watch = Watchkeeper::builder(service_info!()).build()?;
//! let app = move || {
//!     App::new()
//!         .route("/greet/{name}", web::get().to(async || "hello"))
//!         .configure(actix::routes(watch.scraper(), watch.health_answers()))
//!         .wrap(actix::Middleware::new(watch.tower_layer()))
//! };
//! # let _ = app();
//! # Ok(())
//! # }
//! ```
//!
//! It records what the [HTTP layer](crate::http) records around a tower service, by the same code: routes by their
//! templates, request id, trace, span, and [how each request ended](crate::http). What Actix Web does otherwise:
//!
//! - Its types are those of release 0.2 of the `http` crate, so heads are copied for the layer to read.
//! - A handler's error is an answer by then. An error that a middleware further in returns is one too, and counts with the
//!   status that Actix Web will answer it with; answered with 500 it counts as `failed`. It is passed on as it is, so there
//!   is no request id in such an answer.
//! - Bodies have no trailers, so the outcome of gRPC is known only where the status is a header.
//! - Over HTTP/1 a client that closes its connection in order is noticed only once something is written to it, over HTTP/2
//!   a request that is reset is answered to its end: the server keeps the handler running, and the request counts as what
//!   it came to. A connection that breaks off counts as `cancelled`.

mod body;
mod future;
mod head;
mod middleware;
mod payload;
mod routes;

pub use body::FollowedBody;
pub use future::Answering;
pub use middleware::{Middleware, Watched};
pub use routes::routes;
