//! The environment variables that the library reads, and the table of them, `docs/environment.md`.

use std::fmt::Write;

/// An environment variable that the library reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Variable {
    /// The name.
    pub name: &'static str,
    /// What it sets.
    pub what: &'static str,
    /// What holds without it.
    pub default: &'static str,
    /// The feature that it belongs to, where it belongs to one.
    pub feature: Option<&'static str>,
    /// Whether its value is a secret.
    pub is_secret: bool,
}

/// What variables are about, and the variables.
pub type Section = (&'static str, &'static [Variable]);

const fn variable(name: &'static str, what: &'static str, default: &'static str) -> Variable {
    Variable { name, what, default, feature: None, is_secret: false }
}

impl Variable {
    const fn of(self, feature: &'static str) -> Self {
        Self { feature: Some(feature), ..self }
    }

    const fn secret(self) -> Self {
        Self { is_secret: true, ..self }
    }
}

/// Every variable, by what it is about. A name that ends in `*` stands for all that begin so.
pub const VARIABLES: &[Section] = &[
    (
        "The service",
        &[
            variable(
                "ENVIRONMENT",
                "the environment that reports and spans name",
                "`development` in reports, none in spans",
            ),
            variable("HOSTNAME", "the instance that reports name; a container has it", "none"),
            variable("GIT_REVISION", "the revision, read when the app is *built*", "none"),
        ],
    ),
    (
        "Logs",
        &[
            variable("RUST_LOG", "a level, and levels of single targets: `info,my_app=debug`", "`info`"),
            variable("RUST_LOG_FORMAT", "`json`, `ecs` or `human`", "`human`"),
        ],
    ),
    (
        "Error reports",
        &[
            variable("SENTRY_DSN", "where reports go", "nowhere: reports are off").of("sentry").secret(),
            variable("GLITCHTIP_DSN", "the same; both set and different is an error", "").of("sentry").secret(),
            variable(
                "SENTRY_TRACES_SAMPLE_RATE",
                "the share of the app's own transactions that is sent, 0 to 1",
                "`0.1`",
            )
            .of("sentry"),
        ],
    ),
    (
        "Traces, and events as log records",
        &[
            variable(
                "OTEL_EXPORTER_OTLP_ENDPOINT",
                "the receiver; `/v1/traces` or `/v1/logs` is added for HTTP",
                "nowhere",
            )
            .of("otlp"),
            variable("OTEL_EXPORTER_OTLP_PROTOCOL", "`http/protobuf` or `grpc`", "`http/protobuf`").of("otlp"),
            variable("OTEL_EXPORTER_OTLP_HEADERS", "`name=value,…` for each request", "none").of("otlp").secret(),
            variable("OTEL_EXPORTER_OTLP_TIMEOUT", "milliseconds for one request", "`10000`").of("otlp"),
            variable("OTEL_EXPORTER_OTLP_COMPRESSION", "`gzip` or `none`", "`none`").of("otlp"),
            variable(
                "OTEL_EXPORTER_OTLP_CERTIFICATE",
                "a file of certificates (PEM) to trust",
                "the public authorities",
            )
            .of("otlp"),
            variable(
                "OTEL_EXPORTER_OTLP_TRACES_*",
                "the six above for traces alone; the endpoint is taken as it is",
                "as above",
            )
            .of("otlp"),
            variable("OTEL_EXPORTER_OTLP_LOGS_*", "the six above for events alone", "as above").of("otlp"),
            variable(
                "OTEL_TRACES_EXPORTER",
                "`none` turns traces off; `otlp` on, to this machine without an endpoint",
                "by the endpoint",
            )
            .of("otlp"),
            variable("OTEL_LOGS_EXPORTER", "the same for events", "by the endpoint").of("otlp"),
            variable("OTEL_SDK_DISABLED", "`true` turns both off", "`false`").of("otlp"),
            variable("OTEL_SERVICE_NAME", "the service's name", "the package's").of("otlp"),
            variable(
                "OTEL_RESOURCE_ATTRIBUTES",
                "`key=value,…`, said of the service",
                "name, version, instance, revision",
            )
            .of("otlp"),
            variable(
                "OTEL_TRACES_SAMPLER",
                "`always_on`, `always_off`, `traceidratio`, or one after `parentbased_`",
                "`parentbased_traceidratio`",
            )
            .of("otlp"),
            variable("OTEL_TRACES_SAMPLER_ARG", "the share of traces, 0 to 1", "`0.1`; `1` where the sampler is named")
                .of("otlp"),
            variable("OTEL_BSP_SCHEDULE_DELAY", "milliseconds that a span waits for others", "`5000`").of("otlp"),
            variable("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "the most spans in one request", "`512`").of("otlp"),
            variable("OTEL_BSP_MAX_QUEUE_SIZE", "the most spans that wait, within 16 MiB", "`2048`").of("otlp"),
            variable("OTEL_BSP_EXPORT_TIMEOUT", "milliseconds after which a batch is given up", "`30000`").of("otlp"),
            variable("OTEL_PROPAGATORS", "`tracecontext`, `baggage` or `none`", "the first two").of("otlp"),
        ],
    ),
    (
        "The store",
        &[
            variable(
                "MONITORING_DATABASE_URL",
                "where `Parts::from_env` keeps events: `postgres://…`",
                "`DATABASE_URL`",
            )
            .of("postgres")
            .secret(),
            variable("DATABASE_URL", "the same, where there is no other", "in memory").of("postgres").secret(),
        ],
    ),
    (
        "Alerts",
        &[
            variable("MONITORING_RULE_FILES", "rule files or folders of such, by commas", "none").of("alerting"),
            variable("MONITORING_ALERTMANAGER_URLS", "each Alertmanager that is told of alerts, by commas", "none")
                .of("alerting"),
            variable(
                "MONITORING_ALERTMANAGER_TOKEN",
                "what Alertmanager's webhook has to bring as its bearer token",
                "none: nothing is taken",
            )
            .of("alerting")
            .secret(),
        ],
    ),
    (
        "Tasks, and the REST API",
        &[
            variable("MONITORING_EVENT_RETENTION_DAYS", "for how many days events are kept, 1 to 3650", "`30`"),
            variable("MONITORING_METRIC_RETENTION_DAYS", "the same for samples", "`90`"),
            variable(
                "MONITORING_TOKENS",
                "who may ask: `name:role:token,…`, roles `user`, `moderator`, `admin`",
                "nobody",
            )
            .of("api")
            .secret(),
        ],
    ),
];

/// Renders the table of all variables as Markdown.
///
/// ```
/// assert!(watchkeeper::stack::variables::render().contains("| `RUST_LOG` |"));
/// ```
pub fn render() -> String {
    let mut out = String::from(
        "<!-- Generated from the code by `cargo test --all-features --test stack variables`; changes by hand are \
         overwritten. -->\n# Environment variables\n\nEvery variable that the library reads, once, when what needs it is \
         built. White space around a value is no part of it, and an empty\nvariable counts as unset. A value that cannot \
         be used is an error that names the variable, and does not repeat the value where it is\na secret. What code sets \
         wins over the environment.\n",
    );
    for (title, variables) in VARIABLES {
        let _ = write!(out, "\n## {title}\n\n| variable | what | default | feature |\n| --- | --- | --- | --- |\n");
        for Variable { name, what, default, feature, is_secret } in *variables {
            let secret = if *is_secret { "; a secret" } else { "" };
            let feature = feature.map(|feature| format!("`{feature}`")).unwrap_or_default();
            let _ = writeln!(out, "| `{name}` | {what}{secret} | {default} | {feature} |");
        }
    }
    out
}
