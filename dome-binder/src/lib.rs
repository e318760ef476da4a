//! What `dome` derives from records: runs settled, facts in order, failures bound to the TaskSpec that
//! they happened on, capsules, concepts and views.
//!
//! Every function goes from values to values. There is no clock, no file, no environment, no
//! network, no thread and no random source here: time comes from records and from `as_of`.
//!
//! # One stage after the other
//!
//! ```text
//! records -> group_by_run -> settle (each run apart) -> order -> Ledger
//! Ledger  -> lines -> fold (each task line apart) -> assemble -> capsules, concepts
//! Ledger  -> recent_failures, gate_rollup, guard_denials
//! ```
//!
//! Runs are settled apart and task lines are folded apart, each on any thread or machine, and the
//! parts put together are the whole, byte for byte (L-4). [`replay`] is all stages in one call:
//!
//! ```
//! use dome_binder::{replay, Policy, Record, Rules};
//! use dome_core::{CodeTable, Source};
//! # let table = br#"{"schema_version":"0.1","version":"0.1","classes_precedence":[],"codes":{},"restart_mode_by_class":{}}"#;
//! let rules = Rules { policy: Policy::default(), codes: CodeTable::parse(table)?, mode: None, contracts: None };
//! let envelope = dome_core::read(dome_core::EXAMPLE_LINE)?;
//! let records = vec![Box::new(Record::new(envelope, Source { line: 1, name: "a.jsonl".into() }))];
//! for capsule in replay(records, &rules, None).derived.capsules {
//!     println!("{} {} {:?} {:?}", capsule.target_id, capsule.failure_reason_code, capsule.verdict, capsule.holds);
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! [`priors`] is the planner's question to the result, [`outcome`] what became of the answer; [`backtest`] asks it along a
//! history.
//!
//! Rule numbers (M-xx) and laws (L-x) are those of the dome model, version 2.

mod applied;
pub mod backtest;
mod capsule;
mod compare;
mod concept;
mod confidence;
mod document;
mod eligibility;
pub mod explain;
mod fold;
mod groups;
mod ledger;
pub mod outcome;
mod policy;
pub mod priors;
pub mod query;
mod record;
mod recorder;
mod remedy;
mod replay;
pub mod rollout;
mod row;
mod rows;
mod settle;
mod steps;
mod trigger;
pub mod views;

/// The version of the model: of every rule that can change an output.
pub const MODEL_VERSION: &str = "2";

pub use applied::{Application, AppliedCounts};
pub use capsule::{Capsule, CapsuleKind, finish};
pub use compare::{
    Became, Changed, Comparison, Example, ExampleFact, GroupSide, MemberChange, Regrouped, Regrouping, Trace,
    VerdictChange, VerdictTurn, compare, trace,
};
pub use concept::{Concept, concepts};
pub use confidence::confidence_ppm;
pub use document::{DocumentError, DocumentProblem};
pub use eligibility::{Figures, FirstRemedy, Hold, HoldFigure, Threshold, Verdict, holds, thresholds};
pub use fold::{
    Applied, Bound, CapsuleStanding, CapsuleState, Effect, FactRef, FailureCounts, FoldedLine, Happened, LineFigures,
    LineState, PinnedContracts, Remedies, RemedyState, RowFigures, Rules, RunIn, RunSets, StandingIn, Step, Support,
    Trials, fold, proof,
};
pub use ledger::{DenialKind, Ledger, LineFact, LineFacts, Position, order, snapshot_digest};
pub use policy::{PPM, Policy};
pub use record::{Canonical, Record, SubjectKey, Tested};
pub use recorder::{Recorder, Shared};
pub use remedy::{RemedyRecord, SHOWN_REMEDIES, best_remedies, rerun_identity};
pub use replay::{
    Derived, FinishedCapsule, FinishedKey, FoldedCapsule, Replay, assemble, conclude, finish_key, replay,
};
pub use row::{NoRow, ROW_VERSION, Row, RowReader};
#[cfg(feature = "schema")]
pub use rows::fact_schema;
pub use rows::{ENVELOPE_AT, Lineage, append_fact, append_row};
pub use settle::{
    Conflict, Fact, FactOrder, RunCounts, RunRecords, Settled, SettledRun, Settling, group_by_run, in_run, settle,
};
pub use trigger::{MintReason, TRIGGER_SET_VERSION, Trigger, TriggerCounts, Triggers, mints};
