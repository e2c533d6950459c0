//! JSON lines through a real log shipper: rsyslog takes them from a port and from a file, and its JSON reader finds every
//! field as it was logged.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a helper that finds something odd fails the test")]

#[path = "support/mod.rs"]
mod support;

use std::io::Write;
use std::net::{Ipv4Addr, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;
use support::process::{Folder, Process, eventually, free_port, program};
use tracing::{error, info, info_span, subscriber, warn};
use tracing_subscriber::prelude::*;
use watchkeeper::telemetry::LogFormat;
use watchkeeper::{Telemetry, service_info};

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Logs what is hard on a reader, and gives the lines.
fn lines(format: LogFormat) -> Vec<u8> {
    let lines = Lines::default();
    let builder = Telemetry::builder(service_info!()).filter("info").format(format).writer(lines.clone());
    let (telemetry, layer) = builder.layer().unwrap();
    subscriber::with_default(tracing_subscriber::registry().with(layer), || {
        let trace_id = "4bf92f3577b34da6a3ce929d0e0e4736";
        let _request = info_span!("request", request_id = "r-1", trace_id, user = "Ann \"the\" Lee\\").entered();
        info!(cents = -1999, ratio = 0.1, paid = true, nothing = f64::NAN, most = i64::MAX, "order 7 paid");
        warn!(password = "hunter2", text = "two\nlines\r\n\t{\"level\":\"ERROR\"}", "\u{1b}[31mred\u{1b}[0m \u{9b}1m");
        error!(empty = "", long = %"x".repeat(8_000), "é 😀 \u{2028}\u{2029}\u{feff}\u{fffd} </script>");
        // Every character but NUL, at which rsyslog's reader ends a text.
        for start in (0..0x3000).step_by(256) {
            let text: String = (start.max(1)..start + 256).filter_map(char::from_u32).collect();
            info!(text, "{text}");
        }
    });
    assert!(telemetry.close(Duration::from_secs(60)).is_complete());
    let lines = lines.0.lock().unwrap();
    lines.clone()
}

/// Writes lines as Docker's json-file driver does: each as text in an object of its own, with the container's labels.
fn by_docker(lines: &[u8]) -> Vec<u8> {
    let mut written = Vec::new();
    for line in lines.split_inclusive(|byte| *byte == b'\n') {
        // The driver cuts what a process writes at 16 KiB, and leaves a piece without its end.
        for piece in line.chunks(16 * 1024) {
            let object = serde_json::json!({
                "log": String::from_utf8(piece.to_vec()).unwrap(),
                "stream": "stdout",
                "attrs": {"service": "shop"},
                "time": "2026-11-21T08:00:00.123456789Z",
            });
            written.extend(object.to_string().into_bytes());
            written.push(b'\n');
        }
    }
    written
}

/// Ships lines through rsyslog, in by `input`, and gives what its JSON reader made of each.
fn shipped(lines: &[u8], folder: &Path, input: &str, feed: impl FnOnce()) -> Vec<Value> {
    shipped_by(lines, folder, input, "%$!all-json%", feed)
}

/// The same, and writes of each line what `fields` names.
fn shipped_by(lines: &[u8], folder: &Path, input: &str, fields: &str, feed: impl FnOnce()) -> Vec<Value> {
    let out = folder.join("out");
    let config = format!(
        r#"global(workDirectory="{folder}" maxMessageSize="64k")
        module(load="imtcp")
        module(load="imfile")
        module(load="mmjsonparse")
        template(name="fields" type="string" string="{fields}\n")
        ruleset(name="app") {{
            action(type="mmjsonparse" cookie="")
            # A line within a line, as Docker keeps it, is read as well.
            if $!log != "" then {{ set $.read = parse_json($!log, "\$!line"); }}
            action(type="omfile" file="{out}" template="fields")
        }}
        {input}"#,
        folder = folder.display(),
        out = out.display(),
    );
    std::fs::write(folder.join("config"), config).unwrap();
    let mut rsyslog = program("rsyslogd", "rsyslog");
    rsyslog.arg("-n").arg("-f").arg(folder.join("config")).arg("-i").arg(folder.join("pid"));
    let _rsyslog = Process::start(&mut rsyslog);
    feed();
    let sent = lines.iter().filter(|byte| **byte == b'\n').count();
    eventually(|| {
        let written = std::fs::read(&out).unwrap_or_default();
        let arrived = written.iter().filter(|byte| **byte == b'\n').count();
        if arrived < sent {
            return Err(format!("{arrived} of {sent} lines arrived"));
        }
        Ok(values(&written))
    })
}

fn values(lines: &[u8]) -> Vec<Value> {
    let lines = lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    lines.map(|line| serde_json::from_slice(line).unwrap()).collect()
}

fn expect_every_field(format: LogFormat) {
    let lines = lines(format);
    let logged = values(&lines);
    assert!(logged.len() > 40);

    let folder = Folder::new("shipper-port");
    let port = free_port();
    let input = format!(r#"input(type="imtcp" port="{port}" address="127.0.0.1" ruleset="app")"#);
    let by_port = shipped(&lines, folder.path(), &input, || {
        let mut stream =
            eventually(|| TcpStream::connect((Ipv4Addr::LOCALHOST, port)).map_err(|error| error.to_string()));
        stream.write_all(&lines).unwrap();
    });
    assert_eq!(by_port, logged);

    let folder = Folder::new("shipper-file");
    let log = folder.path().join("app.log");
    std::fs::write(&log, &lines).unwrap();
    let input = format!(r#"input(type="imfile" file="{}" tag="app" addMetadata="off" ruleset="app")"#, log.display());
    let by_file = shipped(&lines, folder.path(), &input, || {});
    assert_eq!(by_file, logged);

    let folder = Folder::new("shipper-docker");
    let log = folder.path().join("0123-json.log");
    let kept = by_docker(&lines);
    std::fs::write(&log, &kept).unwrap();
    let input = format!(r#"input(type="imfile" file="{}" tag="app" addMetadata="off" ruleset="app")"#, log.display());
    let fields = r#"{\"line\":%$!line%,\"service\":\"%$!attrs!service%\"}"#;
    let by_container = shipped_by(&kept, folder.path(), &input, fields, || {});
    assert_eq!(by_container.len(), logged.len(), "no line is as long as the driver's pieces");
    for (shipped, logged) in by_container.iter().zip(&logged) {
        assert_eq!((&shipped["line"], &shipped["service"]), (logged, &"shop".into()));
    }
}

#[test]
fn a_shipper_finds_every_field_of_json_lines() {
    expect_every_field(LogFormat::Json);
}

#[test]
fn a_shipper_finds_every_field_by_elastics_names() {
    expect_every_field(LogFormat::Ecs);
}
