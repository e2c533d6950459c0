//! Billing: invoices, documents, charges, e-mails, scheduled jobs.

use std::time::Duration;

use watchkeeper::presets::Status;
use watchkeeper::presets::billing::{BillingMetrics, InvoiceStatus};

use crate::day::Moment;
use crate::gateway::ORGANIZATIONS;

/// What billing remembers.
#[derive(Debug, Default)]
pub(crate) struct Billing {
    invoices: u64,
}

impl Billing {
    pub(crate) fn record(&mut self, billing: &BillingMetrics, moment: &mut Moment) {
        if moment.is_first() {
            ORGANIZATIONS.iter().for_each(|organization| billing.record_invoice_generated(organization, 9_900));
        }
        for _ in 0..moment.count(0.4) {
            self.invoice(billing, moment);
        }
        for (status, share) in [
            (InvoiceStatus::Draft, 3),
            (InvoiceStatus::Open, 12),
            (InvoiceStatus::Paid, 80),
            (InvoiceStatus::Overdue, 4),
            (InvoiceStatus::Void, 1),
        ] {
            billing.record_invoices(status, (2_000 + self.invoices) * share / 100);
        }
        billing.record_mrr(18_400_000 + 100 * self.invoices);
        if moment.happens(0.02) {
            billing.record_usage_aggregation(moment.time(Duration::from_millis(1_200)));
        }
        for job in ["monthly_invoices", "payment_reminders", "usage_rollup"] {
            if moment.happens(0.02) {
                let failing = moment.failing(0.005);
                billing.record_cron_run(job, status(moment, failing));
            }
        }
    }

    fn invoice(&mut self, billing: &BillingMetrics, moment: &mut Moment) {
        self.invoices += 1;
        let organization = moment.one_of(ORGANIZATIONS);
        let failing = moment.failing(0.004);
        match status(moment, failing) {
            Status::Error => billing.record_invoice_failed(),
            Status::Success => billing.record_invoice_generated(organization, 4_900 + 100 * self.invoices % 90_000),
        }
        billing.record_pdf(status(moment, failing), moment.time(Duration::from_millis(900)));
        billing.record_stripe_charge(status(moment, 3.0 * failing));
        billing.record_email(status(moment, 2.0 * failing));
        billing.record_s3_upload(status(moment, failing));
    }
}

fn status(moment: &mut Moment, failing: f64) -> Status {
    if moment.happens(failing) && !moment.is_first() { Status::Error } else { Status::Success }
}
