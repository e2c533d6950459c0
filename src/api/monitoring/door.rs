//! The door: every request passes it, is known or refused, measured, and only then handled.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::Body as HttpBody;
use axum::extract::{ConnectInfo, FromRequestParts, RawPathParams, Request};
use axum::response::Response;
use bytes::Bytes;
use http::header::AUTHORIZATION;
use http::request::Parts;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::answer::{Answer, respond};
use super::audit::{Noted, Trail};
use super::body::{self, Content, Held, Room};
use super::call::{Body, Call};
use super::error::{ApiError, Code};
use super::idempotency::Remembered;
use super::query::Query;
use super::rate::Rate;
use super::route::{Audit, Route, Takes};
use super::scan;
use super::schema::Schema;
use super::{ApiOptions, Principal, PrincipalSource, Services};

/// How many wrong tokens an address may send at once; one more every ten seconds.
const FAILURES: u32 = 10;
const FAILURE_INTERVAL: Duration = Duration::from_secs(10);

/// How late a wrong token is answered where no address is known, and how many answers may be late at a time.
const LATE: Duration = Duration::from_millis(200);
const MOST_LATE: usize = 64;

/// What stands behind the router.
pub(super) struct Api {
    pub(super) source: Option<Arc<dyn PrincipalSource>>,
    pub(super) options: ApiOptions,
    pub(super) services: Services,
    pub(super) routes: Vec<Route>,
    /// The description of all of it.
    pub(super) document: Bytes,
    pub(super) remembered: Remembered,
    trail: Trail,
    rate: Option<Rate>,
    failures: Rate,
    late: Semaphore,
    room: Arc<Room>,
}

impl Api {
    pub(super) fn new(
        source: Option<Arc<dyn PrincipalSource>>,
        options: ApiOptions,
        services: Services,
        routes: Vec<Route>,
    ) -> Self {
        let document = super::openapi::render(&routes).to_string();
        let per_second = options.requests_per_second;
        let rate = (per_second > 0).then(|| Rate::new(Duration::from_secs(1) / per_second, options.burst));
        Self {
            source,
            services,
            routes,
            document: document.into(),
            remembered: Remembered::default(),
            trail: Trail::new(),
            rate,
            failures: Rate::new(FAILURE_INTERVAL, FAILURES),
            late: Semaphore::new(MOST_LATE),
            room: Room::new(options.held_bytes),
            options,
        }
    }

    /// Answers a request to a path, which has these rows of the table; none where there is no such path.
    pub(super) async fn answer(self: Arc<Self>, rows: Arc<[usize]>, request: Request) -> Response {
        let version = request.version();
        let deadline = self.options.deadline;
        let answer = match timeout(deadline, self.handle(rows, request)).await {
            Ok(answer) => answer,
            Err(_) => Err(ApiError::new(Code::Timeout, "it took too long; whether it was done is not known")),
        };
        respond(answer, version)
    }

    async fn handle(self: Arc<Self>, rows: Arc<[usize]>, request: Request) -> Result<Answer, ApiError> {
        let (mut head, body) = request.into_parts();
        let from = self.address(&head);
        let principal = self.known(&head, from).await?;
        let Some(row) = self.row(&rows, &head)? else {
            return Err(ApiError::new(Code::NotFound, "there is no such path"));
        };
        let route = &self.routes[row];
        let noted = Noted::of(Some(&principal), route.name, &head, from);
        if principal.role() < route.role {
            self.trail.refusal(&self.services, &noted, 403).await;
            return Err(ApiError::new(Code::Forbidden, format!("this needs the role {}", route.role)));
        }
        let query = match route.takes {
            Takes::Form => Query::default(),
            _ => Query::read(head.uri.query().unwrap_or_default(), &route.parameters)?,
        };
        let path = match RawPathParams::from_request_parts(&mut head, &()).await {
            Ok(params) => params.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
            Err(_) => return Err(ApiError::not_found()),
        };
        let mut held = Held::nothing(&self.room);
        let body = self.body(route, &head, body, &mut held).await?;
        let (handler, kind) = (Arc::clone(&route.handler), route.audit);
        let reads_others = principal.role() >= super::Role::Moderator;
        let api = Arc::clone(&self);
        let answer = handler(Call { api: self, principal, head, path, query, body, _held: held }).await;
        match (kind, &answer) {
            (Audit::Change, Err(error)) if error.code == Code::Forbidden => {
                api.trail.refusal(&api.services, &noted, 403).await;
            }
            (Audit::Change, answer) => {
                let status = answer.as_ref().map_or_else(|error| error.code.status(), Answer::status);
                api.trail.change(&api.services, &noted, status).await;
            }
            (Audit::Read, Ok(_)) if reads_others => api.trail.read(&api.services, &noted).await,
            _ => {}
        }
        answer
    }

    /// Finds out who is calling. Who tries tokens is slowed, who calls too often is told to come again.
    async fn known(&self, head: &Parts, from: Option<IpAddr>) -> Result<Principal, ApiError> {
        let nobody = || ApiError::new(Code::Unauthorized, "it is not known who is calling");
        let source = self.source.as_ref().ok_or_else(nobody)?;
        let address = from;
        let from = from.map(network);
        if let Some(from) = &from {
            self.failures.has(from, Instant::now()).map_err(too_many)?;
        }
        let principal = source.principal(head).await.map_err(|error| {
            tracing::warn!(error = &*error as &dyn std::error::Error, "it cannot be told who calls the monitoring API");
            ApiError::new(Code::Unavailable, "it cannot be told at the moment who is calling")
        })?;
        let Some(principal) = principal else {
            // Who shows nothing has guessed nothing.
            if head.headers.contains_key(AUTHORIZATION) {
                self.trail.refusal(&self.services, &Noted::of(None, "authenticate", head, address), 401).await;
                self.slow(from).await;
            }
            return Err(nobody());
        };
        if let Some(rate) = &self.rate {
            rate.take(&principal.name(), Instant::now()).map_err(too_many)?;
        }
        Ok(principal)
    }

    async fn slow(&self, from: Option<IpAddr>) {
        if let Some(from) = from {
            let _ = self.failures.take(&from, Instant::now());
        } else if let Ok(_place) = self.late.try_acquire() {
            tokio::time::sleep(LATE).await;
        }
    }

    /// Finds the row of the request's method; what has the path and not the method is an error of its own.
    fn row(&self, rows: &[usize], head: &Parts) -> Result<Option<usize>, ApiError> {
        let found = rows.iter().copied().find(|row| self.routes[*row].method == head.method);
        if found.is_some() || rows.is_empty() {
            return Ok(found);
        }
        let methods: Vec<_> = rows.iter().map(|row| self.routes[*row].method.as_str()).collect();
        let methods = methods.join(", ");
        let mut error = ApiError::new(Code::MethodNotAllowed, format!("accepted: {methods}"));
        error.allow = Some(methods);
        Err(error)
    }

    async fn body(&self, route: &Route, head: &Parts, body: HttpBody, held: &mut Held) -> Result<Body, ApiError> {
        let most = if route.takes_bulk() { self.options.bulk_bytes } else { self.options.body_bytes };
        if matches!(route.takes, Takes::Nothing) {
            return Ok(Body::None);
        }
        if matches!(route.takes, Takes::Form) {
            if !body::is_form(&head.headers) {
                return Ok(Body::None);
            }
            let form = body::read(body, &head.headers, most, self.options.body_deadline, held).await?;
            return Ok(Body::Form(String::from_utf8_lossy(&form).into_owned()));
        }
        let content = body::content(&head.headers, route.takes_bulk())?;
        let text = body::read(body, &head.headers, most, self.options.body_deadline, held).await?;
        match route.takes {
            Takes::Nothing | Takes::Form => Ok(Body::None),
            Takes::One(object) => {
                let mut value = json(&text)?;
                object.check(&mut value)?;
                Ok(Body::One(value))
            }
            Takes::Fields => {
                let value = json(&text)?;
                let wrong = |_| ApiError::new(Code::InvalidField, "a JSON object is needed");
                Schema::Fields.check(&value).map_err(wrong)?;
                Ok(Body::One(value))
            }
            Takes::Many(_) => self.items(&text, content).map(Body::Many),
        }
    }

    /// Reads the items of a body, each by itself, so that one is refused and not all.
    fn items(&self, text: &[u8], content: Content) -> Result<Vec<Result<serde_json::Value, ApiError>>, ApiError> {
        let most = self.options.bulk_items;
        let items: Vec<&[u8]> = match content {
            Content::Json => {
                if text.starts_with(b"\xef\xbb\xbf") {
                    return Err(ApiError::new(Code::InvalidJson, "a byte order mark is not allowed"));
                }
                scan::items(text)?.into_iter().take(most + 1).map(|range| &text[range]).collect()
            }
            Content::Lines => {
                let lines = text.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty());
                lines.take(most + 1).collect()
            }
        };
        if items.len() > most {
            return Err(ApiError::new(Code::TooLarge, format!("a body has at most {most} items")));
        }
        if items.is_empty() {
            return Err(ApiError::new(Code::InvalidJson, "the body has no items"));
        }
        let of_one = self.options.body_bytes;
        Ok(items
            .into_iter()
            .map(|item| {
                if item.len() > of_one {
                    return Err(ApiError::new(Code::TooLarge, format!("an item has at most {of_one} bytes")));
                }
                json(item)
            })
            .collect())
    }

    /// Tells where a request comes from.
    fn address(&self, head: &Parts) -> Option<IpAddr> {
        match &self.options.client_address {
            Some(find) => find(head),
            None => head.extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip()),
        }
    }
}

fn json(text: &[u8]) -> Result<serde_json::Value, ApiError> {
    scan::scan(text)?;
    serde_json::from_slice(text).map_err(|error| {
        let at = format!("the body is no JSON at line {}, column {}", error.line(), error.column());
        ApiError::new(Code::InvalidJson, at)
    })
}

/// Whoever has an address of version 6 has 64 bits of them.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
        address => address,
    }
}

fn too_many(time: Duration) -> ApiError {
    ApiError::new(Code::TooManyRequests, "too many requests").retry_after(time)
}

impl fmt::Debug for Api {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Api").field("options", &self.options).field("routes", &self.routes).finish_non_exhaustive()
    }
}
