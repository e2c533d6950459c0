//! A real Alertmanager.

use std::net::{Ipv4Addr, SocketAddr};
use std::process::Command;

use serde_json::Value;

use super::client::Request;
use super::process::{Folder, Process, free_port, program};

/// A server with its data in a folder of its own. It can be stopped and started again at the same address.
#[derive(Debug)]
pub struct Alertmanager {
    address: SocketAddr,
    folder: Folder,
    process: Option<Process>,
}

impl Alertmanager {
    /// Starts a server that groups by `alertname` and tells a webhook, with a bearer token, of what fires and what is over.
    #[track_caller]
    pub fn telling(webhook: &str, token: &str) -> Self {
        let folder = Folder::new("alertmanager");
        let config = format!(
            "route: {{receiver: app, group_by: [alertname], group_wait: 200ms, group_interval: 1s, repeat_interval: 1h}}\n\
             receivers:\n- name: app\n  webhook_configs:\n  - url: '{webhook}'\n    send_resolved: true\n    \
             http_config: {{authorization: {{type: Bearer, credentials: '{token}'}}}}\n"
        );
        std::fs::write(folder.path().join("am.yml"), config).expect("the folder can be written to");
        let mut server = Self { address: SocketAddr::from((Ipv4Addr::LOCALHOST, free_port())), folder, process: None };
        server.start();
        server
    }

    /// Starts it, if it does not run.
    #[track_caller]
    pub fn start(&mut self) {
        let mut process = Process::start(
            program("prometheus-alertmanager", "prometheus-alertmanager")
                .arg(format!("--config.file={}", self.folder.path().join("am.yml").display()))
                .arg(format!("--storage.path={}", self.folder.path().join("data").display()))
                .arg(format!("--web.listen-address={}", self.address))
                .arg("--cluster.listen-address="),
        );
        process.wait_until(|| match Request::new("GET", self.address, "/-/ready").try_send()? {
            answer if answer.status == 200 => Ok(()),
            answer => Err(format!("Alertmanager answers {}", answer.status)),
        });
        self.process = Some(process);
    }

    /// Ends it at once, as a machine that is gone.
    pub fn stop(&mut self) {
        self.process = None;
    }

    /// The URL that it is reached at.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The alerts that it has: each with its labels and status.
    #[track_caller]
    pub fn alerts(&self) -> Vec<Value> {
        let answer = Request::new("GET", self.address, "/api/v2/alerts").send();
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json().as_array().expect("a list").clone()
    }

    /// The groups that it made of them.
    #[track_caller]
    pub fn groups(&self) -> Vec<Value> {
        Request::new("GET", self.address, "/api/v2/alerts/groups").send().json().as_array().expect("a list").clone()
    }

    /// Silences alerts of a name, by Alertmanager's own tool.
    #[track_caller]
    pub fn silence(&self, alertname: &str) {
        let mut amtool: Command = program("amtool", "prometheus-alertmanager");
        amtool.arg(format!("--alertmanager.url={}", self.url()));
        amtool.args(["silence", "add", "-a", "test", "-c", "test", "-d", "1h", &format!("alertname={alertname}")]);
        let output = amtool.output().expect("amtool runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}
