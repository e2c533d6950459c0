//! The monitoring API of a watch, and what is chosen about it.

use std::sync::Arc;

use super::{Watchkeeper, WatchkeeperBuilder};
use crate::api::monitoring::{ApiOptions, MonitoringApi, PrincipalSource, Services};

/// What an app chose about the monitoring API.
#[derive(Default)]
pub(super) struct ApiChoices {
    principals: Option<Arc<dyn PrincipalSource>>,
    options: ApiOptions,
}

impl ApiChoices {
    pub(super) fn build(self, services: Services) -> MonitoringApi {
        MonitoringApi::new(self.principals, self.options, services)
    }
}

impl Watchkeeper {
    /// Returns the monitoring API, to mount it where [`routes`](Self::routes) is not.
    pub fn monitoring_api(&self) -> &MonitoringApi {
        &self.inner.api
    }
}

impl WatchkeeperBuilder {
    /// Says who calls the monitoring API, which [`routes`](Watchkeeper::routes) carries from then on. Default: nobody is
    /// known, and the routes are without it.
    pub fn principals(mut self, source: impl PrincipalSource) -> Self {
        self.api.principals = Some(Arc::new(source));
        self
    }

    /// Makes choices about the monitoring API: its sizes, rates and deadlines. Default: none.
    pub fn api(mut self, options: ApiOptions) -> Self {
        self.api.options = options;
        self
    }
}
