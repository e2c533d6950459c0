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
