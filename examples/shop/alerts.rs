//! Alerts: the rules of `examples/stack`, evaluated by the shop itself, and what the environment adds.

use std::error::Error;
use std::net::SocketAddr;

use watchkeeper::alerting::{AlertingOptions, IncidentPolicy};
use watchkeeper::environment::Environment;
use watchkeeper::history::HistoryOptions;

/// The rules that a Prometheus beside the shop reads too.
const RULES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/stack/prometheus/rules");

/// Reads the shop's rules, and those of `MONITORING_RULE_FILES`. Alertmanager is told where `MONITORING_ALERTMANAGER_URLS`
/// says, and is heard where it brings `MONITORING_ALERTMANAGER_TOKEN`.
pub(crate) fn options(address: SocketAddr) -> Result<AlertingOptions, Box<dyn Error>> {
    let options = AlertingOptions::from_environment(&Environment::process())?;
    let options = options.rule_file(RULES)?.external_url(format!("http://{address}"));
    Ok(options.incidents(IncidentPolicy::new().group_by(["job"])))
}

/// Names the shop in the history as a Prometheus would, so that both have the same series.
pub(crate) fn history(address: SocketAddr) -> HistoryOptions {
    HistoryOptions::new().instance(address.to_string())
}
