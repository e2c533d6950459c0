//! Metrics of cAdvisor: containers.

exporter! { "cadvisor";
    /// When the container was last seen.
    LAST_SEEN: gauge("container_last_seen", ["name", "image"]);
    /// Processor time.
    CPU: counter("container_cpu_usage_seconds_total", ["name", "image", "cpu"]);
    /// Memory in use that cannot be taken back.
    MEMORY_WORKING_SET: gauge("container_memory_working_set_bytes", ["name", "image"]);
    /// Memory that the container may use; 0 without a limit.
    MEMORY_LIMIT: gauge("container_spec_memory_limit_bytes", ["name", "image"]);
    /// Bytes received.
    NETWORK_RECEIVED: counter("container_network_receive_bytes_total", ["name", "image", "interface"]);
    /// Bytes sent.
    NETWORK_SENT: counter("container_network_transmit_bytes_total", ["name", "image", "interface"]);
}
