//! Asking the validator, for whole documents and for schemas inside them.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use jsonschema::{Registry, Retrieve, Uri, Validator};
use serde_json::{Value, json};

use crate::document::{Document, SchemaError};
use crate::keywords::ALONE;
use crate::known::Known;
use crate::node::{Node, Place, Side};

/// Fetches nothing.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Offline;

impl Retrieve for Offline {
    fn retrieve(&self, uri: &Uri<String>) -> Result<Value, Box<dyn std::error::Error + Send + Sync>> {
        Err(format!("`{uri}` is not at hand, and nothing is fetched").into())
    }
}

/// Validators of the two documents, built when they are first asked for.
pub(crate) struct Evaluator<'a> {
    old: Registry<'a>,
    new: Registry<'a>,
    dialects: [&'static str; 2],
    built: RefCell<BTreeMap<Place, Option<Rc<Validator>>>>,
    small: RefCell<BTreeMap<String, Option<Rc<Validator>>>>,
}

/// The name that a document goes by among its validators.
const BASE: &str = "schema-compat:/schema";

fn registry(document: &Document) -> Result<Registry<'_>, SchemaError> {
    let refused = |error: &dyn std::fmt::Display| document.error("", error.to_string());
    Registry::new()
        .draft(document.dialect.draft())
        .retriever(Offline)
        .add(BASE, &document.root)
        .map_err(|error| refused(&error))?
        .prepare()
        .map_err(|error| refused(&error))
}

impl<'a> Evaluator<'a> {
    pub(crate) fn new(old: &'a Document, new: &'a Document) -> Result<Self, SchemaError> {
        let evaluator = Self {
            old: registry(old)?,
            new: registry(new)?,
            dialects: [old.dialect.uri(), new.dialect.uri()],
            built: RefCell::new(BTreeMap::new()),
            small: RefCell::new(BTreeMap::new()),
        };
        for (side, document) in [(Side::Old, old), (Side::New, new)] {
            evaluator.build(&(side, Rc::from(""))).map_err(|reason| document.error("", reason))?;
        }
        Ok(evaluator)
    }

    fn build(&self, place: &Place) -> Result<Validator, String> {
        let [old, new] = self.dialects;
        let (registry, dialect) = match place.0 {
            Side::Old => (&self.old, old),
            Side::New => (&self.new, new),
        };
        let fragment = escape(&place.1);
        let entry = json!({"$schema": dialect, "$ref": format!("{BASE}#{fragment}")});
        jsonschema::options()
            .with_registry(registry)
            .with_retriever(Offline)
            .should_validate_formats(true)
            .build(&entry)
            .map_err(|error| error.to_string())
    }

    /// Whether the schema at `place` accepts the instance; `None` if it cannot be asked.
    pub(crate) fn accepts(&self, place: &Place, instance: &Value) -> Option<bool> {
        let cached = self.built.borrow().get(place).cloned();
        let validator = cached.unwrap_or_else(|| {
            let validator = self.build(place).ok().map(Rc::new);
            self.built.borrow_mut().insert(place.clone(), validator.clone());
            validator
        })?;
        Some(validator.is_valid(instance))
    }

    /// Whether one keyword of a schema, taken alone, accepts the instance; `None` for keywords that
    /// mean nothing alone.
    pub(crate) fn accepts_by(&self, node: &Node<'_>, keyword: &str, instance: &Value) -> Option<bool> {
        if !ALONE.contains(&keyword) {
            return None;
        }
        let value = node.keyword(keyword)?;
        let schema = json!({"$schema": node.dialect().uri(), keyword: value});
        let validator = self.small(&schema)?;
        Some(validator.is_valid(instance))
    }

    /// A validator of a small schema without references.
    fn small(&self, schema: &Value) -> Option<Rc<Validator>> {
        let key = schema.to_string();
        let cached = self.small.borrow().get(&key).cloned();
        cached.unwrap_or_else(|| {
            let options = jsonschema::options().with_retriever(Offline);
            let built = options.should_validate_formats(true).build(schema);
            let validator = built.ok().map(Rc::new);
            self.small.borrow_mut().insert(key, validator.clone());
            validator
        })
    }

    /// Whether a pattern matches a text; `None` if the pattern cannot be read.
    pub(crate) fn matches(&self, pattern: &str, text: &str) -> Option<bool> {
        let validator = self.small(&json!({ "pattern": pattern }))?;
        Some(validator.is_valid(&Value::String(text.to_owned())))
    }

    /// Whether the instance is one of those that `known` describes.
    pub(crate) fn fits(&self, known: &Known<'_>, instance: &Value) -> Option<bool> {
        let has = |name: &String| instance.as_object().is_none_or(|members| members.contains_key(name));
        Some(self.passes(&known.nodes, instance)? && known.has.iter().all(has))
    }

    /// Whether all of `nodes` accept the instance.
    pub(crate) fn passes(&self, nodes: &[Node<'_>], instance: &Value) -> Option<bool> {
        for node in nodes {
            if !self.accepts(&node.place(), instance)? {
                return Some(false);
            }
        }
        Some(true)
    }
}

/// A pointer as a URI fragment.
fn escape(pointer: &str) -> String {
    let mut text = String::new();
    for byte in pointer.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            text.push(char::from(byte));
        } else {
            text.push_str(&format!("%{byte:02X}"));
        }
    }
    text
}
