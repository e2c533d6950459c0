//! One request with JSON, and what its answer means.

use tokio::task::spawn_blocking;

use crate::journal::{Fault, Then};
use crate::presets::monitoring::DropReason;

/// Sends a body, away from the thread of everything else. Of the answer only the status is read.
pub(super) async fn post(
    agent: ureq::Agent,
    address: http::Uri,
    headers: Vec<(http::HeaderName, http::HeaderValue)>,
    body: Vec<u8>,
) -> Result<(), Fault> {
    let sent = spawn_blocking(move || {
        let mut request = agent.post(address).header("content-type", "application/json");
        for (name, value) in headers {
            request = request.header(name, value);
        }
        request.send(&body).map(|answer| answer.status().as_u16())
    });
    match sent.await {
        Ok(Ok(status)) => of_status(status),
        Ok(Err(error)) => Err(Fault { then: Then::TryAgain, error: error.into() }),
        Err(error) => Err(Fault { then: Then::Suspect, error: error.into() }),
    }
}

fn of_status(status: u16) -> Result<(), Fault> {
    let then = match status {
        200..=299 => return Ok(()),
        408 | 425 | 429 | 500..=599 => Then::TryAgain,
        400 | 413 | 422 => Then::Bisect,
        410 => Then::Drop(DropReason::Refused),
        // A path or a password that is wrong: it may be mended, and the alert is told again while it stands.
        _ => Then::Drop(DropReason::Failed),
    };
    Err(Fault { then, error: format!("the answer was {status}").into() })
}
