//! Metrics of the exporters around an app, as far as rules and dashboards use them.
//!
//! Each module is one exporter; its `METRICS` lists what is declared, so that a test can compare it with a scrape of
//! the real one. The labels are those that queries use; an exporter may have more.

macro_rules! exporter {
    ($exporter:literal; $($(#[$meta:meta])* $const:ident: $kind:ident($name:literal, [$($label:literal),*] $(, [$($bound:literal),*])?);)+) => {
        $(
            $(#[$meta])*
            pub const $const: $crate::promql::ExporterMetric =
                $crate::promql::ExporterMetric::$kind($exporter, $name, &[$($label),*] $(, &[$($bound),*])?);
        )+

        /// Everything that is declared here.
        pub const METRICS: &[$crate::promql::ExporterMetric] = &[$($const),+];
    };
}

pub mod alertmanager;
pub mod cadvisor;
pub mod kafka;
pub mod node;
pub mod postgres;
pub mod prometheus;
pub mod redis;
pub mod traefik;

use crate::promql::ExporterMetric;

/// Every declared metric of every exporter.
pub fn all() -> impl Iterator<Item = &'static ExporterMetric> {
    [
        alertmanager::METRICS,
        cadvisor::METRICS,
        kafka::METRICS,
        node::METRICS,
        postgres::METRICS,
        prometheus::METRICS,
        redis::METRICS,
        traefik::METRICS,
    ]
    .into_iter()
    .flatten()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    #[test]
    fn no_metric_is_declared_twice() {
        let names: BTreeSet<_> = super::all().map(|metric| metric.name).collect();
        assert_eq!(names.len(), super::all().count());
    }
}
