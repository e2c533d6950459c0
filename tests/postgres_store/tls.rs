//! TLS, by the modes that `sslmode` has for it, against servers with certificates that openssl made for these tests.

use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use watchkeeper::event::{Event, TimeWindow};
use watchkeeper::health::{self, Check};
use watchkeeper::store::{Appended, EventStore, Postgres, StoreError, StoreErrorKind};
use watchkeeper::testing::laws::run;
use watchkeeper::{Timestamp, Watchkeeper, service_info};

use super::cluster::{CLUSTER, patient};
use crate::support::postgres::{PostgresServer, give_to_server};
use crate::support::process::{Folder, program};

/// Certificates and keys, in a folder.
struct Files<'f>(&'f Path);

impl Files<'_> {
    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    fn openssl(&self, arguments: &[&str]) {
        let output = program("openssl", "openssl").current_dir(self.0).args(arguments).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    }

    fn authority(&self, name: &str) {
        let (key, certificate, subject) = (format!("{name}.key"), format!("{name}.crt"), format!("/CN={name}"));
        self.openssl(&[
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
            "-nodes",
            "-days",
            "30",
            "-subj",
            &subject,
            "-keyout",
            &key,
            "-out",
            &certificate,
        ]);
    }

    /// Makes a key and a certificate for a name, which `authority` signs.
    fn certificate(&self, name: &str, authority: &str, days: &str) {
        let (key, request, certificate) = (format!("{name}.key"), format!("{name}.csr"), format!("{name}.crt"));
        let (ca, ca_key) = (format!("{authority}.crt"), format!("{authority}.key"));
        let (subject, extension) = (format!("/CN={name}"), format!("{name}.ext"));
        std::fs::write(self.path(&extension), format!("subjectAltName=DNS:{name}\n")).unwrap();
        self.openssl(&[
            "req",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
            "-nodes",
            "-subj",
            &subject,
            "-keyout",
            &key,
            "-out",
            &request,
        ]);
        self.openssl(&[
            "x509",
            "-req",
            "-in",
            &request,
            "-CA",
            &ca,
            "-CAkey",
            &ca_key,
            "-CAcreateserial",
            "-days",
            days,
            "-extfile",
            &extension,
            "-out",
            &certificate,
        ]);
        give_to_server(&self.path(&key));
    }
}

/// A server whose certificate says `localhost`, signed by the authority `ours`; a client `bob` needs a certificate of his own.
struct Secured(PostgresServer);

static SECURED: LazyLock<Secured> = LazyLock::new(|| Secured::start("localhost", "30"));

impl Secured {
    /// Starts one whose certificate has a name and is good for some days.
    fn start(name: &str, days: &str) -> Self {
        let server = PostgresServer::start_prepared(|folder| {
            let files = Files(folder);
            files.authority("ours");
            files.authority("another");
            files.certificate(name, "ours", days);
            files.certificate("bob", "ours", "30");
            let rules = "hostssl all bob 127.0.0.1/32 cert\nhost all all 127.0.0.1/32 scram-sha-256\n";
            std::fs::write(files.path("hba.conf"), rules).unwrap();
            let setting = |name: &str, file: &str| format!("{name}={}", files.path(file).display());
            vec![
                "fsync=off".to_owned(),
                "ssl=on".to_owned(),
                setting("ssl_cert_file", &format!("{name}.crt")),
                setting("ssl_key_file", &format!("{name}.key")),
                setting("ssl_ca_file", "ours.crt"),
                setting("hba_file", "hba.conf"),
            ]
        });
        Self(server)
    }

    fn path(&self, file: &str) -> String {
        self.0.folder().join(file).display().to_string()
    }

    /// The address of a database, by the name that is in the certificate, and with settings of TLS.
    fn url(&self, database: &str, settings: &str) -> String {
        format!("{}?{settings}", self.0.url(database).replace("127.0.0.1", "localhost"))
    }

    fn roots(&self, authority: &str) -> String {
        format!("sslrootcert={}", self.path(&format!("{authority}.crt")))
    }
}

async fn append(url: &str) -> Result<Vec<Appended>, StoreError> {
    let event = Arc::new(Event::log("s").accept(TimeWindow::default(), Timestamp::now()).0);
    Postgres::with_options(url, patient()).unwrap().append_events(&[event]).await
}

/// All that an error says, from its own words to its last cause.
fn said(error: &dyn std::error::Error) -> String {
    std::iter::successors(Some(error), |error| error.source()).map(|error| format!("{error}; ")).collect()
}

async fn refused(url: &str) -> String {
    let error = append(url).await.unwrap_err();
    // The server may get another certificate, so it is tried again.
    assert_eq!(error.kind(), StoreErrorKind::Unavailable, "{error:?}");
    let said = said(&error);
    assert!(!said.contains("s3cret"), "{said}");
    said
}

#[test]
fn each_mode_encrypts_as_it_says_and_the_strict_ones_know_the_server() {
    run(async {
        let database = SECURED.0.database().await;
        let ours = SECURED.roots("ours");
        let client = SECURED.0.connect(&database).await;
        for (settings, is_encrypted) in [
            ("sslmode=disable".to_owned(), false),
            ("target_session_attrs=any".to_owned(), true),
            ("sslmode=prefer".to_owned(), true),
            ("sslmode=require".to_owned(), true),
            (format!("sslmode=require&{ours}"), true),
            (format!("sslmode=verify-ca&{ours}"), true),
            (format!("sslmode=verify-full&{ours}"), true),
            (format!("sslmode=verify-full&channel_binding=require&{ours}"), true),
        ] {
            let name = format!("application_name=by{}", settings.len());
            let url = SECURED.url(&database, &format!("{name}&{settings}"));
            let store = Postgres::with_options(&url, patient()).unwrap();
            store.migrate().await.unwrap_or_else(|error| panic!("{settings}: {}", said(&error)));
            let seen = "SELECT bool_and(s.ssl) FROM pg_stat_ssl s JOIN pg_stat_activity a USING (pid)
                WHERE a.application_name = 'by' || $1::int";
            let seen: Option<bool> = client.query_one(seen, &[&(settings.len() as i32)]).await.unwrap().get(0);
            assert_eq!(seen, Some(is_encrypted), "{settings}");
        }
    });
}

#[test]
fn a_server_that_another_authority_vouches_for_is_refused_and_the_log_says_why() {
    run(async {
        let database = SECURED.0.database().await;
        let another = SECURED.roots("another");
        for settings in [
            format!("sslmode=require&{another}"),
            format!("sslmode=verify-ca&{another}"),
            format!("sslmode=verify-full&{another}"),
            // Browsers do not know ours.
            "sslmode=verify-full".to_owned(),
            "sslrootcert=system".to_owned(),
        ] {
            let said = refused(&SECURED.url(&database, &settings)).await;
            assert!(said.contains("invalid peer certificate: UnknownIssuer"), "{settings}: {said}");
        }
    });
}

#[test]
fn a_server_with_another_name_is_refused_where_the_name_counts() {
    run(async {
        let database = SECURED.0.database().await;
        let ours = SECURED.roots("ours");
        let by_number = |mode: &str| format!("{}?sslmode={mode}&{ours}", SECURED.0.url(&database));
        let said = refused(&by_number("verify-full")).await;
        assert!(said.contains("not valid for name") && said.contains("localhost"), "{said}");
        assert_eq!(append(&by_number("verify-ca")).await.unwrap(), [Appended::Stored]);
        // The host is the name that counts, wherever the server is.
        let elsewhere = format!(
            "host=localhost hostaddr=127.0.0.1 port={} user=ada password=s3cret dbname={database} sslmode=verify-full sslrootcert='{}'",
            SECURED.0.port,
            SECURED.path("ours.crt")
        );
        assert_eq!(append(&elsewhere).await.unwrap(), [Appended::Stored]);
    });
}

#[test]
fn a_server_without_tls_is_refused_where_tls_is_required() {
    run(async {
        let url = CLUSTER.url(&CLUSTER.database().await);
        for settings in ["sslmode=require", "sslmode=verify-full"] {
            let said = refused(&format!("{url}?{settings}")).await;
            assert!(said.contains("server does not support TLS"), "{said}");
        }
        assert_eq!(append(&format!("{url}?sslmode=prefer")).await.unwrap(), [Appended::Stored]);
    });
}

#[test]
fn a_certificate_that_is_past_its_time_is_refused() {
    run(async {
        let secured = Secured::start("localhost", "-1");
        for mode in ["verify-ca", "verify-full"] {
            let settings = format!("sslmode={mode}&{}", secured.roots("ours"));
            let said = refused(&secured.url("postgres", &settings)).await;
            assert!(said.contains("invalid peer certificate: Expired"), "{said}");
        }
        assert_eq!(append(&secured.url("postgres", "sslmode=require")).await.unwrap(), [Appended::Stored]);
    });
}

#[test]
fn a_certificate_of_our_own_lets_us_in() {
    run(async {
        let database = SECURED.0.database().await;
        let client = SECURED.0.connect(&database).await;
        let role = format!("CREATE ROLE bob LOGIN; GRANT CREATE ON DATABASE {database} TO bob");
        client.batch_execute(&role).await.unwrap();
        let url = SECURED.url(&database, "sslmode=require").replace("ada:s3cret", "bob");
        let shown = format!("{url}&sslcert={}&sslkey={}", SECURED.path("bob.crt"), SECURED.path("bob.key"));
        assert_eq!(append(&shown).await.unwrap(), [Appended::Stored]);
        let said = refused(&url).await;
        assert!(said.contains("valid client certificate"), "{said}");
    });
}

/// Where TLS begins without being asked for in plain text, which servers of release 17 and newer understand.
#[test]
fn tls_begins_at_once_where_the_server_understands_that() {
    run(async {
        let database = SECURED.0.database().await;
        let client = SECURED.0.connect(&database).await;
        let release: i32 =
            client.query_one("SELECT current_setting('server_version_num')::int / 10000", &[]).await.unwrap().get(0);
        let settings = format!("sslmode=verify-full&sslnegotiation=direct&{}", SECURED.roots("ours"));
        let url = SECURED.url(&database, &settings);
        if release >= 17 {
            assert_eq!(append(&url).await.unwrap(), [Appended::Stored]);
        } else {
            refused(&url).await;
        }
    });
}

#[test]
fn the_server_is_told_by_tls_too_that_a_call_is_given_up() {
    run(async {
        let database = SECURED.0.database().await;
        let url = SECURED.url(&database, &format!("sslmode=verify-full&{}", SECURED.roots("ours")));
        let mut options = patient();
        Postgres::with_options(&url, options).unwrap().migrate().await.unwrap();
        options.call_deadline = Duration::from_secs(2);
        let store = Postgres::with_options(&url, options).unwrap();
        let client = SECURED.0.connect(&database).await;
        client.batch_execute("BEGIN; LOCK TABLE watchkeeper.counts IN ACCESS EXCLUSIVE MODE").await.unwrap();
        assert_eq!(store.event_counts(Timestamp::now()).await.unwrap_err().kind(), StoreErrorKind::Timeout);
        let waiting = "SELECT count(*) FROM pg_stat_activity
            WHERE datname = current_database() AND application_name = 'watchkeeper' AND wait_event_type = 'Lock'";
        let watching = SECURED.0.connect(&database).await;
        let start = std::time::Instant::now();
        while watching.query_one(waiting, &[]).await.unwrap().get::<_, i64>(0) > 0 {
            assert!(start.elapsed() < Duration::from_secs(30), "the server still waits");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
}

#[test]
fn files_that_cannot_be_used_and_settings_that_contradict_each_other_are_refused_at_the_start() {
    let folder = Folder::new("tls");
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let (empty, broken) =
        (file("empty", ""), file("broken", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"));
    let nowhere = Path::new("/nowhere/root.crt").display();
    for (settings, why) in [
        (format!("sslmode=verify-full&sslrootcert={nowhere}"), "its sslrootcert cannot be read: "),
        (format!("sslmode=verify-full&sslrootcert={empty}"), "its sslrootcert cannot be read: "),
        (format!("sslmode=verify-full&sslrootcert={broken}"), "its sslrootcert cannot be read: "),
        (format!("sslmode=require&sslcert={empty}&sslkey={empty}"), "its sslkey cannot be read: "),
        (format!("sslmode=require&sslcert={empty}"), "of sslcert and sslkey it has but one"),
        ("sslmode=verify-ca".to_owned(), "with sslmode=verify-ca it has to name an sslrootcert"),
        ("sslmode=require&sslrootcert=system".to_owned(), "with sslrootcert=system its sslmode has to be verify-full"),
        (
            format!("sslrootcert={nowhere}"),
            "with an sslrootcert its sslmode has to be require, verify-ca or verify-full",
        ),
        ("sslmode=allow".to_owned(), "its sslmode is none of "),
    ] {
        let error = Postgres::from_url(&format!("postgres://ada:s3cret@db/shop?{settings}")).unwrap_err().to_string();
        assert!(error.contains(why) && !error.contains("s3cret"), "{settings}: {error}");
    }
}

#[test]
fn the_check_of_health_speaks_tls_as_the_address_says() {
    run(async {
        let cause = async |authority: &str| {
            let url = SECURED.url("postgres", &format!("sslmode=verify-full&{}", SECURED.roots(authority)));
            let check = Check::new("db", health::Postgres::from_url(&url).unwrap()).timeout(Duration::from_secs(60));
            let watch = Watchkeeper::builder(service_info!()).health_check(check).build().unwrap();
            watch.health().report().await.checks[0].cause.clone()
        };
        assert_eq!(cause("ours").await, None);
        let said = cause("another").await.unwrap();
        assert!(said.contains("UnknownIssuer"), "{said}");
    });
}
