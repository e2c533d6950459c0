//! The catalogue: every ready-made metric, declared once and listed here.

use std::fmt;

use super::group::Group;
use super::{
    auth, billing, build, database, gateway, http, jobs, monitoring, payment, process, realtime, runtime, subscription,
    sync,
};
use crate::metric::{self, Describe};

/// One metric of the catalogue.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct Entry {
    /// The group it belongs to.
    pub group: Group,
    /// Its declaration.
    pub metric: &'static dyn Describe,
    /// The Rust path of the helper that records it, below `watchkeeper::presets`; or, in words, what records it.
    pub helper: &'static str,
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry").field("group", &self.group).field("metric", &self.metric.meta().name).finish()
    }
}

/// Lists metrics with the helper that records them; a helper that does not exist does not compile.
macro_rules! catalogue {
    ($($group:ident {
        $($metric:path => $(by $what:literal)? $(fn $helper:path)?;)+
    })+) => {
        /// Every ready-made metric, by group in the order of [`Group::ALL`].
        ///
        /// ```
        /// use watchkeeper::presets::{CATALOGUE, Group};
        ///
        /// let names = CATALOGUE.iter().filter(|entry| entry.group == Group::Auth).map(|entry| &entry.metric.meta().name);
        /// assert_eq!(names.collect::<Vec<_>>(), ["login_attempts_total", "active_sessions", "registered_users"]);
        /// ```
        pub static CATALOGUE: &[Entry] = &[$($(Entry {
            group: Group::$group,
            metric: &$metric,
            helper: {
                $(let _ = $helper;)?
                concat!($("recorded by ", $what)? $(stringify!($helper))?)
            },
        }),+),+];
    };
}

catalogue! {
    Http {
        http::REQUESTS => by "the HTTP layer";
        http::REQUEST_DURATION => by "the HTTP layer";
        http::REQUESTS_IN_FLIGHT => by "the HTTP layer";
        http::REQUEST_OUTCOMES => by "the HTTP layer";
        http::CONNECTIONS_ACTIVE => fn http::HttpMetrics::track_connection;
        http::REQUEST_BODY_BYTES => by "the HTTP layer";
        http::RESPONSE_BODY_BYTES => by "the HTTP layer";
    }
    Auth {
        auth::LOGIN_ATTEMPTS => fn auth::AuthMetrics::record_login;
        auth::ACTIVE_SESSIONS => fn auth::AuthMetrics::record_active_sessions;
        auth::REGISTERED_USERS => fn auth::AuthMetrics::record_registered_users;
    }
    Subscription {
        subscription::ACTIVE_SUBSCRIPTIONS => fn subscription::SubscriptionMetrics::record_active;
        subscription::SUBSCRIPTION_EVENTS => fn subscription::SubscriptionMetrics::record_event;
    }
    Payment {
        payment::PAYMENTS => fn payment::PaymentMetrics::record_payment;
        payment::REVENUE => fn payment::PaymentMetrics::record_payment;
    }
    Database {
        database::CONNECTIONS_ACTIVE => fn database::DatabaseMetrics::record_pool;
        database::CONNECTION_POOL_SIZE => fn database::DatabaseMetrics::record_pool;
        database::CONNECTIONS_MAX => fn database::DatabaseMetrics::record_pool;
        database::QUERY_DURATION => fn database::DatabaseMetrics::start_query;
        database::SLOW_QUERIES => fn database::DatabaseMetrics::start_query;
        database::OPERATIONS => fn database::DatabaseMetrics::record_operation;
    }
    Gateway {
        gateway::REQUESTS => fn gateway::GatewayMetrics::start_request;
        gateway::REQUEST_DURATION => fn gateway::GatewayMetrics::start_request;
        gateway::REQUESTS_IN_FLIGHT => fn gateway::GatewayMetrics::start_request;
        gateway::RESPONSE_BODY => fn gateway::GatewayMetrics::start_request;
        gateway::RATE_LIMIT_HITS => fn gateway::GatewayMetrics::record_rate_limit_hit;
        gateway::ACTIVE_CONNECTIONS => fn gateway::GatewayMetrics::track_connection;
        gateway::AUTH_FAILURES => fn gateway::GatewayMetrics::record_auth_failure;
        gateway::API_KEY_VALIDATIONS => fn gateway::GatewayMetrics::record_api_key_validation;
        gateway::USAGE_RECORDED => fn gateway::GatewayMetrics::record_usage;
        gateway::USAGE_RECORD_FAILURES => fn gateway::GatewayMetrics::record_usage_failure;
        gateway::KAFKA_PRODUCER_LATENCY => fn gateway::GatewayMetrics::record_kafka_latency;
        gateway::KAFKA_PRODUCER_LAG => fn gateway::GatewayMetrics::record_kafka_lag;
        gateway::CACHE_REQUESTS => fn gateway::GatewayMetrics::record_cache_request;
        gateway::DB_QUERY_DURATION => fn gateway::GatewayMetrics::start_query;
    }
    Billing {
        billing::INVOICE_AMOUNT => fn billing::BillingMetrics::record_invoice_generated;
        billing::INVOICES_GENERATED => fn billing::BillingMetrics::record_invoice_generated;
        billing::INVOICES => fn billing::BillingMetrics::record_invoices;
        billing::MRR => fn billing::BillingMetrics::record_mrr;
        billing::USAGE_AGGREGATION_DURATION => fn billing::BillingMetrics::start_usage_aggregation;
        billing::PDF_GENERATION_DURATION => fn billing::BillingMetrics::start_pdf;
        billing::PDF_GENERATED => fn billing::BillingMetrics::start_pdf;
        billing::STRIPE_CHARGES => fn billing::BillingMetrics::record_stripe_charge;
        billing::EMAILS_SENT => fn billing::BillingMetrics::record_email;
        billing::CRON_RUNS => fn billing::BillingMetrics::start_cron_run;
        billing::S3_UPLOADS => fn billing::BillingMetrics::record_s3_upload;
    }
    Realtime {
        realtime::WEBSOCKET_ACTIVE_CONNECTIONS => fn realtime::RealtimeMetrics::connect_websocket;
        realtime::WEBSOCKET_DISCONNECTIONS => fn realtime::RealtimeMetrics::connect_websocket;
        realtime::WEBSOCKET_EVENTS => fn realtime::RealtimeMetrics::record_websocket_event;
        realtime::SOCKETIO_CONNECTIONS => fn realtime::RealtimeMetrics::track_socketio;
        realtime::MESSAGES_PROCESSED => fn realtime::RealtimeMetrics::record_message;
    }
    Jobs {
        jobs::TASKS_PROCESSED => fn jobs::JobMetrics::start_task;
        jobs::TASK_DURATION => fn jobs::JobMetrics::start_task;
        jobs::IMPORT_JOBS => fn jobs::JobMetrics::start_import;
        jobs::IMPORT_FILES_PROCESSED => fn jobs::JobMetrics::record_import_file;
    }
    Sync {
        sync::OPERATIONS => fn sync::SyncMetrics::start_job;
        sync::DURATION => fn sync::SyncMetrics::start_job;
        sync::ACTIVE_SYNCS => fn sync::SyncMetrics::start_job;
        sync::CONFLICTS => fn sync::SyncMetrics::record_conflict;
        sync::INTEGRATION_UP => fn sync::SyncMetrics::record_integration_up;
        sync::INTEGRATION_RETRIES => fn sync::SyncMetrics::record_integration_retry;
        sync::WEBHOOK_DELIVERIES => fn sync::SyncMetrics::record_webhook_delivery;
    }
    Process {
        process::CPU => by "every scrape, on Linux";
        process::RESIDENT_MEMORY => by "every scrape, on Linux";
        process::VIRTUAL_MEMORY => by "every scrape, on Linux";
        process::OPEN_FDS => by "every scrape, on Linux";
        process::MAX_FDS => by "every scrape, on Linux";
        process::THREADS => by "every scrape, on Linux";
        process::START_TIME => by "every scrape, on Linux";
    }
    Runtime {
        runtime::WORKERS => fn runtime::RuntimeMetrics::watch;
        runtime::ALIVE_TASKS => fn runtime::RuntimeMetrics::watch;
        runtime::GLOBAL_QUEUE_DEPTH => fn runtime::RuntimeMetrics::watch;
        runtime::WORKER_BUSY => fn runtime::RuntimeMetrics::watch;
        runtime::EVENT_LOOP_LAG => fn runtime::RuntimeMetrics::watch;
    }
    Build {
        build::BUILD_INFO => fn build::BuildMetrics::record_service;
    }
    Monitoring {
        monitoring::EVENTS => fn monitoring::MonitoringMetrics::record_event;
        monitoring::SAMPLES => fn monitoring::MonitoringMetrics::record_samples;
        monitoring::ACTIVE_ALERTS => fn monitoring::MonitoringMetrics::record_active_alerts;
        monitoring::OPEN_INCIDENTS => fn monitoring::MonitoringMetrics::record_open_incidents;
        monitoring::QUEUE_BYTES => fn monitoring::MonitoringMetrics::record_queue_bytes;
        monitoring::DROPPED => fn monitoring::MonitoringMetrics::record_dropped_so_far;
        monitoring::WRITE_DURATION => fn monitoring::MonitoringMetrics::record_write;
        monitoring::HEALTH_CHECK_UP => fn monitoring::MonitoringMetrics::record_health_check;
        monitoring::TASK_RUNS => fn monitoring::MonitoringMetrics::start_task_run;
        monitoring::TASK_DURATION => fn monitoring::MonitoringMetrics::start_task_run;
        monitoring::RULE_EVALUATIONS => fn monitoring::MonitoringMetrics::start_rule_evaluation;
        monitoring::RULE_EVALUATION_DURATION => fn monitoring::MonitoringMetrics::start_rule_evaluation;
        monitoring::RULE_EVALUATION_LAG => fn monitoring::MonitoringMetrics::record_rule_lag;
        monitoring::RULE_EVALUATIONS_MISSED => fn monitoring::MonitoringMetrics::record_rule_lag;
        metric::LABEL_OVERFLOW => by "the registry";
        metric::INVALID_OBSERVATIONS => by "the registry";
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::metric::{Format, INVALID_OBSERVATIONS, Kind, LABEL_OVERFLOW, Meta, Registry};
    use crate::presets::Presets;

    fn metas(group: Group) -> impl Iterator<Item = &'static Meta> {
        CATALOGUE.iter().filter(move |entry| entry.group == group).map(|entry| entry.metric.meta())
    }

    /// Registers a group in a registry of its own, and with it what the HTTP layer would register.
    fn scrape(group: Group) -> String {
        let presets = Presets::with_groups(Registry::new(), &[group]).unwrap();
        if group == Group::Http {
            metas(group).for_each(|meta| drop(presets.registry().family(meta).unwrap()));
        }
        presets.registry().render(Format::Text)
    }

    /// Returns every way to give a metric's closed labels their values; none when a label is open.
    fn closed_series(meta: &Meta) -> Vec<String> {
        let start = if meta.labels.is_empty() { vec![] } else { vec![String::new()] };
        meta.labels.iter().fold(start, |series, label| {
            let values = label.values.unwrap_or_default();
            let with = |text: &String, value| {
                format!("{text}{}{}=\"{value}\"", if text.is_empty() { "" } else { "," }, label.name)
            };
            series.iter().flat_map(|text| values.iter().map(move |value| with(text, value))).collect()
        })
    }

    #[test]
    fn no_name_is_listed_twice_and_every_group_has_a_metric() {
        let names: BTreeSet<_> = CATALOGUE.iter().map(|entry| &entry.metric.meta().name).collect();
        assert_eq!(names.len(), CATALOGUE.len());
        let groups: Vec<_> = CATALOGUE.iter().map(|entry| entry.group).collect();
        assert!(groups.is_sorted(), "groups stand in the order of the reference");
        assert_eq!(groups.into_iter().collect::<BTreeSet<_>>(), Group::ALL.iter().copied().collect());
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn a_group_exports_what_the_catalogue_lists_and_nothing_else() {
        for &group in Group::ALL {
            let scrape = scrape(group);
            let exported: BTreeSet<_> = scrape.lines().filter(|line| line.starts_with("# TYPE ")).collect();
            let has_open = metas(group).any(|meta| meta.labels.iter().any(|label| label.values.is_none()));
            let has_histogram = metas(group).any(|meta| meta.kind == Kind::Histogram);
            let losses = metas(Group::Monitoring).filter(|meta| {
                (meta.name == LABEL_OVERFLOW.name() && has_open)
                    || (meta.name == INVALID_OBSERVATIONS.name() && has_histogram)
            });
            let listed: Vec<_> = (metas(group).chain(losses))
                .map(|meta| format!("# TYPE {} {}", meta.name, meta.kind.as_str()))
                .collect();
            assert_eq!(exported, listed.iter().map(String::as_str).collect(), "{group}");
        }
    }

    #[tokio::test]
    async fn every_value_of_a_closed_label_is_exported_from_zero() {
        let mut seen = 0;
        for &group in Group::ALL {
            let scrape = scrape(group);
            for meta in metas(group).filter(|meta| !meta.on_demand) {
                for labels in closed_series(meta) {
                    let suffix = if meta.buckets.is_empty() { "" } else { "_count" };
                    let line = format!("{}{suffix}{{{labels}}} 0", meta.name);
                    assert!(scrape.lines().any(|exported| exported == line), "{line} is not in\n{scrape}");
                    seen += 1;
                }
            }
        }
        assert!(seen > 50, "{seen} series");
    }
}
