//! Events in a transaction of the app's own.

use watchkeeper::Timestamp;
use watchkeeper::event::{Event, Level, TimeWindow};
use watchkeeper::store::postgres::{INSERT_EVENT, event_parameter, insert_in, insert_in_sqlx};
use watchkeeper::store::{Appended, EventStore, Scope, StoreErrorKind};
use watchkeeper::testing::laws::run;

use super::cluster::{CLUSTER, store};

fn event(source: &str) -> Event {
    let told = Event::alert(source).level(Level::Error).message("ü\n\"").tag("n", 1.5).detail("a", vec![1, 2]);
    told.created_by("ann").trace_id("t").check(TimeWindow::default(), Timestamp::now()).unwrap()
}

/// An event that no check has seen: read from JSON it is taken as it is.
fn poison() -> Event {
    let mut poison = serde_json::to_value(event("poison")).unwrap();
    poison["payload"]["nul"] = "\0".into();
    serde_json::from_value(poison).unwrap()
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
        let poison = poison();

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

#[test]
fn with_sqlx_an_event_is_there_with_the_apps_transaction_and_one_that_cannot_be_stored_leaves_it_usable() {
    run(async {
        let database = CLUSTER.database().await;
        let store = store(&database);
        store.append_events(&[event("first").into()]).await.unwrap();
        let pool = sqlx::PgPool::connect(&CLUSTER.url(&database)).await.unwrap();
        sqlx::raw_sql("CREATE TABLE orders (id int PRIMARY KEY)").execute(&pool).await.unwrap();
        let (kept, gone) = (event("kept"), event("gone"));

        let mut transaction = pool.begin().await.unwrap();
        sqlx::query("INSERT INTO orders VALUES (1)").execute(&mut *transaction).await.unwrap();
        assert_eq!(insert_in_sqlx(&mut transaction, &kept).await.unwrap(), Appended::Stored);
        assert_eq!(insert_in_sqlx(&mut transaction, &kept).await.unwrap(), Appended::Duplicate);
        let refused = insert_in_sqlx(&mut transaction, &poison()).await.unwrap_err();
        assert_eq!(refused.kind(), StoreErrorKind::Refused);
        sqlx::query("INSERT INTO orders VALUES (2)").execute(&mut *transaction).await.unwrap();
        assert_eq!(store.event(kept.id(), &Scope::All).await.unwrap(), None);
        transaction.commit().await.unwrap();

        let mut transaction = pool.begin().await.unwrap();
        insert_in_sqlx(&mut transaction, &gone).await.unwrap();
        transaction.rollback().await.unwrap();
        // Its own savepoints and ours do not meet.
        let mut outer = pool.begin().await.unwrap();
        let mut inner = sqlx::Acquire::begin(&mut *outer).await.unwrap();
        insert_in_sqlx(&mut inner, &gone).await.unwrap();
        inner.rollback().await.unwrap();
        sqlx::query("INSERT INTO orders VALUES (3)").execute(&mut *outer).await.unwrap();
        outer.commit().await.unwrap();

        assert_eq!(store.event(kept.id(), &Scope::All).await.unwrap(), Some(kept.into()));
        assert_eq!(store.event(gone.id(), &Scope::All).await.unwrap(), None);
        assert_eq!(store.event_counts(Timestamp::now()).await.unwrap().total, 2);
        let orders: i64 = sqlx::query_scalar("SELECT count(*) FROM orders").fetch_one(&pool).await.unwrap();
        assert_eq!(orders, 3);
    });
}

/// By either driver, an event of a day that has no partition is an error that passes, and the transaction goes on.
#[test]
fn a_day_without_a_partition_is_an_error_that_passes() {
    run(async {
        let database = CLUSTER.database().await;
        store(&database).append_events(&[event("first").into()]).await.unwrap();
        let old = Timestamp::now().minus(std::time::Duration::from_secs(20 * 86_400));
        let (old, _) = Event::log("old").at(old).accept(TimeWindow::default(), Timestamp::now());
        let pool = sqlx::PgPool::connect(&CLUSTER.url(&database)).await.unwrap();
        let mut by_sqlx = pool.begin().await.unwrap();
        let error = insert_in_sqlx(&mut by_sqlx, &old).await.unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Contention);
        assert_eq!(insert_in_sqlx(&mut by_sqlx, &event("s")).await.unwrap(), Appended::Stored);
        let mut client = CLUSTER.connect(&database).await;
        let transaction = client.transaction().await.unwrap();
        let error = insert_in(&transaction, &old).await.unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Contention);
        assert_eq!(insert_in(&transaction, &event("s")).await.unwrap(), Appended::Stored);
    });
}
