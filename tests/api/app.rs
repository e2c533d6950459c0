//! An app with the API, and callers of every kind.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicU32, Ordering};

use axum::Router;
use axum::body::Body;
use http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt;
use serde_json::Value;
use tower::ServiceExt;
use watchkeeper::alerting::AlertingOptions;
use watchkeeper::api::monitoring::{ApiOptions, PREFIX, Role, Tokens};
use watchkeeper::history::HistoryOptions;
use watchkeeper::store::{Memory, Store};
use watchkeeper::{Watchkeeper, service_info};

pub(crate) const USER: &str = "token-of-ada-the-user";
pub(crate) const OTHER: &str = "token-of-bob-the-user";
pub(crate) const MODERATOR: &str = "token-of-mia-moderator";
pub(crate) const ADMIN: &str = "token-of-zoe-the-admin";

/// Who calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Caller {
    Nobody,
    Invalid,
    User,
    Other,
    Moderator,
    Admin,
}

impl Caller {
    pub(crate) const ALL: [Self; 6] =
        [Self::Nobody, Self::Invalid, Self::User, Self::Other, Self::Moderator, Self::Admin];

    pub(crate) fn token(self) -> Option<&'static str> {
        match self {
            Self::Nobody => None,
            Self::Invalid => Some("token-of-nobody-at-all"),
            Self::User => Some(USER),
            Self::Other => Some(OTHER),
            Self::Moderator => Some(MODERATOR),
            Self::Admin => Some(ADMIN),
        }
    }

    pub(crate) fn role(self) -> Option<Role> {
        match self {
            Self::Nobody | Self::Invalid => None,
            Self::User | Self::Other => Some(Role::User),
            Self::Moderator => Some(Role::Moderator),
            Self::Admin => Some(Role::Admin),
        }
    }
}

pub(crate) fn tokens() -> Tokens {
    let names = [("ada", Role::User, USER), ("bob", Role::User, OTHER), ("mia", Role::Moderator, MODERATOR)];
    let tokens =
        names.into_iter().try_fold(Tokens::new(), |tokens, (name, role, token)| tokens.token(name, role, token));
    tokens.and_then(|tokens| tokens.token("zoe", Role::Admin, ADMIN)).expect("tokens")
}

/// An app whose API is asked without a socket.
pub(crate) struct App {
    pub(crate) watch: Watchkeeper,
    router: Router,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The data of an answer that is a success.
    #[track_caller]
    pub(crate) fn data(&self) -> Value {
        let json = self.json();
        assert_eq!(json["success"], true, "{json}");
        json["data"].clone()
    }

    /// The code of an answer that is none, and the field that it names.
    #[track_caller]
    pub(crate) fn error(&self) -> (u16, String, String) {
        let json = self.json();
        assert_eq!(json["success"], false, "{json}");
        let text = |name: &str| json["error"][name].as_str().unwrap_or_default().to_owned();
        assert!(!text("message").is_empty(), "{json}");
        (self.status, text("code"), text("field"))
    }
}

/// Choices without a limit of rate, and each request from an address of its own, so that tests may ask as often and as
/// wrongly as they like.
pub(crate) fn unlimited() -> ApiOptions {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let mut options = ApiOptions::default();
    options.requests_per_second = 0;
    options.client_address(|_| Some(Ipv4Addr::from_bits(NEXT.fetch_add(1, Ordering::Relaxed)).into()));
    options
}

impl App {
    pub(crate) fn new() -> Self {
        Self::with(Memory::new(), unlimited())
    }

    pub(crate) fn with(store: impl Store + 'static, options: ApiOptions) -> Self {
        let watch = Watchkeeper::builder(service_info!())
            .store(store)
            .principals(tokens())
            .api(options)
            .history(HistoryOptions::new())
            .alerts(AlertingOptions::new())
            .build();
        let watch = watch.expect("a watch");
        let router = watch.routes();
        Self { watch, router }
    }

    /// Sends a request as it is.
    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.expect("an answer");
        let (head, body) = response.into_parts();
        let body = body.collect().await.expect("a body").to_bytes().to_vec();
        Answer { status: head.status.as_u16(), headers: head.headers, body }
    }

    /// Asks as somebody; a path that begins with the prefix's slash is taken as it is.
    pub(crate) async fn ask(&self, caller: Caller, method: &str, path: &str, body: Option<Value>) -> Answer {
        let mut request = Request::builder().method(method).uri(format!("{PREFIX}{path}"));
        if let Some(token) = caller.token() {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let body = match body {
            Some(body) => {
                request = request.header("content-type", "application/json");
                Body::from(body.to_string())
            }
            None => Body::empty(),
        };
        self.send(request.body(body).expect("a request")).await
    }

    pub(crate) async fn get(&self, caller: Caller, path: &str) -> Answer {
        self.ask(caller, "GET", path, None).await
    }

    pub(crate) async fn post(&self, caller: Caller, path: &str, body: Value) -> Answer {
        self.ask(caller, "POST", path, Some(body)).await
    }

    pub(crate) async fn put(&self, caller: Caller, path: &str, body: Value) -> Answer {
        self.ask(caller, "PUT", path, Some(body)).await
    }

    /// Posts text with these headers, as a user.
    pub(crate) async fn post_raw(&self, path: &str, headers: &[(&str, &str)], body: impl Into<Body>) -> Answer {
        let mut request = Request::builder().method("POST").uri(format!("{PREFIX}{path}"));
        request = request.header("authorization", format!("Bearer {USER}"));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request.body(body.into()).expect("a request")).await
    }
}

/// How often each status came.
pub(crate) fn tally(statuses: impl IntoIterator<Item = u16>) -> BTreeMap<u16, usize> {
    statuses.into_iter().fold(BTreeMap::new(), |mut tally, status| {
        *tally.entry(status).or_default() += 1;
        tally
    })
}

pub(crate) const UNAUTHORIZED: u16 = StatusCode::UNAUTHORIZED.as_u16();
