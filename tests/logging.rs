//! Logging as an operator meets it: whole processes, their output and how they end.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a helper that finds something odd fails the test")]

use std::error::Error;
use std::fmt;
use std::io::{self, BufRead, BufReader, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixDatagram;
use std::process::{self, Command, ExitStatus, Stdio, Termination};
use std::time::Duration;

use tracing::{error, info, info_span, warn};
use watchkeeper::telemetry::{REQUEST_SPAN_TARGET, TelemetryError};
use watchkeeper::{Telemetry, service_info};

const ROLE: &str = "LOGGING_TEST_ROLE";
const START: &str = "--- the app starts";

/// What a role's process printed behind [`START`], its error output, and how it ended.
struct Ran {
    lines: Vec<String>,
    errors: String,
    status: ExitStatus,
}

/// Prepares this executable to run again as the app of a role.
fn app(role: &str, variables: &[(&str, &str)]) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["the_app_that_the_other_tests_start", "--exact", "--ignored", "--nocapture"]);
    command.env_remove("RUST_LOG").env_remove("RUST_LOG_FORMAT").env(ROLE, role);
    command.envs(variables.iter().copied());
    command
}

fn run(role: &str, variables: &[(&str, &str)]) -> Ran {
    let output = app(role, variables).output().unwrap();
    let stdout = String::from_utf8(output.stdout).unwrap();
    let lines = stdout.lines().skip_while(|line| *line != START).skip(1).map(str::to_owned).collect();
    Ran { lines, errors: String::from_utf8(output.stderr).unwrap(), status: output.status }
}

/// Runs the real `jq` on one line.
fn jq(program: &str, line: &str) -> String {
    let mut jq = Command::new("jq")
        .args(["-rce", program])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("jq is needed: apt-get install jq");
    jq.stdin.take().unwrap().write_all(line.as_bytes()).unwrap();
    let output = jq.wait_with_output().unwrap();
    assert!(output.status.success(), "jq {program} fails on {line}");
    String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
}

#[test]
fn json_lines_parse_with_jq_and_carry_the_id_of_their_request() {
    let ran = run("shop", &[("RUST_LOG_FORMAT", "json")]);
    assert!(ran.status.success(), "{}", ran.errors);
    let seen: Vec<_> = ran
        .lines
        .iter()
        .map(|line| jq(r#"[.level, .request_id, .span.name, .message] | map(. // "none") | join(" ")"#, line))
        .collect();
    assert_eq!(
        seen,
        [
            "INFO none none listening",
            "INFO r-1 request accepted",
            "INFO r-1 charge asking the bank",
            "WARN r-1 charge slow bank",
            "ERROR r-1 request two\nlines and a \u{1b}[31m bell \u{7}",
        ]
    );
    for line in &ran.lines {
        let whole = r#"(.timestamp | test("^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}[.][0-9]{3}Z$"))
            and .target != "" and (.file | endswith("logging.rs")) and .line > 0"#;
        assert_eq!(jq(whole, line), "true");
    }
    let fields = jq("[.span.cents, .spans[0].request_id, .fields.tries] | tojson", &ran.lines[3]);
    assert_eq!(fields, r#"[1999,"r-1",2]"#);
}

#[test]
fn lines_are_for_people_unless_told_otherwise() {
    let ran = run("shop", &[("RUST_LOG", ""), ("RUST_LOG_FORMAT", "")]);
    let seen: Vec<_> = ran.lines.iter().map(|line| line.split_once('Z').unwrap().1).collect();
    assert!(seen[0].starts_with("  INFO logging: listening at tests/logging.rs:"), "{}", seen[0]);
    assert!(
        seen[3].starts_with("  WARN logging: slow bank tries=2 request_id=r-1 cents=1999 at tests/"),
        "{}",
        seen[3]
    );
    assert!(seen[4].starts_with(r" ERROR logging: two\nlines and a \u001b[31m bell \u0007 request_id=r-1 at "));
    assert_eq!(seen.len(), 5);
}

#[test]
fn a_warning_carries_its_request_though_the_filter_leaves_out_info() {
    let ran = run("shop", &[("RUST_LOG", "warn"), ("RUST_LOG_FORMAT", "json")]);
    let seen: Vec<_> = ran.lines.iter().map(|line| jq(r#"[.level, .request_id] | join(" ")"#, line)).collect();
    assert_eq!(seen, ["WARN r-1", "ERROR r-1"]);
}

#[test]
fn a_filter_that_cannot_be_read_ends_the_app_and_says_why() {
    for (value, part) in [("%%", "%%"), ("verbose", "verbose"), ("info,shop=loud", "shop=loud")] {
        let ran = run("shop", &[("RUST_LOG", value)]);
        assert_eq!((ran.status.code(), ran.lines.len()), (Some(1), 0));
        let told = format!("Error: RUST_LOG is \"{value}\", which is no log filter: \"{part}\" ");
        assert!(ran.errors.starts_with(&told), "{}", ran.errors);
        assert!(ran.errors.contains("accepted: error, warn, info, debug, trace, off, and target=level"));
    }
}

#[test]
fn an_unknown_format_ends_the_app_and_says_what_is_accepted() {
    let ran = run("shop", &[("RUST_LOG_FORMAT", "xml")]);
    assert_eq!((ran.status.code(), ran.lines.len()), (Some(1), 0));
    assert_eq!(ran.errors, "Error: RUST_LOG_FORMAT is \"xml\", which is no log format; accepted: json, ecs, human\n");
}

#[test]
fn a_second_set_up_is_refused_and_the_first_stays() {
    let ran = run("twice", &[]);
    assert!(ran.status.success(), "{}", ran.errors);
    let messages: Vec<_> = ran.lines.iter().map(|line| jq(".message", line)).collect();
    assert_eq!(messages, ["first", "still the first"]);
}

#[test]
fn a_value_that_logs_while_it_is_logged_gives_whole_lines() {
    let ran = run("chatty", &[]);
    assert!(ran.status.success(), "{}", ran.errors);
    let seen: Vec<_> = ran.lines.iter().map(|line| jq(r#"[.message, .fields.value] | join(": ")"#, line)).collect();
    let (shallow, deep) = seen.split_at(4);
    // In a field of a span, of an event, and in one recorded later.
    assert_eq!(shallow, ["printing: chatty 0", "printing: chatty 0", "event: chatty 1", "printing: chatty 0"]);
    assert_eq!(jq(".spans | tojson", &ran.lines[5]), r#"[{"name":"request","early":"chatty 1","late":"chatty 1"}]"#);
    // Lines within lines end at the eighth; the ninth is counted as lost, and the log says so.
    let deep: Vec<_> = deep.iter().map(String::as_str).collect();
    let began = "log lines are being lost: they are begun within each other without end:";
    assert_eq!((deep.len(), deep[0], deep[8], deep[9]), (10, began, "deep: chatty 1000", "1 log line lost:"));
}

#[test]
fn closed_pipes_do_not_end_the_app() {
    let (reader, writer) = io::pipe().unwrap();
    let mut command = app("closed", &[]);
    command.stdin(Stdio::piped()).stdout(writer.try_clone().unwrap()).stderr(writer);
    let mut child = command.spawn().unwrap();
    let mut reader = BufReader::new(reader);
    let mut line = String::new();
    while line.trim_end() != START {
        line.clear();
        assert_ne!(reader.read_line(&mut line).unwrap(), 0, "the app never started");
    }
    drop(reader);
    child.stdin.take().unwrap().write_all(b"the pipe is closed\n").unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn each_write_is_whole_lines() {
    // A datagram is what one write(2) wrote.
    let (ours, theirs) = UnixDatagram::pair().unwrap();
    ours.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let mut child = app("shop", &[("RUST_LOG_FORMAT", "json")]).stdout(OwnedFd::from(theirs)).spawn().unwrap();
    let mut lines = Vec::new();
    while lines.len() < 5 {
        let mut buffer = [0; 65_536];
        let length = ours.recv(&mut buffer).expect("the app writes five lines");
        if buffer[0] == b'{' {
            let write = String::from_utf8(buffer[..length].to_vec()).unwrap();
            assert!(write.ends_with("}\n"));
            lines.extend(write.lines().map(str::to_owned));
        }
    }
    assert!(child.wait().unwrap().success());
    assert_eq!(lines.iter().map(|line| jq(".level != null", line)).collect::<Vec<_>>(), ["true"; 5]);
}

#[test]
fn of_sixteen_set_ups_at_once_one_wins_and_the_others_are_told() {
    let ran = run("race", &[]);
    assert!(ran.status.success(), "{}", ran.errors);
    assert_eq!(ran.lines.iter().map(|line| jq(".message", line)).collect::<Vec<_>>(), ["one of 16"]);
}

#[test]
fn the_filter_changes_while_the_app_runs_and_a_bad_one_changes_nothing() {
    let ran = run("filter", &[("RUST_LOG_FORMAT", "json")]);
    assert!(ran.status.success(), "{}", ran.errors);
    let seen: Vec<_> = ran
        .lines
        .iter()
        .map(|line| jq(r#"[.level, .message, .request_id] | map(. // "none") | join(" ")"#, line))
        .collect();
    assert_eq!(seen, ["INFO at info none", "DEBUG at debug none", "DEBUG in a span r-2", "ERROR at error none"]);
}

#[test]
fn a_panic_is_one_structured_error_and_the_earlier_hook_still_runs() {
    let ran = run("panics", &[("RUST_LOG_FORMAT", "json")]);
    assert!(ran.status.success(), "{}", ran.errors);
    let seen: Vec<_> = ran
        .lines
        .iter()
        .map(|line| {
            jq(r#"[.level, .target, .message, .request_id, .fields.thread] | map(. // "none") | join(" ")"#, line)
        })
        .collect();
    assert_eq!(
        seen,
        [
            "ERROR panic out of paper r-1 printer",
            "ERROR panic a panic without a text none printer",
            "ERROR panic while it is printed none printer",
            "INFO logging it was (it panicked) none none",
        ]
    );
    assert!(jq(".fields.location", &ran.lines[0]).starts_with("tests/logging.rs:"), "{}", ran.lines[0]);
    assert_eq!((ran.errors.matches("the app's own hook").count(), ran.errors.contains("panicked at")), (3, false));
}

#[test]
fn no_runtime_is_needed_and_none_is_missed() {
    let ran = run("runtimes", &[("RUST_LOG_FORMAT", "json")]);
    assert!(ran.status.success(), "{}", ran.errors);
    let seen: Vec<_> = ran.lines.iter().map(|line| jq(".message", line)).collect();
    assert_eq!(
        seen,
        ["without a runtime", "on a current-thread runtime", "after its runtime is gone", "closed: nothing was left"]
    );
}

#[test]
#[ignore = "an app in a process of its own, started by the other tests"]
fn the_app_that_the_other_tests_start() {
    print!("\n{START}\n");
    io::stdout().flush().unwrap();
    let ended = match std::env::var(ROLE).as_deref() {
        Ok("shop") => shop(),
        Ok("twice") => twice(),
        Ok("chatty") => chatty(),
        Ok("closed") => closed(),
        Ok("race") => race(),
        Ok("filter") => filter(),
        Ok("panics") => panics(),
        Ok("runtimes") => runtimes(),
        role => panic!("set {ROLE} to the part to play, not {role:?}"),
    };
    // Ends as a `main` does that returns this.
    let failed = ended.is_err();
    ended.report();
    process::exit(failed.into());
}

fn shop() -> Result<(), Box<dyn Error>> {
    let telemetry = Telemetry::init(service_info!())?;
    info!("listening");
    let request = info_span!(target: REQUEST_SPAN_TARGET, "request", request_id = %"r-1");
    let charge = request.in_scope(|| {
        info!("accepted");
        info_span!("charge", cents = 1999)
    });
    charge.in_scope(|| info!("asking the bank"));
    let entered = request.clone();
    let wait = move || entered.in_scope(|| charge.in_scope(|| warn!(tries = 2, "slow bank")));
    std::thread::spawn(wait).join().unwrap();
    error!(parent: &request, "two\nlines and a \u{1b}[31m bell \u{7}");
    assert_eq!(telemetry.lost_log_lines(), 0);
    Ok(())
}

fn json() -> Result<Telemetry, TelemetryError> {
    Telemetry::builder(service_info!()).format(watchkeeper::telemetry::LogFormat::Json).init()
}

fn twice() -> Result<(), Box<dyn Error>> {
    let _telemetry = json()?;
    info!("first");
    assert_eq!(Telemetry::init(service_info!()).err(), Some(TelemetryError::AlreadyInitialised));
    info!("still the first");
    Ok(())
}

/// Logs whenever it is printed.
struct Chatty(u32);

impl fmt::Debug for Chatty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 > 0 {
            info!(value = ?Chatty(self.0 - 1), "printing");
        }
        write!(f, "chatty {}", self.0)
    }
}

fn chatty() -> Result<(), Box<dyn Error>> {
    let telemetry = json()?;
    let span = info_span!("request", early = ?Chatty(1), late = tracing::field::Empty).entered();
    info!(value = ?Chatty(1), "event");
    span.record("late", tracing::field::debug(Chatty(1)));
    assert_eq!(telemetry.lost_log_lines(), 0);
    info!(value = ?Chatty(1_000), "deep");
    assert_eq!(telemetry.lost_log_lines(), 1);
    Ok(())
}

fn closed() -> Result<(), Box<dyn Error>> {
    let telemetry = Telemetry::init(service_info!())?;
    io::stdin().read_line(&mut String::new())?;
    for number in 0..1_000 {
        info!(number, "nobody reads this");
    }
    let _ = telemetry.close(Duration::from_secs(5));
    assert_eq!(telemetry.lost_log_lines(), 1_000);
    Ok(())
}

fn race() -> Result<(), Box<dyn Error>> {
    let barrier = std::sync::Barrier::new(16);
    let outcomes: Vec<_> = std::thread::scope(|scope| {
        let start = || {
            barrier.wait();
            json()
        };
        let threads: Vec<_> = (0..16).map(|_| scope.spawn(start)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let (set_up, refused): (Vec<_>, Vec<_>) = outcomes.into_iter().partition(Result::is_ok);
    assert!(refused.iter().all(|refused| matches!(refused, Err(TelemetryError::AlreadyInitialised))));
    assert_eq!((set_up.len(), refused.len()), (1, 15));
    info!("one of 16");
    Ok(())
}

fn filter() -> Result<(), Box<dyn Error>> {
    let telemetry = Telemetry::init(service_info!())?;
    let say_all = |text: &str| {
        error!(target: "filter", "{text}");
        info!(target: "other", "{text}");
    };
    tracing::debug!("not at info");
    info!("at info");
    telemetry.set_filter("debug,other=off")?;
    tracing::debug!("at debug");
    telemetry.set_filter("off,[checkout{user=7}]=debug")?;
    for user in [6, 7] {
        let _span = info_span!("checkout", user, request_id = %format_args!("r-{}", user - 5)).entered();
        tracing::debug!("in a span");
    }
    say_all("not at off");
    telemetry.set_filter("filter=error")?;
    let refused = telemetry.set_filter("filter=loud").unwrap_err();
    assert!(matches!(refused, TelemetryError::Filter { setting: "filter", .. }), "{refused}");
    assert!(telemetry.filter().contains("filter=error"), "{}", telemetry.filter());
    say_all("at error");
    Ok(())
}

fn panics() -> Result<(), Box<dyn Error>> {
    struct Panics;
    impl fmt::Display for Panics {
        fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
            panic!("while it is printed")
        }
    }
    std::panic::set_hook(Box::new(|_| drop(writeln!(io::stderr(), "the app's own hook"))));
    let _telemetry = Telemetry::init(service_info!())?;
    let on_a_thread = |act: fn()| std::thread::Builder::new().name("printer".into()).spawn(act).unwrap().join();
    assert!(
        on_a_thread(|| {
            let _request = info_span!("request", request_id = "r-1").entered();
            panic!("out of {}", "paper");
        })
        .is_err()
    );
    assert!(on_a_thread(|| std::panic::panic_any(Panics)).is_err());
    assert!(on_a_thread(|| info!("it was {Panics}")).is_ok());
    Ok(())
}

fn runtimes() -> Result<(), Box<dyn Error>> {
    let telemetry = Telemetry::init(service_info!())?;
    info!("without a runtime");
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let watch = watchkeeper::Watchkeeper::builder(&telemetry).build()?;
    runtime.block_on(async { info!("on a current-thread runtime") });
    drop(runtime);
    info!("after its runtime is gone");
    // Not even a timer is needed to close.
    let other = tokio::runtime::Builder::new_current_thread().build()?;
    let report = other.block_on(watch.close(Duration::from_secs(5)));
    info!("closed: {report}");
    Ok(())
}
