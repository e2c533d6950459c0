//! The service that is being watched: its name, version and revision.

/// Names the service in logs, metrics and error reports.
///
/// Made by [`service_info!`](crate::service_info), which takes name and version from the app's own
/// `Cargo.toml`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct ServiceInfo {
    /// The service's name; the app's package name by default.
    pub name: &'static str,
    /// The service's version; the app's package version by default.
    pub version: &'static str,
    /// The source revision the app was built from; `unknown` unless `GIT_REVISION` was set at build time.
    pub revision: &'static str,
}

impl ServiceInfo {
    /// Names a service and its version; the revision is `unknown`.
    pub const fn new(name: &'static str, version: &'static str) -> Self {
        Self { name, version, revision: "unknown" }
    }

    /// Sets the source revision, such as a commit id.
    #[must_use]
    pub const fn with_revision(mut self, revision: &'static str) -> Self {
        self.revision = revision;
        self
    }
}

/// Describes the calling app from its own `Cargo.toml`, and its revision from `GIT_REVISION` at build time.
///
/// ```
/// let service = watchkeeper::service_info!();
/// assert_eq!(service.name, env!("CARGO_PKG_NAME"));
/// ```
#[macro_export]
macro_rules! service_info {
    () => {
        $crate::ServiceInfo::new(env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION")).with_revision(
            match option_env!("GIT_REVISION") {
                Some(revision) => revision,
                None => "unknown",
            },
        )
    };
}
