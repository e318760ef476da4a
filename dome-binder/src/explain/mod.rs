//! Why a line, a fact or a capsule is what it is: the counters of a capsule, one fact at a time.
//!
//! An explanation re-runs the fold ([`crate::LineState::push`]) and lists what each fact did, and every change of a
//! counter. It counts nothing by itself: a change is what lies between the fold's counters before and after a fact.
//!
//! [`find`] says what a key names, an [`Excerpt`] holds the facts that its story needs. Both take facts from anywhere,
//! a [`crate::Ledger`] or an index.
//!
//! ```
//! use dome_binder::explain::{capsule_story, excerpt};
//! # use dome_binder::{Ledger, Policy, Record, Rules};
//! # use dome_core::{CodeTable, Source};
//! # let table = br#"{"schema_version":"0.1","version":"0.1","classes_precedence":[],"codes":{},"restart_mode_by_class":{}}"#;
//! # let rules = Rules { policy: Policy::default(), codes: CodeTable::parse(table)?, mode: None, contracts: None };
//! # let envelope = dome_core::read(dome_core::EXAMPLE_LINE)?;
//! # let record = Record::new(envelope, Source { line: 1, name: "a.jsonl".into() });
//! # let ledger = Ledger::of(vec![Box::new(record)], &rules.codes);
//! let key = ledger.facts[0].keys.derived;
//! let facts: Vec<_> = ledger.line_facts().collect();
//! let excerpt = excerpt(&facts, key).ok_or("no fact has that key")?;
//! let story = capsule_story(&excerpt, &rules, ledger.last_ts());
//! assert_eq!(story.facts[0].changes[0].to_string(), "support_count +1");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod find;
mod ingredients;
mod step;
mod story;

pub use find::{Candidate, Excerpt, Explainable, Found, LEAST_DIGITS, excerpt, find, line_of, line_of_source, span};
pub use ingredients::{Ingredient, Ingredients};
pub use step::{Counter, CounterChange, EffectOn, FactStep, Fired};
pub use story::{
    Brief, CapsuleStory, ConceptStory, FactStory, LineStory, Need, capsule_story, concept_story, fact_story, line_story,
};
