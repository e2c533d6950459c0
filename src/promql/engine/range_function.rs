//! The functions of points over a range of time.

/// A function of points over a range of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RangeFunction {
    Absent,
    Avg,
    Changes,
    Count,
    Delta,
    Deriv,
    DoubleExponentialSmoothing,
    First,
    Idelta,
    Increase,
    Irate,
    Last,
    Mad,
    Max,
    Min,
    PredictLinear,
    Present,
    Quantile,
    Rate,
    Resets,
    Stddev,
    Stdvar,
    Sum,
    TimeOfFirst,
    TimeOfLast,
    TimeOfMax,
    TimeOfMin,
}

impl RangeFunction {
    /// Returns the function of a name.
    pub(super) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "absent_over_time" => Self::Absent,
            "avg_over_time" => Self::Avg,
            "changes" => Self::Changes,
            "count_over_time" => Self::Count,
            "delta" => Self::Delta,
            "deriv" => Self::Deriv,
            "double_exponential_smoothing" => Self::DoubleExponentialSmoothing,
            "first_over_time" => Self::First,
            "idelta" => Self::Idelta,
            "increase" => Self::Increase,
            "irate" => Self::Irate,
            "last_over_time" => Self::Last,
            "mad_over_time" => Self::Mad,
            "max_over_time" => Self::Max,
            "min_over_time" => Self::Min,
            "predict_linear" => Self::PredictLinear,
            "present_over_time" => Self::Present,
            "quantile_over_time" => Self::Quantile,
            "rate" => Self::Rate,
            "resets" => Self::Resets,
            "stddev_over_time" => Self::Stddev,
            "stdvar_over_time" => Self::Stdvar,
            "sum_over_time" => Self::Sum,
            "ts_of_first_over_time" => Self::TimeOfFirst,
            "ts_of_last_over_time" => Self::TimeOfLast,
            "ts_of_max_over_time" => Self::TimeOfMax,
            "ts_of_min_over_time" => Self::TimeOfMin,
            _ => return None,
        })
    }

    /// Returns whether the result is a value of the series itself, which keeps its name.
    pub(super) fn keeps_name(self) -> bool {
        matches!(self, Self::First | Self::Last)
    }

    /// Returns whether the result depends on the time of evaluation, whatever the range is.
    pub(super) fn depends_on_time(self) -> bool {
        matches!(self, Self::PredictLinear)
    }
}
