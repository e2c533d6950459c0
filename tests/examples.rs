//! Every example, started as a reader starts it.

#[path = "support/mod.rs"]
mod support;

use std::collections::BTreeSet;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;

use support::client::{Request, accepts};
use support::example::{Server, example};
use support::judges::assert_promtool_has_no_complaint;
use support::process::{Process, eventually, free_port};

/// What an example does when it is run.
enum Act {
    /// It ends by itself, and its output holds this line.
    Ends(&'static str),
    /// It serves calls of gRPC on `LISTEN_ADDR` and the scrape on `METRICS_ADDR`, which then holds these lines.
    Calls(&'static [&'static str]),
    /// It serves on `LISTEN_ADDR`; a request to the path is answered with 200, and the scrape then holds this line.
    Serves(&'static str, &'static str),
}

use Act::{Calls, Ends, Serves};

const EXAMPLES: &[(&str, Act)] = &[
    ("actix", Serves("/greet/ada", r#"http_requests_total{method="GET",path="/greet/{name}",status="200"} 1"#)),
    ("minimal", Serves("/greet/ada", r#"http_requests_total{method="GET",path="/greet/{name}",status="200"} 1"#)),
    ("own_store", Ends("own_store: the example was run")),
    ("custom_metrics", Ends(r#"depot_parcels_sent_total{site="north",carrier="bicycle",town="Delft"} 1"#)),
    ("tower_service", Serves("/greet/ada", r#"http_requests_total{method="GET",path="/greet/{name}",status="200"} 1"#)),
    (
        "tonic_service",
        Calls(&[
            r#"http_requests_total{method="POST",path="/example.Greeter/Greet",status="200"} 2"#,
            r#"http_request_outcomes_total{path="/example.Greeter/Greet",outcome="completed"} 1"#,
            r#"http_request_outcomes_total{path="/example.Greeter/Greet",outcome="failed"} 1"#,
        ]),
    ),
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
            Calls(lines) => {
                let metrics = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()));
                let server = Server::start(name, &[], &[("METRICS_ADDR", &metrics.to_string())]);
                let greeted = ["ada", ""].map(|who| greet(server.address, who));
                assert_eq!(greeted, [Ok("hello ada".to_owned()), Err(tonic::Code::InvalidArgument)], "{name}");
                // What is left of a call is recorded when the server has let go of it.
                eventually(|| {
                    let answer = Request::new("GET", metrics, "/metrics").try_send()?;
                    let (text, lines) = (answer.text(), lines.iter());
                    let missing: Vec<_> = lines.filter(|line| !text.lines().any(|found| found == **line)).collect();
                    if missing.is_empty() { Ok(()) } else { Err(format!("{name}: no {missing:?} in\n{text}")) }
                });
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

/// A name, and what the greeter says: one field of text, each.
#[derive(Clone, PartialEq, prost::Message)]
struct Text {
    #[prost(string, tag = "1")]
    text: String,
}

/// Calls the greeter of `tonic_service` as a generated client does.
fn greet(address: SocketAddr, who: &str) -> Result<String, tonic::Code> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let server = tonic::transport::Endpoint::from_shared(format!("http://{address}")).expect("an address");
        let mut client = tonic::client::Grpc::new(server.connect().await.expect("it serves"));
        client.ready().await.expect("it is connected");
        let path = http::uri::PathAndQuery::from_static("/example.Greeter/Greet");
        let name = tonic::Request::new(Text { text: who.to_owned() });
        let answer = client.unary(name, path, tonic_prost::ProstCodec::<Text, Text>::default()).await;
        answer.map(|answer| answer.into_inner().text).map_err(|status| status.code())
    })
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
