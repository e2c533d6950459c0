//! The schema: made once however many come at once, refused where it is newer, applied beforehand by psql.

use std::sync::Arc;

use watchkeeper::Timestamp;
use watchkeeper::event::{Event, TimeWindow};
use watchkeeper::store::postgres::migrations;
use watchkeeper::store::{Appended, EventQuery, EventStore, Postgres, Scope, StoreErrorKind};
use watchkeeper::testing::laws::run;

use super::cluster::{CLUSTER, patient, store};

fn event() -> Arc<Event> {
    Arc::new(Event::log("s").accept(TimeWindow::default(), Timestamp::now()).0)
}

#[test]
fn sixteen_instances_at_once_make_one_schema_and_none_fails_though_the_first_is_killed() {
    // 20 by command: what goes wrong here goes wrong rarely.
    let rounds = std::env::var("WATCHKEEPER_TEST_ROUNDS").map_or(2, |rounds| rounds.parse().unwrap());
    (0..rounds).for_each(|_| sixteen_at_once());
}

fn sixteen_at_once() {
    run(async {
        let database = CLUSTER.database().await;
        let leader = CLUSTER.connect(&database).await;
        at_once(&database, leader, || store(&database)).await;
    });
}

/// Lets sixteen instances write to an empty database at once, while one that is to be killed holds the lock in the middle
/// of its work.
pub async fn at_once(database: &str, leader: tokio_postgres::Client, store: impl Fn() -> Postgres) {
    let client = CLUSTER.connect(database).await;
    let key = 0x7761_7463_686b_6565_i64;
    leader
        .batch_execute(&format!("BEGIN; SELECT pg_advisory_xact_lock({key}); CREATE SCHEMA watchkeeper"))
        .await
        .unwrap();
    let pid: i32 = leader.query_one("SELECT pg_backend_pid()", &[]).await.unwrap().get(0);
    let stores: Vec<Postgres> = (0..16).map(|_| store()).collect();
    let calls: Vec<_> = stores
        .iter()
        .cloned()
        .map(|store| tokio::spawn(async move { store.append_events(&[event()]).await }))
        .collect();
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    client.query("SELECT pg_terminate_backend($1)", &[&pid]).await.unwrap();
    for call in calls {
        assert_eq!(call.await.unwrap().unwrap(), [Appended::Stored]);
    }
    let versions: i64 = client.query_one("SELECT count(*) FROM watchkeeper.migrations", &[]).await.unwrap().get(0);
    assert_eq!(versions, migrations().count() as i64);
    assert_eq!(stores[0].event_counts(Timestamp::now()).await.unwrap().total, 16);
    // Each partition has each index once, and is attached to its parent's.
    let loose = "SELECT count(*) FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
        WHERE c.relname ~ '^events_[0-9]{8}$' AND NOT EXISTS (SELECT FROM pg_inherits h WHERE h.inhrelid = i.indexrelid)";
    assert_eq!(client.query_one(loose, &[]).await.unwrap().get::<_, i64>(0), 0);
}

#[test]
fn a_newer_schema_is_read_and_not_written_to() {
    run(async {
        let database = CLUSTER.database().await;
        store(&database).append_events(&[event()]).await.unwrap();
        let client = CLUSTER.connect(&database).await;
        client.batch_execute("INSERT INTO watchkeeper.migrations (version) VALUES (999)").await.unwrap();
        let old = store(&database);
        let refused = old.append_events(&[event()]).await.unwrap_err();
        assert_eq!(refused.kind(), StoreErrorKind::ReadOnly);
        let why = std::error::Error::source(&refused).unwrap().to_string();
        assert!(why.contains("999"), "{why}");
        assert_eq!(old.events(&EventQuery::new(Scope::All)).await.unwrap().items.len(), 1);
        assert_eq!(old.migrate().await.unwrap_err().kind(), StoreErrorKind::ReadOnly);
    });
}

#[test]
fn a_schema_that_was_applied_beforehand_is_used_and_one_that_was_not_is_named() {
    run(async {
        let database = CLUSTER.database().await;
        let mut options = patient();
        options.migrate = false;
        let store = Postgres::with_options(&CLUSTER.url(&database), options).unwrap();
        let missing = store.append_events(&[event()]).await.unwrap_err();
        assert_eq!(missing.kind(), StoreErrorKind::ReadOnly);
        assert!(std::error::Error::source(&missing).unwrap().to_string().contains("schema watchkeeper"));

        // As the guide says: the files, in order, each in one transaction.
        let mut files: Vec<_> =
            std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/src/store/postgres/migrations"))
                .unwrap()
                .map(|file| file.unwrap().path())
                .collect();
        files.sort();
        assert_eq!(files.len(), migrations().count());
        for file in files {
            let applied = crate::support::process::program("psql", "postgresql-client")
                .args([&CLUSTER.url(&database), "-X", "-q", "-1", "-v", "ON_ERROR_STOP=1", "-f"])
                .arg(file)
                .output()
                .unwrap();
            assert!(applied.status.success(), "{}", String::from_utf8_lossy(&applied.stderr));
        }
        assert_eq!(store.append_events(&[event()]).await.unwrap(), [Appended::Stored]);
    });
}

/// A role that owns the schema and may do nothing else.
#[test]
fn a_role_with_the_least_rights_is_enough() {
    run(async {
        let database = CLUSTER.database().await;
        let client = CLUSTER.connect(&database).await;
        let role = format!("least_{database}");
        let sql = format!(
            "CREATE ROLE {role} LOGIN PASSWORD 'least' NOSUPERUSER NOCREATEDB NOCREATEROLE;
             REVOKE ALL ON DATABASE {database} FROM PUBLIC;
             GRANT CONNECT ON DATABASE {database} TO {role};
             CREATE SCHEMA watchkeeper AUTHORIZATION {role}"
        );
        client.batch_execute(&sql).await.unwrap();
        let url = CLUSTER.url(&database).replace("ada:s3cret", &format!("{role}:least"));
        let store = Postgres::with_options(&url, patient()).unwrap();
        assert_eq!(store.append_events(&[event()]).await.unwrap(), [Appended::Stored]);
        assert!(store.drop_events(Timestamp::now()).await.is_ok());
        assert_eq!(store.event_counts(Timestamp::now()).await.unwrap().total, 1);
    });
}

#[test]
fn a_schema_that_somebody_takes_away_is_made_again() {
    run(async {
        let database = CLUSTER.database().await;
        let store = store(&database);
        store.append_events(&[event()]).await.unwrap();
        let client = CLUSTER.connect(&database).await;
        client.batch_execute("DROP SCHEMA watchkeeper CASCADE").await.unwrap();
        assert_eq!(store.append_events(&[event()]).await.unwrap_err().kind(), StoreErrorKind::Unavailable);
        assert_eq!(store.append_events(&[event()]).await.unwrap(), [Appended::Stored]);
    });
}
