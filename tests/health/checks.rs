//! The ready-made checks of TCP, HTTP and Postgres, against what is there, what is not, and what hangs.

use std::time::Duration;

use tokio::net::TcpListener;
use watchkeeper::health::{Check, HttpEndpoint, InvalidUrl, Postgres, Tcp};

use crate::ask::cause;
use crate::servers::{PostgresServer, hanging, saying};
use crate::support::process::free_port;

fn quick(check: Check) -> Check {
    check.timeout(Duration::from_millis(300))
}

#[tokio::test]
async fn a_tcp_endpoint_is_up_when_it_accepts_and_down_when_it_refuses() {
    let (_listener, address) = hanging();
    assert_eq!(cause(Check::new("tcp", Tcp::from(address))).await, None);
    let refused = cause(Check::new("tcp", Tcp::new(format!("localhost:{}", free_port())))).await.unwrap();
    assert!(refused.contains("refused"), "{refused}");
    assert!(cause(Check::new("tcp", Tcp::new("no port"))).await.is_some());
}

#[tokio::test]
async fn an_http_endpoint_is_up_by_its_status() {
    let app = axum::Router::new()
        .route("/ready", axum::routing::get(|| async { "yes" }))
        .route("/moved", axum::routing::get(|| async { axum::response::Redirect::to("/ready") }));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await });

    let cause_of = async |path: &str| {
        let endpoint = HttpEndpoint::from_url(&format!("http://{address}{path}")).unwrap();
        cause(Check::new("http", endpoint)).await
    };
    assert_eq!(cause_of("/ready?deep=1").await, None);
    assert_eq!(cause_of("/moved").await.as_deref(), Some("answered 303"));
    assert_eq!(cause_of("").await.as_deref(), Some("answered 404"));
}

#[tokio::test]
async fn an_http_endpoint_that_hangs_talks_nonsense_or_hangs_up_is_down() {
    let endpoint = |address| HttpEndpoint::from_url(&format!("http://{address}/")).unwrap();
    let (_listener, address) = hanging();
    assert_eq!(cause(quick(Check::new("http", endpoint(address)))).await.as_deref(), Some("no answer within 300ms"));
    let said = cause(Check::new("http", endpoint(saying(b"SSH-2.0-OpenSSH\r\n")))).await;
    assert_eq!(said.as_deref(), Some("what it answers is not HTTP"));
    let endless: &[u8] = &[b'H'; 100_000];
    let said = cause(Check::new("http", endpoint(saying(endless)))).await;
    assert_eq!(said.as_deref(), Some("what it answers is not HTTP"));
    assert!(cause(Check::new("http", endpoint(saying(b"")))).await.is_some());
}

#[test]
fn an_endpoint_with_https_or_credentials_is_refused_when_it_is_made() {
    let said = |url| HttpEndpoint::from_url(url).map(drop).map_err(|error: InvalidUrl| error.to_string());
    assert_eq!(
        said("https://h/").unwrap_err(),
        "an endpoint's address is http://host:port/path, but it has another scheme"
    );
    assert!(said("http://u:s3cret@h/").unwrap_err().ends_with("it has credentials"));
}

#[tokio::test]
async fn a_postgres_server_is_up_while_it_answers_a_query() {
    let server = PostgresServer::start();
    let check = |password: &str, port| {
        let url = format!("postgres://ada:{password}@127.0.0.1:{port}/postgres");
        Check::new("db", Postgres::from_url(&url).unwrap())
    };
    // It accepts connections a moment before it takes queries.
    let mut left = 100;
    while let Some(cause) = cause(check("s3cret", server.port)).await {
        left -= 1;
        assert!(left > 0, "{cause}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let wrong = cause(check("wr0ngpass", server.port)).await.unwrap();
    assert!(wrong.contains("password authentication failed"), "{wrong}");
    assert!(!wrong.contains("wr0ngpass"), "{wrong}");
    let (_listener, address) = hanging();
    let hung = cause(quick(check("s3cret", address.port()))).await;
    assert_eq!(hung.as_deref(), Some("no answer within 300ms"));
    drop(server);
    let gone = cause(check("s3cret", address.port() - 1)).await;
    assert!(gone.is_some());
}

#[test]
fn a_postgres_address_that_is_none_is_refused_without_being_repeated() {
    let error = Postgres::from_url("postgres://ada:s3cret@db:port/shop").unwrap_err().to_string();
    assert_eq!(
        error,
        "a Postgres address is postgres://user:password@host:port/database, but it cannot be read as one"
    );
}
