//! Priors: what a planner asks before it acts (section 10).
//!
//! [`priors`] is a pure function of capsules, concepts, a policy and a query. It answers with capsules
//! of the task line first, then with the same failures on other targets, then with concepts.
//!
//! # Order
//!
//! Total, so that one query on one memory has one answer: tier (exact, elsewhere, concept), verdict
//! (prescriptive, advisory, blocked), the first remedy's confidence, the own confidence, support and
//! last time, each descending, then the key ascending.
//!
//! # What may steer
//!
//! Only a capsule of the very task line, with no hold, under [`Rollout::Prescriptive`]. What is known
//! of other targets, and every concept, is advice: no hold, and advisory all the same.
//!
//! ```
//! use dome_binder::priors::{Memory, PriorsQuery, priors};
//! use dome_binder::{Policy, Record, Rules, replay};
//! use dome_core::{CodeTable, Source};
//! # let table = br#"{"schema_version":"0.1","version":"0.1","classes_precedence":[],"codes":{},"restart_mode_by_class":{}}"#;
//! let rules = Rules { policy: Policy::default(), codes: CodeTable::parse(table)?, mode: None };
//! let envelope = dome_core::read(dome_core::EXAMPLE_LINE)?;
//! let query = PriorsQuery::of(envelope.task_spec.line());
//! let record = Record::new(envelope, Source { line: 1, name: "a.jsonl".into() });
//! let replay = replay(vec![Box::new(record)], &rules, None);
//! let answer = priors(&Memory::of(&replay, &rules), &query);
//! assert_eq!(answer.priors[0].held[0].to_string(), "low_support: support_count is 1, at least 2 is asked for");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod answer;
mod conformance;
mod held;
mod memory;
mod prior;
mod query;

pub use answer::{Priors, priors};
pub use conformance::{ConformanceReport, ConformanceReportError, PresentTool, ReportedDigests, ReportedTool};
pub use held::Held;
pub use memory::Memory;
pub(crate) use prior::Weight;
pub use prior::{Counts, Prior, ProvenFact, Role, Tier, elsewhere_rank};
pub use query::{Asked, AskedTool, DEFAULT_LIMIT, MAX_LIMIT, PriorsQuery, Rollout, RolloutError};
