//! Whether the instances of one JSON Schema are all instances of another.
//!
//! That is the question behind every change of a schema: can readers of the new version still read what was
//! valid under the old one? The answer is a [`CompatReport`]: a verdict, the [`SchemaRule`]s that the change
//! breaks with their places in both schemas, and a *witness*, an instance that the old schema accepts and the new one
//! refuses.
//!
//! ```
//! use schema_compat::{Compatibility, Dialect, Direction, Schema, SchemaRule, compat};
//!
//! let old = Schema::parse(br#"{"type": "object", "properties": {"name": {}}}"#, Dialect::Draft202012)?;
//! let new = Schema::parse(br#"{"type": "object", "required": ["name"]}"#, Dialect::Draft202012)?;
//!
//! let report = compat(&old, &new, Direction::Backward);
//! assert_eq!(report.verdict, Compatibility::Incompatible);
//! let finding = &report.findings[0];
//! assert_eq!((finding.rule, finding.new.as_str()), (SchemaRule::RequiredAdded, "/required"));
//! let witness = finding.witness.as_ref().unwrap();
//! assert!(old.is_valid(witness) && !new.is_valid(witness));
//!
//! assert_eq!(compat(&old, &new, Direction::Forward).verdict, Compatibility::Compatible);
//! # Ok::<(), schema_compat::SchemaError>(())
//! ```
//!
//! # How it decides
//!
//! Containment of schemas is undecidable in practice, so two implementations vote. The walker of this crate
//! goes through both schemas keyword by keyword and names the rule that a change breaks; the canonical form of
//! the `jsonschema` crate is asked the same question as a whole. A refusal counts only with a witness that the
//! validator confirms. What neither proves nor a witness refutes is [`Compatibility::Unknown`]: callers fail closed
//! on it.
//!
//! | walker | second vote | witness | verdict |
//! |---|---|---|---|
//! | any | any | found | [`Incompatible`](Compatibility::Incompatible) |
//! | proves it | compatible or undecided | none | [`Compatible`](Compatibility::Compatible) |
//! | proves it | incompatible | none | [`Unknown`](Compatibility::Unknown) |
//! | cannot | compatible | none | [`Compatible`](Compatibility::Compatible) |
//! | cannot | otherwise | none | [`Unknown`](Compatibility::Unknown) |
//!
//! # Overview
//!
//! - [`Schema`] reads a schema, alone or with the files that it refers to, and judges instances.
//! - [`compat`] compares two schemas.
//! - [`CompatReport`], [`CompatFinding`] and [`SchemaRule`] say what was found. [`SchemaRule`] has an example pair
//!   per rule.
//! - [`Reference`] lists the `$ref`s of a document, [`json`] reads JSON strictly, [`pointer()`] writes JSON Pointers.
//!
//! # Assumptions
//!
//! - Draft-07 and 2020-12 ([Core](https://json-schema.org/draft/2020-12/json-schema-core),
//!   [Validation](https://json-schema.org/draft/2020-12/json-schema-validation)).
//! - `format` (Validation, section 7) and in strings `contentEncoding` and `contentMediaType` (section 8) are
//!   assertions: adding one narrows the schema.
//! - Numbers are exact decimals: 3 is a multiple of 0.3 (Validation, section 6.2.1).
//! - Patterns are not anchored (Core, section 6.4). They are compared by their automata where all dialects of
//!   regular expressions read them alike.
//! - References name places of the same document, or of files that the caller provides. Nothing is fetched.
//!   `unevaluatedItems` and `unevaluatedProperties` (Core, section 11), `$dynamicRef` (section 8.2.3.2) and an
//!   `$id` inside a schema (section 8.2.1) are never proven compatible.
//! - Work is bounded: 20,000 steps of the walk, 64 branches of a disjunction, 64 items with schemas of their
//!   own, 20,000 states of two automata. Beyond that the verdict is unknown, never a guess.
//!
//! The crate does no I/O, and its answers depend on nothing but its arguments.

mod check;
mod compare;
mod decimal;
mod evaluate;
pub mod json;
mod keywords;
mod known;
mod pattern;
mod report;
mod sample;
mod schema;

pub use compare::compat;
pub use keywords::{Reference, ReferenceTarget, pointer, referenced_files};
pub use report::{Bump, CompatFinding, CompatReport, Compatibility, Direction, SchemaRule, Votes};
pub use schema::{Dialect, InstanceProblem, Schema, SchemaError};

#[cfg(test)]
extern crate self as schema_compat;
#[cfg(test)]
#[path = "../tests/main.rs"]
mod tests;
