//! Endings that only a connection shows.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::app::{App, Server};

/// Sends a request as it stands and reads what comes until the server closes.
async fn exchange(address: SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
}

#[tokio::test]
async fn an_upgraded_connection_belongs_to_the_app_and_stays_out_of_the_durations() {
    // Actix Web hands a connection over for this protocol alone.
    for app in Server::UPGRADING.map(App::new) {
        let mut stream = TcpStream::connect(app.listen().await).await.unwrap();
        stream
            .write_all(b"GET /upgrade HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n")
            .await
            .unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.unwrap());
        }
        assert!(head.starts_with(b"HTTP/1.1 101 "), "{}", String::from_utf8_lossy(&head));
        app.ended("/upgrade", 101, "completed", 1);
        for message in [&b"\x00\x01\xff raw"[..], b"GET / HTT"] {
            stream.write_all(message).await.unwrap();
            let mut echo = vec![0; message.len()];
            stream.read_exact(&mut echo).await.unwrap();
            assert_eq!(echo, message);
        }
        drop(stream);
        app.ended("/upgrade", 101, "completed", 1);
        assert_eq!((app.timed("/upgrade"), app.bodies("response", "/upgrade")), (0.0, (0.0, 0.0)));
    }
}

#[tokio::test]
async fn a_body_that_the_server_stops_asking_for_at_its_length_is_complete() {
    for app in App::all() {
        let answer = exchange(app.listen().await, &get("/file")).await;
        assert!(answer.contains("content-length: 8\r\n") && answer.ends_with("\r\n\r\nhalfhalf"), "{answer}");
        app.settle().await;
        app.ended("/file", 200, "completed", 1);
        assert_eq!(app.bodies("response", "/file"), (8.0, 1.0));
    }
}

#[tokio::test]
async fn trailers_reach_the_client_and_end_the_answer() {
    for app in App::of_tower() {
        let request = get("/trailers").replace("connection: close", "connection: close\r\nte: trailers");
        let answer = exchange(app.listen().await, &request).await;
        assert!(answer.ends_with("2\r\nab\r\n0\r\nx-checksum: 7\r\n\r\n"), "{answer}");
        app.settle().await;
        app.ended("/trailers", 200, "completed", 1);
    }
}

#[tokio::test]
async fn a_chunked_upload_is_counted_as_its_chunks_arrive() {
    for app in App::all() {
        let head = "POST /upload HTTP/1.1\r\nhost: a\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n";
        let address = app.listen().await;
        let answer = exchange(address, &format!("{head}5\r\nhello\r\n6\r\n, shop\r\n0\r\n\r\n")).await;
        assert!(answer.ends_with("\r\n\r\n11"), "{answer}");
        app.settle().await;
        app.ended("/upload", 200, "completed", 1);
        assert_eq!(app.bodies("request", "/upload"), (11.0, 1.0));
    }
}

#[tokio::test]
async fn an_upload_that_asks_before_it_sends_is_one_request() {
    for app in App::all() {
        let mut stream = TcpStream::connect(app.listen().await).await.unwrap();
        let head = "POST /upload HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: 5\r\n";
        stream.write_all(format!("{head}expect: 100-continue\r\n\r\n").as_bytes()).await.unwrap();
        let mut go_on = [0; 25];
        stream.read_exact(&mut go_on).await.unwrap();
        assert_eq!(&go_on, b"HTTP/1.1 100 Continue\r\n\r\n");
        stream.write_all(b"hello").await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("\r\n\r\n5"), "{answer}");
        app.settle().await;
        app.ended("/upload", 200, "completed", 1);
        assert_eq!((app.calls(), app.bodies("request", "/upload")), (1, (5.0, 1.0)));
    }
}

#[tokio::test]
async fn answers_without_a_body_are_complete_on_the_wire() {
    for app in App::all() {
        let address = app.listen().await;
        for path in ["/empty", "/unread", "/no-content", "/not-modified", "/answer", "/stream"] {
            exchange(address, &get(path)).await;
            exchange(address, &get(path).replace("GET", "HEAD")).await;
        }
        app.settle().await;
        let scrape = app.scrape();
        assert_eq!(scrape.sum("http_request_outcomes_total", "outcome=\"completed\""), 12.0, "{scrape}");
    }
}

#[tokio::test]
async fn a_client_that_resets_its_connection_is_seen_to_leave() {
    for app in App::all() {
        let address = app.listen().await;
        for (path, status) in [("/never", 499), ("/stalled", 200)] {
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.write_all(get(path).as_bytes()).await.unwrap();
            if status == 200 {
                stream.read_u8().await.unwrap();
            }
            while app.scrape().sum("http_requests_in_flight", path) < 1.0 {
                tokio::task::yield_now().await;
            }
            stream.set_zero_linger().unwrap();
            drop(stream);
            app.settle().await;
            app.ended(path, status, "cancelled", 1);
        }
    }
}
