//! The requests that are sent to the bare and to the watched service.

use axum::body::Body;
use http::Request;

use crate::script::{Script, Step};

/// A request, to be sent as often as one likes.
#[derive(Debug, Clone)]
pub struct Asked {
    pub method: &'static str,
    pub path: &'static str,
    pub headers: Vec<(String, String)>,
    /// The body's pieces: one of them is sent with its size, more as a stream.
    pub pieces: Vec<Vec<u8>>,
}

impl Asked {
    fn new(method: &'static str, path: &'static str) -> Self {
        Self { method, path, headers: Vec::new(), pieces: Vec::new() }
    }

    fn body(mut self, pieces: &[usize]) -> Self {
        self.pieces = pieces.iter().map(|size| vec![b'x'; *size]).collect();
        self
    }

    fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    pub fn request(&self) -> Request<Body> {
        let mut request = Request::builder().method(self.method).uri(self.path);
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let body = match &self.pieces[..] {
            [] => Script::whole(""),
            [whole] => Script::whole(whole.clone()),
            pieces => Script::new(pieces.iter().flat_map(|piece| [Step::Wait, Step::Data(piece.clone().into())])),
        };
        request.body(Body::new(body)).unwrap()
    }
}

pub fn get(path: &'static str) -> Asked {
    Asked::new("GET", path)
}

pub fn corpus() -> Vec<Asked> {
    let mut corpus: Vec<_> = [
        "/",
        "/whole",
        "/stream",
        "/hinted",
        "/torn",
        "/torn-at-once",
        "/trailers",
        "/grpc",
        "/grpc-at-once",
        "/moved",
        "/large-headers",
        "/no-content",
        "/not-modified",
        "/events",
        "/file",
        "/own-id",
        "/missing?a=b",
        "/health/live",
        "/metrics",
        "/big",
        "/fail",
    ]
    .map(get)
    .into();
    corpus.extend(["/", "/whole", "/stream", "/file", "/trailers", "/missing"].map(|path| Asked::new("HEAD", path)));
    corpus.extend(["DELETE", "OPTIONS", "PATCH", "BREW"].map(|method| Asked::new(method, "/whole")));
    for method in ["GET", "POST", "PUT", "DELETE"] {
        for pieces in [&[][..], &[1], &[65_536], &[1, 2], &[5, 0, 65_536, 7]] {
            corpus.push(Asked::new(method, "/echo").body(pieces));
        }
    }
    corpus.push(Asked::new("POST", "/unread").body(&[10]));
    corpus.push((0..60).fold(get("/"), |asked, n| asked.header(format!("x-own-{n}"), "v".repeat(200))));
    corpus.push(get("/").header("x-twice", "a").header("x-twice", "b").header("te", "trailers"));
    corpus
}
