//! An app with alerts over series that the test sets.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use watchkeeper::alert::{Alert, AlertState};
use watchkeeper::alerting::{AlertingOptions, RuleFile, RuleSource};
use watchkeeper::incident::Incident;
use watchkeeper::promql::engine::{LabelSet, Matcher, Series, SeriesSource, SourceBounds, SourceError};
use watchkeeper::store::{AlertQuery, IncidentQuery, Memory, Scope};
use watchkeeper::{Timestamp, Watchkeeper, WatchkeeperBuilder, service_info};

use crate::support::process::eventually;

/// Series that a test sets, and what rules record beside them.
#[derive(Debug, Clone, Default)]
pub struct Table {
    series: Arc<Mutex<Vec<Series>>>,
}

impl Table {
    /// Sets the value of a series from now on; none takes it away.
    pub fn set(&self, labels: &[(&str, &str)], value: Option<f64>) {
        let labels = LabelSet::new(labels.iter().copied());
        let mut all = self.series.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|series| series.labels != labels);
        if let Some(value) = value {
            // Far enough into the future for any evaluation of the test, and every second.
            let now = millis();
            let points = (0..600).map(|second| (now - 1000 + second * 1000, value)).collect();
            all.push(Series { labels, points });
        }
    }
}

fn millis() -> i64 {
    Timestamp::now().as_micros() / 1000
}

impl SeriesSource for Table {
    fn select(&self, matchers: &[Matcher], start: i64, end: i64, _: &SourceBounds) -> Result<Vec<Series>, SourceError> {
        let all = self.series.lock().unwrap_or_else(PoisonError::into_inner);
        let found = all.iter().filter(|series| Matcher::all_match(matchers, &series.labels));
        let within = |series: &Series| {
            let points: Vec<_> = series.points.iter().copied().filter(|(at, _)| *at > start && *at <= end).collect();
            (!points.is_empty()).then(|| Series { labels: series.labels.clone(), points })
        };
        Ok(found.filter_map(within).collect())
    }
}

impl RuleSource for Table {
    fn record(&self, series: Vec<Series>) {
        let mut all = self.series.lock().unwrap_or_else(PoisonError::into_inner);
        for new in series {
            match all.iter_mut().find(|there| there.labels == new.labels) {
                Some(there) => there.points.extend(new.points),
                None => all.push(new),
            }
        }
    }
}

/// A running app.
pub struct App {
    pub watch: Watchkeeper,
    pub table: Table,
    pub store: Memory,
    pub runtime: tokio::runtime::Runtime,
}

impl App {
    pub fn start(options: AlertingOptions) -> Self {
        Self::resumed(options, Table::default(), Memory::new())
    }

    /// Starts it over what another has left.
    pub fn resumed(options: AlertingOptions, table: Table, store: Memory) -> Self {
        Self::built(options, table, store, |builder| builder)
    }

    /// Starts one whose API these may call.
    pub fn called(options: AlertingOptions, tokens: watchkeeper::api::monitoring::Tokens) -> Self {
        Self::built(options, Table::default(), Memory::new(), |builder| builder.principals(tokens))
    }

    fn built(
        options: AlertingOptions,
        table: Table,
        store: Memory,
        choose: impl FnOnce(WatchkeeperBuilder) -> WatchkeeperBuilder,
    ) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let _entered = runtime.enter();
        let builder = Watchkeeper::builder(service_info!()).store(store.clone()).alerts_over(options, table.clone());
        let watch = choose(builder).build().expect("a watch");
        drop(_entered);
        Self { watch, table, store, runtime }
    }

    /// Serves its routes on a port of loopback.
    pub fn serve(&self) -> SocketAddr {
        self.runtime.block_on(async {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap();
            let routes: axum::Router = self.watch.routes();
            tokio::spawn(async move { axum::serve(listener, routes).await });
            address
        })
    }

    pub fn evaluate(&self) -> watchkeeper::alerting::Evaluation {
        let evaluated = self.runtime.block_on(self.watch.alerts().expect("alerts").evaluate());
        evaluated.expect("a store that answers").expect("this is the only evaluator")
    }

    pub fn alerts(&self, state: AlertState) -> Vec<Alert> {
        let query = AlertQuery::new().state(state).limit(1000);
        self.runtime.block_on(self.watch.store().alerts(&query)).unwrap().items
    }

    pub fn incidents(&self) -> Vec<Incident> {
        let query = IncidentQuery::new(Scope::All).oldest_first().limit(1000);
        self.runtime.block_on(self.watch.store().incidents(&query)).unwrap().items
    }

    /// Waits until something about it holds.
    #[track_caller]
    pub fn until<T>(&self, mut holds: impl FnMut(&Self) -> Option<T>, what: &str) -> T {
        eventually(|| holds(self).ok_or_else(|| format!("{what}: {:?}", self.incidents())))
    }

    pub fn end(self) -> (Table, Memory) {
        let _closed = self.runtime.block_on(self.watch.close(Duration::from_secs(5)));
        (self.table, self.store)
    }
}

/// Reads rules from the text of a file.
pub fn rules(text: &str) -> RuleFile {
    text.parse().unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// Options that evaluate by themselves so rarely that the test does it.
pub fn by_hand(text: &str) -> AlertingOptions {
    AlertingOptions::new().interval(Duration::from_secs(3600)).rules(rules(text))
}
