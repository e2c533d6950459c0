//! The watch itself, as an app with a store, alerts and tasks would show it.

use std::time::Duration;

use watchkeeper::metric::{HistogramFamily, RegisterError, Registry};
use watchkeeper::presets::gateway::KAFKA_PRODUCER_LATENCY;
use watchkeeper::presets::monitoring::{DropReason, EventType, Sink};
use watchkeeper::presets::{Presets, Status};

use crate::day::Moment;

/// Sinks, and how long one write takes in the middle, in milliseconds.
const SINKS: &[(Sink, u64)] = &[(Sink::Logs, 1), (Sink::Traces, 12), (Sink::Events, 4), (Sink::Samples, 6)];

/// What the watch keeps account of.
#[derive(Debug)]
pub(crate) struct Monitoring {
    dropped: u64,
    latency: HistogramFamily,
}

impl Monitoring {
    pub(crate) fn new(registry: &Registry) -> Result<Self, RegisterError> {
        Ok(Self { dropped: 0, latency: registry.histogram(&KAFKA_PRODUCER_LATENCY)? })
    }

    pub(crate) fn record(&mut self, metrics: &Presets, moment: &mut Moment) {
        let watch = metrics.monitoring();
        for event_type in [EventType::Log, EventType::Log, EventType::Metric, EventType::Trace, EventType::Alert] {
            (0..moment.count(0.3)).for_each(|_| watch.record_event(event_type));
        }
        watch.record_samples(moment.count(20.0) as u64);
        for &(sink, middle) in SINKS {
            let waiting = 1_000.0 * (1 + moment.number_below(20)) as f64 * moment.busy();
            watch.record_queue_bytes(sink, if moment.in_trouble() { 40.0 * waiting } else { waiting } as u64);
            watch.record_write(sink, moment.time(Duration::from_millis(middle)));
            self.dropped += u64::from(moment.in_trouble() && moment.happens(0.1) || moment.is_first());
            watch.record_dropped_so_far(sink, DropReason::Full, self.dropped);
        }
        watch.record_active_alerts(if moment.in_trouble() { 3 } else { 0 });
        watch.record_open_incidents(u64::from(moment.in_trouble()));
        watch.record_health_check("database", true);
        watch.record_health_check("mail", !moment.in_trouble());
        let failing = moment.failing(0.01);
        for task in ["retention", "alert_evaluation"] {
            if moment.happens(0.1) {
                let run = watch.start_task_run(task);
                run.end(if moment.happens(failing) { Status::Error } else { Status::Success });
            }
        }
        if moment.happens(0.3) {
            let lag = Duration::from_millis(if moment.in_trouble() { 900 } else { 4 });
            watch.record_rule_lag(lag, u64::from(moment.in_trouble() && moment.happens(0.1)));
            watch.start_rule_evaluation().end(if moment.happens(failing) { Status::Error } else { Status::Success });
        }
        if moment.is_first() {
            watch.record_rule_lag(Duration::from_millis(4), 1);
        }
        self.lose_a_little(metrics, moment);
    }

    /// Records what cannot be recorded as it is, so that the metrics of losses have something to count.
    fn lose_a_little(&self, metrics: &Presets, moment: &mut Moment) {
        // Names that clients make up are more than the label has room for.
        for _ in 0..if moment.is_first() { 2 * crate::MOST_LABEL_VALUES } else { moment.count(0.1) } {
            metrics.realtime().record_websocket_event(&format!("made-up-{}", moment.number_below(10_000)));
        }
        // A time by a clock that was set back in between.
        if moment.happens(0.005) {
            self.latency.observe((), -1.0);
        }
    }
}
