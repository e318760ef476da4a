//! Whether two schemas say the same in the same words, references followed.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::keywords::{ANNOTATIONS, MANY, NAMED, ONE};
use crate::node::Node;

/// Keywords that only hold what others refer to.
const DEFINITIONS: &[&str] = &["$defs", "definitions"];

/// What a value is, which decides what its members are.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Level {
    /// A schema: its members are keywords.
    Schema,
    /// A map of schemas.
    Map,
    /// Anything else.
    Plain,
}

impl Level {
    fn below(self, name: &str) -> Self {
        match self {
            Self::Map => Self::Schema,
            Self::Plain => Self::Plain,
            Self::Schema if NAMED.contains(&name) => Self::Map,
            Self::Schema if ONE.contains(&name) || MANY.contains(&name) => Self::Schema,
            Self::Schema => Self::Plain,
        }
    }
}

/// Whether two schemas are equal but for annotations.
pub(super) fn nodes(left: &Node<'_>, right: &Node<'_>) -> bool {
    if left.place() == right.place() {
        return true;
    }
    let mut pair = Pair { left, right, seen: BTreeSet::new() };
    left.dialect() == right.dialect() && pair.values(left.schema, right.schema, Level::Schema)
}

/// Whether a keyword stands in both schemas with the same meaning.
pub(super) fn keyword(left: &Node<'_>, right: &Node<'_>, name: &str) -> bool {
    let mut pair = Pair { left, right, seen: BTreeSet::new() };
    match (left.keyword(name), right.keyword(name)) {
        (None, None) => true,
        (Some(one), Some(other)) => {
            left.dialect() == right.dialect() && pair.values(one, other, Level::Schema.below(name))
        }
        _ => false,
    }
}

struct Pair<'a, 'n> {
    left: &'n Node<'a>,
    right: &'n Node<'a>,
    seen: BTreeSet<(String, String)>,
}

impl Pair<'_, '_> {
    fn values(&mut self, one: &Value, other: &Value, level: Level) -> bool {
        match (one, other) {
            (Value::Object(one), Value::Object(other)) => self.objects(one, other, level),
            (Value::Array(one), Value::Array(other)) => {
                let mut pairs = one.iter().zip(other);
                one.len() == other.len() && pairs.all(|(one, other)| self.values(one, other, level))
            }
            _ => one == other,
        }
    }

    fn objects(&mut self, one: &Map<String, Value>, other: &Map<String, Value>, level: Level) -> bool {
        let counts = |name: &&String| {
            level != Level::Schema || !ANNOTATIONS.contains(&name.as_str()) && !DEFINITIONS.contains(&name.as_str())
        };
        let mut names = one.keys().filter(counts).collect::<BTreeSet<_>>();
        names.extend(other.keys().filter(counts));
        names.into_iter().all(|name| match (one.get(name), other.get(name)) {
            (Some(Value::String(one)), Some(Value::String(other))) if level == Level::Schema && name == "$ref" => {
                self.references(one, other)
            }
            (Some(one), Some(other)) => self.values(one, other, level.below(name)),
            _ => false,
        })
    }

    fn references(&mut self, one: &str, other: &str) -> bool {
        if !self.seen.insert((one.to_owned(), other.to_owned())) {
            return true;
        }
        let targets = self.left.resolve(one).zip(self.right.resolve(other));
        targets.is_some_and(|(one, other)| self.values(one, other, Level::Schema))
    }
}
