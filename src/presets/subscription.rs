//! Metrics of subscriptions.

use crate::metric::{CounterDesc, CounterFamily, GaugeDesc, GaugeFamily, RegisterError, Registry};

crate::label_enum! {
    /// What happened to a subscription.
    pub enum SubscriptionEvent: "event" {
        /// It began.
        Created = "created",
        /// It was called off.
        Canceled = "canceled",
        /// It was taken up again after it had been called off.
        Reactivated = "reactivated",
    }
}

/// Shows the subscriptions that run.
pub const ACTIVE_SUBSCRIPTIONS: GaugeDesc = GaugeDesc::new("active_subscriptions", "Subscriptions that run now.");

/// Counts what happens to subscriptions.
pub const SUBSCRIPTION_EVENTS: CounterDesc<(SubscriptionEvent,)> =
    CounterDesc::new("subscription_events_total", "Subscriptions begun, called off or taken up again, by event.");

/// Records subscriptions and what happens to them.
///
/// ```
/// use watchkeeper::presets::{Presets, subscription::SubscriptionEvent};
///
/// let metrics = Presets::default();
/// metrics.subscription().record_event(SubscriptionEvent::Created);
/// metrics.subscription().record_active(120);
/// ```
#[derive(Debug, Clone)]
pub struct SubscriptionMetrics {
    active: GaugeFamily,
    events: CounterFamily<(SubscriptionEvent,)>,
}

impl SubscriptionMetrics {
    /// Registers the group.
    ///
    /// # Errors
    ///
    /// When a name is taken by a metric of another meaning.
    pub fn register(registry: &Registry) -> Result<Self, RegisterError> {
        Ok(Self { active: registry.gauge(&ACTIVE_SUBSCRIPTIONS)?, events: registry.counter(&SUBSCRIPTION_EVENTS)? })
    }

    /// Counts what happened to one subscription.
    pub fn record_event(&self, event: SubscriptionEvent) {
        self.events.inc((event,));
    }

    /// Sets how many subscriptions run now.
    pub fn record_active(&self, subscriptions: u64) {
        self.active.set((), subscriptions as f64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metric::Format;

    #[test]
    fn a_subscription_that_is_taken_up_again_is_an_event_of_its_own() {
        let registry = Registry::new();
        let subscriptions = SubscriptionMetrics::register(&registry).unwrap();
        subscriptions.record_event(SubscriptionEvent::Reactivated);
        subscriptions.record_active(8);
        let scrape = registry.render(Format::Text);
        assert!(scrape.contains("subscription_events_total{event=\"reactivated\"} 1\n"), "{scrape}");
        assert!(scrape.contains("subscription_events_total{event=\"created\"} 0\n"), "{scrape}");
        assert!(scrape.contains("active_subscriptions 8\n"), "{scrape}");
    }
}
