//! Settings: what differs from one stack to the next.

use std::time::Duration;

use super::job::{self, Job};
use super::limits::Limits;
use crate::promql::Scope;

/// What differs from one stack to the next: jobs, limits, intervals, addresses.
///
/// ```
/// use std::time::Duration;
/// use watchkeeper::stack::{Job, Limit, Settings, alerts};
///
/// let mut settings = Settings::default();
/// settings.jobs = vec![Job::service("api", "shop:3000"), Job::exporter("node", "node-exporter:9100")];
/// settings.limits.high_error_rate = Limit::new(0.02, "2m");
/// settings.runbooks = "https://git.example.org/shop/docs/runbooks".to_owned();
///
/// let yaml = alerts::http(&settings).render(&settings.scope(), &settings.runbooks)?;
/// assert!(yaml.contains("> 0.02\n        for: 2m\n"));
/// # Ok::<(), watchkeeper::stack::rule::RuleError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Settings {
    /// What Prometheus scrapes.
    pub jobs: Vec<Job>,
    /// When alerts fire.
    pub limits: Limits,
    /// How often rules are evaluated; every 15 s by default.
    pub evaluation_interval: Duration,
    /// The prefix of the apps' registries, without the underscore; empty by default.
    pub prefix: String,
    /// What every window, offset and `for` is multiplied by; 1 by default, less to try the rules out in a hurry.
    pub window_scale: f64,
    /// Where runbooks are found: `{runbooks}/{name of the alert}.md`. Set it to where yours are.
    pub runbooks: String,
    /// The route that HighScanLatency watches; `/api/scan` by default.
    pub scan_path: String,
    /// Where Prometheus finds Alertmanager; with several, each is told, and they settle among themselves who notifies.
    pub alertmanagers: Vec<String>,
    /// What tells this Prometheus' series from those of another, once they meet in federation; `main` by default.
    pub cluster: String,
    /// Which of several Prometheus with the same jobs it is, `a` by default; alerts go out without it, so that those of
    /// all replicas are one.
    pub replica: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            jobs: job::shipped(),
            limits: Limits::default(),
            evaluation_interval: Duration::from_secs(15),
            prefix: String::new(),
            window_scale: 1.0,
            runbooks: "https://example.org/docs/runbooks".to_owned(),
            scan_path: "/api/scan".to_owned(),
            alertmanagers: vec!["alertmanager:9093".to_owned()],
            cluster: "main".to_owned(),
            replica: "a".to_owned(),
        }
    }
}

impl Settings {
    /// Returns the scope of the rules' queries. The job that is scraped least often sets how long a rate must be.
    pub fn scope(&self) -> Scope {
        let slowest = self.jobs.iter().map(|job| job.every).max().unwrap_or(Duration::from_secs(15));
        Scope::default().prefix(&self.prefix).window_scale(self.window_scale).scrape_interval(slowest)
    }

    /// Returns the names of the app's own services, but for some, as a regular expression.
    pub(super) fn services_but(&self, others: &[&str]) -> String {
        let names = self.jobs.iter().filter(|job| job.is_service && !others.contains(&job.name.as_str()));
        names.map(|job| literal(&job.name)).collect::<Vec<_>>().join("|")
    }
}

/// Writes a name as the regular expression of itself.
pub(super) fn literal(name: &str) -> String {
    let mut out = String::new();
    for c in name.chars() {
        if c.is_ascii_punctuation() && !matches!(c, '-' | '_') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}
