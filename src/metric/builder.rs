//! The choices a registry is built with.

use std::collections::HashMap;

use super::bucket;
use super::descriptor::HistogramDesc;
use super::error::BuildError;
use super::family::Limits;
use super::label::LabelSet;
use super::name::{self, NameError};
use super::registry::Registry;
use super::text;

/// What a registry puts on every metric.
#[derive(Debug)]
pub(super) struct Options {
    pub(super) prefix: Option<String>,
    pub(super) constant_labels: Vec<(String, String)>,
    pub(super) limits: Limits,
    pub(super) buckets: HashMap<String, Vec<f64>>,
}

impl Default for Options {
    fn default() -> Self {
        let limits = Limits { values: 1_000, series: 2_000 };
        Self { prefix: None, constant_labels: Vec::new(), limits, buckets: HashMap::new() }
    }
}

impl Options {
    pub(super) fn full_name(&self, name: &str) -> String {
        self.prefix.as_ref().map_or_else(|| name.to_owned(), |prefix| format!("{prefix}_{name}"))
    }

    pub(super) fn constant_text(&self) -> String {
        let mut constant = String::new();
        for (label, value) in &self.constant_labels {
            text::push_label(&mut constant, label, value);
        }
        constant
    }
}

/// Builds a [`Registry`]; made by [`Registry::builder`].
#[derive(Debug, Default)]
#[must_use = "a builder does nothing until it is built"]
pub struct RegistryBuilder {
    options: Options,
}

impl RegistryBuilder {
    /// Puts `prefix` and an underscore in front of every name. Default: none.
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.options.prefix = Some(prefix.into());
        self
    }

    /// Puts a label on every series. Default: none.
    pub fn constant_label(mut self, label: impl Into<String>, value: impl AsRef<str>) -> Self {
        let value = crate::sanitise::label_value(value.as_ref()).into_owned();
        self.options.constant_labels.push((label.into(), value));
        self
    }

    /// Replaces a histogram's buckets, in its unit. Default: those of its descriptor.
    pub fn buckets<L: LabelSet>(mut self, metric: &HistogramDesc<L>, bounds: &[f64]) -> Self {
        self.options.buckets.insert(metric.name().to_owned(), bounds.to_vec());
        self
    }

    /// Sets how many values an open label may have in one metric. Default: 1,000.
    pub fn max_label_values(mut self, values: usize) -> Self {
        self.options.limits.values = values;
        self
    }

    /// Sets how many series one metric may have, beside its overflow. Default: 2,000.
    pub fn max_series(mut self, series: usize) -> Self {
        self.options.limits.series = series;
        self
    }

    /// Builds the registry.
    ///
    /// # Errors
    ///
    /// Names the prefix, label, metric or limit that does not fit.
    pub fn build(self) -> Result<Registry, BuildError> {
        let Options { prefix, constant_labels, limits, buckets } = &self.options;
        if let Some(prefix) = prefix.as_ref().filter(|prefix| !name::is_snake_case(prefix)) {
            return Err(BuildError::Prefix { prefix: prefix.clone(), source: NameError::NotSnakeCase });
        }
        let mut seen: Vec<&str> = Vec::new();
        for (label, _) in constant_labels {
            seen.push(label);
            if let Err(source) = name::check_labels(&seen) {
                return Err(BuildError::ConstantLabel { label: label.clone(), source });
            }
        }
        for (metric, bounds) in buckets {
            if let Err(source) = bucket::check(bounds) {
                return Err(BuildError::Buckets { metric: metric.clone(), source });
            }
        }
        for (limit, value) in [("max_label_values", limits.values), ("max_series", limits.series)] {
            if value == 0 {
                return Err(BuildError::Limit { limit });
            }
        }
        Ok(Registry::with(self.options))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bad_choice_is_named() {
        let error = |builder: RegistryBuilder| builder.build().unwrap_err().to_string();
        assert!(error(Registry::builder().prefix("My-App")).starts_with("prefix `My-App`: "));
        let twice = Registry::builder().constant_label("zone", "a").constant_label("zone", "b");
        assert_eq!(error(twice), "constant label `zone`: two labels have the same name");
        assert_eq!(error(Registry::builder().max_series(0)), "max_series is 0; at least 1 is needed");
    }
}
