//! The members of a JSON object, in the order of their keys.

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};
use std::fmt;

use crate::heap;

/// A JSON object: each key once, in the order of the keys.
///
/// ```
/// use watchkeeper::event::Fields;
///
/// let fields: Fields = [("order", 42.into()), ("carrier", "bicycle".into())].into_iter().collect();
/// assert_eq!(fields.get("order"), Some(&42.into()));
/// assert_eq!(serde_json::to_string(&fields)?, r#"{"carrier":"bicycle","order":42}"#);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Fields(Vec<(String, Value)>);

impl Fields {
    /// Makes an object without members.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// Returns a member's value.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.place(key).ok().map(|place| &self.0[place].1)
    }

    /// Sets a member, in place of one with the same key.
    pub fn insert(&mut self, key: impl Into<String>, value: impl Into<Value>) {
        let (key, value) = (key.into(), value.into());
        match self.place(&key) {
            Ok(place) => self.0[place].1 = value,
            Err(place) => self.0.insert(place, (key, value)),
        }
    }

    /// Takes a member out.
    pub fn remove(&mut self, key: &str) -> Option<Value> {
        self.place(key).ok().map(|place| self.0.remove(place).1)
    }

    /// Iterates over the members in the order of their keys.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &Value)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value))
    }

    /// Returns how many members there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Tells whether there are no members.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The bytes of memory behind it.
    pub(crate) fn bytes(&self) -> usize {
        let inner: usize = self.0.iter().map(|(key, value)| heap::text(key) + heap::json(value)).sum();
        heap::allocation(self.0.capacity() * size_of::<(String, Value)>()) + inner
    }

    fn place(&self, key: &str) -> Result<usize, usize> {
        self.0.binary_search_by(|(own, _)| own.as_str().cmp(key))
    }

    /// Lets the members be changed, and puts them in order again.
    pub(crate) fn change(&mut self, change: impl FnOnce(&mut Vec<(String, Value)>)) {
        change(&mut self.0);
        if !self.0.is_sorted_by(|a, b| a.0 < b.0) {
            self.sort();
        }
    }

    /// Of two members with one key the later one stays.
    fn sort(&mut self) {
        self.0.reverse();
        self.0.sort_by(|a, b| a.0.cmp(&b.0));
        self.0.dedup_by(|a, b| a.0 == b.0);
    }
}

impl<K: Into<String>> FromIterator<(K, Value)> for Fields {
    fn from_iter<I: IntoIterator<Item = (K, Value)>>(members: I) -> Self {
        let mut fields = Self(members.into_iter().map(|(key, value)| (key.into(), value)).collect());
        fields.sort();
        fields
    }
}

impl From<Map<String, Value>> for Fields {
    fn from(members: Map<String, Value>) -> Self {
        members.into_iter().collect()
    }
}

impl From<Fields> for Map<String, Value> {
    fn from(fields: Fields) -> Self {
        fields.0.into_iter().collect()
    }
}

impl Serialize for Fields {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_map(self.iter())
    }
}

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = Fields;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Fields, A::Error> {
                let mut found = Vec::new();
                while let Some(member) = members.next_entry::<String, Value>()? {
                    found.push(member);
                }
                Ok(found.into_iter().collect())
            }
        }
        from.deserialize_map(Members)
    }
}

/// Reads what a store wrote, however it writes numbers.
pub(crate) fn stored<'de, D: Deserializer<'de>>(from: D) -> Result<Fields, D::Error> {
    let mut fields = Fields::deserialize(from)?;
    fields.0.iter_mut().for_each(|(_, value)| crate::sanitise::restore(value));
    Ok(fields)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_two_members_with_one_key_the_later_stays() {
        let fields: Fields = serde_json::from_str(r#"{"b":1,"a":1,"b":2}"#).unwrap();
        assert_eq!(serde_json::to_string(&fields).unwrap(), r#"{"a":1,"b":2}"#);
        let mut fields = fields;
        fields.insert("b", 3);
        fields.insert("c", Value::Null);
        assert_eq!((fields.len(), fields.get("b"), fields.get("d")), (3, Some(&3.into()), None));
        assert_eq!((fields.remove("b"), fields.remove("b"), fields.len()), (Some(3.into()), None, 2));
    }

    #[test]
    fn what_is_no_object_is_refused() {
        for text in ["[]", "1", "null", "\"a\""] {
            assert!(serde_json::from_str::<Fields>(text).is_err(), "{text}");
        }
    }
}
