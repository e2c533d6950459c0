//! Metrics of the watch itself: events, samples, alerts, incidents, and how its own queues, tasks and rules fare.

use std::time::Duration;

use super::jobs::Task;
use super::run::Run;
use super::status::Status;
use crate::metric::{
    CounterDesc, CounterFamily, GaugeDesc, GaugeFamily, Histogram, HistogramDesc, HistogramFamily,
    INVALID_OBSERVATIONS, LABEL_OVERFLOW, Open, RegisterError, Registry, bucket,
};

crate::label_enum! {
    /// What an event reports.
    pub enum EventType: "event_type" {
        /// A log line.
        Log = "log",
        /// A measurement.
        Metric = "metric",
        /// A step of a trace.
        Trace = "trace",
        /// An alert.
        Alert = "alert",
    }
}

crate::label_enum! {
    /// Where the watch sends things, each behind a queue of its own.
    pub enum Sink: "sink" {
        /// Log lines, to their output.
        Logs = "logs",
        /// Errors, to an error tracker that speaks Sentry's protocol.
        Errors = "errors",
        /// Spans, to a collector of traces.
        Traces = "traces",
        /// Events, to the store.
        Events = "events",
        /// Samples, to the store.
        Samples = "samples",
        /// Events and samples, onward to another system.
        Forward = "forward",
        /// Alerts, to whom they notify.
        Alerts = "alerts",
        /// Samples of every metric, to the history in memory; dropped are those that find no room or give way.
        History = "history",
    }
}

crate::label_enum! {
    /// Why something did not arrive at its sink.
    pub enum DropReason: "reason" {
        /// The queue had no room.
        Full = "full",
        /// It is malformed or too large: no sink takes it, however often it is tried.
        Invalid = "invalid",
        /// The sink answered with an error that trying again does not help, or that lasted through every try.
        Failed = "failed",
        /// The sink asked not to be sent any more: a rate limit or a quota.
        Refused = "refused",
        /// It waited for room, or for the sink's answer, as long as it may.
        Timeout = "timeout",
        /// It was still on its way when the watch closed, or came afterwards.
        Shutdown = "shutdown",
        /// It was let fall: a panic, a cancelled call, a process that forked.
        Lost = "lost",
    }
}

crate::open_label! {
    /// The health check's name.
    pub struct Check: "check";
}

/// Counts stored events.
pub const EVENTS: CounterDesc<(EventType,)> =
    CounterDesc::new("monitoring_events_total", "Events that the store has taken, by what they report.");

/// Counts stored samples.
pub const SAMPLES: CounterDesc =
    CounterDesc::new("monitoring_samples_total", "Samples of metrics that the store has taken.");

/// Shows the alerts that fire.
pub const ACTIVE_ALERTS: GaugeDesc = GaugeDesc::new("monitoring_active_alerts", "Alerts that fire now.");

/// Shows the incidents that are not over.
pub const OPEN_INCIDENTS: GaugeDesc =
    GaugeDesc::new("monitoring_open_incidents", "Incidents that are open, under investigation or mitigated now.");

/// Shows how much waits for a sink.
pub const QUEUE_BYTES: GaugeDesc<(Sink,)> =
    GaugeDesc::new("watchkeeper_queue_bytes", "Bytes that wait for a sink or are being written to it, by sink.")
        .on_demand();

/// Counts what did not arrive.
pub const DROPPED: CounterDesc<(Sink, DropReason)> =
    CounterDesc::new("watchkeeper_dropped_total", "Items that did not arrive at their sink, by sink and reason.")
        .on_demand();

/// Measures writes to a sink.
pub const WRITE_DURATION: HistogramDesc<(Sink,)> = HistogramDesc::new(
    "watchkeeper_write_duration_seconds",
    "Time of one write to a sink in seconds, whether it succeeded or not, by sink.",
    bucket::QUERY_SECONDS,
)
.on_demand();

/// Shows how the health checks stand.
pub const HEALTH_CHECK_UP: GaugeDesc<(Open<Check>,)> =
    GaugeDesc::new("watchkeeper_health_check_up", "1 where a health check passed when it last ran, 0 where it failed.");

/// Counts runs of the app's scheduled tasks.
pub const TASK_RUNS: CounterDesc<(Open<Task>, Status)> = CounterDesc::new(
    "watchkeeper_task_runs_total",
    "Runs of scheduled tasks that ended, by task and whether they succeeded.",
);

/// Measures runs of the app's scheduled tasks.
pub const TASK_DURATION: HistogramDesc<(Open<Task>,)> = HistogramDesc::new(
    "watchkeeper_task_duration_seconds",
    "Time of one run of a scheduled task in seconds, by task.",
    bucket::JOB_SECONDS,
);

/// Counts evaluations of alert rules.
pub const RULE_EVALUATIONS: CounterDesc<(Status,)> = CounterDesc::new(
    "watchkeeper_rule_evaluations_total",
    "Evaluations of alert rules that ended, by whether they succeeded.",
);

/// Measures evaluations of alert rules.
pub const RULE_EVALUATION_DURATION: HistogramDesc = HistogramDesc::new(
    "watchkeeper_rule_evaluation_duration_seconds",
    "Time of one evaluation of an alert rule in seconds.",
    bucket::QUERY_SECONDS,
);

/// Shows how late rules are evaluated.
pub const RULE_EVALUATION_LAG: GaugeDesc = GaugeDesc::new(
    "watchkeeper_rule_evaluation_lag_seconds",
    "Time by which the last evaluation of a group of rules began later than it was due, in seconds.",
);

/// Counts evaluations that were passed over.
pub const RULE_EVALUATIONS_MISSED: CounterDesc = CounterDesc::new(
    "watchkeeper_rule_evaluations_missed_total",
    "Evaluations of groups of rules that were due and passed over, since the one before took too long.",
);

/// Records how the watch itself fares. The library calls most of it; an app that keeps alerts or incidents of its own
/// may call the rest.
///
/// ```
/// use watchkeeper::presets::{Presets, Status};
///
/// let metrics = Presets::default();
/// metrics.monitoring().record_health_check("payments", true);
/// metrics.monitoring().start_rule_evaluation().end(Status::Success);
/// ```
#[derive(Debug, Clone)]
pub struct MonitoringMetrics {
    events: CounterFamily<(EventType,)>,
    samples: CounterFamily,
    active_alerts: GaugeFamily,
    open_incidents: GaugeFamily,
    queue_bytes: GaugeFamily<(Sink,)>,
    dropped: CounterFamily<(Sink, DropReason)>,
    write_duration: HistogramFamily<(Sink,)>,
    health_check_up: GaugeFamily<(Open<Check>,)>,
    task_runs: CounterFamily<(Open<Task>, Status)>,
    task_duration: HistogramFamily<(Open<Task>,)>,
    rule_evaluations: CounterFamily<(Status,)>,
    rule_evaluation_duration: HistogramFamily,
    rule_evaluation_lag: GaugeFamily,
    rule_evaluations_missed: CounterFamily,
}

impl MonitoringMetrics {
    /// Registers the group.
    ///
    /// # Errors
    ///
    /// When a name is taken by a metric of another meaning.
    pub fn register(registry: &Registry) -> Result<Self, RegisterError> {
        drop(registry.counter(&LABEL_OVERFLOW)?);
        drop(registry.counter(&INVALID_OBSERVATIONS)?);
        Ok(Self {
            events: registry.counter(&EVENTS)?,
            samples: registry.counter(&SAMPLES)?,
            active_alerts: registry.gauge(&ACTIVE_ALERTS)?,
            open_incidents: registry.gauge(&OPEN_INCIDENTS)?,
            queue_bytes: registry.gauge(&QUEUE_BYTES)?,
            dropped: registry.counter(&DROPPED)?,
            write_duration: registry.histogram(&WRITE_DURATION)?,
            health_check_up: registry.gauge(&HEALTH_CHECK_UP)?,
            task_runs: registry.counter(&TASK_RUNS)?,
            task_duration: registry.histogram(&TASK_DURATION)?,
            rule_evaluations: registry.counter(&RULE_EVALUATIONS)?,
            rule_evaluation_duration: registry.histogram(&RULE_EVALUATION_DURATION)?,
            rule_evaluation_lag: registry.gauge(&RULE_EVALUATION_LAG)?,
            rule_evaluations_missed: registry.counter(&RULE_EVALUATIONS_MISSED)?,
        })
    }

    /// Counts an event that the store has taken.
    pub fn record_event(&self, event_type: EventType) {
        self.events.inc((event_type,));
    }

    /// Counts samples that the store has taken.
    pub fn record_samples(&self, samples: u64) {
        self.samples.add((), samples);
    }

    /// Says how many alerts fire.
    pub fn record_active_alerts(&self, alerts: u64) {
        self.active_alerts.set((), alerts as f64);
    }

    /// Says how many incidents are not over.
    pub fn record_open_incidents(&self, incidents: u64) {
        self.open_incidents.set((), incidents as f64);
    }

    /// Says how many bytes wait for a sink.
    pub fn record_queue_bytes(&self, sink: Sink, bytes: u64) {
        self.queue_bytes.set((sink,), bytes as f64);
    }

    /// Raises the count of what did not arrive to the total that a sink's own account keeps; a lower total changes
    /// nothing.
    pub fn record_dropped_so_far(&self, sink: Sink, reason: DropReason, total: u64) {
        self.dropped.with((sink, reason)).raise_to(total);
    }

    /// Measures a write to a sink.
    pub fn record_write(&self, sink: Sink, time: Duration) {
        self.write_duration.observe_duration((sink,), time);
    }

    /// Returns the histogram of writes to one sink, to keep where writes come one after the other.
    pub fn writes_to(&self, sink: Sink) -> Histogram {
        self.write_duration.with((sink,))
    }

    /// Says how a health check ended.
    pub fn record_health_check(&self, check: &str, up: bool) {
        self.health_check_up.set((check,), f64::from(u8::from(up)));
    }

    /// Starts a run of a scheduled task; dropping the guard before it succeeded counts an error.
    pub fn start_task_run(&self, task: &str) -> Run {
        let [success, error] = [Status::Success, Status::Error].map(|status| self.task_runs.with((task, status)));
        Run::start(success, error).measured(self.task_duration.with((task,)))
    }

    /// Records a run of a scheduled task that was timed elsewhere.
    pub fn record_task_run(&self, task: &str, status: Status, time: Duration) {
        self.task_runs.inc((task, status));
        self.task_duration.observe_duration((task,), time);
    }

    /// Says how late a group of rules is evaluated, and how many of its times were passed over.
    pub fn record_rule_lag(&self, lag: Duration, missed: u64) {
        self.rule_evaluation_lag.set((), lag.as_secs_f64());
        self.rule_evaluations_missed.add((), missed);
    }

    /// Starts the evaluation of an alert rule; dropping the guard before it succeeded counts an error.
    pub fn start_rule_evaluation(&self) -> Run {
        let [success, error] = [Status::Success, Status::Error].map(|status| self.rule_evaluations.with((status,)));
        Run::start(success, error).measured(self.rule_evaluation_duration.with(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metric::Format;

    #[test]
    fn the_watch_shows_what_it_did_and_how_long_it_took() {
        let registry = Registry::new();
        let monitoring = MonitoringMetrics::register(&registry).unwrap();
        monitoring.record_event(EventType::Alert);
        monitoring.record_samples(3);
        monitoring.record_active_alerts(2);
        monitoring.record_open_incidents(1);
        monitoring.record_health_check("payments", false);
        monitoring.start_task_run("sweep").succeed();
        drop(monitoring.start_rule_evaluation());
        let scrape = registry.render(Format::Text);
        for line in [
            "monitoring_events_total{event_type=\"alert\"} 1\n",
            "monitoring_events_total{event_type=\"log\"} 0\n",
            "monitoring_samples_total 3\n",
            "monitoring_active_alerts 2\n",
            "monitoring_open_incidents 1\n",
            "watchkeeper_health_check_up{check=\"payments\"} 0\n",
            "watchkeeper_task_runs_total{task=\"sweep\",status=\"success\"} 1\n",
            "watchkeeper_task_duration_seconds_count{task=\"sweep\"} 1\n",
            "watchkeeper_rule_evaluations_total{status=\"error\"} 1\n",
            "watchkeeper_rule_evaluation_duration_seconds_count 1\n",
        ] {
            assert!(scrape.contains(line), "{line} is not in\n{scrape}");
        }
    }

    #[test]
    fn a_sink_that_an_app_does_not_have_has_no_series() {
        let registry = Registry::new();
        let monitoring = MonitoringMetrics::register(&registry).unwrap();
        monitoring.record_queue_bytes(Sink::Logs, 512);
        monitoring.record_dropped_so_far(Sink::Logs, DropReason::Full, 0);
        monitoring.record_dropped_so_far(Sink::Logs, DropReason::Shutdown, 4);
        monitoring.record_write(Sink::Logs, Duration::from_millis(2));
        let scrape = registry.render(Format::Text);
        let of_sinks: Vec<_> = scrape.lines().filter(|line| line.contains("{sink=") && !line.contains("le=")).collect();
        assert_eq!(
            of_sinks,
            [
                "watchkeeper_dropped_total{sink=\"logs\",reason=\"full\"} 0",
                "watchkeeper_dropped_total{sink=\"logs\",reason=\"shutdown\"} 4",
                "watchkeeper_queue_bytes{sink=\"logs\"} 512",
                "watchkeeper_write_duration_seconds_sum{sink=\"logs\"} 0.002",
                "watchkeeper_write_duration_seconds_count{sink=\"logs\"} 1",
            ]
        );
    }
}
