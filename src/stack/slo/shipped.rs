//! The shipped objectives.

use super::declaration::Slo;
use crate::presets::{billing, gateway, http};
use crate::promql::{Expr, select};
use crate::stack::exporter::prometheus::UP;

const BY: [&str; 1] = ["service"];

/// Every shipped objective. An app takes those that it keeps.
pub const SHIPPED: &[Slo] = &[
    Slo::latency(
        "gateway-latency",
        "95 % of requests through the gateway take at most 50 ms.",
        0.95,
        const { &gateway::REQUEST_DURATION },
        0.05,
    ),
    Slo::events(
        "gateway-rate-limits",
        "At most 1 % of requests are over a limit.",
        0.99,
        || select(&gateway::RATE_LIMIT_HITS),
        || select(&gateway::REQUESTS),
    ),
    Slo::bound(
        "gateway-connections",
        "For 99.9 % of the time at most 5,000 connections are open.",
        0.999,
        || Expr::from(&gateway::ACTIVE_CONNECTIONS).sum_by(&BY),
        5_000.0,
    ),
    Slo::events(
        "gateway-authentication",
        "At most 0.1 % of requests are refused for their key.",
        0.999,
        || select(&gateway::AUTH_FAILURES),
        || select(&gateway::REQUESTS),
    ),
    Slo::latency(
        "kafka-latency",
        "95 % of messages to Kafka are acknowledged within 25 ms.",
        0.95,
        const { &gateway::KAFKA_PRODUCER_LATENCY },
        0.025,
    ),
    Slo::events(
        "cache-hits",
        "90 % of look-ups find their entry.",
        0.9,
        || select(&gateway::CACHE_REQUESTS).eq("result", "miss"),
        || select(&gateway::CACHE_REQUESTS),
    ),
    Slo::latency(
        "database-latency",
        "95 % of the gateway's queries take at most 25 ms.",
        0.95,
        const { &gateway::DB_QUERY_DURATION },
        0.025,
    ),
    Slo::events(
        "invoices",
        "99 % of invoices are generated.",
        0.99,
        || select(&billing::INVOICES_GENERATED).eq("status", "error"),
        || select(&billing::INVOICES_GENERATED),
    ),
    Slo::latency(
        "usage-aggregation",
        "95 % of aggregations take at most 5 s.",
        0.95,
        const { &billing::USAGE_AGGREGATION_DURATION },
        5.0,
    ),
    Slo::events(
        "pdf",
        "99 % of documents are generated.",
        0.99,
        || select(&billing::PDF_GENERATED).eq("status", "error"),
        || select(&billing::PDF_GENERATED),
    ),
    Slo::events(
        "stripe",
        "95 % of charges succeed.",
        0.95,
        || select(&billing::STRIPE_CHARGES).eq("status", "error"),
        || select(&billing::STRIPE_CHARGES),
    ),
    Slo::events(
        "email",
        "98 % of e-mails are sent.",
        0.98,
        || select(&billing::EMAILS_SENT).eq("status", "error"),
        || select(&billing::EMAILS_SENT),
    ),
    Slo::events(
        "cron",
        "99 % of scheduled runs succeed.",
        0.99,
        || select(&billing::CRON_RUNS).eq("status", "error"),
        || select(&billing::CRON_RUNS),
    ),
    Slo::availability(
        "sync-availability",
        "99.9 % of the time the synchronisation answers without an error of the server: 43 minutes in 30 days.",
        0.999,
        || select(&http::REQUESTS).eq("job", "sync").matching("status", "5.."),
        || select(&http::REQUESTS).eq("job", "sync"),
        || select(&UP).eq("job", "sync"),
    ),
    Slo::latency(
        "api-latency",
        "95 % of requests to the API take at most 200 ms.",
        0.95,
        const { &http::REQUEST_DURATION },
        0.2,
    )
    .of(|requests| requests.eq("job", "api")),
];
