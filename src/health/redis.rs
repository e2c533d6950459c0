//! The check of a Redis server: it is up when it answers PING.

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use super::failure::Failure;
use super::probe::{Probe, ProbeFuture};
use super::url::{InvalidUrl, Parts};

/// The longest line that a server is listened to, in bytes.
const MOST_LINE: u64 = 1024;

/// Sends PING to a Redis server, over a connection of its own; signs in before where the address says so.
#[derive(Debug, Clone)]
pub struct Redis {
    parts: Parts,
}

impl Redis {
    /// Checks an address such as `redis://user:password@cache:6379`. Default port: 6379.
    ///
    /// # Errors
    ///
    /// [`InvalidUrl`] for what is no such address; `rediss://` is one that is not spoken. In a
    /// password `/`, `?`, `#` and `@` are written `%2F`, `%3F`, `%23` and `%40`.
    pub fn from_url(url: &str) -> Result<Self, InvalidUrl> {
        const WANTED: &str = "a Redis address is redis://user:password@host:port";
        let rest = url.split_once("://").map_or("", |(_, rest)| rest);
        // Its start would be asked as a host, and the rest of the password left out.
        if rest.find(['/', '?', '#']).is_some_and(|end| rest[end..].contains('@')) {
            return Err(InvalidUrl {
                wanted: WANTED,
                wrong: "it has an @ after a `/`, `?` or `#`, which a password has as %2F, %3F, %23".into(),
            });
        }
        Parts::read(url, "redis", 6379, WANTED).map(|parts| Self { parts })
    }
}

impl Probe for Redis {
    fn probe(&self) -> ProbeFuture {
        let Parts { user, password, host, port, .. } = self.parts.clone();
        Box::pin(async move {
            let mut stream = BufReader::new(TcpStream::connect((host.as_str(), port)).await?);
            match (user, password) {
                (Some(user), Some(password)) => say(&mut stream, &["AUTH", &user, &password], "OK").await?,
                (None, Some(password)) => say(&mut stream, &["AUTH", &password], "OK").await?,
                _ => {}
            }
            say(&mut stream, &["PING"], "PONG").await
        })
    }
}

/// Sends a command, and demands this answer.
async fn say(stream: &mut BufReader<TcpStream>, words: &[&str], due: &str) -> Result<(), Failure> {
    let mut command = format!("*{}\r\n", words.len());
    for word in words {
        command.push_str(&format!("${}\r\n{word}\r\n", word.len()));
    }
    stream.write_all(command.as_bytes()).await?;
    let mut line = String::new();
    stream.take(MOST_LINE).read_line(&mut line).await?;
    match line.trim_end() {
        "" => Err(Failure::new("the connection was closed without an answer")),
        answer if answer.strip_prefix('+') == Some(due) => Ok(()),
        // An error begins with its kind, which says enough; what follows may quote what was sent.
        answer if answer.starts_with('-') => Err(Failure::new(answer[1..].split(' ').next().unwrap_or_default())),
        _ => Err(Failure::new("what it answers is not Redis")),
    }
}
