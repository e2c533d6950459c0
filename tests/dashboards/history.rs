//! Five weeks of history for the panels that look back so far, as blocks that promtool makes.

use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::time::SystemTime;

use crate::support::process::program;

const HOUR: u64 = 3_600;
const WEEK: u64 = 7 * 24 * HOUR;

/// What the monthly recurring revenue was four weeks ago, in cents.
pub(crate) const MRR_FOUR_WEEKS_AGO: f64 = 16_000_000.0;

/// Money invoiced in the history each hour for each organization, in cents.
pub(crate) const INVOICED_AN_HOUR: u64 = 50_000;

/// Invoices generated in the history each hour.
pub(crate) const INVOICES_AN_HOUR: f64 = 12.0;

/// The organizations that have a history.
pub(crate) const ORGANIZATIONS: [&str; 3] = ["aarhus", "bergen", "coimbra"];

/// Writes blocks with the history of a service into the folder of a server that does not run yet.
#[track_caller]
pub(crate) fn write(data: &Path, target_labels: &str) {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("a clock after 1970").as_secs();
    fs::create_dir_all(data).expect("the folder can be made");
    let text = data.with_extension("openmetrics");
    fs::write(&text, openmetrics(now, target_labels)).expect("the folder can be written to");
    let output = program("promtool", "prometheus")
        .args(["tsdb", "create-blocks-from", "openmetrics", "--quiet", "--max-block-duration=1024h"])
        .args([&text, data])
        .output()
        .expect("promtool starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

fn openmetrics(now: u64, target: &str) -> String {
    let mut out = String::new();
    // A value is seen for five minutes, so that of four weeks ago needs samples close by; a range does with one an hour.
    let hourly = (0..5 * 7 * 24).rev().map(|hours| now - hours * HOUR - 10 * 60);
    let times: Vec<u64> = hourly.clone().chain((0..120).map(|minutes| now - 4 * WEEK - HOUR + minutes * 60)).collect();
    let times = times.into_iter().collect::<std::collections::BTreeSet<_>>();
    let start = times.first().copied().unwrap_or(now);
    let hours = |time: u64| (time - start) as f64 / HOUR as f64;
    let mut metric = |kind: &str, name: &str, series: &[(String, f64)]| {
        let _ = writeln!(out, "# TYPE {} {kind}", name.trim_end_matches("_total"));
        for (labels, an_hour) in series {
            for &time in &times {
                let value = if *an_hour == 0.0 { MRR_FOUR_WEEKS_AGO } else { (an_hour * hours(time)).round() };
                let _ = writeln!(out, "{name}{{{target}{labels}}} {value} {time}");
            }
        }
    };
    let status = |success: f64, error: f64| {
        [(r#",status="success""#.to_owned(), success), (r#",status="error""#.to_owned(), error)]
    };
    metric("gauge", "billing_mrr_cents", &[(String::new(), 0.0)]);
    let amounts = ORGANIZATIONS.map(|name| (format!(r#",organization="{name}""#), INVOICED_AN_HOUR as f64));
    metric("counter", "billing_invoice_amount_cents_total", &amounts);
    metric("counter", "billing_invoices_generated_total", &status(INVOICES_AN_HOUR, 0.1));
    metric("counter", "revenue_cents_total", &[(String::new(), 120_000.0)]);
    let cron = status(4.0, 0.01).map(|(labels, an_hour)| (format!(r#",task="monthly_invoices"{labels}"#), an_hour));
    metric("counter", "billing_cron_runs_total", &cron);
    out.push_str("# EOF\n");
    out
}
