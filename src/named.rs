//! Enums whose values have a name each, the same in code, JSON and database.

use thiserror::Error;

/// Says that a text names none of the values that a field may have.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{field} is {given:?}; accepted: {accepted}")]
#[non_exhaustive]
pub struct UnknownName {
    /// The field, such as `event_type`.
    pub field: &'static str,
    /// What was given, cut to 64 bytes.
    pub given: String,
    /// The names that the field accepts, separated by commas.
    pub accepted: String,
}

impl UnknownName {
    pub(crate) fn new(field: &'static str, given: &str, accepted: &[&str]) -> Self {
        Self { field, given: crate::sanitise::truncate(given, 64).to_owned(), accepted: accepted.join(", ") }
    }
}

/// Defines an enum of named values: `as_str`, `ALL`, `Display`, `FromStr` and serde as text.
macro_rules! named_enum {
    (
        $(#[$meta:meta])*
        pub enum $name:ident: $field:literal { $($(#[$about:meta])* $value:ident = $text:literal,)+ }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum $name { $($(#[$about])* $value,)+ }

        impl $name {
            /// Every value, in order.
            pub const ALL: &'static [Self] = &[$(Self::$value),+];

            /// Returns the value's name, as JSON and databases have it.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$value => $text,)+ }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::named::UnknownName;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                match text {
                    $($text => Ok(Self::$value),)+
                    _ => Err($crate::named::UnknownName::new($field, text, &[$($text),+])),
                }
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.serialize_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str> as serde::Deserialize>::deserialize(from)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

pub(crate) use named_enum;
