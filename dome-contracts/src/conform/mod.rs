//! The tool conformance gate `python_standard`, the part that needs no process: what a tool promises
//! ([`Manifest`]), what its runs come to, and what is said of it ([`Report`]).
//!
//! Whoever runs the tool brings [`Run`]s; each sub-check is a function from those to a [`Check`].
//!
//! ```
//! use dome_contracts::conform::{Manifest, ManifestProblem};
//!
//! let error = Manifest::parse(br#"{"manifest_version": "1", "entry": "../a.py"}"#).unwrap_err();
//! assert!(error.problems.len() > 5, "all problems at once");
//! ```

mod answer;
mod assertion;
mod canonical;
mod contract;
mod determinism;
mod drift;
mod event;
mod manifest;
mod manifest_check;
mod mutate;
mod observability;
mod report;
mod run;
mod sample;
mod shrink;
mod side_effects;
mod spec_test;
mod verdict;

pub use answer::{Answer, AnswerError, Status};
pub use assertion::{Assertion, Class, Drift, Refused};
pub use canonical::{Document, canonical};
pub use contract::contract;
pub use determinism::{Factor, Variation, determinism};
pub use drift::{EnvelopeError, REASON_CODE, Sighting, envelope};
pub use event::{Effect, EffectKind, Event};
pub use manifest::{
    DeclaredFailure, Expect, Fixture, Limits, Manifest, ManifestError, ManifestProblem, On, Policy, Schemas, Telemetry,
    TelemetryMember, Tool, manifest_schema,
};
pub use observability::observability;
pub use report::{Digests, Gate, Report, ReportError};
pub use run::{Ending, FixtureRun, Observation, Run};
pub use shrink::Shrink;
pub use side_effects::{Enforcement, side_effects};
pub use spec_test::{SpecTest, spec_as_test};
pub use verdict::{Check, CheckName, Outcome, Part};
