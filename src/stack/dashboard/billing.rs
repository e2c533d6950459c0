//! Billing revenue: money, invoices, and the work behind them.

use std::time::Duration;

use super::{Dashboard, FieldUnit, Panel, Threshold, Variable, Visual, watched};
use crate::presets::billing::{
    CRON_RUNS, EMAILS_SENT, INVOICE_AMOUNT, INVOICES, INVOICES_GENERATED, MRR, PDF_GENERATED, S3_UPLOADS,
    STRIPE_CHARGES, USAGE_AGGREGATION_DURATION,
};
use crate::promql::{self, Expr, Queried, Selector, select};

/// Builds the dashboard.
pub(super) fn dashboard(uid: &str) -> Dashboard {
    let dashboard = Dashboard::new(
        uid,
        "Billing revenue",
        "Revenue, invoices, and the work behind them. Money is shown in whole units of the billing currency.",
    )
    .scraped_every(Duration::from_secs(30))
    .services_of(&MRR)
    .variable(Variable::values("organization", "Organization", watched(&INVOICE_AMOUNT)));
    work(invoices(revenue(dashboard)))
}

fn revenue(dashboard: Dashboard) -> Dashboard {
    // Each instance reports the whole of it.
    let mrr = || Expr::from(watched(&MRR)).max();
    let invoiced = |window| promql::increase(of_organization(&INVOICE_AMOUNT), window);
    let generated = promql::increase(watched(select(&INVOICES_GENERATED).eq("status", "success")), "24h").sum();
    dashboard
        .row("Revenue")
        .panel(
            Panel::new(
                Visual::TimeSeries,
                "Monthly revenue trend",
                "Money invoiced within the 30 days before each point, over the chosen organizations.",
                FieldUnit::Money,
            )
            .query(invoiced("30d").sum() / 100.0, "30 days"),
        )
        .panel(
            Panel::new(Visual::Stat, "MRR", "Monthly recurring revenue.", FieldUnit::Money)
                .query(mrr() / 100.0, "MRR")
                .size(6, 8),
        )
        .panel(
            Panel::new(
                Visual::Stat,
                "MRR growth",
                "Monthly recurring revenue against what it was four weeks before.",
                FieldUnit::Share,
            )
            .query(mrr() / mrr().offset("4w") - 1.0, "in four weeks")
            .threshold(Threshold::AtLeast(0.0))
            .size(6, 8),
        )
        .panel(
            Panel::new(
                Visual::BarGauge,
                "Revenue by organization",
                "Money invoiced within 30 days: the ten organizations with most.",
                FieldUnit::Money,
            )
            .query((invoiced("30d").sum_by(&["organization"]) / 100.0).topk(10).sort_desc(), "{{organization}}"),
        )
        .panel(
            Panel::new(
                Visual::Stat,
                "Average invoice",
                "Mean amount of the invoices generated within 24 hours.",
                FieldUnit::Money,
            )
            .query(promql::increase(watched(&INVOICE_AMOUNT), "24h").sum() / generated / 100.0, "average"),
        )
}

fn invoices(dashboard: Dashboard) -> Dashboard {
    let today = promql::increase(watched(&INVOICES_GENERATED), "24h").sum_by(&["status"]);
    let standing = |of: Selector| Expr::from(of).max_by(&["status"]);
    dashboard
        .row("Invoices")
        .panel(
            Panel::new(
                Visual::Stat,
                "Invoices today",
                "Invoices generated within 24 hours, by whether it succeeded.",
                FieldUnit::Count,
            )
            .query(today, "{{status}}")
            .size(6, 8),
        )
        .panel(success(
            "Invoice success rate",
            "Share of the invoices within an hour that could be generated. The line is the objective of 99 %.",
            &INVOICES_GENERATED,
            Some(0.99),
        ))
        .panel(
            Panel::new(
                Visual::PieChart,
                "Invoice status",
                "Invoices there are now, by where they stand.",
                FieldUnit::Count,
            )
            .query(standing(watched(&INVOICES)), "{{status}}")
            .size(6, 8),
        )
        .panel(
            Panel::new(
                Visual::StackedSeries,
                "Outstanding invoices",
                "Invoices that wait for their money: in time, and overdue.",
                FieldUnit::Count,
            )
            .query(standing(watched(select(&INVOICES).matching("status", "open|overdue"))), "{{status}}")
            .size(6, 8),
        )
}

fn work(dashboard: Dashboard) -> Dashboard {
    let aggregation = promql::quantile(0.95, watched(&USAGE_AGGREGATION_DURATION), "1h", &[]);
    let cron_succeeded = watched(select(&CRON_RUNS).eq("status", "success"));
    dashboard
        .row("Work behind the invoices")
        .panel(
            Panel::new(
                Visual::TimeSeries,
                "Aggregation time",
                "Time that 95 % of the aggregations of usage within an hour stayed below. The line is the objective of 5 s.",
                FieldUnit::Seconds,
            )
            .query(aggregation, "p95")
            .threshold(Threshold::AtMost(5.0))
            .size(6, 8),
        )
        .panel(
            Panel::new(
                Visual::BarGauge,
                "Cron success in 24 h",
                "Share of the runs of each scheduled job within 24 hours that succeeded. Red is below the objective of 99 %.",
                FieldUnit::Share,
            )
            .query(promql::share(cron_succeeded, watched(&CRON_RUNS), "24h", &["task"]), "{{task}}")
            .threshold(Threshold::AtLeast(0.99))
            .size(6, 8),
        )
        .panel(success(
            "PDF success",
            "Share of the PDF documents within an hour that could be generated. The line is the objective of 99 %.",
            &PDF_GENERATED,
            Some(0.99),
        ))
        .panel(success(
            "Stripe success",
            "Share of the charges within an hour that succeeded. The line is the objective of 95 %.",
            &STRIPE_CHARGES,
            Some(0.95),
        ))
        .panel(success(
            "E-mail delivery",
            "Share of the e-mails within an hour that were sent. The line is the objective of 98 %.",
            &EMAILS_SENT,
            Some(0.98),
        ))
        .panel(success(
            "S3 success",
            "Share of the uploads within an hour that succeeded.",
            &S3_UPLOADS,
            None,
        ))
}

/// A panel of the share of successes. An hour, because billing does little in a minute.
fn success(title: &str, description: &str, metric: &impl Queried, objective: Option<f64>) -> Panel {
    let succeeded = watched(select(metric).eq("status", "success"));
    let panel = Panel::new(Visual::TimeSeries, title, description, FieldUnit::Share)
        .query(promql::share(succeeded, watched(select(metric)), "1h", &[]), "success")
        .size(6, 8);
    match objective {
        Some(objective) => panel.threshold(Threshold::AtLeast(objective)),
        None => panel,
    }
}

fn of_organization(metric: &impl Queried) -> Selector {
    watched(select(metric)).matching("organization", "$organization")
}
