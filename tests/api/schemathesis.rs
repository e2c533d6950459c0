//! Schemathesis, which makes requests of what OpenAPI says, with all of its checks but those that `schemathesis.toml` gives a reason for, as a caller of each role.
//!
//! A few examples by default; `WATCHKEEPER_TEST_EXAMPLES` is how many for each route.

use std::path::Path;
use std::process::Command;

use crate::app::{ADMIN, MODERATOR, USER, unlimited};
use crate::server::Server;

/// Runs it as a caller, and shows what it found where it found something.
#[track_caller]
fn finds_nothing_as(token: &str) {
    let python =
        std::env::var("WATCHKEEPER_TEST_PYTHON").expect("run `bash tests/run.sh`, which makes a Python that has it");
    let server = Server::start(unlimited());
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let examples = std::env::var("WATCHKEEPER_TEST_EXAMPLES").unwrap_or_else(|_| "3".into());
    let output = Command::new(python)
        .args(["-m", "schemathesis.cli", "--config-file"])
        .arg(root.join("tests/api/schemathesis.toml"))
        .arg("run")
        .arg(root.join("docs/openapi.json"))
        .args(["--url", &format!("http://{}", server.address), "--header", &format!("Authorization: Bearer {token}")])
        .args(["--max-examples", &examples, "--continue-on-failure", "--no-color"])
        .env("SCHEMATHESIS_HOOKS", "schemathesis_hooks")
        .env("PYTHONPATH", root.join("tests/api"))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .current_dir(env!("CARGO_TARGET_TMPDIR"))
        .output()
        .expect("it runs");
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{said}");
    println!("{said}");
}

#[test]
fn schemathesis_finds_nothing_as_a_user() {
    finds_nothing_as(USER);
}

#[test]
fn schemathesis_finds_nothing_as_a_moderator() {
    finds_nothing_as(MODERATOR);
}

#[test]
fn schemathesis_finds_nothing_as_an_admin() {
    finds_nothing_as(ADMIN);
}
