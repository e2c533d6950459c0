//! The evaluation of PromQL against Prometheus' own test scripts, and against expressions that nobody wrote.
//!
//! The scripts are read from `../shared/promql` beside the project, or from the folder that `WATCHKEEPER_TEST_PROMQL`
//! names; without them, the one test of them says so and passes.

mod expectation;
mod notation;
mod script;
mod scripts;
mod stored;
