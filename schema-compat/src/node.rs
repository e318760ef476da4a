//! Places in the two documents.

use std::collections::BTreeSet;
use std::rc::Rc;

use serde_json::Value;

use crate::dialect::Dialect;
use crate::document::Document;
use crate::pointer;
use crate::types::Types;

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
