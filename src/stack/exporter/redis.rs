//! Metrics of the Redis exporter.

exporter! { "redis";
    /// Whether the exporter reached the server.
    UP: gauge("redis_up", []);
    /// Memory in use.
    MEMORY_USED: gauge("redis_memory_used_bytes", []);
    /// Clients connected.
    CLIENTS: gauge("redis_connected_clients", []);
    /// Commands processed.
    COMMANDS: counter("redis_commands_processed_total", []);
    /// Look-ups that found their key.
    HITS: counter("redis_keyspace_hits_total", []);
    /// Look-ups that did not.
    MISSES: counter("redis_keyspace_misses_total", []);
    /// Keys thrown out for want of memory.
    EVICTED: counter("redis_evicted_keys_total", []);
}
