//! Expressions that nobody wrote.
//!
//! `WATCHKEEPER_FUZZ_RUNS` says how many of each kind are tried instead of 4,000.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use watchkeeper::promql::engine::{
    Engine, Limits, Matcher, Query, QueryError, Series, SeriesSource, SourceBounds, SourceError,
};

use super::stored::Stored;

/// A sequence of numbers that looks random, always the same for a seed (SplitMix64).
pub(crate) struct Noise(pub(crate) u64);

impl Noise {
    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut number = self.0;
        number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((number ^ (number >> 31)) % end as u64) as usize
    }

    pub(crate) fn one_of<'a>(&mut self, choices: &[&'a str]) -> &'a str {
        choices[self.below(choices.len())]
    }
}

const DURATIONS: &[&str] = &["1m", "5m", "90s", "1h30m", "1ms", "30", "2.5", "100y"];
const OPERATORS: &[&str] = &[
    "+",
    "-",
    "*",
    "/",
    "%",
    "^",
    "atan2",
    "==",
    "!=",
    ">",
    "<",
    ">=",
    "<=",
    "== bool",
    "> bool",
    "and",
    "or",
    "unless",
    "+ on (i)",
    "- ignoring (j)",
    "* on (i) group_left (j)",
    "/ on (i) group_right ()",
    "and on ()",
    "or ignoring (i)",
];
const NUMBERS: &[&str] = &["0", "1", "-1", "0.5", "1e308", "Inf", "-Inf", "NaN", "0x1f", "1h", "9e18", "99999999999"];
const AGGREGATORS: &[&str] = &["sum", "avg", "min", "max", "count", "group", "stddev", "stdvar"];
const RANGED: &[&str] = &[
    "rate",
    "irate",
    "increase",
    "delta",
    "idelta",
    "deriv",
    "resets",
    "changes",
    "avg_over_time",
    "sum_over_time",
    "min_over_time",
    "max_over_time",
    "count_over_time",
    "stddev_over_time",
    "stdvar_over_time",
    "last_over_time",
    "first_over_time",
    "present_over_time",
    "absent_over_time",
    "mad_over_time",
    "ts_of_max_over_time",
];
const SIMPLE: &[&str] = &[
    "abs",
    "ceil",
    "exp",
    "ln",
    "sqrt",
    "sgn",
    "absent",
    "sort",
    "sort_desc",
    "timestamp",
    "year",
    "day_of_week",
    "days_in_month",
    "hour",
    "acosh",
    "tan",
    "deg",
    "round",
];

/// A vector of at most so many levels.
fn vector(noise: &mut Noise, levels: usize) -> String {
    if levels == 0 {
        let matcher =
            noise.one_of(&["", "{i='1'}", "{i=~'1|2'}", "{j!~'a.*'}", "{i!='2', j='b'}", "{__name__=~'a|b'}"]);
        let name = if matcher.contains("__name__") { "" } else { noise.one_of(&["a", "b", "h_bucket", "none"]) };
        return format!("{name}{matcher}{}", shift(noise));
    }
    let levels = levels - 1;
    match noise.below(12) {
        0 | 1 => {
            let operator = noise.one_of(OPERATORS);
            format!("({} {operator} {})", vector(noise, levels), vector(noise, levels))
        }
        2 => {
            let operator = noise.one_of(&OPERATORS[..15]);
            format!("({} {operator} {})", scalar(noise, levels), vector(noise, levels))
        }
        3 => format!("{}({})", noise.one_of(SIMPLE), vector(noise, levels)),
        4 | 5 => format!("{}({})", noise.one_of(RANGED), range(noise, levels)),
        6 => {
            let grouping = noise.one_of(&["", "by (i)", "without (j)", "by (le, i)"]);
            format!("{} {grouping} ({})", noise.one_of(AGGREGATORS), vector(noise, levels))
        }
        7 => {
            let name = noise.one_of(&["topk", "bottomk", "quantile", "limitk"]);
            format!("{name}({}, {})", scalar(noise, levels), vector(noise, levels))
        }
        8 => format!("histogram_quantile({}, {})", scalar(noise, levels), vector(noise, levels)),
        9 => {
            let replacement = noise.one_of(&["$1", "x${1}y", "", "$0$2"]);
            format!(
                "label_replace({}, '{}', '{replacement}', 'j', '(.*)')",
                vector(noise, levels),
                noise.one_of(&["i", "j", "__name__"])
            )
        }
        10 => format!("predict_linear({}, {})", range(noise, levels), scalar(noise, levels)),
        _ => format!("-clamp(vector({}), {}, {})", scalar(noise, levels), scalar(noise, 0), scalar(noise, 0)),
    }
}

fn range(noise: &mut Noise, levels: usize) -> String {
    if noise.below(2) == 0 {
        let name = noise.one_of(&["a", "b", "h_bucket"]);
        return format!("{name}[{}]{}", noise.one_of(DURATIONS), shift(noise));
    }
    let step = noise.one_of(&["", "30s", "1m", "7s", "10"]);
    format!("({})[{}:{step}]{}", vector(noise, levels), noise.one_of(&["1m", "5m", "10m"]), shift(noise))
}

fn scalar(noise: &mut Noise, levels: usize) -> String {
    match noise.below(if levels == 0 { 2 } else { 4 }) {
        0 => noise.one_of(NUMBERS).to_owned(),
        1 => noise.one_of(&["time()", "pi()", "start()"]).to_owned(),
        2 => format!("scalar({})", vector(noise, levels - 1)),
        _ => format!("({} {} {})", scalar(noise, levels - 1), noise.one_of(&OPERATORS[..7]), scalar(noise, levels - 1)),
    }
}

fn shift(noise: &mut Noise) -> &'static str {
    noise.one_of(&[
        "",
        "",
        "",
        " offset 1m",
        " offset -5m",
        " @ start()",
        " @ end()",
        " @ 100",
        " @ -1e9",
        " @ 60 offset 30s",
    ])
}

/// Changes an expression at some place, into something that mostly cannot be read.
fn spoil(noise: &mut Noise, expression: &str) -> String {
    let mut bytes: Vec<char> = expression.chars().collect();
    for _ in 0..=noise.below(4) {
        let at = noise.below(bytes.len().max(1)).min(bytes.len());
        match noise.below(4) {
            0 if at < bytes.len() => drop(bytes.remove(at)),
            1 => bytes.truncate(at),
            2 => {
                let part: Vec<char> = bytes[at..].iter().take(noise.below(12)).copied().collect();
                bytes.splice(at..at, part);
            }
            _ => {
                let word = noise.one_of(&[
                    "(",
                    ")",
                    "[",
                    "]",
                    "{",
                    "}",
                    "'",
                    "\"",
                    "`",
                    "\\",
                    "\\x",
                    "é",
                    "\0",
                    "#",
                    "-",
                    "@",
                    "offset",
                    "inf",
                    "nan",
                    "1e999",
                    "0x",
                    "00x1",
                    "5x3",
                    ":",
                    "::",
                    "[inf]",
                    "[-1]",
                    " or ",
                    "bool",
                    "by",
                    "on",
                    "\n",
                    "[5m:]",
                    "=~'('",
                    "=~'[[:'",
                    "!~'a{2'",
                    "$",
                    "\u{1f980}",
                ]);
                bytes.splice(at..at, word.chars());
            }
        }
    }
    bytes.into_iter().collect()
}

fn source() -> Stored {
    Stored::of(
        15,
        &[
            "a{i='1', j='ab'} 0+1x40",
            "a{i='2', j='b'} 5-1x20 stale NaN Inf -Inf 1x10",
            "b{i='1'} 1 2 _ 4 1e308 -1e308 0+3x20",
            "b{i='3', j='ü'} NaN NaN NaN 0x30",
            "h_bucket{i='1', le='0.1'} 0+1x40",
            "h_bucket{i='1', le='1'} 0+2x40",
            "h_bucket{i='1', le='+Inf'} 0+3x40",
            "h_bucket{i='2', le='x'} 0+3x40",
        ],
    )
}

fn runs() -> u64 {
    std::env::var("WATCHKEEPER_FUZZ_RUNS").map_or(4000, |runs| runs.parse().expect("a number of runs"))
}

/// A source that counts how often it is asked.
struct Counting<'a> {
    source: &'a Stored,
    asked: Cell<usize>,
}

impl SeriesSource for Counting<'_> {
    fn select(
        &self,
        matchers: &[Matcher],
        start: i64,
        end: i64,
        bounds: &SourceBounds,
    ) -> Result<Vec<Series>, SourceError> {
        self.asked.set(self.asked.get() + 1);
        self.source.select(matchers, start, end, bounds)
    }
}

/// Tries an expression; says whether it could be read, or was refused for what it is.
fn attempt(source: &Stored, expression: &str) -> Result<(), QueryError> {
    let query = Query::parse(expression);
    if let Err(error) = &query {
        assert!(error.position() <= expression.len(), "{error} lies outside of {expression}");
    }
    let query = query?;
    let source = Counting { source, asked: Cell::new(0) };
    let mut limits = Limits::default();
    limits.samples = 100_000;
    let engine = Engine::new(limits);
    // Errors are answers too.
    drop(engine.range(&query, &source, 0, 600_000, 60_000));
    source.asked.set(0);
    drop(engine.instant(&query, &source, 300_000));
    let asked = source.asked.replace(0);
    limits.deadline = Duration::ZERO;
    let late = Engine::new(limits).instant(&query, &source, 300_000);
    assert!(late.is_err() || asked == 0, "{expression} went on after its deadline");
    assert_eq!(source.asked.get(), 0, "{expression} asked after its deadline");
    Ok(())
}

#[test]
fn any_expression_of_the_grammar_is_evaluated_or_refused_without_a_panic_and_keeps_its_deadline() {
    let source = source();
    let mut read = 0;
    let runs = runs();
    for seed in 0..runs {
        let mut noise = Noise(seed);
        let levels = 1 + noise.below(5);
        let expression = vector(&mut noise, levels);
        let tried = catch_unwind(AssertUnwindSafe(|| attempt(&source, &expression)));
        let tried = tried.unwrap_or_else(|_| panic!("seed {seed}: {expression}"));
        assert!(
            matches!(tried, Ok(()) | Err(QueryError::Unsupported { .. } | QueryError::TooLarge { .. })),
            "seed {seed}: {expression}: {tried:?}"
        );
        read += u64::from(tried.is_ok());
    }
    assert!(read * 10 > runs * 9, "only {read} of {runs} could be read");
}

#[test]
fn any_spoilt_expression_is_read_or_refused_without_a_panic() {
    let source = source();
    for seed in 0..runs() {
        let mut noise = Noise(seed ^ 0xffff_0000);
        let levels = 1 + noise.below(3);
        let expression = vector(&mut noise, levels);
        let spoilt = spoil(&mut noise, &expression);
        let tried = catch_unwind(AssertUnwindSafe(|| attempt(&source, &spoilt)));
        assert!(tried.is_ok(), "seed {seed}: {spoilt}");
    }
}
