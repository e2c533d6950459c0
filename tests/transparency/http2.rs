//! A client of HTTP/2, over one connection.

use std::net::SocketAddr;

use axum::body::Body;
use http::header::DATE;
use http_body_util::BodyExt;
use hyper::client::conn::http2::{SendRequest, handshake};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;

use crate::corpus::Asked;
use crate::seen::{Moment, Seen};

#[derive(Debug)]
pub struct Client(SendRequest<Body>);

impl Client {
    /// Opens a connection that speaks HTTP/2 from its first byte.
    pub async fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let (sender, connection) = handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        Self(sender)
    }

    /// Sends a request and reads the answer; what was cut in pieces on the way is put together.
    pub async fn send(&self, asked: &Asked) -> Seen {
        let mut seen = Seen::default();
        let mut request = asked.request();
        *request.uri_mut() = format!("http://a{}", asked.path).parse().unwrap();
        let mut body = match self.0.clone().send_request(request).await {
            Err(error) => {
                seen.error = Some(format!("{error:?}"));
                return seen;
            }
            Ok(answer) => {
                let (mut head, body) = answer.into_parts();
                head.headers.remove(DATE);
                seen.answered(head);
                body
            }
        };
        let mut data = Vec::new();
        let end = loop {
            match body.frame().await {
                None => break Moment::End,
                Some(Err(error)) => break Moment::Error(format!("{error:?}")),
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(more) => data.extend(more),
                    Err(frame) => break Moment::Trailers(frame.into_trailers().expect("there are no other frames")),
                },
            }
        };
        seen.body = vec![Moment::Data(data.into()), end];
        seen
    }
}
