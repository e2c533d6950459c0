//! What can be wrong when a registry is built or a metric is registered.

use thiserror::Error;

use super::name::NameError;

/// Says why a metric was not registered; the registry stays as it was.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum RegisterError {
    /// Another metric of that name is registered, with another meaning.
    #[error("metric `{name}` is registered already and differs in its {difference}")]
    Conflict {
        /// The name with the registry's prefix.
        name: String,
        /// What differs: `type`, `help`, `labels`, `buckets` or `owner`.
        difference: &'static str,
    },
    /// A closed label set makes more series than a metric may have.
    #[error("metric `{name}` would have {series} series from its closed labels alone; at most {limit} are allowed")]
    TooManySeries {
        /// The name with the registry's prefix.
        name: String,
        /// How many series the closed labels make.
        series: usize,
        /// The registry's `max_series`.
        limit: usize,
    },
    /// A constant label of the registry has the name of one of the metric's own.
    #[error("metric `{name}` has a label `{label}`, and so has the registry itself")]
    ConstantLabel {
        /// The name with the registry's prefix.
        name: String,
        /// The label's name.
        label: String,
    },
    /// The registry's room for series, four million cells, is used up.
    #[error("metric `{name}` finds no room: the registry's cells are used up")]
    Full {
        /// The name with the registry's prefix.
        name: String,
    },
    /// A collector of the `prometheus` crate was refused.
    #[error("the collector was refused: {0}")]
    Collector(String),
    /// The token that `/metrics` is to ask for is empty.
    #[error("`metrics_token` is empty: leave it out where `/metrics` is for everybody")]
    EmptyToken,
    /// A setting is not what it may be. It says which one, and what is allowed.
    #[error("{0}")]
    Setting(String),
}

/// Says why a registry was not built.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum BuildError {
    /// The prefix is no name.
    #[error("prefix `{prefix}`: {source}")]
    Prefix {
        /// The prefix given.
        prefix: String,
        /// The rule it breaks.
        source: NameError,
    },
    /// A constant label's name is no name, or is given twice.
    #[error("constant label `{label}`: {source}")]
    ConstantLabel {
        /// The label given.
        label: String,
        /// The rule it breaks.
        source: NameError,
    },
    /// The bounds chosen for a metric are no bounds.
    #[error("buckets of `{metric}`: {source}")]
    Buckets {
        /// The metric they were chosen for.
        metric: String,
        /// The rule they break.
        source: NameError,
    },
    /// A limit is zero.
    #[error("{limit} is 0; at least 1 is needed")]
    Limit {
        /// The builder's method: `max_label_values` or `max_series`.
        limit: &'static str,
    },
}
