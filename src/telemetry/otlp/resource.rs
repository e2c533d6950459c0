//! The resource: which service, and which instance of it, the spans come from.

use super::error::OtlpError;
use super::settings::{list, service_name};
use crate::environment::Environment;
use crate::service::ServiceInfo;

/// Describes the service. What `OTEL_RESOURCE_ATTRIBUTES` says wins over what the app says of itself, and
/// `OTEL_SERVICE_NAME` over both.
pub(super) fn describe(environment: &Environment, service: ServiceInfo) -> Result<Vec<(String, String)>, OtlpError> {
    let mut resource: Vec<(String, String)> = Vec::new();
    let mut set = |key: &str, value: String| match resource.iter_mut().find(|(known, _)| known == key) {
        Some((_, old)) => *old = value,
        None => resource.push((key.to_owned(), value)),
    };
    set("service.name", service.name.to_owned());
    set("service.version", service.version.to_owned());
    set("service.instance.id", uuid::Uuid::now_v7().to_string());
    set("telemetry.sdk.name", env!("CARGO_PKG_NAME").to_owned());
    set("telemetry.sdk.version", env!("CARGO_PKG_VERSION").to_owned());
    set("telemetry.sdk.language", "rust".to_owned());
    if service.revision != "unknown" {
        set("vcs.ref.head.revision", service.revision.to_owned());
    }
    if let Some(name) = environment.get("ENVIRONMENT")? {
        set("deployment.environment.name", name);
    }
    for (key, value) in list(environment, "OTEL_RESOURCE_ATTRIBUTES")? {
        set(&key, value);
    }
    if let Some(name) = service_name(environment)? {
        set("service.name", name);
    }
    Ok(resource)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn described<const N: usize>(variables: [(&str, &str); N]) -> Vec<(String, String)> {
        describe(&variables.into_iter().collect(), ServiceInfo::new("shop", "1.2.3").with_revision("0a1b")).unwrap()
    }

    fn value<'a>(resource: &'a [(String, String)], key: &str) -> Option<&'a str> {
        resource.iter().find(|(known, _)| known == key).map(|(_, value)| value.as_str())
    }

    #[test]
    fn the_app_describes_itself() {
        let resource = described([]);
        assert_eq!(value(&resource, "service.name"), Some("shop"));
        assert_eq!(value(&resource, "service.version"), Some("1.2.3"));
        assert_eq!(value(&resource, "vcs.ref.head.revision"), Some("0a1b"));
        assert_eq!(value(&resource, "deployment.environment.name"), None);
    }

    #[test]
    fn the_environment_wins_and_the_service_name_has_a_variable_of_its_own() {
        let attributes = "service.name=a, service.version = 9,team=caf%C3%A9%2C%20bar";
        let of_attributes = described([("OTEL_RESOURCE_ATTRIBUTES", attributes), ("ENVIRONMENT", "staging")]);
        assert_eq!(value(&of_attributes, "service.name"), Some("a"));
        assert_eq!(value(&of_attributes, "service.version"), Some("9"));
        assert_eq!(value(&of_attributes, "team"), Some("café, bar"));
        assert_eq!(value(&of_attributes, "deployment.environment.name"), Some("staging"));
        let both = described([("OTEL_RESOURCE_ATTRIBUTES", attributes), ("OTEL_SERVICE_NAME", "b")]);
        assert_eq!(value(&both, "service.name"), Some("b"));
    }
}
