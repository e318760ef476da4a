//! Places in the two documents, and what is known of an instance that passed them.

use std::collections::BTreeSet;
use std::rc::Rc;

use serde_json::Value;

use super::dialect::Dialect;
use super::document::Document;
use super::pointer;
use super::types::Types;

/// Which document a place is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Side {
    Old,
    New,
}

/// A place: the document and the pointer.
pub(crate) type Place = (Side, Rc<str>);

/// A schema at its place.
#[derive(Clone, Debug)]
pub(crate) struct Node<'a> {
    pub(crate) side: Side,
    pub(crate) at: Rc<str>,
    pub(crate) schema: &'a Value,
    document: &'a Document,
}

impl<'a> Node<'a> {
    pub(crate) fn root(side: Side, document: &'a Document) -> Self {
        Self { side, at: Rc::from(""), schema: &document.root, document }
    }

    pub(crate) fn place(&self) -> Place {
        (self.side, Rc::clone(&self.at))
    }

    fn inner(&self, at: String, schema: &'a Value) -> Self {
        Self { at: Rc::from(at), schema, ..self.clone() }
    }

    pub(crate) fn dialect(&self) -> Dialect {
        self.document.dialect
    }

    /// The value of a keyword, where the dialect heeds it.
    pub(crate) fn keyword(&self, name: &str) -> Option<&'a Value> {
        let members = self.schema.as_object()?;
        let alone = self.dialect() == Dialect::Draft07 && members.contains_key("$ref");
        members.get(name).filter(|_| !alone || name == "$ref")
    }

    /// The pointer of a keyword of this schema.
    pub(crate) fn keyword_at(&self, name: &str) -> String {
        pointer::join(&self.at, name)
    }

    /// The schema that a keyword holds.
    pub(crate) fn child(&self, name: &str) -> Option<Self> {
        let schema = self.keyword(name)?;
        let is_schema = schema.is_object() || schema.is_boolean();
        is_schema.then(|| self.inner(self.keyword_at(name), schema))
    }

    /// The schemas of a keyword that holds an array of them.
    pub(crate) fn list(&self, name: &str) -> Vec<Self> {
        let at = self.keyword_at(name);
        let items = self.keyword(name).and_then(Value::as_array).into_iter().flatten();
        items.enumerate().map(|(index, schema)| self.inner(format!("{at}/{index}"), schema)).collect()
    }

    /// The schemas of a keyword that holds an object of them, with their keys.
    pub(crate) fn map(&self, name: &str) -> Vec<(&'a str, Self)> {
        let at = self.keyword_at(name);
        let members = self.keyword(name).and_then(Value::as_object).into_iter().flatten();
        members.map(|(key, schema)| (key.as_str(), self.inner(pointer::join(&at, key), schema))).collect()
    }

    /// One schema of a keyword that holds an object of them.
    pub(crate) fn entry(&self, name: &str, key: &str) -> Option<Self> {
        let schema = self.keyword(name)?.get(key)?;
        Some(self.inner(pointer::join(&self.keyword_at(name), key), schema))
    }

    /// The schema that a reference of this document names.
    pub(crate) fn resolve(&self, reference: &str) -> Option<&'a Value> {
        self.document.at(&self.document.target(reference)?)
    }

    fn target(&self) -> Option<Self> {
        let reference = self.keyword("$ref")?.as_str()?;
        let at = self.document.target(reference)?;
        let schema = self.document.at(&at)?;
        Some(self.inner(at, schema))
    }

    /// All schemas that an instance of this one has to pass for certain: this one, what it refers
    /// to, and the members of its `allOf`, without those that say nothing.
    pub(crate) fn flatten(&self) -> Vec<Self> {
        let mut seen = BTreeSet::new();
        let mut found = Vec::new();
        let mut waiting = vec![self.clone()];
        while let Some(node) = waiting.pop() {
            if !seen.insert(node.place()) || node.says_nothing() {
                continue;
            }
            waiting.extend(node.list("allOf").into_iter().rev());
            waiting.extend(node.target());
            found.push(node);
        }
        found
    }

    fn says_nothing(&self) -> bool {
        self.schema == &Value::Bool(true) || self.schema.as_object().is_some_and(serde_json::Map::is_empty)
    }

    pub(crate) fn types(&self) -> Types {
        if self.schema == &Value::Bool(false) {
            return Types::ALL.without(Types::ALL);
        }
        self.keyword("type").map_or(Types::ALL, Types::of_keyword)
    }
}

/// Schemas that an instance has passed, all of them, and what else is known of it.
#[derive(Clone, Debug)]
pub(crate) struct Known<'a> {
    pub(crate) nodes: Vec<Node<'a>>,
    pub(crate) types: Types,
    /// Members that it has, whatever the schemas say.
    pub(crate) has: BTreeSet<String>,
    /// Disjunctions that were taken apart already.
    pub(crate) spent: BTreeSet<(Place, &'static str)>,
}

/// What makes two [`Known`] the same.
pub(crate) type KnownKey = (Vec<Place>, Types, BTreeSet<String>, BTreeSet<(Place, &'static str)>);

impl<'a> Known<'a> {
    pub(crate) fn of(nodes: impl IntoIterator<Item = Node<'a>>) -> Self {
        let nothing = Self { nodes: Vec::new(), types: Types::ALL, has: BTreeSet::new(), spent: BTreeSet::new() };
        nodes.into_iter().fold(nothing, |known, node| known.and(&node))
    }

    /// The same, and the instance passed `node` too.
    pub(crate) fn and(mut self, node: &Node<'a>) -> Self {
        for part in node.flatten() {
            if self.nodes.iter().all(|known| known.place() != part.place()) {
                self.types = self.types.and(part.types()).without(excluded(&part));
                self.nodes.push(part);
            }
        }
        self
    }

    pub(crate) fn with_types(&self, types: Types) -> Self {
        Self { types: self.types.and(types), ..self.clone() }
    }

    pub(crate) fn key(&self) -> KnownKey {
        let mut places = self.nodes.iter().map(Node::place).collect::<Vec<_>>();
        places.sort();
        (places, self.types, self.has.clone(), self.spent.clone())
    }

    /// The values of a keyword, wherever it stands.
    pub(crate) fn keyword(&self, name: &'static str) -> impl Iterator<Item = &'a Value> + '_ {
        self.nodes.iter().filter_map(move |node| node.keyword(name))
    }

    /// Where a keyword stands, or the first place that is known.
    pub(crate) fn pointer_to(&self, name: &str) -> String {
        let with = self.nodes.iter().find(|node| node.keyword(name).is_some());
        match (with, self.nodes.first()) {
            (Some(node), _) => node.keyword_at(name),
            (None, Some(node)) => node.at.to_string(),
            (None, None) => String::new(),
        }
    }
}

/// Types that a plain `not: {type: ...}` leaves out.
fn excluded(node: &Node<'_>) -> Types {
    let none = Types::ALL.without(Types::ALL);
    let Some(not) = node.child("not") else {
        return none;
    };
    match not.schema.as_object() {
        None => {
            if not.schema == &Value::Bool(true) {
                Types::ALL
            } else {
                none
            }
        }
        Some(members) if members.is_empty() => Types::ALL,
        Some(members) if members.len() == 1 && members.contains_key("type") => not.types(),
        Some(_) => none,
    }
}
