//! Reading the tree of a rule file, with the checks that Prometheus makes.

use std::collections::HashSet;
use std::time::Duration;

use super::tree::{Node, Place, Tree, read as read_tree};
use super::{MAX_FILE_RULES, RuleFile, RuleFileError, RuleGroup, Texts, parse_duration};
use crate::alerting::rule::{Rule, RuleDraft};

pub(super) fn read(text: &str) -> Result<RuleFile, RuleFileError> {
    let mut file = RuleFile::default();
    // Prometheus takes an empty file for one without groups.
    let Some(tree) = read_tree(text)? else { return Ok(file) };
    let (mut names, mut rules) = (HashSet::new(), 0);
    for (field, value) in tree.map()? {
        match field.as_str() {
            "groups" => {
                for group in value.list()? {
                    let read = group_of(group)?;
                    if !names.insert(read.name.clone()) {
                        return Err(group.error(format!("a group `{}` is there already", read.name)));
                    }
                    rules += read.rules.len();
                    if rules > MAX_FILE_RULES {
                        return Err(group.error(format!("there are more than {MAX_FILE_RULES} rules")));
                    }
                    file.groups.push(read);
                }
            }
            other => return Err(value.unknown(other)),
        }
    }
    Ok(file)
}

fn group_of(tree: &Tree) -> Result<RuleGroup, RuleFileError> {
    let mut group = RuleGroup { name: String::new(), interval: None, query_offset: Duration::ZERO, rules: Vec::new() };
    let (mut limit, mut labels, mut rules) = (0, Texts::new(), &[][..]);
    for (field, value) in tree.map()? {
        match field.as_str() {
            "name" => group.name = value.text()?.to_owned(),
            "interval" => group.interval = Some(value.duration()?).filter(|interval| !interval.is_zero()),
            "query_offset" => group.query_offset = value.duration()?,
            "limit" => limit = value.text()?.parse().map_err(|_| value.error("a limit is a whole number"))?,
            "labels" => labels = value.texts()?,
            "rules" => rules = value.list()?,
            other => return Err(value.unknown(other)),
        }
    }
    if group.name.is_empty() {
        return Err(tree.error("a group has a name"));
    }
    // Rules are told apart by their place among those of the same name and labels, so that they are known again.
    let mut known = HashSet::new();
    for rule in rules {
        group.rules.push(rule_of(rule, &group.name, limit, &labels, &mut known)?);
    }
    Ok(group)
}

fn rule_of(
    tree: &Tree,
    group: &str,
    limit: usize,
    of_group: &Texts,
    known: &mut HashSet<crate::id::Id>,
) -> Result<Rule, RuleFileError> {
    let mut draft = RuleDraft { labels: of_group.clone(), limit, ..RuleDraft::default() };
    let (mut alert, mut record, mut only_alerts) = (None, None, None);
    let mut places = Vec::new();
    for (field, value) in tree.map()? {
        places.push((field.as_str(), value.place));
        match field.as_str() {
            "alert" => alert = Some(value.text()?),
            "record" => record = Some(value.text()?),
            "expr" => draft.query = value.text()?.to_owned(),
            "for" => draft.pending_for = value.duration()?,
            "keep_firing_for" => draft.keep_firing_for = value.duration()?,
            "labels" => draft.labels.extend(value.texts()?),
            "annotations" => draft.annotations = value.texts()?,
            other => return Err(value.unknown(other)),
        }
        if matches!(field.as_str(), "for" | "keep_firing_for" | "annotations") {
            only_alerts.get_or_insert((field, value));
        }
    }
    match (alert, record) {
        (Some(name), None) if !name.is_empty() => draft.name = name.to_owned(),
        (None, Some(name)) if !name.is_empty() => {
            if let Some((field, value)) = only_alerts {
                return Err(value.error(format!("a recording rule has no `{field}`")));
            }
            (draft.name, draft.records) = (name.to_owned(), true);
        }
        (Some(_), Some(_)) => return Err(tree.error("a rule is either an `alert` or a `record`")),
        _ => return Err(tree.error("a rule has a name, in `alert` or `record`")),
    }
    if draft.query.is_empty() {
        return Err(tree.error("a rule has an `expr`"));
    }
    let place_of = |field: &str| -> Place {
        let file_field = match field {
            "query" => "expr",
            "name" => {
                if draft.records {
                    "record"
                } else {
                    "alert"
                }
            }
            other => other,
        };
        places.iter().find(|(name, _)| *name == file_field).map_or(tree.place, |(_, place)| *place)
    };
    (0..).map(|twin| draft.known_id(group, twin)).find(|id| known.insert(*id)).map_or_else(
        || Err(tree.error("too many rules of one name")),
        |id| draft.clone().read(id).map_err(|error| RuleFileError::at(place_of(error.field), error.to_string())),
    )
}

impl Tree {
    fn map(&self) -> Result<&[(String, Self)], RuleFileError> {
        match &self.node {
            Node::Map(fields) => Ok(fields),
            _ if self.is_null() => Ok(&[]),
            _ => Err(self.error("names with values are expected here")),
        }
    }

    fn list(&self) -> Result<&[Self], RuleFileError> {
        match &self.node {
            Node::List(items) => Ok(items),
            _ if self.is_null() => Ok(&[]),
            _ => Err(self.error("a list is expected here")),
        }
    }

    fn text(&self) -> Result<&str, RuleFileError> {
        match &self.node {
            _ if self.is_null() => Ok(""),
            Node::Scalar(text, _) => Ok(text),
            _ => Err(self.error("a text is expected here")),
        }
    }

    fn duration(&self) -> Result<Duration, RuleFileError> {
        let text = self.text()?;
        parse_duration(text).ok_or_else(|| self.error(format!("`{text}` is no duration such as 5m or 1h30m")))
    }

    fn texts(&self) -> Result<Texts, RuleFileError> {
        self.map()?.iter().map(|(name, value)| Ok((name.clone(), value.text()?.to_owned()))).collect()
    }

    fn unknown(&self, field: &str) -> RuleFileError {
        self.error(format!("there is no field `{field}` here"))
    }
}
