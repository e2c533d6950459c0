//! What watchkeeper costs beside its peers, in one run: `cargo run --release -- http|scrape|attack|all|wrk [--quick]`.
//!
//! `benches/README.md` says what each row and column is.

mod attack;
mod clock;
mod drive;
mod figures;
mod http;
mod instructions;
mod ours;
mod peer;
mod peers;
mod scrape;
mod server;
mod table;
mod text;
mod wrk;

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: alloc_count::Counting = alloc_count::Counting;

const USAGE: &str = "usage: peers http|scrape|attack|all|wrk [--quick]
       peers requests <row> <count>   drives one row, for a profiler
       peers rows                     names the rows";

fn main() -> ExitCode {
    let mut words: Vec<String> = std::env::args().skip(1).collect();
    let quick = words.iter().any(|word| word == "--quick");
    words.retain(|word| word != "--quick");
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words[..] {
        ["http"] => http::print(quick),
        ["scrape"] => scrape::print(quick),
        ["attack"] => attack::print(quick),
        ["all"] => {
            http::print(quick);
            scrape::print(quick);
            attack::print(quick);
        }
        ["requests", row, count] => match (peer::named(row), count.parse()) {
            (Some(peer), Ok(count)) => instructions::requests(peer, count),
            _ => return wrong(),
        },
        ["attack-one", row, paths, methods, hosts] => {
            match (peer::named(row), paths.parse(), methods.parse(), hosts.parse()) {
                (Some(peer), Ok(paths), Ok(methods), Ok(hosts)) => attack::one(peer, paths, methods, hosts),
                _ => return wrong(),
            }
        }
        ["wrk"] => return wrk::print(quick),
        ["serve", row] => match peer::named(row) {
            Some(peer) => server::serve(&peer),
            None => return wrong(),
        },
        ["rows"] => peer::all().iter().for_each(|peer| println!("{:<16} {}", peer.key, peer.title)),
        _ => return wrong(),
    }
    ExitCode::SUCCESS
}

fn wrong() -> ExitCode {
    eprintln!("{USAGE}");
    ExitCode::FAILURE
}
