//! Descriptors: what a metric is called, what it means, and which labels it has.

use std::borrow::Cow;
use std::marker::PhantomData;

use super::bucket;
use super::label::{LabelInfo, LabelSet};
use super::name::{self, NameError};

/// What a metric is to Prometheus.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// A total that only rises.
    Counter,
    /// A value that is set.
    Gauge,
    /// A number of things under way, raised and lowered by guards; a gauge to Prometheus.
    UpDown,
    /// A distribution over buckets.
    Histogram,
}

impl Kind {
    /// Returns the type as the exposition format writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge | Self::UpDown => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

/// The base unit that a metric's name ends in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Unit {
    /// Things are counted; the name says which.
    Count,
    /// Seconds, kept as whole nanoseconds.
    Seconds,
    /// Bytes.
    Bytes,
    /// A share between 0 and 1, kept in billionths.
    Ratio,
    /// Hundredths of a currency's unit.
    Cents,
}

impl Unit {
    /// Returns the unit's name, empty for a count.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Count => "",
            Self::Seconds => "seconds",
            Self::Bytes => "bytes",
            Self::Ratio => "ratio",
            Self::Cents => "cents",
        }
    }

    const fn of(name: &str) -> Self {
        if name::ends_with(name, "_seconds") || name::ends_with(name, "_seconds_total") {
            Self::Seconds
        } else if name::ends_with(name, "_bytes") || name::ends_with(name, "_bytes_total") {
            Self::Bytes
        } else if name::ends_with(name, "_ratio") {
            Self::Ratio
        } else if name::ends_with(name, "_cents") || name::ends_with(name, "_cents_total") {
            Self::Cents
        } else {
            Self::Count
        }
    }

    /// How many ticks of a cell make one unit.
    pub(crate) const fn ticks(self) -> u64 {
        match self {
            Self::Seconds | Self::Ratio => 1_000_000_000,
            Self::Count | Self::Bytes | Self::Cents => 1,
        }
    }
}

/// What every descriptor says, whatever its labels' types.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Meta {
    /// The metric's name without the registry's prefix.
    pub name: Cow<'static, str>,
    /// One sentence for the reader of a scrape.
    pub help: Cow<'static, str>,
    /// What the metric is to Prometheus.
    pub kind: Kind,
    /// Name and values of each label, in order.
    pub labels: &'static [LabelInfo],
    /// The upper bounds of a histogram's buckets, in its unit; empty for other kinds.
    pub buckets: Cow<'static, [f64]>,
    /// Whether a histogram keeps the trace id of a slow observation per bucket; off by default.
    pub exemplars: bool,
    /// Whether a series of closed labels is exported from its first use rather than from zero; off by default.
    pub on_demand: bool,
}

impl Meta {
    /// Returns the base unit that the name ends in.
    pub fn unit(&self) -> Unit {
        Unit::of(&self.name)
    }

    const fn new(
        name: &'static str,
        help: &'static str,
        kind: Kind,
        labels: &'static [LabelInfo],
        buckets: &'static [f64],
    ) -> Self {
        Self {
            name: Cow::Borrowed(name),
            help: Cow::Borrowed(help),
            kind,
            labels,
            buckets: Cow::Borrowed(buckets),
            exemplars: false,
            on_demand: false,
        }
    }
}

/// A descriptor of any kind: what catalogues and generated documents are made of.
pub trait Describe: Sync {
    /// Returns what the descriptor says.
    fn meta(&self) -> &Meta;
}

const fn checked(result: Result<(), NameError>, labels: Result<(), NameError>, help: &str) -> Result<(), NameError> {
    if let Err(error) = result {
        return Err(error);
    }
    if let Err(error) = labels {
        return Err(error);
    }
    if help.is_empty() { Err(NameError::NoHelp) } else { Ok(()) }
}

/// Ends compilation with what is wrong: this only ever runs inside a constant.
const fn must(result: Result<(), NameError>) {
    if let Err(error) = result {
        panic!("{}", error.text());
    }
}

macro_rules! descriptor {
    ($(#[$meta:meta])* $name:ident, $kind:expr, $check:path) => {
        $(#[$meta])*
        #[derive(Debug)]
        pub struct $name<L = ()> {
            pub(crate) meta: Meta,
            labels: PhantomData<fn() -> L>,
        }

        impl<L: LabelSet> $name<L> {
            /// Declares the metric; made for constants.
            ///
            /// # Panics
            ///
            /// While compiling, when used in a constant: on a name that breaks the rules of [`NameError`].
            /// For a name made at run time there is [`try_new`](Self::try_new).
            pub const fn new(name: &'static str, help: &'static str) -> Self {
                must(checked($check(name), name::check_labels(L::NAMES), help));
                Self { meta: Meta::new(name, help, $kind, L::LABELS, &[]), labels: PhantomData }
            }

            /// Declares the metric under a name made at run time.
            ///
            /// # Errors
            ///
            /// Says which rule the name breaks.
            pub fn try_new(name: impl Into<String>, help: impl Into<String>) -> Result<Self, NameError> {
                let (name, help) = (name.into(), help.into());
                checked($check(&name), name::check_labels(L::NAMES), &help)?;
                let meta = Meta {
                    name: Cow::Owned(name),
                    help: Cow::Owned(help),
                    ..Meta::new("", "", $kind, L::LABELS, &[])
                };
                Ok(Self { meta, labels: PhantomData })
            }

            /// Exports a series of closed labels from its first use rather than from zero: for a label that lists more than any
            /// one app has.
            #[must_use]
            pub const fn on_demand(mut self) -> Self {
                self.meta.on_demand = true;
                self
            }

            /// Returns the metric's name without the registry's prefix.
            pub fn name(&self) -> &str {
                &self.meta.name
            }
        }

        impl<L: LabelSet> Describe for $name<L> {
            fn meta(&self) -> &Meta {
                &self.meta
            }
        }
    };
}

descriptor! {
    /// Declares a total that only rises; its name ends in `_total`.
    ///
    /// ```
    /// use watchkeeper::metric::CounterDesc;
    ///
    /// watchkeeper::label_enum! {
    ///     /// How a parcel left the house.
    ///     pub enum Carrier: "carrier" {
    ///         /// By post.
    ///         Post = "post",
    ///         /// By bicycle.
    ///         Bicycle = "bicycle",
    ///     }
    /// }
    /// pub const PARCELS_SENT: CounterDesc<(Carrier,)> =
    ///     CounterDesc::new("parcels_sent_total", "Parcels that left the house, by carrier.");
    /// ```
    CounterDesc, Kind::Counter, name::check_counter
}

descriptor! {
    /// Declares a value that is set, such as a temperature or the size of a pool.
    GaugeDesc, Kind::Gauge, name::check_gauge
}

descriptor! {
    /// Declares a number of things under way, which guards raise and lower.
    ///
    /// Cells per thread make it as cheap as a counter; [`GaugeDesc`] is for a value that is set.
    UpDownDesc, Kind::UpDown, name::check_gauge
}

/// Declares a distribution over buckets; its name ends in its unit.
///
/// ```
/// use watchkeeper::metric::{HistogramDesc, bucket};
///
/// pub const PACKING_SECONDS: HistogramDesc =
///     HistogramDesc::new("packing_duration_seconds", "Time to pack one parcel.", bucket::JOB_SECONDS);
/// ```
#[derive(Debug)]
pub struct HistogramDesc<L = ()> {
    pub(crate) meta: Meta,
    labels: PhantomData<fn() -> L>,
}

impl<L: LabelSet> HistogramDesc<L> {
    /// Declares the metric with the upper bounds of its buckets, in the unit of its name.
    ///
    /// # Panics
    ///
    /// While compiling, when used in a constant: on a name or on bounds that break the rules of [`NameError`].
    /// For a name made at run time there is [`try_new`](Self::try_new).
    pub const fn new(name: &'static str, help: &'static str, buckets: &'static [f64]) -> Self {
        must(checked(name::check_histogram(name), name::check_labels(L::NAMES), help));
        must(bucket::check(buckets));
        Self { meta: Meta::new(name, help, Kind::Histogram, L::LABELS, buckets), labels: PhantomData }
    }

    /// Declares the metric under a name made at run time.
    ///
    /// # Errors
    ///
    /// Says which rule the name or the bounds break.
    pub fn try_new(name: impl Into<String>, help: impl Into<String>, buckets: &[f64]) -> Result<Self, NameError> {
        let (name, help) = (name.into(), help.into());
        checked(name::check_histogram(&name), name::check_labels(L::NAMES), &help)?;
        bucket::check(buckets)?;
        let meta = Meta {
            name: Cow::Owned(name),
            help: Cow::Owned(help),
            buckets: Cow::Owned(buckets.to_vec()),
            ..Meta::new("", "", Kind::Histogram, L::LABELS, &[])
        };
        Ok(Self { meta, labels: PhantomData })
    }

    /// Keeps, per bucket, the trace id of the slowest observation of the last minute.
    #[must_use]
    pub const fn with_exemplars(mut self) -> Self {
        self.meta.exemplars = true;
        self
    }

    /// Exports a series of closed labels from its first use rather than from zero: for a label that lists more than any
    /// one app has.
    #[must_use]
    pub const fn on_demand(mut self) -> Self {
        self.meta.on_demand = true;
        self
    }

    /// Returns the metric's name without the registry's prefix.
    pub fn name(&self) -> &str {
        &self.meta.name
    }
}

impl<L: LabelSet> Describe for HistogramDesc<L> {
    fn meta(&self) -> &Meta {
        &self.meta
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_made_at_run_time_is_checked_with_the_same_rules() {
        let error = CounterDesc::<()>::try_new(format!("parcels_{}", 1), "Parcels.").unwrap_err();
        assert_eq!(error, NameError::CounterWithoutTotal);
        assert_eq!(GaugeDesc::<()>::try_new("parcels", "").unwrap_err(), NameError::NoHelp);
        assert_eq!(GaugeDesc::<()>::try_new("parcels", "Parcels.").unwrap().name(), "parcels");
    }

    #[test]
    fn the_unit_is_read_from_the_name() {
        let seconds = CounterDesc::<()>::new("busy_seconds_total", "Busy.");
        assert_eq!(seconds.meta().unit(), Unit::Seconds);
        assert_eq!(GaugeDesc::<()>::new("mrr_cents", "Money.").meta().unit(), Unit::Cents);
    }
}
