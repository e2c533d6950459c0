//! The app: this executable, run again in a process of its own. It logs, closes its telemetry and reports.

use std::fs::Permissions;
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio, exit};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use watchkeeper::presets::monitoring::Sink;
use watchkeeper::telemetry::LogFormat;
use watchkeeper::{Telemetry, service_info};

use crate::support::process::Folder;

/// Debian's user without rights.
const NOBODY: u32 = 65_534;

const PLAN: &str = "SHUTDOWN_TEST_PLAN";

/// What the app is to do.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Plan {
    /// How many lines it logs, and how long their text is.
    pub(crate) lines: u64,
    pub(crate) bytes: usize,
    /// How long it goes on for after that, logging now and then.
    pub(crate) lingers_ms: u64,
    pub(crate) deadline_ms: u64,
    /// Whether a broken pipe ends the process, unless somebody takes care.
    pub(crate) sigpipe_kills: bool,
    /// Whether standard error is what standard output is.
    pub(crate) stderr_too: bool,
    /// Whether the descriptor of standard output is closed.
    pub(crate) closed: bool,
    /// Whether the app runs as a user who may not open the output once more, as in many a container.
    pub(crate) as_nobody: bool,
    /// Whether the app forks after a while, and its child logs as well.
    pub(crate) forks: bool,
    /// Where the report goes.
    pub(crate) report: String,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            lines: 0,
            bytes: 100,
            lingers_ms: 0,
            deadline_ms: 1_000,
            sigpipe_kills: false,
            stderr_too: false,
            closed: false,
            as_nobody: false,
            forks: false,
            report: String::new(),
        }
    }
}

/// What the app found.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Report {
    /// Lines that it logged, and what became of them.
    pub(crate) logged: u64,
    pub(crate) stored: u64,
    pub(crate) dropped: u64,
    pub(crate) queued: u64,
    pub(crate) left: u64,
    pub(crate) close_ms: u64,
    /// The longest that one line held up the thread that logged it.
    pub(crate) longest_us: u64,
    pub(crate) panics: u64,
    /// By how much the memory in use grew at most.
    pub(crate) grown_kib: u64,
}

/// A running app.
pub(crate) struct App {
    child: Child,
    folder: Folder,
}

impl App {
    /// Starts the app with its output going to an open file, pipe or socket.
    pub(crate) fn start(mut plan: Plan, output: OwnedFd) -> Self {
        let folder = Folder::new("shutdown");
        plan.report = folder.path().join("report").to_str().unwrap().to_owned();
        // What the test harness prints is none of the app's, so the output is handed in as standard input.
        let mut command = Command::new(std::env::current_exe().unwrap());
        if plan.as_nobody && nobody_can_run(Path::new(&plan.report)) {
            std::fs::set_permissions(folder.path(), Permissions::from_mode(0o777)).unwrap();
            command.uid(NOBODY).gid(NOBODY);
        }
        let child = command
            .args(["app::the_app_that_the_other_tests_start", "--exact", "--ignored", "--nocapture"])
            .env(PLAN, serde_json::to_string(&plan).unwrap())
            .env_remove("RUST_LOG")
            .stdin(Stdio::from(output))
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        Self { child, folder }
    }

    /// Waits for the end, and gives the report and what was said on standard error.
    #[track_caller]
    pub(crate) fn report(self) -> (Report, String) {
        let report = self.folder.path().join("report");
        let output = self.child.wait_with_output().unwrap();
        let errors = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{}\n{errors}", output.status);
        let report: Report = serde_json::from_str(&std::fs::read_to_string(report).unwrap()).unwrap();
        assert_eq!(report.panics, 0, "{errors}");
        assert_eq!(report.logged, report.stored + report.dropped + report.queued, "{report:?}");
        (report, errors)
    }
}

/// Tells whether this process may start others as nobody, who then find this executable and a file below the target
/// folder. Anywhere else the app runs as its own user.
fn nobody_can_run(report: &Path) -> bool {
    let is_open = |folder: &Path| std::fs::metadata(folder).unwrap().mode() & 0o001 != 0;
    let is_root = std::fs::metadata("/proc/self").unwrap().uid() == 0;
    let executable = std::env::current_exe().unwrap();
    let folders = executable.ancestors().chain(report.ancestors().skip(2));
    is_root && folders.into_iter().all(is_open)
}

#[test]
#[ignore = "an app in a process of its own, started by the other tests"]
fn the_app_that_the_other_tests_start() {
    static PANICS: AtomicU64 = AtomicU64::new(0);
    std::panic::set_hook(Box::new(|_| {
        PANICS.fetch_add(1, Ordering::Relaxed);
    }));
    let plan: Plan = serde_json::from_str(&std::env::var(PLAN).unwrap()).unwrap();
    if plan.sigpipe_kills {
        sigpipe::reset();
    }
    nix::unistd::dup2_stdout(io::stdin()).unwrap();
    if plan.stderr_too {
        nix::unistd::dup2_stderr(io::stdin()).unwrap();
    }
    if plan.closed {
        nix::unistd::close(1).unwrap();
    }
    let telemetry = Telemetry::builder(service_info!()).format(LogFormat::Json).init().unwrap();
    let mut report = run(&plan, &telemetry);
    report.panics = PANICS.load(Ordering::Relaxed);
    std::fs::File::create(Path::new(&plan.report))
        .unwrap()
        .write_all(serde_json::to_string(&report).unwrap().as_bytes())
        .unwrap();
    exit(0);
}

fn run(plan: &Plan, telemetry: &Telemetry) -> Report {
    let (mut logged, mut longest) = (0, Duration::ZERO);
    let mut log = |text: &str| {
        let start = Instant::now();
        tracing::info!(target: "app", number = logged, "{text}");
        longest = longest.max(start.elapsed());
        logged += 1;
    };
    let text = "x".repeat(plan.bytes);
    let before = memory_kib();
    for _ in 0..plan.lines {
        log(&text);
    }
    if plan.forks {
        crate::fork::fork_and_log(telemetry);
    }
    let end = Instant::now() + Duration::from_millis(plan.lingers_ms);
    while Instant::now() < end {
        std::thread::sleep(Duration::from_millis(100));
        log("still here");
    }
    let start = Instant::now();
    let closed = telemetry.close(Duration::from_millis(plan.deadline_ms));
    let close_ms = start.elapsed().as_millis() as u64;
    let counts = telemetry.accounts().of(Sink::Logs).unwrap();
    Report {
        logged,
        stored: counts.stored(),
        dropped: counts.dropped(),
        queued: counts.queued(),
        left: closed.left(Sink::Logs),
        close_ms,
        longest_us: longest.as_micros() as u64,
        panics: 0,
        grown_kib: memory_kib().saturating_sub(before),
    }
}

/// The most memory that was in use so far.
fn memory_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}
