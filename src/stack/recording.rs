//! The shipped recordings: what panels ask for again and again, and what would be costly over long ranges.

use super::rule::{Group, Record, RuleFile};
use crate::presets::{database, gateway, http};
use crate::promql::{Expr, mean, quantile, rate, select, share};

/// Requests per second, by service.
pub fn request_rate() -> Record {
    Record::new("service:http_requests:rate5m", rate(&http::REQUESTS, "5m").sum_by(&["service"]))
}

/// Requests per second, by service, method and route.
pub fn request_rate_by_path() -> Record {
    Record::new("service_path:http_requests:rate5m", rate(&http::REQUESTS, "5m").sum_by(&["method", "path", "service"]))
}

/// The share of requests answered with 5xx, by service.
pub fn error_ratio() -> Record {
    let failed = select(&http::REQUESTS).matching("status", "5..");
    Record::new("service:http_errors:ratio_rate5m", share(failed, &http::REQUESTS, "5m", &["service"]))
}

/// The 95th percentile of requests in seconds, by service.
pub fn request_p95() -> Record {
    let p95 = quantile(0.95, &http::REQUEST_DURATION, "5m", &["service"]);
    Record::new("service:http_request_duration_seconds:p95_rate5m", p95)
}

/// The 95th percentile of requests in seconds, by service and route.
pub fn request_p95_by_path() -> Record {
    let p95 = quantile(0.95, &http::REQUEST_DURATION, "5m", &["path", "service"]);
    Record::new("service_path:http_request_duration_seconds:p95_rate5m", p95)
}

/// The 95th percentile of requests through the gateway in seconds, by route.
pub fn gateway_p95_by_path() -> Record {
    let p95 = quantile(0.95, &gateway::REQUEST_DURATION, "5m", &["path", "service"]);
    Record::new("service_path:gateway_request_duration_seconds:p95_rate5m", p95)
}

/// The 99th percentile of requests through the gateway in seconds, by route.
pub fn gateway_p99_by_path() -> Record {
    let p99 = quantile(0.99, &gateway::REQUEST_DURATION, "5m", &["path", "service"]);
    Record::new("service_path:gateway_request_duration_seconds:p99_rate5m", p99)
}

/// The mean size of the gateway's response bodies in bytes, by service.
pub fn gateway_body_mean() -> Record {
    Record::new("service:gateway_response_body_bytes:mean_rate5m", mean(&gateway::RESPONSE_BODY, "5m", &["service"]))
}

/// The 95th percentile of database queries in seconds, by service and type of query.
pub fn query_p95() -> Record {
    let p95 = quantile(0.95, &database::QUERY_DURATION, "5m", &["query_type", "service"]);
    Record::new("service_query:db_query_duration_seconds:p95_rate5m", p95)
}

/// The share of a service's database connections that are in use, by target.
pub fn pool_use() -> Record {
    Record::new(
        "instance:db_connections:use_ratio",
        Expr::from(&database::CONNECTIONS_ACTIVE) / &database::CONNECTIONS_MAX,
    )
}

/// The file of all of them.
pub fn file() -> RuleFile {
    let records = [
        request_rate(),
        request_rate_by_path(),
        error_ratio(),
        request_p95(),
        request_p95_by_path(),
        gateway_p95_by_path(),
        gateway_p99_by_path(),
        gateway_body_mean(),
        query_p95(),
        pool_use(),
    ];
    RuleFile::new([records.into_iter().fold(Group::new("panels"), Group::record)])
}
