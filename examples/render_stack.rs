//! An app's own rules, objectives, dashboard and reference, from its own metrics: `cargo run --example render_stack`.
//!
//! Without an argument it prints them. `cargo run --example render_stack -- FOLDER` writes them into a folder, which an
//! app commits; a test that renders them again and compares says when they are out of date.

use std::error::Error;
use std::io::Write;
use std::path::Path;

use watchkeeper::metric::{CounterDesc, Describe, HistogramDesc, UpDownDesc};
use watchkeeper::presets::Status;
use watchkeeper::promql::{self, Expr, Window, select};
use watchkeeper::stack::alertmanager::{self, Routing};
use watchkeeper::stack::dashboard::{Dashboard, FieldUnit, Panel, Threshold, Visual, watched};
use watchkeeper::stack::rule::{Alert, Group, Record, RuleFile};
use watchkeeper::stack::slo::{self, Slo};
use watchkeeper::stack::{Job, Settings, alerts, prometheus, reference};

const PARCELS: CounterDesc<(Status,)> =
    CounterDesc::new("parcels_total", "Parcels that were handed to a carrier, by whether it took them.");

const PACKING_DURATION: HistogramDesc =
    HistogramDesc::new("packing_duration_seconds", "Time to pack one parcel, in seconds.", &[10.0, 30.0, 60.0, 300.0]);

const VANS_LOADING: UpDownDesc = UpDownDesc::new("vans_loading", "Vans that are being loaded.");

/// What the depot promises. A threshold that is no bound of the buckets would not compile.
const OBJECTIVES: &[Slo] = &[
    Slo::latency("packing", "95 % of parcels are packed within a minute.", 0.95, const { &PACKING_DURATION }, 60.0),
    Slo::events("parcels", "99 % of parcels are taken.", 0.99, refused, || select(&PARCELS)),
];

fn refused() -> promql::Selector {
    select(&PARCELS).eq("status", "error")
}

fn settings() -> Settings {
    let mut settings = Settings::default();
    settings.jobs = vec![Job::exporter("prometheus", "localhost:9090"), Job::service("depot", "depot:3000")];
    settings.prefix = "depot".to_owned(); // as the app's registry has it
    settings.runbooks = "https://git.example.org/depot/docs/runbooks".to_owned();
    settings
}

fn rules() -> RuleFile {
    let rate = Record::new("service:parcels:rate5m", promql::rate(&PARCELS, "5m").sum_by(&["service"]));
    let refusals = promql::share(refused(), &PARCELS, "5m", &["service"]);
    let stuck = promql::min_over_time(&VANS_LOADING, "1h").gt(0.0);
    let quiet = Expr::from(&rate).equals(0.0);
    RuleFile::new([Group::new("depot")
        .record(rate)
        .alert(
            Alert::critical("ParcelsRefused", refusals.gt(0.1))
                .pending("10m")
                .summary("Carriers refuse parcels of {{ $labels.service }}")
                .description("{{ $value | humanizePercentage }} of the parcels are refused."),
        )
        .alert(
            Alert::warning("VanStuck", stuck.on(&["service"]).and(quiet))
                .pending("15m")
                .summary("A van is loaded and nothing leaves")
                .description("For an hour there was a van at {{ $labels.instance }}, and no parcel for it."),
        )])
}

fn dashboard() -> Dashboard {
    let packing = promql::quantile(0.95, watched(&PACKING_DURATION), Window::RATE_INTERVAL, &[]);
    Dashboard::new("depot", "Depot", "What leaves the depot, and how fast.")
        .services_of(&PARCELS)
        .panel(Panel::of(&PARCELS))
        .panel(
            Panel::new(
                Visual::TimeSeries,
                "Packing",
                "95th percentile; the line is the objective.",
                FieldUnit::Seconds,
            )
            .query(packing, "p95")
            .threshold(Threshold::AtMost(OBJECTIVES[0].threshold().unwrap_or_default())),
        )
        .panel(Panel::of(&VANS_LOADING))
}

/// Everything, by the name of its file.
fn files() -> Result<Vec<(&'static str, String)>, Box<dyn Error>> {
    let (settings, routing) = (settings(), Routing::webhook_only("http://depot:3000/alerts"));
    let (scope, runbooks) = (settings.scope(), settings.runbooks.as_str());
    let own: [&dyn Describe; 3] = [&PARCELS, &PACKING_DURATION, &VANS_LOADING];
    let metrics = reference::group("depot", "What leaves the depot.", &own, &scope);
    Ok(vec![
        ("rules/depot.yml", rules().render(&scope, runbooks)?),
        ("rules/objectives.yml", slo::rules(OBJECTIVES).render(&scope, runbooks)?),
        // What is ready made, where the metrics are the app's too.
        ("rules/http.yml", alerts::http(&settings).render(&scope, runbooks)?),
        ("rules/monitor.yml", alerts::monitor(&settings).render(&scope, runbooks)?),
        ("dashboards/depot.json", dashboard().render(&scope)?),
        ("docs/metrics.md", metrics),
        ("docs/objectives.md", reference::objectives(OBJECTIVES)),
        ("prometheus.yml", prometheus::render(&settings)),
        ("alertmanager.yml", alertmanager::render(&routing)),
    ])
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut out = std::io::stdout().lock();
    let folder = std::env::args_os().nth(1);
    for (name, text) in files()? {
        let Some(folder) = &folder else {
            writeln!(out, "--- {name}\n{text}")?;
            continue;
        };
        let file = Path::new(folder).join(name);
        std::fs::create_dir_all(file.parent().unwrap_or(Path::new(".")))?;
        std::fs::write(&file, text)?;
        writeln!(out, "{}", file.display())?;
    }
    Ok(())
}
