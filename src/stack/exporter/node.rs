//! Metrics of the node exporter: the machine.

exporter! { "node";
    /// Processor time by mode.
    CPU: counter("node_cpu_seconds_total", ["cpu", "mode"]);
    /// Load over one minute.
    LOAD1: gauge("node_load1", []);
    /// Memory there is.
    MEMORY_TOTAL: gauge("node_memory_MemTotal_bytes", []);
    /// Memory that programs can have.
    MEMORY_AVAILABLE: gauge("node_memory_MemAvailable_bytes", []);
    /// Size of a file system.
    FILESYSTEM_SIZE: gauge("node_filesystem_size_bytes", ["device", "fstype", "mountpoint"]);
    /// Room on a file system for ordinary users.
    FILESYSTEM_AVAILABLE: gauge("node_filesystem_avail_bytes", ["device", "fstype", "mountpoint"]);
    /// Bytes read from a disk.
    DISK_READ: counter("node_disk_read_bytes_total", ["device"]);
    /// Bytes written to a disk.
    DISK_WRITTEN: counter("node_disk_written_bytes_total", ["device"]);
    /// Time that a disk was busy.
    DISK_BUSY: counter("node_disk_io_time_seconds_total", ["device"]);
    /// Bytes received over a network interface.
    NETWORK_RECEIVED: counter("node_network_receive_bytes_total", ["device"]);
    /// Bytes sent over a network interface.
    NETWORK_SENT: counter("node_network_transmit_bytes_total", ["device"]);
    /// When the machine started.
    BOOT_TIME: gauge("node_boot_time_seconds", []);
}
