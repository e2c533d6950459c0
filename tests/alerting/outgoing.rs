//! Webhooks that rules name: no address that is not allowed gets a connection.

use std::fmt::Write as _;
use std::net::TcpListener;
use std::time::Duration;

use watchkeeper::alerting::{AllowList, RuleWebhooks};
use watchkeeper::journal::Sink;

use crate::app::{App, by_hand};
use crate::support::process::eventually;

/// Ways to write an address that is not to be reached; `{port}` is where the canary listens.
const ADDRESSES: &[&str] = &[
    "http://127.0.0.1:{port}/",
    "http://127.1:{port}/",
    "http://127.0.1:{port}/",
    "http://127.255.255.254:{port}/",
    "http://2130706433:{port}/",
    "http://0x7f000001:{port}/",
    "http://0x7f.0.0.1:{port}/",
    "http://0x7f.1:{port}/",
    "http://017700000001:{port}/",
    "http://0177.0.0.1:{port}/",
    "http://0177.0.0.01:{port}/",
    "http://00000177.1:{port}/",
    "http://127.0.0.1.:{port}/",
    "http://0:{port}/",
    "http://0.0.0.0:{port}/",
    "http://0000:{port}/",
    "http://localhost:{port}/",
    "http://LOCALHOST:{port}/",
    "http://localhost.:{port}/",
    "http://localhost.localdomain:{port}/",
    "http://ip6-localhost:{port}/",
    "http://[::1]:{port}/",
    "http://[0:0:0:0:0:0:0:1]:{port}/",
    "http://[::]:{port}/",
    "http://[::ffff:127.0.0.1]:{port}/",
    "http://[::ffff:7f00:1]:{port}/",
    "http://[0:0:0:0:0:ffff:127.0.0.1]:{port}/",
    "http://[::127.0.0.1]:{port}/",
    "http://[::ffff:0:127.0.0.1]:{port}/",
    "http://[64:ff9b::127.0.0.1]:{port}/",
    "http://[64:ff9b:1::7f00:1]:{port}/",
    "http://[2002:7f00:1::]:{port}/",
    "http://[2001:0:7f00:1::]:{port}/",
    "http://[::ffff:169.254.169.254]:{port}/",
    "http://[fe80::1]:{port}/",
    "http://[fe80::1%25lo]:{port}/",
    "http://[fc00::1]:{port}/",
    "http://[fd00:ec2::254]:{port}/",
    "http://[fec0::1]:{port}/",
    "http://[ff02::1]:{port}/",
    "http://169.254.169.254:{port}/latest/meta-data/",
    "http://2852039166:{port}/latest/meta-data/",
    "http://0xa9fea9fe:{port}/",
    "http://0251.0376.0251.0376:{port}/",
    "http://100.100.100.200:{port}/",
    "http://100.64.0.1:{port}/",
    "http://10.0.0.1:{port}/",
    "http://172.16.0.1:{port}/",
    "http://192.168.0.1:{port}/",
    "http://192.0.0.192:{port}/",
    "http://198.18.0.1:{port}/",
    "http://224.0.0.1:{port}/",
    "http://240.0.0.1:{port}/",
    "http://255.255.255.255:{port}/",
    "http://user@127.0.0.1:{port}/",
    "http://hooks.example.com:80@127.0.0.1:{port}/",
    "http://hooks.example.com@127.0.0.1:{port}/",
    "http://127.0.0.1:{port}#@hooks.example.com/",
    "http://127.0.0.1:{port}?@hooks.example.com/",
    "http://127.0.0.1:{port}\\@hooks.example.com/",
    "http:\\\\127.0.0.1:{port}/",
    "http:///127.0.0.1:{port}/",
    "//127.0.0.1:{port}/",
    "http://①②⑦.⓪.⓪.①:{port}/",
    "http://127。0。0。1:{port}/",
    "http://127.0.0.1%00.example.com:{port}/",
    "http://%31%32%37.0.0.1:{port}/",
    "gopher://127.0.0.1:{port}/_GET",
    "file://127.0.0.1:{port}/etc/passwd",
    "ftp://127.0.0.1:{port}/",
];

/// A rule that fires for each address, with that as its webhook.
fn rules(addresses: &[String]) -> String {
    let mut text = "groups:\n- name: hooks\n  rules:\n".to_owned();
    for (at, address) in addresses.iter().enumerate() {
        let quoted = address.replace('\'', "''");
        let _ = write!(text, "  - alert: A{at}\n    expr: vector(1)\n    annotations: {{webhook_url: '{quoted}'}}\n");
    }
    text
}

fn canaries() -> (Vec<TcpListener>, u16) {
    let four = TcpListener::bind("0.0.0.0:0").unwrap();
    let port = four.local_addr().unwrap().port();
    let mut all = vec![four];
    // Where the machine has IPv6.
    all.extend(TcpListener::bind(("::1", port)));
    for canary in &all {
        canary.set_nonblocking(true).unwrap();
    }
    (all, port)
}

fn dropped(app: &App) -> (u64, u64, u64) {
    let counts = app.watch.accounts().of(Sink::Alerts).expect("an account");
    (counts.accepted(), counts.dropped(), counts.stored())
}

#[test]
fn no_way_to_write_an_address_that_is_not_allowed_gets_a_connection() {
    assert!(ADDRESSES.len() >= 60);
    let (canaries, port) = canaries();
    let addresses: Vec<_> = ADDRESSES.iter().map(|address| address.replace("{port}", &port.to_string())).collect();
    // Any name is allowed, so that it is the address that decides.
    let webhooks = RuleWebhooks::new(AllowList::new().host("*"), "s3cret").unwrap();
    for address in &addresses {
        // Some are names, of which only the connection shows where they lead.
        if let Ok(()) = webhooks.check(address) {
            assert!(address.to_ascii_lowercase().contains("local") || address.contains('%'), "{address}");
        }
    }
    let app = App::start(by_hand(&rules(&addresses)).no_incidents().rule_webhooks(webhooks));
    assert_eq!(app.evaluate().firing, addresses.len());
    let all = addresses.len() as u64;
    eventually(|| match dropped(&app) {
        (accepted, dropped, 0) if (accepted, dropped) == (all, all) => Ok(()),
        counts => Err(format!("{counts:?} of {all}")),
    });
    for canary in &canaries {
        assert!(canary.accept().is_err(), "somebody connected");
    }
}

#[test]
fn a_network_that_is_allowed_gets_the_alert_signed_and_no_redirect_is_followed() {
    let (canaries, port) = canaries();
    let allowed = AllowList::new().host("127.0.0.1").network("127.0.0.0/8").unwrap();
    let webhooks = RuleWebhooks::new(allowed, "s3cret").unwrap();
    assert!(webhooks.check("http://localhost/").is_err(), "that name is not on the list");
    let address = format!("http://127.0.0.1:{port}/hook");
    webhooks.check(&address).unwrap();
    let app = App::start(by_hand(&rules(&[address])).no_incidents().rule_webhooks(webhooks));
    app.evaluate();
    let mut asked = Vec::new();
    let answer =
        format!("HTTP/1.1 307 Elsewhere\r\nlocation: http://127.0.0.1:{port}/other\r\ncontent-length: 0\r\n\r\n");
    eventually(|| {
        let (mut stream, _) = canaries[0].accept().map_err(|error| error.to_string())?;
        stream.set_nonblocking(false).map_err(|error| error.to_string())?;
        stream.set_read_timeout(Some(Duration::from_secs(5))).map_err(|error| error.to_string())?;
        asked = read_request(&mut stream);
        std::io::Write::write_all(&mut stream, answer.as_bytes()).map_err(|error| error.to_string())
    });
    let asked = String::from_utf8_lossy(&asked).to_lowercase();
    assert!(asked.starts_with("post /hook ") && asked.contains("webhook-signature: v1,"), "{asked}");
    assert!(asked.contains(r#""status":"firing""#) && asked.contains(r#""alertname":"a0""#), "{asked}");
    eventually(|| match dropped(&app) {
        (1, 1, 0) => Ok(()),
        counts => Err(format!("{counts:?}")),
    });
    assert!(canaries[0].accept().is_err(), "a redirect was followed");
}

fn read_request(stream: &mut std::net::TcpStream) -> Vec<u8> {
    let (mut read, mut buffer) = (Vec::new(), [0; 4096]);
    while let Ok(count @ 1..) = std::io::Read::read(stream, &mut buffer) {
        read.extend_from_slice(&buffer[..count]);
        if read.ends_with(b"]}") || read.ends_with(b"}") {
            break;
        }
    }
    read
}
