//! Business: sign-ins, subscriptions, payments, and the database under them.

use std::time::Duration;

use watchkeeper::presets::auth::LoginResult;
use watchkeeper::presets::database::{Operation, QueryType};
use watchkeeper::presets::payment::PaymentStatus;
use watchkeeper::presets::subscription::SubscriptionEvent;
use watchkeeper::presets::{Presets, Status};

use crate::day::Moment;

/// Records what the shop does in a moment.
pub(crate) fn record(metrics: &Presets, moment: &mut Moment) {
    let auth = metrics.auth();
    for (result, often) in
        [(LoginResult::Success, 0.6), (LoginResult::InvalidCredentials, 0.1), (LoginResult::RateLimited, 0.02)]
    {
        (0..moment.count(often)).for_each(|_| auth.record_login(result));
    }
    auth.record_active_sessions(20 + (400.0 * moment.busy()) as u64);
    auth.record_registered_users(12_400 + moment.number_below(20) as u64);

    let subscription = metrics.subscription();
    for (event, often) in [
        (SubscriptionEvent::Created, 0.05),
        (SubscriptionEvent::Canceled, 0.03),
        (SubscriptionEvent::Reactivated, 0.01),
    ] {
        (0..moment.count(often)).for_each(|_| subscription.record_event(event));
    }
    subscription.record_active(3_100 + moment.number_below(30) as u64);

    for _ in 0..moment.count(0.3) {
        let failing = moment.failing(0.03);
        let status = if moment.happens(failing) { PaymentStatus::Failed } else { PaymentStatus::Succeeded };
        metrics.payment().record_payment(status, 499 + 250 * moment.number_below(40) as u64);
    }
    if moment.is_first() {
        metrics.payment().record_payment(PaymentStatus::Succeeded, 499);
    }
    database(metrics, moment);
}

fn database(metrics: &Presets, moment: &mut Moment) {
    let database = metrics.database();
    let in_use = 2 + (14.0 * moment.busy()) as u64 + moment.number_below(4) as u64;
    database.record_pool(in_use, in_use.max(10), 25);
    for (query_type, operation, middle, often) in [
        (QueryType::Select, Operation::Select, 4, 3.0),
        (QueryType::Insert, Operation::Insert, 6, 0.8),
        (QueryType::Update, Operation::Update, 7, 0.6),
        (QueryType::Delete, Operation::Delete, 5, 0.1),
        (QueryType::Transaction, Operation::Transaction, 18, 0.4),
        (QueryType::Other, Operation::Other, 2, 0.1),
    ] {
        for _ in 0..moment.count(often) {
            let slow = moment.failing(0.001);
            let middle = if moment.happens(slow) { 1_500 } else { middle };
            database.record_query(query_type, moment.time(Duration::from_millis(middle)));
            let failing = moment.failing(0.002);
            let status = if moment.happens(failing) { Status::Error } else { Status::Success };
            database.record_operation(operation, moment.one_of(&["orders", "customers", "invoices"]), status);
        }
    }
}
