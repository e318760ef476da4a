//! A schema: reading it, alone or with the files it refers to, and asking it about instances.

use std::collections::BTreeSet;

use jsonschema::canonical::Satisfiability;
use serde_json::Value;

use crate::bundle;
use crate::dialect::Dialect;
use crate::document::{Document, SchemaError};
use crate::evaluate::{Evaluator, Offline};
use crate::json;
use crate::keywords::{each_schema, meant_by};
use crate::known::Known;
use crate::node::{Node, Side};
use crate::pointer;
use crate::sample::{Hints, Sampler};

/// A schema that was checked against its meta-schema and can be compared.
///
/// ```
/// use schema_compat::{Dialect, Schema};
///
/// let schema = Schema::parse(br#"{"type": "string"}"#, Dialect::Draft07)?;
/// assert_eq!(schema.dialect(), Dialect::Draft07);
/// let error = Schema::parse(br#"{"type": "strong"}"#, Dialect::Draft07).unwrap_err();
/// assert_eq!(error.pointer, "/type");
/// # Ok::<(), schema_compat::SchemaError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Schema {
    pub(crate) document: Document,
}

/// Two schemas are equal if they are the same documents, files that they refer to included.
impl PartialEq for Schema {
    fn eq(&self, other: &Self) -> bool {
        self.document.root == other.document.root && self.document.dialect == other.document.dialect
    }
}

impl Schema {
    /// Reads a schema from bytes. `default` is its dialect if it declares none.
    ///
    /// # Errors
    ///
    /// [`SchemaError`] with the place, if the bytes are not JSON or not a schema of the dialect, or if a
    /// reference leaves the document or leads back to itself without a step into the instance.
    pub fn parse(bytes: &[u8], default: Dialect) -> Result<Self, SchemaError> {
        Self::from_value(json::parse(bytes).map_err(|error| SchemaError::not_json("", &error))?, default)
    }

    /// Reads a schema from a value. `default` is its dialect if it declares none.
    ///
    /// # Errors
    ///
    /// As [`parse`](Self::parse).
    pub fn from_value(value: Value, default: Dialect) -> Result<Self, SchemaError> {
        Ok(Self { document: bundle::single(value, default)? })
    }

    /// Reads the schema at `path` and all the files that it refers to. `file` gives the bytes of a file by
    /// its path: relative, separated by `/`.
    ///
    /// ```
    /// use schema_compat::{Dialect, Schema};
    ///
    /// let file = |path: &str| match path {
    ///     "schemas/a.json" => Some(br#"{"$ref": "../common.json#/definitions/name"}"#.as_slice()),
    ///     "common.json" => Some(br#"{"definitions": {"name": {"type": "string"}}}"#.as_slice()),
    ///     _ => None,
    /// };
    /// let schema = Schema::in_files("schemas/a.json", Dialect::Draft07, file)?;
    /// assert!(schema.validator()?.is_valid(&"text".into()));
    /// # Ok::<(), schema_compat::SchemaError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`parse`](Self::parse); references may lead to files that `file` gives, and nowhere else.
    pub fn in_files<'f>(
        path: &str,
        default: Dialect,
        file: impl Fn(&str) -> Option<&'f [u8]>,
    ) -> Result<Self, SchemaError> {
        Ok(Self { document: bundle::files(path, default, &file)? })
    }

    /// The dialect that the schema is read by.
    #[must_use]
    pub fn dialect(&self) -> Dialect {
        self.document.dialect
    }

    /// The schema as one document: files that it refers to lie under `$defs` or `definitions`.
    #[must_use]
    pub fn root(&self) -> &Value {
        &self.document.root
    }

    /// A pointer into [`root`](Self::root) as a reader would write it: with its file, if there are several.
    #[must_use]
    pub fn display(&self, pointer: &str) -> String {
        self.document.display(pointer)
    }

    /// A validator of this schema, with `format` as an assertion.
    ///
    /// # Errors
    ///
    /// [`SchemaError`] if the validator refuses the schema.
    pub fn validator(&self) -> Result<Validator, SchemaError> {
        let built = jsonschema::options()
            .with_draft(self.document.dialect.draft())
            .with_retriever(Offline)
            .should_validate_formats(true)
            .build(&self.document.root);
        built.map(Validator).map_err(|error| self.document.error("", error.to_string()))
    }

    /// What is wrong with an instance, each as `POINTER: REASON`; nothing if it is valid.
    ///
    /// ```
    /// use schema_compat::{Dialect, Schema};
    ///
    /// let schema = Schema::parse(br#"{"required": ["a"]}"#, Dialect::Draft07)?;
    /// assert!(schema.problems(br#"{"a": 1}"#)?.is_empty());
    /// assert_eq!(schema.problems(b"{}")?, [": \"a\" is a required property"]);
    /// # Ok::<(), schema_compat::SchemaError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`SchemaError`] if the validator refuses the schema.
    pub fn problems(&self, instance: &[u8]) -> Result<Vec<String>, SchemaError> {
        let validator = self.validator()?;
        Ok(match json::parse(instance) {
            Ok(instance) => validator.problems(&instance).map(|problem| problem.to_string()).collect(),
            Err(error) => vec![format!(": not JSON: {error}")],
        })
    }

    /// Some instances that the schema accepts, the simplest first; none if none were found.
    ///
    /// # Errors
    ///
    /// [`SchemaError`] if the validator refuses the schema.
    pub fn samples(&self) -> Result<Vec<Value>, SchemaError> {
        let document = &self.document;
        let evaluator = Evaluator::new(document, document)?;
        let sampler = Sampler::new(&evaluator, Hints::of(&[&document.root]));
        Ok(sampler.samples(&Known::of([Node::root(Side::Old, document)])))
    }

    /// The whole numbers that the schema mentions: bounds, lengths, listed values.
    #[must_use]
    pub fn whole_numbers(&self) -> BTreeSet<i64> {
        let numbers = Hints::of(&[&self.document.root]).numbers;
        numbers.iter().filter_map(|number| number.to_string().parse().ok()).collect()
    }

    /// Whether the schema accepts anything; `None` if neither was established.
    #[must_use]
    pub fn is_satisfiable(&self) -> Option<bool> {
        let has_witness = self.validator().ok().zip(self.samples().ok()).is_some_and(|(validator, samples)| {
            // An instance that the validator accepts proves more than any reasoning.
            samples.iter().any(|value| validator.is_valid(value))
        });
        if has_witness {
            return Some(true);
        }
        match self.document.canonical()?.satisfiability() {
            Satisfiability::Yes => Some(true),
            Satisfiability::No => Some(false),
            Satisfiability::Unknown => None,
        }
    }

    /// Keywords that no dialect knows and that were probably meant to be others: the pointer of each, and
    /// the keyword that was meant.
    ///
    /// ```
    /// use schema_compat::{Dialect, Schema};
    ///
    /// let schema = Schema::parse(br#"{"requird": ["a"]}"#, Dialect::Draft07)?;
    /// assert_eq!(schema.misspelt(), [("/requird".to_owned(), "required")]);
    /// # Ok::<(), schema_compat::SchemaError>(())
    /// ```
    #[must_use]
    pub fn misspelt(&self) -> Vec<(String, &'static str)> {
        let mut found = Vec::new();
        each_schema(&self.document.root, "", &mut |at, schema| {
            for keyword in schema.as_object().into_iter().flat_map(|members| members.keys()) {
                found.extend(meant_by(keyword).map(|known| (pointer::join(at, keyword), known)));
            }
        });
        found
    }
}

/// A schema compiled to judge instances. Nothing is fetched.
#[derive(Debug)]
pub struct Validator(jsonschema::Validator);

impl Validator {
    /// Whether the schema accepts an instance.
    #[must_use]
    pub fn is_valid(&self, instance: &Value) -> bool {
        self.0.is_valid(instance)
    }

    /// What is wrong with an instance; nothing if it is valid.
    pub fn problems<'i>(&'i self, instance: &'i Value) -> impl Iterator<Item = Problem> + 'i {
        self.0
            .iter_errors(instance)
            .map(|error| Problem { pointer: error.instance_path().to_string(), message: error.to_string() })
    }
}

/// One thing that is wrong with an instance.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
#[error("{pointer}: {message}")]
pub struct Problem {
    /// The place inside the instance, as a JSON Pointer (RFC 6901).
    pub pointer: String,
    /// What is wrong there.
    pub message: String,
}
