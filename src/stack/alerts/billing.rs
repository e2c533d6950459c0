//! Alerts on invoices, documents, e-mails and payments.

use crate::presets::billing::{EMAILS_SENT, INVOICES_GENERATED, PDF_GENERATION_DURATION};
use crate::presets::payment::PAYMENTS;
use crate::promql::{self, Expr, select};
use crate::stack::rule::{Alert, Group};
use crate::stack::settings::Settings;

const BY: [&str; 2] = ["job", "service"];

/// Failures come much faster than they did over a day. Where there was no shop yet a day ago there is nothing to compare
/// with, and a few failures after a day without any are no spike.
fn payment_failures(settings: &Settings) -> Expr {
    let failed = || select(&PAYMENTS).eq("status", "failed");
    let limits = &settings.limits;
    let hour = promql::rate(failed(), "1h").sum_by(&BY);
    let day = promql::rate(failed(), "1d").sum_by(&BY);
    let enough = promql::increase(failed(), "1h").sum_by(&BY).ge(limits.payment_failures);
    let yesterday = Expr::from(failed()).sum_by(&BY).offset("1d");
    hour.gt(day * limits.payment_failure_spike.value).and(enough).and(yesterday)
}

pub(super) fn group(settings: &Settings) -> Group {
    let limits = &settings.limits;
    let generated = select(&INVOICES_GENERATED).eq("status", "success");
    let sent = select(&EMAILS_SENT).eq("status", "success");
    Group::new("billing")
        .alert(
            Alert::critical(
                "InvoiceGenerationFailures",
                promql::share(generated, &INVOICES_GENERATED, &limits.batch_window, &BY).lt(limits.invoice_success.value),
            )
            .pending(&limits.invoice_success.pending)
            .summary("Invoices are not generated")
            .description("Only {{ $value | humanizePercentage }} of the invoices of {{ $labels.job }} are generated."),
        )
        .alert(
            Alert::warning("PaymentFailureSpike", payment_failures(settings))
                .pending(&limits.payment_failure_spike.pending)
                .summary("Payments fail more often than usual")
                .description("{{ $labels.job }} sees {{ $value | humanize }} failed payments a second, far above the day's rate."),
        )
        .alert(
            Alert::warning(
                "PdfGenerationDelays",
                promql::quantile(0.95, &PDF_GENERATION_DURATION, &limits.batch_window, &BY).gt(limits.pdf_generation_delay.value),
            )
            .pending(&limits.pdf_generation_delay.pending)
            .summary("Documents take long")
            .description("One document of {{ $labels.job }} in twenty takes longer than {{ $value | humanizeDuration }}."),
        )
        .alert(
            Alert::warning(
                "EmailDeliveryIssues",
                promql::share(sent, &EMAILS_SENT, &limits.batch_window, &BY).lt(limits.email_success.value),
            )
            .pending(&limits.email_success.pending)
            .summary("E-mails are not sent")
            .description("Only {{ $value | humanizePercentage }} of the e-mails of {{ $labels.job }} are sent."),
        )
}
