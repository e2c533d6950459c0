//! Every example, started as a reader starts it.

#[path = "support/mod.rs"]
mod support;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use support::client::accepts;
use support::example::{Server, example};
use support::judges::assert_promtool_has_no_complaint;
use support::process::Process;

/// What an example does when it is run.
enum Act {
    /// It ends by itself, and its output holds this line.
    Ends(&'static str),
    /// It serves on `LISTEN_ADDR`; a request to the path is answered with 200, and the scrape then holds this line.
    Serves(&'static str, &'static str),
}

use Act::{Ends, Serves};

const EXAMPLES: &[(&str, Act)] = &[
    ("minimal", Serves("/greet/ada", r#"http_requests_total{method="GET",path="/greet/{name}",status="200"} 1"#)),
    ("own_store", Ends("own_store: the example was run")),
    ("custom_metrics", Ends(r#"depot_parcels_sent_total{site="north",carrier="bicycle",town="Delft"} 1"#)),
    ("tower_service", Serves("/greet/ada", r#"http_requests_total{method="GET",path="/greet/{name}",status="200"} 1"#)),
    ("every_metric", Serves("/metrics", r#"integration_up{integration="crm"} 1"#)),
    ("render_stack", Ends("      - alert: ParcelsRefused")),
    ("shop", Serves("/orders/7", r#"http_requests_total{method="GET",path="/orders/{id}",status="200"} 1"#)),
];

/// The longest example that is one file.
const MOST_LINES: usize = 150;

fn folder() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/examples"))
}

#[test]
fn every_example_is_run_by_this_test() {
    let found: BTreeSet<String> = fs::read_dir(folder())
        .expect("the examples can be listed")
        .map(|entry| entry.expect("the examples can be listed").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs") || path.join("main.rs").is_file())
        .map(|path| path.file_stem().expect("a name").to_string_lossy().into_owned())
        .collect();

    let run: BTreeSet<String> = EXAMPLES.iter().map(|(name, _)| (*name).to_owned()).collect();

    assert_eq!(found, run);
}

#[test]
fn every_example_does_what_it_says() {
    for (name, act) in EXAMPLES {
        match act {
            Ends(line) => {
                let mut process = Process::start(&mut example(name));
                let status = process.wait();
                let (out, err) = (process.stdout(), process.stderr());
                assert!(status.success(), "{name}: {status}\n{out}\n{err}");
                assert!(out.lines().any(|found| found == *line), "{name}: no {line} in\n{out}");
            }
            Serves(path, line) => {
                let server = Server::start(name, &[], &[]);
                assert_eq!(server.get(path).status, 200, "{name}: {path}");
                let answer = server.get("/metrics");
                let scrape = answer.text();
                assert!(scrape.lines().any(|found| found == *line), "{name}: no {line} in\n{scrape}");
                assert_promtool_has_no_complaint(scrape);
                accepts(server.address).expect("it serves on");
            }
        }
    }
}

#[test]
fn every_example_says_first_how_to_run_it_and_is_short() {
    for (name, _) in EXAMPLES {
        let file = folder().join(format!("{name}.rs"));
        let one_file = file.is_file();
        let text = fs::read_to_string(if one_file { file } else { folder().join(name).join("main.rs") });
        let text = text.expect("an example can be read");
        let first = text.lines().next().unwrap_or_default();
        assert!(first.starts_with("//! "), "{name}: {first}");
        let head: String = text.lines().take_while(|line| line.starts_with("//!")).collect();
        assert!(head.contains(&format!("cargo run --example {name}")), "{name}: {head}");
        assert!(text.lines().count() <= MOST_LINES, "{name}: {} lines", text.lines().count());
    }
}
