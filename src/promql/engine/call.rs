//! Reads the call of a function.

use promql_parser::parser::Call;

use super::function::Function;
use super::node::{Node, Relabel};
use super::range_function::RangeFunction;
use super::value_type::ValueType;
use super::{error::QueryError, pattern, read::Reader};

/// Functions that Prometheus has and we do not, and why.
const UNSUPPORTED: [(&str, &str); 8] = [
    ("histogram_avg", "it is for native histograms"),
    ("histogram_count", "it is for native histograms"),
    ("histogram_quantiles", "it is experimental"),
    ("histogram_stddev", "it is for native histograms"),
    ("histogram_stdvar", "it is for native histograms"),
    ("histogram_sum", "it is for native histograms"),
    ("info", "it is experimental"),
    ("start_timestamp", "it is experimental"),
];

/// Reads a call.
///
/// # Errors
///
/// When the function is not known or not supported, or when an argument does not fit.
pub(super) fn read(reader: &mut Reader<'_>, call: &Call) -> Result<Node, QueryError> {
    let name = call.func.name;
    let position = reader.go_to(name);
    if let Some((_, reason)) = UNSUPPORTED.iter().find(|(unsupported, _)| *unsupported == name) {
        return Err(QueryError::Unsupported { position, name: name.to_owned(), reason });
    }
    let arguments: Vec<Node> = call.args.args.iter().map(|argument| reader.node(argument)).collect::<Result<_, _>>()?;
    let place = format!("call to function \"{name}\"");
    if name == "label_replace" || name == "label_join" {
        return relabel(reader, name, position, arguments);
    }
    if let Some(function) = RangeFunction::named(name) {
        let is_range = |node: &Node| node.kind() == ValueType::Matrix;
        let mut parameters = arguments;
        let range = parameters.iter().position(is_range).map(|at| parameters.remove(at));
        let Some(Node::Range(range)) = range else {
            return Err(reader.wrong(&format!("expected type range vector in {place}")));
        };
        for parameter in &parameters {
            reader.expect(parameter, ValueType::Scalar, &place)?;
        }
        return Ok(Node::OverRange { function, range, parameters });
    }
    let Some(function) = Function::named(name) else {
        return Err(QueryError::UnknownFunction { position, name: name.to_owned() });
    };
    for (at, argument) in arguments.iter().enumerate() {
        reader.expect(argument, expected(function, at), &place)?;
    }
    Ok(Node::Call { function, arguments })
}

fn expected(function: Function, argument: usize) -> ValueType {
    match (function, argument) {
        (Function::Vector | Function::MinOf | Function::MaxOf, _)
        | (Function::HistogramQuantile, 0)
        | (Function::HistogramFraction, 0 | 1) => ValueType::Scalar,
        (Function::Clamp | Function::ClampMin | Function::ClampMax | Function::Round, 1..) => ValueType::Scalar,
        (Function::SortByLabel | Function::SortByLabelDesc, 1..) => ValueType::String,
        _ => ValueType::Vector,
    }
}

fn relabel(reader: &Reader<'_>, name: &str, position: usize, arguments: Vec<Node>) -> Result<Node, QueryError> {
    let mut arguments = arguments.into_iter();
    let vector = arguments.next().ok_or_else(|| reader.wrong("expected an instant vector"))?;
    reader.expect(&vector, ValueType::Vector, &format!("call to function \"{name}\""))?;
    let texts = arguments.map(|argument| match argument {
        Node::Text(text) => Ok(text),
        other => {
            Err(reader.wrong(&format!("expected type string in call to function \"{name}\", got {}", other.kind())))
        }
    });
    let mut texts = texts.collect::<Result<Vec<_>, _>>()?.into_iter();
    let mut next = || texts.next().unwrap_or_default();
    let target = next();
    if target.is_empty() {
        return Err(QueryError::Meaning {
            position,
            reason: format!("invalid destination label name in {name}(): {target}"),
        });
    }
    let rule = if name == "label_replace" {
        let (replacement, source, text) = (next(), next(), next());
        let pattern =
            pattern::compile(&text).map_err(|reason| QueryError::Regex { position, pattern: text, reason })?;
        Relabel::Replace { target, replacement, source, pattern }
    } else {
        let separator = next();
        let sources: Vec<String> = texts.collect();
        if let Some(wrong) = sources.iter().find(|source| source.is_empty()) {
            return Err(QueryError::Meaning {
                position,
                reason: format!("invalid source label name in label_join(): {wrong}"),
            });
        }
        Relabel::Join { target, separator, sources }
    };
    Ok(Node::Relabel { vector: Box::new(vector), rule })
}
