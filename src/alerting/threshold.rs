//! What a rule's threshold means beside its query.

use promql_parser::parser::token::{T_EQLC, T_GTE, T_GTR, T_LSS, T_LTE, T_NEQ};
use promql_parser::parser::{BinaryExpr, Expr};

/// How a query compares, seen from outside.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Comparison {
    /// It does not: it answers what it measures.
    None,
    /// It answers what is beyond this number.
    With(f64),
    /// It compares with something that is no number, or several times.
    Other,
}

impl Comparison {
    /// Reads how a query compares. What cannot be read compares with nothing; somebody else says what is wrong with it.
    pub(super) fn of(query: &str) -> Self {
        promql_parser::parser::parse(query).map_or(Self::None, |expr| of(&expr))
    }
}

fn of(expr: &Expr) -> Comparison {
    match expr {
        Expr::Paren(paren) => of(&paren.expr),
        Expr::Binary(binary) if is_comparison(binary) => {
            if binary.modifier.as_ref().is_some_and(|modifier| modifier.return_bool) {
                // 0 or 1 for everything: a number to be compared.
                return Comparison::None;
            }
            match (number(&binary.lhs), number(&binary.rhs)) {
                (None, Some(number)) | (Some(number), None) => Comparison::With(number),
                _ => Comparison::Other,
            }
        }
        // `a > 1 and b > 2`, `a > 1 or b`, `a > 1 unless b`: it depends.
        Expr::Binary(binary) if binary.op.is_set_operator() => match (of(&binary.lhs), of(&binary.rhs)) {
            (Comparison::None, Comparison::None) => Comparison::None,
            (one, Comparison::None) | (Comparison::None, one) => one,
            (Comparison::With(one), Comparison::With(other)) if one == other => Comparison::With(one),
            _ => Comparison::Other,
        },
        Expr::Call(call) if matches!(call.func.name, "absent" | "absent_over_time") => Comparison::Other,
        _ => Comparison::None,
    }
}

fn is_comparison(binary: &BinaryExpr) -> bool {
    [T_EQLC, T_NEQ, T_GTR, T_LSS, T_GTE, T_LTE].contains(&binary.op.id())
}

fn number(expr: &Expr) -> Option<f64> {
    match expr {
        Expr::NumberLiteral(number) => Some(number.val),
        Expr::Paren(paren) => number(&paren.expr),
        Expr::Unary(unary) => number(&unary.expr).map(|number| -number),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_compares_where_its_outermost_operation_does() {
        for (query, comparison) in [
            ("cpu_usage > 80", Comparison::With(80.0)),
            ("80 < cpu_usage", Comparison::With(80.0)),
            ("(cpu_usage) >= (-3)", Comparison::With(-3.0)),
            ("cpu_usage", Comparison::None),
            ("sum(cpu_usage > 80)", Comparison::None),
            ("cpu_usage > bool 80", Comparison::None),
            ("a > b", Comparison::Other),
            ("a > 1 and b", Comparison::With(1.0)),
            ("a > 1 and b > 2", Comparison::Other),
            ("absent(up)", Comparison::Other),
            ("1 -", Comparison::None),
        ] {
            assert_eq!(Comparison::of(query), comparison, "{query}");
        }
    }
}
