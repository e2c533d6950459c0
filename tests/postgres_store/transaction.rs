//! Events in a transaction of the app's own.

use watchkeeper::Timestamp;
use watchkeeper::event::{Event, Level, TimeWindow};
use watchkeeper::store::postgres::{INSERT_EVENT, event_parameter, insert_in};
use watchkeeper::store::{Appended, EventStore, Scope, StoreErrorKind};
use watchkeeper::testing::laws::run;

use super::cluster::{CLUSTER, store};

fn event(source: &str) -> Event {
    let told = Event::alert(source).level(Level::Error).message("ü\n\"").tag("n", 1.5).detail("a", vec![1, 2]);
    told.created_by("ann").trace_id("t").check(TimeWindow::default(), Timestamp::now()).unwrap()
}

#[test]
fn an_event_is_there_when_the_apps_transaction_is_committed_and_not_when_it_is_not() {
    run(async {
        let database = CLUSTER.database().await;
        let store = store(&database);
        store.migrate().await.unwrap();
        // A first write makes the partitions of these days.
        store.append_events(&[event("first").into()]).await.unwrap();
        let mut client = CLUSTER.connect(&database).await;
        client.batch_execute("CREATE TABLE orders (id int PRIMARY KEY)").await.unwrap();
        let (kept, gone, by_text) = (event("kept"), event("gone"), event("by text"));

        let transaction = client.transaction().await.unwrap();
        transaction.execute("INSERT INTO orders VALUES (1)", &[]).await.unwrap();
        assert_eq!(insert_in(&transaction, &kept).await.unwrap(), Appended::Stored);
        assert_eq!(insert_in(&transaction, &kept).await.unwrap(), Appended::Duplicate);
        // As any driver does it: one parameter, a text.
        let stored = transaction.query(INSERT_EVENT, &[&event_parameter(&by_text)]).await.unwrap();
        assert_eq!(stored.len(), 1);
        assert_eq!(store.event(kept.id(), &Scope::All).await.unwrap(), None);
        transaction.commit().await.unwrap();

        let transaction = client.transaction().await.unwrap();
        insert_in(&transaction, &gone).await.unwrap();
        transaction.rollback().await.unwrap();

        for event in [&kept, &by_text] {
            assert_eq!(store.event(event.id(), &Scope::All).await.unwrap().as_deref(), Some(event));
        }
        assert_eq!(store.event(gone.id(), &Scope::All).await.unwrap(), None);
        assert_eq!(store.event_counts(Timestamp::now()).await.unwrap().total, 3);
    });
}

#[test]
fn an_event_that_cannot_be_stored_leaves_the_apps_transaction_usable() {
    run(async {
        let database = CLUSTER.database().await;
        store(&database).append_events(&[event("first").into()]).await.unwrap();
        let mut client = CLUSTER.connect(&database).await;
        client.batch_execute("CREATE TABLE orders (id int PRIMARY KEY)").await.unwrap();
        // Read from JSON an event is taken as it is: this one no check has seen.
        let mut poison = serde_json::to_value(event("poison")).unwrap();
        poison["payload"]["nul"] = "\0".into();
        let poison: Event = serde_json::from_value(poison).unwrap();

        let transaction = client.transaction().await.unwrap();
        transaction.execute("INSERT INTO orders VALUES (1)", &[]).await.unwrap();
        let refused = insert_in(&transaction, &poison).await.unwrap_err();
        assert_eq!(refused.kind(), StoreErrorKind::Refused);
        transaction.execute("INSERT INTO orders VALUES (2)", &[]).await.unwrap();
        assert_eq!(insert_in(&transaction, &event("after")).await.unwrap(), Appended::Stored);
        transaction.commit().await.unwrap();

        let orders: i64 = client.query_one("SELECT count(*) FROM orders", &[]).await.unwrap().get(0);
        let events: i64 = client.query_one("SELECT count(*) FROM watchkeeper.events", &[]).await.unwrap().get(0);
        assert_eq!((orders, events), (2, 2));
    });
}

/// The rights that the guide names for another role than the store's own.
#[test]
fn an_app_under_another_role_needs_few_rights() {
    run(async {
        let database = CLUSTER.database().await;
        store(&database).append_events(&[event("first").into()]).await.unwrap();
        let mut client = CLUSTER.connect(&database).await;
        let role = format!("app_{database}");
        let rights = format!(
            "CREATE ROLE {role};
             GRANT USAGE ON SCHEMA watchkeeper TO {role};
             GRANT INSERT ON watchkeeper.events, watchkeeper.count_deltas TO {role};
             GRANT SELECT ON watchkeeper.events TO {role};
             SET ROLE {role}"
        );
        client.batch_execute(&rights).await.unwrap();
        let transaction = client.transaction().await.unwrap();
        assert_eq!(insert_in(&transaction, &event("app")).await.unwrap(), Appended::Stored);
        transaction.commit().await.unwrap();
    });
}
