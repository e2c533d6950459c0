//! The check of Redis, against a real server with and without a password, and against what only looks like one.

use std::time::Duration;

use watchkeeper::health::{Check, Redis};

use crate::ask::cause;
use crate::servers::{RedisServer, hanging, saying};

fn check(url: &str) -> Check {
    Check::new("cache", Redis::from_url(url).expect("an address")).timeout(Duration::from_millis(500))
}

#[tokio::test]
async fn a_redis_server_is_up_until_it_is_gone() {
    let server = RedisServer::start(&[]);
    let url = format!("redis://127.0.0.1:{}", server.port);
    assert_eq!(cause(check(&url)).await, None);
    assert_eq!(cause(check(&url.replace("127.0.0.1", "localhost"))).await, None);
    drop(server);
    assert!(cause(check(&url)).await.unwrap().contains("refused"));
}

#[tokio::test]
async fn a_password_is_sent_and_never_shown() {
    let server = RedisServer::start(&["--requirepass", "op3n@sesame"]);
    let at = |credentials: &str| check(&format!("redis://{credentials}127.0.0.1:{}", server.port));
    assert_eq!(cause(at(":op3n%40sesame@")).await, None);
    assert_eq!(cause(at("default:op3n%40sesame@")).await, None);
    assert_eq!(cause(at(":gu3ss@")).await.as_deref(), Some("WRONGPASS"));
    assert_eq!(cause(at("")).await.as_deref(), Some("NOAUTH"));
}

#[tokio::test]
async fn what_hangs_or_is_no_redis_is_down() {
    let (_listener, address) = hanging();
    let hung = cause(check(&format!("redis://{address}"))).await;
    assert_eq!(hung.as_deref(), Some("no answer within 500ms"));
    let web = saying(b"HTTP/1.1 400 Bad Request\r\n\r\n");
    assert_eq!(cause(check(&format!("redis://{web}"))).await.as_deref(), Some("what it answers is not Redis"));
    let endless: &[u8] = &[b'+'; 100_000];
    let said = cause(check(&format!("redis://{}", saying(endless)))).await;
    assert_eq!(said.as_deref(), Some("what it answers is not Redis"));
}

#[test]
fn an_address_whose_password_is_cut_by_a_slash_is_refused_without_being_repeated() {
    for url in ["redis://ada:12/s3cret@cache:6379", "redis://ada:12#s3cret@cache", "redis://ada:12?s3cret@cache"] {
        let error = Redis::from_url(url).map(drop).unwrap_err().to_string();
        assert!(error.contains("%2F") && !error.contains("s3cret"), "{error}");
    }
    assert!(Redis::from_url("redis://ada:12%2Fs3cret@cache:6379/0").is_ok());
}
