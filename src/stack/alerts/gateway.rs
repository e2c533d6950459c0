//! Alerts on the gateway: latency, limits, keys, cache, Kafka.

use crate::presets::gateway::{AUTH_FAILURES, CACHE_REQUESTS, KAFKA_PRODUCER_LAG, RATE_LIMIT_HITS, REQUEST_DURATION};
use crate::promql::{self, Expr, select};
use crate::stack::rule::{Alert, Group};
use crate::stack::settings::Settings;

const BY: [&str; 2] = ["job", "service"];

pub(super) fn group(settings: &Settings) -> Group {
    let limits = &settings.limits;
    let hits = select(&CACHE_REQUESTS).eq("result", "hit");
    Group::new("gateway")
        .alert(
            Alert::critical(
                "HighRequestLatency",
                promql::quantile(0.95, &REQUEST_DURATION, "5m", &BY).gt(limits.high_request_latency.value),
            )
            .pending(&limits.high_request_latency.pending)
            .summary("The gateway is slow")
            .description(
                "One request through {{ $labels.job }} in twenty takes longer than {{ $value | humanizeDuration }}.",
            ),
        )
        .alert(
            Alert::critical("KafkaProducerLag", Expr::from(&KAFKA_PRODUCER_LAG).gt(limits.kafka_producer_lag.value))
                .pending(&limits.kafka_producer_lag.pending)
                .summary("Messages to Kafka pile up")
                .description("{{ $value }} messages of {{ $labels.instance }} wait for Kafka to acknowledge them."),
        )
        .alert(
            Alert::warning(
                "RateLimitSpike",
                promql::rate(&RATE_LIMIT_HITS, "5m").sum_by(&BY).gt(limits.rate_limit_spike.value),
            )
            .pending(&limits.rate_limit_spike.pending)
            .summary("Many requests are over a limit")
            .description("{{ $labels.job }} turns away {{ $value | humanize }} requests a second."),
        )
        .alert(
            Alert::warning(
                "CacheMissRate",
                promql::share(hits, &CACHE_REQUESTS, "5m", &["cache", "job", "service"])
                    .lt(limits.cache_hit_rate.value),
            )
            .pending(&limits.cache_hit_rate.pending)
            .summary("The cache {{ $labels.cache }} misses too often")
            .description(
                "Only {{ $value | humanizePercentage }} of the look-ups of {{ $labels.job }} find their entry.",
            ),
        )
        .alert(
            Alert::warning(
                "AuthenticationFailures",
                (promql::rate(&AUTH_FAILURES, "5m").sum_by(&BY) * 60.0).gt(limits.authentication_failures.value),
            )
            .pending(&limits.authentication_failures.pending)
            .summary("Many requests are not let in")
            .description(
                "{{ $labels.job }} refuses {{ $value | humanize }} requests a minute for want of a valid key.",
            ),
        )
}
