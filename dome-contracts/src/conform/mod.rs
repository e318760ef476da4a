//! The tool conformance gate `python_standard`, the part that needs no process: what a tool promises
//! ([`ToolManifest`]), how its runs are judged, and the parts of a
//! [`ConformanceReport`](dome_core::conformance::ConformanceReport).
//!
//! Whoever runs the tool brings [`ToolRun`]s; each sub-check is a function from those to a
//! [`ConformanceCheck`](dome_core::conformance::ConformanceCheck).
//!
//! ```
//! use dome_contracts::conform::ToolManifest;
//!
//! let error = ToolManifest::parse(br#"{"manifest_version": "1", "entry": "../a.py"}"#).unwrap_err();
//! assert!(error.problems.len() > 5, "all problems at once");
//! ```

mod checks;
mod manifest;
mod run;
mod spec;

pub use checks::{
    Enforced, Enforcement, Factor, RoundTrip, Variation, canonical, contract, determinism, misreported, observability,
    side_effects,
};
pub use manifest::{
    DeclaredFailure, DeclaredSchema, Expect, FailureOn, Fixture, ManifestError, ManifestProblem, RunLimits, Schemas,
    Telemetry, TelemetryMember, ToolManifest, ToolPolicy, manifest_schema,
};
pub use run::{
    AnswerError, AnswerStatus, AuditEvent, EffectKind, FixtureRun, RunEnding, RunObservation, ToolAnswer, ToolEffect,
    ToolRun,
};
pub use spec::{
    Assertion, AssertionClass, Drift, EnvelopeError, REASON_CODE, Refused, Shrink, SpecTest, envelopes, spec_as_test,
};
