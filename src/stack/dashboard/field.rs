//! Fields: how a panel shows a value, and from which value on it is bad.

use serde_json::{Value, json};

use super::json::number;
use crate::metric::Unit;

/// The unit that a panel shows values in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum FieldUnit {
    /// A number of things: 12 K.
    Count,
    /// Requests a second.
    RequestsPerSecond,
    /// Anything a second.
    PerSecond,
    /// Seconds: 12 ms.
    Seconds,
    /// A share between 0 and 1, shown in percent.
    Share,
    /// Bytes, by powers of 1,024.
    Bytes,
    /// Bytes a second.
    BytesPerSecond,
    /// Whole units of the one currency that the app counts in, with separators: 12,345.
    Money,
    /// 1 is up, 0 is down.
    UpDown,
    /// Milliseconds since 1970, shown as how long ago that is: a time in seconds is multiplied by 1,000 first.
    Ago,
    /// Any other unit of Grafana, by its name there.
    Grafana(&'static str),
}

impl FieldUnit {
    pub(super) const fn id(self) -> &'static str {
        match self {
            Self::Count => "short",
            Self::RequestsPerSecond => "reqps",
            Self::PerSecond => "ops",
            Self::Seconds => "s",
            Self::Share => "percentunit",
            Self::Bytes => "bytes",
            Self::BytesPerSecond => "Bps",
            Self::Money => "locale",
            Self::UpDown => "none",
            Self::Ago => "dateTimeFromNow",
            Self::Grafana(id) => id,
        }
    }

    /// Digits after the point; without a number Grafana chooses.
    pub(super) const fn decimals(self) -> Option<u8> {
        match self {
            Self::Money | Self::UpDown => Some(0),
            Self::Share => Some(2),
            _ => None,
        }
    }

    pub(super) fn mappings(self) -> Value {
        if self != Self::UpDown {
            return json!([]);
        }
        json!([{
            "type": "value",
            "options": {
                "0": {"color": "red", "index": 1, "text": "down"},
                "1": {"color": "green", "index": 0, "text": "up"},
            },
        }])
    }
}

impl From<Unit> for FieldUnit {
    fn from(unit: Unit) -> Self {
        match unit {
            Unit::Seconds => Self::Seconds,
            Unit::Bytes => Self::Bytes,
            Unit::Ratio => Self::Share,
            Unit::Cents => Self::Money,
            Unit::Count => Self::Count,
        }
    }
}

/// Where good values end, which a panel shows: the threshold of a service level objective or of an alert.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Threshold {
    /// Good up to here: values above are bad.
    AtMost(f64),
    /// Good from here on: values below are bad.
    AtLeast(f64),
}

pub(super) fn thresholds(threshold: Option<Threshold>) -> Value {
    let step = |color: &str, from: Option<f64>| json!({"color": color, "value": from.map(number)});
    let steps = match threshold {
        None => vec![step("green", None)],
        Some(Threshold::AtMost(most)) => vec![step("green", None), step("red", Some(most))],
        Some(Threshold::AtLeast(least)) => vec![step("red", None), step("green", Some(least))],
    };
    json!({"mode": "absolute", "steps": steps})
}
