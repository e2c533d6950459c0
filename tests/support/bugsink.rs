//! A real error tracker of Sentry's protocol: Bugsink, with an empty database of its own, validating strictly.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

use super::client::{Request, accepts};
use super::process::{Folder, Process, eventually, free_port};

/// A running Bugsink.
pub struct Bugsink {
    pub dsn: String,
    address: SocketAddr,
    token: String,
    _server: Process,
    _folder: Folder,
}

/// The folder of the Python environment that `tests/run.sh` makes.
fn programs() -> PathBuf {
    let python = std::env::var_os("WATCHKEEPER_TEST_PYTHON").map(PathBuf::from);
    let programs = python.as_ref().and_then(|python| python.parent()).map(PathBuf::from).unwrap_or_default();
    assert!(
        programs.join("bugsink-manage").is_file(),
        "Bugsink not found beside $WATCHKEEPER_TEST_PYTHON: run `bash tests/run.sh`, which installs it"
    );
    programs
}

const SETTINGS: &str = r#"
import os
BASE = os.path.dirname(os.path.abspath(__file__))
DATABASES["default"]["NAME"] = BASE + "/db.sqlite3"
DATABASES["snappea"]["NAME"] = BASE + "/snappea.sqlite3"
SNAPPEA["TASK_ALWAYS_EAGER"] = True
BUGSINK["PHONEHOME"] = False
BUGSINK["VALIDATE_ON_DIGEST"] = "strict"
BUGSINK["INGEST_STORE_BASE_DIR"] = BASE + "/ingestion"
ALLOWED_HOSTS = ["127.0.0.1"]
"#;

const PROJECT: &str = r#"
from projects.models import Project
from teams.models import Team
team, _ = Team.objects.get_or_create(name="team")
project, _ = Project.objects.get_or_create(name="shop", slug="shop", team=team)
print(project.dsn)
"#;

impl Bugsink {
    #[track_caller]
    pub fn start() -> Self {
        let (programs, folder, port) = (programs(), Folder::new("bugsink"), free_port());
        let command = |name: &str| {
            let mut command = Command::new(programs.join(name));
            command
                .current_dir(folder.path())
                .env("PYTHONPATH", folder.path())
                .env("HOME", folder.path())
                .env("DJANGO_SETTINGS_MODULE", "bugsink_conf");
            command
        };
        let run = |name: &str, arguments: &[&str]| {
            let output = command(name).args(arguments).output().expect("it runs");
            let error = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{name} {arguments:?}: {error}");
            let said = String::from_utf8_lossy(&output.stdout).trim().to_owned();
            said.lines().last().unwrap_or_default().to_owned()
        };
        let at = format!("--port={port}");
        run("bugsink-create-conf", &["--template=local", "--host=127.0.0.1", &at, "-o", "bugsink_conf.py"]);
        let file = folder.path().join("bugsink_conf.py");
        let made = std::fs::read_to_string(&file).expect("it was made");
        let base = format!("BUGSINK[\"BASE_URL\"] = \"http://127.0.0.1:{port}\"\n");
        std::fs::write(&file, made + SETTINGS + &base).expect("a file");
        run("bugsink-manage", &["migrate"]);
        run("bugsink-manage", &["migrate", "--database=snappea"]);
        let dsn = run("bugsink-manage", &["shell", "--no-imports", "-c", PROJECT]);
        let token = run("bugsink-manage", &["create_auth_token"]);
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let mut server = Process::start(command("gunicorn").args([
            "--bind",
            &address.to_string(),
            "--workers",
            "1",
            "--threads",
            "4",
            "bugsink.wsgi",
        ]));
        server.wait_until(|| accepts(address));
        Self { dsn, address, token, _server: server, _folder: folder }
    }

    fn get(&self, path: &str) -> Value {
        let path = format!("/api/canonical/0{path}");
        let token = format!("Bearer {}", self.token);
        Request::new("GET", self.address, &path).header("authorization", &token).send().json()
    }

    /// Waits until there are as many issues, and returns them, the oldest first.
    #[track_caller]
    pub fn issues(&self, number: usize) -> Vec<Value> {
        eventually(|| {
            let issues = self.get("/issues/?project=1&sort=digest_order&order=asc")["results"].clone();
            let issues = issues.as_array().cloned().unwrap_or_default();
            if issues.len() >= number { Ok(issues) } else { Err(format!("{} issues", issues.len())) }
        })
    }

    /// Waits until an issue has as many events, and returns what was taken of each.
    #[track_caller]
    pub fn events(&self, issue: &Value, number: usize) -> Vec<Value> {
        let id = issue["id"].as_str().expect("an id");
        let listed = eventually(|| {
            let events = self.get(&format!("/events/?issue={id}"))["results"].clone();
            let events = events.as_array().cloned().unwrap_or_default();
            if events.len() >= number { Ok(events) } else { Err(format!("{} events", events.len())) }
        });
        let of =
            |event: &Value| self.get(&format!("/events/{}/", event["id"].as_str().expect("an id")))["data"].clone();
        listed.iter().map(of).collect()
    }
}
