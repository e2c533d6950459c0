//! Synchronisation: jobs between systems, conflicts, integrations, webhooks.

use std::time::Duration;

use watchkeeper::presets::Status;
use watchkeeper::presets::sync::{ConflictOutcome, SyncMetrics};

use crate::day::Moment;

/// Records what is synchronised in a moment.
pub(crate) fn record(sync: &SyncMetrics, moment: &mut Moment) {
    let failing = moment.failing(0.005);
    for (source, target, middle) in [("crm", "shop", 700), ("shop", "warehouse", 400), ("warehouse", "shop", 900)] {
        let time = moment.time(Duration::from_millis(middle));
        // One job in five is watched while it runs; the rest comes in as a record.
        if moment.happens(0.04) {
            let job = sync.start_job(source, target);
            tokio::spawn(async move {
                tokio::time::sleep(time).await;
                job.succeed();
            });
        }
        for _ in 0..moment.count(0.15) {
            let status = if moment.happens(failing) { Status::Error } else { Status::Success };
            sync.record_job(source, target, status, time);
        }
    }
    if moment.happens(0.05) {
        sync.record_conflict(ConflictOutcome::Detected);
        if moment.happens(0.9) {
            sync.record_conflict(ConflictOutcome::Resolved);
        }
    }
    for integration in ["crm", "warehouse", "mail"] {
        let down = moment.in_trouble() && integration == "mail";
        sync.record_integration_up(integration, !down);
        if moment.happens(if down { 0.5 } else { 0.01 }) {
            sync.record_integration_retry(integration);
        }
    }
    for _ in 0..moment.count(0.4) {
        let status = if moment.happens(2.0 * failing) { Status::Error } else { Status::Success };
        sync.record_webhook_delivery(status);
    }
}
