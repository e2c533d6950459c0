//! A network that fails: what passes between a client and a server on loopback, and how it is disturbed.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// What becomes of connections, those that are open and those that come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Network {
    /// All passes.
    Passes,
    /// Connections are taken, and nothing passes.
    Hangs,
    /// Each connection is reset.
    Resets,
    /// Each connection is closed in the middle: what the client sends passes in part.
    Halves,
    /// What the client sends passes, what the server answers does not, and then the connection ends.
    LosesAnswers,
    /// A byte in each direction every 20 ms.
    Crawls,
}

/// A proxy in front of a server.
#[derive(Debug)]
pub struct Proxy {
    pub port: u16,
    network: watch::Sender<Network>,
}

impl Proxy {
    /// Starts one on the current runtime.
    pub async fn start(server: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("bound").port();
        let (network, changes) = watch::channel(Network::Passes);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(pass(client, server, changes.clone()));
            }
        });
        Self { port, network }
    }

    pub fn set(&self, network: Network) {
        let _ = self.network.send(network);
    }
}

async fn pass(client: TcpStream, server: u16, changes: watch::Receiver<Network>) {
    let Ok(server) = TcpStream::connect(SocketAddr::from(([127, 0, 0, 1], server))).await else { return };
    let reset = Arc::new(tokio::sync::Notify::new());
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let up = tokio::spawn(copy(from_client, to_server, changes.clone(), true, Arc::clone(&reset)));
    let down = tokio::spawn(copy(from_server, to_client, changes, false, reset));
    let _ = up.await;
    down.abort();
}

async fn copy(
    mut from: tokio::net::tcp::OwnedReadHalf,
    mut to: tokio::net::tcp::OwnedWriteHalf,
    mut changes: watch::Receiver<Network>,
    is_up: bool,
    over: Arc<tokio::sync::Notify>,
) {
    let mut buffer = [0; 16 * 1024];
    loop {
        let network = *changes.borrow_and_update();
        match network {
            Network::Hangs => {
                let _ = changes.changed().await;
                continue;
            }
            Network::Resets => {
                let _ = from.as_ref().set_zero_linger();
                over.notify_one();
                return;
            }
            _ => {}
        }
        let most = if network == Network::Crawls { 1 } else { buffer.len() };
        let read = tokio::select! {
            read = from.read(&mut buffer[..most]) => read,
            _ = changes.changed() => continue,
            () = over.notified() => return,
        };
        let Ok(read @ 1..) = read else {
            over.notify_one();
            return;
        };
        let network = *changes.borrow();
        match network {
            Network::Halves if is_up => {
                let _ = to.write_all(&buffer[..read / 2]).await;
                over.notify_one();
                return;
            }
            Network::LosesAnswers if !is_up => {
                // The server has done it. Nobody will hear of it.
                over.notify_one();
                return;
            }
            Network::Crawls => tokio::time::sleep(Duration::from_millis(20)).await,
            _ => {}
        }
        if to.write_all(&buffer[..read]).await.is_err() {
            over.notify_one();
            return;
        }
    }
}
