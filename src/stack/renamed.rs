//! Names that hand-made set-ups use, and the metrics that stand in their place here.

use crate::metric::Describe;
use crate::presets::{
    auth, billing, database, gateway, http, jobs, monitoring, payment, process, realtime, runtime, subscription, sync,
};

/// One row of the table for a reader who comes from another set-up.
pub(super) struct Renamed {
    pub(super) elsewhere: &'static [&'static str],
    pub(super) metric: &'static dyn Describe,
    /// The labels that matter for the row, as a selector shows them.
    pub(super) labels: &'static str,
    pub(super) why: &'static str,
}

macro_rules! renamed {
    ($($($elsewhere:literal),+ => $metric:path, $labels:literal, $why:literal;)+) => {
        /// The rows, in the order of the catalogue.
        pub(super) static RENAMED: &[Renamed] = &[$(Renamed {
            elsewhere: &[$($elsewhere),+],
            metric: &$metric,
            labels: $labels,
            why: $why,
        }),+];
    };
}

renamed! {
    "http_requests_total{endpoint}" => http::REQUESTS, "{path}", "the route's template, under the label `path`";
    "http_request_duration_ms", "http_request_duration_milliseconds" => http::REQUEST_DURATION, "", "seconds";
    "http_request_errors_total" => http::REQUESTS, "{status=~\"5..\"}", "errors are requests, told by their status";
    "http_active_requests" => http::REQUESTS_IN_FLIGHT, "", "named after what it counts";
    "active_connections" => http::CONNECTIONS_ACTIVE, "{kind}", "one gauge, with the kind of connection";
    "http_response_size_bytes" => http::RESPONSE_BODY_BYTES, "", "the body alone, as it was sent";
    "login_success_total", "login_failures_total" => auth::LOGIN_ATTEMPTS, "{result}", "one counter with the result";
    "users_total" => auth::REGISTERED_USERS, "", "a gauge does not end in `_total`";
    "subscriptions_created_total", "subscriptions_cancelled_total" =>
        subscription::SUBSCRIPTION_EVENTS, "{event}", "one counter with the event";
    "payment_success_total", "payment_failures_total" => payment::PAYMENTS, "{status}", "one counter with the status";
    "revenue_total", "revenue_dollars_total" => payment::REVENUE, "", "whole cents, so that nothing is rounded";
    "db_pool_active", "database_connections_active" => database::CONNECTIONS_ACTIVE, "", "connections in use";
    "db_query_duration_ms" => database::QUERY_DURATION, "", "seconds";
    "db_queries_total" => database::OPERATIONS, "{operation,table,status}", "with table and status";
    "gateway_requests_total{endpoint}" => gateway::REQUESTS, "{path}", "the route's template, under the label `path`";
    "gateway_request_duration_ms" => gateway::REQUEST_DURATION, "", "seconds";
    "gateway_concurrent_requests" => gateway::REQUESTS_IN_FLIGHT, "", "named after what it counts";
    "gateway_response_size_bytes" => gateway::RESPONSE_BODY, "", "the body alone";
    "gateway_kafka_producer_latency_ms" => gateway::KAFKA_PRODUCER_LATENCY, "", "seconds";
    "gateway_kafka_producer_lag" => gateway::KAFKA_PRODUCER_LAG, "", "the unit is in the name";
    "gateway_cache_hits_total", "gateway_cache_misses_total" =>
        gateway::CACHE_REQUESTS, "{result}", "one counter, so that the hit rate is a division of its own series";
    "gateway_db_query_duration_ms" => gateway::DB_QUERY_DURATION, "", "seconds";
    "billing_invoice_amount_total" => billing::INVOICE_AMOUNT, "", "whole cents";
    "billing_invoices_success_total", "billing_invoices_failed_total" =>
        billing::INVOICES_GENERATED, "{status}", "one counter with the status";
    "billing_mrr", "billing_mrr_dollars" => billing::MRR, "", "whole cents";
    "billing_usage_aggregation_duration_ms" => billing::USAGE_AGGREGATION_DURATION, "", "seconds";
    "billing_pdf_generation_duration_ms" => billing::PDF_GENERATION_DURATION, "", "seconds";
    "billing_cron_success_total", "billing_cron_failures_total" =>
        billing::CRON_RUNS, "{task,status}", "one counter with task and status";
    "websocket_connections", "ws_connections_active" => realtime::WEBSOCKET_ACTIVE_CONNECTIONS, "", "another name";
    "websocket_disconnects" => realtime::WEBSOCKET_DISCONNECTIONS, "{reason}", "`_total`, with the reason";
    "messages_processed" => realtime::MESSAGES_PROCESSED, "{kind}", "`_total`, with the kind";
    "task_duration_ms" => jobs::TASK_DURATION, "", "seconds; `task` and not `job`, which is the target's label";
    "tasks_failed_total" => jobs::TASKS_PROCESSED, "{status=\"error\"}", "one counter with the status";
    "sync_success_total", "sync_errors_total" => sync::OPERATIONS, "{status}", "one counter with the status";
    "sync_duration_ms" => sync::DURATION, "", "seconds";
    "sync_conflicts_detected", "sync_conflicts_resolved" => sync::CONFLICTS, "{outcome}", "one counter with the outcome";
    "integration_status", "integration_health" => sync::INTEGRATION_UP, "", "1 or 0";
    "cpu_usage_percent", "process_cpu_usage" => process::CPU, "", "a counter: its rate is the cores in use";
    "memory_usage_mb" => process::RESIDENT_MEMORY, "", "bytes";
    "process_uptime_seconds" => process::START_TIME, "", "the start: `time()` minus it is the uptime";
    "event_loop_lag_ms", "nodejs_eventloop_lag_seconds" =>
        runtime::EVENT_LOOP_LAG, "", "a distribution in seconds, for quantiles";
    "monitoring_total_events" => monitoring::EVENTS, "{event_type}", "counters end in `_total`";
    "monitoring_total_metrics" => monitoring::SAMPLES, "", "counters end in `_total`";
}
