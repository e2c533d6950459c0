//! Infrastructure: the machines, as the node exporter sees them.

use std::time::Duration;

use super::{Dashboard, FieldUnit, Panel, Threshold, Variable, Visual, rate};
use crate::promql::{ExporterMetric, Expr, Selector, number, select};
use crate::stack::exporter::node;

/// File systems that are not disks.
const NO_DISK: &str = "tmpfs|ramfs|squashfs|autofs|fuse.*";

/// How often the node exporter is scraped.
const SCRAPED_EVERY: Duration = Duration::from_secs(30);

/// Builds the dashboard.
pub(super) fn dashboard(uid: &str) -> Dashboard {
    let devices = &["instance", "device"];
    let interface = |metric| on_machine(metric).ne("device", "lo");
    Dashboard::new(uid, "Infrastructure", "The machines: processors, memory, disks, network.")
        .scraped_every(SCRAPED_EVERY)
        .variable(Variable::values("instance", "Machine", &node::LOAD1))
        .panel(cpu(on_machine))
        .panel(memory(on_machine))
        .panel(
            Panel::new(
                Visual::BarGauge,
                "Disk",
                "Share of each file system that is used. Red is where the alert LowDiskSpace begins for `/`.",
                FieldUnit::Share,
            )
            .query(disk_used(), "{{instance}} {{mountpoint}}")
            .threshold(Threshold::AtMost(0.9))
            .size(8, 8),
        )
        .panel(
            Panel::new(
                Visual::TimeSeries,
                "Disk I/O",
                "Bytes read and written a second, by disk.",
                FieldUnit::BytesPerSecond,
            )
            .query(rate(on_machine(&node::DISK_READ)).sum_by(devices), "{{instance}} {{device}} read")
            .query(rate(on_machine(&node::DISK_WRITTEN)).sum_by(devices), "{{instance}} {{device}} written")
            .size(8, 8),
        )
        .panel(
            Panel::new(
                Visual::TimeSeries,
                "Network",
                "Bytes received and sent a second, by network interface but for the loopback.",
                FieldUnit::BytesPerSecond,
            )
            .query(rate(interface(&node::NETWORK_RECEIVED)).sum_by(devices), "{{instance}} {{device}} received")
            .query(rate(interface(&node::NETWORK_SENT)).sum_by(devices), "{{instance}} {{device}} sent")
            .size(8, 8),
        )
}

/// How busy the processors of some machines are.
pub(super) fn cpu(of: fn(&ExporterMetric) -> Selector) -> Panel {
    let idle = rate(of(&node::CPU).eq("mode", "idle")).avg_by(&["instance"]);
    Panel::new(
        Visual::TimeSeries,
        "CPU",
        "Share of the time in which the processors of a machine were not idle.",
        FieldUnit::Share,
    )
    // An idle processor may count a little more than the time that went by.
    .query((number(1.0) - idle).clamp_min(0.0), "{{instance}}")
    .scraped_every(SCRAPED_EVERY)
    .scale(0.0, 1.0)
}

/// How much of the memory of some machines is taken.
pub(super) fn memory(of: fn(&ExporterMetric) -> Selector) -> Panel {
    let of = |metric| Expr::from(of(metric)).sum_by(&["instance"]);
    Panel::new(
        Visual::TimeSeries,
        "Memory",
        "Share of a machine's memory that no program can have any more. The line is where the alert HighMemoryUsage \
         begins.",
        FieldUnit::Share,
    )
    .query(number(1.0) - of(&node::MEMORY_AVAILABLE) / of(&node::MEMORY_TOTAL), "{{instance}}")
    .scraped_every(SCRAPED_EVERY)
    .scale(0.0, 1.0)
    .threshold(Threshold::AtMost(0.9))
}

fn disk_used() -> Expr {
    let by = ["instance", "device", "mountpoint"];
    let of = |metric| Expr::from(on_machine(metric).not_matching("fstype", NO_DISK)).max_by(&by);
    number(1.0) - of(&node::FILESYSTEM_AVAILABLE) / of(&node::FILESYSTEM_SIZE)
}

fn on_machine(metric: &ExporterMetric) -> Selector {
    select(metric).matching("instance", "$instance")
}
