//! Aggregations: many series made fewer.

use super::error::PromqlError;
use super::expr::Expr;
use super::node::Node;

macro_rules! aggregations {
    ($($(#[$by_doc:meta])* $by:ident, $(#[$all_doc:meta])* $all:ident = $operator:literal;)+) => {
        impl Expr {
            $(
                $(#[$by_doc])*
                pub fn $by(self, labels: &[&str]) -> Self {
                    self.aggregate($operator, None, labels)
                }

                $(#[$all_doc])*
                pub fn $all(self) -> Self {
                    self.aggregate($operator, None, &[])
                }
            )+
        }
    };
}

aggregations! {
    /// Adds up, by labels that the series must have.
    sum_by,
    /// Adds everything up.
    sum = "sum";
    /// Takes the mean, by labels that the series must have.
    avg_by,
    /// Takes the mean of everything.
    avg = "avg";
    /// Takes the largest, by labels that the series must have.
    max_by,
    /// Takes the largest of everything.
    max = "max";
    /// Takes the smallest, by labels that the series must have.
    min_by,
    /// Takes the smallest of everything.
    min = "min";
    /// Counts series, by labels that they must have.
    count_by,
    /// Counts all series.
    count = "count";
}

impl Expr {
    /// Keeps the series with the largest values, labels and all.
    pub fn topk(self, most: u32) -> Self {
        self.keep("topk", most)
    }

    /// Keeps the series with the smallest values, labels and all.
    pub fn bottomk(self, most: u32) -> Self {
        self.keep("bottomk", most)
    }

    fn keep(self, operator: &'static str, most: u32) -> Self {
        self.series(operator, |of, labels| {
            let parameter = Some(f64::from(most));
            Ok((Node::Aggregate { operator, parameter, by: Vec::new(), of: Box::new(of) }, Some(labels)))
        })
    }

    fn aggregate(self, operator: &'static str, parameter: Option<f64>, by: &[&str]) -> Self {
        self.series(operator, |of, labels| {
            let labels = labels.keep(by)?;
            let by = by.iter().map(|&label| label.to_owned()).collect();
            Ok((Node::Aggregate { operator, parameter, by, of: Box::new(of) }, Some(labels)))
        })
    }

    /// Takes a quantile of rates of buckets that were summed up by `le`.
    pub(super) fn histogram_quantile(self, quantile: f64) -> Self {
        self.series("histogram_quantile", |of, mut labels| {
            if !(0.0..=1.0).contains(&quantile) {
                return Err(PromqlError::OutOfRange { function: "histogram_quantile", value: quantile });
            }
            labels.names.remove("le");
            let call = Node::Call {
                function: "histogram_quantile",
                before: vec![quantile],
                of: Some(Box::new(of)),
                after: Vec::new(),
            };
            Ok((call, Some(labels)))
        })
    }
}
