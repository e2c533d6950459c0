//! Every ready-made metric at once, as promtool and another library's parsers read it.

#[path = "support/mod.rs"]
mod support;

use std::collections::BTreeMap;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use http::{Request, StatusCode};
use support::judges::{Format, Scrape, assert_promtool_has_no_complaint, parse_scrape};
use tower::ServiceExt;
use watchkeeper::metric::Kind;
use watchkeeper::presets::auth::LoginResult;
use watchkeeper::presets::billing::InvoiceStatus;
use watchkeeper::presets::database::{Operation, QueryType};
use watchkeeper::presets::gateway::{self, AuthFailure, CacheResult, KeyValidation};
use watchkeeper::presets::monitoring::{DropReason, EventType, Sink};
use watchkeeper::presets::payment::PaymentStatus;
use watchkeeper::presets::subscription::SubscriptionEvent;
use watchkeeper::presets::sync::ConflictOutcome;
use watchkeeper::presets::{CATALOGUE, Group, Presets, Status, http as served};
use watchkeeper::{Watchkeeper, service_info};

const A_MOMENT: Duration = Duration::from_millis(120);

/// Records something in every metric that the app records, one by one; what it holds open is closed at the end.
fn record_everything(metrics: &Presets) {
    drop(metrics.http().track_connection(served::ConnectionKind::Websocket));

    metrics.auth().record_login(LoginResult::RateLimited);
    metrics.auth().record_active_sessions(2);
    metrics.auth().record_registered_users(3);

    metrics.subscription().record_event(SubscriptionEvent::Created);
    metrics.subscription().record_active(1);

    metrics.payment().record_payment(PaymentStatus::Succeeded, 1_999);

    metrics.database().record_pool(1, 2, 10);
    metrics.database().record_query(QueryType::Select, Duration::from_secs(3));
    metrics.database().record_operation(Operation::Insert, "orders", Status::Success);

    let gateway = metrics.gateway();
    gateway.start_request(served::Method::Get, "/orders/{id}").finish(StatusCode::OK, 1_024);
    gateway.record_rate_limit_hit("acme", "per_minute");
    drop(gateway.track_connection("acme", gateway::ConnectionKind::Websocket));
    gateway.record_auth_failure(AuthFailure::ExpiredKey);
    gateway.record_api_key_validation(KeyValidation::Expired);
    gateway.record_usage("acme", "requests");
    gateway.record_usage_failure();
    gateway.record_kafka_latency(A_MOMENT);
    gateway.record_kafka_lag(7);
    gateway.record_cache_request("api_keys", CacheResult::Hit);
    gateway.record_query(QueryType::Select, A_MOMENT);

    let billing = metrics.billing();
    billing.record_invoice_generated("acme", 49_900);
    billing.record_invoices(InvoiceStatus::Open, 4);
    billing.record_mrr(1_000_000);
    billing.record_usage_aggregation(A_MOMENT);
    billing.record_pdf(Status::Success, A_MOMENT);
    billing.record_stripe_charge(Status::Success);
    billing.record_email(Status::Error);
    billing.record_cron_run("invoices", Status::Success);
    billing.record_s3_upload(Status::Success);

    let realtime = metrics.realtime();
    drop(realtime.connect_websocket());
    realtime.record_websocket_event("moved");
    drop(realtime.track_socketio());
    realtime.record_message("scan");

    metrics.jobs().record_task("stocktaking", Status::Success, A_MOMENT);
    metrics.jobs().record_import(Status::Success);
    metrics.jobs().record_import_file(Status::Error);

    let sync = metrics.sync();
    drop(sync.start_job("crm", "shop"));
    sync.record_conflict(ConflictOutcome::Resolved);
    sync.record_integration_up("crm", true);
    sync.record_integration_retry("crm");
    sync.record_webhook_delivery(Status::Success);

    let monitoring = metrics.monitoring();
    monitoring.record_event(EventType::Log);
    monitoring.record_samples(2);
    monitoring.record_active_alerts(1);
    monitoring.record_open_incidents(1);
    monitoring.record_queue_bytes(Sink::Forward, 4_096);
    monitoring.record_dropped_so_far(Sink::Forward, DropReason::Refused, 3);
    monitoring.record_write(Sink::Forward, A_MOMENT);
    monitoring.record_health_check("payments", true);
    monitoring.start_task_run("stocktaking").succeed();
    monitoring.start_rule_evaluation().succeed();
}

/// An app in which something of everything has happened: the scrape in both formats.
async fn scrapes() -> (String, String) {
    let watch = Watchkeeper::builder(service_info!()).groups(Group::ALL).build().expect("an empty registry");
    record_everything(watch.metrics());
    let shop = Router::new().route("/orders/{id}", get(|| async { "an order" })).layer(watch.http_layer());
    for uri in ["/orders/7", "/nowhere"] {
        let request = Request::builder().uri(uri).body(Body::empty()).expect("a request");
        let Ok(_) = shop.clone().oneshot(request).await;
    }
    let render = |format| watch.registry().render(format);
    (render(watchkeeper::metric::Format::Text), render(watchkeeper::metric::Format::OpenMetrics))
}

/// Leaves out what moves by itself between two scrapes: CPU time, memory, the runtime's own figures.
fn at_rest(mut scrape: Scrape) -> Scrape {
    scrape.samples.retain(|sample| !sample.name.starts_with("process_") && !sample.name.starts_with("tokio_"));
    for sample in &mut scrape.samples {
        // Only OpenMetrics has them.
        sample.exemplar = None;
    }
    scrape
}

#[tokio::test]
async fn promtool_has_no_complaint_about_any_of_them() {
    let (text, _) = scrapes().await;

    assert_promtool_has_no_complaint(&text);
}

#[tokio::test]
async fn both_formats_say_the_same_of_all_of_them() {
    let (text, openmetrics) = scrapes().await;

    let text = at_rest(parse_scrape(Format::Text, &text));
    let openmetrics = at_rest(parse_scrape(Format::OpenMetrics, &openmetrics));
    assert_eq!(text.samples, openmetrics.samples);
}

#[tokio::test]
async fn each_of_them_is_scraped_with_the_type_the_help_and_the_labels_of_its_declaration() {
    let (_, openmetrics) = scrapes().await;

    let scrape = parse_scrape(Format::OpenMetrics, &openmetrics);
    let mut faults = Vec::new();
    for entry in CATALOGUE {
        let meta = entry.metric.meta();
        let family = meta.name.strip_suffix("_total").unwrap_or(&meta.name);
        let kind = match meta.kind {
            Kind::Counter => "counter",
            Kind::Histogram => "histogram",
            _ => "gauge",
        };
        let sample = if meta.kind == Kind::Histogram { format!("{family}_count") } else { meta.name.to_string() };
        let found = scrape.families.get(family).map(|family| (family.kind.as_str(), family.help.as_str()));
        let labels: BTreeMap<&str, ()> = meta.labels.iter().map(|label| (label.name, ())).collect();
        let sample = scrape.samples.iter().find(|found| found.name == sample);
        let scraped = sample.map(|sample| sample.labels.keys().map(|name| (name.as_str(), ())).collect());
        if found != Some((kind, &*meta.help)) || scraped != Some(labels) {
            faults.push(format!("{}: {found:?}, {sample:?}", meta.name));
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}
