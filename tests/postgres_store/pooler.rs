//! Behind PgBouncer in transaction mode, where each transaction may meet another connection.

use std::net::SocketAddr;
use std::process::Command;

use watchkeeper::store::Postgres;
use watchkeeper::testing::laws::{alert, event, incident, paging, run, sample};

use super::cluster::{CLUSTER, patient};
use super::migrations::at_once;
use crate::support::client::accepts;
use crate::support::process::{Process, free_port, program};

/// A PgBouncer in front of the cluster, with fewer connections than there are callers.
struct Pooler {
    port: u16,
    folder: std::path::PathBuf,
    _process: Process,
}

impl Pooler {
    fn start() -> Self {
        let port = free_port();
        // Its user must reach the folder, so it does not lie below the target folder.
        let folder = std::env::temp_dir().join(format!("watchkeeper-pgbouncer-{}-{port}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let users = folder.join("users");
        std::fs::write(&users, "\"ada\" \"s3cret\"\n").unwrap();
        let settings = format!(
            "[databases]\n* = host=127.0.0.1 port={}\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\n\
             unix_socket_dir =\nauth_type = plain\nauth_file = {}\npool_mode = transaction\ndefault_pool_size = 3\n",
            CLUSTER.port,
            users.display(),
        );
        let file = folder.join("pgbouncer.ini");
        std::fs::write(&file, settings).unwrap();
        let found = program("pgbouncer", "pgbouncer");
        let is_root = Command::new("id").arg("-u").output().unwrap().stdout.trim_ascii() == b"0";
        let mut command = if is_root { Command::new("runuser") } else { found };
        if is_root {
            command.args(["-u", "postgres", "--", "pgbouncer"]);
        }
        let mut process = Process::start(command.arg(&file));
        process.wait_until(|| accepts(SocketAddr::from(([127, 0, 0, 1], port))));
        Self { port, folder, _process: process }
    }

    fn url(&self, database: &str) -> String {
        CLUSTER.url(database).replace(&CLUSTER.port.to_string(), &self.port.to_string())
    }

    fn store(&self, database: &str) -> Postgres {
        Postgres::with_options(&self.url(database), patient()).unwrap()
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        // The process may be runuser, which passes this on.
        self._process.signal("TERM");
        let _ = self._process.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

#[test]
fn the_law_is_kept_behind_pgbouncer_in_transaction_mode() {
    run(async {
        let pooler = Pooler::start();
        macro_rules! laws {
            ($($part:ident::$law:ident)+) => {
                $($part::$law(&pooler.store(&CLUSTER.database().await)).await;)+
            };
        }
        laws! {
            event::what_is_stored_is_read_back_whole
            event::the_same_batch_sent_at_once_is_stored_once
            event::what_is_older_is_dropped_and_nothing_younger
            event::a_call_that_is_dropped_leaves_the_store_usable
            paging::following_the_cursors_finds_each_once
            paging::what_was_stored_before_the_first_page_comes_exactly_once
            sample::what_is_stored_is_read_back_to_the_bit
            sample::totals_never_fall
            incident::a_hundred_openings_at_once_open_one
            incident::every_alert_that_is_attached_is_counted
            incident::a_key_that_was_taken_meanwhile_stays_taken
            alert::of_two_changes_of_a_rule_one_is_stale
        }
    });
}

#[test]
fn sixteen_instances_migrate_once_behind_pgbouncer_though_the_first_is_killed() {
    let rounds = std::env::var("WATCHKEEPER_TEST_ROUNDS").map_or(1, |rounds| rounds.parse().unwrap());
    for _ in 0..rounds {
        run(async {
            let (pooler, database) = (Pooler::start(), CLUSTER.database().await);
            let (leader, connection) =
                tokio_postgres::connect(&pooler.url(&database), tokio_postgres::NoTls).await.unwrap();
            tokio::spawn(connection);
            at_once(&database, leader, || pooler.store(&database)).await;
        });
    }
}
