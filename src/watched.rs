//! What a watch is over: a service, and its telemetry.

use crate::service::ServiceInfo;
use crate::telemetry::{Telemetry, TelemetryHandle};

/// What a [`Watchkeeper`](crate::Watchkeeper) watches: a service, and its telemetry where it has that set up.
#[derive(Debug, Clone)]
pub struct Watched {
    pub(crate) service: ServiceInfo,
    pub(crate) telemetry: Option<TelemetryHandle>,
}

impl From<ServiceInfo> for Watched {
    fn from(service: ServiceInfo) -> Self {
        Self { service, telemetry: None }
    }
}

impl From<&Telemetry> for Watched {
    fn from(telemetry: &Telemetry) -> Self {
        Self::from(&**telemetry)
    }
}

impl From<&TelemetryHandle> for Watched {
    fn from(telemetry: &TelemetryHandle) -> Self {
        Self { service: telemetry.service(), telemetry: Some(telemetry.clone()) }
    }
}
