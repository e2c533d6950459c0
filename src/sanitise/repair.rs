//! What has to be changed in a thing before a store may keep it.

use std::fmt;

use thiserror::Error;

use super::json::{MAX_DEPTH, MAX_KEY_BYTES, MAX_TEXT_BYTES};
use crate::named::named_enum;

named_enum! {
    /// One kind of change that makes a thing fit to be kept.
    pub enum Repair: "repair" {
        /// A character that databases refuse, NUL, became `U+FFFD`.
        Characters = "characters",
        /// What is nested deeper than 32 levels became `null`.
        Depth = "depth",
        /// The members of an object above 256 were left out.
        Keys = "keys",
        /// A key was cut to 128 bytes.
        KeyLength = "key_length",
        /// A text was cut to its limit: 16 KiB within an event, less where the field says so.
        TextLength = "text_length",
        /// A number too large or too small for databases and readers became text.
        Number = "number",
        /// What did not fit into the whole thing's limit was left out.
        Size = "size",
        /// A name that is empty or holds characters that its field does not allow was replaced.
        Name = "name",
        /// A time outside the window was moved to the edge of it.
        Time = "time",
        /// A text that identifies somebody or something was left out, since a changed one may be another's.
        Identity = "identity",
    }
}

/// The changes that were made to one thing.
#[derive(Clone, Copy, PartialEq, Eq, Default, Hash)]
pub struct Repairs(u16);

impl Repairs {
    /// No change.
    pub const NONE: Self = Self(0);

    /// Tells whether nothing was changed.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Tells whether a change of this kind was made.
    pub const fn contains(self, repair: Repair) -> bool {
        self.0 & 1 << repair as u16 != 0
    }

    /// Iterates over the kinds of changes.
    pub fn iter(self) -> impl Iterator<Item = Repair> {
        Repair::ALL.iter().copied().filter(move |repair| self.contains(*repair))
    }

    pub(super) const fn add(&mut self, repair: Repair) {
        self.0 |= 1 << repair as u16;
    }
}

impl fmt::Debug for Repairs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

/// Says what is wrong with a thing that was offered, by its first fault.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{field}: {}", self.rule())]
#[non_exhaustive]
pub struct Invalid {
    /// The field, such as `payload`.
    pub field: &'static str,
    /// What would have to be changed.
    pub repair: Repair,
    /// The most bytes that the text or the thing may have.
    pub(super) limit: usize,
}

impl Invalid {
    /// Returns the rule that is broken, as a sentence for whoever made the thing.
    pub fn rule(&self) -> String {
        match self.repair {
            Repair::Characters => "the character NUL is not allowed".into(),
            Repair::Depth => format!("at most {MAX_DEPTH} levels of nesting are allowed"),
            Repair::Keys => format!("at most {} members are allowed in one object", self.limit),
            Repair::KeyLength => format!("a key has at most {MAX_KEY_BYTES} bytes"),
            Repair::TextLength if self.limit < MAX_TEXT_BYTES => format!("at most {} bytes are allowed", self.limit),
            Repair::TextLength => format!("a text has at most {MAX_TEXT_BYTES} bytes"),
            Repair::Number => "a number's exponent is at most 308, and its digits must not double the whole".into(),
            Repair::Size => format!("the whole has at most {} bytes as JSON", self.limit),
            Repair::Name => "a name is needed, of the characters that this field allows".into(),
            Repair::Time => "the time is too long ago, or in the future".into(),
            Repair::Identity => format!("at most {} bytes without control characters are allowed", self.limit),
        }
    }
}
