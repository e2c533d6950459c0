//! Statistics: equal to what was stored, and never lower after something was dropped.

use std::sync::Arc;
use std::time::Duration;

use watchkeeper::Timestamp;
use watchkeeper::event::{Event, TimeWindow};
use watchkeeper::incident::{Actor, Incident, Severity};
use watchkeeper::sample::Sample;

use crate::stores::desks;

#[tokio::test]
async fn statistics_say_what_was_stored_whatever_was_dropped_since() {
    for (name, desk) in desks().await {
        let now = Timestamp::now();
        let at = |hours: u64| now.minus(Duration::from_secs(hours * 3600));
        let event = |hours| Arc::new(Event::log("shop").at(at(hours)).accept(TimeWindow::days(60), now).0);
        let sample = |hours| {
            let draft = Sample::gauge("load", 1.0).at(at(hours));
            Arc::new(draft.accept(TimeWindow::days(60), now).0)
        };
        let store = desk.store();
        store.append_events(&[event(0), event(0), event(5), event(40 * 24)]).await.unwrap();
        store.append_samples(&[sample(0), sample(30)]).await.unwrap();
        let one = desk.open(Incident::draft("a", Severity::Low)).await.unwrap().incident;
        desk.open(Incident::draft("b", Severity::Low)).await.unwrap();
        desk.resolve(one.id, "over", &Actor::Automation).await.unwrap();
        store.drop_events(at(30 * 24)).await.unwrap();

        let statistics = desk.statistics().await.unwrap();

        let json = serde_json::to_value(statistics).unwrap();
        let due = serde_json::json!({
            "total_events": 4, "total_metrics": 2, "active_alerts": 0, "open_incidents": 1,
            "events_last_hour": 2, "metrics_last_hour": 1,
        });
        assert_eq!(json, due, "{name}");
    }
}
