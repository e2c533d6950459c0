//! Metrics of the build that runs.

use crate::metric::{GaugeDesc, GaugeFamily, Open, RegisterError, Registry};
use crate::service::ServiceInfo;

crate::open_label! {
    /// The service's version.
    pub struct Version: "version";
}

crate::open_label! {
    /// The source revision the service was built from.
    pub struct Revision: "revision";
}

/// Shows which build runs.
pub const BUILD_INFO: GaugeDesc<(Open<Version>, Open<Revision>)> =
    GaugeDesc::new("build_info", "The build that runs, always 1, by version and source revision.");

/// Records which build runs.
///
/// ```
/// use watchkeeper::presets::Presets;
///
/// let metrics = Presets::default();
/// metrics.build().record_service(&watchkeeper::service_info!());
/// ```
#[derive(Debug, Clone)]
pub struct BuildMetrics {
    build_info: GaugeFamily<(Open<Version>, Open<Revision>)>,
}

impl BuildMetrics {
    /// Registers the group.
    ///
    /// # Errors
    ///
    /// When a name is taken by a metric of another meaning.
    pub fn register(registry: &Registry) -> Result<Self, RegisterError> {
        Ok(Self { build_info: registry.gauge(&BUILD_INFO)? })
    }

    /// Shows the service's version and revision.
    pub fn record_service(&self, service: &ServiceInfo) {
        self.build_info.set((service.version, service.revision), 1.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metric::Format;

    #[test]
    fn the_build_that_runs_shows_its_version_and_revision() {
        let registry = Registry::new();
        let service = ServiceInfo::new("shop", "1.2.3").with_revision("4f2c81d");
        BuildMetrics::register(&registry).unwrap().record_service(&service);
        let scrape = registry.render(Format::Text);
        assert!(scrape.contains("build_info{version=\"1.2.3\",revision=\"4f2c81d\"} 1\n"), "{scrape}");
    }
}
