//! Alertmanager's configuration: who is told what, how soon, how often, and what keeps quiet beside something worse.

use super::yaml::Yaml;

/// The flags that the shipped stack starts Alertmanager with: silences and what was sent are kept for 168 hours.
pub const FLAGS: [&str; 3] =
    ["--config.file=/etc/alertmanager/alertmanager.yml", "--storage.path=/alertmanager", "--data.retention=168h"];

/// Where notifications go. Whatever is a secret is read by Alertmanager from a file.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Routing {
    /// Mail for people, where there is any.
    pub email: Option<Email>,
    /// The file with the URL of Slack's incoming webhook, where Slack is used; the channels are `#alerts-critical` and
    /// `#alerts-warning`.
    pub slack_url_file: Option<String>,
    /// The app's receiver of webhooks, where it has one.
    pub webhook: Option<Webhook>,
    /// Who expects the Watchdog every minute and raises the alarm when it stays away, where there is somebody.
    pub heartbeat: Option<Webhook>,
    /// How long the first notification of a group waits for more of its kind, how long the next, and after how long an
    /// alert that still fires is told again: `30s`, `5m`, `4h`.
    pub timing: [String; 3],
}

/// An address that is told by HTTP.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Webhook {
    /// The address.
    pub url: String,
    /// The file with the bearer token, where the address asks for one.
    pub token_file: Option<String>,
}

impl Webhook {
    /// Sets the address.
    pub fn new(url: &str) -> Self {
        Self { url: url.to_owned(), token_file: None }
    }

    /// Sets the file with the bearer token.
    #[must_use]
    pub fn token_file(mut self, file: &str) -> Self {
        self.token_file = Some(file.to_owned());
        self
    }

    fn yaml(&self, send_resolved: bool) -> Yaml {
        let mut config = vec![("url", Yaml::text(&self.url)), ("send_resolved", Yaml::plain(send_resolved))];
        if let Some(file) = &self.token_file {
            let authorization = Yaml::map([("credentials_file", Yaml::text(file))]);
            config.push(("http_config", Yaml::map([("authorization", authorization)])));
        }
        Yaml::map(config)
    }
}

/// Mail for people.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Email {
    /// Host and port of the mail server.
    pub server: String,
    /// The sender, and the user that signs in.
    pub from: String,
    /// Who is told.
    pub to: String,
    /// The file with the password.
    pub password_file: String,
}

impl Email {
    /// Sets all of it.
    pub fn new(server: &str, from: &str, to: &str, password_file: &str) -> Self {
        let [server, from, to, password_file] = [server, from, to, password_file].map(str::to_owned);
        Self { server, from, to, password_file }
    }
}

impl Default for Routing {
    fn default() -> Self {
        Self {
            email: Some(Email::new(
                "smtp.example.org:587",
                "alerts@example.org",
                "on-call@example.org",
                "/run/secrets/smtp_password",
            )),
            slack_url_file: Some("/run/secrets/slack_url".to_owned()),
            webhook: Some(
                Webhook::new("http://api:3000/api/v1/monitoring/webhooks/alertmanager")
                    .token_file("/run/secrets/monitoring_token"),
            ),
            heartbeat: None,
            timing: ["30s", "5m", "4h"].map(str::to_owned),
        }
    }
}

impl Routing {
    /// Tells only a webhook: no mail, no Slack.
    pub fn webhook_only(url: &str) -> Self {
        Self { email: None, slack_url_file: None, webhook: Some(Webhook::new(url)), ..Self::default() }
    }
}

/// Renders `alertmanager.yml`.
///
/// Critical and warning alerts are told to receivers of their own, each by mail, Slack and webhook; a critical one keeps
/// the warnings of the same service quiet; the Watchdog goes to the [heartbeat](Routing::heartbeat), and where there is none, as by default, to nobody: then nothing
/// tells when alerts get through no more.
///
/// ```
/// use watchkeeper::stack::alertmanager::{self, Routing};
///
/// let yaml = alertmanager::render(&Routing::webhook_only("http://shop:3000/hook"));
/// assert!(yaml.contains("receiver: critical"));
/// ```
pub fn render(routing: &Routing) -> String {
    let mut global = vec![("resolve_timeout", Yaml::text("5m"))];
    if let Some(email) = &routing.email {
        global.extend([
            ("smtp_smarthost", Yaml::text(&email.server)),
            ("smtp_from", Yaml::text(&email.from)),
            ("smtp_auth_username", Yaml::text(&email.from)),
            ("smtp_auth_password_file", Yaml::text(&email.password_file)),
        ]);
    }
    if let Some(file) = &routing.slack_url_file {
        global.push(("slack_api_url_file", Yaml::text(file)));
    }
    let [wait, interval, repeat] = &routing.timing;
    let route = |severity: &str, receiver: &str, more: Vec<(&str, Yaml)>| {
        let matchers = Yaml::texts([format!("severity=\"{severity}\"")]);
        let start = vec![("matchers", matchers), ("receiver", Yaml::text(receiver))];
        Yaml::map(start.into_iter().chain(more))
    };
    let watchdog = route(
        "none",
        "watchdog",
        // Told again every minute, since silence is what means something.
        vec![
            ("group_wait", Yaml::text("0s")),
            ("group_interval", Yaml::text("1m")),
            ("repeat_interval", Yaml::text("1m")),
        ],
    );
    let routes = Yaml::map([
        // What has another severity, or none, is looked at in working hours.
        ("receiver", Yaml::text("warning")),
        ("group_by", Yaml::texts(["alertname", "service"])),
        ("group_wait", Yaml::text(wait)),
        ("group_interval", Yaml::text(interval)),
        ("repeat_interval", Yaml::text(repeat)),
        (
            "routes",
            Yaml::List(vec![
                route("critical", "critical", Vec::new()),
                route("warning", "warning", Vec::new()),
                watchdog,
            ]),
        ),
    ]);
    // Labels that both lack are equal to Alertmanager, so a service is demanded of both.
    let matchers = |severity: &str| Yaml::texts([format!("severity=\"{severity}\""), "service!=\"\"".to_owned()]);
    let inhibit = Yaml::map([
        ("source_matchers", matchers("critical")),
        ("target_matchers", matchers("warning")),
        ("equal", Yaml::texts(["service"])),
    ]);
    // That it is over is never true of it.
    let heartbeat = routing.heartbeat.as_ref().map(|hook| ("webhook_configs", Yaml::List(vec![hook.yaml(false)])));
    let receivers = vec![
        receiver("critical", routing),
        receiver("warning", routing),
        Yaml::map([("name", Yaml::text("watchdog"))].into_iter().chain(heartbeat)),
    ];
    let file = Yaml::map([
        ("global", Yaml::map(global)),
        ("route", routes),
        ("inhibit_rules", Yaml::List(vec![inhibit])),
        ("receivers", Yaml::List(receivers)),
    ]);
    let flags: Vec<_> = FLAGS.iter().map(|flag| format!("  {flag}")).collect();
    let watchdog = if routing.heartbeat.is_none() {
        "\n\nNobody listens for the Watchdog yet: set `Routing::heartbeat` to a service that raises the alarm when it stays away."
    } else {
        ""
    };
    file.file(&format!(
        "Rendered by watchkeeper; changes by hand are overwritten.\n\nStart Alertmanager with:\n{}{watchdog}",
        flags.join("\n")
    ))
}

fn receiver(severity: &str, routing: &Routing) -> Yaml {
    let mut receiver = vec![("name", Yaml::text(severity))];
    let resolved = ("send_resolved", Yaml::plain(true));
    if let Some(email) = &routing.email {
        let config = Yaml::map([("to", Yaml::text(&email.to)), resolved.clone()]);
        receiver.push(("email_configs", Yaml::List(vec![config])));
    }
    if routing.slack_url_file.is_some() {
        let config = Yaml::map([
            ("channel", Yaml::text(format!("#alerts-{severity}"))),
            resolved,
            ("title", Yaml::text(SLACK_TITLE)),
            ("text", Yaml::text(SLACK_TEXT)),
        ]);
        receiver.push(("slack_configs", Yaml::List(vec![config])));
    }
    if let Some(webhook) = &routing.webhook {
        receiver.push(("webhook_configs", Yaml::List(vec![webhook.yaml(true)])));
    }
    Yaml::map(receiver)
}

const SLACK_TITLE: &str = "[{{ .Status | toUpper }}] {{ .CommonLabels.alertname }} {{ .CommonLabels.service }}";
const SLACK_TEXT: &str = "{{ range .Alerts }}{{ .Annotations.summary }}: {{ .Annotations.description }} \
                          <{{ .Annotations.runbook_url }}|runbook>\n{{ end }}";
