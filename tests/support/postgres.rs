//! A PostgreSQL cluster of a test's own: in a temporary folder, on a free port, gone with the test.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use super::client::accepts;
use super::process::{PATIENCE, Process, eventually, free_port, program};

/// A real Postgres, with a user `ada` whose password is `s3cret`.
#[derive(Debug)]
pub struct PostgresServer {
    pub port: u16,
    bin: String,
    folder: PathBuf,
    settings: Vec<String>,
    process: Option<Process>,
    /// Stops the server when this process has ended, however it did: a test's statics are never dropped.
    _undertaker: Child,
}

impl PostgresServer {
    pub fn start() -> Self {
        Self::start_with(&["fsync=off"])
    }

    /// Starts one with settings, such as `fsync=off`.
    pub fn start_with(settings: &[&str]) -> Self {
        Self::start_prepared(|_| settings.iter().map(|setting| (*setting).to_owned()).collect())
    }

    /// Starts one with settings that may name files, which are put into its folder.
    pub fn start_prepared(prepare: impl FnOnce(&Path) -> Vec<String>) -> Self {
        // Another version is tried by the folder of its programs.
        let bin = std::env::var("WATCHKEEPER_TEST_POSTGRES_BIN").unwrap_or_else(|_| bindir());
        let port = free_port();
        // Postgres refuses to run as root, and its user must reach the folder, so it does not lie below the target folder.
        let folder = std::env::temp_dir().join(format!("watchkeeper-pg-{}-{port}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        give_to_server(&folder);
        let password = folder.join("password");
        std::fs::write(&password, "s3cret\n").expect("a file");
        let made = as_postgres(&bin, "initdb")
            .args(["-A", "scram-sha-256", "-U", "ada", "--no-sync", "-E", "UTF8", "--pwfile"])
            .arg(&password)
            .arg("-D")
            .arg(folder.join("data"))
            .output()
            .expect("initdb runs");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let undertaker = Command::new("sh")
            .args([
                "-c",
                "read -r _; kill -s QUIT \"$(head -n 1 \"$1/data/postmaster.pid\")\"; sleep 1; rm -rf \"$1\"",
                "sh",
            ])
            .arg(&folder)
            .stdin(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("a shell");
        let settings = prepare(&folder);
        let mut server = Self { port, bin, folder, settings, process: None, _undertaker: undertaker };
        server.launch();
        server
    }

    /// Starts the server again, after it was killed.
    pub fn launch(&mut self) {
        let mut command = as_postgres(&self.bin, "postgres");
        command.arg("-D").arg(self.folder.join("data")).arg("-k").arg(&self.folder);
        command.args(["-p", &self.port.to_string(), "-c", "listen_addresses=127.0.0.1"]);
        for setting in &self.settings {
            command.args(["-c", setting]);
        }
        // After a kill it refuses to start until the last of its children has noticed.
        self.process = Some(eventually(|| {
            let mut process = Process::start(&mut command);
            while process.ended().is_none() {
                if accepts(SocketAddr::from(([127, 0, 0, 1], self.port))).is_ok() {
                    return Ok(process);
                }
                std::thread::sleep(Duration::from_millis(20));
            }
            Err(process.stderr())
        }));
    }

    /// Ends the server by a signal, such as `KILL`, and waits until it is gone.
    pub fn end_by(&mut self, signal: &str) {
        // The process may be runuser, which passes this on; a killed one would leave the server behind.
        let pid = std::fs::read_to_string(self.folder.join("data/postmaster.pid")).unwrap_or_default();
        if let Some(pid) = pid.lines().next() {
            let _ = Command::new("kill").args(["-s", signal, pid]).status();
        }
        if let Some(mut process) = self.process.take() {
            let _ = process.wait();
        }
    }

    /// What the server has logged so far.
    pub fn log(&self) -> String {
        self.process.as_ref().map(Process::stderr).unwrap_or_default()
    }

    /// The folder of its files.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The processor time that the server has used so far, all its processes together.
    pub fn processor_time(&self) -> Duration {
        let pid = std::fs::read_to_string(self.folder.join("data/postmaster.pid")).expect("it runs");
        let postmaster = pid.lines().next().expect("a pid");
        let mut ticks = 0;
        for process in std::fs::read_dir("/proc").expect("a Linux").flatten() {
            let stat = std::fs::read_to_string(process.path().join("stat")).unwrap_or_default();
            // Behind the name, which may hold anything: state, parent, and so on.
            let Some((_, rest)) = stat.rsplit_once(") ") else { continue };
            let fields: Vec<&str> = rest.split(' ').collect();
            let number = |at: usize| fields.get(at).and_then(|field| field.parse::<u64>().ok()).unwrap_or(0);
            if process.file_name() == *postmaster {
                // With those of its children that have ended.
                ticks += number(11) + number(12) + number(13) + number(14);
            } else if fields.get(1) == Some(&postmaster) {
                ticks += number(11) + number(12);
            }
        }
        // A hundred ticks a second, on every Linux that there is.
        Duration::from_millis(ticks * 10)
    }

    /// The address of a database.
    pub fn url(&self, database: &str) -> String {
        format!("postgres://ada:s3cret@127.0.0.1:{}/{database}", self.port)
    }

    /// Connects to a database, past everything of ours, as soon as the server is up.
    pub async fn connect(&self, database: &str) -> tokio_postgres::Client {
        let start = Instant::now();
        loop {
            match tokio_postgres::connect(&self.url(database), tokio_postgres::NoTls).await {
                Ok((client, connection)) => {
                    tokio::spawn(connection);
                    return client;
                }
                Err(error) if start.elapsed() > PATIENCE => panic!("the server does not answer: {error:?}"),
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
    }

    /// Makes an empty database, and returns its name.
    pub async fn database(&self) -> String {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("d{}", NEXT.fetch_add(1, Ordering::Relaxed));
        let client = self.connect("postgres").await;
        client.batch_execute(&format!("CREATE DATABASE {name}")).await.expect("a database");
        name
    }
}

impl Drop for PostgresServer {
    fn drop(&mut self) {
        self.end_by("QUIT");
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// Lets the server's user own a file or a folder.
pub fn give_to_server(path: &Path) {
    if is_root() {
        let status = Command::new("chown").arg("postgres:").arg(path).status();
        assert!(status.is_ok_and(|status| status.success()), "chown postgres: the package postgresql makes that user");
    }
}

fn bindir() -> String {
    match program("pg_config", "postgresql").arg("--bindir").output() {
        Ok(output) if output.status.success() => String::from_utf8_lossy(&output.stdout).trim().to_owned(),
        _ => panic!("pg_config fails: `apt-get install postgresql`"),
    }
}

/// A program of the server, run as a user that it accepts.
fn as_postgres(bin: &str, name: &str) -> Command {
    let name = format!("{bin}/{name}");
    if !is_root() {
        return Command::new(name);
    }
    let mut command = Command::new("runuser");
    command.args(["-u", "postgres", "--", &name]);
    command
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output().expect("id");
    id.stdout.trim_ascii() == b"0"
}
