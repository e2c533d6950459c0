//! Business: subscriptions, revenue, payments, users.

use super::{Dashboard, FieldUnit, Panel, Visual, watched};
use crate::presets::auth::REGISTERED_USERS;
use crate::presets::payment::{PAYMENTS, REVENUE};
use crate::presets::subscription::{ACTIVE_SUBSCRIPTIONS, SUBSCRIPTION_EVENTS};
use crate::promql::{self, Expr};

/// Builds the dashboard.
pub(super) fn dashboard(uid: &str) -> Dashboard {
    let events = promql::increase(watched(&SUBSCRIPTION_EVENTS), "1h").sum_by(&["event"]);
    let revenue = |window| promql::increase(watched(&REVENUE), window).sum() / 100.0;
    let payments = promql::increase(watched(&PAYMENTS), "1h").sum_by(&["status"]);
    Dashboard::new(uid, "Business", "Subscriptions, revenue, payments and users.")
        .services_of(&PAYMENTS)
        .panel(
            Panel::new(
                Visual::Stat,
                "Subscriptions",
                "Subscriptions that run now. Every instance reports all of them, so this is the largest report.",
                FieldUnit::Count,
            )
            .query(Expr::from(watched(&ACTIVE_SUBSCRIPTIONS)).max(), "subscriptions")
            .size(6, 8),
        )
        .panel(
            Panel::new(
                Visual::Stat,
                "Users",
                "Users that have an account. Every instance reports all of them, so this is the largest report.",
                FieldUnit::Count,
            )
            .query(Expr::from(watched(&REGISTERED_USERS)).max(), "users")
            .size(6, 8),
        )
        .panel(
            Panel::new(
                Visual::StackedSeries,
                "Subscription events",
                "Subscriptions begun, called off or taken up again within an hour.",
                FieldUnit::Count,
            )
            .query(events, "{{event}}"),
        )
        .panel(
            Panel::new(
                Visual::TimeSeries,
                "Revenue",
                "Money that came in within an hour and within 24 hours, in whole units of the currency.",
                FieldUnit::Money,
            )
            .query(revenue("1h"), "an hour")
            .query(revenue("24h"), "24 hours"),
        )
        .panel(
            Panel::new(
                Visual::StackedSeries,
                "Payments",
                "Payments within an hour, by how they ended.",
                FieldUnit::Count,
            )
            .query(payments, "{{status}}"),
        )
}
