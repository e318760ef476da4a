//! The loop closed: what became of a prior that was applied, as an envelope.
//!
//! A planner that follows a prior says which ([`AppliedPrior`]) and how that ended ([`OutcomeReport`]);
//! [`AppliedPrior::report`] makes the envelope, so that the next answer counts it:
//!
//! | outcome | the envelope | what is counted |
//! |---|---|---|
//! | `helped` | a `success` with the prior's remedy | it resolves what failed, and the run joins the remedy's worked runs (M-82, M-83) |
//! | `failed` | a `failure`, the same one, with the remedy that was tried in vain | the run joins the remedy's failed runs (M-81 d) |
//! | `denied` | a `denial` without a remedy: nothing was done | `blocked_count` (M-84) |
//! | `abandoned` | an `observation` with `abandoned`, without a remedy | what fails there is given up (M-87) |
//!
//! Each names the capsule as `applied_capsule`: what is a prior of another task line is confirmed or refuted by it (M-84).

use std::fmt;
use std::sync::Arc;

use dome_core::build::{Draft, Origin};
use dome_core::{
    Action, Envelope, Evidence, FailureReasonCode, Fingerprint, Gate, GateId, Lane, PolicyReasonCode, Rejection,
    Remedy, Sha256Hash, Signal, Status, Subject, Target, TaskLine, TaskSpec, Tool, choice, read,
};
use serde::Deserialize;
use serde_json::Value;

use crate::capsule::Capsule;
use crate::document::DocumentProblem;
use crate::explain::LEAST_DIGITS;

choice! {
    /// How it ended to apply a prior.
    PriorOutcome {
        /// It got over the failure.
        Helped = "helped",
        /// The same failure came all the same.
        Failed = "failed",
        /// A guard or a policy did not allow it.
        Denied = "denied",
        /// It was given up.
        Abandoned = "abandoned",
    }
}

/// A prior that was applied to a task.
///
/// ```
/// use dome_binder::outcome::AppliedPrior;
/// use dome_binder::priors::{Memory, PriorsQuery, priors};
/// # use dome_binder::{Policy, Record, Rules, replay};
/// # use dome_core::{CodeTable, Source};
/// # let table = br#"{"schema_version":"0.1","version":"0.1","classes_precedence":[],"codes":{},"restart_mode_by_class":{}}"#;
/// # let rules = Rules { policy: Policy::default(), codes: CodeTable::parse(table)?, mode: None, contracts: None };
/// # let envelope = dome_core::read(dome_core::EXAMPLE_LINE)?;
/// # let query = PriorsQuery::of(envelope.task_spec.line());
/// # let record = Record::new(envelope, Source { line: 1, name: "a.jsonl".into() });
/// # let replay = replay(vec![Box::new(record)], &rules, None);
/// let answer = serde_json::to_vec(&priors(&Memory::of(&replay, &rules), &query))?;
/// let applied = AppliedPrior::parse(&answer, None)?;
/// assert_eq!(applied, AppliedPrior::of(&replay.derived.capsules[0]));
///
/// use dome_binder::outcome::{OutcomeReport, PriorOutcome};
/// use dome_core::{Evidence, EvidencePath, Signal, WrapperPolicy, build::Origin};
/// let origin = Origin {
///     event_id: "e9".parse()?, sequence: 9, run_id: "r7".parse()?, task_id: "unit".parse()?, group_id: "try-2".parse()?,
///     ts: "2026-02-15T03:04:05Z".parse()?, wrapper_policy: WrapperPolicy::Strict,
/// };
/// let log = Evidence::at(EvidencePath::new("runs/r7/unit.log")?);
/// let envelope = applied.report(OutcomeReport::of(PriorOutcome::Abandoned, origin, log))?;
/// assert_eq!((envelope.signal, envelope.applied_capsule), (Signal::Observation, Some(applied.derived_key)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppliedPrior {
    /// The capsule; of a concept, the first that it sums up.
    pub derived_key: Sha256Hash,
    /// What went wrong.
    pub failure_reason_code: FailureReasonCode,
    /// Why failures are the same one.
    pub fingerprint: Arc<Fingerprint>,
    /// The task that it was applied to.
    pub line: TaskLine,
    /// Its remedies, the best first.
    pub remedies: Vec<Remedy>,
}

/// What is said of an outcome besides the prior.
#[derive(Clone, Debug)]
pub struct OutcomeReport {
    /// How it ended.
    pub outcome: PriorOutcome,
    /// Which outcome of which task of which run it is, and when.
    pub origin: Origin,
    /// Where it can be seen: at least one entry.
    pub evidence: Vec<Evidence>,
    /// Gates. Of a `failed` without any, those of the prior failed.
    pub gates: Vec<Gate>,
    /// The line of development.
    pub lane: Option<Lane>,
    /// The failure's own text. Of a `failed` without one, that of the prior is taken.
    pub message: Option<String>,
    /// Why it was denied.
    pub policy_reason_code: Option<PolicyReasonCode>,
    /// The remedy that was applied, by the start of its identity; otherwise the prior's first.
    pub remedy: Option<String>,
    /// What was tested.
    pub subject: Option<Subject>,
    /// The task; otherwise that of the prior, with the code that the outcome has.
    pub task_spec: Option<TaskSpec>,
}

impl OutcomeReport {
    /// An outcome, and where it can be seen; nothing else is said of it.
    #[must_use]
    pub fn of(outcome: PriorOutcome, origin: Origin, evidence: Evidence) -> Self {
        Self {
            outcome,
            origin,
            evidence: vec![evidence],
            gates: Vec::new(),
            lane: None,
            message: None,
            policy_reason_code: None,
            remedy: None,
            subject: None,
            task_spec: None,
        }
    }
}

/// Why an outcome makes no envelope.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OutcomeError {
    /// There is nothing that could have been applied.
    #[error("the prior names no remedy, so none helped or failed; `denied` and `abandoned` need none")]
    NoRemedy,
    /// The prior does not name the remedy, or more than one.
    #[error("the prior names no one remedy `{asked}`; its remedies are {}", listed(.known))]
    UnknownRemedy {
        /// What was asked for.
        asked: String,
        /// Identities of the prior's remedies.
        known: Vec<Sha256Hash>,
    },
    /// The prior's fingerprint does not say the failure's own text, and none was given.
    #[error("the failure cannot be made from the prior's fingerprint alone; give the failure's own message and gates")]
    NotReproduced,
    /// What was said makes no valid envelope.
    #[error("{0}")]
    Invalid(Rejection),
}

fn listed(known: &[Sha256Hash]) -> String {
    known.iter().map(|identity| format!("`{identity}`")).collect::<Vec<_>>().join(", ")
}

#[derive(Deserialize)]
struct AppliedAnswer {
    format_version: String,
    priors: Vec<AnsweredPrior>,
    query: TaskLine,
}

/// A prior of an answer, as far as it is applied.
#[derive(Deserialize)]
struct AnsweredPrior {
    concept_key: Sha256Hash,
    derived_key: Option<Sha256Hash>,
    failure_reason_code: FailureReasonCode,
    fingerprint: Arc<Fingerprint>,
    fingerprint_hash: Sha256Hash,
    remedies: Vec<AnsweredRemedy>,
    #[serde(default)]
    sums_up: Vec<Sha256Hash>,
    verdict: String,
}

#[derive(Deserialize)]
struct AnsweredRemedy {
    remedy: Remedy,
}

impl AppliedPrior {
    /// Reads a prior from an answer of `dome priors`: the one with this key, which may be shortened to eight digits; without
    /// a key the one to follow, or, where none is, the first. It was applied to the task that was asked for.
    ///
    /// # Errors
    ///
    /// [`DocumentProblem`] when that is no answer, or it has no such prior.
    pub fn parse(answer: &[u8], key: Option<&str>) -> Result<Self, DocumentProblem> {
        let unread = |why: serde_json::Error| DocumentProblem::unread("an answer of `dome priors --detail full`", &why);
        let AppliedAnswer { format_version, priors, query } = serde_json::from_slice(answer).map_err(unread)?;
        if format_version != "2" {
            return Err(DocumentProblem::value("/format_version", "\"2\"", &format_version.into()));
        }
        let wanted = |what: String, found: usize| {
            DocumentProblem::value("/priors", what, &Value::String(format!("{found} of {}", priors.len())))
        };
        if priors.is_empty() {
            let expected = "a prior; where nothing is known, report with an envelope of your own";
            return Err(DocumentProblem::value("/priors", expected.to_owned(), &Value::Array(Vec::new())));
        }
        let prior = match key {
            None => {
                let follow = priors.iter().find(|prior| prior.verdict == "prescriptive");
                follow.or_else(|| priors.first()).ok_or_else(|| wanted("a prior".to_owned(), 0))?
            }
            Some(key) => {
                let mut named = priors.iter().filter(|prior| prior.is_named(key));
                match (named.next(), named.count()) {
                    (Some(one), 0) => one,
                    (first, more) => {
                        let found = usize::from(first.is_some()) + more;
                        return Err(wanted(format!("one prior with the key `{key}`"), found));
                    }
                }
            }
        };
        if prior.fingerprint.hash() != prior.fingerprint_hash {
            let found = Value::String(prior.fingerprint_hash.to_string());
            return Err(DocumentProblem::value("/priors", "the hash of the fingerprint beside it", &found));
        }
        let derived_key = prior.derived_key.or_else(|| prior.sums_up.first().copied());
        Ok(Self {
            derived_key: derived_key.ok_or_else(|| wanted("a prior with a derived key".to_owned(), 0))?,
            failure_reason_code: prior.failure_reason_code.clone(),
            fingerprint: Arc::clone(&prior.fingerprint),
            line: query,
            remedies: prior.remedies.iter().map(|record| record.remedy.clone()).collect(),
        })
    }

    /// A capsule, applied to its own task line.
    #[must_use]
    pub fn of(capsule: &Capsule) -> Self {
        Self {
            derived_key: capsule.derived_key,
            failure_reason_code: capsule.failure_reason_code.clone(),
            fingerprint: Arc::clone(&capsule.fingerprint),
            line: TaskLine {
                scope: capsule.scope,
                target_kind: capsule.target_kind.clone(),
                target_id: capsule.target_id.clone(),
                action_kind: capsule.action_kind.clone(),
            },
            remedies: capsule.remedies.iter().map(|record| Remedy::clone(&record.remedy)).collect(),
        }
    }

    /// Whether an envelope is a failure of this prior's kind: whether it refutes it.
    #[must_use]
    pub fn is_same_failure(&self, envelope: &Envelope) -> bool {
        envelope.task_spec.failure_reason_code == self.failure_reason_code
            && Fingerprint::of(envelope) == *self.fingerprint
    }

    /// Whether an envelope clears the prior's failure, if it succeeds (M-75): it lists no gates, or those that failed passed.
    #[must_use]
    pub fn is_cleared_by(&self, envelope: &Envelope) -> bool {
        let passed =
            |gate: &GateId| envelope.gates.iter().any(|found| found.gate_id == *gate && found.status == Status::Pass);
        envelope.gates.is_empty() || self.fingerprint.failed_gates.iter().all(passed)
    }

    /// The envelope of an outcome.
    ///
    /// A `failed` is the same failure as the prior's: what makes it that is taken from the prior's fingerprint where the
    /// report does not say otherwise. A report with another message or other gates may be another failure
    /// ([`AppliedPrior::is_same_failure`]), which refutes nothing.
    ///
    /// # Errors
    ///
    /// [`OutcomeError`] when the prior names no such remedy, or what was said makes no valid envelope.
    pub fn report(&self, report: OutcomeReport) -> Result<Envelope, OutcomeError> {
        let own = report.message.is_none() && report.gates.is_empty() && report.task_spec.is_none();
        let outcome = report.outcome;
        let draft = self.draft(report)?;
        let written = serde_json::to_vec(&draft).unwrap_or_default();
        // Reading is the only judge: what it would refuse is not reported, and what it takes is canonical.
        let envelope = read(&written).map_err(OutcomeError::Invalid)?;
        if own && outcome == PriorOutcome::Failed && !self.is_same_failure(&envelope) {
            return Err(OutcomeError::NotReproduced);
        }
        Ok(envelope)
    }

    fn draft(&self, report: OutcomeReport) -> Result<Envelope, OutcomeError> {
        let failed = report.outcome == PriorOutcome::Failed;
        let remedy = match report.outcome {
            PriorOutcome::Helped | PriorOutcome::Failed => Some(self.remedy(report.remedy.as_deref())?),
            PriorOutcome::Denied | PriorOutcome::Abandoned => None,
        };
        let fingerprint = Some(&*self.fingerprint).filter(|_| failed);
        let gates =
            if report.gates.is_empty() { fingerprint.map(failed_gates).unwrap_or_default() } else { report.gates };
        let template = || fingerprint?.message_template.as_ref().map(ToString::to_string);
        let nothing = Evidence { bytes: None, path: None, sha256: None };
        let first = report.evidence.first().cloned().unwrap_or(nothing);
        let begun = Draft::observation(report.origin, self.line.clone(), first).build();
        let mut envelope = begun.map_err(OutcomeError::Invalid)?;
        envelope.abandoned = (report.outcome == PriorOutcome::Abandoned).then_some(true);
        envelope.applied_capsule = Some(self.derived_key);
        envelope.env = fingerprint.map(|fingerprint| fingerprint.env.clone()).unwrap_or_default();
        envelope.evidence = report.evidence;
        envelope.gates = gates;
        envelope.lane = report.lane;
        envelope.message = report.message.or_else(template);
        envelope.policy_reason_code = report.policy_reason_code;
        envelope.remedy = remedy;
        envelope.signal = report.outcome.signal();
        envelope.subject = report.subject;
        envelope.task_spec = self.task_spec(report.task_spec, failed);
        envelope.tool = fingerprint.and_then(tool);
        Ok(envelope)
    }

    fn remedy(&self, asked: Option<&str>) -> Result<Remedy, OutcomeError> {
        let Some(asked) = asked else { return self.remedies.first().cloned().ok_or(OutcomeError::NoRemedy) };
        let named = |remedy: &&Remedy| names(asked, &remedy.identity());
        match self.remedies.iter().filter(named).collect::<Vec<_>>().as_slice() {
            [one] => Ok(Remedy::clone(one)),
            _ => {
                let known = self.remedies.iter().map(Remedy::identity).collect();
                Err(OutcomeError::UnknownRemedy { asked: asked.to_owned(), known })
            }
        }
    }

    /// What a planner gave before it acted may say `NONE` still; a failure says what failed.
    fn task_spec(&self, given: Option<TaskSpec>, failed: bool) -> TaskSpec {
        let code = if failed { self.failure_reason_code.clone() } else { FailureReasonCode::none() };
        match given {
            Some(spec) if failed && spec.failure_reason_code.is_none() => {
                TaskSpec { failure_reason_code: code, ..spec }
            }
            Some(spec) => spec,
            None => {
                let TaskLine { scope, target_kind, target_id, action_kind } = self.line.clone();
                let versions = Some(&self.fingerprint.versions).filter(|versions| failed && !versions.is_empty());
                TaskSpec {
                    action: Action { kind: action_kind },
                    failure_reason_code: code,
                    scope,
                    side_effects: None,
                    target: Target { id: target_id, kind: target_kind },
                    transition: None,
                    versions: versions.cloned(),
                }
            }
        }
    }
}

impl AnsweredPrior {
    fn is_named(&self, key: &str) -> bool {
        names(key, &self.derived_key.unwrap_or(self.concept_key))
    }
}

impl PriorOutcome {
    const fn signal(self) -> Signal {
        match self {
            Self::Helped => Signal::Success,
            Self::Failed => Signal::Failure,
            Self::Denied => Signal::Denial,
            Self::Abandoned => Signal::Observation,
        }
    }
}

/// Whether a text names a hash: in full, or by its start.
fn names(text: &str, hash: &Sha256Hash) -> bool {
    text.len() >= LEAST_DIGITS && hash.to_string().starts_with(text)
}

fn failed_gates(fingerprint: &Fingerprint) -> Vec<Gate> {
    fingerprint.failed_gates.iter().map(|gate| Gate { gate_id: gate.clone(), status: Status::Fail }).collect()
}

fn tool(fingerprint: &Fingerprint) -> Option<Tool> {
    let name = fingerprint.tool_name.clone()?;
    let version = fingerprint.tool_version.clone().unwrap_or_default();
    Some(Tool { config_sha256: fingerprint.config_sha256, name, version })
}

impl fmt::Display for AppliedPrior {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} of `{}`", self.derived_key.short(), self.failure_reason_code)
    }
}
