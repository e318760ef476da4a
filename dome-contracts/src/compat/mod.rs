//! Compatibility of JSON Schemas: whether an instance that one accepts is accepted by the other.
//!
//! Two implementations vote. The walker of this module goes through both schemas keyword by keyword
//! and names the rule that a change breaks; `jsonschema`'s canonical form is asked the same question
//! as a whole. A refusal counts only with a *witness*, an instance that the validator accepts under
//! the one schema and rejects under the other. What neither proves nor a witness refutes is
//! [`Verdict::Unknown`], which fails closed. `format` is taken as an assertion.
//!
//! Known limits: references may name places in the same document or files of the same folder;
//! `unevaluated*`, `$dynamicRef` and embedded `$id`s are never proven compatible.

mod bundle;
mod check;
mod compare;
mod decimal;
mod dialect;
mod document;
mod evaluate;
mod instances;
pub(crate) mod keywords;
mod language;
mod node;
mod notes;
mod pattern;
pub(crate) mod pointer;
mod registry;
mod report;
mod rule;
mod sample;
mod schema;
mod shape;
mod split;
mod types;
mod vote;

pub use compare::compat;
pub use dialect::Dialect;
pub use document::SchemaError;
pub use registry::CodeRegistry;
pub use report::{Bump, Direction, Finding, Report, Verdict, Votes};
pub use rule::{Group, Rule};
pub use schema::Schema;
pub use vote::Vote;
