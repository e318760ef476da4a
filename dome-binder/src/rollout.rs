//! Rollout: whether the next mode is earned.
//!
//! A mode is earned on the one before, by a versioned policy, over two kinds of figures: what a
//! [`crate::backtest`] says that the mode would have done on the history, and what was recorded while
//! the mode before was on (`dome priors --record`), scored by how the failures ended that
//! followed. [`status`] judges both and names every requirement with its number and threshold.
//!
//! ```
//! use dome_binder::rollout::RolloutPolicy;
//! let document = serde_json::to_vec(&RolloutPolicy::default()).unwrap();
//! assert_eq!(RolloutPolicy::parse(&document), Ok(RolloutPolicy::default()));
//! ```

use std::collections::BTreeMap;
use std::fmt;

use dome_core::limits::SAFE_INTEGER;
use dome_core::{Sha256Hash, TaskLine, Timestamp};
use serde::{Deserialize, Serialize};

use crate::backtest::{Decision, Offer, Score, Walked, report, walk};
use crate::document::{self, DocumentError, DocumentMember, DocumentProblem};
use crate::fold::Rules;
use crate::ledger::Ledger;
use crate::policy::PPM;
use crate::priors::Rollout;

/// What each mode has to show before it is earned, version 2, in canonical order.
/// [`RolloutPolicy::default`] has the defaults.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct RolloutPolicy {
    /// From `shadow` to `guided`: what is looked at is the advice that would have been shown.
    pub guided: StepPolicy,
    /// From `guided` to `prescriptive`: what is looked at is what would have been prescribed.
    pub prescriptive: StepPolicy,
    /// The version of this document.
    #[cfg_attr(feature = "schema", schemars(extend("const" = "2")))]
    pub rollout_policy_version: String,
}

/// What one mode has to show, in canonical order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct StepPolicy {
    /// Denied facts before which a prior could have been followed, at most.
    pub max_guard_conflicts: u64,
    /// Decisions that the backtest saw, at least.
    pub min_decisions: u64,
    /// Decisions at which a remedy would have been offered, at least.
    pub min_offered: u64,
    /// Offers that were right, in parts per million, at least: the lower bound, with what is open counted as wrong.
    #[cfg_attr(feature = "schema", schemars(range(min = 0, max = 1_000_000)))]
    pub min_precision_ppm: u64,
    /// Decisions that an answer was recorded for while the mode before was on, at least.
    pub min_recorded: u64,
    /// The same as `min_precision_ppm` among recorded answers.
    #[cfg_attr(feature = "schema", schemars(range(min = 0, max = 1_000_000)))]
    pub min_recorded_precision_ppm: u64,
}

impl Default for RolloutPolicy {
    fn default() -> Self {
        Self {
            guided: StepPolicy {
                max_guard_conflicts: 10,
                min_decisions: 100,
                min_offered: 50,
                min_precision_ppm: 200_000,
                min_recorded: 50,
                min_recorded_precision_ppm: 200_000,
            },
            prescriptive: StepPolicy {
                max_guard_conflicts: 0,
                min_decisions: 500,
                min_offered: 100,
                min_precision_ppm: 800_000,
                min_recorded: 200,
                min_recorded_precision_ppm: 800_000,
            },
            rollout_policy_version: "2".to_owned(),
        }
    }
}

const STEP: [(&str, DocumentMember); 6] = [
    ("max_guard_conflicts", DocumentMember::Number(0, SAFE_INTEGER)),
    ("min_decisions", DocumentMember::Number(0, SAFE_INTEGER)),
    ("min_offered", DocumentMember::Number(0, SAFE_INTEGER)),
    ("min_precision_ppm", DocumentMember::Number(0, PPM)),
    ("min_recorded", DocumentMember::Number(0, SAFE_INTEGER)),
    ("min_recorded_precision_ppm", DocumentMember::Number(0, PPM)),
];

impl RolloutPolicy {
    /// Reads a rollout policy. Every member is required, and no other is allowed.
    ///
    /// # Errors
    ///
    /// [`DocumentError`] with every problem: the member, what was found and what was expected.
    pub fn parse(document: &[u8]) -> Result<Self, DocumentError> {
        let members = [
            ("guided", DocumentMember::Object(&STEP)),
            ("prescriptive", DocumentMember::Object(&STEP)),
            ("rollout_policy_version", DocumentMember::Version("2")),
        ];
        document::read(document, &members)
    }
}

/// A line of `dome priors --record`, as far as it is scored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedAnswer {
    /// The instant that it was answered at: what was known then had happened.
    pub as_of: Option<Timestamp>,
    /// The task line that was asked for.
    pub line: TaskLine,
    /// The failure that had just happened, by derived key, where one was asked for.
    pub failure: Option<Sha256Hash>,
    /// The mode that was on.
    pub rollout: Rollout,
    /// The remedy that the answer names first.
    pub advised: Option<Offer>,
    /// The remedy of the prior that could be followed under the mode `prescriptive`.
    pub prescribed: Option<Offer>,
}

#[derive(Deserialize)]
struct AnswerMembers {
    as_of: Option<Timestamp>,
    format_version: String,
    priors: Vec<PriorMembers>,
    query: QueryMembers,
    rollout: Rollout,
}

#[derive(Deserialize)]
struct QueryMembers {
    derived_key: Option<Sha256Hash>,
    #[serde(flatten)]
    line: TaskLine,
}

#[derive(Deserialize)]
struct PriorMembers {
    remedies: Vec<RemedyMembers>,
    would_be_prescriptive: bool,
}

#[derive(Deserialize)]
struct RemedyMembers {
    confidence_ppm: u64,
    identity: Sha256Hash,
    momentary: bool,
    reruns: Option<u64>,
}

impl RemedyMembers {
    const fn offer(&self) -> Offer {
        let Self { confidence_ppm, identity, momentary, reruns } = *self;
        Offer { identity, confidence_ppm, momentary, reruns }
    }
}

impl RecordedAnswer {
    /// Reads one line.
    ///
    /// # Errors
    ///
    /// [`DocumentProblem`] with what was found and what was expected.
    pub fn parse(line: &[u8]) -> Result<Self, DocumentProblem> {
        let answer: AnswerMembers =
            serde_json::from_slice(line).map_err(|why| DocumentProblem::unread("an answer of `dome priors`", &why))?;
        if answer.format_version != "2" {
            return Err(DocumentProblem::value("/format_version", "\"2\"", &answer.format_version.into()));
        }
        let first = |prior: &PriorMembers| prior.remedies.first().map(RemedyMembers::offer);
        Ok(Self {
            as_of: answer.as_of,
            line: answer.query.line,
            failure: answer.query.derived_key,
            rollout: answer.rollout,
            advised: answer.priors.first().and_then(first),
            prescribed: answer.priors.iter().find(|prior| prior.would_be_prescriptive).and_then(first),
        })
    }
}

/// What recorded answers come to, in canonical order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RecordedFigures {
    /// What came of what they advised.
    pub advised: Score,
    /// Answers.
    pub answers: u64,
    /// Decisions that an answer was recorded before. Where one was asked before more than once, the
    /// last answer counts.
    pub decisions: u64,
    /// What came of what they would have prescribed.
    pub prescribed: Score,
    /// Answers that no failing fact of their line followed, or that a later one counts for.
    pub without_decision: u64,
}

/// Scores the answers that were recorded while one of these modes was on.
///
/// An answer is scored by the first failure of its task line later than its `as_of`; one that was asked for after a
/// failure, by the first of that very failure: what it is asked about is not yet known when it is asked.
#[must_use]
pub fn recorded(answers: &[RecordedAnswer], modes: &[Rollout], ledger: &Ledger, walked: &Walked) -> RecordedFigures {
    let mut of_line: BTreeMap<&TaskLine, Vec<&Decision>> = BTreeMap::new();
    let mut of_failure: BTreeMap<Sha256Hash, Vec<&Decision>> = BTreeMap::new();
    for decision in &walked.decisions {
        if let Some(fact) = ledger.facts.get(decision.position) {
            of_line.entry(&fact.keys.task_line).or_default().push(decision);
            of_failure.entry(fact.keys.derived).or_default().push(decision);
        }
    }
    let own: Vec<&RecordedAnswer> = answers.iter().filter(|answer| modes.contains(&answer.rollout)).collect();
    // Total, so that the order of lines decides nothing.
    let offered = |offer: Option<Offer>| offer.map(|offer| (offer.identity, offer.confidence_ppm, offer.reruns));
    let order =
        |answer: &RecordedAnswer| (answer.as_of, answer.rollout, offered(answer.advised), offered(answer.prescribed));
    let mut scored = Scored::new();
    for answer in &own {
        let asked = match answer.failure {
            Some(failure) => of_failure.get(&failure),
            None => of_line.get(&answer.line),
        };
        let Some(asked) = asked else { continue };
        let next = asked.partition_point(|decision| answer.as_of.is_some_and(|as_of| decision.ts <= as_of));
        let Some(decision) = asked.get(next) else { continue };
        let later = scored.get(&decision.position).is_none_or(|(_, other)| order(other) <= order(answer));
        if later {
            scored.insert(decision.position, (decision, answer));
        }
    }
    RecordedFigures {
        advised: worth(&scored, |answer| answer.advised),
        answers: own.len() as u64,
        decisions: scored.len() as u64,
        prescribed: worth(&scored, |answer| answer.prescribed),
        without_decision: own.len().saturating_sub(scored.len()) as u64,
    }
}

type Scored<'a> = BTreeMap<usize, (&'a Decision, &'a RecordedAnswer)>;

fn worth(scored: &Scored<'_>, offer: impl Fn(&RecordedAnswer) -> Option<Offer>) -> Score {
    let offers = scored.values().filter_map(|(decision, answer)| Some((decision, offer(answer)?)));
    Score::of(offers.map(|(decision, offer)| decision.outcome.of_offer(&offer)))
}

/// Where a figure comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "Evidence"))]
#[serde(rename_all = "snake_case")]
pub enum EvidenceKind {
    /// From the backtest of the history.
    Backtest,
    /// From answers that were recorded.
    Recorded,
}

/// One requirement, in canonical order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Requirement {
    /// How `found` and `threshold` are compared: it is met when `found comparison threshold`.
    pub comparison: &'static str,
    /// Where the figure comes from.
    pub evidence: EvidenceKind,
    /// What was found; absent where there is nothing to take it of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub found: Option<u64>,
    /// Whether it is met. Where nothing was found, that counts as 0.
    pub met: bool,
    /// The member of the policy.
    pub policy: &'static str,
    /// What it asks for.
    pub threshold: u64,
}

impl Requirement {
    fn of(policy: &'static str, comparison: &'static str, threshold: u64, found: Option<u64>) -> Self {
        let evidence = if policy.starts_with("min_recorded") { EvidenceKind::Recorded } else { EvidenceKind::Backtest };
        let figure = found.unwrap_or(0);
        let met = if comparison == ">=" { figure >= threshold } else { figure <= threshold };
        Self { comparison, evidence, found, met, policy, threshold }
    }
}

impl fmt::Display for Requirement {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.policy {
            "max_guard_conflicts" => "denials where a prior could have been followed",
            "min_decisions" => "failures in the history",
            "min_offered" => "failures at which a remedy would have been offered",
            "min_precision_ppm" => "offers that were right, open ones counted as wrong, lower bound",
            "min_recorded" => "failures that a recorded answer was scored by",
            "min_recorded_precision_ppm" => "recorded offers that were right, open ones counted as wrong, lower bound",
            other => other,
        };
        let bound = if self.comparison == ">=" { "at least" } else { "at most" };
        let shown = |number: u64| match self.policy.ends_with("_ppm") {
            true => format!("{}.{} %", number / 10_000, number / 1_000 % 10),
            false => number.to_string(),
        };
        let found = self.found.map_or_else(|| "nothing to judge by".to_owned(), shown);
        write!(formatter, "{what}: {found}, {bound} {} asked for", shown(self.threshold))
    }
}

/// What `dome rollout status` prints, its members in canonical order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RolloutStatus {
    /// Whether the mode is earned: its own step, and every one before it.
    pub earned: bool,
    /// The version of this document.
    pub format_version: &'static str,
    /// The furthest mode that is earned.
    pub furthest: Rollout,
    /// What is missing for the mode, in plain words.
    pub missing: Vec<String>,
    /// The mode that is judged.
    pub mode: Rollout,
    /// What each mode has to show.
    pub policy: RolloutPolicy,
    /// Which facts the backtest walked.
    pub snapshot_digest: Sha256Hash,
    /// From `shadow` to `guided`, from `guided` to `prescriptive`.
    pub steps: Vec<StepStatus>,
}

/// One step from a mode to the next, in canonical order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct StepStatus {
    /// Whether all its requirements are met.
    pub earned: bool,
    /// The mode before.
    pub from: Rollout,
    /// What was recorded while the mode before was on, or one further.
    pub recorded: RecordedFigures,
    /// Every requirement with its number and threshold.
    pub requirements: Vec<Requirement>,
    /// The mode.
    pub to: Rollout,
}

/// Judges whether `mode` is earned, on a history and on recorded answers.
#[must_use]
pub fn status(
    ledger: &Ledger,
    rules: &Rules,
    answers: &[RecordedAnswer],
    policy: &RolloutPolicy,
    mode: Rollout,
) -> RolloutStatus {
    let walked = walk(ledger, rules);
    let tested = report(&walked, ledger, rules);
    let step = |from: Rollout, to: Rollout, policy: &StepPolicy| {
        let modes: Vec<Rollout> = Rollout::ALL.iter().copied().filter(|on| *on >= from).collect();
        let recorded = recorded(answers, &modes, ledger, &walked);
        let (offered, said) = match to {
            Rollout::Prescriptive => (tested.after.prescribed, recorded.prescribed),
            Rollout::Shadow | Rollout::Guided => (tested.after.advised, recorded.advised),
        };
        let of = Requirement::of;
        let requirements = vec![
            of("min_decisions", ">=", policy.min_decisions, Some(tested.decisions)),
            of("min_offered", ">=", policy.min_offered, Some(offered.offered)),
            of("min_precision_ppm", ">=", policy.min_precision_ppm, offered.strict_ppm_lower),
            of("max_guard_conflicts", "<=", policy.max_guard_conflicts, Some(tested.guards.conflicts)),
            of("min_recorded", ">=", policy.min_recorded, Some(recorded.decisions)),
            of("min_recorded_precision_ppm", ">=", policy.min_recorded_precision_ppm, said.strict_ppm_lower),
        ];
        StepStatus { earned: requirements.iter().all(|one| one.met), from, recorded, requirements, to }
    };
    let steps = vec![
        step(Rollout::Shadow, Rollout::Guided, &policy.guided),
        step(Rollout::Guided, Rollout::Prescriptive, &policy.prescriptive),
    ];
    let earned = steps.iter().take_while(|step| step.earned).last();
    let furthest = earned.map_or(Rollout::Shadow, |step| step.to);
    let asked = steps.iter().filter(|step| step.to <= mode);
    let missing = asked.flat_map(|step| {
        let unmet = step.requirements.iter().filter(|one| !one.met);
        unmet.map(|one| format!("{}: {one}", step.to))
    });
    RolloutStatus {
        earned: mode <= furthest,
        furthest,
        format_version: "2",
        missing: missing.collect(),
        mode,
        policy: policy.clone(),
        snapshot_digest: tested.snapshot_digest,
        steps,
    }
}

#[cfg(test)]
#[expect(clippy::indexing_slicing, reason = "a test that cannot go on fails")]
mod tests {
    use dome_core::canonical;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_rollout_policy_out_of_range_is_refused_with_every_problem() {
        let mut document = serde_json::to_value(RolloutPolicy::default()).unwrap_or_default();
        document["guided"]["min_precision_ppm"] = json!(PPM + 1);
        document["prescriptive"]["min_recorded"] = json!(-1);
        document["prescriptive"]["min_guests"] = json!(3);
        document["rollout_policy_version"] = json!("1");
        let refused = RolloutPolicy::parse(document.to_string().as_bytes());
        let found: Vec<String> =
            refused.err().iter().flat_map(DocumentError::problems).map(ToString::to_string).collect();
        assert_eq!(
            found,
            [
                "`/guided/min_precision_ppm`: expected 0 to 1000000, found 1000001",
                "`/prescriptive/min_guests`: there is no such member",
                "`/prescriptive/min_recorded`: expected 0 to 9007199254740991, found -1",
                "`/rollout_policy_version`: expected \"2\", found \"1\"",
            ]
        );
    }

    #[test]
    fn the_rollout_policy_is_declared_in_canonical_order() {
        let mut bytes = Vec::new();
        canonical::append(&RolloutPolicy::default(), &mut bytes);
        assert_eq!(canonical::to_vec(&RolloutPolicy::default()), Ok(bytes));
    }
}
