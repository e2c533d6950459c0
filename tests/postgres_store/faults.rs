//! What the server refuses, by its own codes: what the store makes of them, and what the journal does then.

use std::sync::Arc;
use std::time::{Duration, Instant};

use watchkeeper::event::{Event, TimeWindow};
use watchkeeper::journal::{DropReason, Sink};
use watchkeeper::store::{Appended, EventQuery, EventStore, Postgres, Scope, StoreErrorKind};
use watchkeeper::testing::laws::run;
use watchkeeper::{Timestamp, Watchkeeper, service_info};

use super::cluster::{CLUSTER, patient, store};
use crate::support::process::eventually;

fn event(source: &str) -> Arc<Event> {
    Arc::new(Event::log(source).accept(TimeWindow::default(), Timestamp::now()).0)
}

/// Lets every insert of an event from `poison` fail with a code.
async fn fail_with(client: &tokio_postgres::Client, code: &str) {
    let sql = format!(
        "CREATE OR REPLACE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            IF new.source = 'poison' THEN RAISE EXCEPTION 'as told' USING ERRCODE = '{code}'; END IF;
            RETURN new;
        END $$;
        CREATE OR REPLACE TRIGGER fail BEFORE INSERT ON watchkeeper.events FOR EACH ROW EXECUTE FUNCTION fail()"
    );
    client.batch_execute(&sql).await.unwrap();
}

#[test]
fn each_code_of_the_server_has_its_kind_and_leaves_the_store_usable() {
    run(async {
        let database = CLUSTER.database().await;
        let (store, client) = (store(&database), CLUSTER.connect(&database).await);
        store.append_events(&[event("s")]).await.unwrap();
        for (code, kind) in [
            ("08006", StoreErrorKind::Unavailable),
            ("57P01", StoreErrorKind::Unavailable),
            ("57P03", StoreErrorKind::Unavailable),
            ("53300", StoreErrorKind::Unavailable),
            ("57014", StoreErrorKind::Timeout),
            ("40001", StoreErrorKind::Contention),
            ("40P01", StoreErrorKind::Contention),
            ("55P03", StoreErrorKind::Contention),
            ("53100", StoreErrorKind::Full),
            ("25006", StoreErrorKind::ReadOnly),
            ("42501", StoreErrorKind::ReadOnly),
            ("22P05", StoreErrorKind::Refused),
            ("22021", StoreErrorKind::Refused),
            ("23514", StoreErrorKind::Refused),
            ("54000", StoreErrorKind::Refused),
        ] {
            fail_with(&client, code).await;
            let error = store.append_events(&[event("s"), event("poison")]).await.unwrap_err();
            assert_eq!(error.kind(), kind, "{code}");
            assert_eq!(store.append_events(&[event("s")]).await.unwrap(), [Appended::Stored], "{code}");
        }
    });
}

#[test]
fn a_poisoned_event_is_found_wherever_it_stands_and_the_others_are_stored() {
    run(async {
        let database = CLUSTER.database().await;
        let client = CLUSTER.connect(&database).await;
        store(&database).append_events(&[event("s")]).await.unwrap();
        fail_with(&client, "22P05").await;
        for place in [0, 1, 250, 498, 499] {
            let watch = Watchkeeper::builder(service_info!()).store(store(&database)).build().unwrap();
            for at in 0..500 {
                watch.record_event(Event::log(if at == place { "poison" } else { "s" })).unwrap();
            }
            let counts = eventually(|| {
                let counts = watch.journal().counts(Sink::Events).unwrap();
                if counts.queued() == 0 { Ok(counts) } else { Err(format!("{counts:?}")) }
            });
            assert_eq!((counts.stored(), counts.dropped_for(DropReason::Invalid)), (499, 1), "at {place}");
        }
        let stored: i64 = client.query_one("SELECT count(*) FROM watchkeeper.events", &[]).await.unwrap().get(0);
        assert_eq!(stored, 1 + 5 * 499);
    });
}

#[test]
fn a_database_that_may_only_be_read_is_read_and_is_written_to_when_it_may_be() {
    run(async {
        let database = CLUSTER.database().await;
        let (store, client) = (store(&database), CLUSTER.connect(&database).await);
        store.append_events(&[event("s")]).await.unwrap();
        let read_only = |on: bool| format!("ALTER DATABASE {database} SET default_transaction_read_only = {on}");
        client.batch_execute(&read_only(true)).await.unwrap();
        let others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
            WHERE datname = current_database() AND pid <> pg_backend_pid()";
        client.query(others, &[]).await.unwrap();
        eventually(|| match run_now(store.append_events(&[event("s")])) {
            Err(error) if error.kind() == StoreErrorKind::ReadOnly => Ok(()),
            other => Err(format!("{other:?}")),
        });
        assert_eq!(store.events(&EventQuery::new(Scope::All)).await.unwrap().items.len(), 1);
        client.batch_execute("SET default_transaction_read_only = off").await.unwrap();
        client.batch_execute(&read_only(false)).await.unwrap();
        client.query(others, &[]).await.unwrap();
        eventually(|| run_now(store.append_events(&[event("s")])).map_err(|error| error.to_string()));
    });
}

fn run_now<T>(future: impl Future<Output = T> + Send) -> T
where
    T: Send,
{
    std::thread::scope(|threads| threads.spawn(|| run(future)).join().unwrap())
}

/// Somebody holds a lock on the table: the call ends at its deadline, its connection is closed, and the next one goes well.
#[test]
fn a_call_that_hangs_ends_at_its_deadline_and_its_connection_is_not_used_again() {
    run(async {
        let database = CLUSTER.database().await;
        let mut options = patient();
        options.call_deadline = Duration::from_secs(10);
        let store = Postgres::with_options(&CLUSTER.url(&database), options).unwrap();
        store.append_events(&[event("s")]).await.unwrap();
        options.call_deadline = Duration::from_millis(400);
        options.connections = 1;
        let store = Postgres::with_options(&CLUSTER.url(&database), options).unwrap();
        let client = CLUSTER.connect(&database).await;
        eventually(|| run_now(store.events(&EventQuery::new(Scope::All))).map_err(|error| error.to_string()));
        client.batch_execute("BEGIN; LOCK TABLE watchkeeper.events IN ACCESS EXCLUSIVE MODE").await.unwrap();
        let start = Instant::now();
        let error = store.append_events(&[event("s")]).await.unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Timeout);
        assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
        // The server is told, so nothing goes on waiting for the lock.
        let watching = CLUSTER.connect(&database).await;
        let waiting = "SELECT count(*) FROM pg_stat_activity
            WHERE datname = current_database() AND application_name = 'watchkeeper' AND wait_event_type = 'Lock'";
        let gone = Instant::now();
        while watching.query_one(waiting, &[]).await.unwrap().get::<_, i64>(0) > 0 {
            assert!(gone.elapsed() < Duration::from_secs(30), "the server still waits");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        client.batch_execute("COMMIT").await.unwrap();
        eventually(|| run_now(store.append_events(&[event("s")])).map_err(|error| error.to_string()));
    });
}

/// Another instance drops what this one knows to be there.
#[test]
fn a_partition_that_others_dropped_is_made_again() {
    run(async {
        let database = CLUSTER.database().await;
        let (one, other) = (store(&database), store(&database));
        let told = || {
            let now = Timestamp::now();
            let old = now.minus(Duration::from_secs(10 * 86_400));
            Arc::new(Event::log("old").at(old).accept(TimeWindow::default(), now).0)
        };
        one.append_events(&[told()]).await.unwrap();
        assert_eq!(other.drop_events(Timestamp::now().minus(Duration::from_secs(86_400))).await.unwrap(), 1);
        assert_eq!(one.append_events(&[told()]).await.unwrap(), [Appended::Stored]);
    });
}

#[test]
fn a_server_that_is_not_there_is_unavailable_at_once_and_what_it_says_is_no_secret() {
    run(async {
        let store = Postgres::from_url("postgres://ada:s3cret@127.0.0.1:1/shop").unwrap();
        let start = Instant::now();
        let error = store.append_events(&[event("s")]).await.unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Unavailable);
        assert!(start.elapsed() < Duration::from_secs(3));
        let wrong = CLUSTER.url("postgres").replace("s3cret", "wr0ng");
        let refused = Postgres::from_url(&wrong).unwrap().append_events(&[event("s")]).await.unwrap_err();
        assert_eq!(refused.kind(), StoreErrorKind::Unavailable);
        let said = format!("{error:?} {error} {store:?} {refused:?} {refused}");
        assert!(!said.contains("s3cret") && !said.contains("wr0ng"), "{said}");
    });
}
