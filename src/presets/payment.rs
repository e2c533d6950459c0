//! Metrics of payments and revenue.

use crate::metric::{CounterDesc, CounterFamily, RegisterError, Registry};

crate::label_enum! {
    /// How a payment ended.
    pub enum PaymentStatus: "status" {
        /// The money came in.
        Succeeded = "succeeded",
        /// It was declined or went wrong.
        Failed = "failed",
    }
}

/// Counts payments.
pub const PAYMENTS: CounterDesc<(PaymentStatus,)> = CounterDesc::new("payments_total", "Payments, by how they ended.");

/// Adds up the money that came in.
pub const REVENUE: CounterDesc =
    CounterDesc::new("revenue_cents_total", "Money that came in, in whole cents of the shop's one currency.");

/// Records payments and revenue, in whole cents.
///
/// ```
/// use watchkeeper::presets::{Presets, payment::PaymentStatus};
///
/// let metrics = Presets::default();
/// metrics.payment().record_payment(PaymentStatus::Succeeded, 19_99);
/// metrics.payment().record_payment(PaymentStatus::Failed, 5_00); // adds nothing to the revenue
/// ```
#[derive(Debug, Clone)]
pub struct PaymentMetrics {
    payments: CounterFamily<(PaymentStatus,)>,
    revenue: CounterFamily,
}

impl PaymentMetrics {
    /// Registers the group.
    ///
    /// # Errors
    ///
    /// When a name is taken by a metric of another meaning.
    pub fn register(registry: &Registry) -> Result<Self, RegisterError> {
        Ok(Self { payments: registry.counter(&PAYMENTS)?, revenue: registry.counter(&REVENUE)? })
    }

    /// Counts a payment, and adds its amount to the revenue when it succeeded.
    pub fn record_payment(&self, status: PaymentStatus, amount_cents: u64) {
        self.payments.inc((status,));
        if status == PaymentStatus::Succeeded {
            self.revenue.add((), amount_cents);
        }
    }

    /// Adds revenue that no payment was counted for, such as a bank transfer found later.
    pub fn record_revenue(&self, amount_cents: u64) {
        self.revenue.add((), amount_cents);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metric::Format;

    #[test]
    fn revenue_is_counted_in_whole_cents_and_only_when_the_money_came_in() {
        let registry = Registry::new();
        let payments = PaymentMetrics::register(&registry).unwrap();
        payments.record_payment(PaymentStatus::Succeeded, 9_007_199_254_740_993);
        payments.record_payment(PaymentStatus::Failed, 500);
        payments.record_revenue(4);
        let scrape = registry.render(Format::Text);
        assert!(scrape.contains("revenue_cents_total 9007199254740997\n"), "{scrape}");
        assert!(scrape.contains("payments_total{status=\"succeeded\"} 1\n"), "{scrape}");
        assert!(scrape.contains("payments_total{status=\"failed\"} 1\n"), "{scrape}");
    }
}
