//! Execution patterns that feed the memory of `dome`: secure map-reduce and layered memory.
//!
//! A pattern is a way to run work in which everything that can go wrong has a name. Each is bound to TaskSpecs by
//! data in `docs/patterns` ([`Pattern`]), and each outcome can be made into an envelope. The crate is
//! pure: no clock, no file, no process. The caller runs the workers and provides bytes and times.
//!
//! # Overview
//!
//! - [`MapPlan`], [`MapRun`], [`MapResult`]: secure map-reduce. A worker sees one item; what it writes
//!   comes through an [`OutputContract`] or not at all; [`Reduce`] sees an [`Output`], never text.
//! - [`Memory`]: five layers of memory, in order of authority. Only [`Authoritative`] has capabilities and
//!   the inputs of guards; what many runs agree on is promoted, with provenance, for a time.
//! - [`limits`]: every limit, in one module.
//!
//! Rule numbers (M-xx) are those of the dome model, version 1.

mod codes;
mod contract;
pub mod limits;
mod map_reduce;
mod memory;
mod pattern;
mod report;

pub use codes::{
    MapDenialCode, MapFailureCode, PromotionDenialCode, ReduceDenialCode, ReduceFailureCode, RetirementCode,
    RevalidationDenialCode, WriteDenialCode,
};
pub use contract::{
    ContractError, Leaf, MapFailure, MemberName, MemberPath, NameError, ObjectShape, Output, OutputContract,
    OutputProblem, Shape, TextMark,
};
pub use map_reduce::{
    Accepted, Budget, BudgetError, Completion, Ended, Figure, Item, ItemResult, Job, MapPlan, MapResult, MapRun,
    Outcome, PlanError, RecordError, Reduce, ReduceRefusal, Reduced, Reducer, ReducerError, Reduction, Summary, Tally,
};
pub use memory::{
    Answer, Authoritative, Capability, GuardInputs, GuardRequest, Key, Layer, Lineage, LineageError, LoadError,
    LowerLayer, LowerMemory, Memory, MemoryEvent, MemoryValue, Overridden, Promotion, PromotionDenial, PromotionPolicy,
    Retired, RetiredWhy, Synthesis, ValueError, Written,
};
pub use pattern::{CodeMeaning, Pattern, PatternError, Step};
pub use report::{ReportError, Reporter};
