//! What a task may be told: its arguments, which are checked before it begins.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::error::TaskError;
use crate::id::Id;
use crate::sanitise::truncate;
use crate::timestamp::Timestamp;

/// The longest text that an argument takes, in bytes.
pub const MAX_ARGUMENT_BYTES: usize = 1024;

/// One argument of a task: its name, what it may be, and what it is where it is left out.
///
/// ```
/// use watchkeeper::tasks::Argument;
///
/// let days = Argument::whole("days", 1, 3650).about("Keeps so many days.").default_to(30);
/// assert_eq!((days.name(), days.allowed().as_str()), ("days", "a whole number from 1 to 3650"));
/// ```
#[derive(Debug, Clone, PartialEq)]
#[must_use = "an argument does nothing until a task has it"]
pub struct Argument {
    name: Cow<'static, str>,
    about: Cow<'static, str>,
    kind: Kind,
    required: bool,
    default: Option<Value>,
}

/// What an argument may be.
#[derive(Debug, Clone, PartialEq)]
enum Kind {
    Whole(i64, i64),
    Text,
    Flag,
    Time,
    Id,
    OneOf(Vec<String>),
}

impl Argument {
    fn new(name: impl Into<Cow<'static, str>>, kind: Kind) -> Self {
        Self { name: name.into(), about: Cow::Borrowed(""), kind, required: false, default: None }
    }

    /// Takes a whole number within bounds.
    pub fn whole(name: impl Into<Cow<'static, str>>, least: i64, most: i64) -> Self {
        Self::new(name, Kind::Whole(least, most))
    }

    /// Takes a text of at most 1,024 bytes.
    pub fn text(name: impl Into<Cow<'static, str>>) -> Self {
        Self::new(name, Kind::Text)
    }

    /// Takes `true` or `false`.
    pub fn flag(name: impl Into<Cow<'static, str>>) -> Self {
        Self::new(name, Kind::Flag)
    }

    /// Takes a time in the form of RFC 3339.
    pub fn time(name: impl Into<Cow<'static, str>>) -> Self {
        Self::new(name, Kind::Time)
    }

    /// Takes the id of something that the store keeps.
    pub fn id(name: impl Into<Cow<'static, str>>) -> Self {
        Self::new(name, Kind::Id)
    }

    /// Takes one of these texts.
    pub fn one_of<T: Into<String>>(name: impl Into<Cow<'static, str>>, values: impl IntoIterator<Item = T>) -> Self {
        Self::new(name, Kind::OneOf(values.into_iter().map(Into::into).collect()))
    }

    /// Says what it is for, in a sentence. Default: nothing.
    pub fn about(mut self, about: impl Into<Cow<'static, str>>) -> Self {
        self.about = about.into();
        self
    }

    /// Refuses a run without it. Default: it may be left out.
    pub fn required(mut self) -> Self {
        self.required = true;
        self
    }

    /// Gives it a value where it is left out. Default: none.
    pub fn default_to(mut self, value: impl Into<Value>) -> Self {
        self.default = Some(value.into());
        self
    }

    /// Returns its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns what it is for.
    pub fn description(&self) -> &str {
        &self.about
    }

    /// Tells whether a run needs it.
    pub fn is_required(&self) -> bool {
        self.required
    }

    /// Returns its value where it is left out.
    pub fn default(&self) -> Option<&Value> {
        self.default.as_ref()
    }

    /// Says in words what it may be, such as `a whole number from 1 to 3650`.
    pub fn allowed(&self) -> String {
        match &self.kind {
            Kind::Whole(least, most) => format!("a whole number from {least} to {most}"),
            Kind::Text => format!("a text of at most {MAX_ARGUMENT_BYTES} bytes"),
            Kind::Flag => "true or false".to_owned(),
            Kind::Time => "a time such as \"2026-11-24T14:02:00Z\"".to_owned(),
            Kind::Id => "an id such as \"019ab5c2-7d40-7004-8000-00001f2e3d4c\"".to_owned(),
            Kind::OneOf(values) => format!("one of {}", values.join(", ")),
        }
    }

    pub(super) fn takes(&self, value: &Value) -> bool {
        let text = value.as_str();
        match &self.kind {
            Kind::Whole(least, most) => value.as_i64().is_some_and(|number| (*least..=*most).contains(&number)),
            Kind::Text => text.is_some_and(|text| text.len() <= MAX_ARGUMENT_BYTES),
            Kind::Flag => value.is_boolean(),
            Kind::Time => text.is_some_and(|text| text.parse::<Timestamp>().is_ok()),
            Kind::Id => text.is_some_and(|text| text.parse::<Id>().is_ok()),
            Kind::OneOf(values) => text.is_some_and(|text| values.iter().any(|value| value == text)),
        }
    }
}

/// The arguments of one run, each of which is what it may be.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Arguments(Map<String, Value>);

impl Arguments {
    /// Checks what was given, and fills in what was left out. `null` and an empty object are no arguments.
    pub(super) fn check(task: &str, known: &[Argument], given: Value) -> Result<Self, TaskError> {
        let refused = |field: &str, problem: String, allowed: String| TaskError::Argument {
            task: task.to_owned(),
            field: field.to_owned(),
            problem,
            allowed,
        };
        let names = || match known {
            [] => "no arguments at all".to_owned(),
            known => known.iter().map(Argument::name).collect::<Vec<_>>().join(", "),
        };
        let mut given = match given {
            Value::Null => Map::new(),
            Value::Object(given) => given,
            other => return Err(refused("arguments", format!("are {}", shown(&other)), "a JSON object".to_owned())),
        };
        if let Some(name) = given.keys().find(|name| known.iter().all(|argument| argument.name != **name)) {
            return Err(refused(truncate(name, 64), "is not known".to_owned(), names()));
        }
        for argument in known {
            match given.get(&*argument.name) {
                None | Some(Value::Null) => {
                    given.remove(&*argument.name);
                    if argument.required {
                        return Err(refused(&argument.name, "is missing".to_owned(), argument.allowed()));
                    }
                    if let Some(value) = &argument.default {
                        given.insert(argument.name.clone().into_owned(), value.clone());
                    }
                }
                Some(value) if argument.takes(value) => {}
                Some(value) => return Err(refused(&argument.name, format!("is {}", shown(value)), argument.allowed())),
            }
        }
        Ok(Self(given))
    }

    /// Returns an argument as it was given.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// Returns a whole number.
    pub fn whole(&self, name: &str) -> Option<i64> {
        self.get(name)?.as_i64()
    }

    /// Returns a text.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.get(name)?.as_str()
    }

    /// Returns a flag; false where it was left out.
    pub fn flag(&self, name: &str) -> bool {
        self.get(name).and_then(Value::as_bool).unwrap_or(false)
    }

    /// Returns a time.
    pub fn time(&self, name: &str) -> Option<Timestamp> {
        self.text(name)?.parse().ok()
    }

    /// Returns an id.
    pub fn id(&self, name: &str) -> Option<Id> {
        self.text(name)?.parse().ok()
    }
}

/// A value as an error shows it: no more than 64 bytes of it.
fn shown(value: &Value) -> String {
    let text = value.to_string();
    let short = truncate(&text, 64);
    if short.len() < text.len() { format!("{short}…") } else { text }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn known() -> [Argument; 4] {
        [
            Argument::whole("days", 1, 9).default_to(3),
            Argument::one_of("level", ["warn", "error"]),
            Argument::id("incident").required(),
            Argument::flag("dry_run"),
        ]
    }

    fn check(given: Value) -> Result<Arguments, String> {
        Arguments::check("sweep", &known(), given).map_err(|error| error.to_string())
    }

    #[test]
    fn what_is_left_out_has_its_default() {
        let id = Id::at(Timestamp::now());
        let arguments = check(json!({"incident": id, "level": null})).unwrap();
        assert_eq!(
            (arguments.whole("days"), arguments.text("level"), arguments.flag("dry_run")),
            (Some(3), None, false)
        );
        assert_eq!(arguments.id("incident"), Some(id));
    }

    #[test]
    fn an_error_names_the_field_and_what_is_allowed() {
        let id = Id::at(Timestamp::now());
        for (given, said) in [
            (json!({}), "sweep: incident is missing; allowed: an id such as"),
            (json!({"incident": id, "days": 10}), "sweep: days is 10; allowed: a whole number from 1 to 9"),
            (json!({"incident": id, "days": 1.5}), "sweep: days is 1.5; allowed: a whole number from 1 to 9"),
            (json!({"incident": id, "level": "x"}), "sweep: level is \"x\"; allowed: one of warn, error"),
            (json!({"incident": id, "dry_run": 1}), "sweep: dry_run is 1; allowed: true or false"),
            (json!({"days": 1, "day": 1}), "sweep: day is not known; allowed: days, level, incident, dry_run"),
            (json!([1]), "sweep: arguments are [1]; allowed: a JSON object"),
        ] {
            let error = check(given.clone()).unwrap_err();
            assert!(error.starts_with(said), "{given}: {error}");
        }
        let long = check(json!({"incident": "é".repeat(400)})).unwrap_err();
        assert!(long.len() < 200, "{long}");
    }
}
