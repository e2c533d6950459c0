//! Metrics of an API gateway: forwarded requests, keys, limits, caches, usage records.

mod label;
mod request;

use std::sync::Arc;
use std::time::Duration;

use ::http::StatusCode;

use super::database::QueryType;
use super::http::{Method, Path, Status};
use crate::metric::{
    CounterDesc, CounterFamily, GaugeDesc, GaugeFamily, HistogramDesc, HistogramFamily, Open, RegisterError, Registry,
    Timer, Tracked, UpDownDesc, UpDownFamily, bucket,
};

pub use label::{AuthFailure, Cache, CacheResult, ConnectionKind, KeyValidation, Limit, Organization, UsageKind};
use request::Answered;
pub use request::GatewayRequest;

/// Counts answered requests.
pub const REQUESTS: CounterDesc<(Method, Open<Path>, Open<Status>)> = CounterDesc::new(
    "gateway_requests_total",
    "Requests that the gateway answered, by method, route and status; 499 where the client left before the answer.",
);

/// Measures requests.
pub const REQUEST_DURATION: HistogramDesc<(Method, Open<Path>)> = HistogramDesc::new(
    "gateway_request_duration_seconds",
    "Time of a request through the gateway in seconds, by method and route.",
    bucket::REQUEST_SECONDS,
);

/// Counts the requests under way.
pub const REQUESTS_IN_FLIGHT: UpDownDesc =
    UpDownDesc::new("gateway_requests_in_flight", "Requests that the gateway has not answered yet.");

/// Measures response bodies.
pub const RESPONSE_BODY: HistogramDesc<(Open<Path>,)> = HistogramDesc::new(
    "gateway_response_body_bytes",
    "Size of the gateway's response bodies in bytes, by route.",
    bucket::BODY_BYTES,
);

/// Counts requests over a limit.
pub const RATE_LIMIT_HITS: CounterDesc<(Open<Organization>, Open<Limit>)> = CounterDesc::new(
    "gateway_rate_limit_hits_total",
    "Requests turned away because a limit was reached, by organization and limit.",
);

/// Counts the open connections.
pub const ACTIVE_CONNECTIONS: UpDownDesc<(Open<Organization>, ConnectionKind)> =
    UpDownDesc::new("gateway_active_connections", "Connections open to the gateway, by organization and kind.");

/// Counts requests that were not let in.
pub const AUTH_FAILURES: CounterDesc<(AuthFailure,)> =
    CounterDesc::new("gateway_auth_failures_total", "Requests that were not let in, by reason.");

/// Counts checks of API keys.
pub const API_KEY_VALIDATIONS: CounterDesc<(KeyValidation,)> =
    CounterDesc::new("gateway_api_key_validations_total", "API keys that were checked, by result.");

/// Counts usage records written.
pub const USAGE_RECORDED: CounterDesc<(Open<Organization>, Open<UsageKind>)> = CounterDesc::new(
    "gateway_usage_recorded_total",
    "Usage records that were written, by organization and kind of usage.",
);

/// Counts usage records lost.
pub const USAGE_RECORD_FAILURES: CounterDesc =
    CounterDesc::new("gateway_usage_record_failures_total", "Usage records that could not be written.");

/// Measures messages to Kafka.
pub const KAFKA_PRODUCER_LATENCY: HistogramDesc = HistogramDesc::new(
    "gateway_kafka_producer_latency_seconds",
    "Time until Kafka acknowledged a message, in seconds.",
    bucket::MESSAGE_SECONDS,
);

/// Shows the messages that wait for Kafka.
pub const KAFKA_PRODUCER_LAG: GaugeDesc = GaugeDesc::new(
    "gateway_kafka_producer_lag_messages",
    "Messages that were handed to the producer and not acknowledged by Kafka yet.",
);

/// Counts looks into a cache.
pub const CACHE_REQUESTS: CounterDesc<(Open<Cache>, CacheResult)> =
    CounterDesc::new("gateway_cache_requests_total", "Looks into a cache, by cache and whether the entry was there.");

/// Measures the gateway's own queries.
pub const DB_QUERY_DURATION: HistogramDesc<(QueryType,)> = HistogramDesc::new(
    "gateway_db_query_duration_seconds",
    "Time of the gateway's own database queries in seconds, by type of query.",
    bucket::QUERY_SECONDS,
);

/// Records what an API gateway does.
///
/// ```
/// use http::StatusCode;
/// use watchkeeper::presets::Presets;
/// use watchkeeper::presets::gateway::{CacheResult, KeyValidation};
/// use watchkeeper::presets::http::Method;
///
/// let metrics = Presets::default();
/// let gateway = metrics.gateway();
/// let request = gateway.start_request(Method::Get, "/orders/{id}");
/// gateway.record_api_key_validation(KeyValidation::Valid);
/// gateway.record_cache_request("api_keys", CacheResult::Hit);
/// request.finish(StatusCode::OK, 1_024);
/// ```
#[derive(Debug, Clone)]
pub struct GatewayMetrics {
    answered: Arc<Answered>,
    requests_in_flight: UpDownFamily,
    rate_limit_hits: CounterFamily<(Open<Organization>, Open<Limit>)>,
    active_connections: UpDownFamily<(Open<Organization>, ConnectionKind)>,
    auth_failures: CounterFamily<(AuthFailure,)>,
    api_key_validations: CounterFamily<(KeyValidation,)>,
    usage_recorded: CounterFamily<(Open<Organization>, Open<UsageKind>)>,
    usage_record_failures: CounterFamily,
    kafka_producer_latency: HistogramFamily,
    kafka_producer_lag: GaugeFamily,
    cache_requests: CounterFamily<(Open<Cache>, CacheResult)>,
    db_query_duration: HistogramFamily<(QueryType,)>,
}

impl GatewayMetrics {
    /// Registers the group.
    ///
    /// # Errors
    ///
    /// When a name is taken by a metric of another meaning.
    pub fn register(registry: &Registry) -> Result<Self, RegisterError> {
        Ok(Self {
            answered: Arc::new(Answered::register(registry)?),
            requests_in_flight: registry.up_down(&REQUESTS_IN_FLIGHT)?,
            rate_limit_hits: registry.counter(&RATE_LIMIT_HITS)?,
            active_connections: registry.up_down(&ACTIVE_CONNECTIONS)?,
            auth_failures: registry.counter(&AUTH_FAILURES)?,
            api_key_validations: registry.counter(&API_KEY_VALIDATIONS)?,
            usage_recorded: registry.counter(&USAGE_RECORDED)?,
            usage_record_failures: registry.counter(&USAGE_RECORD_FAILURES)?,
            kafka_producer_latency: registry.histogram(&KAFKA_PRODUCER_LATENCY)?,
            kafka_producer_lag: registry.gauge(&KAFKA_PRODUCER_LAG)?,
            cache_requests: registry.counter(&CACHE_REQUESTS)?,
            db_query_duration: registry.histogram(&DB_QUERY_DURATION)?,
        })
    }

    /// Starts a request on a route; the guard counts it as in flight and records it when it ends.
    pub fn start_request(&self, method: Method, path: &str) -> GatewayRequest {
        GatewayRequest::start(Arc::clone(&self.answered), method, path.into(), self.requests_in_flight.track(()))
    }

    /// Records an answered request that was timed elsewhere.
    pub fn record_request(&self, method: Method, path: &str, status: StatusCode, time: Duration, body_bytes: u64) {
        self.answered.record(method, path, status, time, Some(body_bytes));
    }

    /// Counts a request that was turned away because the organization reached a limit.
    pub fn record_rate_limit_hit(&self, organization: &str, limit: &str) {
        self.rate_limit_hits.inc((organization, limit));
    }

    /// Counts a connection as open until the guard is dropped.
    pub fn track_connection(&self, organization: &str, kind: ConnectionKind) -> Tracked {
        self.active_connections.track((organization, kind))
    }

    /// Counts a request that was not let in.
    pub fn record_auth_failure(&self, reason: AuthFailure) {
        self.auth_failures.inc((reason,));
    }

    /// Counts the check of an API key.
    pub fn record_api_key_validation(&self, result: KeyValidation) {
        self.api_key_validations.inc((result,));
    }

    /// Counts a usage record that was written.
    pub fn record_usage(&self, organization: &str, kind: &str) {
        self.usage_recorded.inc((organization, kind));
    }

    /// Counts a usage record that could not be written.
    pub fn record_usage_failure(&self) {
        self.usage_record_failures.inc(());
    }

    /// Records how long Kafka took to acknowledge a message.
    pub fn record_kafka_latency(&self, time: Duration) {
        self.kafka_producer_latency.observe_duration((), time);
    }

    /// Sets how many messages wait for Kafka's acknowledgement.
    pub fn record_kafka_lag(&self, messages: u64) {
        self.kafka_producer_lag.set((), messages as f64);
    }

    /// Counts a look into a cache.
    pub fn record_cache_request(&self, cache: &str, result: CacheResult) {
        self.cache_requests.inc((cache, result));
    }

    /// Starts one of the gateway's own queries; dropping the timer ends and records it.
    pub fn start_query(&self, query_type: QueryType) -> Timer {
        self.db_query_duration.start_timer((query_type,))
    }

    /// Records one of the gateway's own queries that was timed elsewhere.
    pub fn record_query(&self, query_type: QueryType, time: Duration) {
        self.db_query_duration.observe_duration((query_type,), time);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metric::Format;

    #[test]
    fn what_a_gateway_records_is_what_a_scrape_shows() {
        let registry = Registry::new();
        let gateway = GatewayMetrics::register(&registry).unwrap();
        gateway.record_rate_limit_hit("acme", "per_minute");
        let connection = gateway.track_connection("acme", ConnectionKind::Websocket);
        gateway.record_auth_failure(AuthFailure::ExpiredKey);
        gateway.record_api_key_validation(KeyValidation::Expired);
        gateway.record_usage("acme", "api_call");
        gateway.record_usage_failure();
        gateway.record_kafka_latency(Duration::from_millis(20));
        gateway.record_kafka_lag(17);
        gateway.record_cache_request("keys", CacheResult::Miss);
        gateway.record_query(QueryType::Select, Duration::from_millis(25));
        drop(gateway.start_query(QueryType::Insert));
        let scrape = registry.render(Format::Text);
        for line in [
            "gateway_rate_limit_hits_total{organization=\"acme\",limit=\"per_minute\"} 1\n",
            "gateway_active_connections{organization=\"acme\",kind=\"websocket\"} 1\n",
            "gateway_auth_failures_total{reason=\"expired_key\"} 1\n",
            "gateway_api_key_validations_total{result=\"expired\"} 1\n",
            "gateway_usage_recorded_total{organization=\"acme\",kind=\"api_call\"} 1\n",
            "gateway_usage_record_failures_total 1\n",
            "gateway_kafka_producer_latency_seconds_bucket{le=\"0.01\"} 0\n",
            "gateway_kafka_producer_latency_seconds_bucket{le=\"0.025\"} 1\n",
            "gateway_kafka_producer_lag_messages 17\n",
            "gateway_cache_requests_total{cache=\"keys\",result=\"miss\"} 1\n",
            "gateway_cache_requests_total{cache=\"keys\",result=\"hit\"} 0\n",
            "gateway_db_query_duration_seconds_bucket{query_type=\"select\",le=\"0.025\"} 1\n",
            "gateway_db_query_duration_seconds_count{query_type=\"insert\"} 1\n",
        ] {
            assert!(scrape.contains(line), "{line} is not in\n{scrape}");
        }
        drop(connection);
        assert!(registry.render(Format::Text).contains("kind=\"websocket\"} 0\n"));
    }
}
