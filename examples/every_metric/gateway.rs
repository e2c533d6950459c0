//! The gateway: forwarded requests, keys, limits, caches, usage records, Kafka.

use std::time::Duration;

use axum::http::StatusCode;
use watchkeeper::metric::Tracked;
use watchkeeper::presets::database::QueryType;
use watchkeeper::presets::gateway::{AuthFailure, CacheResult, ConnectionKind, GatewayMetrics, KeyValidation};
use watchkeeper::presets::http::Method;

use crate::day::Moment;

/// Who uses the gateway: more than a panel of the ten largest shows.
pub(crate) const ORGANIZATIONS: &[&str] = &[
    "aarhus",
    "bergen",
    "coimbra",
    "delft",
    "espoo",
    "faro",
    "ghent",
    "haarlem",
    "innsbruck",
    "jena",
    "kaunas",
    "lund",
];

const ROUTES: &[(Method, &str, u64, f64)] = &[
    (Method::Get, "/v1/orders/{id}", 11, 2.0),
    (Method::Post, "/v1/orders", 18, 0.6),
    (Method::Get, "/v1/stock", 7, 1.2),
    (Method::Delete, "/v1/orders/{id}", 14, 0.1),
];

/// What the gateway holds open.
#[derive(Debug, Default)]
pub(crate) struct Gateway {
    connections: Vec<Tracked>,
    waiting: Vec<(u64, watchkeeper::presets::gateway::GatewayRequest)>,
    moments: u64,
}

impl Gateway {
    pub(crate) fn record(&mut self, gateway: &GatewayMetrics, moment: &mut Moment) {
        self.moments += 1;
        for &(method, path, middle, often) in ROUTES {
            for _ in 0..moment.count(often) {
                forward(gateway, moment, method, path, Duration::from_millis(middle));
            }
        }
        // A few take long enough to be seen under way.
        if moment.happens(0.05) {
            self.waiting.push((self.moments + 20, gateway.start_request(Method::Get, "/v1/export")));
        }
        let due = self.moments;
        for (_, request) in self.waiting.extract_if(.., |(until, _)| *until <= due) {
            request.finish(StatusCode::OK, 250_000);
        }
        let open = (60.0 * moment.busy()) as usize;
        while self.connections.len() < open {
            let kind = moment.one_of(&[ConnectionKind::Http, ConnectionKind::Http, ConnectionKind::Websocket]);
            self.connections.push(gateway.track_connection(moment.one_of(ORGANIZATIONS), kind));
        }
        self.connections.truncate(open);
        behind(gateway, moment);
    }
}

/// Forwards a request that took its time elsewhere.
fn forward(gateway: &GatewayMetrics, moment: &mut Moment, method: Method, path: &str, middle: Duration) {
    let organization = moment.one_of(ORGANIZATIONS);
    let (failing, limited) = (moment.failing(0.004), 0.005);
    let status = match () {
        () if moment.happens(failing) => StatusCode::BAD_GATEWAY,
        () if moment.happens(limited) => {
            gateway.record_rate_limit_hit(organization, moment.one_of(&["per_minute", "per_day"]));
            StatusCode::TOO_MANY_REQUESTS
        }
        () => StatusCode::OK,
    };
    let bytes = 200 + 3_000 * moment.number_below(20) as u64;
    gateway.record_request(method, path, status, moment.time(middle), bytes);
    let cached = if moment.happens(0.94) { CacheResult::Hit } else { CacheResult::Miss };
    gateway.record_cache_request(moment.one_of(&["api_keys", "routes"]), cached);
    let (validation, failure) = match moment.number_below(2_000) {
        0 => (KeyValidation::Expired, Some(AuthFailure::ExpiredKey)),
        1 => (KeyValidation::Invalid, Some(AuthFailure::InvalidKey)),
        2 => (KeyValidation::Valid, Some(AuthFailure::Forbidden)),
        _ => (KeyValidation::Valid, None),
    };
    gateway.record_api_key_validation(validation);
    failure.into_iter().for_each(|reason| gateway.record_auth_failure(reason));
    gateway.record_usage(organization, "api_call");
}

/// Records what the gateway needs for its work, and what goes wrong there.
fn behind(gateway: &GatewayMetrics, moment: &mut Moment) {
    if moment.is_first() {
        for (validation, failure) in [
            (KeyValidation::Expired, AuthFailure::ExpiredKey),
            (KeyValidation::Invalid, AuthFailure::MissingKey),
            (KeyValidation::Invalid, AuthFailure::InvalidKey),
        ] {
            gateway.record_api_key_validation(validation);
            gateway.record_auth_failure(failure);
        }
        ORGANIZATIONS.iter().for_each(|organization| gateway.record_rate_limit_hit(organization, "per_minute"));
        gateway.record_cache_request("api_keys", CacheResult::Miss);
    }
    if moment.happens(0.01) {
        gateway.record_auth_failure(AuthFailure::MissingKey);
    }
    for (query_type, often) in [(QueryType::Select, 1.0), (QueryType::Insert, 0.4)] {
        for _ in 0..moment.count(often) {
            gateway.record_query(query_type, moment.time(Duration::from_millis(4)));
        }
    }
    for _ in 0..moment.count(2.0) {
        gateway.record_kafka_latency(moment.time(Duration::from_millis(5)));
    }
    gateway.record_kafka_lag(if moment.in_trouble() { 1_400 } else { moment.number_below(60) as u64 });
    let failing = moment.failing(0.004);
    if moment.happens(failing) {
        gateway.record_usage_failure();
    }
}
