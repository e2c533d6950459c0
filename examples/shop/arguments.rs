//! Arguments: what the shop is told on its command line and in the environment.

use std::error::Error;
use std::fmt;
use std::num::NonZeroU32;

const USAGE: &str = "\
usage: shop [--traffic N [--failing P]]
  --traffic N   send itself N requests a second, 1 to 10000; default: none
  --failing P   let P of a hundred of them fail, 0 to 100; default: one or two
  LISTEN_ADDR   the environment variable with the address to listen on; default: 127.0.0.1:3000";

const MOST_TRAFFIC: u32 = 10_000;

/// What the shop was told.
#[derive(Debug, PartialEq)]
pub(crate) struct Arguments {
    pub(crate) listen_addr: String,
    pub(crate) traffic: Option<NonZeroU32>,
    /// How many of a hundred requests of the traffic fail, beside the few that always do.
    pub(crate) failing: u32,
}

impl Arguments {
    pub(crate) fn of_this_process() -> Result<Self, Refusal> {
        let listen_addr = match std::env::var("LISTEN_ADDR") {
            Ok(address) if !address.is_empty() => address,
            Ok(_) | Err(std::env::VarError::NotPresent) => "127.0.0.1:3000".to_owned(),
            Err(error) => return Err(Refusal(format!("LISTEN_ADDR: {error}"))),
        };
        let words: Result<Vec<_>, _> = std::env::args_os().skip(1).map(std::ffi::OsString::into_string).collect();
        let words = words.map_err(|word| Refusal::usage(&format!("{} is not Unicode", word.display())))?;
        let (traffic, failing) = traffic(words)?;
        Ok(Self { listen_addr, traffic, failing })
    }
}

fn traffic(words: Vec<String>) -> Result<(Option<NonZeroU32>, u32), Refusal> {
    let (mut traffic, mut failing) = (None, 0);
    let mut words = words.into_iter();
    while let Some(word) = words.next() {
        let (name, value) = match word.split_once('=') {
            Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
            None => (word, None),
        };
        if !matches!(name.as_str(), "--traffic" | "--failing") {
            return Err(Refusal::usage(&format!("{name:?} is no argument of the shop")));
        }
        let value = value.or_else(|| words.next()).ok_or_else(|| Refusal::usage(&format!("{name} needs a number")))?;
        match name.as_str() {
            "--traffic" => traffic = Some(rate_of(&value)?),
            _ => failing = share_of(&value)?,
        }
    }
    Ok((traffic, failing))
}

fn share_of(text: &str) -> Result<u32, Refusal> {
    let share = text.parse().ok().filter(|share| *share <= 100);
    share.ok_or_else(|| Refusal::usage(&format!("--failing takes 0 to 100 of a hundred requests, not {text:?}")))
}

fn rate_of(text: &str) -> Result<NonZeroU32, Refusal> {
    let rate = text.parse::<NonZeroU32>().ok().filter(|rate| rate.get() <= MOST_TRAFFIC);
    rate.ok_or_else(|| Refusal::usage(&format!("--traffic takes 1 to {MOST_TRAFFIC} requests a second, not {text:?}")))
}

/// Says why the shop stays closed. A `main` that returns it prints it as it is.
pub(crate) struct Refusal(String);

impl Refusal {
    pub(crate) fn address(address: &str, error: &std::io::Error) -> Self {
        Self(format!("LISTEN_ADDR is {address:?}, and the shop cannot listen there: {error}"))
    }

    fn usage(wrong: &str) -> Self {
        Self(format!("{wrong}\n{USAGE}"))
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for Refusal {}
