//! A schema that was read, checked against its meta-schema, and can be looked into.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::dialect::Dialect;
use crate::keywords::{OPAQUE, children, each_schema, meant_by};
use crate::pointer;

/// A schema document that cannot be compared at all.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a schema at `{file}#{pointer}`: {reason}")]
pub struct SchemaError {
    /// The file, as the caller named it; empty for a schema that was given without a name.
    pub file: String,
    /// The place inside it, as a JSON Pointer.
    pub pointer: String,
    /// What is wrong there.
    pub reason: String,
}

impl SchemaError {
    pub(crate) fn new(file: &str, pointer: &str, reason: impl Into<String>) -> Self {
        Self { file: file.to_owned(), pointer: pointer.to_owned(), reason: reason.into() }
    }

    pub(crate) fn not_json(file: &str, error: &serde_json::Error) -> Self {
        Self::new(file, "", format!("not JSON: {error}"))
    }
}

/// A self-contained schema document: all references are local pointers.
#[derive(Clone, Debug)]
pub(crate) struct Document {
    pub(crate) root: Value,
    pub(crate) dialect: Dialect,
    /// Places that cannot be compared, and why.
    pub(crate) opaque: BTreeMap<String, String>,
    /// Files that were put under `definitions`: pointer to file.
    pub(crate) files: BTreeMap<String, String>,
}

impl Document {
    /// Checks a document whose references are all local.
    pub(crate) fn new(root: Value, dialect: Dialect, files: BTreeMap<String, String>) -> Result<Self, SchemaError> {
        let mut document = Self { root, dialect, opaque: BTreeMap::new(), files };
        document.check_meta_schema()?;
        document.check_references()?;
        document.opaque = document.find_opaque();
        Ok(document)
    }

    /// The value at a pointer.
    pub(crate) fn at(&self, pointer: &str) -> Option<&Value> {
        self.root.pointer(pointer)
    }

    /// A pointer as a reader would write it: with the file that it is in, if there are several.
    pub(crate) fn display(&self, at: &str) -> String {
        let inside = |prefix: &str| {
            let rest = at.strip_prefix(prefix)?;
            (rest.is_empty() || rest.starts_with('/')).then(|| rest.to_owned())
        };
        let mut files = self.files.iter().rev();
        files.find_map(|(prefix, file)| Some(format!("{file}#{}", inside(prefix)?))).unwrap_or_else(|| at.to_owned())
    }

    fn check_meta_schema(&self) -> Result<(), SchemaError> {
        let result = match self.dialect {
            Dialect::Draft07 => jsonschema::draft7::meta::validate(&self.root),
            Dialect::Draft202012 => jsonschema::draft202012::meta::validate(&self.root),
        };
        result.map_err(|error| self.error(&error.instance_path().to_string(), error.to_string()))
    }

    /// An error at a pointer into this document.
    pub(crate) fn error(&self, at: &str, reason: impl Into<String>) -> SchemaError {
        let shown = self.display(at);
        let (file, pointer) = shown.split_once('#').unwrap_or(("", &shown));
        SchemaError::new(file, pointer, reason)
    }

    fn check_references(&self) -> Result<(), SchemaError> {
        let mut places = Vec::new();
        each_schema(&self.root, "", &mut |at, schema| places.push((at.to_owned(), schema)));
        for (at, schema) in &places {
            if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
                let target = self.target(reference);
                let found = target.as_deref().and_then(|target| self.at(target));
                if !found.is_some_and(|found| found.is_object() || found.is_boolean()) {
                    return Err(self.error(at, format!("`$ref` to `{reference}` names no schema")));
                }
            }
        }
        let mut done = BTreeSet::new();
        for (at, _) in &places {
            self.check_cycle(at, &mut Vec::new(), &mut done)?;
        }
        Ok(())
    }

    /// Where a local reference points.
    pub(crate) fn target(&self, reference: &str) -> Option<String> {
        pointer::of_fragment(reference.strip_prefix('#')?)
    }

    /// A chain of references and combinators that comes back to its start without a step into the
    /// instance says nothing, and a validator may follow it forever.
    fn check_cycle(&self, at: &str, path: &mut Vec<String>, done: &mut BTreeSet<String>) -> Result<(), SchemaError> {
        if done.contains(at) {
            return Ok(());
        }
        if path.iter().any(|seen| seen == at) {
            return Err(self.error(at, "the schema refers to itself without a step into the instance"));
        }
        path.push(at.to_owned());
        for next in self.same_instance(at) {
            self.check_cycle(&next, path, done)?;
        }
        path.pop();
        done.insert(at.to_owned());
        Ok(())
    }

    fn same_instance(&self, at: &str) -> Vec<String> {
        let Some(schema) = self.at(at) else {
            return Vec::new();
        };
        if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
            let target = self.target(reference);
            if self.dialect == Dialect::Draft07 {
                return target.into_iter().collect();
            }
            return target.into_iter().chain(self.combined(schema, at)).collect();
        }
        self.combined(schema, at)
    }

    fn combined(&self, schema: &Value, at: &str) -> Vec<String> {
        const SAME: &[&str] =
            &["allOf", "anyOf", "oneOf", "not", "if", "then", "else", "dependencies", "dependentSchemas"];
        let here = |inner: &str| {
            let keyword = inner.strip_prefix(at).and_then(|rest| rest.split('/').nth(1));
            keyword.is_some_and(|keyword| SAME.contains(&keyword))
        };
        let inner = children(schema, at).into_iter().map(|(pointer, _)| pointer);
        inner.filter(|pointer| here(pointer)).collect()
    }

    fn find_opaque(&self) -> BTreeMap<String, String> {
        let mut found = BTreeMap::new();
        each_schema(&self.root, "", &mut |at, schema| {
            for keyword in schema.as_object().into_iter().flat_map(|members| members.keys()) {
                let reason = if OPAQUE.contains(&keyword.as_str()) {
                    format!("`{keyword}` cannot be compared")
                } else if let Some(known) = meant_by(keyword) {
                    format!("unknown keyword `{keyword}`: `{known}` was probably meant")
                } else {
                    continue;
                };
                found.insert(pointer::join(at, keyword), reason);
            }
        });
        for at in crate::bundle::embedded_ids(&self.root) {
            found.insert(at, "an `$id` inside a schema moves what references mean".to_owned());
        }
        found
    }
}
