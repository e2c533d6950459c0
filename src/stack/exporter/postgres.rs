//! Metrics of the Postgres exporter.

exporter! { "postgres";
    /// Whether the exporter reached the database.
    UP: gauge("pg_up", []);
    /// Sessions by state.
    ACTIVITY: gauge("pg_stat_activity_count", ["datname", "server", "state"]);
    /// Connections that the server takes.
    MAX_CONNECTIONS: gauge("pg_settings_max_connections", ["server"]);
    /// Open connections to a database.
    BACKENDS: gauge("pg_stat_database_numbackends", ["datid", "datname", "server"]);
    /// Committed transactions.
    COMMITS: counter("pg_stat_database_xact_commit", ["datid", "datname", "server"]);
    /// Transactions rolled back.
    ROLLBACKS: counter("pg_stat_database_xact_rollback", ["datid", "datname", "server"]);
    /// Deadlocks.
    DEADLOCKS: counter("pg_stat_database_deadlocks", ["datid", "datname", "server"]);
    /// Size of a database.
    SIZE: gauge("pg_database_size_bytes", ["datname", "server"]);
    /// Longest transaction that runs, in seconds.
    LONGEST_TRANSACTION: gauge("pg_stat_activity_max_tx_duration", ["datname", "server", "state"]);
    /// How far a standby is behind, in bytes of the write-ahead log; the exporter of the primary has it for each standby.
    STANDBY_LAG: gauge("pg_stat_replication_pg_wal_lsn_diff", ["application_name", "server"]);
}
