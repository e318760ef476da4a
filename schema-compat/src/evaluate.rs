//! Asking the validator about schemas inside the two documents.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use jsonschema::Validator;
use serde_json::{Value, json};

use crate::keywords::ALONE;
use crate::known::{Premise, SchemaNode, SchemaPlace};
use crate::schema::Offline;

/// Validators by what they judge by, built when they are first asked for; `None` where one cannot be built.
type Built<K> = RefCell<BTreeMap<K, Option<Rc<Validator>>>>;

fn built<K: Ord + Clone>(
    cache: &Built<K>,
    key: &K,
    build: impl FnOnce() -> Option<Validator>,
) -> Option<Rc<Validator>> {
    let cached = cache.borrow().get(key).cloned();
    cached.unwrap_or_else(|| {
        let validator = build().map(Rc::new);
        cache.borrow_mut().insert(key.clone(), validator.clone());
        validator
    })
}

#[derive(Default)]
pub(crate) struct Evaluator {
    nodes: Built<SchemaPlace>,
    /// By the text of small schemas without references.
    small: Built<String>,
}

impl Evaluator {
    /// Whether the schema accepts the instance; `None` if it cannot be asked.
    pub(crate) fn accepts(&self, node: &SchemaNode<'_>, instance: &Value) -> Option<bool> {
        let validator = built(&self.nodes, &node.place(), || node.document.validator_at(&node.at))?;
        Some(validator.is_valid(instance))
    }

    /// Whether one keyword, taken alone, accepts the instance; `None` for keywords that mean nothing alone.
    pub(crate) fn accepts_by(&self, node: &SchemaNode<'_>, keyword: &str, instance: &Value) -> Option<bool> {
        if !ALONE.contains(&keyword) {
            return None;
        }
        let value = node.keyword(keyword)?;
        self.small(&json!({"$schema": node.dialect().uri(), keyword: value}), instance)
    }

    pub(crate) fn matches(&self, pattern: &str, text: &str) -> Option<bool> {
        self.small(&json!({ "pattern": pattern }), &Value::String(text.to_owned()))
    }

    fn small(&self, schema: &Value, instance: &Value) -> Option<bool> {
        let options = jsonschema::options().with_retriever(Offline).should_validate_formats(true);
        let validator = built(&self.small, &schema.to_string(), || options.build(schema).ok())?;
        Some(validator.is_valid(instance))
    }

    pub(crate) fn fits(&self, known: &Premise<'_>, instance: &Value) -> Option<bool> {
        let has = |name: &String| instance.as_object().is_none_or(|members| members.contains_key(name));
        Some(self.passes(&known.nodes, instance)? && known.has.iter().all(has))
    }

    pub(crate) fn passes(&self, nodes: &[SchemaNode<'_>], instance: &Value) -> Option<bool> {
        nodes.iter().try_fold(true, |all, node| Some(all && self.accepts(node, instance)?))
    }
}
