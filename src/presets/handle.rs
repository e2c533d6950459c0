//! The handle on the ready-made metrics of one registry.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, LazyLock, OnceLock};

use tokio::runtime::Handle;

use super::catalogue::CATALOGUE;
use super::group::Group;
use super::{
    auth::AuthMetrics, billing::BillingMetrics, build::BuildMetrics, database::DatabaseMetrics,
    gateway::GatewayMetrics, http::HttpMetrics, jobs::JobMetrics, monitoring::MonitoringMetrics,
    payment::PaymentMetrics, process::ProcessMetrics, realtime::RealtimeMetrics, runtime::RuntimeMetrics,
    subscription::SubscriptionMetrics, sync::SyncMetrics,
};
use crate::metric::{self, RegisterError, Registry};

/// Holds the ready-made metrics of one registry. Cloning it copies a handle, not the metrics.
///
/// A group is registered when it is first used, so that a scrape shows the groups that an app has, or by choice
/// [when the handle is made](Self::with_groups).
///
/// ```
/// use watchkeeper::metric::Format;
/// use watchkeeper::presets::{Presets, auth::LoginResult};
///
/// let metrics = Presets::default();
/// metrics.auth().record_login(LoginResult::RateLimited);
/// let scrape = metrics.registry().render(Format::Text);
/// assert!(scrape.contains("login_attempts_total{result=\"rate_limited\"} 1\n"));
/// assert!(!scrape.contains("payments_total"));
/// ```
#[derive(Clone)]
pub struct Presets {
    inner: Arc<Inner>,
}

macro_rules! presets {
    ($($(#[$meta:meta])* $group:ident $name:ident $metrics:ident,)+) => {
        struct Inner {
            registry: Registry,
            /// Takes what groups record that are not exported.
            hidden: OnceLock<Registry>,
            /// The only groups that are exported; every group that is used, when there is no choice.
            chosen: Option<Vec<Group>>,
            /// Whether scrapes look for a runtime to watch.
            follows_runtime: AtomicBool,
            $($name: OnceLock<$metrics>,)+
        }

        impl Presets {
            fn make(registry: Registry, chosen: Option<Vec<Group>>) -> Self {
                let (hidden, follows_runtime) = (OnceLock::new(), AtomicBool::new(false));
                let inner = Inner { registry, hidden, chosen, follows_runtime, $($name: OnceLock::new(),)+ };
                Self { inner: Arc::new(inner) }
            }

            $(
                $(#[$meta])*
                pub fn $name(&self) -> &$metrics {
                    self.first_use(&self.inner.$name, Group::$group, $metrics::register)
                }
            )+

            fn register_now(&self, group: Group) -> Result<(), RegisterError> {
                match group {
                    $(Group::$group => {
                        if self.inner.$name.get().is_none() {
                            // Another thread may be first with the same instruments.
                            let _ = self.inner.$name.set($metrics::register(&self.inner.registry)?);
                        }
                    })+
                }
                Ok(())
            }
        }
    };
}

presets! {
    /// Returns the metrics of connections that the app holds open; requests are recorded by the HTTP layer.
    Http http HttpMetrics,
    /// Returns the metrics of sign-ins, sessions and users.
    Auth auth AuthMetrics,
    /// Returns the metrics of subscriptions.
    Subscription subscription SubscriptionMetrics,
    /// Returns the metrics of payments and revenue.
    Payment payment PaymentMetrics,
    /// Returns the metrics of the database.
    Database database DatabaseMetrics,
    /// Returns the metrics of an API gateway.
    Gateway gateway GatewayMetrics,
    /// Returns the metrics of billing.
    Billing billing BillingMetrics,
    /// Returns the metrics of realtime connections and messages.
    Realtime realtime RealtimeMetrics,
    /// Returns the metrics of background tasks and imports.
    Jobs jobs JobMetrics,
    /// Returns the metrics of synchronisation with other systems.
    Sync sync SyncMetrics,
    /// Returns the metrics of the process, which read themselves at every scrape.
    Process process ProcessMetrics,
    /// Returns the metrics of the tokio runtime; [`watch_runtime`](Self::watch_runtime) is the easier way.
    Runtime runtime RuntimeMetrics,
    /// Returns the metrics of the build that runs.
    Build build BuildMetrics,
    /// Returns the metrics of the watch itself.
    Monitoring monitoring MonitoringMetrics,
}

impl Presets {
    /// Makes a handle that registers each group when it is first used.
    ///
    /// A group that finds one of its names taken by another metric is recorded without being exported, with one
    /// warning in the log; [`enable`](Self::enable) says so beforehand.
    pub fn new(registry: Registry) -> Self {
        Self::make(registry, None)
    }

    /// Makes a handle that registers these groups now, and exports no other.
    ///
    /// The other groups may still be used: what they record is not exported. The count of label overflow is
    /// exported with every group that has an open label.
    ///
    /// # Errors
    ///
    /// When a name is taken by a metric of another meaning.
    pub fn with_groups(registry: Registry, groups: &[Group]) -> Result<Self, RegisterError> {
        let presets = Self::make(registry, Some(groups.to_vec()));
        groups.iter().try_for_each(|&group| presets.enable(group))?;
        Ok(presets)
    }

    /// Returns the registry that the groups are exported from.
    pub fn registry(&self) -> &Registry {
        &self.inner.registry
    }

    /// Registers a group now rather than at its first use. One that was not among the
    /// [chosen](Self::with_groups) stays out, without an error.
    ///
    /// # Errors
    ///
    /// When one of the group's names is taken by a metric of another meaning; none of its metrics is registered then.
    pub fn enable(&self, group: Group) -> Result<(), RegisterError> {
        if !self.exports(group) {
            return Ok(());
        }
        self.check(group)?;
        match group {
            Group::Runtime => {
                self.watch_runtime();
                Ok(())
            }
            group => self.register_now(group),
        }
    }

    /// Watches the tokio runtime that the call is made in; without one, the first that a scrape runs in.
    ///
    /// Until there is one, the runtime's metrics are absent. When the runtime has shut down, the next scrape that runs
    /// in another takes that one.
    pub fn watch_runtime(&self) {
        if !self.exports(Group::Runtime) {
            return;
        }
        if Handle::try_current().is_ok() {
            self.runtime().watch_current();
        }
        if self.inner.follows_runtime.swap(true, Relaxed) {
            return;
        }
        let inner = Arc::downgrade(&self.inner);
        self.inner.registry.on_scrape(move || {
            let Some(inner) = inner.upgrade().filter(|_| Handle::try_current().is_ok()) else { return };
            let presets = Self { inner };
            if !presets.runtime().is_watching() {
                presets.runtime().watch_current();
            }
        });
    }

    fn exports(&self, group: Group) -> bool {
        self.inner.chosen.as_ref().is_none_or(|chosen| chosen.contains(&group))
    }

    fn hidden(&self) -> &Registry {
        self.inner.hidden.get_or_init(Registry::new)
    }

    /// Says what would keep a group from being registered.
    fn check(&self, group: Group) -> Result<(), RegisterError> {
        // The HTTP layer registers what it records, with bounds and labels of its own, and says itself what is in the way.
        let ours = |name: &str| group != Group::Http || name == super::http::CONNECTIONS_ACTIVE.name();
        let metas = CATALOGUE.iter().filter(|entry| entry.group == group).map(|entry| entry.metric.meta());
        metas.filter(|meta| ours(&meta.name)).try_for_each(|meta| self.inner.registry.check(meta))
    }

    fn first_use<'a, T>(
        &'a self,
        slot: &'a OnceLock<T>,
        group: Group,
        register: fn(&Registry) -> Result<T, RegisterError>,
    ) -> &'a T {
        slot.get_or_init(|| {
            if self.exports(group) {
                match self.check(group).and_then(|()| register(&self.inner.registry)) {
                    Ok(metrics) => return metrics,
                    Err(error) => tracing::warn!(
                        group = group.as_str(),
                        error = &error as &dyn std::error::Error,
                        "the metrics of this group are recorded and not exported"
                    ),
                }
            }
            // Names in the catalogue are distinct, so a registry of nothing else has room for every group.
            register(self.hidden()).unwrap_or_else(|error| unreachable!("{group}: {error}"))
        })
    }
}

impl AsRef<Registry> for Presets {
    fn as_ref(&self) -> &Registry {
        self.registry()
    }
}

impl Default for Presets {
    fn default() -> Self {
        Self::new(Registry::new())
    }
}

impl fmt::Debug for Presets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Presets").field("registry", &self.inner.registry).finish_non_exhaustive()
    }
}

/// Returns the ready-made metrics of the [global registry](metric::global), for code that no handle reaches.
///
/// ```
/// use watchkeeper::presets::{self, auth::LoginResult};
///
/// presets::global().auth().record_login(LoginResult::Success);
/// ```
pub fn global() -> &'static Presets {
    static GLOBAL: LazyLock<Presets> = LazyLock::new(|| Presets::new(metric::global().clone()));
    &GLOBAL
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metric::{CounterDesc, Format};
    use crate::presets::auth::LoginResult;
    use crate::presets::payment::PaymentStatus;

    /// An app's own metric that has the name of a ready-made one.
    const OWN_REVENUE: CounterDesc = CounterDesc::new("revenue_cents_total", "Revenue, as the app sees it.");

    fn scrape(presets: &Presets) -> String {
        presets.registry().render(Format::Text)
    }

    #[test]
    fn what_is_used_is_what_is_exported() {
        let presets = Presets::default();
        assert_eq!(scrape(&presets), "");
        presets.auth().record_login(LoginResult::Success);
        presets.clone().auth().record_login(LoginResult::Success);
        let scrape = scrape(&presets);
        assert!(scrape.contains("login_attempts_total{result=\"success\"} 2\n"), "{scrape}");
        assert!(!scrape.contains("payments_total"), "{scrape}");
    }

    #[test]
    fn a_group_that_was_not_chosen_records_and_is_not_exported() {
        let presets = Presets::with_groups(Registry::new(), &[Group::Auth]).unwrap();
        presets.payment().record_payment(PaymentStatus::Succeeded, 100);
        presets.process();
        presets.enable(Group::Database).unwrap();
        let scrape = scrape(&presets);
        assert!(scrape.contains("login_attempts_total{result=\"success\"} 0\n"), "{scrape}");
        assert!(!scrape.contains("payments") && !scrape.contains("process") && !scrape.contains("db_"), "{scrape}");
        assert!(presets.hidden().render(Format::Text).contains("revenue_cents_total 100\n"));
    }

    #[test]
    fn a_name_that_is_taken_hides_the_whole_group_and_nothing_fails() {
        let registry = Registry::new();
        registry.counter(&OWN_REVENUE).unwrap().add((), 7);
        let presets = Presets::new(registry.clone());
        presets.payment().record_payment(PaymentStatus::Succeeded, 100);
        let scrape = scrape(&presets);
        assert!(scrape.contains("revenue_cents_total 7\n"), "{scrape}");
        assert!(!scrape.contains("payments_total"), "{scrape}");
        let error = presets.enable(Group::Payment).unwrap_err();
        assert_eq!(error.to_string(), "metric `revenue_cents_total` is registered already and differs in its help");
        assert_eq!(Presets::with_groups(registry, &[Group::Payment]).unwrap_err(), error);
    }

    #[test]
    fn a_collector_of_the_app_keeps_its_name_too() {
        let presets = Presets::default();
        let sessions = prometheus::IntGauge::new("active_sessions", "Sessions, as the app sees them.").unwrap();
        presets.registry().register_collector(Box::new(sessions)).unwrap();
        presets.auth().record_active_sessions(5);
        assert!(scrape(&presets).contains("active_sessions 0\n"));
    }

    #[test]
    fn every_group_finds_room_in_the_registry_that_nobody_sees() {
        let presets = Presets::with_groups(Registry::new(), &[]).unwrap();
        for &group in Group::ALL {
            presets.enable(group).unwrap();
        }
        let _ = (presets.http(), presets.auth(), presets.subscription(), presets.payment(), presets.database());
        let _ = (presets.gateway(), presets.billing(), presets.realtime(), presets.jobs(), presets.sync());
        let _ = (presets.process(), presets.runtime(), presets.build(), presets.monitoring());
        assert_eq!(scrape(&presets), "");
    }

    #[test]
    fn two_handles_on_one_registry_count_together_and_two_registries_apart() {
        let (one, other) = (Presets::default(), Presets::default());
        let again = Presets::new(one.registry().clone());
        for presets in [&one, &again, &other] {
            presets.auth().record_login(LoginResult::Success);
        }
        assert!(scrape(&one).contains("login_attempts_total{result=\"success\"} 2\n"));
        assert!(scrape(&other).contains("login_attempts_total{result=\"success\"} 1\n"));
    }

    #[test]
    fn a_runtime_that_comes_later_is_found_by_a_scrape_in_it() {
        let presets = Presets::default();
        presets.watch_runtime();
        assert_eq!(scrape(&presets), "", "there is no runtime yet");
        let runtime = |workers| {
            tokio::runtime::Builder::new_multi_thread().worker_threads(workers).enable_time().build().unwrap()
        };
        let (first, second) = (runtime(1), runtime(2));
        let in_first = first.block_on(async { scrape(&presets) });
        assert!(in_first.contains("tokio_workers 1\n"), "{in_first}");
        let in_second = second.block_on(async { scrape(&presets) });
        assert!(in_second.contains("tokio_workers 1\n"), "the first one is still there: {in_second}");
        drop(first);
        let in_second = second.block_on(async { scrape(&presets) });
        assert!(in_second.contains("tokio_workers 2\n"), "{in_second}");
    }

    #[test]
    fn a_prefix_and_constant_labels_are_put_on_every_group() {
        let registry = Registry::builder().prefix("shop").constant_label("zone", "eu").build().unwrap();
        let presets = Presets::new(registry);
        presets.auth().record_registered_users(12);
        assert!(scrape(&presets).contains("shop_registered_users{zone=\"eu\"} 12\n"));
        // The group has a label of that name itself, so it cannot be exported, and nothing fails.
        let registry = Registry::builder().constant_label("status", "x").build().unwrap();
        let presets = Presets::new(registry);
        presets.payment().record_payment(PaymentStatus::Failed, 0);
        assert_eq!(scrape(&presets), "");
    }
}
