//! What `/proc` says about the running process.

use std::fs;
use std::time::Duration;

/// Number of clock ticks in a second, in the auxiliary vector.
const AT_CLKTCK: usize = 17;
/// Size of a page, in the auxiliary vector.
const AT_PAGESZ: usize = 6;

/// The parts of `/proc` that never change while the process runs.
#[derive(Debug, Clone, Copy)]
pub(super) struct Proc {
    pub(super) ticks_per_second: u64,
    pub(super) page_bytes: u64,
    /// Since the Unix epoch.
    pub(super) boot_time: Option<Duration>,
}

/// What one scrape reads; a part that cannot be read is `None`.
#[derive(Debug, Default)]
pub(super) struct Reading {
    pub(super) stat: Option<Stat>,
    pub(super) start_time: Option<Duration>,
    pub(super) open_fds: Option<u64>,
    pub(super) max_fds: Option<f64>,
}

/// The fields of `/proc/self/stat` that are shown.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Stat {
    pub(super) cpu: Duration,
    pub(super) threads: u64,
    /// Since boot.
    pub(super) start: Duration,
    pub(super) virtual_bytes: u64,
    pub(super) resident_bytes: u64,
}

impl Proc {
    /// Opens `/proc`; `None` where there is none, or none of the kind that Linux has.
    pub(super) fn open() -> Option<Self> {
        let auxv = fs::read("/proc/self/auxv").unwrap_or_default();
        // What Linux has had on nearly every machine, for a sandbox that hides the vector.
        let ticks_per_second = auxiliary(&auxv, AT_CLKTCK).filter(|&ticks| ticks > 0).unwrap_or(100);
        let page_bytes = auxiliary(&auxv, AT_PAGESZ).unwrap_or(4096);
        let boot_time = fs::read_to_string("/proc/stat").ok().as_deref().and_then(boot_time);
        let proc = Self { ticks_per_second, page_bytes, boot_time };
        proc.read().stat.is_some().then_some(proc)
    }

    pub(super) fn read(&self) -> Reading {
        let stat = fs::read_to_string("/proc/self/stat").ok().and_then(|stat| self.stat(&stat));
        let start_time = stat.as_ref().and_then(|stat| Some(self.boot_time? + stat.start));
        let max_fds = fs::read_to_string("/proc/self/limits").ok().as_deref().and_then(max_fds);
        Reading { stat, start_time, open_fds: open_fds(), max_fds }
    }

    /// Reads the fields after the process' name, which may itself hold spaces and parentheses.
    pub(super) fn stat(&self, stat: &str) -> Option<Stat> {
        let (_, fields) = stat.rsplit_once(')')?;
        let fields: Vec<_> = fields.split_ascii_whitespace().collect();
        // The manual counts from 1, and the state after the name is its field 3.
        let field = |number: usize| fields.get(number - 3)?.parse::<u64>().ok();
        Some(Stat {
            cpu: self.ticks(field(14)?.checked_add(field(15)?)?),
            threads: field(20)?,
            start: self.ticks(field(22)?),
            virtual_bytes: field(23)?,
            resident_bytes: field(24)?.saturating_mul(self.page_bytes),
        })
    }

    fn ticks(&self, ticks: u64) -> Duration {
        let rest = ticks % self.ticks_per_second;
        Duration::from_secs(ticks / self.ticks_per_second)
            + Duration::from_nanos(rest.saturating_mul(1_000_000_000) / self.ticks_per_second)
    }
}

/// Finds an entry in the auxiliary vector: pairs of native words, key and value.
fn auxiliary(vector: &[u8], key: usize) -> Option<u64> {
    const WORD: usize = size_of::<usize>();
    let word = |bytes: &[u8]| bytes.try_into().map(usize::from_ne_bytes).ok();
    vector.chunks_exact(2 * WORD).find_map(|pair| {
        let (found, value) = pair.split_at(WORD);
        if word(found)? == key { word(value).map(|value| value as u64) } else { None }
    })
}

fn boot_time(stat: &str) -> Option<Duration> {
    let seconds = stat.lines().find_map(|line| line.strip_prefix("btime "))?;
    seconds.trim().parse().ok().map(Duration::from_secs)
}

fn max_fds(limits: &str) -> Option<f64> {
    let soft = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?.split_ascii_whitespace().next()?;
    if soft == "unlimited" { Some(f64::INFINITY) } else { soft.parse().ok() }
}

/// Counts the open file descriptors. Since Linux 6.2 the folder's size says so; before, each is an entry in it.
fn open_fds() -> Option<u64> {
    let size = fs::metadata("/proc/self/fd").ok()?.len();
    if size > 0 {
        return Some(size);
    }
    // Listing the folder takes a descriptor of its own.
    Some((fs::read_dir("/proc/self/fd").ok()?.count() as u64).saturating_sub(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROC: Proc = Proc { ticks_per_second: 100, page_bytes: 4096, boot_time: None };

    #[test]
    fn a_name_with_spaces_and_parentheses_does_not_shift_the_fields() {
        let stat = "42 (my app) R (1) x) S 1 42 42 0 -1 4194560 9 0 0 0 250 51 7 8 20 0 6 0 1234 40960 10 1844 1";
        let expected = Stat {
            cpu: Duration::from_millis(3010),
            threads: 6,
            start: Duration::from_millis(12_340),
            virtual_bytes: 40_960,
            resident_bytes: 40_960,
        };
        assert_eq!(PROC.stat(stat), Some(expected));
    }

    #[test]
    fn what_is_cut_off_is_no_reading_and_no_panic() {
        for cut in
            ["", "42", "42 (app", "42 (app)", "42 (app) S 1 2 3", "42 (app) S a b c d e f g h i j k l m n o p q r"]
        {
            assert_eq!(PROC.stat(cut), None, "{cut}");
        }
        assert_eq!(auxiliary(&[1, 2, 3], AT_CLKTCK), None);
        assert_eq!(max_fds("Max open files"), None);
        assert_eq!(boot_time("cpu 1 2 3\nbtime x\n"), None);
    }

    #[test]
    fn limits_and_the_auxiliary_vector_are_read() {
        let line = "Max open files            1024                 524288               files     \n";
        assert_eq!(max_fds(&format!("Max processes 1 2 processes\n{line}")), Some(1024.0));
        assert_eq!(
            max_fds("Max open files            unlimited            unlimited            files\n"),
            Some(f64::INFINITY)
        );
        let vector: Vec<u8> = [6_usize, 4096, 17, 250, 0, 0].iter().flat_map(|word| word.to_ne_bytes()).collect();
        assert_eq!((auxiliary(&vector, AT_PAGESZ), auxiliary(&vector, AT_CLKTCK)), (Some(4096), Some(250)));
        assert_eq!(boot_time("cpu 1\nbtime 1700000000\nprocesses 5\n"), Some(Duration::from_secs(1_700_000_000)));
    }
}
