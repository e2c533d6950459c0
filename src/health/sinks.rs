//! Checks of where telemetry goes.

use std::time::Duration;

use super::Check;
use crate::telemetry::TelemetryHandle;

/// Makes a check of each sink. That something does not arrive there is no reason to serve nobody.
pub(crate) fn checks_of_sinks(telemetry: &TelemetryHandle) -> Vec<Check> {
    let mut checks = Vec::new();
    for (sink, state) in telemetry.sinks() {
        let probe = move || std::future::ready(state());
        checks.push(Check::new(&format!("{sink}_sink"), probe).informational().keep(Duration::ZERO));
    }
    checks
}
