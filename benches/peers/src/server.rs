//! One row as a real server on the loopback interface, in a process that another one started.

use std::io::BufRead;
use std::time::Duration;

use axum::Router;

use crate::clock;
use crate::drive::routes;
use crate::peer::Peer;

/// How often put-off work is done, as axum-prometheus does it.
const UPKEEP: Duration = Duration::from_secs(5);

/// Serves until standard input ends.
///
/// Prints the port. After that each line `cpu` is answered by the nanoseconds that this process worked, and `counted` by
/// the requests that the row counted, or `-` where it does not count.
pub fn serve(peer: &Peer) {
    let running = (peer.start)();
    let router: Router = running.wrap(routes());
    // One worker, so that the other core is left to whoever drives it.
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let runtime = runtime.expect("a runtime");
    let listener = runtime.block_on(tokio::net::TcpListener::bind(("127.0.0.1", 0))).expect("a port");
    println!("{}", listener.local_addr().expect("an address").port());
    runtime.spawn(async move { axum::serve(listener, router).await });
    let upkeep = running.settle();
    runtime.spawn(async move {
        let mut every = tokio::time::interval(UPKEEP);
        loop {
            every.tick().await;
            upkeep();
        }
    });
    for line in std::io::stdin().lock().lines() {
        match line.expect("a line").as_str() {
            "cpu" => println!("{}", clock::of_process().map_or(0, |time| time.as_nanos())),
            "counted" => match running.counted() {
                Some(counted) => println!("{counted}"),
                None => println!("-"),
            },
            other => panic!("{other}: neither `cpu` nor `counted`"),
        }
    }
}
