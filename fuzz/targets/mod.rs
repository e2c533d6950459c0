//! What is fuzzed: functions that take any bytes, and panic where a promise is broken.
//!
//! `fuzz_targets/` runs them under libFuzzer; `tests/fuzz_smoke.rs` runs them over random bytes, without a fuzzer.

#![allow(dead_code, unreachable_pub, reason = "each program uses a part of this")]

pub mod entropy;
pub mod expected;
pub mod exposition;
pub mod labels;
pub mod path_pattern;
pub mod plan;
pub mod reader;
