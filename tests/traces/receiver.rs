//! A receiver of OTLP that behaves as it is told: by HTTP on plain sockets, by gRPC on hyper.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;

/// How a receiver answers one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// It takes the spans.
    Take,
    /// It takes them, and answers after a while.
    TakeLate(Duration),
    /// It takes them but for so many.
    TakeBut(i64),
    Status(u16),
    /// A status, and after how many seconds to come again.
    Later(u16, u32),
    /// It sends whoever asks to another address.
    Redirect(SocketAddr),
    /// It takes the request and answers with bytes that never end.
    Endless,
    /// It answers one byte in a while.
    Slow,
    /// It never answers.
    Hang,
    /// It closes the connection without an answer.
    Close,
    /// It answers as a web site does.
    Page,
}

/// A request that came in.
#[derive(Debug, Clone)]
pub struct Received {
    pub head: String,
    pub body: Vec<u8>,
    /// Whether the receiver took it.
    pub taken: bool,
}

/// A receiver on a port of its own.
#[derive(Debug, Clone)]
pub struct Receiver {
    pub address: SocketAddr,
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    /// The answers to come; the last one stays.
    answers: Mutex<VecDeque<Answer>>,
    received: Mutex<Vec<Received>>,
    connections: Mutex<usize>,
}

impl Receiver {
    /// Starts a receiver that gives these answers, the last one to all that follow.
    pub fn start(answers: &[Answer]) -> Self {
        Self::start_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port"), answers)
    }

    pub fn start_on(listener: TcpListener, answers: &[Answer]) -> Self {
        let inner = Inner {
            answers: Mutex::new(answers.iter().copied().collect()),
            received: Mutex::default(),
            connections: Mutex::default(),
        };
        let receiver = Self { address: listener.local_addr().expect("an address"), inner: Arc::new(inner) };
        let serving = receiver.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                *lock(&serving.inner.connections) += 1;
                let receiver = serving.clone();
                thread::spawn(move || receiver.serve(stream));
            }
        });
        receiver
    }

    /// The address as an app is told it.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn connections(&self) -> usize {
        *lock(&self.inner.connections)
    }

    pub fn requests(&self) -> Vec<Received> {
        lock(&self.inner.received).clone()
    }

    /// The spans that were taken, with what the receiver refused of a request among them.
    pub fn spans(&self) -> Vec<Span> {
        let taken = self.requests().into_iter().filter(|request| request.taken);
        taken.flat_map(|request| request.spans()).collect()
    }

    /// How the next request is to be answered.
    pub fn next_answer(&self) -> Answer {
        let mut answers = lock(&self.inner.answers);
        if answers.len() > 1 { answers.pop_front().expect("one") } else { *answers.front().expect("one") }
    }

    pub fn note(&self, head: String, body: Vec<u8>, answer: Answer) {
        let taken = matches!(answer, Answer::Take | Answer::TakeLate(_) | Answer::TakeBut(_));
        lock(&self.inner.received).push(Received { head, body, taken });
    }

    fn serve(&self, stream: TcpStream) {
        let mut reader = BufReader::new(stream.try_clone().expect("a second handle"));
        while let Some((head, body)) = read_request(&mut reader) {
            let answer = self.next_answer();
            self.note(head, body, answer);
            if give(answer, &stream).is_none() {
                return;
            }
        }
    }
}

impl Received {
    pub fn spans(&self) -> Vec<Span> {
        let request = ExportTraceServiceRequest::decode(&*self.body).expect("a request of OTLP");
        let of_resources = request.resource_spans.into_iter().flat_map(|resource| resource.scope_spans);
        of_resources.flat_map(|scope| scope.spans).collect()
    }

    /// The log records, where it is a request of logs.
    pub fn records(&self) -> Vec<LogRecord> {
        let request = ExportLogsServiceRequest::decode(&*self.body).expect("a request of OTLP");
        let of_resources = request.resource_logs.into_iter().flat_map(|resource| resource.scope_logs);
        of_resources.flat_map(|scope| scope.log_records).collect()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        let is = |line: &&str| line.split(':').next().is_some_and(|found| found.eq_ignore_ascii_case(name));
        self.head.lines().find(is)?.split_once(':').map(|(_, value)| value.trim())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn read_request(reader: &mut impl BufRead) -> Option<(String, Vec<u8>)> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).ok()? == 0 {
            return None;
        }
    }
    let length =
        head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length:")?.trim().parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    reader.read_exact(&mut body).ok()?;
    Some((head, body))
}

/// Answers; nothing where the connection is of no more use.
fn give(answer: Answer, mut stream: &TcpStream) -> Option<()> {
    let mut send = |text: &[u8]| stream.write_all(text).ok();
    let mut whole = |status: u16, kind: &str, more: &str, body: &[u8]| {
        let head =
            format!("HTTP/1.1 {status} X\r\ncontent-type: {kind}\r\n{more}content-length: {}\r\n\r\n", body.len());
        send(&[head.as_bytes(), body].concat())
    };
    const PROTOBUF: &str = "application/x-protobuf";
    match answer {
        Answer::Take => whole(200, PROTOBUF, "", b""),
        Answer::TakeLate(time) => {
            thread::sleep(time);
            whole(200, PROTOBUF, "", b"")
        }
        Answer::TakeBut(spans) => whole(200, PROTOBUF, "", &partial_success(spans)),
        Answer::Status(status) => whole(status, "text/plain", "", b"no"),
        Answer::Later(status, seconds) => whole(status, "text/plain", &format!("retry-after: {seconds}\r\n"), b"no"),
        Answer::Redirect(to) => whole(307, "text/plain", &format!("location: http://{to}/v1/traces\r\n"), b""),
        Answer::Page => whole(200, "text/html", "", b"<html>welcome</html>"),
        Answer::Endless => {
            send(b"HTTP/1.1 200 X\r\ncontent-type: application/x-protobuf\r\ntransfer-encoding: chunked\r\n\r\n")?;
            loop {
                send(&[b"1000\r\n", &[b'x'; 0x1000][..], b"\r\n"].concat())?;
            }
        }
        Answer::Slow => {
            send(b"HTTP/1.1 200 X\r\ncontent-type: application/x-protobuf\r\ncontent-length: 100000\r\n\r\n")?;
            loop {
                thread::sleep(Duration::from_millis(50));
                send(b"x")?;
            }
        }
        Answer::Hang => loop {
            thread::sleep(Duration::from_secs(60));
        },
        Answer::Close => None,
    }
}

pub fn partial_success(rejected_spans: i64) -> Vec<u8> {
    let partial_success = Some(ExportTracePartialSuccess { rejected_spans, error_message: "too old".into() });
    ExportTraceServiceResponse { partial_success }.encode_to_vec()
}
