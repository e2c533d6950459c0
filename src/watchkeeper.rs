//! The root: one value that holds the parts together.

#[cfg(feature = "alerting")]
mod alerts;
#[cfg(feature = "api")]
mod api;
mod closing;
mod doors;
#[cfg(feature = "alerting")]
mod history;

use std::fmt;
use std::sync::Arc;

#[cfg(feature = "api")]
use crate::api::monitoring::{MonitoringApi, Services};
use crate::api::{HealthAnswers, Scraper};
use crate::desk::Desk;
use crate::event::EventDraft;
use crate::health::{Check, Health, Probe, checks_of_sinks};
#[cfg(feature = "alerting")]
use crate::history::{History, HistoryOptions};
use crate::http::{AnyBody, HttpLayer, HttpLayerBuilder};
use crate::id::Id;
use crate::journal::{Forwarder, Journal, JournalOptions, event_of};
use crate::metric::{RegisterError, Registry};
use crate::presets::{Group, Presets};
use crate::queue::{Accounts, Worker};
use crate::sample::SampleDraft;
use crate::service::ServiceInfo;
use crate::store::{Memory, Store};
use crate::tasks::{TaskOptions, Tasks};
use crate::telemetry::{Closing, TelemetryHandle};
use crate::watched::Watched;

#[cfg(feature = "alerting")]
use self::alerts::AlertChoices;
#[cfg(feature = "api")]
use self::api::ApiChoices;

/// The watch over one service. Cloning it copies a handle.
#[derive(Clone)]
pub struct Watchkeeper {
    inner: Arc<Inner>,
}

struct Inner {
    watched: Watched,
    metrics: Presets,
    scraper: Scraper,
    health: HealthAnswers,
    layer: HttpLayer<AnyBody>,
    store: Arc<dyn Store>,
    journal: Journal,
    tasks: Tasks,
    desk: Desk,
    #[cfg(feature = "alerting")]
    alerting: Option<crate::alerting::Alerting>,
    /// What closes the journal of a watch without telemetry; else telemetry does.
    closing: Arc<Closing>,
    accounts: Accounts,
    #[cfg(feature = "alerting")]
    history: Option<History>,
    #[cfg(feature = "api")]
    api: MonitoringApi,
}

impl Watchkeeper {
    /// Builds a watch over a service.
    ///
    /// What is watched is `&telemetry`, so that [`close`](Self::close) closes that too, or a [`ServiceInfo`] alone.
    pub fn builder(watched: impl Into<Watched>) -> WatchkeeperBuilder {
        WatchkeeperBuilder {
            watched: watched.into(),
            registry: Registry::new(),
            groups: None,
            http: HttpLayerBuilder::new(),
            metrics_token: None,
            checks: Vec::new(),
            store: None,
            forwarder: None,
            journal: JournalOptions::default(),
            tasks: None,
            #[cfg(feature = "alerting")]
            alerts: AlertChoices::default(),
            #[cfg(feature = "alerting")]
            history: None,
            #[cfg(feature = "api")]
            api: ApiChoices::default(),
        }
    }

    /// Returns the service that is watched.
    pub fn service(&self) -> &ServiceInfo {
        &self.inner.watched.service
    }

    /// Returns the telemetry that the watch was built with, to change its filter; none where it has none.
    pub fn telemetry(&self) -> Option<&TelemetryHandle> {
        self.inner.watched.telemetry.as_ref()
    }

    /// Returns the ready-made metrics, to record in.
    pub fn metrics(&self) -> &Presets {
        &self.inner.metrics
    }

    /// Returns the registry that every metric is in, to register the app's own.
    pub fn registry(&self) -> &Registry {
        self.inner.metrics.registry()
    }

    /// Returns the health checks, to ask them from code.
    pub fn health(&self) -> &Health {
        self.inner.health.checks()
    }
}

impl Watchkeeper {
    /// Records an event: the short form of [`Journal::record_event`]. Neither blocks nor waits.
    pub fn record_event(&self, event: EventDraft) -> Option<Id> {
        self.inner.journal.record_event(event)
    }

    /// Records a sample: the short form of [`Journal::record_sample`]. Neither blocks nor waits.
    pub fn record_sample(&self, sample: SampleDraft) -> Option<Id> {
        self.inner.journal.record_sample(sample)
    }

    /// Returns the journal, for code that records and knows nothing else of the watch.
    pub fn journal(&self) -> &Journal {
        &self.inner.journal
    }

    /// Returns the tasks, to run one or to register the app's own.
    pub fn tasks(&self) -> &Tasks {
        &self.inner.tasks
    }

    /// Returns the desk, where incidents are opened, worked and looked back on.
    pub fn desk(&self) -> &Desk {
        &self.inner.desk
    }

    /// Returns the store that the journal writes to.
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.inner.store
    }

    /// Returns the accounts of all sinks: what was accepted, stored, dropped and why, and what waits.
    pub fn accounts(&self) -> &Accounts {
        &self.inner.accounts
    }
}

impl AsRef<Registry> for Watchkeeper {
    fn as_ref(&self) -> &Registry {
        self.registry()
    }
}

impl fmt::Debug for Watchkeeper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watchkeeper").field("service", self.service()).finish_non_exhaustive()
    }
}

/// Builds a [`Watchkeeper`]; made by [`Watchkeeper::builder`].
#[must_use = "a builder does nothing until it is built"]
pub struct WatchkeeperBuilder {
    watched: Watched,
    registry: Registry,
    groups: Option<Vec<Group>>,
    http: HttpLayerBuilder,
    metrics_token: Option<String>,
    checks: Vec<Check>,
    store: Option<Arc<dyn Store>>,
    forwarder: Option<Arc<dyn Forwarder>>,
    journal: JournalOptions,
    tasks: Option<TaskOptions>,
    #[cfg(feature = "alerting")]
    alerts: AlertChoices,
    #[cfg(feature = "alerting")]
    history: Option<HistoryOptions>,
    #[cfg(feature = "api")]
    api: ApiChoices,
}

impl WatchkeeperBuilder {
    /// Uses a registry with choices of its own. Default: a new one without prefix or constant labels.
    pub fn registry(mut self, registry: &Registry) -> Self {
        self.registry = registry.clone();
        self
    }

    /// Exports these groups of ready-made metrics from the start, and no other. Default: process, runtime and build
    /// from the start, any other from its first use.
    pub fn groups(mut self, groups: &[Group]) -> Self {
        self.groups = Some(groups.to_vec());
        self
    }

    /// Makes choices about the HTTP layer. Default: none.
    pub fn http(mut self, choose: impl FnOnce(HttpLayerBuilder) -> HttpLayerBuilder) -> Self {
        self.http = choose(self.http);
        self
    }

    /// Adds a critical check: while it is down the service is unhealthy, and `/health` answers 503.
    ///
    /// The name is public. The probe has 2 s, and its result is kept for 5 s; [`health_check`](Self::health_check) takes
    /// a check with other choices. A name that is taken gets a number.
    pub fn check(self, name: &str, probe: impl Probe) -> Self {
        self.health_check(Check::new(name, probe))
    }

    /// Adds a check with choices of its own.
    pub fn health_check(mut self, check: Check) -> Self {
        self.checks.push(check);
        self
    }

    /// Answers `/metrics` only to who sends this bearer token, and shows the causes of failed checks to nobody else.
    /// Default: `/metrics` is for everybody who reaches it, and causes are for nobody.
    ///
    /// White space around the token is no part of it, as at the end of a file. An empty token is an error of
    /// [`build`](Self::build).
    pub fn metrics_token(mut self, token: impl Into<String>) -> Self {
        self.metrics_token = Some(token.into());
        self
    }

    /// Keeps events and samples there. Default: [`Memory`], within its default bounds.
    pub fn store(mut self, store: impl Store + 'static) -> Self {
        self.store = Some(Arc::new(store));
        self
    }

    /// Passes events and samples on to a system outside as well. Default: to none.
    pub fn forward(mut self, forwarder: impl Forwarder + 'static) -> Self {
        self.forwarder = Some(Arc::new(forwarder));
        self
    }

    /// Makes choices about the journal: its bounds, what is dropped when it is full, its batches. Default: none.
    pub fn journal(mut self, options: JournalOptions) -> Self {
        self.journal = options;
        self
    }

    /// Makes choices about tasks: how long things are kept, whether the scheduler runs. Default: what the environment says
    /// ([`TaskOptions::from_env`]).
    pub fn tasks(mut self, options: TaskOptions) -> Self {
        self.tasks = Some(options);
        self
    }

    /// Builds the watch.
    ///
    /// Called within a tokio runtime, it watches that runtime too.
    ///
    /// # Errors
    ///
    /// When the registry has a metric of another meaning under one of our names, the metrics token is empty, or a variable
    /// of the environment is not what it may be.
    pub fn build(self) -> Result<Watchkeeper, RegisterError> {
        if self.metrics_token.as_ref().is_some_and(|token| token.trim().is_empty()) {
            return Err(RegisterError::EmptyToken);
        }
        let tasks = match self.tasks {
            Some(options) => options,
            None => TaskOptions::from_env().map_err(|error| RegisterError::Setting(error.to_string()))?,
        };
        let served = self.groups.as_ref().is_none_or(|groups| groups.contains(&Group::Http));
        let layer = if served { self.http.build(&self.registry)? } else { self.http.build_unrecorded() };
        let scraper = Scraper::with_token(self.registry.clone(), self.metrics_token.clone());
        let metrics = match self.groups {
            Some(groups) => Presets::with_groups(self.registry, &groups)?,
            None => Presets::new(self.registry),
        };
        for group in [Group::Process, Group::Runtime, Group::Build] {
            metrics.enable(group)?;
        }
        let telemetry = self.watched.telemetry.as_ref();
        let accounts = telemetry.map(|telemetry| telemetry.accounts().clone()).unwrap_or_default();
        let store = self.store.unwrap_or_else(|| Arc::new(Memory::new()));
        let monitoring = Some(metrics.monitoring().clone());
        let worker = Worker::default();
        let journal =
            Journal::new(Arc::clone(&store), self.forwarder, &self.journal, &accounts, monitoring, worker.clone());
        let desk = Desk::new(Arc::clone(&store));
        let tasks = Tasks::new(Arc::clone(&store), Some(metrics.monitoring().clone()), &self.watched.service, &tasks);
        #[cfg(feature = "alerting")]
        let history = self.history.and_then(|options| {
            let started = History::start(metrics.registry(), &self.watched.service, &store, &journal, options);
            started.inspect_err(|error| tracing::error!(%error, "the history's thread cannot be started")).ok()
        });
        #[cfg(feature = "alerting")]
        if let Some(history) = &history {
            history::count_dropped(history, metrics.monitoring(), metrics.registry());
        }
        let sinks = journal.sinks();
        #[cfg(feature = "alerting")]
        let (sinks, alerting) = {
            let (alerting, more) = self.alerts.build(&tasks, history.as_ref(), |source| crate::alerting::Parts {
                store: Arc::clone(&store),
                journal: journal.clone(),
                source,
                accounts: accounts.clone(),
                metrics: Some(metrics.monitoring().clone()),
                worker,
                instance: tasks.instance().to_owned(),
            });
            (sinks.into_iter().chain(more).collect::<Vec<_>>(), alerting)
        };
        accounts.export(&metrics);
        let mut closing = Vec::new();
        match telemetry {
            Some(telemetry) => {
                sinks.into_iter().for_each(|sink| telemetry.add_sink(sink));
                let keeps = journal.clone();
                telemetry.keep_logged(move |logged| {
                    keeps.record_event(event_of(logged));
                });
            }
            None => closing = sinks,
        }
        let closing = Arc::new(Closing::new(closing, None));
        metrics.build().record_service(&self.watched.service);
        let watched = self.watched;
        let mut checks = self.checks;
        checks.extend(watched.telemetry.iter().flat_map(checks_of_sinks));
        let health = HealthAnswers::new(Health::new(checks, &metrics), self.metrics_token);
        #[cfg(feature = "api")]
        let api = self.api.build(Services {
            #[cfg(feature = "alerting")]
            history: history.clone(),
            #[cfg(feature = "alerting")]
            alerting: alerting.clone(),
            store: Arc::clone(&store),
            journal: journal.clone(),
            metrics: metrics.monitoring().clone(),
            scraper: scraper.clone(),
            desk: desk.clone(),
            tasks: tasks.clone(),
            telemetry: watched.telemetry.clone(),
        });
        Ok(Watchkeeper {
            inner: Arc::new(Inner {
                watched,
                metrics,
                scraper,
                health,
                layer,
                store,
                journal,
                tasks,
                desk,
                #[cfg(feature = "alerting")]
                alerting,
                closing,
                accounts,
                #[cfg(feature = "alerting")]
                history,
                #[cfg(feature = "api")]
                api,
            }),
        })
    }
}

impl fmt::Debug for WatchkeeperBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WatchkeeperBuilder").field("service", &self.watched.service).finish_non_exhaustive()
    }
}
