//! Reads an expression into a tree and checks what it means.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use promql_parser::label::{METRIC_NAME, MatchOp, Matchers};
use promql_parser::parser::token::{self, TokenId};
use promql_parser::parser::{self, AtModifier, Expr, LabelModifier, Offset, VectorMatchCardinality, VectorSelector};

use super::matcher::{Condition, Matcher};
use super::node::{Aggregator, At, Binary, Grouping, Many, Matching, Node, Operator, Points, Range, Selector, Shift};
use super::syntax::{Checked, check};
use super::token::{Token, TokenKind};
use super::value_type::ValueType;
use super::{call, constant, error::QueryError, syntax_fault::first_fault};

/// Reads an expression.
///
/// # Errors
///
/// When it cannot be read or means nothing.
pub(super) fn read(expression: &str) -> Result<Node, QueryError> {
    let checked = check(expression)?;
    let parsed = parser::parse(&checked.text).map_err(|reason| located(&checked.tokens, expression.len(), reason))?;
    let mut node = Reader { checked: &checked, next: 0 }.node(&parsed)?;
    constant::mark_root(&mut node);
    Ok(node)
}

/// Finds where a fault is that the parser tells without its position: at the name that it quotes, or else at the first
/// word that cannot stand where it does.
fn located(tokens: &[Token<'_>], end: usize, reason: String) -> QueryError {
    let mut quoted = reason.split('\'').skip(1).step_by(2);
    if let Some(found) = quoted.find_map(|name| tokens.iter().find(|token| token.is(name))) {
        let (position, name) = (found.position, found.text.to_owned());
        if reason.starts_with("unknown function") {
            return QueryError::UnknownFunction { position, name };
        }
        return QueryError::Meaning { position, reason };
    }
    let Some(fault) = first_fault(tokens) else {
        return QueryError::Meaning { position: 0, reason };
    };
    let position = tokens.get(fault).map_or(end, |token| token.position);
    // The parser's own word for a fault of grammar says nothing.
    if reason != "invalid promql query" {
        return QueryError::Syntax { position, reason };
    }
    let found = tokens.get(fault).map_or_else(|| "end of input".to_owned(), |token| format!("{:?}", token.text));
    QueryError::Syntax { position, reason: format!("unexpected {found}") }
}

/// Turns what the parser read into our tree, going along the words of the expression for their positions.
pub(super) struct Reader<'a> {
    checked: &'a Checked<'a>,
    /// The first word that was not come by.
    next: usize,
}

impl Reader<'_> {
    pub(super) fn node(&mut self, expression: &Expr) -> Result<Node, QueryError> {
        Ok(match expression {
            Expr::Paren(paren) => self.node(&paren.expr)?,
            Expr::NumberLiteral(number) => Node::Number(number.val),
            Expr::StringLiteral(text) => Node::Text(text.val.clone()),
            Expr::VectorSelector(selector) => Node::Select(Selector {
                matchers: self.matchers(selector)?,
                shift: self.shift(&selector.at, &selector.offset)?,
            }),
            Expr::MatrixSelector(selector) => Node::Range(Range {
                points: Points::Stored(self.matchers(&selector.vs)?),
                length: milliseconds(selector.range),
                shift: self.shift(&selector.vs.at, &selector.vs.offset)?,
            }),
            Expr::Subquery(subquery) => {
                let query = self.node(&subquery.expr)?;
                self.expect(&query, ValueType::Vector, "subquery")?;
                Node::Range(Range {
                    points: Points::Subquery { query: Box::new(query), step: subquery.step.map(milliseconds) },
                    length: milliseconds(subquery.range),
                    shift: self.shift(&subquery.at, &subquery.offset)?,
                })
            }
            Expr::Unary(unary) => {
                let inner = self.node(&unary.expr)?;
                if !matches!(inner.kind(), ValueType::Scalar | ValueType::Vector) {
                    return Err(self.wrong("unary expression only allowed on expressions of type scalar or vector"));
                }
                Node::Negate(Box::new(inner))
            }
            Expr::Binary(binary) => self.binary(binary)?,
            Expr::Aggregate(aggregate) => self.aggregate(aggregate)?,
            Expr::Call(function) => call::read(self, function)?,
            Expr::Extension(_) => return Err(self.wrong("unexpected extension")),
        })
    }

    /// Goes to the next use of a name as a function and returns where it stands.
    pub(super) fn go_to(&mut self, name: &str) -> usize {
        let tokens = &self.checked.tokens;
        let is_call = |at: &usize| {
            let follows = tokens.get(at + 1).is_some_and(|next| next.is("(") || next.is("by") || next.is("without"));
            tokens[*at].kind == TokenKind::Name && tokens[*at].is(name) && follows
        };
        let Some(found) = (self.next..tokens.len()).find(is_call) else { return 0 };
        self.next = found + 1;
        tokens[found].position
    }

    /// Returns where the reader is.
    fn position(&self) -> usize {
        let tokens = &self.checked.tokens;
        tokens.get(self.next.saturating_sub(1)).or(tokens.last()).map_or(0, |token| token.position)
    }

    pub(super) fn wrong(&self, reason: &str) -> QueryError {
        QueryError::Meaning { position: self.position(), reason: reason.to_owned() }
    }

    pub(super) fn expect(&self, node: &Node, kind: ValueType, place: &str) -> Result<(), QueryError> {
        if node.kind() == kind {
            return Ok(());
        }
        Err(self.wrong(&format!("expected type {kind} in {place}, got {}", node.kind())))
    }

    fn matchers(&mut self, selector: &VectorSelector) -> Result<Arc<[Matcher]>, QueryError> {
        let Matchers { matchers, or_matchers } = &selector.matchers;
        let first = selector.name.as_deref().or_else(|| matchers.first().map(|matcher| &*matcher.name));
        let tokens = &self.checked.tokens;
        if let Some(found) = (self.next..tokens.len()).find(|&at| first.is_some_and(|first| tokens[at].is(first))) {
            self.next = found + 1;
        }
        if !or_matchers.is_empty() {
            let or = tokens.iter().skip(self.next).find(|token| token.is("or"));
            let position = or.map_or(self.position(), |token| token.position);
            return Err(QueryError::Unsupported { position, name: "or".to_owned(), reason: "it is no PromQL" });
        }
        let name = selector.name.iter().map(|name| Matcher::new(METRIC_NAME, Condition::Equal, name));
        let others = matchers.iter().map(|matcher| {
            let pattern = || {
                let number = matcher.value.trim_end_matches('|').parse().ok();
                number.and_then(|number: usize| self.checked.patterns.get(number)).cloned()
            };
            let (condition, value) = match &matcher.op {
                MatchOp::Equal => (Condition::Equal, matcher.value.clone()),
                MatchOp::NotEqual => (Condition::NotEqual, matcher.value.clone()),
                MatchOp::Re(_) => pattern().map(|(regex, text)| (Condition::Like(regex), text))?,
                MatchOp::NotRe(_) => pattern().map(|(regex, text)| (Condition::Unlike(regex), text))?,
            };
            Some(Matcher::new(&matcher.name, condition, &value))
        });
        let all: Option<Arc<[Matcher]>> = name.map(Some).chain(others).collect();
        let all = all.ok_or_else(|| self.wrong("a pattern was not found again"))?;
        if all.iter().all(|matcher| matcher.matches("")) {
            return Err(self.wrong("vector selector must contain at least one non-empty matcher"));
        }
        Ok(all)
    }

    fn shift(&self, at: &Option<AtModifier>, offset: &Option<Offset>) -> Result<Shift, QueryError> {
        let at = match at {
            None => None,
            Some(AtModifier::Start) => Some(At::Start),
            Some(AtModifier::End) => Some(At::End),
            Some(AtModifier::At(time)) => Some(At::Time(match time.duration_since(SystemTime::UNIX_EPOCH) {
                Ok(after) => milliseconds(after),
                Err(before) => -milliseconds(before.duration()),
            })),
        };
        if let Some(At::Time(time)) = at
            && time.abs() > MOST_TIME
        {
            return Err(self.wrong("timestamp out of bounds for @ modifier"));
        }
        let offset = match offset {
            None => 0,
            Some(Offset::Pos(later)) => milliseconds(*later),
            Some(Offset::Neg(earlier)) => -milliseconds(*earlier),
        };
        Ok(Shift { at, offset })
    }

    fn aggregate(&mut self, aggregate: &parser::AggregateExpr) -> Result<Node, QueryError> {
        let name = aggregate.op.to_string();
        let position = self.go_to(&name);
        let parameter = aggregate.param.as_ref().map(|parameter| self.node(parameter)).transpose()?;
        let operator = aggregator(aggregate.op.id(), parameter.as_ref());
        let operator = operator.ok_or_else(|| QueryError::Unsupported {
            position,
            name: name.clone(),
            reason: "it is experimental",
        })?;
        if operator == Aggregator::CountValues(String::new()) {
            return Err(QueryError::Meaning { position, reason: "invalid label name \"\"".to_owned() });
        }
        let parameter = match operator {
            Aggregator::TopK | Aggregator::BottomK | Aggregator::LimitK | Aggregator::Quantile => parameter,
            _ => None,
        };
        if let Some(parameter) = &parameter {
            self.expect(parameter, ValueType::Scalar, "aggregation expression")?;
        }
        let vector = self.node(&aggregate.expr)?;
        self.expect(&vector, ValueType::Vector, "aggregation expression")?;
        let (labels, without) = match &aggregate.modifier {
            None => (Vec::new(), false),
            Some(LabelModifier::Include(labels)) => (names(&labels.labels), false),
            Some(LabelModifier::Exclude(labels)) => (names(&labels.labels), true),
        };
        Ok(Node::Aggregate {
            operator,
            parameter: parameter.map(Box::new),
            grouping: Grouping { labels, without },
            vector: Box::new(vector),
        })
    }

    fn binary(&mut self, binary: &parser::BinaryExpr) -> Result<Node, QueryError> {
        let left = self.node(&binary.lhs)?;
        let right = self.node(&binary.rhs)?;
        let operator = operator(binary.op.id())
            .ok_or_else(|| self.wrong(&format!("binary expression does not support operator '{}'", binary.op)))?;
        let modifier = binary.modifier.clone().unwrap_or_default();
        let (many, include) = match &modifier.card {
            VectorMatchCardinality::ManyToOne(labels) => (Many::Left, names(&labels.labels)),
            VectorMatchCardinality::OneToMany(labels) => (Many::Right, names(&labels.labels)),
            _ => (Many::Neither, Vec::new()),
        };
        let (on, labels) = match &modifier.matching {
            None => (false, Vec::new()),
            Some(LabelModifier::Include(labels)) => (true, names(&labels.labels)),
            Some(LabelModifier::Exclude(labels)) => (false, names(&labels.labels)),
        };
        let sides = (left.kind(), right.kind());
        let is_operand = |kind| matches!(kind, ValueType::Scalar | ValueType::Vector);
        if !(is_operand(sides.0) && is_operand(sides.1)) {
            return Err(self.wrong("binary expression must contain only scalar and instant vector types"));
        }
        if operator.is_set() && (sides != (ValueType::Vector, ValueType::Vector) || many != Many::Neither) {
            return Err(
                self.wrong(&format!("set operator \"{}\" only allowed between vectors, without grouping", binary.op))
            );
        }
        if modifier.return_bool && !operator.is_comparison() {
            return Err(self.wrong("bool modifier can only be used on comparison operators"));
        }
        if operator.is_comparison() && sides == (ValueType::Scalar, ValueType::Scalar) && !modifier.return_bool {
            return Err(self.wrong("comparisons between scalars must use BOOL modifier"));
        }
        if modifier.matching.is_some() && sides != (ValueType::Vector, ValueType::Vector) && !labels.is_empty() {
            return Err(self.wrong("vector matching only allowed between instant vectors"));
        }
        let matching = Matching { on, labels, many, include };
        Ok(Node::Binary(Box::new(Binary { operator, left, right, matching, as_bool: modifier.return_bool })))
    }
}

/// The farthest time from 1970 that is looked at, in milliseconds: a hundred thousand years.
pub(super) const MOST_TIME: i64 = 100_000 * 365 * 86_400_000;

fn milliseconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

fn names(labels: &[String]) -> Vec<Arc<str>> {
    let mut names: Vec<Arc<str>> = labels.iter().map(|label| label.as_str().into()).collect();
    names.sort();
    names.dedup();
    names
}

fn aggregator(id: TokenId, parameter: Option<&Node>) -> Option<Aggregator> {
    Some(match id {
        token::T_SUM => Aggregator::Sum,
        token::T_AVG => Aggregator::Avg,
        token::T_MIN => Aggregator::Min,
        token::T_MAX => Aggregator::Max,
        token::T_COUNT => Aggregator::Count,
        token::T_GROUP => Aggregator::Group,
        token::T_STDDEV => Aggregator::Stddev,
        token::T_STDVAR => Aggregator::Stdvar,
        token::T_TOPK => Aggregator::TopK,
        token::T_BOTTOMK => Aggregator::BottomK,
        token::T_LIMITK => Aggregator::LimitK,
        token::T_QUANTILE => Aggregator::Quantile,
        token::T_COUNT_VALUES => match parameter {
            Some(Node::Text(label)) => Aggregator::CountValues(label.clone()),
            _ => return None,
        },
        _ => return None,
    })
}

fn operator(id: TokenId) -> Option<Operator> {
    Some(match id {
        token::T_ADD => Operator::Add,
        token::T_SUB => Operator::Subtract,
        token::T_MUL => Operator::Multiply,
        token::T_DIV => Operator::Divide,
        token::T_MOD => Operator::Modulo,
        token::T_POW => Operator::Power,
        token::T_ATAN2 => Operator::Atan2,
        token::T_EQLC => Operator::Equal,
        token::T_NEQ => Operator::NotEqual,
        token::T_GTR => Operator::Greater,
        token::T_LSS => Operator::Less,
        token::T_GTE => Operator::GreaterOrEqual,
        token::T_LTE => Operator::LessOrEqual,
        token::T_LAND => Operator::And,
        token::T_LOR => Operator::Or,
        token::T_LUNLESS => Operator::Unless,
        _ => return None,
    })
}
