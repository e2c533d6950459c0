//! Queues in front of sinks: bounded in bytes and items, with an account of every item.
//!
//! What is offered to a sink is accepted into its [`Account`], and from then on
//!
//! ```text
//! accepted = stored + dropped, by reason + queued
//! ```
//!
//! holds whenever the account is read: its numbers lie behind one lock, which is held for a few additions and never
//! across anything else. An item leaves a queue in a batch, which is a token: it is consumed by `stored` or by
//! `dropped` with a reason, and one that is let fall counts as lost.

#![allow(dead_code, reason = "some of it is for sinks that are behind features")]

mod account;
mod accounts;
mod batch;
mod bounded;
mod counts;
#[cfg(all(test, watchkeeper_loom))]
mod loom_tests;
mod loss;
mod own_work;
mod room;
#[cfg(all(test, not(watchkeeper_loom)))]
mod tests;
mod waiting;
mod worker;

pub use account::Account;
pub(crate) use account::Refusal;
pub use accounts::Accounts;
pub(crate) use batch::Batch;
pub(crate) use bounded::{Queue, Wait};
pub use counts::Counts;
#[cfg(all(test, not(watchkeeper_loom)))]
pub(crate) use loss::Loss;
pub(crate) use own_work::OwnWork;
pub use room::{Bound, Priority};
pub(crate) use worker::{Ended, Worker, survive};
