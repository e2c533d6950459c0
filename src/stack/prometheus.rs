//! Prometheus' configuration: jobs, rule files, Alertmanager; from a list, by service discovery, or by federation.

use std::time::Duration;

use super::job::Job;
use super::settings::{Settings, literal};
use super::yaml::Yaml;
use crate::promql::window;

const COMMENT: &str = "\
Rendered by watchkeeper; changes by hand are overwritten.

Start Prometheus with:
";

/// The flags that the shipped stack starts Prometheus with: 30 days or 10 GB are kept, whichever is less, and the
/// configuration is read again on `POST /-/reload`.
pub const FLAGS: [&str; 5] = [
    "--config.file=/etc/prometheus/prometheus.yml",
    "--storage.tsdb.path=/prometheus",
    "--storage.tsdb.retention.time=30d",
    "--storage.tsdb.retention.size=10GB",
    "--web.enable-lifecycle",
];

/// Renders `prometheus.yml`: every job with its targets; each has the label `service`.
///
/// ```
/// use watchkeeper::stack::{Job, Settings, prometheus};
///
/// let mut settings = Settings::default();
/// settings.jobs = vec![Job::service("api", "shop:3000")];
/// assert!(prometheus::render(&settings).contains("- shop:3000"));
/// ```
pub fn render(settings: &Settings) -> String {
    let jobs = settings.jobs.iter().map(|job| {
        let found = Yaml::map([
            ("targets", Yaml::texts(&job.targets)),
            ("labels", Yaml::map([("service", Yaml::text(&job.service))])),
        ]);
        scrape(job, settings, vec![("static_configs", Yaml::List(vec![found]))])
    });
    file(settings, Yaml::List(jobs.collect()))
}

/// Renders the variant in which Docker names the targets: a container is scraped by the job that its label
/// `watchkeeper.job` names, at the port of its label `watchkeeper.port`, and its label `watchkeeper.service` becomes
/// `service`, or the job's service where there is none.
///
/// A container stands in one network that Prometheus reaches; in two, it would be scraped twice.
///
/// `docker` is the address of the Docker API, better a proxy that only reads, such as `tcp://docker-proxy:2375`.
pub fn render_discovery(settings: &Settings, docker: &str) -> String {
    let meta = |label: &str| format!("__meta_docker_container_label_watchkeeper_{label}");
    let jobs = settings.jobs.iter().map(|job| {
        if job.targets.iter().all(|target| target.starts_with("localhost:")) {
            // Prometheus itself needs nobody to find it.
            let found = Yaml::map([
                ("targets", Yaml::texts(&job.targets)),
                ("labels", Yaml::map([("service", Yaml::text(&job.service))])),
            ]);
            return scrape(job, settings, vec![("static_configs", Yaml::List(vec![found]))]);
        }
        let relabel = |source: &[String], regex: &str, to: &[(&str, &str)]| {
            let mut rule = vec![("source_labels", Yaml::texts(source)), ("regex", Yaml::text(regex))];
            rule.extend(to.iter().map(|(key, value)| (*key, Yaml::text(*value))));
            Yaml::map(rule)
        };
        let rules = vec![
            relabel(&[meta("job")], &literal(&job.name), &[("action", "keep")]),
            relabel(
                &["__meta_docker_network_ip".to_owned(), meta("port")],
                "(.+);([0-9]+)",
                &[("target_label", "__address__"), ("replacement", "$1:$2")],
            ),
            Yaml::map([("target_label", Yaml::text("service")), ("replacement", Yaml::text(&job.service))]),
            relabel(&[meta("service")], "(.+)", &[("target_label", "service")]),
            relabel(&["__meta_docker_container_name".to_owned()], "/(.+)", &[("target_label", "instance")]),
        ];
        let discovery = Yaml::map([("host", Yaml::text(docker)), ("refresh_interval", Yaml::text("15s"))]);
        scrape(
            job,
            settings,
            vec![("docker_sd_configs", Yaml::List(vec![discovery])), ("relabel_configs", Yaml::List(rules))],
        )
    });
    file(settings, Yaml::List(jobs.collect()))
}

/// Renders the configuration of a Prometheus above others: it takes over what they have recorded, and which of their
/// targets are up. The others' `cluster` and `replica` tell their series apart.
pub fn render_federation(settings: &Settings, others: &[&str]) -> String {
    let params = Yaml::map([("match[]", Yaml::texts(["{__name__=~\"[a-z][a-z0-9_]*:.+\"}", "up"]))]);
    let job = Yaml::map([
        ("job_name", Yaml::text("federate")),
        ("honor_labels", Yaml::plain(true)),
        ("metrics_path", Yaml::text("/federate")),
        ("params", params),
        ("static_configs", Yaml::List(vec![Yaml::map([("targets", Yaml::texts(others.iter().copied()))])])),
    ]);
    // The others evaluate the rules and send the alerts.
    write(vec![("global", Yaml::map(global(settings))), ("scrape_configs", Yaml::List(vec![job]))])
}

fn scrape(job: &Job, settings: &Settings, found: Vec<(&str, Yaml)>) -> Yaml {
    let mut entries = vec![("job_name", Yaml::text(&job.name))];
    if job.every != settings.evaluation_interval {
        entries.push(("scrape_interval", duration(job.every)));
        if job.every < SCRAPE_TIMEOUT {
            entries.push(("scrape_timeout", duration(job.every)));
        }
    }
    if job.path != "/metrics" {
        entries.push(("metrics_path", Yaml::text(&job.path)));
    }
    entries.extend(found);
    Yaml::map(entries)
}

/// What Prometheus waits by default; it refuses a scrape that may last longer than its interval.
const SCRAPE_TIMEOUT: Duration = Duration::from_secs(10);

fn global(settings: &Settings) -> Vec<(&'static str, Yaml)> {
    let every = || duration(settings.evaluation_interval);
    let mut global = vec![("scrape_interval", every()), ("evaluation_interval", every())];
    if settings.evaluation_interval < SCRAPE_TIMEOUT {
        global.insert(1, ("scrape_timeout", every()));
    }
    global
}

fn file(settings: &Settings, jobs: Yaml) -> String {
    let found = Yaml::map([("targets", Yaml::texts(&settings.alertmanagers))]);
    let alertmanager = Yaml::map([("static_configs", Yaml::List(vec![found]))]);
    let mut global = global(settings);
    global.push((
        "external_labels",
        Yaml::map([("cluster", Yaml::text(&settings.cluster)), ("replica", Yaml::text(&settings.replica))]),
    ));
    // Replicas send the same alert: Alertmanager takes it for one where it looks the same.
    let relabel = Yaml::map([("action", Yaml::text("labeldrop")), ("regex", Yaml::text("replica"))]);
    write(vec![
        ("global", Yaml::map(global)),
        ("rule_files", Yaml::texts(["rules/*.yml"])),
        (
            "alerting",
            Yaml::map([
                ("alert_relabel_configs", Yaml::List(vec![relabel])),
                ("alertmanagers", Yaml::List(vec![alertmanager])),
            ]),
        ),
        ("scrape_configs", jobs),
    ])
}

fn write(entries: Vec<(&str, Yaml)>) -> String {
    let flags: Vec<_> = FLAGS.iter().map(|flag| format!("  {flag}")).collect();
    Yaml::map(entries).file(&format!("{COMMENT}{}", flags.join("\n")))
}

fn duration(duration: Duration) -> Yaml {
    Yaml::text(window::duration(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)))
}
