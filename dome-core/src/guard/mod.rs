//! Guards: what a bundle of guardrails says of a transition (section 11, M-100).
//!
//! [`GuardrailsBundle::parse`] and [`GuardContext::parse`] read the two documents, naming every
//! problem; [`evaluate`] is a pure function of both. Unknowns deny, and what the context leaves out
//! exempts from nothing.
//!
//! ```
//! use dome_core::guard::{GuardContext, GuardrailsBundle, evaluate};
//! use dome_core::{Decision, Status};
//!
//! let bundle = GuardrailsBundle::parse(br#"{
//!   "artifact_kind": "guardrails_bundle", "bundle_id": "baseline", "version": "1",
//!   "meta": {
//!     "policy_linkage": {"reason_codes_ref": {"path": "reason_codes.json", "version": "0.1"}},
//!     "requirements": {"required_evidence": [], "unknowns_policy": {
//!       "on_unknown_state": "DENY", "on_unknown_transition": "DENY",
//!       "reason_code": "AMBIGUOUS_STATE_DENIED", "emit_unknowns_field": "unknowns"}},
//!     "guards": {"spec": [], "eval": []}
//!   },
//!   "guards": [{"guard_id": "tests-green", "applies_to": {"actions": ["promote"]}, "deny_decision": "DENY",
//!               "reason_code": "TESTS_FAILED", "required_evidence": ["test_report"]}]
//! }"#)?;
//! let context = GuardContext::parse(br#"{"context_version": "1", "action": "promote"}"#)?;
//! let decided = evaluate(&bundle, &context);
//! assert_eq!(decided.decision, Decision::Deny);
//! assert_eq!(decided.guard_evals[0].status, Status::Fail);
//! assert_eq!(decided.causes[0].to_string(), "the evidence `test_report` is missing");
//! # Ok::<(), dome_core::Rejection>(())
//! ```

mod bundle;
mod decision;
mod read;

pub use bundle::{
    AppliesTo, ContextVersion, DenyDecision, Feedback, Guard, GuardContext, GuardrailsBundle, NextStep,
    PredicateResult, Severity, TransitionPattern, UnknownsPolicy,
};
pub use decision::{Cause, CauseKind, GuardDecision, GuardFeedback, evaluate};
