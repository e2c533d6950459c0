//! Names, looked up and checked before anything is connected to.

use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;

use super::{AddressError, AllowList};

/// Looks names up, and answers only if each address is allowed. The client connects to what it answers, and to nothing
/// else.
#[derive(Debug)]
pub(super) struct Checked<R = DefaultResolver> {
    allowed: AllowList,
    resolver: R,
}

impl Checked {
    pub(super) fn new(allowed: AllowList) -> Self {
        Self { allowed, resolver: DefaultResolver::default() }
    }
}

impl<R: Resolver> Resolver for Checked<R> {
    fn resolve(&self, uri: &Uri, config: &Config, timeout: NextTimeout) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let refused = |error: AddressError| ureq::Error::Other(Box::new(error));
        // Once more: the client might be asked for something that nobody has checked.
        self.allowed.check(&uri.to_string()).map_err(refused)?;
        let addresses = self.resolver.resolve(uri, config, timeout)?;
        if addresses.iter().all(|address| self.allowed.allows(address.ip())) {
            Ok(addresses)
        } else {
            Err(refused(AddressError::Address))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::{SocketAddr, TcpListener};
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use ureq::unversioned::transport::DefaultConnector;

    use super::*;

    /// A name server that answers a public address first and a private one from then on.
    #[derive(Debug)]
    struct Rebinding {
        asked: AtomicUsize,
        private: SocketAddr,
    }

    impl Resolver for Rebinding {
        fn resolve(&self, _: &Uri, _: &Config, _: NextTimeout) -> Result<ResolvedSocketAddrs, ureq::Error> {
            let mut addresses = self.empty();
            let public = SocketAddr::from(([192, 31, 196, 1], 9));
            addresses.push(if self.asked.fetch_add(1, Ordering::SeqCst) == 0 { public } else { self.private });
            Ok(addresses)
        }
    }

    #[test]
    fn a_name_that_leads_elsewhere_a_moment_later_gets_no_connection() {
        let canary = TcpListener::bind("127.0.0.1:0").unwrap();
        canary.set_nonblocking(true).unwrap();
        let private = canary.local_addr().unwrap();
        let allowed = AllowList::new().host("*");
        let config = ureq::Agent::config_builder().proxy(None).timeout_global(Some(Duration::from_millis(300))).build();
        let resolver = Checked { allowed, resolver: Rebinding { asked: AtomicUsize::new(0), private } };
        let agent = ureq::Agent::with_parts(config, DefaultConnector::default(), resolver);
        for _ in 0..3 {
            assert!(agent.get("http://rebind.example/").call().is_err());
        }
        assert!(canary.accept().is_err(), "nobody connected");
    }
}
