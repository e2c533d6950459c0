//! A store put together from stores that keep a part each.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::{
    AlertQuery, AlertStore, Appended, AuditQuery, AuditStore, Changed, Counts, EventCount, EventQuery, EventStore,
    IncidentQuery, IncidentStore, Instance, LeaseStore, Leased, Memory, Opened, Page, RuleQuery, RunClaim, RunStatus,
    SampleQuery, SampleStore, Scope, StoreFuture, TaskRun, TimelineQuery,
};
use crate::alert::Alert;
use crate::audit::AuditRecord;
use crate::event::{Event, Fields};
use crate::id::Id;
use crate::incident::{Incident, TimelineEntry};
use crate::rule::AlertRule;
use crate::sample::Sample;
use crate::timestamp::Timestamp;

/// Asks a store of its own for each part. Each part is in memory unless another is set.
///
/// For whoever keeps, say, events in a place of their own:
///
/// ```
/// use watchkeeper::store::{Memory, MemoryLimits, Parts, Store};
/// # fn needs(_: impl Store) {}
///
/// let mut limits = MemoryLimits::default();
/// limits.events = 1_000_000;
/// let store = Parts::new().events_in(Memory::with_limits(limits));
/// needs(store);
/// ```
#[derive(Debug, Clone)]
pub struct Parts {
    events: Arc<dyn EventStore>,
    samples: Arc<dyn SampleStore>,
    incidents: Arc<dyn IncidentStore>,
    alerts: Arc<dyn AlertStore>,
    audit: Arc<dyn AuditStore>,
    leases: Arc<dyn LeaseStore>,
}

impl Parts {
    /// Begins with every part in memory.
    pub fn new() -> Self {
        let memory = Arc::new(Memory::new());
        Self {
            events: memory.clone(),
            samples: memory.clone(),
            incidents: memory.clone(),
            alerts: memory.clone(),
            audit: memory.clone(),
            leases: memory,
        }
    }

    /// Keeps every part in one store.
    pub fn all_in(store: impl super::Store + 'static) -> Self {
        let store = Arc::new(store);
        Self {
            events: store.clone(),
            samples: store.clone(),
            incidents: store.clone(),
            alerts: store.clone(),
            audit: store.clone(),
            leases: store,
        }
    }

    /// Keeps events there.
    #[must_use]
    pub fn events_in(mut self, store: impl EventStore + 'static) -> Self {
        self.events = Arc::new(store);
        self
    }

    /// Keeps samples there.
    #[must_use]
    pub fn samples_in(mut self, store: impl SampleStore + 'static) -> Self {
        self.samples = Arc::new(store);
        self
    }

    /// Keeps incidents there.
    #[must_use]
    pub fn incidents_in(mut self, store: impl IncidentStore + 'static) -> Self {
        self.incidents = Arc::new(store);
        self
    }

    /// Keeps alert rules and alerts there.
    #[must_use]
    pub fn alerts_in(mut self, store: impl AlertStore + 'static) -> Self {
        self.alerts = Arc::new(store);
        self
    }

    /// Keeps the audit there.
    #[must_use]
    pub fn audit_in(mut self, store: impl AuditStore + 'static) -> Self {
        self.audit = Arc::new(store);
        self
    }

    /// Keeps leases and the runs of tasks there.
    ///
    /// Instances agree on who runs a task by this part: where it is in memory, each of them runs every task.
    #[must_use]
    pub fn leases_in(mut self, store: impl LeaseStore + 'static) -> Self {
        self.leases = Arc::new(store);
        self
    }
}

impl Default for Parts {
    fn default() -> Self {
        Self::new()
    }
}

/// Passes each method of a trait on to a part.
macro_rules! pass_on {
    ($store:ident to $part:ident { $(fn $method:ident $(<$a:lifetime>)? (&$($own:lifetime)? self $(, $arg:ident: $type:ty)*) -> $answer:ty;)+ }) => {
        impl $store for Parts {
            $(fn $method $(<$a>)? (&$($own)? self $(, $arg: $type)*) -> $answer {
                self.$part.$method($($arg),*)
            })+
        }
    };
}

pass_on!(EventStore to events {
    fn append_events<'a>(&'a self, events: &'a [Arc<Event>]) -> StoreFuture<'a, Vec<Appended>>;
    fn event<'a>(&'a self, id: Id, scope: &'a Scope) -> StoreFuture<'a, Option<Arc<Event>>>;
    fn events<'a>(&'a self, query: &'a EventQuery) -> StoreFuture<'a, Page<Arc<Event>>>;
    fn event_counts(&self, now: Timestamp) -> StoreFuture<'_, Counts>;
    fn events_between(&self, from: Timestamp, to: Timestamp) -> StoreFuture<'_, Option<Vec<EventCount>>>;
    fn drop_events(&self, before: Timestamp) -> StoreFuture<'_, u64>;
    fn add_tags<'a>(&'a self, tags: &'a [(Id, Fields)]) -> StoreFuture<'a, u64>;
});

pass_on!(SampleStore to samples {
    fn append_samples<'a>(&'a self, samples: &'a [Arc<Sample>]) -> StoreFuture<'a, Vec<Appended>>;
    fn samples<'a>(&'a self, query: &'a SampleQuery) -> StoreFuture<'a, Page<Arc<Sample>>>;
    fn sample_counts(&self, now: Timestamp) -> StoreFuture<'_, Counts>;
    fn drop_samples(&self, before: Timestamp) -> StoreFuture<'_, u64>;
});

pass_on!(IncidentStore to incidents {
    fn open_incident<'a>(&'a self, incident: &'a Incident, created: &'a TimelineEntry) -> StoreFuture<'a, Opened>;
    fn incident<'a>(&'a self, id: Id, scope: &'a Scope) -> StoreFuture<'a, Option<Incident>>;
    fn incidents<'a>(&'a self, query: &'a IncidentQuery) -> StoreFuture<'a, Page<Incident>>;
    fn change_incident<'a>(&'a self, seen: u64, incident: &'a Incident, entries: &'a [TimelineEntry]) -> StoreFuture<'a, Changed<Incident>>;
    fn add_entry<'a>(&'a self, entry: &'a TimelineEntry) -> StoreFuture<'a, Appended>;
    fn add_entries<'a>(&'a self, entries: &'a [TimelineEntry]) -> StoreFuture<'a, Vec<Appended>>;
    fn attach_alert<'a>(&'a self, incident: Id, fingerprint: &'a str, at: Timestamp) -> StoreFuture<'a, Option<u64>>;
    fn timeline<'a>(&'a self, query: &'a TimelineQuery) -> StoreFuture<'a, Page<TimelineEntry>>;
    fn active_incidents(&self) -> StoreFuture<'_, u64>;
});

pass_on!(AlertStore to alerts {
    fn add_rule<'a>(&'a self, rule: &'a AlertRule) -> StoreFuture<'a, Changed<AlertRule>>;
    fn change_rule<'a>(&'a self, seen: u64, rule: &'a AlertRule) -> StoreFuture<'a, Changed<AlertRule>>;
    fn remove_rule(&self, id: Id) -> StoreFuture<'_, bool>;
    fn rule(&self, id: Id) -> StoreFuture<'_, Option<AlertRule>>;
    fn rules<'a>(&'a self, query: &'a RuleQuery) -> StoreFuture<'a, Page<AlertRule>>;
    fn put_alerts<'a>(&'a self, alerts: &'a [Alert]) -> StoreFuture<'a, ()>;
    fn alerts<'a>(&'a self, query: &'a AlertQuery) -> StoreFuture<'a, Page<Alert>>;
    fn forget_alerts(&self, resolved_before: Timestamp) -> StoreFuture<'_, u64>;
    fn active_alerts(&self) -> StoreFuture<'_, u64>;
});

pass_on!(AuditStore to audit {
    fn append_audit<'a>(&'a self, records: &'a [AuditRecord]) -> StoreFuture<'a, Vec<Appended>>;
    fn audit<'a>(&'a self, query: &'a AuditQuery) -> StoreFuture<'a, Page<AuditRecord>>;
});

pass_on!(LeaseStore to leases {
    fn acquire_lease<'a>(&'a self, name: &'a str, holder: &'a str, time: Duration) -> StoreFuture<'a, Leased>;
    fn release_lease<'a>(&'a self, name: &'a str, holder: &'a str) -> StoreFuture<'a, bool>;
    fn begin_run<'a>(&'a self, claim: &'a RunClaim) -> StoreFuture<'a, bool>;
    fn end_run<'a>(&'a self, claim: &'a RunClaim, status: RunStatus, note: Option<&'a str>) -> StoreFuture<'a, bool>;
    fn runs<'a>(&'a self, task: &'a str, limit: usize) -> StoreFuture<'a, Vec<TaskRun>>;
    fn forget_runs(&self, before: Timestamp) -> StoreFuture<'_, u64>;
    fn announce_instance<'a>(&'a self, instance: &'a Instance) -> StoreFuture<'a, ()>;
    fn instances(&self, limit: usize) -> StoreFuture<'_, Vec<Instance>>;
    fn progress<'a>(&'a self, name: &'a str) -> StoreFuture<'a, Option<Value>>;
    fn put_progress<'a>(&'a self, name: &'a str, fence: u64, value: &'a Value) -> StoreFuture<'a, bool>;
});
