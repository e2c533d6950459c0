//! The example shop, run as a newcomer runs it, and judged by what stands around a service in production: a client,
//! a Prometheus server, promtool, another library's parsers, jq.

#[path = "../support/mod.rs"]
mod support;

#[path = "../../examples/shop/failures.rs"]
mod failures;
mod logs;
mod prometheus;
mod routes;
mod scrape;

use support::example::Server;

/// Starts the shop with its default settings.
#[track_caller]
fn shop() -> Server {
    shop_with(&[], &[])
}

#[track_caller]
fn shop_with(arguments: &[&str], environment: &[(&str, &str)]) -> Server {
    Server::start("shop", arguments, environment)
}
