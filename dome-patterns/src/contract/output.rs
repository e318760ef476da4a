//! An output that keeps its contract.

use std::collections::BTreeMap;

use compact_str::CompactString;
use dome_core::{Sha256Hash, TargetId, canonical};
use serde::Serialize;

use super::name::{MemberName, MemberPath};

/// What a worker said about its item, after validation: only [`OutputContract::validate`] makes one.
///
/// Nothing in it is text of the worker's. Its words are those of the contract, its id is that of the
/// plan, and of a text there is a length and a digest. So no reducer can be handed an instruction.
///
/// ```compile_fail,E0451
/// # fn f(item: dome_core::TargetId, contract: dome_core::Sha256Hash) {
/// let forged = dome_patterns::Output { item, contract, value: todo!() };
/// # }
/// ```
///
/// [`OutputContract::validate`]: super::OutputContract::validate
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    item: TargetId,
    contract: Sha256Hash,
    value: Field,
}

/// One value of an output. Members of objects are sorted; their names are ASCII, so any order of text
/// is the canonical one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub(crate) enum Field {
    Array(Vec<Field>),
    Boolean(bool),
    /// The contract's word.
    Choice(CompactString),
    Integer(i64),
    /// The plan's id.
    Item(TargetId),
    Object(BTreeMap<MemberName, Field>),
    Text(TextMark),
}

/// What is kept of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct TextMark {
    /// Its length in UTF-8.
    pub bytes: u64,
    /// Its digest: enough to say whether two texts are equal.
    pub sha256: Sha256Hash,
}

/// A value of an output that holds no others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Leaf<'o> {
    /// A boolean.
    Boolean(bool),
    /// A word of the contract.
    Choice(&'o str),
    /// An integer within the contract's bounds.
    Integer(i64),
    /// The item that the output is about.
    Item(&'o TargetId),
    /// What is kept of a text.
    Text(TextMark),
}

impl Output {
    pub(super) const fn new(item: TargetId, contract: Sha256Hash, value: Field) -> Self {
        Self { item, contract, value }
    }

    /// The item that it is about, as the plan has it.
    #[must_use]
    pub const fn item(&self) -> &TargetId {
        &self.item
    }

    /// The digest of the contract that it keeps.
    #[must_use]
    pub const fn contract(&self) -> Sha256Hash {
        self.contract
    }

    /// The values at a path, in their order; none where an optional member is left out.
    #[must_use]
    pub fn leaves(&self, path: &MemberPath) -> Vec<Leaf<'_>> {
        let mut found = Vec::new();
        self.value.collect(path.names(), &mut found);
        found
    }

    /// The one value at a path, if there is exactly one.
    ///
    /// `path` is a [`MemberPath`] as text; a text that is none finds nothing.
    #[must_use]
    pub fn leaf(&self, path: &str) -> Option<Leaf<'_>> {
        match self.leaves(&path.parse().ok()?).as_slice() {
            [leaf] => Some(*leaf),
            _ => None,
        }
    }

    /// The one integer at a path.
    #[must_use]
    pub fn integer(&self, path: &str) -> Option<i64> {
        if let Some(Leaf::Integer(value)) = self.leaf(path) { Some(value) } else { None }
    }

    /// The one word at a path: the contract's.
    #[must_use]
    pub fn choice(&self, path: &str) -> Option<&str> {
        if let Some(Leaf::Choice(word)) = self.leaf(path) { Some(word) } else { None }
    }

    /// The canonical bytes of what it says (M-01).
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        canonical::append(&self.value, &mut bytes);
        bytes
    }

    pub(crate) const fn value(&self) -> &Field {
        &self.value
    }
}

impl Field {
    fn collect<'o>(&'o self, path: &[MemberName], found: &mut Vec<Leaf<'o>>) {
        let leaf = match (self, path) {
            (Self::Array(entries), path) => return entries.iter().for_each(|entry| entry.collect(path, found)),
            (Self::Object(members), [name, rest @ ..]) => {
                return members.get(name).into_iter().for_each(|field| field.collect(rest, found));
            }
            (Self::Boolean(value), []) => Leaf::Boolean(*value),
            (Self::Choice(word), []) => Leaf::Choice(word),
            (Self::Integer(value), []) => Leaf::Integer(*value),
            (Self::Item(item), []) => Leaf::Item(item),
            (Self::Text(mark), []) => Leaf::Text(*mark),
            (Self::Object(_), []) | (_, [_, ..]) => return,
        };
        found.push(leaf);
    }
}
