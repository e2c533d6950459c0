//! The functions of vectors and numbers.

use super::value_type::ValueType;

/// A function of instant vectors and scalars.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Function {
    Absent,
    Clamp,
    ClampMax,
    ClampMin,
    /// A part of a date.
    Date(DatePart),
    /// The end of the range that is evaluated.
    End,
    HistogramFraction,
    HistogramQuantile,
    /// A function of one number.
    Math(Math),
    MaxOf,
    MinOf,
    Pi,
    /// The length of the range that is evaluated.
    Range,
    Round,
    Scalar,
    Sort,
    SortDesc,
    /// By labels, in natural order.
    SortByLabel,
    SortByLabelDesc,
    /// The start of the range that is evaluated.
    Start,
    /// The distance of its steps.
    Step,
    Time,
    Timestamp,
    Vector,
}

/// A function of one number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Math {
    Abs,
    Acos,
    Acosh,
    Asin,
    Asinh,
    Atan,
    Atanh,
    Ceil,
    Cos,
    Cosh,
    Deg,
    Exp,
    Floor,
    Ln,
    Log10,
    Log2,
    Rad,
    Sgn,
    Sin,
    Sinh,
    Sqrt,
    Tan,
    Tanh,
}

/// A part of a date, in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DatePart {
    DayOfMonth,
    DayOfWeek,
    DayOfYear,
    DaysInMonth,
    Hour,
    Minute,
    Month,
    Year,
}

impl Function {
    /// Returns the function of a name.
    pub(super) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "absent" => Self::Absent,
            "clamp" => Self::Clamp,
            "clamp_max" => Self::ClampMax,
            "clamp_min" => Self::ClampMin,
            "day_of_month" => Self::Date(DatePart::DayOfMonth),
            "day_of_week" => Self::Date(DatePart::DayOfWeek),
            "day_of_year" => Self::Date(DatePart::DayOfYear),
            "days_in_month" => Self::Date(DatePart::DaysInMonth),
            "hour" => Self::Date(DatePart::Hour),
            "minute" => Self::Date(DatePart::Minute),
            "month" => Self::Date(DatePart::Month),
            "year" => Self::Date(DatePart::Year),
            "histogram_fraction" => Self::HistogramFraction,
            "histogram_quantile" => Self::HistogramQuantile,
            "end" => Self::End,
            "max_of" => Self::MaxOf,
            "min_of" => Self::MinOf,
            "pi" => Self::Pi,
            "range" => Self::Range,
            "start" => Self::Start,
            "step" => Self::Step,
            "round" => Self::Round,
            "scalar" => Self::Scalar,
            "sort" => Self::Sort,
            "sort_desc" => Self::SortDesc,
            "sort_by_label" => Self::SortByLabel,
            "sort_by_label_desc" => Self::SortByLabelDesc,
            "time" => Self::Time,
            "timestamp" => Self::Timestamp,
            "vector" => Self::Vector,
            _ => Self::Math(Math::named(name)?),
        })
    }

    pub(super) fn kind(self) -> ValueType {
        match self {
            Self::End
            | Self::MaxOf
            | Self::MinOf
            | Self::Pi
            | Self::Range
            | Self::Scalar
            | Self::Start
            | Self::Step
            | Self::Time => ValueType::Scalar,
            _ => ValueType::Vector,
        }
    }

    /// Returns whether the result depends on the time of evaluation, whatever the arguments are.
    pub(super) fn depends_on_time(self) -> bool {
        matches!(self, Self::Date(_) | Self::Time | Self::Timestamp)
    }
}

impl Math {
    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "abs" => Self::Abs,
            "acos" => Self::Acos,
            "acosh" => Self::Acosh,
            "asin" => Self::Asin,
            "asinh" => Self::Asinh,
            "atan" => Self::Atan,
            "atanh" => Self::Atanh,
            "ceil" => Self::Ceil,
            "cos" => Self::Cos,
            "cosh" => Self::Cosh,
            "deg" => Self::Deg,
            "exp" => Self::Exp,
            "floor" => Self::Floor,
            "ln" => Self::Ln,
            "log10" => Self::Log10,
            "log2" => Self::Log2,
            "rad" => Self::Rad,
            "sgn" => Self::Sgn,
            "sin" => Self::Sin,
            "sinh" => Self::Sinh,
            "sqrt" => Self::Sqrt,
            "tan" => Self::Tan,
            "tanh" => Self::Tanh,
            _ => return None,
        })
    }

    pub(super) fn apply(self, x: f64) -> f64 {
        match self {
            Self::Abs => x.abs(),
            Self::Acos => x.acos(),
            Self::Acosh => x.acosh(),
            Self::Asin => x.asin(),
            Self::Asinh => x.asinh(),
            Self::Atan => x.atan(),
            Self::Atanh => x.atanh(),
            Self::Ceil => x.ceil(),
            Self::Cos => x.cos(),
            Self::Cosh => x.cosh(),
            Self::Deg => x * 180.0 / std::f64::consts::PI,
            Self::Exp => x.exp(),
            Self::Floor => x.floor(),
            Self::Ln => x.ln(),
            Self::Log10 => x.log10(),
            Self::Log2 => x.log2(),
            Self::Rad => x * std::f64::consts::PI / 180.0,
            // Not `signum`, which makes 1 of 0.
            Self::Sgn if x < 0.0 => -1.0,
            Self::Sgn if x > 0.0 => 1.0,
            Self::Sgn => x,
            Self::Sin => x.sin(),
            Self::Sinh => x.sinh(),
            Self::Sqrt => x.sqrt(),
            Self::Tan => x.tan(),
            Self::Tanh => x.tanh(),
        }
    }
}
