//! What a `dome` record is: wrapper envelopes read strictly, every problem named, canonical bytes,
//! fingerprints and keys.
//!
//! `dome` is a deterministic memory of failures for coding agents, CI and other automation. This
//! crate is the part that other tools use alone: it validates one envelope and says what it is. It
//! is pure: no clock, no file, no environment, no network, no thread, no random source.
//!
//! # Validate an envelope and get its keys
//!
//! ```
//! use dome_core::{Fingerprint, Keys, Reader};
//!
//! let mut reader = Reader::new(); // reuse it from line to line
//! match reader.read(dome_core::EXAMPLE_LINE) {
//!     Ok(envelope) => {
//!         let keys = Keys::of(&envelope);
//!         println!("{} on {}", envelope.task_spec.failure_reason_code, envelope.task_spec.target.id);
//!         println!("same failure: {}", keys.derived);
//!         println!("because of:   {:?}", Fingerprint::of(&envelope));
//!     }
//!     Err(rejection) => rejection.problems().iter().for_each(|problem| eprintln!("{problem}")),
//! }
//! ```
//!
//! # Overview
//!
//! - Reading: [`Reader`], [`read`], [`Problem`], [`QuarantineRow`]. All problems at once (M-30).
//! - Values: [`Envelope`], [`TaskSpec`], the ids, [`Timestamp`], [`FailureReasonCode`] and
//!   [`PolicyReasonCode`], which never meet (M-04). Values are valid by construction.
//! - [`json`]: the strict reader below all others, for other documents.
//! - Writing: [`build`], whose types only allow valid envelopes.
//! - Identity: [`canonical`], [`Fingerprint`], [`Keys`], and [`Keyer`] for many envelopes. Same
//!   input, same bytes.
//! - [`guard`]: what a bundle of guardrails decides on a transition (M-100).
//! - [`CodeTable`]: classes and restart modes of reason codes.
//! - [`conformance`]: what a gate says of a tool.
//!
//! Rule numbers (M-xx) are those of the dome model, version 2.
//!
//! # Features
//!
//! - `redact`: secrets masked before a line is read or kept.
//! - `schema`: JSON Schemas of the public documents.
//!
//! Strategies that generate envelopes, sound and broken, are in the crate `dome-arbitrary`.

pub mod build;
pub mod canonical;
mod choice;
pub mod conformance;
mod envelope;
mod fingerprint;
pub mod guard;
mod hash;
mod id;
mod ingress;
pub mod json;
mod key;
mod known;
pub mod limits;
mod lines;
mod map;
mod problem;
mod quarantine;
mod reason;
#[cfg(any(test, feature = "redact"))]
pub mod redact;
#[cfg(feature = "schema")]
pub mod schema;
mod steps;
mod text;
mod time;

pub use choice::{BinderVersion, ChoiceError, Decision, Scope, SideEffectsMode, Signal, Status, WrapperPolicy};
pub use envelope::{
    Action, Envelope, EnvelopeVersion, Evidence, Gate, GuardEval, MOMENTARY_KINDS, Remedy, SideEffects, Subject,
    Target, TaskLine, TaskSpec, Tool, Transition,
};
pub use fingerprint::{Fingerprint, message_template, message_template_under, normal_version};
pub use hash::{HashError, HashingReader, Sha256Hash};
pub use id::{
    ActionKind, EventId, EvidencePath, GateId, GroupId, GuardId, IdentifierError, Job, Lane, PathError, RemedyKind,
    Repository, Revision, RunId, StateId, TargetId, TargetKind, TaskId, TokenError, ToolName,
};
pub use ingress::{Reader, line_too_long, read};
pub use key::{Identity, Keyed, Keyer, Keys};
pub use known::{Known, Pool};
pub use lines::{Line, blank_lines, line_feeds, lines};
pub use map::StringMap;
pub use problem::{Problem, ProblemCode, Rejection};
pub use quarantine::{QuarantineRow, RawLine, Source};
pub use reason::{
    CodeClass, CodeEntry, CodePlace, CodeTable, CodeTableError, FailureReasonCode, Placing, PolicyReasonCode,
    ReasonCodeError,
};
pub use text::{escaped, escaped_path, is_obeyed, utf16_order};
pub use time::{Timestamp, TimestampError};

/// A small valid envelope, for examples and first steps.
pub const EXAMPLE_LINE: &[u8] = include_bytes!("data/example.json").trim_ascii_end();
