//! Metrics of the process itself, read from `/proc` at every scrape.
//!
//! They carry the names that Prometheus' own client libraries use. Where there is no `/proc`, none is registered.

mod proc;

use std::time::Duration;

use self::proc::{Proc, Reading};
use crate::metric::{Counter, CounterDesc, Gauge, GaugeDesc, RegisterError, Registry};

/// Adds up the processor time used.
pub const CPU: CounterDesc =
    CounterDesc::new("process_cpu_seconds_total", "Processor time used by the process, user and system, in seconds.");

/// Shows the memory in use.
pub const RESIDENT_MEMORY: GaugeDesc =
    GaugeDesc::new("process_resident_memory_bytes", "Memory of the process that is in RAM, in bytes.");

/// Shows the memory mapped.
pub const VIRTUAL_MEMORY: GaugeDesc =
    GaugeDesc::new("process_virtual_memory_bytes", "Memory that the process has mapped, in RAM or not, in bytes.");

/// Shows the open file descriptors.
pub const OPEN_FDS: GaugeDesc = GaugeDesc::new("process_open_fds", "File descriptors that are open.");

/// Shows the limit of file descriptors.
pub const MAX_FDS: GaugeDesc =
    GaugeDesc::new("process_max_fds", "File descriptors that may be open at most; +Inf where there is no limit.");

/// Shows the threads there are.
pub const THREADS: GaugeDesc = GaugeDesc::new("process_threads", "Threads of the process.");

/// Shows when the process started.
pub const START_TIME: GaugeDesc =
    GaugeDesc::new("process_start_time_seconds", "When the process started, in seconds since the Unix epoch.");

/// Keeps the process metrics in a registry; they read themselves at every scrape.
///
/// ```
/// use watchkeeper::metric::Format;
/// use watchkeeper::presets::Presets;
///
/// let metrics = Presets::default();
/// let scrape = || metrics.registry().render(Format::Text);
/// assert_eq!(metrics.process().is_available(), scrape().contains("process_cpu_seconds_total "));
/// ```
#[derive(Debug, Clone)]
pub struct ProcessMetrics {
    available: bool,
}

impl ProcessMetrics {
    /// Registers the group, and the hook that reads it; without `/proc` nothing at all.
    ///
    /// # Errors
    ///
    /// When a name is taken by a metric of another meaning.
    pub fn register(registry: &Registry) -> Result<Self, RegisterError> {
        let Some(proc) = Proc::open() else { return Ok(Self { available: false }) };
        let instruments = Instruments::register(registry)?;
        registry.on_scrape(move || instruments.show(&proc.read()));
        Ok(Self { available: true })
    }

    /// Tells whether the platform lets the process read itself; only Linux does.
    pub fn is_available(&self) -> bool {
        self.available
    }
}

struct Instruments {
    cpu: Counter,
    resident_memory: Gauge,
    virtual_memory: Gauge,
    open_fds: Gauge,
    max_fds: Gauge,
    threads: Gauge,
    start_time: Gauge,
}

impl Instruments {
    fn register(registry: &Registry) -> Result<Self, RegisterError> {
        Ok(Self {
            cpu: registry.counter(&CPU)?.with(()),
            resident_memory: registry.gauge(&RESIDENT_MEMORY)?.with(()),
            virtual_memory: registry.gauge(&VIRTUAL_MEMORY)?.with(()),
            open_fds: registry.gauge(&OPEN_FDS)?.with(()),
            max_fds: registry.gauge(&MAX_FDS)?.with(()),
            threads: registry.gauge(&THREADS)?.with(()),
            start_time: registry.gauge(&START_TIME)?.with(()),
        })
    }

    /// Shows a reading; what could not be read keeps its last value.
    fn show(&self, reading: &Reading) {
        if let Some(stat) = &reading.stat {
            self.cpu.raise_to_duration(stat.cpu);
            self.resident_memory.set(stat.resident_bytes as f64);
            self.virtual_memory.set(stat.virtual_bytes as f64);
            self.threads.set(stat.threads as f64);
        }
        let values = [
            (&self.start_time, reading.start_time.map(|time: Duration| time.as_secs_f64())),
            (&self.open_fds, reading.open_fds.map(|fds| fds as f64)),
            (&self.max_fds, reading.max_fds),
        ];
        for (gauge, value) in values {
            if let Some(value) = value {
                gauge.set(value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metric::Format;

    fn value(scrape: &str, name: &str) -> f64 {
        let line = scrape.lines().find_map(|line| line.strip_prefix(&format!("{name} ")));
        line.unwrap_or_else(|| panic!("no {name} in {scrape}")).parse().expect("a number")
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_scrape_shows_the_process_as_the_system_sees_it() {
        let registry = Registry::new();
        assert!(ProcessMetrics::register(&registry).unwrap().is_available());
        let before = value(&registry.render(Format::Text), OPEN_FDS.name());
        let files: Vec<_> = (0..50).map(|_| std::fs::File::open("/proc/self/stat").unwrap()).collect();
        let scrape = registry.render(Format::Text);
        // Other tests open and close a few of their own meanwhile.
        assert!(value(&scrape, OPEN_FDS.name()) >= before + 25.0, "{before} before, {scrape}");
        drop(files);

        assert!(value(&scrape, MAX_FDS.name()) >= value(&scrape, OPEN_FDS.name()));
        assert!(value(&scrape, THREADS.name()) >= 2.0, "the test harness runs this in a thread of its own");
        assert!(value(&scrape, RESIDENT_MEMORY.name()) > 100_000.0);
        assert!(value(&scrape, VIRTUAL_MEMORY.name()) >= value(&scrape, RESIDENT_MEMORY.name()));
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs_f64();
        let age = now - value(&scrape, START_TIME.name());
        assert!((-2.0..86_400.0).contains(&age), "the process started {age} s ago");
    }

    #[test]
    fn processor_time_has_fractions() {
        let registry = Registry::new();
        let instruments = Instruments::register(&registry).unwrap();
        let stat = "7 (a) R 1 1 1 0 -1 0 0 0 0 0 123 4 0 0 20 0 3 0 500 8192 2 18446744073709551615";
        let proc = Proc { ticks_per_second: 100, page_bytes: 4096, boot_time: None };
        instruments.show(&Reading { stat: proc.stat(stat), ..Reading::default() });
        let scrape = registry.render(Format::Text);
        assert_eq!(value(&scrape, "process_cpu_seconds_total"), 1.27);
        assert_eq!(value(&scrape, "process_resident_memory_bytes"), 8192.0);
    }
}
