//! A hundred thousand requests that end at random points, always the same ones.
//!
//! What each request came to is known to who sent it, so the counts are compared one by one, not only in sum.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::mpsc;
use std::task::Poll;
use std::time::Duration;

use axum::body::Body;
use http::Request;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::app::{Answered, App, Catch, SendCall, Server};
use crate::poll;
use crate::script::{Script, Step};
use crate::service::{Plan, Then};

/// Numbers that look like chance and come again with the same seed.
#[derive(Debug)]
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        ((mixed ^ (mixed >> 29)) >> 8) % bound
    }

    fn plan(&mut self, server: Server) -> Plan {
        let waits = self.below(4) as usize;
        let then = match self.below(10) {
            0 => Then::Panic,
            1 if matches!(server, Server::Hyper | Server::Actix) => Then::Fail,
            2 => Then::Never,
            3 => Then::Answer(Script::whole("known")),
            _ => {
                let steps = (0..self.below(5)).map(|_| match self.below(12) {
                    0 => Step::Fail,
                    1 => Step::Panic,
                    2 => Step::trailer("x-checksum", "7"),
                    3..6 => Step::Wait,
                    _ => Step::data("piece"),
                });
                Then::Answer(Script::new(steps.collect::<Vec<_>>()))
            }
        };
        Plan { waits, then }
    }
}

/// How many requests came to each end.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Ends {
    completed: u64,
    cancelled: u64,
    panicked: u64,
    failed: u64,
}

impl Ends {
    fn of(app: &App) -> Self {
        let of = |outcome| app.scrape().sum("http_request_outcomes_total", &format!("outcome=\"{outcome}\"")) as u64;
        let [completed, cancelled, panicked, failed] = ["completed", "cancelled", "panicked", "failed"].map(of);
        Self { completed, cancelled, panicked, failed }
    }

    fn sum(self) -> u64 {
        self.completed + self.cancelled + self.panicked + self.failed
    }

    fn add(&mut self, other: Self) {
        self.completed += other.completed;
        self.cancelled += other.cancelled;
        self.panicked += other.panicked;
        self.failed += other.failed;
    }
}

/// A request under way.
enum Stage<C: ?Sized> {
    Call(Pin<Box<C>>),
    Body(Body),
    /// It has ended; what is left of it is still there.
    Over(#[expect(dead_code, reason = "it is dropped wherever its request is")] Box<Stage<C>>),
}

/// Polls a request some more, and counts its end if it comes to one.
fn go_on<C: Future<Output = Answered> + ?Sized>(mut stage: Stage<C>, polls: u64, ends: &mut Ends) -> Stage<C> {
    for _ in 0..polls {
        stage = match stage {
            Stage::Call(mut call) => match catch_unwind(AssertUnwindSafe(|| poll::once(&mut call))) {
                Ok(Poll::Pending) => Stage::Call(call),
                Ok(Poll::Ready(Ok(response))) => {
                    let body = response.into_body();
                    if http_body::Body::size_hint(&body).exact().is_some() {
                        ends.completed += 1;
                        Stage::Over(Box::new(Stage::Body(body)))
                    } else {
                        Stage::Body(body)
                    }
                }
                Ok(Poll::Ready(Err(_))) => {
                    ends.failed += 1;
                    Stage::Over(Box::new(Stage::Call(call)))
                }
                Err(_) => {
                    ends.panicked += 1;
                    Stage::Over(Box::new(Stage::Call(call)))
                }
            },
            Stage::Body(mut body) => {
                let ended = match catch_unwind(AssertUnwindSafe(|| poll::frame(&mut body))) {
                    Ok(Poll::Ready(Some(Ok(frame)))) if frame.is_trailers() => Some(&mut ends.completed),
                    Ok(Poll::Pending | Poll::Ready(Some(Ok(_)))) => None,
                    Ok(Poll::Ready(None)) => Some(&mut ends.completed),
                    Ok(Poll::Ready(Some(Err(_)))) => Some(&mut ends.failed),
                    Err(_) => Some(&mut ends.panicked),
                };
                match ended {
                    Some(count) => {
                        *count += 1;
                        Stage::Over(Box::new(Stage::Body(body)))
                    }
                    None => Stage::Body(body),
                }
            }
            Stage::Over(_) => return stage,
        };
    }
    stage
}

/// Sends requests and leaves each at some point; every other one goes on elsewhere.
fn storm<C: Future<Output = Answered> + ?Sized>(
    app: &App,
    seed: u64,
    call: impl Fn(Request<Body>) -> Pin<Box<C>>,
    mut away: impl FnMut(Stage<C>, u64),
) -> Ends {
    let (mut dice, mut ends) = (Dice(seed), Ends::default());
    for _ in 0..REQUESTS {
        let mut request = Request::get("/planned").body(Body::empty()).unwrap();
        request.extensions_mut().insert(dice.plan(app.server()));
        // Who never polls has not called.
        let stage = go_on(Stage::Call(call(request)), 1 + dice.below(6), &mut ends);
        if dice.below(2) == 0 {
            away(stage, dice.below(8));
        } else if !matches!(stage, Stage::Over(_)) {
            ends.cancelled += 1;
        }
    }
    ends
}

const THREADS: u64 = 3;
const REQUESTS: u64 = 15_000;

/// Every other request goes on in another thread.
fn storm_in_process(server: Server, seed: u64) {
    let app = App::with(server, Catch::Nowhere, |http| http);
    let (away, handed) = mpsc::channel();
    let mut ends = Ends::default();
    std::thread::scope(|scope| {
        let storms: Vec<_> = (0..THREADS)
            .map(|thread| {
                let (app, away) = (app.clone(), away.clone());
                scope.spawn(move || {
                    let call = |request| -> SendCall { app.send_call(request) };
                    storm(&app, seed + thread, call, |stage, polls| away.send((stage, polls)).unwrap())
                })
            })
            .collect();
        drop(away);
        for (stage, polls) in handed {
            if !matches!(go_on(stage, polls, &mut ends), Stage::Over(_)) {
                ends.cancelled += 1;
            }
        }
        storms.into_iter().for_each(|storm| ends.add(storm.join().unwrap()));
    });
    came_to(&app, ends, seed);
}

/// Every other request goes on later, in the same thread: those of Actix Web do not leave theirs.
fn storm_in_place(server: Server, seed: u64) {
    let app = App::with(server, Catch::Nowhere, |http| http);
    let mut ends = Ends::default();
    std::thread::scope(|scope| {
        let storms = (0..THREADS).map(|thread| {
            let app = app.clone();
            scope.spawn(move || {
                let app = &app;
                let mut later = Ends::default();
                let mut ends = storm(
                    app,
                    seed + thread,
                    |request| app.call(request),
                    |stage, polls| {
                        if !matches!(go_on(stage, polls, &mut later), Stage::Over(_)) {
                            later.cancelled += 1;
                        }
                    },
                );
                ends.add(later);
                ends
            })
        });
        let storms: Vec<_> = storms.collect();
        storms.into_iter().for_each(|storm| ends.add(storm.join().unwrap()));
    });
    came_to(&app, ends, seed);
}

fn came_to(app: &App, ends: Ends, seed: u64) {
    assert_eq!((ends.sum(), app.calls()), (THREADS * REQUESTS, THREADS * REQUESTS), "seed {seed}");
    assert!([ends.completed, ends.cancelled, ends.panicked].iter().all(|end| *end > 3_000), "{ends:?}");
    assert_eq!(Ends::of(app), ends, "seed {seed}");
    app.at_rest();
}

#[test]
fn of_45_000_requests_to_axum_that_end_anywhere_each_is_counted_as_it_ended() {
    storm_in_process(Server::Axum, 2_026);
}

#[test]
fn of_45_000_requests_to_plain_hyper_that_end_anywhere_each_is_counted_as_it_ended() {
    storm_in_process(Server::Hyper, 1_121);
}

#[test]
fn of_45_000_requests_to_tonic_that_end_anywhere_each_is_counted_as_it_ended() {
    storm_in_process(Server::Tonic, 50_051);
}

#[test]
fn of_45_000_requests_to_actix_that_end_anywhere_each_is_counted_as_it_ended() {
    storm_in_place(Server::Actix, 8_080);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_10_000_connections_to_axum_that_are_reset_anywhere_none_leaves_a_request_behind() {
    resets(Server::Axum).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_10_000_connections_to_actix_that_are_reset_anywhere_none_leaves_a_request_behind() {
    resets(Server::Actix).await;
}

async fn resets(server: Server) {
    const CLIENTS: u64 = 40;
    const REQUESTS: u64 = 250;
    let app = App::new(server);
    let all = &["/never", "/answer", "/slow", "/stream", "/stalled", "/file", "/events", "/torn", "/upload"][..];
    // Actix Web does not look for a reset that came with the request while the handler waits, and that one waits for ever.
    let paths = if server == Server::Actix { &all[1..] } else { all };
    let address = app.listen().await;
    let clients: Vec<_> = (0..CLIENTS)
        .map(|client| {
            tokio::spawn(async move {
                let (mut dice, mut answered, mut stalled) = (Dice(client), 0, 0);
                for _ in 0..REQUESTS {
                    let mut stream = TcpStream::connect(address).await.unwrap();
                    stream.set_zero_linger().unwrap();
                    match abort(&mut stream, &mut dice, paths).await {
                        Some("/stalled") => stalled += 1,
                        Some(_) => answered += 1,
                        None => {}
                    }
                }
                (answered, stalled)
            })
        })
        .collect();
    let (mut answered, mut stalled) = (0, 0);
    for client in clients {
        let seen: (u64, u64) = client.await.unwrap();
        (answered, stalled) = (answered + seen.0, stalled + seen.1);
    }
    // Connections are accepted in turn: when this one is answered, all others are at least under way.
    let mut last = TcpStream::connect(address).await.unwrap();
    last.write_all(b"GET /answer HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").await.unwrap();
    last.read_to_end(&mut Vec::new()).await.unwrap();
    drop(last);
    app.settle().await;
    let ends = Ends::of(&app);
    assert_eq!(ends.sum(), app.calls());
    assert!(answered > 1_000 && stalled > 300, "{answered} {stalled}");
    // A request that was reset before the server read it is none.
    assert!((answered + stalled..=CLIENTS * REQUESTS + 1).contains(&app.calls()), "{}", app.calls());
    assert!(ends.cancelled >= stalled, "{ends:?}");
}

/// Sends a request, or a part of it, and perhaps waits for some of the answer; what comes then is a reset. Returns the
/// path of a request that was answered for certain.
async fn abort(stream: &mut TcpStream, dice: &mut Dice, paths: &[&'static str]) -> Option<&'static str> {
    let path = paths[dice.below(paths.len() as u64) as usize];
    let request = match path {
        "/upload" => format!("POST {path} HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\nhalf"),
        _ => format!("GET {path} HTTP/1.1\r\nhost: a\r\n\r\n"),
    };
    let sent = match dice.below(8) {
        0 => dice.below(request.len() as u64) as usize,
        _ => request.len(),
    };
    stream.write_all(&request.as_bytes()[..sent]).await.unwrap();
    match dice.below(4) {
        0 => {}
        1 => tokio::task::yield_now().await,
        // Not every path answers; what such a request has come to after a moment is left to chance.
        _ if sent < request.len() || matches!(path, "/never" | "/torn" | "/upload") => {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        _ => {
            let mut buffer = vec![0; 1 + dice.below(200) as usize];
            assert!(stream.read(&mut buffer).await.unwrap() > 0, "{path} is answered");
            return Some(path);
        }
    }
    None
}
