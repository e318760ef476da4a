//! Why a line, a fact or a capsule is what it is: the counters of a capsule, one fact at a time.
//!
//! An explanation re-runs the fold and lists every change of a counter. It counts nothing by itself: the changes are
//! the effects that the fold adds up ([`crate::LineState::push`]).
//!
//! [`find`] says what a key names, an [`Excerpt`] holds the facts that its story needs. Both take facts from anywhere,
//! a [`crate::Ledger`] or an index.
//!
//! ```
//! use dome_binder::explain::{capsule_story, excerpt};
//! # use dome_binder::{Ledger, Policy, Record, Rules};
//! # use dome_core::{CodeTable, Source};
//! # let table = br#"{"schema_version":"0.1","version":"0.1","classes_precedence":[],"codes":{},"restart_mode_by_class":{}}"#;
//! # let rules = Rules { policy: Policy::default(), codes: CodeTable::parse(table)?, mode: None };
//! # let envelope = dome_core::read(dome_core::EXAMPLE_LINE)?;
//! # let record = Record::new(envelope, Source { line: 1, name: "a.jsonl".into() });
//! # let ledger = Ledger::of(vec![Box::new(record)]);
//! let key = ledger.facts[0].keys.derived;
//! let facts: Vec<_> = ledger.line_facts().collect();
//! let excerpt = excerpt(&facts, key).ok_or("no fact has that key")?;
//! let story = capsule_story(&excerpt, &rules, ledger.last_ts());
//! assert_eq!(story.counters.support_count, story.capsule.ok_or("it mints")?.support_count);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod find;
mod ingredients;
mod step;
mod story;

pub use find::{Candidate, Excerpt, Explainable, Found, LEAST_DIGITS, excerpt, find, line_of, line_of_source, span};
pub use ingredients::{Ingredient, Ingredients};
pub use step::{Counter, CounterChange, Counters, FactStep, Fired, RemedyCounters};
pub use story::{
    Brief, CapsuleStory, ConceptStory, FactStory, LineStory, Need, capsule_story, concept_story, fact_story, line_story,
};
