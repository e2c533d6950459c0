//! Metrics of the database: connections, queries, operations.

use std::fmt;
use std::time::{Duration, Instant};

use super::status::Status;
use crate::metric::{
    Counter, CounterDesc, CounterFamily, GaugeDesc, GaugeFamily, Histogram, HistogramDesc, HistogramFamily, Open,
    RegisterError, Registry, bucket,
};

/// From which time on a query counts as slow, unless
/// [`with_slow_query_threshold`](DatabaseMetrics::with_slow_query_threshold) says otherwise.
pub const SLOW_QUERY_THRESHOLD: Duration = Duration::from_secs(1);

crate::label_enum! {
    /// What kind of statement was timed.
    pub enum QueryType: "query_type" {
        /// A `SELECT`.
        Select = "select",
        /// An `INSERT`.
        Insert = "insert",
        /// An `UPDATE`.
        Update = "update",
        /// A `DELETE`.
        Delete = "delete",
        /// A whole transaction, from `BEGIN` to its end.
        Transaction = "transaction",
        /// Any other.
        Other = "other",
    }
}

crate::label_enum! {
    /// What was done to a table.
    pub enum Operation: "operation" {
        /// Rows were read.
        Select = "select",
        /// Rows were added.
        Insert = "insert",
        /// Rows were changed.
        Update = "update",
        /// Rows were removed.
        Delete = "delete",
        /// Several of these in one transaction.
        Transaction = "transaction",
        /// Anything else.
        Other = "other",
    }
}

crate::open_label! {
    /// The table's name.
    pub struct Table: "table";
}

/// Shows the connections in use.
pub const CONNECTIONS_ACTIVE: GaugeDesc =
    GaugeDesc::new("db_connections_active", "Database connections that are in use.");

/// Shows the open connections.
pub const CONNECTION_POOL_SIZE: GaugeDesc =
    GaugeDesc::new("db_connection_pool_size", "Database connections that are open, in use or idle.");

/// Shows the pool's limit.
pub const CONNECTIONS_MAX: GaugeDesc =
    GaugeDesc::new("db_connections_max", "Database connections that the pool may open at most.");

/// Measures queries.
pub const QUERY_DURATION: HistogramDesc<(QueryType,)> = HistogramDesc::new(
    "db_query_duration_seconds",
    "Time of a database query in seconds, by type of query.",
    bucket::QUERY_SECONDS,
);

/// Counts queries that took long.
pub const SLOW_QUERIES: CounterDesc<(QueryType,)> =
    CounterDesc::new("db_slow_queries_total", "Database queries above the slow-query threshold, by type of query.");

/// Counts what is done to tables.
pub const OPERATIONS: CounterDesc<(Operation, Open<Table>, Status)> = CounterDesc::new(
    "db_operations_total",
    "Operations on database tables, by operation, table and whether they succeeded.",
);

/// Records connections, queries and operations of one database.
///
/// ```
/// use std::time::Duration;
/// use watchkeeper::presets::{Presets, Status, database::{Operation, QueryType}};
///
/// let metrics = Presets::default();
/// let database = metrics.database().clone().with_slow_query_threshold(Duration::from_millis(250));
/// let query = database.start_query(QueryType::Select);
/// // … the query runs …
/// drop(query);
/// database.record_operation(Operation::Select, "orders", Status::Success);
/// database.record_pool(3, 8, 20);
/// ```
#[derive(Debug, Clone)]
pub struct DatabaseMetrics {
    connections_active: GaugeFamily,
    connection_pool_size: GaugeFamily,
    connections_max: GaugeFamily,
    query_duration: HistogramFamily<(QueryType,)>,
    slow_queries: CounterFamily<(QueryType,)>,
    operations: CounterFamily<(Operation, Open<Table>, Status)>,
    slow: Duration,
}

impl DatabaseMetrics {
    /// Registers the group.
    ///
    /// # Errors
    ///
    /// When a name is taken by a metric of another meaning.
    pub fn register(registry: &Registry) -> Result<Self, RegisterError> {
        Ok(Self {
            connections_active: registry.gauge(&CONNECTIONS_ACTIVE)?,
            connection_pool_size: registry.gauge(&CONNECTION_POOL_SIZE)?,
            connections_max: registry.gauge(&CONNECTIONS_MAX)?,
            query_duration: registry.histogram(&QUERY_DURATION)?,
            slow_queries: registry.counter(&SLOW_QUERIES)?,
            operations: registry.counter(&OPERATIONS)?,
            slow: SLOW_QUERY_THRESHOLD,
        })
    }

    /// Sets from which time on a query counts as slow, for this handle and its clones. Default: 1 s.
    #[must_use]
    pub fn with_slow_query_threshold(mut self, threshold: Duration) -> Self {
        self.slow = threshold;
        self
    }

    /// Sets the state of the connection pool: connections in use, open, and allowed at most.
    pub fn record_pool(&self, active: u64, open: u64, max: u64) {
        self.connections_active.set((), active as f64);
        self.connection_pool_size.set((), open as f64);
        self.connections_max.set((), max as f64);
    }

    /// Starts a query; dropping the guard ends and records it.
    pub fn start_query(&self, query_type: QueryType) -> Query {
        Query {
            duration: self.query_duration.with((query_type,)),
            slow_queries: self.slow_queries.with((query_type,)),
            slow: self.slow,
            started: Instant::now(),
        }
    }

    /// Records a query that was timed elsewhere.
    pub fn record_query(&self, query_type: QueryType, time: Duration) {
        self.query_duration.observe_duration((query_type,), time);
        if time >= self.slow {
            self.slow_queries.inc((query_type,));
        }
    }

    /// Counts an operation on a table.
    pub fn record_operation(&self, operation: Operation, table: &str, status: Status) {
        self.operations.inc((operation, table, status));
    }
}

/// Times one query until it is dropped, on return, error, panic and cancellation alike.
#[must_use = "dropping the guard ends the query"]
pub struct Query {
    duration: Histogram,
    slow_queries: Counter,
    slow: Duration,
    started: Instant,
}

impl Drop for Query {
    fn drop(&mut self) {
        let time = self.started.elapsed();
        self.duration.observe_duration(time);
        if time >= self.slow {
            self.slow_queries.inc();
        }
    }
}

impl fmt::Debug for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Query").field("started", &self.started).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metric::Format;

    #[test]
    fn a_query_is_slow_from_the_threshold_on() {
        let registry = Registry::new();
        let database = DatabaseMetrics::register(&registry).unwrap();
        database.record_query(QueryType::Select, Duration::from_millis(999));
        database.record_query(QueryType::Select, Duration::from_secs(1));
        let strict = database.clone().with_slow_query_threshold(Duration::from_millis(10));
        strict.record_query(QueryType::Insert, Duration::from_millis(10));
        strict.record_query(QueryType::Insert, Duration::from_millis(9));
        let scrape = registry.render(Format::Text);
        assert!(scrape.contains("db_slow_queries_total{query_type=\"select\"} 1\n"), "{scrape}");
        assert!(scrape.contains("db_slow_queries_total{query_type=\"insert\"} 1\n"), "{scrape}");
        assert!(scrape.contains("db_query_duration_seconds_count{query_type=\"insert\"} 2\n"), "{scrape}");
    }

    #[test]
    fn a_query_that_ends_early_is_recorded_all_the_same() {
        let registry = Registry::new();
        let database = DatabaseMetrics::register(&registry).unwrap().with_slow_query_threshold(Duration::ZERO);
        let query = || -> Result<(), &str> {
            let _query = database.start_query(QueryType::Transaction);
            Err("the connection is gone")
        };
        query().unwrap_err();
        let scrape = registry.render(Format::Text);
        assert!(scrape.contains("db_query_duration_seconds_count{query_type=\"transaction\"} 1\n"), "{scrape}");
        assert!(scrape.contains("db_slow_queries_total{query_type=\"transaction\"} 1\n"), "{scrape}");
    }

    #[test]
    fn an_operation_and_the_pool_show_as_they_were_recorded() {
        let registry = Registry::new();
        let database = DatabaseMetrics::register(&registry).unwrap();
        database.record_operation(Operation::Update, "orders", Status::Error);
        database.record_pool(3, 8, 20);
        let scrape = registry.render(Format::Text);
        let update = "db_operations_total{operation=\"update\",table=\"orders\",status=\"error\"} 1\n";
        assert!(scrape.contains(update), "{scrape}");
        for line in ["db_connections_active 3\n", "db_connection_pool_size 8\n", "db_connections_max 20\n"] {
            assert!(scrape.contains(line), "{scrape}");
        }
    }
}
