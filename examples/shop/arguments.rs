//! Arguments: what the shop is told on its command line and in the environment.

use std::error::Error;
use std::fmt;
use std::num::NonZeroU32;

const USAGE: &str = "\
usage: shop [--traffic N]
  --traffic N   send itself N requests a second, 1 to 10000; default: none
  LISTEN_ADDR   the environment variable with the address to listen on; default: 127.0.0.1:3000";

const MOST_TRAFFIC: u32 = 10_000;

/// What the shop was told.
#[derive(Debug, PartialEq)]
pub(crate) struct Arguments {
    pub(crate) listen_addr: String,
    pub(crate) traffic: Option<NonZeroU32>,
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
        Ok(Self { listen_addr, traffic: traffic(words)? })
    }
}

fn traffic(words: Vec<String>) -> Result<Option<NonZeroU32>, Refusal> {
    let mut traffic = None;
    let mut words = words.into_iter();
    while let Some(word) = words.next() {
        let rate = match word.strip_prefix("--traffic=") {
            Some(rate) => rate.to_owned(),
            None if word == "--traffic" => words.next().ok_or_else(|| Refusal::usage("--traffic needs a number"))?,
            None => return Err(Refusal::usage(&format!("{word:?} is no argument of the shop"))),
        };
        traffic = Some(rate_of(&rate)?);
    }
    Ok(traffic)
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
