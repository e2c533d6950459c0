//! Every account of a process, to be read and exported together.

use std::fmt;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use super::account::Account;
use super::counts::Counts;
use super::room::Bound;
use crate::presets::Presets;
use crate::presets::monitoring::{DropReason, MonitoringMetrics, Sink};

/// The accounts of all sinks. Cloning it copies a handle.
///
/// It exists before any registry does, since logging does; a watch shows it in its registry.
#[derive(Clone, Default)]
pub struct Accounts {
    inner: Arc<Inner>,
}

#[derive(Default)]
struct Inner {
    accounts: Mutex<Vec<Account>>,
    metrics: OnceLock<MonitoringMetrics>,
}

impl Accounts {
    /// Opens an account of a sink, which says in the log what is lost.
    pub(crate) fn open(&self, sink: Sink, bound: Bound) -> Account {
        let account = Account::new(sink, bound);
        self.add(&account);
        account
    }

    /// Adds an account that was opened elsewhere. A sink may have several; they are added up.
    pub(crate) fn add(&self, account: &Account) {
        self.list().push(account.clone());
        if let Some(metrics) = self.inner.metrics.get() {
            measure(account, metrics);
        }
    }

    /// Reads the account of a sink; `None` where the process has no such sink.
    pub fn of(&self, sink: Sink) -> Option<Counts> {
        let accounts = self.all();
        let mut of_sink = accounts.iter().filter(|account| account.sink() == sink).map(Account::counts);
        let first = of_sink.next()?;
        Some(of_sink.fold(first, |mut sum, counts| {
            sum.add(&counts);
            sum
        }))
    }

    /// Returns every account.
    pub(crate) fn all(&self) -> Vec<Account> {
        self.list().clone()
    }

    /// Shows the accounts in every scrape of a registry. One registry shows one set of accounts.
    pub(crate) fn export(&self, presets: &Presets) {
        let metrics = self.inner.metrics.get_or_init(|| presets.monitoring().clone());
        self.all().iter().for_each(|account| measure(account, metrics));
        let (accounts, metrics) = (self.clone(), presets.monitoring().clone());
        accounts.show(&metrics);
        presets.registry().on_scrape(move || accounts.show(&metrics));
    }

    fn show(&self, metrics: &MonitoringMetrics) {
        for account in self.all() {
            account.look_for_the_end_of_a_loss();
        }
        for &sink in Sink::ALL {
            let Some(counts) = self.of(sink) else { continue };
            metrics.record_queue_bytes(sink, counts.queued_bytes());
            for &reason in DropReason::ALL {
                metrics.record_dropped_so_far(sink, reason, counts.dropped_for(reason));
            }
        }
    }

    fn list(&self) -> std::sync::MutexGuard<'_, Vec<Account>> {
        self.inner.accounts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn measure(account: &Account, metrics: &MonitoringMetrics) {
    account.measure_writes(|| metrics.writes_to(account.sink()));
}

impl fmt::Debug for Accounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.all()).finish()
    }
}

#[cfg(all(test, not(watchkeeper_loom)))]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::metric::Format;
    use crate::queue::Priority;

    #[test]
    fn a_scrape_shows_the_sinks_that_there_are() {
        let (accounts, presets) = (Accounts::default(), Presets::default());
        let logs = accounts.open(Sink::Logs, Bound { bytes: 100, items: 10 });
        accounts.export(&presets);
        let epoch = logs.admit(64, Priority::Low).unwrap();
        logs.turn_away(2, DropReason::Refused);
        logs.record_write(Duration::from_millis(1));
        // Opened after the export, and the second of its sink.
        let more = accounts.open(Sink::Logs, Bound::NONE);
        more.turn_away(3, DropReason::Refused);
        more.record_write(Duration::from_millis(1));

        let scrape = presets.registry().render(Format::Text);
        let lines: Vec<_> = scrape
            .lines()
            .filter(|line| line.contains("{sink=") && !line.contains("le=") && !line.ends_with("} 0"))
            .collect();
        assert_eq!(
            lines,
            [
                "watchkeeper_dropped_total{sink=\"logs\",reason=\"refused\"} 5",
                "watchkeeper_queue_bytes{sink=\"logs\"} 64",
                "watchkeeper_write_duration_seconds_sum{sink=\"logs\"} 0.002",
                "watchkeeper_write_duration_seconds_count{sink=\"logs\"} 2",
            ]
        );
        assert!(scrape.contains("watchkeeper_dropped_total{sink=\"logs\",reason=\"shutdown\"} 0\n"));
        assert!(!scrape.contains("sink=\"traces\""), "{scrape}");
        assert_eq!(accounts.of(Sink::Traces), None);
        logs.settle(1, 64, epoch, Some(DropReason::Lost));
        assert_eq!(accounts.of(Sink::Logs).map(|counts| counts.dropped_for(DropReason::Lost)), Some(1));
    }
}
