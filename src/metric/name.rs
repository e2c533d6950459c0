//! What a metric's or a label's name may be, checked while the app compiles.

use std::fmt;

/// What is wrong with a name that a descriptor was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum NameError {
    /// The name is not lower snake case: `[a-z][a-z0-9]*(_[a-z0-9]+)*`.
    NotSnakeCase,
    /// A counter's name has no `_total` at its end.
    CounterWithoutTotal,
    /// A gauge's or histogram's name ends in `_total`, which only counters may.
    TotalWithoutCounter,
    /// The name ends in `_bucket`, `_count`, `_sum` or `_created`, which the format itself appends.
    ReservedSuffix,
    /// The unit is not a base unit: seconds, bytes and ratios, never milliseconds, kilobytes or percent.
    NotABaseUnit,
    /// A histogram's name does not end in the unit of what it observes.
    HistogramWithoutUnit,
    /// A label is named `le` or `quantile`, which the format needs itself.
    ReservedLabel,
    /// A label is named `job` or `instance`, which Prometheus sets: a scrape renames the metric's own to `exported_job`.
    TargetLabel,
    /// Two labels of one metric have the same name.
    LabelTwice,
    /// The help text is empty.
    NoHelp,
    /// Bucket bounds are not finite, positive and rising, or there are none or more than 64.
    BadBuckets,
}

impl NameError {
    /// Says what is wrong, in one sentence.
    pub const fn text(self) -> &'static str {
        match self {
            Self::NotSnakeCase => "a name is lower snake case: letters, digits and single underscores",
            Self::CounterWithoutTotal => "a counter's name ends in _total",
            Self::TotalWithoutCounter => "only a counter's name ends in _total",
            Self::ReservedSuffix => "_bucket, _count, _sum and _created are appended by the format itself",
            Self::NotABaseUnit => {
                "a unit is a base unit: _seconds, _bytes, _ratio; not milliseconds, kilobytes, percent"
            }
            Self::HistogramWithoutUnit => {
                "a histogram's name ends in its unit: _seconds, _bytes, _ratio, _cents, _messages, _rows or _items"
            }
            Self::ReservedLabel => "le and quantile are labels of the format itself",
            Self::TargetLabel => "job and instance are set by Prometheus, which renames a metric's own to exported_job",
            Self::LabelTwice => "two labels have the same name",
            Self::NoHelp => "the help text is empty",
            Self::BadBuckets => "bucket bounds are finite, positive and rising, at least 1 and at most 64",
        }
    }
}

impl fmt::Display for NameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

impl std::error::Error for NameError {}

const RESERVED_SUFFIXES: [&str; 4] = ["_bucket", "_count", "_sum", "_created"];
const SCALED_UNITS: [&str; 20] = [
    "_ms",
    "_us",
    "_ns",
    "_millis",
    "_micros",
    "_nanos",
    "_milliseconds",
    "_microseconds",
    "_nanoseconds",
    "_minutes",
    "_hours",
    "_days",
    "_kb",
    "_mb",
    "_gb",
    "_kilobytes",
    "_megabytes",
    "_gigabytes",
    "_percent",
    "_percentage",
];
const HISTOGRAM_UNITS: [&str; 7] = ["_seconds", "_bytes", "_ratio", "_cents", "_messages", "_rows", "_items"];

/// Checks a counter's name.
pub(crate) const fn check_counter(name: &str) -> Result<(), NameError> {
    if !ends_with(name, "_total") {
        return Err(NameError::CounterWithoutTotal);
    }
    check_stem(name, name.len() - "_total".len())
}

/// Checks a gauge's name.
pub(crate) const fn check_gauge(name: &str) -> Result<(), NameError> {
    if ends_with(name, "_total") {
        return Err(NameError::TotalWithoutCounter);
    }
    check_stem(name, name.len())
}

/// Checks a histogram's name, which says its unit.
pub(crate) const fn check_histogram(name: &str) -> Result<(), NameError> {
    if let Err(error) = check_gauge(name) {
        return Err(error);
    }
    if !ends_with_any(name, name.len(), &HISTOGRAM_UNITS) {
        return Err(NameError::HistogramWithoutUnit);
    }
    Ok(())
}

/// Checks the names of a metric's labels.
pub(crate) const fn check_labels(names: &[&str]) -> Result<(), NameError> {
    let mut i = 0;
    while i < names.len() {
        if !is_snake_case(names[i]) {
            return Err(NameError::NotSnakeCase);
        }
        if same(names[i], "le") || same(names[i], "quantile") {
            return Err(NameError::ReservedLabel);
        }
        if same(names[i], "job") || same(names[i], "instance") {
            return Err(NameError::TargetLabel);
        }
        let mut j = 0;
        while j < i {
            if same(names[i], names[j]) {
                return Err(NameError::LabelTwice);
            }
            j += 1;
        }
        i += 1;
    }
    Ok(())
}

const fn check_stem(name: &str, end: usize) -> Result<(), NameError> {
    if !is_snake_case(name) {
        return Err(NameError::NotSnakeCase);
    }
    if ends_with_any(name, end, &RESERVED_SUFFIXES) {
        return Err(NameError::ReservedSuffix);
    }
    if ends_with_any(name, end, &SCALED_UNITS) {
        return Err(NameError::NotABaseUnit);
    }
    Ok(())
}

/// Tells whether `name` is `[a-z][a-z0-9]*(_[a-z0-9]+)*`.
pub(crate) const fn is_snake_case(name: &str) -> bool {
    let bytes = name.as_bytes();
    if bytes.is_empty() || !bytes[0].is_ascii_lowercase() || bytes[bytes.len() - 1] == b'_' {
        return false;
    }
    let mut i = 1;
    while i < bytes.len() {
        let fits = match bytes[i] {
            b'a'..=b'z' | b'0'..=b'9' => true,
            b'_' => bytes[i - 1] != b'_',
            _ => false,
        };
        if !fits {
            return false;
        }
        i += 1;
    }
    true
}

const fn ends_with_any(name: &str, end: usize, suffixes: &[&str]) -> bool {
    let mut i = 0;
    while i < suffixes.len() {
        if ends_with_at(name, end, suffixes[i]) {
            return true;
        }
        i += 1;
    }
    false
}

pub(crate) const fn ends_with(name: &str, suffix: &str) -> bool {
    ends_with_at(name, name.len(), suffix)
}

const fn ends_with_at(name: &str, end: usize, suffix: &str) -> bool {
    let (name, suffix) = (name.as_bytes(), suffix.as_bytes());
    if suffix.len() > end {
        return false;
    }
    let mut i = 0;
    while i < suffix.len() {
        if name[end - suffix.len() + i] != suffix[i] {
            return false;
        }
        i += 1;
    }
    true
}

const fn same(a: &str, b: &str) -> bool {
    a.len() == b.len() && ends_with(a, b)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_counter_ends_in_total_and_nothing_else_does() {
        assert_eq!(check_counter("login_attempts_total"), Ok(()));
        assert_eq!(check_counter("login_attempts"), Err(NameError::CounterWithoutTotal));
        assert_eq!(check_gauge("login_attempts_total"), Err(NameError::TotalWithoutCounter));
    }

    #[test]
    fn a_name_is_snake_case() {
        for bad in ["Logins_total", "_logins_total", "logins__total", "1logins_total", "lo-gins_total", "lögins_total"]
        {
            assert_eq!(check_counter(bad), Err(NameError::NotSnakeCase), "{bad}");
        }
    }

    #[test]
    fn a_unit_is_a_base_unit() {
        assert_eq!(check_histogram("request_duration_ms"), Err(NameError::NotABaseUnit));
        assert_eq!(check_counter("waited_milliseconds_total"), Err(NameError::NotABaseUnit));
        assert_eq!(check_gauge("cpu_percent"), Err(NameError::NotABaseUnit));
        assert_eq!(check_histogram("request_duration"), Err(NameError::HistogramWithoutUnit));
        assert_eq!(check_histogram("request_duration_seconds"), Ok(()));
    }

    #[test]
    fn what_the_format_appends_is_refused() {
        assert_eq!(check_gauge("rows_count"), Err(NameError::ReservedSuffix));
        assert_eq!(check_counter("rows_sum_total"), Err(NameError::ReservedSuffix));
        assert_eq!(check_labels(&["le"]), Err(NameError::ReservedLabel));
        assert_eq!(check_labels(&["path", "path"]), Err(NameError::LabelTwice));
    }

    #[test]
    fn a_label_that_a_scrape_would_rename_is_refused() {
        for taken in ["job", "instance"] {
            assert_eq!(check_labels(&["status", taken]), Err(NameError::TargetLabel));
        }
    }
}
