//! Why: what became of a line, and the counters of a capsule one fact at a time.
//!
//! An explanation is the fold told aloud: every change of a counter comes from the very effects
//! that the fold adds up ([`crate::fold_with`]), so that what is narrated is what was counted.
//!
//! [`find`] says what a key names; a [`Part`] is the facts that a story needs, which an index may
//! bring as well as a [`crate::Ledger`].
//!
//! ```
//! use dome_binder::explain::capsule_story;
//! # use dome_binder::{group_by_run, order, settle, Policy, Record, Rules};
//! # use dome_core::{CodeTable, Source};
//! # let table = br#"{"schema_version":"0.1","version":"0.1","classes_precedence":[],"codes":{},"restart_mode_by_class":{}}"#;
//! # let rules = Rules { policy: Policy::default(), codes: CodeTable::parse(table)?, mode: None };
//! # let envelope = dome_core::read(dome_core::EXAMPLE_LINE)?;
//! # let record = Record::new(envelope, Source { line: 1, name: "a.jsonl".into() });
//! # let ledger = order(group_by_run(vec![Box::new(record)]).into_iter().map(settle).collect());
//! let key = ledger.facts[0].keys.derived;
//! let excerpt = ledger.part().excerpt(key).ok_or("no fact has that key")?;
//! let story = capsule_story(key, &excerpt, &rules, ledger.last_ts());
//! assert_eq!(story.counters.support_count, story.capsule.ok_or("it mints")?.support_count);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod capsule;
mod change;
mod excerpt;
mod fact;
mod find;
mod ingredients;
mod overview;
mod step;
mod threshold;
mod told;

pub use capsule::{CapsuleStory, capsule_story};
pub use change::{Change, Counter, Counters, RemedyCounters};
pub use excerpt::{Excerpt, Part};
pub use fact::{FactStory, fact_story};
pub use find::{Candidate, Found, LEAST_DIGITS, Subject, find, line_of_source, span};
pub use ingredients::{Ingredient, Ingredients};
pub use overview::{Brief, ConceptStory, LineStory, Need, concept_story, line_story};
pub use step::{Fired, MintReason, Step};
pub(crate) use threshold::unseen_s;
pub use threshold::{Figure, Threshold, thresholds};
