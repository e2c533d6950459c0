//! What a client and a handler see is the same with the layer and without it.
#![allow(clippy::unwrap_used, reason = "a test ends where something is not as it should be")]
#![allow(dead_code, unreachable_pub, reason = "the modules are this binary's own, and one is shared")]

mod corpus;
mod http1;
mod http2;
#[path = "../support/script.rs"]
mod script;
mod seen;
mod service;
mod stack;

use corpus::corpus;
use seen::Seen;
use stack::{Layered, Server};

#[test]
fn every_poll_of_a_call_and_its_body_comes_to_the_same() {
    for server in Server::BOTH {
        let bare = server.service(&Layered::No);
        for layered in Layered::all() {
            let service = server.service(&layered);
            for asked in corpus() {
                let expected = Seen::of(bare.clone(), asked.request());
                let mut found = Seen::of(service.clone(), asked.request());
                let ids = usize::from(layered.gives_id_to(&asked) && expected.is_answer());
                assert_eq!(found.take_request_ids(), ids, "{server:?} {layered:?} {asked:?}");
                assert_eq!(found, expected, "{server:?} {layered:?} {asked:?}");
            }
        }
    }
}

#[test]
fn an_answer_whose_headers_are_full_goes_out_without_an_id() {
    for server in Server::BOTH {
        let full = corpus::get("/full");
        let bare = Seen::of(server.service(&Layered::No), full.request());
        for layered in Layered::all() {
            let mut found = Seen::of(server.service(&layered), full.request());
            assert_eq!(found.take_request_ids(), 0);
            assert!(found == bare, "{server:?} {layered:?}");
        }
    }
}

#[tokio::test]
async fn every_byte_of_an_answer_over_http_1_is_the_same() {
    for server in Server::BOTH {
        let bare = server.listen(&Layered::No).await;
        for layered in Layered::all() {
            let address = server.listen(&layered).await;
            for asked in corpus() {
                let expected = http1::exchange(bare, &asked).await;
                let mut found = http1::exchange(address, &asked).await;
                let ids = usize::from(layered.gives_id_to(&asked) && !expected.is_empty());
                assert_eq!(http1::take_request_ids(&mut found), ids, "{server:?} {layered:?} {asked:?}");
                let (found, expected) = (String::from_utf8_lossy(&found), String::from_utf8_lossy(&expected));
                assert_eq!(found, expected, "{server:?} {layered:?} {asked:?}");
            }
        }
    }
}

#[tokio::test]
async fn a_connection_that_was_upgraded_carries_the_same_bytes() {
    for server in Server::BOTH {
        let bare = http1::upgrade(server.listen(&Layered::No).await).await;
        assert!(bare.starts_with(b"HTTP/1.1 101 ") && bare.ends_with(b"\xff\0raw"));
        for layered in Layered::all() {
            let mut found = http1::upgrade(server.listen(&layered).await).await;
            assert_eq!(http1::take_request_ids(&mut found), usize::from(layered.gives_ids()));
            assert_eq!(String::from_utf8_lossy(&found), String::from_utf8_lossy(&bare), "{server:?} {layered:?}");
        }
    }
}

#[tokio::test]
async fn every_answer_over_http_2_is_the_same_with_its_trailers_and_errors() {
    for server in Server::BOTH {
        for layered in Layered::all() {
            let bare = http2::Client::connect(server.listen(&Layered::No).await).await;
            let client = http2::Client::connect(server.listen(&layered).await).await;
            for asked in corpus() {
                let expected = bare.send(&asked).await;
                let mut found = client.send(&asked).await;
                let ids = usize::from(layered.gives_id_to(&asked) && expected.is_answer());
                assert_eq!(found.take_request_ids(), ids, "{server:?} {layered:?} {asked:?}");
                assert_eq!(found, expected, "{server:?} {layered:?} {asked:?}");
            }
        }
    }
}
