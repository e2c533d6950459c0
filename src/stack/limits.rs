//! Limits: the value at which an alert's condition holds, and for how long it must.

use crate::promql::Window;

/// When an alert fires.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Limit {
    /// The value above or below which the condition holds.
    pub value: f64,
    /// For how long it must hold without a gap.
    pub pending: Window,
}

impl Limit {
    /// Sets both.
    pub fn new(value: f64, pending: impl Into<Window>) -> Self {
        Self { value, pending: pending.into() }
    }
}

/// What tells that a pool of connections is nearly used up.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum PoolLimit {
    /// Less than this share of the pool's limit is free.
    FreeShare(f64),
    /// More connections than this are in use.
    InUse(f64),
}

macro_rules! limits {
    ($($(#[$doc:meta])* $name:ident = $value:literal for $pending:literal;)+) => {
        /// When each shipped alert fires.
        #[derive(Debug, Clone, PartialEq)]
        #[non_exhaustive]
        pub struct Limits {
            $($(#[$doc])* pub $name: Limit,)+
            /// How far back alerts on work in batches look: invoices, documents, e-mails and synchronisations; 1 hour. It must
            /// be longer than what they are pending, or a batch that failed is forgotten before anybody is told.
            pub batch_window: Window,
            /// DatabaseConnectionPoolExhaustion, critical: less than 10 % of the pool is free.
            pub pool: PoolLimit,
            /// For how long the pool must be nearly used up; 5 minutes.
            pub pool_pending: Window,
            /// How many failures an hour PaymentFailureSpike takes to be a spike; 5.
            pub payment_failures: f64,
            /// For how long a service must be down before APIDown or ServiceDown fires; 1 minute.
            pub down: Window,
            /// For how long the synchronisation must be down before APIUnavailable fires; 2 minutes.
            pub sync_down: Window,
            /// For how long the database must be out of reach before DatabaseConnectionIssues fires; 1 minute.
            pub database_down: Window,
            /// For how long any target must be down before TargetDown fires; 5 minutes.
            pub target_down: Window,
        }

        impl Default for Limits {
            fn default() -> Self {
                Self {
                    $($name: Limit::new($value, $pending),)+
                    batch_window: "1h".into(),
                    pool: PoolLimit::FreeShare(0.1),
                    pool_pending: "5m".into(),
                    payment_failures: 5.0,
                    down: "1m".into(),
                    sync_down: "2m".into(),
                    database_down: "1m".into(),
                    target_down: "5m".into(),
                }
            }
        }
    };
}

limits! {
    /// HighErrorRate, critical: share of requests answered with 5xx.
    high_error_rate = 0.05 for "5m";
    /// HighRequestLatency, critical: 95th percentile of the gateway's requests, in seconds.
    high_request_latency = 0.1 for "5m";
    /// InvoiceGenerationFailures, critical: least share of invoices generated.
    invoice_success = 0.95 for "10m";
    /// KafkaProducerLag, critical: messages that wait for Kafka.
    kafka_producer_lag = 1000.0 for "5m";
    /// HighResponseTime, warning: 95th percentile of requests, in seconds.
    high_response_time = 1.0 for "5m";
    /// PaymentFailureSpike, warning: how many times the rate of a day the rate of an hour is.
    payment_failure_spike = 2.0 for "15m";
    /// LowDiskSpace, warning: least share of `/` that is free.
    low_disk_space = 0.1 for "5m";
    /// HighMemoryUsage, warning: share of memory in use.
    high_memory_usage = 0.9 for "5m";
    /// RateLimitSpike, warning: requests turned away per second.
    rate_limit_spike = 100.0 for "5m";
    /// CacheMissRate, warning: least share of look-ups that find their entry.
    cache_hit_rate = 0.7 for "10m";
    /// AuthenticationFailures, warning: refusals per minute.
    authentication_failures = 10.0 for "5m";
    /// PdfGenerationDelays, warning: 95th percentile, in seconds.
    pdf_generation_delay = 5.0 for "5m";
    /// EmailDeliveryIssues, warning: least share of e-mails sent.
    email_success = 0.95 for "10m";
    /// HighScanLatency, warning: 95th percentile of one route, in seconds.
    high_scan_latency = 0.3 for "1m";
    /// WebSocketDisconnectSpike, warning: connections lost in five minutes.
    websocket_disconnects = 10.0 for "1m";
    /// SyncErrorRate, warning: share of synchronisations that fail.
    sync_error_rate = 0.05 for "5m";
    /// SyncLatencyHigh, warning: 95th percentile, in seconds.
    sync_latency = 5.0 for "10m";
}
