//! Alertmanager, told by its API of version 2.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use thiserror::Error;

use super::outbox::Post;
use super::payload::Posted;
use super::post::post;
use crate::alerting::states::Notice;
use crate::journal::{Fault, Then};

/// How long a request may take.
const TIMEOUT: Duration = Duration::from_secs(4);

/// How many alerts a request holds, as Prometheus sends them.
const BATCH: usize = 64;

/// Sends alerts to Alertmanager, all of its peers alike.
///
/// A batch has arrived when one peer has taken it, as Prometheus sees it: the peers tell each other. When none can be
/// reached it is tried again, with rests of up to a second, for as long as it takes. What fires is sent again every minute
/// with a new `endsAt`, so a peer that was away learns of it; what is over is sent for 15 minutes.
///
/// ```
/// use watchkeeper::alerting::Alertmanager;
///
/// let alertmanager = Alertmanager::new(["http://alertmanager-0:9093", "http://alertmanager-1:9093"])?;
/// # Ok::<(), watchkeeper::alerting::AlertmanagerError>(())
/// ```
#[derive(Clone)]
pub struct Alertmanager {
    peers: Vec<http::Uri>,
    authorization: Option<http::HeaderValue>,
    agent: ureq::Agent,
    external_labels: BTreeMap<String, String>,
    external_url: String,
}

/// Says what is wrong with how Alertmanager is to be reached.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum AlertmanagerError {
    /// There is no address.
    #[error("there is no address of an Alertmanager")]
    None,
    /// An address is no URL of http or https.
    #[error("`{0}` is no URL of http or https such as http://alertmanager:9093")]
    Address(String),
    /// What is sent for `Authorization` cannot stand in a header.
    #[error("the Authorization for Alertmanager cannot stand in a header")]
    Authorization,
}

impl Alertmanager {
    /// Sends to each of these addresses, up to the path in front of `/api/v2/alerts`.
    ///
    /// # Errors
    ///
    /// When there is none, or one is no URL.
    pub fn new<A: AsRef<str>>(addresses: impl IntoIterator<Item = A>) -> Result<Self, AlertmanagerError> {
        let peers: Result<Vec<_>, _> = addresses.into_iter().map(|address| endpoint(address.as_ref())).collect();
        let peers = peers?;
        if peers.is_empty() {
            return Err(AlertmanagerError::None);
        }
        let agent = ureq::Agent::config_builder()
            .timeout_global(Some(TIMEOUT))
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .user_agent(concat!("watchkeeper/", env!("CARGO_PKG_VERSION")))
            .build()
            .new_agent();
        Ok(Self { peers, authorization: None, agent, external_labels: BTreeMap::new(), external_url: String::new() })
    }

    /// Sends this `Authorization` along, such as `Bearer …`.
    ///
    /// # Errors
    ///
    /// When it cannot stand in a header.
    pub fn authorization(mut self, value: &str) -> Result<Self, AlertmanagerError> {
        let mut value = http::HeaderValue::from_str(value).map_err(|_| AlertmanagerError::Authorization)?;
        value.set_sensitive(true);
        self.authorization = Some(value);
        Ok(self)
    }

    /// Says what this instance adds to each alert, and where its rules are found.
    pub(in crate::alerting) fn seen_outside(mut self, labels: &BTreeMap<String, String>, url: &str) -> Self {
        (self.external_labels, self.external_url) = (labels.clone(), url.to_owned());
        self
    }
}

fn endpoint(address: &str) -> Result<http::Uri, AlertmanagerError> {
    let wrong = || AlertmanagerError::Address(without_credentials(address));
    let uri: http::Uri =
        format!("{}/api/v2/alerts", address.trim().trim_end_matches('/')).parse().map_err(|_| wrong())?;
    let is_url = matches!(uri.scheme_str(), Some("http" | "https")) && uri.host().is_some_and(|host| !host.is_empty());
    if is_url { Ok(uri) } else { Err(wrong()) }
}

/// An address as it may be shown.
fn without_credentials(address: &str) -> String {
    match (address.find("://"), address.rfind('@')) {
        (Some(scheme), Some(at)) if at > scheme => format!("{}…{}", &address[..scheme + 3], &address[at..]),
        _ => address.to_owned(),
    }
}

impl Post for Alertmanager {
    fn batch(&self) -> usize {
        BATCH
    }

    async fn post(&self, notices: Vec<Notice>) -> Result<(), Fault> {
        let alerts: Vec<_> =
            notices.iter().map(|notice| Posted::of(notice, &self.external_labels, &self.external_url)).collect();
        let body = serde_json::to_vec(&alerts).map_err(|error| Fault { then: Then::Bisect, error: error.into() })?;
        let header = self.authorization.as_ref().map(|value| (http::header::AUTHORIZATION, value.clone()));
        // All at the same time; each has its own thread while it waits.
        let sent: Vec<_> = self
            .peers
            .iter()
            .map(|peer| {
                tokio::spawn(post(self.agent.clone(), peer.clone(), header.clone().into_iter().collect(), body.clone()))
            })
            .collect();
        let (mut arrived, mut worst) = (false, None::<Fault>);
        for answer in sent {
            match answer.await {
                Ok(Ok(())) => arrived = true,
                Ok(Err(fault)) if worst.as_ref().is_none_or(|worst| worst.then != Then::TryAgain) => {
                    worst = Some(fault)
                }
                _ => {}
            }
        }
        match worst {
            Some(fault) if !arrived => Err(fault),
            _ => Ok(()),
        }
    }
}

impl fmt::Debug for Alertmanager {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hosts: Vec<_> = self.peers.iter().filter_map(http::Uri::host).collect();
        f.debug_struct("Alertmanager").field("hosts", &hosts).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_reached_is_said_and_nothing_secret_is_shown() {
        assert!(matches!(Alertmanager::new(Vec::<String>::new()), Err(AlertmanagerError::None)));
        for address in ["", "alertmanager:9093", "ftp://am", "http://"] {
            assert!(matches!(Alertmanager::new([address]), Err(AlertmanagerError::Address(_))), "{address}");
        }
        let error = Alertmanager::new(["ftp://me:s3cret@am"]).unwrap_err();
        assert!(!error.to_string().contains("s3cret"), "{error}");
        let there = Alertmanager::new(["http://me:s3cret@am:9093/prefix/"]).unwrap();
        assert_eq!(there.peers[0].path(), "/prefix/api/v2/alerts");
        assert!(!format!("{there:?}").contains("s3cret"));
    }
}
