//! A schema taken by itself: what it accepts, whether it accepts anything, what is odd about it.

use jsonschema::Validator;
use jsonschema::canonical::{Satisfiability, options};
use serde_json::Value;

use super::document::SchemaError;
use super::evaluate::{Evaluator, Offline};
use super::keywords::{each_schema, meant_by};
use super::node::{Known, Node, Side};
use super::pointer;
use super::sample::{Hints, Sampler};
use super::schema::Schema;

impl Schema {
    /// A validator of this schema; nothing is fetched.
    pub(crate) fn validator(&self) -> Result<Validator, SchemaError> {
        let built = jsonschema::options()
            .with_draft(self.document.dialect.draft())
            .with_retriever(Offline)
            .should_validate_formats(true)
            .build(&self.document.root);
        built.map_err(|error| self.document.error("", error.to_string()))
    }

    /// Some instances that the schema accepts, the simplest first.
    pub(crate) fn samples(&self) -> Vec<Value> {
        let document = &self.document;
        let Ok(evaluator) = Evaluator::new(document, document) else { return Vec::new() };
        let sampler = Sampler::new(&evaluator, Hints::of(&[&document.root]));
        sampler.samples(&Known::of([Node::root(Side::Old, document)]))
    }

    /// Numbers and words that the schema mentions.
    pub(crate) fn hints(&self) -> Hints {
        Hints::of(&[&self.document.root])
    }

    /// Whether it accepts anything; `None` where that is not established.
    pub(crate) fn is_satisfiable(&self) -> Option<bool> {
        let built = options().with_draft(self.document.dialect.draft()).with_retriever(Offline);
        let canonical = built.should_validate_formats(true).canonicalize(&self.document.root).ok()?;
        match canonical.satisfiability() {
            Satisfiability::Yes => Some(true),
            Satisfiability::No => Some(false),
            Satisfiability::Unknown => None,
        }
    }

    /// Keywords that were probably meant to be others, each with its place.
    pub(crate) fn misspelt(&self) -> Vec<String> {
        let mut found = Vec::new();
        each_schema(&self.document.root, "", &mut |at, schema| {
            for keyword in schema.as_object().into_iter().flat_map(|members| members.keys()) {
                if let Some(known) = meant_by(keyword) {
                    let at = pointer::join(at, keyword);
                    found.push(format!("`{at}`: unknown keyword, `{known}` was probably meant"));
                }
            }
        });
        found
    }
}
