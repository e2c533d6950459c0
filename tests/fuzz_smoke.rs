//! The fuzz targets over random bytes, for as long as a test may take; `fuzz/README.md` says how to run them for longer.

#[path = "../fuzz/targets/mod.rs"]
mod targets;

use targets::entropy::Noise;
use targets::{exposition, path_pattern, reader};
use watchkeeper::metric::Format;

/// Runs a target over `WATCHKEEPER_FUZZ_RUNS` inputs, or so many, and names the seed of one that fails.
fn smoke(target: fn(&[u8]), runs: u64) {
    let runs = std::env::var("WATCHKEEPER_FUZZ_RUNS").map_or(runs, |runs| runs.parse().expect("a number of runs"));
    for seed in 0..runs {
        let mut noise = Noise::new(seed);
        // Mostly short: what is wrong with a long input is nearly always wrong with a short one.
        let length = (noise.number() % 1024) >> (noise.number() % 8);
        let bytes = noise.bytes(length as usize);
        let broken = std::panic::catch_unwind(|| target(&bytes));
        assert!(broken.is_ok(), "seed {seed}, bytes {bytes:?}");
    }
}

#[test]
fn any_path_becomes_a_bounded_pattern_that_is_its_own_pattern() {
    smoke(path_pattern::run, 100_000);
}

#[test]
fn any_registry_is_read_back_by_a_strict_reader() {
    smoke(exposition::run, 20_000);
}

const GOOD: &str = "# TYPE a gauge\n# HELP a A \\\\ \\n.\na{b=\"\\\"\\\\\\n}\",c=\"\"} -1.5e-3\na NaN\n\
                    # TYPE h_seconds histogram\nh_seconds_bucket{le=\"1.0\"} 1\nh_seconds_bucket{le=\"+Inf\"} 2\n\
                    h_seconds_sum 3\nh_seconds_count 2\n";

#[test]
fn the_reader_takes_what_is_right() {
    for (format, scrape) in [
        (Format::Text, GOOD.to_owned()),
        (Format::Text, "# TYPE a_total counter\na_total 1\n".to_owned()),
        (Format::Text, String::new()),
        (Format::OpenMetrics, format!("{GOOD}# EOF\n")),
        (Format::OpenMetrics, "# TYPE a counter\na_total 1 # {trace_id=\"ab\"} 0.5 1.25\n# EOF\n".to_owned()),
        (Format::OpenMetrics, "# TYPE a_bytes gauge\n# UNIT a_bytes bytes\n# HELP a_bytes \\\"\n# EOF\n".to_owned()),
    ] {
        reader::read(format, &scrape).unwrap_or_else(|fault| panic!("{fault}\n{scrape}"));
    }
}

#[test]
fn the_reader_refuses_what_is_wrong() {
    let wrong_in_both = [
        "a 1\n",
        "# TYPE a gauge\na 1",
        "# TYPE a gauge\n\na 1\n",
        "# TYPE a gauge\n# TYPE a gauge\n",
        "# TYPE a gauge\na 1\n# HELP a A.\n",
        "# TYPE a gauge\n# TYPE b gauge\n# TYPE a gauge\n",
        "# TYPE a gauge\n# TYPE b gauge\na 1\n",
        "# TYPE a gauge\na 1\na 1\n",
        "# TYPE a gauge\na{b=\"1\"} 1\na{b=\"1\"} 2\n",
        "# TYPE a gauge\na{b=\"1\",b=\"2\"} 1\n",
        "# TYPE a gauge\na{b=\"1\"c=\"2\"} 1\n",
        "# TYPE a gauge\na{b=\"1\",} 1\n",
        "# TYPE a gauge\na{b=\"\\t\"} 1\n",
        "# TYPE a gauge\na{b=\"\n\"} 1\n",
        "# TYPE a gauge\na{b=\"1} 1\n",
        "# TYPE a gauge\na{b=1} 1\n",
        "# TYPE a gauge\na{1=\"1\"} 1\n",
        "# TYPE a gauge\na{b=\"\0\"} 1\n",
        "# TYPE a gauge\na\n",
        "# TYPE a gauge\na  1\n",
        "# TYPE a gauge\na 1 \n",
        "# TYPE a gauge\na nan\n",
        "# TYPE a gauge\na inf\n",
        "# TYPE a gauge\na 0x1\n",
        "# TYPE a gauge\na one\n",
        "# TYPE a gauge\na_total 1\n",
        "# TYPE a gauge\na 1 # {} 1\n",
        "# TYPE a summary\n",
        "# TYPE 1a gauge\n",
        "# TYPE a\n",
        "# HELP a A.\n",
        "# a comment\n",
        "# TYPE a histogram\na_bucket{le=\"1.0\"} 1\na_sum 1\na_count 1\n",
        "# TYPE a histogram\na_bucket{le=\"+Inf\"} 1\na_sum 1\na_count 2\n",
        "# TYPE a histogram\na_bucket{le=\"+Inf\"} 1\na_count 1\n",
        "# TYPE a histogram\na_bucket{le=\"+Inf\"} 1\na_sum 1\n",
        "# TYPE a histogram\na_bucket{le=\"2.0\"} 0\na_bucket{le=\"1.0\"} 0\na_bucket{le=\"+Inf\"} 1\na_sum 1\na_count 1\n",
        "# TYPE a histogram\na_bucket{le=\"1.0\"} 2\na_bucket{le=\"+Inf\"} 1\na_sum 1\na_count 1\n",
        "# TYPE a histogram\na_bucket 1\na_sum 1\na_count 1\n",
        "# TYPE a histogram\na 1\n",
    ];
    let both = wrong_in_both
        .iter()
        .flat_map(|wrong| [(Format::Text, (*wrong).to_owned()), (Format::OpenMetrics, format!("{wrong}# EOF\n"))]);
    let text =
        ["# TYPE a counter\na NaN\n", "# TYPE a counter\na -1\n", "# TYPE a unknown\n", "# UNIT a_bytes bytes\n"];
    let openmetrics = [
        "# TYPE a gauge\n",
        "# EOF\n# TYPE a gauge\n",
        "# TYPE a gauge\n# EOF\n# EOF\n",
        "# TYPE a counter\na 1\n# EOF\n",
        "# TYPE a counter\na_total -1\n# EOF\n",
        "# TYPE a counter\na_total NaN\n# EOF\n",
        "# TYPE a counter\n# TYPE a_total unknown\n# EOF\n",
        "# TYPE a counter\na_total 1 # {b=\"1\"}\n# EOF\n",
        "# TYPE a counter\na_total 1 # {b=\"1\"} 1 2 3\n# EOF\n",
        "# TYPE a gauge\n# HELP a \"\n# EOF\n",
        "# TYPE a_bytes gauge\n# UNIT a_bytes seconds\n# EOF\n",
        "# TYPE a untyped\n# EOF\n",
    ];
    let long = format!("# TYPE a counter\na_total 1 # {{b=\"{}\"}} 1\n# EOF\n", "x".repeat(128));
    let single = text.map(|wrong| (Format::Text, wrong.to_owned()));
    let single = single.into_iter().chain(openmetrics.map(|wrong| (Format::OpenMetrics, wrong.to_owned())));
    for (format, scrape) in both.chain(single).chain([(Format::OpenMetrics, long)]) {
        assert!(reader::read(format, &scrape).is_err(), "{format:?} takes {scrape:?}");
    }
}
