//! A client of HTTP/1.1 that sees every byte.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::corpus::Asked;
use crate::service::HANDLERS_OWN_ID;

/// Sends a request and reads what comes until the server closes; the date is left out.
pub async fn exchange(address: SocketAddr, asked: &Asked) -> Vec<u8> {
    let mut request = format!("{} {} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n", asked.method, asked.path);
    for (name, value) in &asked.headers {
        request += &format!("{name}: {value}\r\n");
    }
    let mut request = request.into_bytes();
    match &asked.pieces[..] {
        [] => request.extend(b"\r\n"),
        [whole] => {
            request.extend(format!("content-length: {}\r\n\r\n", whole.len()).bytes());
            request.extend(whole);
        }
        pieces => {
            request.extend(b"transfer-encoding: chunked\r\n\r\n");
            for piece in pieces.iter().filter(|piece| !piece.is_empty()) {
                request.extend(format!("{:x}\r\n", piece.len()).bytes());
                request.extend(piece);
                request.extend(b"\r\n");
            }
            request.extend(b"0\r\nx-checksum: 1\r\n\r\n");
        }
    }
    read_all(address, &request).await
}

/// Upgrades a connection and sends bytes through it.
pub async fn upgrade(address: SocketAddr) -> Vec<u8> {
    let head = b"GET /upgrade HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\n";
    read_all(address, &[&head[..], b"\xff\0raw"].concat()).await
}

async fn read_all(address: SocketAddr, request: &[u8]) -> Vec<u8> {
    let (mut reader, mut writer) = TcpStream::connect(address).await.unwrap().into_split();
    let mut answer = Vec::new();
    // A server that has answered may close before it has read everything.
    let (_, _) = tokio::join!(writer.write_all(request), reader.read_to_end(&mut answer));
    take_header(&mut answer, b"\r\ndate: ");
    answer
}

/// Takes out the request ids that the layer gave, and says how many there were. The id of the trace goes too.
pub fn take_request_ids(answer: &mut Vec<u8>) -> usize {
    assert!(std::iter::from_fn(|| take_header(answer, b"\r\nx-trace-id: ")).count() <= 1);
    if String::from_utf8_lossy(answer).contains(HANDLERS_OWN_ID) {
        return 0;
    }
    std::iter::from_fn(|| take_header(answer, b"\r\nx-request-id: ")).count()
}

fn take_header(answer: &mut Vec<u8>, start: &[u8]) -> Option<()> {
    let head = answer.windows(4).position(|end| end == b"\r\n\r\n")?;
    let from = answer[..head].windows(start.len()).position(|found| found == start)?;
    let to = answer[from + 2..].windows(2).position(|end| end == b"\r\n")?;
    answer.drain(from..from + 2 + to);
    Some(())
}
