//! Alerts on disk and memory.

use crate::promql::{Expr, select};
use crate::stack::exporter::node::{FILESYSTEM_AVAILABLE, FILESYSTEM_SIZE, MEMORY_AVAILABLE, MEMORY_TOTAL};
use crate::stack::rule::{Alert, Group};
use crate::stack::settings::Settings;

pub(super) fn group(settings: &Settings) -> Group {
    let limits = &settings.limits;
    let free = Expr::from(select(&FILESYSTEM_AVAILABLE).eq("mountpoint", "/"))
        / select(&FILESYSTEM_SIZE).eq("mountpoint", "/");
    let used = (Expr::from(&MEMORY_TOTAL) - &MEMORY_AVAILABLE) / &MEMORY_TOTAL;
    Group::new("machine")
        .alert(
            Alert::warning("LowDiskSpace", free.lt(limits.low_disk_space.value))
                .pending(&limits.low_disk_space.pending)
                .summary("{{ $labels.instance }} runs out of disk space")
                .description("Only {{ $value | humanizePercentage }} of {{ $labels.mountpoint }} is free."),
        )
        .alert(
            Alert::warning("HighMemoryUsage", used.gt(limits.high_memory_usage.value))
                .pending(&limits.high_memory_usage.pending)
                .summary("{{ $labels.instance }} runs out of memory")
                .description("{{ $value | humanizePercentage }} of the memory is in use."),
        )
}
