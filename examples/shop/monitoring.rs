//! Monitoring: who may ask the shop's own watch.

use std::hash::{BuildHasher, RandomState};
use std::io::{Write, stderr};

use watchkeeper::api::monitoring::{InvalidTokens, Role, Tokens};

/// The callers of the monitoring API: those of `MONITORING_TOKENS`, or else one of each role whose token is made for this
/// run and shown on standard error, beside the log and not in it.
pub(crate) fn principals() -> Result<Tokens, InvalidTokens> {
    if let Some(tokens) = Tokens::from_env()? {
        return Ok(tokens);
    }
    let mut tokens = Tokens::new();
    let mut shown =
        String::from("MONITORING_TOKENS is not set; until the shop closes, these open the monitoring API:\n");
    for role in Role::ALL {
        let token = token();
        shown += &format!("  {role}: {token}\n");
        tokens = tokens.token(role.as_str(), *role, &token)?;
    }
    // Where nobody reads, nobody needs a token.
    let _ = stderr().write_all(shown.as_bytes());
    Ok(tokens)
}

/// Makes 128 bits of hexadecimal digits out of keys that the system's random numbers make. A shop with real customers would
/// be given its tokens.
fn token() -> String {
    let half = || RandomState::new().hash_one(std::process::id());
    format!("{:016x}{:016x}", half(), half())
}
