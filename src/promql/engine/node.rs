//! A query as a tree, checked and ready to be evaluated.

use std::sync::Arc;

use regex::Regex;

use super::{function::Function, matcher::Matcher, range_function::RangeFunction, value_type::ValueType};

/// What stands at one place of a query.
#[derive(Debug, Clone)]
pub(super) enum Node {
    /// A number.
    Number(f64),
    /// A text.
    Text(String),
    /// The present value of series.
    Select(Selector),
    /// Points of series over a range of time, by themselves.
    Range(Range),
    /// A function of points over a range of time.
    OverRange { function: RangeFunction, range: Range, parameters: Vec<Node> },
    /// A function of anything else.
    Call { function: Function, arguments: Vec<Node> },
    /// Labels set by a pattern.
    Relabel { vector: Box<Node>, rule: Relabel },
    /// Many series to few.
    Aggregate { operator: Aggregator, parameter: Option<Box<Node>>, grouping: Grouping, vector: Box<Node> },
    /// Two sides to one.
    Binary(Box<Binary>),
    /// The negative.
    Negate(Box<Node>),
    /// What is the same at every step, evaluated once.
    Constant(Box<Node>),
}

/// Series by their labels, at a time.
#[derive(Debug, Clone)]
pub(super) struct Selector {
    pub(super) matchers: Arc<[Matcher]>,
    pub(super) shift: Shift,
}

/// Which time is looked at instead of the time of evaluation; in milliseconds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shift {
    pub(super) at: Option<At>,
    pub(super) offset: i64,
}

/// A fixed time.
#[derive(Debug, Clone, Copy)]
pub(super) enum At {
    Start,
    End,
    Time(i64),
}

/// Points over a range of time; in milliseconds.
#[derive(Debug, Clone)]
pub(super) struct Range {
    pub(super) points: Points,
    pub(super) length: i64,
    pub(super) shift: Shift,
}

/// Where the points of a range come from.
#[derive(Debug, Clone)]
pub(super) enum Points {
    Stored(Arc<[Matcher]>),
    /// A query evaluated at every multiple of a step.
    Subquery {
        query: Box<Node>,
        step: Option<i64>,
    },
}

/// How labels are set.
#[derive(Debug, Clone)]
pub(super) enum Relabel {
    Replace { target: String, replacement: String, source: String, pattern: Regex },
    Join { target: String, separator: String, sources: Vec<String> },
}

/// How many series become few.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Aggregator {
    Sum,
    Avg,
    Min,
    Max,
    Count,
    Group,
    Stddev,
    Stdvar,
    TopK,
    BottomK,
    LimitK,
    Quantile,
    CountValues(String),
}

/// Which labels tell groups apart.
#[derive(Debug, Clone)]
pub(super) struct Grouping {
    pub(super) labels: Vec<Arc<str>>,
    pub(super) without: bool,
}

/// An operation on two sides.
#[derive(Debug, Clone)]
pub(super) struct Binary {
    pub(super) operator: Operator,
    pub(super) left: Node,
    pub(super) right: Node,
    pub(super) matching: Matching,
    /// A comparison results in 0 and 1.
    pub(super) as_bool: bool,
}

/// What an operation does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
    Modulo,
    Power,
    Atan2,
    Equal,
    NotEqual,
    Greater,
    Less,
    GreaterOrEqual,
    LessOrEqual,
    And,
    Or,
    Unless,
}

/// How the series of two sides find each other.
#[derive(Debug, Clone)]
pub(super) struct Matching {
    /// Whether `labels` are those that must be equal, or those that need not be.
    pub(super) on: bool,
    pub(super) labels: Vec<Arc<str>>,
    pub(super) many: Many,
    /// Labels that the result takes from the side that has one series.
    pub(super) include: Vec<Arc<str>>,
}

/// The side that may have many series to one of the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Many {
    Neither,
    Left,
    Right,
}

impl Node {
    pub(super) fn kind(&self) -> ValueType {
        match self {
            Self::Number(_) => ValueType::Scalar,
            Self::Text(_) => ValueType::String,
            Self::Range(_) => ValueType::Matrix,
            Self::Call { function, .. } => function.kind(),
            Self::Binary(binary) => match (binary.left.kind(), binary.right.kind()) {
                (ValueType::Scalar, ValueType::Scalar) => ValueType::Scalar,
                _ => ValueType::Vector,
            },
            Self::Negate(inner) | Self::Constant(inner) => inner.kind(),
            Self::Select(_) | Self::OverRange { .. } | Self::Relabel { .. } | Self::Aggregate { .. } => {
                ValueType::Vector
            }
        }
    }
}

impl Operator {
    pub(super) fn is_comparison(self) -> bool {
        matches!(
            self,
            Self::Equal | Self::NotEqual | Self::Greater | Self::Less | Self::GreaterOrEqual | Self::LessOrEqual
        )
    }

    pub(super) fn is_set(self) -> bool {
        matches!(self, Self::And | Self::Or | Self::Unless)
    }
}

/// Returns whether a list of labels, which is in order, has one.
pub(super) fn has(labels: &[Arc<str>], name: &str) -> bool {
    labels.binary_search_by(|label| (**label).cmp(name)).is_ok()
}

impl Shift {
    /// Returns whether the time is the same whenever it is evaluated.
    pub(super) fn is_fixed(&self) -> bool {
        self.at.is_some()
    }
}
