//! A client that speaks to a process on loopback: one connection for each request, no retry, no redirect.

use std::io::Read;
use std::net::{SocketAddr, TcpStream};

use serde_json::Value;

use super::process::PATIENCE;

/// A request to be sent.
#[derive(Debug, Clone)]
#[must_use]
pub struct Request {
    method: String,
    url: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    headers: http::HeaderMap,
    pub body: Vec<u8>,
}

impl Request {
    /// A request to `http://{address}{path}`; the path may carry a query.
    pub fn new(method: &str, address: SocketAddr, path: &str) -> Self {
        let url = format!("http://{address}{path}");
        Self { method: method.to_owned(), url, headers: Vec::new(), body: Vec::new() }
    }

    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub fn json(mut self, body: &Value) -> Self {
        self.body = body.to_string().into_bytes();
        self.header("content-type", "application/json")
    }

    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    pub fn form(self, form: &str) -> Self {
        self.body(form).header("content-type", "application/x-www-form-urlencoded")
    }

    /// Sends it, and reads the whole answer.
    #[track_caller]
    pub fn send(self) -> Answer {
        let what = format!("{} {}", self.method, self.url);
        self.try_send().unwrap_or_else(|error| panic!("{what}: {error}"))
    }

    /// Sends it; an error is a connection that was refused, or closed without a whole answer.
    pub fn try_send(self) -> Result<Answer, String> {
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .allow_non_standard_methods(true)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .max_idle_connections(0)
            .accept("")
            .proxy(None)
            .timeout_global(Some(PATIENCE))
            .build()
            .new_agent();
        let mut request = http::Request::builder().method(self.method.as_str()).uri(&self.url);
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let request = request.body(self.body).map_err(|error| error.to_string())?;
        let (head, body) = agent.run(request).map_err(|error| error.to_string())?.into_parts();
        let mut bytes = Vec::new();
        body.into_reader().read_to_end(&mut bytes).map_err(|error| error.to_string())?;
        Ok(Answer { status: head.status.as_u16(), headers: head.headers, body: bytes })
    }
}

impl Answer {
    /// The value of a header, or nothing.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    #[track_caller]
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("an answer in UTF-8")
    }

    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {:?}", self.text()))
    }
}

/// Tells whether something accepts connections.
pub fn accepts(address: SocketAddr) -> Result<(), String> {
    TcpStream::connect_timeout(&address, PATIENCE).map(drop).map_err(|error| format!("{address}: {error}"))
}
