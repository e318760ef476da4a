//! What a planner asks about: a task line before anything failed, or a failure that has just happened.

use std::collections::BTreeSet;

use compact_str::CompactString;
use dome_core::{Envelope, FailureReasonCode, Keys, Problem, ProblemCode, Rejection, Sha256Hash, Signal, TaskLine};
use serde_json::{Map, Value, json};

use crate::capsule::Capsule;
use crate::concept::Concept;

/// Which failures of a task line are asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum AskedFor {
    /// All of them: nothing has failed yet.
    #[default]
    Anything,
    /// Those with this fingerprint.
    Fingerprint(Sha256Hash),
    /// Those whose message has this template (M-53).
    Message(CompactString),
    /// The very failure that has just happened.
    Failure(FailureKeys),
}

/// The keys of a failure that has just happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FailureKeys {
    /// The key of its capsule (M-61).
    pub derived: Sha256Hash,
    /// The key of its concept (M-63).
    pub concept: Sha256Hash,
    /// Its fingerprint (M-50).
    pub fingerprint: Sha256Hash,
}

/// A failure that has just happened, as a document says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AskedFailure {
    /// Its task line.
    pub line: TaskLine,
    /// What failed.
    pub failure_reason_code: FailureReasonCode,
    /// Its keys.
    pub keys: FailureKeys,
}

/// Members of a TaskSpec, as they may stand beside those of a failure.
const OF_SPEC: [&str; 9] = [
    "scope",
    "target",
    "action",
    "failure_reason_code",
    "reason_code",
    "side_effects",
    "versions",
    "transition",
    "task_spec",
];

/// Problems of a text that holds no document, so that nothing in it was looked at.
const OF_TEXT: [ProblemCode; 5] = [
    ProblemCode::JsonDuplicateKey,
    ProblemCode::JsonInvalid,
    ProblemCode::JsonTooDeep,
    ProblemCode::LineTooLong,
    ProblemCode::Utf8Invalid,
];

impl AskedFailure {
    /// Reads a document: a whole envelope, or what the keys of section 7 take of one: a TaskSpec (under `task_spec`, or
    /// its members), with `message`, `gates`, `tool` and `env` beside it as far as they are known.
    ///
    /// ```
    /// use dome_binder::priors::AskedFailure;
    /// let asked = AskedFailure::read(br#"{
    ///     "scope": "repo", "target": {"kind": "repo", "id": "acme/app"}, "action": {"kind": "test"},
    ///     "failure_reason_code": "TESTS_FAILED", "message": "expected 3, got 4",
    ///     "gates": [{"gate_id": "unit", "status": "FAIL"}]}"#)?;
    /// assert_eq!(asked.line.target_id.as_str(), "acme/app");
    /// # Ok::<(), dome_core::Rejection>(())
    /// ```
    ///
    /// # Errors
    ///
    /// All that is wrong with it, as of an envelope (M-30); `signal_mismatch` where nothing failed.
    pub fn read(document: &[u8]) -> Result<Self, Rejection> {
        let envelope = match (Envelope::parse(document), serde_json::from_slice::<Value>(document)) {
            // A whole envelope, or what is not JSON as section 4 wants it, whatever it says.
            (read @ Ok(_), _) | (read, Err(_)) => read?,
            (Err(why), _) if why.problems().iter().any(|problem| OF_TEXT.contains(&problem.code)) => return Err(why),
            (_, Ok(Value::Object(members))) if !members.contains_key("envelope_version") => {
                let bare = !members.contains_key("task_spec");
                let own = |pointer: &str| {
                    let spec = pointer.strip_prefix("/task_spec").filter(|rest| bare && !rest.is_empty());
                    spec.unwrap_or(pointer).to_owned()
                };
                dome_core::read(whole(members).to_string().as_bytes()).map_err(|why| why.at(own))?
            }
            (Err(why), _) => return Err(why),
        };
        if matches!(envelope.signal, Signal::Success | Signal::Observation) {
            let (code, pointer) = (ProblemCode::SignalMismatch, "/signal".to_owned());
            let message = format!("expected something that failed, found a `{}`", envelope.signal);
            return Err(Problem { code, message, pointer, span: 0..0 }.into());
        }
        let Keys { derived, concept, fingerprint_hash: fingerprint, .. } = Keys::of(&envelope);
        Ok(Self {
            line: envelope.task_spec.line(),
            failure_reason_code: envelope.task_spec.failure_reason_code.clone(),
            keys: FailureKeys { derived, concept, fingerprint },
        })
    }
}

/// An envelope around what was said; what no key is made of is filled in.
fn whole(members: Map<String, Value>) -> Value {
    let mut envelope = json!({
        "envelope_version": "1", "event_id": "asked", "evidence": [{"path": "asked"}], "group_id": "asked",
        "run_id": "asked", "sequence": 1, "signal": "failure", "task_id": "asked", "ts": "1970-01-01T00:00:00Z",
        "wrapper_policy": "strict",
    });
    let mut spec = Map::new();
    for (name, value) in members {
        match (name.as_str(), value) {
            ("task_spec", Value::Object(members)) => spec.extend(members),
            (named, value) if OF_SPEC.contains(&named) => drop(spec.insert(name, value)),
            (_, value) => {
                if let Some(envelope) = envelope.as_object_mut() {
                    envelope.insert(name, value);
                }
            }
        }
    }
    if let Some(envelope) = envelope.as_object_mut() {
        envelope.insert("task_spec".to_owned(), Value::Object(spec));
    }
    envelope
}

impl AskedFor {
    /// Whether something has failed: then it has just been seen, and is not stale.
    #[must_use]
    pub const fn has_failed(&self) -> bool {
        matches!(self, Self::Failure(_) | Self::Message(_))
    }

    /// Whether a capsule of the task line is what is asked for.
    #[must_use]
    pub fn is(&self, capsule: &Capsule) -> bool {
        match self {
            Self::Anything => true,
            Self::Fingerprint(hash) => capsule.fingerprint_hash == *hash,
            Self::Message(template) => capsule.fingerprint.message_template.as_ref() == Some(template),
            Self::Failure(keys) => capsule.derived_key == keys.derived,
        }
    }

    /// Whether a concept is the one of what is asked for; `own` are those of the line's capsules that are.
    #[must_use]
    pub fn is_concept(&self, concept: &Concept, own: &BTreeSet<Sha256Hash>) -> bool {
        match self {
            Self::Anything => own.contains(&concept.concept_key),
            Self::Fingerprint(hash) => concept.fingerprint_hash == *hash,
            Self::Message(template) => concept.fingerprint.message_template.as_ref() == Some(template),
            Self::Failure(keys) => concept.concept_key == keys.concept,
        }
    }

    /// Whether a capsule of another line is the same failure; `sought` are the concepts that are.
    pub(super) fn is_elsewhere(&self, capsule: &Capsule, sought: &BTreeSet<Sha256Hash>) -> bool {
        match self {
            Self::Anything | Self::Message(_) => sought.contains(&capsule.concept_key),
            Self::Fingerprint(hash) => capsule.fingerprint_hash == *hash,
            Self::Failure(keys) => capsule.concept_key == keys.concept,
        }
    }
}
