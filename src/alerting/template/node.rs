//! The parts of a template that was read.

use super::function::Function;

/// A part of a template.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Node {
    Text(String),
    /// Writes what a pipeline comes to.
    Write(Pipeline),
    /// Sets a variable, a new one or one that is there.
    Set(String, Pipeline),
    If(Pipeline, Vec<Node>, Vec<Node>),
    With(Pipeline, Vec<Node>, Vec<Node>),
    Range {
        key: Option<String>,
        item: Option<String>,
        over: Pipeline,
        each: Vec<Node>,
        none: Vec<Node>,
    },
}

/// Commands of which each is given what the one before came to.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Pipeline(pub(super) Vec<Command>);

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Command {
    Operand(Operand),
    Call(Function, Vec<Operand>),
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Operand {
    Text(String),
    Int(i64),
    Number(f64),
    Bool(bool),
    Nil,
    /// `.` and its fields.
    Dot(Vec<String>),
    /// `$name` and its fields; `$` alone is the data.
    Variable(String, Vec<String>),
    /// A pipeline in parentheses and the fields of what it comes to.
    Pipeline(Box<Pipeline>, Vec<String>),
    /// A function without arguments.
    Call(Function),
}
