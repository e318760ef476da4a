//! One prior: a capsule or a concept as an answer to a query.

use std::cmp::Reverse;
use std::sync::Arc;

use compact_str::CompactString;
use dome_core::{
    ActionKind, CodeClass, FailureReasonCode, Fingerprint, Job, Lane, Scope, Sha256Hash, Source, TargetId, TargetKind,
    Timestamp,
};
use serde::Serialize;

use super::held::{About, Held, held};
use super::{AdvisoryBecause, Layer, Memory, OwnersWord, PriorsQuery};
use crate::capsule::{Capsule, CapsuleKind};
use crate::concept::Concept;
use crate::eligibility::{Hold, Verdict};
use crate::fold::CapsuleStanding;
use crate::policy::Policy;
use crate::remedy::RemedyRecord;

/// How near a prior is to the task, the nearest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Tier {
    /// A capsule of the task line; where something is asked for, one that is that.
    Exact,
    /// The same kind of failure wherever it happened.
    Concept,
    /// The same failure on another target, or at another scope.
    Elsewhere,
    /// Another failure of the task line than the one that is asked for.
    Line,
}

/// A prior, its members in canonical order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Prior {
    /// What is done.
    pub action_kind: ActionKind,
    /// Why it is advice though the mode would let it be followed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub advisory_because: Option<AdvisoryBecause>,
    /// The reason code's class.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub class: Option<CodeClass>,
    /// M-63.
    pub concept_key: Sha256Hash,
    /// M-91.
    pub confidence_ppm: u64,
    /// The counters.
    pub counts: PriorCounts,
    /// M-61; a concept has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub derived_key: Option<Sha256Hash>,
    /// What went wrong.
    pub failure_reason_code: FailureReasonCode,
    /// Why failures are grouped.
    pub fingerprint: Arc<Fingerprint>,
    /// M-50.
    pub fingerprint_hash: Sha256Hash,
    /// The first time.
    pub first_seen_ts: Timestamp,
    /// What holds it back, in the order of M-92.
    pub held: Vec<Held>,
    /// What kind of thing recurs.
    pub kind: CapsuleKind,
    /// The last time.
    pub last_seen_ts: Timestamp,
    /// What stands behind it.
    pub layer: Layer,
    /// Whose word that is, in the owner's layer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub promoted: Option<OwnersWord>,
    /// The facts that it rests on; a concept names its capsules in `derived_keys`.
    pub provenance: Vec<ProvenFact>,
    /// The best remedies, each with its own record.
    pub remedies: Vec<RemedyRecord>,
    /// How to start again.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub restart_mode: Option<CompactString>,
    /// How far the task reaches; a concept is of all scopes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scope: Option<Scope>,
    /// Whether following it may have side effects: it is prescriptive, and an owner promoted it.
    pub side_effects: bool,
    /// How a capsule stands, and how far its proof is (M-85); a concept is of many.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<PriorState>,
    /// The capsules that a concept sums up.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(default))]
    pub sums_up: Vec<Sha256Hash>,
    /// Which one; a concept is of many.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_id: Option<TargetId>,
    /// What kind of thing is worked on.
    pub target_kind: TargetKind,
    /// How near it is.
    pub tier: Tier,
    /// What it may be used as: M-92 with the holds of the query, advisory at best where it is a capsule of another
    /// target, or where the rollout mode is not `prescriptive`.
    pub verdict: Verdict,
    /// Whether it is prescriptive under the mode `prescriptive`.
    pub would_be_prescriptive: bool,
}

/// How a capsule stands (M-85), in canonical order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PriorState {
    /// With `pending`: clean runs so far.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clean_count: Option<u64>,
    /// With `pending`: clean runs that prove it gone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clean_needed: Option<u64>,
    /// The job of the stream that says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub job: Option<Job>,
    /// The lane of that stream.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lane: Option<Lane>,
    /// How it stands.
    pub standing: CapsuleStanding,
    /// How sure it is that work on it is given up.
    pub unresolved_ppm: u64,
    /// With `failing`: failures in runs to come, without a success at the same subject, that would make it `broken`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until_broken: Option<u64>,
}

impl PriorState {
    fn of(capsule: &Capsule, policy: &Policy) -> Option<Self> {
        Some(Self {
            clean_count: capsule.clean_count,
            clean_needed: capsule.clean_needed,
            job: capsule.state_job.clone(),
            lane: capsule.state_lane.clone(),
            standing: capsule.state?,
            unresolved_ppm: capsule.unresolved_ppm,
            until_broken: capsule.row.map(|row| row.until_broken(policy.proof_max)).filter(|more| *more > 0),
        })
    }
}

/// The counters of a capsule or concept, in canonical order (M-90, M-95).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "Counts"))]
#[expect(missing_docs, reason = "the members are those of M-90, under their names")]
pub struct PriorCounts {
    pub confirmed_count: u64,
    pub contradiction_count: u64,
    /// Of the task line; a concept is of many.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub execution_count: Option<u64>,
    pub failure_count: u64,
    pub given_up_count: u64,
    pub held_count: u64,
    pub intermittent_count: u64,
    pub recurrence_count: u64,
    pub refuted_count: u64,
    pub resolved_count: u64,
    pub run_count: u64,
    pub support_count: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_count: Option<u64>,
}

/// A fact that a prior rests on, in canonical order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ProvenFact {
    /// Which fact.
    pub digest: Sha256Hash,
    /// What it is to the prior.
    pub role: Role,
    /// Where it stood, if that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<Source>,
    /// Its ordered time.
    pub ts: Timestamp,
}

/// What a fact is to a prior.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// The first that minted it.
    First,
    /// The last that minted it.
    Last,
    /// The last that resolved it.
    LastResolved,
}

/// Orders priors of one tier and one verdict, descending: first remedy's confidence, own one, support, last time.
pub(crate) type Weight = (Option<u64>, u64, u64, Timestamp);

impl Prior {
    pub(super) fn of_capsule(capsule: &Capsule, tier: Tier, memory: &Memory<'_>, query: &PriorsQuery) -> Self {
        let just_seen = tier == Tier::Exact && query.about.has_failed();
        let held = held(&About::capsule(capsule), query, memory.policy, (memory.as_of, just_seen));
        let holds: Vec<Hold> = held.iter().map(|held| held.hold).collect();
        let own = Verdict::of(&holds);
        // What is known of another failure, or of another target, does not steer this task.
        let steers = tier == Tier::Exact;
        let would_be_prescriptive = steers && own == Verdict::Prescriptive;
        let most = if steers { query.rollout.most() } else { Verdict::Advisory };
        let verdict = own.min(most);
        let promoted = query.promoted(capsule.derived_key, &capsule.remedies);
        let layer = Layer::of(capsule.run_count, promoted.as_ref());
        Self {
            action_kind: capsule.action_kind.clone(),
            advisory_because: None,
            class: capsule.class,
            concept_key: capsule.concept_key,
            confidence_ppm: capsule.confidence_ppm,
            counts: PriorCounts {
                confirmed_count: capsule.confirmed_count,
                contradiction_count: capsule.contradiction_count,
                execution_count: Some(capsule.execution_count),
                failure_count: capsule.failure_count,
                given_up_count: capsule.given_up_count,
                held_count: capsule.held_count,
                intermittent_count: capsule.intermittent_count,
                recurrence_count: capsule.recurrence_count,
                refuted_count: capsule.refuted_count,
                resolved_count: capsule.resolved_count,
                run_count: capsule.run_count,
                support_count: capsule.support_count,
                target_count: None,
            },
            derived_key: Some(capsule.derived_key),
            failure_reason_code: capsule.failure_reason_code.clone(),
            fingerprint: Arc::clone(&capsule.fingerprint),
            fingerprint_hash: capsule.fingerprint_hash,
            first_seen_ts: capsule.first_seen_ts,
            held,
            kind: capsule.kind,
            last_seen_ts: capsule.last_seen_ts,
            layer,
            promoted,
            provenance: provenance(capsule, memory),
            remedies: capsule.remedies.clone(),
            restart_mode: capsule.restart_mode.clone(),
            scope: Some(capsule.scope),
            side_effects: Self::grants(verdict, layer),
            state: PriorState::of(capsule, memory.policy),
            sums_up: Vec::new(),
            target_id: Some(capsule.target_id.clone()),
            target_kind: capsule.target_kind.clone(),
            tier,
            verdict,
            would_be_prescriptive,
        }
    }

    pub(super) fn of_concept(concept: &Concept, memory: &Memory<'_>, query: &PriorsQuery) -> Self {
        let just_seen = query.about.has_failed();
        let held = held(&About::concept(concept), query, memory.policy, (memory.as_of, just_seen));
        let own = Verdict::of(&held.iter().map(|held| held.hold).collect::<Vec<_>>());
        let verdict = own.min(query.rollout.most());
        let promoted = query.promoted(concept.concept_key, &concept.remedies);
        let layer = Layer::of(concept.run_count, promoted.as_ref());
        Self {
            action_kind: concept.action_kind.clone(),
            advisory_because: None,
            class: concept.class,
            concept_key: concept.concept_key,
            confidence_ppm: concept.confidence_ppm,
            counts: PriorCounts {
                confirmed_count: concept.confirmed_count,
                contradiction_count: concept.contradiction_count,
                execution_count: None,
                failure_count: concept.failure_count,
                given_up_count: concept.given_up_count,
                held_count: concept.held_count,
                intermittent_count: concept.intermittent_count,
                recurrence_count: concept.recurrence_count,
                refuted_count: concept.refuted_count,
                resolved_count: concept.resolved_count,
                run_count: concept.run_count,
                support_count: concept.support_count,
                target_count: Some(concept.target_count),
            },
            derived_key: None,
            failure_reason_code: concept.failure_reason_code.clone(),
            fingerprint: Arc::clone(&concept.fingerprint),
            fingerprint_hash: concept.fingerprint_hash,
            first_seen_ts: concept.first_seen_ts,
            held,
            kind: CapsuleKind::Failure,
            last_seen_ts: concept.last_seen_ts,
            layer,
            promoted,
            provenance: Vec::new(),
            remedies: concept.remedies.clone(),
            restart_mode: concept.restart_mode.clone(),
            scope: None,
            side_effects: Self::grants(verdict, layer),
            state: None,
            sums_up: concept.capsules.clone(),
            target_id: None,
            target_kind: concept.target_kind.clone(),
            tier: Tier::Concept,
            verdict,
            would_be_prescriptive: own == Verdict::Prescriptive,
        }
    }

    /// The key that it is known by: the capsule's, or the concept's.
    #[must_use]
    pub fn key(&self) -> Sha256Hash {
        self.derived_key.unwrap_or(self.concept_key)
    }

    /// What priors are ordered by; the least comes first.
    pub(super) fn rank(&self) -> (Tier, Reverse<(bool, Verdict)>, Reverse<Weight>, Sha256Hash) {
        let remedy = self.remedies.first().map(|first| first.confidence_ppm);
        let weight = (remedy, self.confidence_ppm, self.counts.support_count, self.last_seen_ts);
        (self.tier, Reverse((self.would_be_prescriptive, self.verdict)), Reverse(weight), self.key())
    }
}

/// What the capsules of a concept are ordered by as priors of other task lines: bytes that sort as those priors do, the
/// best first; of two that are the same, the lesser derived key comes first.
///
/// The first byte is 0, or 1 where a capsule is blocked by itself. What a query adds to the holds rests on the fingerprint
/// (M-92), which a concept has one of: it blocks all of its capsules, so that the first byte says nothing, or none. Only a
/// tool behind the first remedy holds back some of them ([`PriorsQuery::distrusted`]).
#[must_use]
pub fn elsewhere_rank(capsule: &Capsule) -> Vec<u8> {
    let remedy = capsule.remedies.first().map(|first| first.confidence_ppm);
    let (seconds, nanoseconds) = capsule.last_seen_ts.to_unix();
    let numbers = [remedy.map_or(0, |ppm| ppm + 1), capsule.confidence_ppm, capsule.support_count];
    // The sign's bit is turned, so that times before 1970 sort first.
    let numbers = numbers.into_iter().chain([seconds.cast_unsigned() ^ (1 << 63), nanoseconds.into()]);
    let blocked = u8::from(capsule.verdict == Verdict::Blocked);
    std::iter::once(blocked).chain(numbers.flat_map(|number: u64| (!number).to_be_bytes())).collect()
}

fn provenance(capsule: &Capsule, memory: &Memory<'_>) -> Vec<ProvenFact> {
    let source = |digest: &Sha256Hash| memory.sources.get(digest).map(|source| Source::clone(source));
    let fact = |role, digest, ts| ProvenFact { digest, role, source: source(&digest), ts };
    let resolved = capsule.last_resolved_fact.zip(capsule.last_resolved_ts);
    let first = fact(Role::First, capsule.first_fact, capsule.first_seen_ts);
    let last = fact(Role::Last, capsule.last_fact, capsule.last_seen_ts);
    [first, last].into_iter().chain(resolved.map(|(digest, ts)| fact(Role::LastResolved, digest, ts))).collect()
}
