//! Jobs: what Prometheus scrapes, how often, and which service it belongs to.

use std::time::Duration;

/// A group of targets that Prometheus scrapes alike.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Job {
    /// The value of the label `job`.
    pub name: String,
    /// The value of the label `service`; the name by default.
    pub service: String,
    /// Host and port of each target.
    pub targets: Vec<String>,
    /// The path that is scraped; `/metrics` by default.
    pub path: String,
    /// How often it is scraped; every 15 s by default.
    pub every: Duration,
    /// Whether it is one of the app's own services, whose end is an alert of its own.
    pub is_service: bool,
}

impl Job {
    /// A service of the app's own.
    pub fn service(name: &str, target: &str) -> Self {
        Self {
            name: name.to_owned(),
            service: name.to_owned(),
            targets: vec![target.to_owned()],
            path: "/metrics".to_owned(),
            every: Duration::from_secs(15),
            is_service: true,
        }
    }

    /// An exporter, or another part of the stack.
    pub fn exporter(name: &str, target: &str) -> Self {
        Self { is_service: false, ..Self::service(name, target) }
    }

    /// Sets how often it is scraped.
    #[must_use]
    pub fn every(mut self, every: Duration) -> Self {
        self.every = every;
        self
    }

    /// Sets the value of the label `service`.
    #[must_use]
    pub fn of_service(mut self, service: &str) -> Self {
        service.clone_into(&mut self.service);
        self
    }

    /// Sets the path that is scraped.
    #[must_use]
    pub fn path(mut self, path: &str) -> Self {
        path.clone_into(&mut self.path);
        self
    }

    /// Adds a target.
    #[must_use]
    pub fn target(mut self, target: &str) -> Self {
        self.targets.push(target.to_owned());
        self
    }
}

/// The jobs of the whole stack, as `examples/stack` names them.
pub(super) fn shipped() -> Vec<Job> {
    let seconds = Duration::from_secs;
    vec![
        Job::exporter("prometheus", "localhost:9090"),
        Job::exporter("alertmanager", "alertmanager:9093"),
        Job::service("api", "api:3000"),
        Job::service("gateway", "gateway:3000").every(seconds(10)),
        Job::service("usage-aggregator", "usage-aggregator:3000"),
        Job::service("dashboard-api", "dashboard-api:3000"),
        Job::service("billing", "billing:3000").every(seconds(30)),
        Job::service("tasks", "tasks:3000"),
        Job::service("import", "import:3000"),
        Job::service("realtime", "realtime:3000"),
        Job::service("sync", "sync:3000").every(seconds(5)),
        Job::exporter("traefik", "traefik:8082"),
        Job::exporter("docker", "cadvisor:8080"),
        Job::exporter("node", "node-exporter:9100").every(seconds(30)),
        Job::exporter("postgres", "postgres-exporter:9187").every(seconds(30)),
        Job::exporter("redis", "redis-exporter:9121").every(seconds(30)),
        Job::exporter("kafka", "kafka-exporter:9308").every(seconds(30)),
    ]
}
