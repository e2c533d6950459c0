//! The dashboards that the crate ships, and the file that each is committed as.

use super::{Dashboard, api_overview, application, billing, business, catalogue};
use super::{gateway, infrastructure, jobs, monitoring, objectives, realtime, sync};

/// A shipped dashboard.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Shipped {
    /// The file's name below `examples/stack/grafana/dashboards/`, without `.json`; the dashboard's id in Grafana is
    /// this name after `watchkeeper-`.
    pub name: &'static str,
    /// Builds it.
    pub dashboard: fn() -> Dashboard,
}

macro_rules! shipped {
    ($($module:ident as $name:literal;)+) => {
        /// The shipped dashboards, in the order in which they are read.
        ///
        /// ```
        /// use watchkeeper::promql::Scope;
        /// use watchkeeper::stack::dashboard::SHIPPED;
        ///
        /// for shipped in SHIPPED {
        ///     let json = (shipped.dashboard)().render(&Scope::default().prefix("shop"))?;
        ///     // std::fs::write(format!("dashboards/{}.json", shipped.name), json)?;
        /// #   assert!(json.ends_with("}\n"));
        /// }
        /// # Ok::<(), watchkeeper::stack::dashboard::DashboardError>(())
        /// ```
        pub const SHIPPED: &[Shipped] = &[$(Shipped {
            name: $name,
            dashboard: || $module::dashboard(concat!("watchkeeper-", $name)),
        }),+];
    };
}

shipped! {
    api_overview as "api-overview";
    business as "business";
    application as "application-health";
    infrastructure as "infrastructure";
    gateway as "gateway-performance";
    billing as "billing-revenue";
    realtime as "realtime-overview";
    sync as "sync-and-integrations";
    jobs as "jobs-and-processes";
    objectives as "objectives";
    monitoring as "watchkeeper";
    catalogue as "every-metric";
}
