//! Every ready-made metric with a believable day in it: `cargo run --example every_metric`, then
//! <http://127.0.0.1:3000/metrics>. What dashboards and alert rules are tried on.
//!
//! `cargo run --example every_metric -- --moments 50` makes the day go faster: fifty moments a second instead of ten.

mod billing;
mod business;
mod day;
mod gateway;
mod monitoring;
mod realtime;
mod requests;
mod sync;

use std::error::Error;
use std::time::Duration;

use tokio::net::TcpListener;
use watchkeeper::metric::Registry;
use watchkeeper::presets::Group;
use watchkeeper::{Watchkeeper, service_info};

use billing::Billing;
use day::Day;
use gateway::Gateway;
use monitoring::Monitoring;
use realtime::Realtime;
use requests::Requests;

/// Values that an open label may have here: few, so that the overflow can be seen.
const MOST_LABEL_VALUES: usize = 30;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let pause = Duration::from_secs(1) / moments_a_second()?;
    let registry = Registry::builder().max_label_values(MOST_LABEL_VALUES).build()?;
    let watch = Watchkeeper::builder(service_info!()).registry(&registry).groups(Group::ALL).build()?;
    let address = std::env::var("LISTEN_ADDR").unwrap_or_else(|_| "127.0.0.1:3000".to_owned());
    let listener = TcpListener::bind(address).await?;
    tokio::spawn(live(watch.clone(), Monitoring::new(&registry)?, pause));
    axum::serve(listener, watch.routes()).await?;
    Ok(())
}

/// Lives through one moment after the other, without an end.
async fn live(watch: Watchkeeper, mut monitoring: Monitoring, pause: Duration) {
    let (requests, metrics) = (Requests::new(&watch), watch.metrics());
    let (mut gateway, mut billing, mut realtime) = (Gateway::default(), Billing::default(), Realtime::default());
    let mut clock = tokio::time::interval(pause);
    let mut day = Day::default();
    loop {
        clock.tick().await;
        let moment = &mut day.next_moment();
        requests.arrive(moment);
        business::record(metrics, moment);
        gateway.record(metrics.gateway(), moment);
        billing.record(metrics.billing(), moment);
        realtime.record(metrics, moment);
        sync::record(metrics.sync(), moment);
        monitoring.record(metrics, moment);
    }
}

fn moments_a_second() -> Result<u32, Box<dyn Error>> {
    let mut words = std::env::args().skip(1);
    match (words.next().as_deref(), words.next(), words.next()) {
        (None, None, None) => Ok(10),
        (Some("--moments"), Some(number), None) => match number.parse() {
            Ok(number @ 1..=1_000) => Ok(number),
            _ => Err(format!("--moments takes 1 to 1000 a second, not {number:?}").into()),
        },
        _ => Err("usage: every_metric [--moments N]".into()),
    }
}
