//! A real Alertmanager with our routes, and whoever its webhooks reach.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use axum::Json;
use axum::Router;
use axum::extract::State;
use axum::routing::post;
use serde_json::Value;

use crate::support::client::Request;
use crate::support::process::{Folder, Process, program};

/// A running Alertmanager.
#[derive(Debug)]
pub(crate) struct Alertmanager {
    address: SocketAddr,
    _process: Process,
    _folder: Folder,
}

impl Alertmanager {
    /// Starts it with a configuration.
    #[track_caller]
    pub(crate) fn start(address: SocketAddr, config: &str) -> Self {
        let folder = Folder::new("alertmanager");
        let file = folder.path().join("alertmanager.yml");
        std::fs::write(&file, config).expect("the folder can be written to");
        let mut process = Process::start(
            program("prometheus-alertmanager", "prometheus-alertmanager")
                .arg(format!("--config.file={}", file.display()))
                .arg(format!("--storage.path={}", folder.path().join("data").display()))
                .arg(format!("--web.listen-address={address}"))
                .arg("--cluster.listen-address="),
        );
        process.wait_until(|| match Request::new("GET", address, "/-/ready").try_send()? {
            answer if answer.status == 200 => Ok(()),
            answer => Err(format!("Alertmanager answers {}", answer.status)),
        });
        Self { address, _process: process, _folder: folder }
    }

    /// The states of an alert, each with how many others keep it quiet.
    #[track_caller]
    pub(crate) fn states(&self, alert: &str) -> Vec<(String, usize)> {
        let path = format!("/api/v2/alerts?filter=alertname%3D%22{alert}%22");
        let alerts = Request::new("GET", self.address, &path).send().json();
        let state = |alert: &Value| {
            let status = &alert["status"];
            let others = status["inhibitedBy"].as_array().map_or(0, Vec::len);
            (status["state"].as_str().unwrap_or_default().to_owned(), others)
        };
        alerts.as_array().expect("a list of alerts").iter().map(state).collect()
    }
}

/// A webhook that keeps what it is told.
#[derive(Debug)]
pub(crate) struct Receiver {
    pub(crate) address: SocketAddr,
    told: Arc<Mutex<Vec<Value>>>,
}

impl Receiver {
    /// Starts it on a port of its own; it ends with the test's process.
    pub(crate) fn start() -> Self {
        let told = Arc::new(Mutex::new(Vec::new()));
        let state = Arc::clone(&told);
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let address = listener.local_addr().expect("an address");
        listener.set_nonblocking(true).expect("a listener for tokio");
        thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async {
                let app = Router::new().route("/hook", post(keep)).with_state(state);
                let listener = tokio::net::TcpListener::from_std(listener).expect("a listener");
                axum::serve(listener, app).await.expect("it serves");
            });
        });
        Self { address, told }
    }

    /// The alerts that it was told of, with the receiver that they were routed to.
    pub(crate) fn alerts(&self, name: &str, status: &str) -> Vec<(String, Value)> {
        let told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let alerts = told.iter().flat_map(|message| {
            let receiver = message["receiver"].as_str().unwrap_or_default().to_owned();
            let alerts = message["alerts"].as_array().cloned().unwrap_or_default();
            alerts.into_iter().map(move |alert| (receiver.clone(), alert))
        });
        alerts.filter(|(_, alert)| alert["labels"]["alertname"] == name && alert["status"] == status).collect()
    }
}

async fn keep(State(told): State<Arc<Mutex<Vec<Value>>>>, Json(message): Json<Value>) {
    told.lock().unwrap_or_else(PoisonError::into_inner).push(message);
}

/// Does something again and again until it is dropped.
#[derive(Debug)]
pub(crate) struct Loop {
    goes_on: Arc<()>,
}

impl Loop {
    pub(crate) fn start(threads: usize, act: impl Fn() + Clone + Send + 'static) -> Self {
        let goes_on = Arc::new(());
        for _ in 0..threads {
            let (goes_on, act) = (Arc::downgrade(&goes_on), act.clone());
            thread::spawn(move || {
                while goes_on.upgrade().is_some() {
                    act();
                    thread::sleep(Duration::from_millis(20));
                }
            });
        }
        Self { goes_on }
    }

    /// Lets what is under way be the last.
    pub(crate) fn stop(self) {
        drop(self.goes_on);
    }
}
