//! Expanding a template with data.

use std::collections::BTreeMap;

use super::function::Function;
use super::node::{Command, Node, Operand, Pipeline};
use super::value::{TemplateSample, Value};
use super::{ExpandError, MAX_EXPANDED_BYTES, TemplateData};

/// The most times that the actions of one template may run, those in a `range` each time.
const MOST_STEPS: usize = 10_000;

pub(super) fn expand(nodes: &[Node], data: &TemplateData<'_>) -> Result<String, ExpandError> {
    let variables = vec![
        (String::new(), Value::Data),
        ("labels".to_owned(), Value::Labels(data.labels.clone())),
        ("externalLabels".to_owned(), Value::Labels(data.external_labels.clone())),
        ("externalURL".to_owned(), Value::Text(data.external_url.to_owned())),
        ("value".to_owned(), Value::Number(data.value)),
    ];
    let mut expansion = Expansion { data, variables, written: String::new(), steps: 0 };
    expansion.run(nodes, &Value::Data)?;
    Ok(expansion.written)
}

struct Expansion<'a> {
    data: &'a TemplateData<'a>,
    variables: Vec<(String, Value)>,
    written: String,
    steps: usize,
}

impl Expansion<'_> {
    fn run(&mut self, nodes: &[Node], dot: &Value) -> Result<(), ExpandError> {
        let known = self.variables.len();
        for node in nodes {
            self.steps += 1;
            if self.steps > MOST_STEPS {
                return Err(ExpandError(format!("more than {MOST_STEPS} steps")));
            }
            self.node(node, dot)?;
        }
        self.variables.truncate(known);
        Ok(())
    }

    fn node(&mut self, node: &Node, dot: &Value) -> Result<(), ExpandError> {
        match node {
            Node::Text(text) => self.write(text),
            Node::Write(pipeline) => {
                let text = self.pipeline(pipeline, dot)?.written();
                self.write(&text);
            }
            Node::Set(name, pipeline) => {
                let value = self.pipeline(pipeline, dot)?;
                match self.variables.iter_mut().rev().find(|(known, _)| known == name) {
                    Some((_, there)) => *there = value,
                    None => self.variables.push((name.clone(), value)),
                }
            }
            Node::If(condition, then, otherwise) => {
                let branch = if self.pipeline(condition, dot)?.is_true() { then } else { otherwise };
                self.run(branch, dot)?;
            }
            Node::With(pipeline, then, otherwise) => {
                let value = self.pipeline(pipeline, dot)?;
                if value.is_true() { self.run(then, &value)? } else { self.run(otherwise, dot)? }
            }
            Node::Range { key, item, over, each, none } => {
                let items = items(self.pipeline(over, dot)?)?;
                if items.is_empty() {
                    return self.run(none, dot);
                }
                for (at, value) in items {
                    let known = self.variables.len();
                    self.variables.extend(key.iter().map(|key| (key.clone(), at.clone())));
                    self.variables.extend(item.iter().map(|item| (item.clone(), value.clone())));
                    self.run(each, &value)?;
                    self.variables.truncate(known);
                }
            }
        }
        Ok(())
    }

    fn write(&mut self, text: &str) {
        let room = MAX_EXPANDED_BYTES - self.written.len();
        self.written += crate::sanitise::truncate(text, room);
    }

    fn pipeline(&self, pipeline: &Pipeline, dot: &Value) -> Result<Value, ExpandError> {
        let mut last = None;
        for command in &pipeline.0 {
            last = Some(match command {
                Command::Operand(operand) => self.operand(operand, dot)?,
                Command::Call(function, arguments) => {
                    let arguments = arguments.iter().map(|operand| self.operand(operand, dot));
                    let mut arguments: Vec<_> = arguments.collect::<Result<_, _>>()?;
                    arguments.extend(last);
                    function.call(&arguments, self.data)?
                }
            });
        }
        Ok(last.unwrap_or(Value::Nil))
    }

    fn operand(&self, operand: &Operand, dot: &Value) -> Result<Value, ExpandError> {
        match operand {
            Operand::Text(text) => Ok(Value::Text(text.clone())),
            Operand::Int(whole) => Ok(Value::Int(*whole)),
            Operand::Number(number) => Ok(Value::Number(*number)),
            Operand::Bool(is) => Ok(Value::Bool(*is)),
            Operand::Nil => Ok(Value::Nil),
            Operand::Dot(fields) => self.fields(dot.clone(), fields),
            Operand::Variable(name, fields) => {
                let value =
                    self.variables.iter().rev().find(|(known, _)| known == name).map(|(_, value)| value.clone());
                self.fields(value.unwrap_or(Value::Nil), fields)
            }
            Operand::Pipeline(pipeline, fields) => self.fields(self.pipeline(pipeline, dot)?, fields),
            Operand::Call(function) => self.call_alone(*function),
        }
    }

    fn call_alone(&self, function: Function) -> Result<Value, ExpandError> {
        function.takes(0).map_err(ExpandError)?;
        function.call(&[], self.data)
    }

    fn fields(&self, value: Value, fields: &[String]) -> Result<Value, ExpandError> {
        fields.iter().try_fold(value, |value, field| self.field(value, field))
    }

    fn field(&self, of: Value, name: &str) -> Result<Value, ExpandError> {
        let labels = |labels: &BTreeMap<String, String>| Value::Labels(labels.clone());
        match (of, name) {
            (Value::Data, "Labels") => Ok(labels(self.data.labels)),
            (Value::Data, "ExternalLabels") => Ok(labels(self.data.external_labels)),
            (Value::Data, "ExternalURL") => Ok(Value::Text(self.data.external_url.to_owned())),
            (Value::Data, "Value") => Ok(Value::Number(self.data.value)),
            (Value::Labels(labels), name) => Ok(Value::Text(labels.get(name).cloned().unwrap_or_default())),
            (Value::Sample(TemplateSample { labels, .. }), "Labels") => Ok(Value::Labels(labels)),
            (Value::Sample(TemplateSample { value, .. }), "Value") => Ok(Value::Number(value)),
            (_, name) => Err(ExpandError(format!("can't evaluate field {name}"))),
        }
    }
}

/// What a `range` goes over, each with its key.
fn items(value: Value) -> Result<Vec<(Value, Value)>, ExpandError> {
    match value {
        Value::Nil => Ok(Vec::new()),
        Value::Labels(labels) => {
            Ok(labels.into_iter().map(|(name, value)| (Value::Text(name), Value::Text(value))).collect())
        }
        Value::Samples(samples) => {
            Ok((0..).zip(samples).map(|(at, sample)| (Value::Int(at), Value::Sample(sample))).collect())
        }
        _ => Err(ExpandError("range can't iterate over this".to_owned())),
    }
}
