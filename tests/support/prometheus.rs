//! A real Prometheus server that scrapes the processes of a test.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::SystemTime;

use serde_json::Value;

use super::client::Request;
use super::process::{Folder, Process, free_port, program};

/// A running server, with its data in a folder of its own.
#[derive(Debug)]
pub struct Prometheus {
    address: SocketAddr,
    _process: Process,
    _folder: Folder,
}

/// One series of an answer, with its value.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    pub labels: BTreeMap<String, String>,
    pub value: f64,
}

impl Sample {
    /// The value of a label, or nothing.
    pub fn label(&self, name: &str) -> &str {
        self.labels.get(name).map_or("", String::as_str)
    }
}

impl Prometheus {
    /// Starts a server that scrapes `/metrics` of one address every second, as job `watched`.
    #[track_caller]
    pub fn scraping(target: SocketAddr) -> Self {
        Self::scraping_paths(target, &["/metrics"])
    }

    /// Starts a server that scrapes paths of one address every second, as job `watched`; of several, the label `path` tells which.
    #[track_caller]
    pub fn scraping_paths(target: SocketAddr, paths: &[&str]) -> Self {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()));
        let folder = Folder::new("prometheus");
        let config = folder.path().join("prometheus.yml");
        let mut text =
            String::from("global: {scrape_interval: 1s}\nscrape_configs:\n- job_name: watched\n  static_configs:\n");
        for path in paths {
            // One path is what a service has; its series need no label to tell it.
            let label = if paths.len() > 1 { format!(", path: '{path}'") } else { String::new() };
            text += &format!("  - {{targets: ['{target}'], labels: {{__metrics_path__: '{path}'{label}}}}}\n");
        }
        std::fs::write(&config, text).expect("the folder can be written to");
        Self::configured(address, folder)
    }

    /// Starts a server at an address with the `prometheus.yml` of a folder, in which it keeps its data too.
    #[track_caller]
    pub fn configured(address: SocketAddr, folder: Folder) -> Self {
        let config = folder.path().join("prometheus.yml");
        let mut process = Process::start(
            program("prometheus", "prometheus")
                .arg(format!("--config.file={}", config.display()))
                .arg(format!("--storage.tsdb.path={}", folder.path().join("data").display()))
                .arg(format!("--web.listen-address={address}"))
                // A test may bring a history along.
                .arg("--storage.tsdb.retention.time=1y")
                .arg("--enable-feature=exemplar-storage")
                .arg("--log.level=warn"),
        );
        process.wait_until(|| match Request::new("GET", address, "/-/ready").try_send()? {
            answer if answer.status == 200 => Ok(()),
            answer => Err(format!("Prometheus answers {}", answer.status)),
        });
        Self { address, _process: process, _folder: folder }
    }

    /// Where the server listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Evaluates an expression now.
    #[track_caller]
    pub fn query(&self, expression: &str) -> Vec<Sample> {
        self.query_at(expression, SystemTime::now())
    }

    /// Evaluates an expression as of a moment.
    #[track_caller]
    pub fn query_at(&self, expression: &str, time: SystemTime) -> Vec<Sample> {
        let time = time.duration_since(SystemTime::UNIX_EPOCH).expect("a clock after 1970").as_secs_f64();
        let path = format!("/api/v1/query?time={time:.3}&query={}", percent_encoded(expression));
        let answer = Request::new("GET", self.address, &path).send();
        assert_eq!(answer.status, 200, "{expression}: {}", answer.text());
        let answer = answer.json();
        let result = &answer["data"]["result"];
        if answer["data"]["resultType"] == "scalar" {
            return vec![Sample { labels: BTreeMap::new(), value: number(&result[1]) }];
        }
        let series = result.as_array().expect("a vector");
        series
            .iter()
            .map(|series| Sample { labels: labels(&series["metric"]), value: number(&series["value"][1]) })
            .collect()
    }

    /// The exemplars that the server has of the series that an expression selects, from the last minute.
    #[track_caller]
    pub fn exemplars(&self, expression: &str) -> Vec<Value> {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("a clock after 1970").as_secs_f64();
        let (from, to) = (now - 60.0, now + 1.0);
        let path = format!("/api/v1/query_exemplars?start={from:.3}&end={to:.3}&query={}", percent_encoded(expression));
        let answer = Request::new("GET", self.address, &path).send();
        assert_eq!(answer.status, 200, "{expression}: {}", answer.text());
        answer.json()["data"].as_array().expect("a list of series").clone()
    }

    /// What the server answers to `GET /api/v1/{what}`.
    #[track_caller]
    pub fn api(&self, what: &str) -> Value {
        let answer = Request::new("GET", self.address, &format!("/api/v1/{what}")).send();
        assert_eq!(answer.status, 200, "{what}: {}", answer.text());
        answer.json()["data"].clone()
    }

    /// What the server knows of its targets: health, and the last error.
    #[track_caller]
    pub fn targets(&self) -> Value {
        Request::new("GET", self.address, "/api/v1/targets?state=active").send().json()["data"]["activeTargets"].clone()
    }
}

fn labels(metric: &Value) -> BTreeMap<String, String> {
    serde_json::from_value(metric.clone()).expect("labels are text")
}

fn number(value: &Value) -> f64 {
    value.as_str().and_then(|text| text.parse().ok()).expect("a number as text")
}

pub fn percent_encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}
