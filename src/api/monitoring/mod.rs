//! The monitoring API: events, samples and the configuration under `/api/v1/monitoring`, for callers with roles.
//!
//! An app says who calls, and [`routes`](crate::Watchkeeper::routes) carries the API:
//!
//! ```
//! use watchkeeper::api::monitoring::{Role, Tokens};
//! use watchkeeper::{Watchkeeper, service_info};
//!
//! # fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let tokens = match Tokens::from_env()? {
//!     Some(tokens) => tokens,
//!     None => Tokens::new().token("ada", Role::Admin, "9f86d081884c7d659a2feaa0c55ad015")?,
//! };
//! let watch = Watchkeeper::builder(service_info!()).principals(tokens).build()?;
//! let app: axum::Router = watch.routes();
//! # Ok(())
//! # }
//! # example().unwrap();
//! ```
//!
//! An app with users of its own implements [`PrincipalSource`], or sets a [`Principal`] as an extension of the request in
//! its layer and takes [`FromExtension`]. Without a source, every route answers 401.
//!
//! # How a route is added
//!
//! The table of routes is the one source of the router, of OpenAPI and of who may call what. A part of the crate that has
//! routes puts them into a file here, as `fn routes() -> Vec<Route>`, names that in `table`, and adds what its
//! handlers need to `Services`, which the root fills. A row is
//!
//! ```text
//! Route::new(Method::GET, "/alerts/{id}", Role::Moderator, "getAlert", get)
//!     .about("Finds an alert rule by its id.")
//!     .answers(Answers::One(Schema::Object(&ALERT_RULE)))
//!
//! async fn get(call: Call) -> Result<Answer, ApiError> {
//!     let rule = call.services().store.rule(call.id()?).await?;
//!     Answer::ok(&rule.ok_or_else(ApiError::not_found)?)
//! }
//! ```
//!
//! The path holds its parts in braces. A `Call` is made when caller, role, query and body have been checked against the row:
//! `.takes(&OBJECT)` for a JSON body, `.query(&[Parameter::…])` for parameters, `.idempotent()` and `.versioned()`
//! for the headers of those promises, `.conflicts()` where it may answer 409. `call.scope()` is whose things the caller
//! sees, and belongs into every query. `Answer::page` and `paged!` do pages. Afterwards `cargo test --all-features --test api`
//! brings `docs/openapi.json` up to date.

#[cfg(feature = "alerting")]
mod alerts;
mod answer;
mod audit;
mod body;
mod call;
mod config;
mod door;
mod error;
mod events;
#[cfg(feature = "alerting")]
mod history;
mod idempotency;
mod incident_change;
mod incidents;
mod ingest;
mod openapi;
mod options;
mod principal;
#[cfg(feature = "alerting")]
mod prometheus;
mod query;
mod rate;
mod role;
mod route;
mod router;
mod samples;
mod scan;
mod schema;
mod services;
mod stats;
mod table;
mod tasks;
mod timeline;
mod tokens;

pub use error::Code;
pub use options::ApiOptions;
pub use principal::{FromExtension, InvalidPrincipal, Principal, PrincipalFuture, PrincipalSource};
pub use role::Role;
pub use router::{MonitoringApi, RouteInfo};
pub(crate) use services::Services;
pub use tokens::{InvalidTokens, MIN_TOKEN_BYTES, Tokens};

/// Where the routes lie.
pub const PREFIX: &str = "/api/v1/monitoring";
