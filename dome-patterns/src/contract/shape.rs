//! What one value of an output may be, and whether a shape is bounded.

use std::collections::{BTreeMap, BTreeSet};

use compact_str::CompactString;
use dome_core::StateId;
use dome_core::limits::SAFE_INTEGER;
use serde::{Deserialize, Serialize};

use super::document::ContractError;
use super::name::MemberName;
use crate::limits;

/// What one value of an output may be. There is no shape for "anything".
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum Shape {
    /// An array of at most `max_entries`.
    Array {
        /// Entries, at most.
        max_entries: u64,
        /// What each entry may be.
        of: Box<Shape>,
    },
    /// `true` or `false`.
    Boolean {},
    /// One of a few words. What is kept is the contract's word, not the worker's.
    Choice {
        /// The words.
        of: BTreeSet<CompactString>,
    },
    /// An integer from `min` to `max`.
    Integer {
        /// The greatest.
        max: i64,
        /// The least.
        min: i64,
    },
    /// The id of the worker's own item, and no other.
    Item {},
    /// An object with these members and no others.
    Object(ObjectShape),
    /// A text of at most `max_bytes`. Nothing of it is kept but its length and its digest.
    Text {
        /// Bytes in UTF-8, at most.
        max_bytes: u64,
    },
}

/// An object with these members and no others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ObjectShape {
    /// The members.
    pub members: BTreeMap<MemberName, Shape>,
    /// Those that may be left out.
    #[serde(default)]
    pub optional: BTreeSet<MemberName>,
}

impl ObjectShape {
    /// Checks that everything below is bounded; `level` is the object's own.
    pub(super) fn check(&self, level: usize, at: &str) -> Result<(), ContractError> {
        let rule = |what: &'static str| ContractError::Rule { pointer: at.to_owned(), what };
        if level > limits::CONTRACT_LEVELS {
            return Err(rule("a contract nests at most 8 levels"));
        }
        if self.members.len() > limits::MEMBERS {
            return Err(rule("an object has at most 64 members"));
        }
        if !self.optional.iter().all(|name| self.members.contains_key(name)) {
            return Err(rule("`optional` names a member that `members` does not list"));
        }
        self.members.iter().try_for_each(|(name, shape)| shape.check(level, &format!("{at}/members/{name}")))
    }
}

impl Shape {
    fn check(&self, level: usize, at: &str) -> Result<(), ContractError> {
        let rule = |sound: bool, what: &'static str| {
            if sound { Ok(()) } else { Err(ContractError::Rule { pointer: at.to_owned(), what }) }
        };
        match self {
            Self::Array { max_entries, of } => {
                rule(*max_entries <= limits::ENTRIES, "an array has at most 1024 entries")?;
                rule(level < limits::CONTRACT_LEVELS, "a contract nests at most 8 levels")?;
                of.check(level + 1, &format!("{at}/of"))
            }
            Self::Choice { of } => {
                rule((1..=limits::WORDS).contains(&of.len()), "a choice has 1 to 256 words")?;
                let word = |word: &CompactString| word.len() <= limits::WORD_BYTES && StateId::new(word).is_ok();
                rule(of.iter().all(word), "a word is an identifier of at most 64 bytes (M-03)")
            }
            Self::Integer { max, min } => {
                let safe = [max, min].iter().all(|bound| bound.unsigned_abs() <= SAFE_INTEGER);
                rule(safe, "a bound lies beyond 2^53 - 1")?;
                rule(min <= max, "`min` is greater than `max`")
            }
            Self::Object(object) => object.check(level + 1, at),
            Self::Text { max_bytes } => rule(*max_bytes <= limits::TEXT_BYTES, "a text has at most 4096 bytes"),
            Self::Boolean {} | Self::Item {} => Ok(()),
        }
    }

    /// How many leaves one output can have at a path, and what they are.
    pub(crate) fn most_leaves(&self, path: &[MemberName]) -> Option<(u128, &Self)> {
        match (self, path) {
            (Self::Array { max_entries, of }, path) => {
                of.most_leaves(path).map(|(count, leaf)| (count.saturating_mul(u128::from(*max_entries)), leaf))
            }
            (Self::Object(object), [name, rest @ ..]) => object.members.get(name)?.most_leaves(rest),
            (Self::Object(_), []) | (_, [_, ..]) => None,
            (leaf, []) => Some((1, leaf)),
        }
    }

    /// What a leaf of this shape is called in messages.
    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::Array { .. } => "an array",
            Self::Boolean {} => "a boolean",
            Self::Choice { .. } => "a choice",
            Self::Integer { .. } => "an integer",
            Self::Item {} => "the item's id",
            Self::Object(_) => "an object",
            Self::Text { .. } => "a text",
        }
    }
}
