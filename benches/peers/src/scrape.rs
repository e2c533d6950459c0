//! The table of the scrape: the same 10,000 lines, written by each row.

use alloc_count::Count;

use crate::clock::busy;
use crate::figures::{Figure, grouped, short};
use crate::table::Table;
use crate::{ours, text};

mod exporter;
mod ideal;
mod measured;
mod prometheus_client;
mod prometheus_text;

/// One counter and one histogram for each of these, sixteen lines together.
const SERIES: usize = 625;
/// The histogram's upper bounds; with `+Inf`, sum and count they make fifteen lines.
pub const BOUNDS: [f64; 12] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0, 2.5, 5.0, 10.0];
pub const COUNTER: &str = "warehouse_operations_total";
pub const COUNTER_HELP: &str = "Operations in the warehouse, by kind and place.";
pub const HISTOGRAM: &str = "warehouse_operation_duration_seconds";
pub const HISTOGRAM_HELP: &str = "How long an operation took, by kind and place.";
pub const LABELS: [&str; 2] = ["operation", "place"];
const LINES: usize = SERIES * (1 + BOUNDS.len() + 3);

/// A row: it fills itself, and then writes its scrape again and again.
pub struct Writer {
    pub title: &'static str,
    /// Appends the text to a buffer that is empty, and large enough from the second time on.
    pub write: Write,
}

/// Writes a scrape.
pub type Write = Box<dyn Fn(&mut Vec<u8>)>;

/// The data of one pair of series, the same for every row.
pub struct Series {
    pub operation: String,
    pub place: String,
    pub seconds: Vec<f64>,
}

/// What every row is filled with: 625 pairs of series, a handful of observations each.
pub fn data() -> Vec<Series> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    (0..SERIES)
        .map(|at| Series {
            operation: format!("relocate_pallet_{:02}", at % 25),
            place: format!("hall-{:02}/aisle/rack", at / 25),
            // Milliseconds, so that every row that adds them up gets the same sum within a float's precision.
            seconds: (0..20 + random() % 100).map(|_| (random() % 12_000) as f64 / 1000.0).collect(),
        })
        .collect()
}

/// Measures every row and prints the table.
pub fn print(quick: bool) {
    let rounds = if quick { 3 } else { 60 };
    let mut rows = vec![ideal::writer()];
    rows.extend(ours::writers());
    rows.extend([measured::writer(), prometheus_client::writer(), prometheus_text::writer(), exporter::writer()]);
    // Each row keeps its buffer, since getting a fresh megabyte from the system takes longer than the ideal itself.
    let mut buffers: Vec<Vec<u8>> = rows.iter().map(checked).collect();
    let mut took = vec![Vec::new(); rows.len()];
    for round in 0..rounds {
        for at in 0..rows.len() {
            let at = (at + round) % rows.len();
            buffers[at].clear();
            // Once unwatched, so that no row pays for the caches that the one before it emptied.
            (rows[at].write)(&mut buffers[at]);
            buffers[at].clear();
            took[at].push(busy(|| (rows[at].write)(&mut buffers[at])).as_nanos() as f64 / 1e6);
        }
    }
    let about = format!(
        "{} sample lines, one counter and one histogram of {} bounds for each of {SERIES} pairs of labels, filled with \
         the same data: the median of {rounds} interleaved rounds.",
        grouped(LINES as i64),
        BOUNDS.len(),
    );
    let table =
        Table::begin("Scrape", &about, &["scrape", "ms (quartiles)", "times the ideal", "allocations", "size, KiB"]);
    let ideal = took[0].clone();
    for (at, row) in rows.iter().enumerate() {
        let figure = Figure::of(took[at].clone());
        let ratio = Figure::of(took[at].iter().zip(&ideal).map(|(row, ideal)| row / ideal).collect());
        buffers[at].clear();
        let ((), count) = Count::of(|| (row.write)(&mut buffers[at]));
        table.row(&[
            row.title.to_owned(),
            format!("{} ({} … {})", short(figure.median), short(figure.lower), short(figure.upper)),
            format!("{:.1}", ratio.median),
            grouped(count.calls as i64),
            grouped(buffers[at].len() as i64 / 1024),
        ]);
    }
}

/// Panics unless the row writes all lines and all data; returns its text.
fn checked(row: &Writer) -> Vec<u8> {
    let mut text = Vec::new();
    (row.write)(&mut text);
    let text = String::from_utf8(text).expect("a scrape in UTF-8");
    let data = data();
    let observations: usize = data.iter().map(|series| series.seconds.len()).sum();
    let seconds: f64 = data.iter().flat_map(|series| &series.seconds).sum();
    let count = |name: &str| text::sum(&text, name) as usize;
    let lines = text.lines().filter(|line| line.starts_with(COUNTER) || line.starts_with(HISTOGRAM)).count();
    assert_eq!(lines, LINES, "{}: lines", row.title);
    assert_eq!(count(COUNTER), observations, "{}: {COUNTER}", row.title);
    assert_eq!(count(&format!("{HISTOGRAM}_count")), observations, "{}: {HISTOGRAM}_count", row.title);
    let sum = text::sum(&text, &format!("{HISTOGRAM}_sum"));
    assert!((sum - seconds).abs() < 0.001, "{}: {HISTOGRAM}_sum is {sum}, not {seconds}", row.title);
    let half: usize = data.iter().flat_map(|series| &series.seconds).filter(|seconds| **seconds <= 0.5).count();
    let in_text: f64 = text
        .lines()
        .filter(|line| line.starts_with(HISTOGRAM) && line.contains("le=\"0.5\""))
        .filter_map(|line| line.rsplit_once(' '))
        .map(|(_, count)| count.parse::<f64>().expect("a count"))
        .sum();
    assert_eq!(in_text as usize, half, "{}: le=\"0.5\"", row.title);
    text.into_bytes()
}
