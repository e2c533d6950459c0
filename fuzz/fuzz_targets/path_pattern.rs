//! Runs `targets/path_pattern.rs` under libFuzzer.
#![no_main]

#[path = "../targets/mod.rs"]
mod targets;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| targets::path_pattern::run(bytes));
