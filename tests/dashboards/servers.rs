//! Real servers for the exporters to look at, and the exporters.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::client::{Request, accepts};
use crate::support::process::{Process, eventually, free_port, program};

/// A server or an exporter that listens on loopback.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    _process: Process,
}

impl Server {
    #[track_caller]
    fn start(command: &mut Command, port: u16) -> Self {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let mut process = Process::start(command);
        process.wait_until(|| accepts(address));
        Self { address, _process: process }
    }
}

/// The three exporters, and what they look at.
#[derive(Debug)]
pub(crate) struct Exporters {
    pub(crate) node: Server,
    pub(crate) postgres: Server,
    pub(crate) redis: Server,
    _servers: [Server; 3],
    // Gone after the servers.
    _data: Data,
}

impl Exporters {
    /// Starts Postgres with a standby, Redis, and an exporter for each and for the machine.
    #[track_caller]
    pub(crate) fn start() -> Self {
        let data = Data::new();
        let primary = postgres(&data, "primary", |folder| {
            let initdb = ["-A", "trust", "-U", "postgres", "--no-sync", "-D"];
            run(tool("initdb").args(initdb).arg(folder));
        });
        let standby = postgres(&data, "standby", |folder| {
            let from = format!("host=127.0.0.1 port={} user=postgres application_name=standby", primary.address.port());
            run(tool("pg_basebackup").args(["--checkpoint=fast", "--no-sync", "-R", "-d", &from, "-D"]).arg(folder));
        });
        let port = free_port();
        let redis = Server::start(
            program("redis-server", "redis-server")
                .args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--port", &port.to_string(), "--dir"])
                .arg(&data.0),
            port,
        );
        let exporter = |name: &str, variable: (&str, String)| {
            let port = free_port();
            let listen = format!("--web.listen-address=127.0.0.1:{port}");
            Server::start(program(name, name).arg(listen).env(variable.0, variable.1), port)
        };
        let source = format!("postgresql://postgres@{}/postgres?sslmode=disable", primary.address);
        Self {
            node: exporter("prometheus-node-exporter", ("LC_ALL", "C".to_owned())),
            postgres: exporter("prometheus-postgres-exporter", ("DATA_SOURCE_NAME", source)),
            redis: exporter("prometheus-redis-exporter", ("REDIS_ADDR", format!("redis://{}", redis.address))),
            _servers: [standby, primary, redis],
            _data: data,
        }
    }

    /// Waits until the standby follows, which the exporter of the primary shows.
    #[track_caller]
    pub(crate) fn wait_for_the_standby(&self) {
        eventually(|| match Request::new("GET", self.postgres.address, "/metrics").send().text() {
            scrape if scrape.contains("pg_stat_replication_pg_wal_lsn_diff{") => Ok(()),
            _ => Err("no standby follows".to_owned()),
        });
    }
}

/// A folder that Postgres may enter, whoever runs the test; gone when the test is over.
#[derive(Debug)]
struct Data(PathBuf);

impl Data {
    fn new() -> Self {
        let path = std::env::temp_dir().join(format!("watchkeeper-dashboards-{}", std::process::id()));
        fs::create_dir_all(&path).expect("a folder for temporary files");
        Self(path)
    }
}

impl Drop for Data {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn postgres(data: &Data, name: &str, fill: impl FnOnce(&Path)) -> Server {
    let folder = data.0.join(name);
    fs::create_dir_all(&folder).expect("a folder for Postgres");
    if is_root() {
        run(Command::new("chown").arg("postgres:").arg(&folder));
    }
    run(Command::new("chmod").arg("700").arg(&folder));
    fill(&folder);
    let port = free_port();
    let sockets = format!("unix_socket_directories={}", folder.display());
    let settings = ["listen_addresses=127.0.0.1", "fsync=off", "shared_buffers=16MB", &sockets];
    let settings = settings.iter().flat_map(|setting| ["-c", setting]);
    let port_text = port.to_string();
    let server = Server::start(tool("postgres").arg("-D").arg(folder).args(["-p", &port_text]).args(settings), port);
    // It listens before it is ready.
    eventually(|| {
        let output = tool("pg_isready").args(["-h", "127.0.0.1", "-p", &port_text]).output().expect("it starts");
        output.status.success().then_some(()).ok_or_else(|| String::from_utf8_lossy(&output.stdout).into_owned())
    });
    server
}

/// A program of Postgres, which refuses to run as root.
#[track_caller]
fn tool(name: &str) -> Command {
    let installed = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let tool = installed.map(|version| version.path().join("bin").join(name)).filter(|tool| tool.is_file()).max();
    let tool = tool.unwrap_or_else(|| panic!("no Postgres: `apt-get install postgresql`, or run `bash tests/run.sh`"));
    if !is_root() {
        return Command::new(tool);
    }
    // It puts itself in the place of the command, so that to end the one ends the other.
    let mut command = program("setpriv", "util-linux");
    command.args(["--reuid=postgres", "--regid=postgres", "--init-groups"]).arg(tool).current_dir("/");
    command
}

#[track_caller]
fn run(command: &mut Command) {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?} does not start: {error}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}

fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt;
    fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0)
}
