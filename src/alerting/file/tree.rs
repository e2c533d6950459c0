//! A YAML document as a tree that knows the place of everything in it.

use std::collections::HashMap;

use yaml_rust2::parser::{Event, Parser};
use yaml_rust2::scanner::{Marker, TScalarStyle};

use super::RuleFileError;

/// How deep things may lie within each other; rule files need five.
const MOST_DEPTH: usize = 24;

/// How many nodes a document may have once its aliases stand for what they name.
const MOST_NODES: usize = 200_000;

/// A line and a column, both from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) line: usize,
    pub(super) column: usize,
}

#[derive(Debug, Clone)]
pub(super) struct Tree {
    pub(super) place: Place,
    pub(super) node: Node,
}

#[derive(Debug, Clone)]
pub(super) enum Node {
    /// A text, and whether it stands without quotes, so that `null` is no text.
    Scalar(String, bool),
    List(Vec<Tree>),
    Map(Vec<(String, Tree)>),
}

impl Tree {
    pub(super) fn error(&self, reason: impl Into<String>) -> RuleFileError {
        RuleFileError::at(self.place, reason)
    }

    pub(super) fn is_null(&self) -> bool {
        matches!(&self.node, Node::Scalar(text, true) if matches!(text.as_str(), "" | "~" | "null"))
    }

    fn size(&self) -> usize {
        1 + match &self.node {
            Node::Scalar(..) => 0,
            Node::List(items) => items.iter().map(Self::size).sum(),
            Node::Map(fields) => fields.iter().map(|(_, value)| value.size()).sum(),
        }
    }
}

/// What has begun and not ended yet.
struct Begun {
    place: Place,
    anchor: usize,
    items: Vec<Tree>,
    is_map: bool,
}

/// Reads the first document of a text; `None` where there is nothing in it.
pub(super) fn read(text: &str) -> Result<Option<Tree>, RuleFileError> {
    let mut parser = Parser::new_from_str(text);
    let (mut begun, mut anchors, mut nodes) = (Vec::<Begun>::new(), HashMap::<usize, Tree>::new(), 0);
    loop {
        let (event, marker) =
            parser.next_token().map_err(|error| RuleFileError::at(place(*error.marker()), error.info()))?;
        let place = place(marker);
        nodes += 1;
        let (done, anchor) = match event {
            Event::StreamEnd | Event::DocumentEnd => return Ok(None),
            Event::Scalar(text, style, anchor, _) => {
                (Tree { place, node: Node::Scalar(text, style == TScalarStyle::Plain) }, anchor)
            }
            Event::SequenceStart(anchor, _) | Event::MappingStart(anchor, _) if begun.len() < MOST_DEPTH => {
                let is_map = matches!(event, Event::MappingStart(..));
                begun.push(Begun { place, anchor, items: Vec::new(), is_map });
                continue;
            }
            Event::SequenceStart(..) | Event::MappingStart(..) => {
                return Err(RuleFileError::at(place, "things lie too deep within each other"));
            }
            Event::SequenceEnd | Event::MappingEnd => match begun.pop() {
                Some(begun) => {
                    let anchor = begun.anchor;
                    (begun.end()?, anchor)
                }
                None => continue,
            },
            Event::Alias(anchor) => match anchors.get(&anchor) {
                Some(tree) => {
                    nodes += tree.size();
                    (Tree { place, node: tree.node.clone() }, 0)
                }
                None => return Err(RuleFileError::at(place, "an alias of something that has not ended")),
            },
            Event::Nothing | Event::StreamStart | Event::DocumentStart => continue,
        };
        if nodes > MOST_NODES {
            return Err(RuleFileError::at(place, "the file is too large"));
        }
        if anchor > 0 {
            anchors.insert(anchor, done.clone());
        }
        match begun.last_mut() {
            Some(begun) => begun.items.push(done),
            None => return Ok((!done.is_null()).then_some(done)),
        }
    }
}

impl Begun {
    fn end(self) -> Result<Tree, RuleFileError> {
        let place = self.place;
        if !self.is_map {
            return Ok(Tree { place, node: Node::List(self.items) });
        }
        let (mut fields, mut items) = (Vec::<(String, Tree)>::new(), self.items.into_iter());
        while let (Some(key), Some(value)) = (items.next(), items.next()) {
            let Node::Scalar(name, _) = &key.node else { return Err(key.error("a name is a text")) };
            if fields.iter().any(|(known, _)| known == name) {
                return Err(key.error(format!("`{name}` is there twice")));
            }
            fields.push((name.clone(), value));
        }
        Ok(Tree { place, node: Node::Map(fields) })
    }
}

fn place(marker: Marker) -> Place {
    Place { line: marker.line(), column: marker.col() + 1 }
}
