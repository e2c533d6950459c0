//! Metrics of billing: invoices, aggregation, documents, charges, e-mails.

use std::time::Duration;

use super::run::Run;
use super::status::Status;
use crate::metric::{
    CounterDesc, CounterFamily, GaugeDesc, GaugeFamily, HistogramDesc, HistogramFamily, Open, RegisterError, Registry,
    Timer, bucket,
};

crate::open_label! {
    /// The organisation that is billed.
    pub struct Organization: "organization";
}

crate::open_label! {
    /// The scheduled job's name; not `job`, which Prometheus sets itself on every series.
    pub struct Task: "task";
}

crate::label_enum! {
    /// Where an invoice stands.
    pub enum InvoiceStatus: "status" {
        /// It is not sent yet.
        Draft = "draft",
        /// It is sent and waits for its money.
        Open = "open",
        /// It is paid.
        Paid = "paid",
        /// It should have been paid by now.
        Overdue = "overdue",
        /// It was taken back.
        Void = "void",
    }
}

/// Adds up what was invoiced.
pub const INVOICE_AMOUNT: CounterDesc<(Open<Organization>,)> = CounterDesc::new(
    "billing_invoice_amount_cents_total",
    "Money invoiced, in whole cents of the one billing currency, by organization.",
);

/// Counts invoices made.
pub const INVOICES_GENERATED: CounterDesc<(Status,)> =
    CounterDesc::new("billing_invoices_generated_total", "Invoices generated, by whether it succeeded.");

/// Shows where invoices stand.
pub const INVOICES: GaugeDesc<(InvoiceStatus,)> =
    GaugeDesc::new("billing_invoices", "Invoices there are now, by where they stand.");

/// Shows the monthly recurring revenue.
pub const MRR: GaugeDesc =
    GaugeDesc::new("billing_mrr_cents", "Monthly recurring revenue, in whole cents of the one billing currency.");

/// Measures usage aggregation.
pub const USAGE_AGGREGATION_DURATION: HistogramDesc = HistogramDesc::new(
    "billing_usage_aggregation_duration_seconds",
    "Time of one aggregation of usage records, in seconds.",
    bucket::JOB_SECONDS,
);

/// Measures documents.
pub const PDF_GENERATION_DURATION: HistogramDesc = HistogramDesc::new(
    "billing_pdf_generation_duration_seconds",
    "Time to generate one PDF document, in seconds.",
    bucket::JOB_SECONDS,
);

/// Counts documents.
pub const PDF_GENERATED: CounterDesc<(Status,)> =
    CounterDesc::new("billing_pdf_generated_total", "PDF documents generated, by whether it succeeded.");

/// Counts charges.
pub const STRIPE_CHARGES: CounterDesc<(Status,)> =
    CounterDesc::new("billing_stripe_charges_total", "Charges made through Stripe, by whether they succeeded.");

/// Counts e-mails.
pub const EMAILS_SENT: CounterDesc<(Status,)> =
    CounterDesc::new("billing_emails_sent_total", "Billing e-mails, by whether they were sent.");

/// Counts runs of scheduled jobs.
pub const CRON_RUNS: CounterDesc<(Open<Task>, Status)> =
    CounterDesc::new("billing_cron_runs_total", "Runs of scheduled billing jobs, by task and whether they succeeded.");

/// Counts uploads.
pub const S3_UPLOADS: CounterDesc<(Status,)> =
    CounterDesc::new("billing_s3_uploads_total", "Documents uploaded to S3, by whether it succeeded.");

/// Records what a billing service does, in whole cents.
///
/// ```
/// use watchkeeper::presets::{Presets, Status, billing::InvoiceStatus};
///
/// let metrics = Presets::default();
/// let billing = metrics.billing();
/// let run = billing.start_cron_run("monthly_invoices");
/// billing.record_invoice_generated("acme", 12_900);
/// billing.record_invoices(InvoiceStatus::Open, 42);
/// billing.record_email(Status::Success);
/// run.succeed(); // without this line the run counts as an error
/// ```
#[derive(Debug, Clone)]
pub struct BillingMetrics {
    invoice_amount: CounterFamily<(Open<Organization>,)>,
    invoices_generated: CounterFamily<(Status,)>,
    invoices: GaugeFamily<(InvoiceStatus,)>,
    mrr: GaugeFamily,
    usage_aggregation_duration: HistogramFamily,
    pdf_generation_duration: HistogramFamily,
    pdf_generated: CounterFamily<(Status,)>,
    stripe_charges: CounterFamily<(Status,)>,
    emails_sent: CounterFamily<(Status,)>,
    cron_runs: CounterFamily<(Open<Task>, Status)>,
    s3_uploads: CounterFamily<(Status,)>,
}

impl BillingMetrics {
    /// Registers the group.
    ///
    /// # Errors
    ///
    /// When a name is taken by a metric of another meaning.
    pub fn register(registry: &Registry) -> Result<Self, RegisterError> {
        Ok(Self {
            invoice_amount: registry.counter(&INVOICE_AMOUNT)?,
            invoices_generated: registry.counter(&INVOICES_GENERATED)?,
            invoices: registry.gauge(&INVOICES)?,
            mrr: registry.gauge(&MRR)?,
            usage_aggregation_duration: registry.histogram(&USAGE_AGGREGATION_DURATION)?,
            pdf_generation_duration: registry.histogram(&PDF_GENERATION_DURATION)?,
            pdf_generated: registry.counter(&PDF_GENERATED)?,
            stripe_charges: registry.counter(&STRIPE_CHARGES)?,
            emails_sent: registry.counter(&EMAILS_SENT)?,
            cron_runs: registry.counter(&CRON_RUNS)?,
            s3_uploads: registry.counter(&S3_UPLOADS)?,
        })
    }

    /// Counts an invoice that was generated, and adds its amount to what the organization was invoiced.
    pub fn record_invoice_generated(&self, organization: &str, amount_cents: u64) {
        self.invoices_generated.inc((Status::Success,));
        self.invoice_amount.add((organization,), amount_cents);
    }

    /// Counts an invoice that could not be generated.
    pub fn record_invoice_failed(&self) {
        self.invoices_generated.inc((Status::Error,));
    }

    /// Sets how many invoices stand at `status` now.
    pub fn record_invoices(&self, status: InvoiceStatus, invoices: u64) {
        self.invoices.set((status,), invoices as f64);
    }

    /// Sets the monthly recurring revenue.
    pub fn record_mrr(&self, cents: u64) {
        self.mrr.set((), cents as f64);
    }

    /// Starts an aggregation of usage records; dropping the timer ends and records it.
    pub fn start_usage_aggregation(&self) -> Timer {
        self.usage_aggregation_duration.start_timer(())
    }

    /// Records an aggregation of usage records that was timed elsewhere.
    pub fn record_usage_aggregation(&self, time: Duration) {
        self.usage_aggregation_duration.observe_duration((), time);
    }

    /// Starts a PDF document; dropping the guard before it succeeded counts an error.
    pub fn start_pdf(&self) -> Run {
        let [success, error] = [Status::Success, Status::Error].map(|status| self.pdf_generated.with((status,)));
        Run::start(success, error).measured(self.pdf_generation_duration.with(()))
    }

    /// Records a PDF document that was timed elsewhere.
    pub fn record_pdf(&self, status: Status, time: Duration) {
        self.pdf_generated.inc((status,));
        self.pdf_generation_duration.observe_duration((), time);
    }

    /// Counts a charge through Stripe.
    pub fn record_stripe_charge(&self, status: Status) {
        self.stripe_charges.inc((status,));
    }

    /// Counts a billing e-mail.
    pub fn record_email(&self, status: Status) {
        self.emails_sent.inc((status,));
    }

    /// Starts a run of a scheduled job; dropping the guard before it succeeded counts an error.
    pub fn start_cron_run(&self, task: &str) -> Run {
        let [success, error] = [Status::Success, Status::Error].map(|status| self.cron_runs.with((task, status)));
        Run::start(success, error)
    }

    /// Counts a run of a scheduled job.
    pub fn record_cron_run(&self, task: &str, status: Status) {
        self.cron_runs.inc((task, status));
    }

    /// Counts an upload to S3.
    pub fn record_s3_upload(&self, status: Status) {
        self.s3_uploads.inc((status,));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metric::Format;

    #[test]
    fn what_billing_records_is_what_a_scrape_shows() {
        let registry = Registry::new();
        let billing = BillingMetrics::register(&registry).unwrap();
        billing.record_invoice_generated("acme", 12_900);
        billing.record_invoice_generated("acme", 1);
        billing.record_invoice_failed();
        billing.record_invoices(InvoiceStatus::Overdue, 4);
        billing.record_mrr(1_250_000);
        billing.record_usage_aggregation(Duration::from_millis(5_001));
        drop(billing.start_usage_aggregation());
        billing.start_pdf().succeed();
        drop(billing.start_pdf());
        billing.record_pdf(Status::Success, Duration::from_secs(5));
        billing.record_stripe_charge(Status::Error);
        billing.record_email(Status::Success);
        billing.start_cron_run("monthly").succeed();
        billing.record_cron_run("monthly", Status::Error);
        billing.record_s3_upload(Status::Success);
        let scrape = registry.render(Format::Text);
        for line in [
            "billing_invoice_amount_cents_total{organization=\"acme\"} 12901\n",
            "billing_invoices_generated_total{status=\"success\"} 2\n",
            "billing_invoices_generated_total{status=\"error\"} 1\n",
            "billing_invoices{status=\"overdue\"} 4\n",
            "billing_mrr_cents 1250000\n",
            "billing_usage_aggregation_duration_seconds_bucket{le=\"5.0\"} 1\n",
            "billing_usage_aggregation_duration_seconds_count 2\n",
            "billing_pdf_generated_total{status=\"success\"} 2\n",
            "billing_pdf_generated_total{status=\"error\"} 1\n",
            "billing_pdf_generation_duration_seconds_count 3\n",
            "billing_stripe_charges_total{status=\"error\"} 1\n",
            "billing_emails_sent_total{status=\"success\"} 1\n",
            "billing_cron_runs_total{task=\"monthly\",status=\"success\"} 1\n",
            "billing_cron_runs_total{task=\"monthly\",status=\"error\"} 1\n",
            "billing_s3_uploads_total{status=\"success\"} 1\n",
        ] {
            assert!(scrape.contains(line), "{line} is not in\n{scrape}");
        }
    }
}
