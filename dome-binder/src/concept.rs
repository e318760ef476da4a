//! Concepts: the same failure, whatever the target and the scope (M-95).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use compact_str::CompactString;
use dome_core::{ActionKind, CodeClass, FailureReasonCode, Fingerprint, Sha256Hash, TargetKind, Timestamp};
use serde::{Deserialize, Serialize};

use crate::capsule::{Capsule, CapsuleKind, CodeFacts};
use crate::eligibility::{Figures, FirstRemedy, Hold, Verdict, holds};
use crate::fold::{Rules, RunSets, Trials, UnitedTrials};
use crate::policy::Policy;
use crate::remedy::{RemedyRecord, best_remedies};

/// A row of `concepts.jsonl`, its members in canonical order (M-95, M-120).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(missing_docs, reason = "the members are those of M-95, under their names")]
pub struct Concept {
    pub action_kind: ActionKind,
    pub blocked_count: u64,
    pub capsule_count: u64,
    pub capsules: Vec<Sha256Hash>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub class: Option<CodeClass>,
    pub concept_key: Sha256Hash,
    pub confidence_ppm: u64,
    pub confirmed_count: u64,
    pub contradiction_count: u64,
    pub failure_count: u64,
    pub failure_reason_code: FailureReasonCode,
    pub fingerprint: Arc<Fingerprint>,
    pub fingerprint_hash: Sha256Hash,
    pub first_seen_ts: Timestamp,
    pub given_up_count: u64,
    pub held_count: u64,
    pub holds: Vec<Hold>,
    pub intermittent_count: u64,
    pub last_seen_ts: Timestamp,
    pub reason_code_known: bool,
    pub recurrence_count: u64,
    pub refuted_count: u64,
    pub remedies: Vec<RemedyRecord>,
    pub resolved_count: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub restart_mode: Option<CompactString>,
    pub run_count: u64,
    pub support_count: u64,
    pub target_count: u64,
    pub target_kind: TargetKind,
    pub verdict: Verdict,
}

impl Concept {
    /// What eligibility looks at (M-92, M-95).
    #[must_use]
    pub fn figures(&self) -> Figures {
        Figures {
            support_count: self.support_count,
            run_count: self.run_count,
            remedy: self.remedies.first().map(FirstRemedy::of),
            unresolved_ppm: None,
            confirmed_count: self.confirmed_count,
            refuted_count: self.refuted_count,
            broken: false,
            elsewhere: true,
            last_seen_ts: self.last_seen_ts,
            class: self.class,
            reason_code_known: self.reason_code_known,
            guard_denied: false,
        }
    }

    /// The same concept at another instant: its holds and its verdict are all that depends on one (M-92).
    #[must_use]
    pub fn at(mut self, rules: &Rules, as_of: Option<Timestamp>) -> Self {
        self.holds = holds(&self.figures(), &rules.policy, as_of);
        self.verdict = Verdict::of(&self.holds);
        self
    }
}

/// Whether a concept with this support on this many targets is listed (M-95).
pub(crate) const fn is_listed(support_count: u64, target_count: u64, policy: &Policy) -> bool {
    support_count >= policy.concept_min_support && target_count >= policy.concept_min_targets
}

/// A capsule, and what was tried over it.
type CapsuleTrials<'c> = (&'c Capsule, &'c Trials);

/// The concepts that are listed, by concept key (M-95): of all capsules, or of all those that have
/// some concept keys, each with all that was tried.
#[must_use]
pub fn concepts<'c>(
    capsules: impl Iterator<Item = (&'c Capsule, &'c Trials)>,
    rules: &Rules,
    as_of: Option<Timestamp>,
) -> Vec<Concept> {
    let mut members: BTreeMap<Sha256Hash, Vec<CapsuleTrials<'_>>> = BTreeMap::new();
    for member in capsules.filter(|(capsule, _)| capsule.kind == CapsuleKind::Failure) {
        members.entry(member.0.concept_key).or_default().push(member);
    }
    members.values().filter_map(|members| concept(members, rules, as_of)).collect()
}

/// The concept of these members, if it is listed: most are not, so that this is asked first.
fn concept(members: &[CapsuleTrials<'_>], rules: &Rules, as_of: Option<Timestamp>) -> Option<Concept> {
    let (any, _) = members.first()?;
    let sum = |count: fn(&Capsule) -> u64| members.iter().map(|(capsule, _)| count(capsule)).sum::<u64>();
    let support_count = sum(|c| c.support_count);
    let targets: BTreeSet<_> = members.iter().map(|(capsule, _)| &capsule.target_id).collect();
    let target_count = targets.len() as u64;
    if !is_listed(support_count, target_count, &rules.policy) {
        return None;
    }
    let united = UnitedTrials::of(members.iter().map(|(_, trials)| *trials));
    let united = united.all();
    let mut keys: Vec<Sha256Hash> = members.iter().map(|(capsule, _)| capsule.derived_key).collect();
    keys.sort_unstable();
    let code = CodeFacts::of(&any.failure_reason_code, CapsuleKind::Failure, rules);
    let remedies = best_remedies(united);
    let concept = Concept {
        action_kind: any.action_kind.clone(),
        blocked_count: sum(|c| u64::from(c.verdict == Verdict::Blocked)),
        capsule_count: members.len() as u64,
        capsules: keys,
        class: code.class,
        concept_key: any.concept_key,
        confidence_ppm: remedies.first().map_or(0, |first| first.confidence_ppm),
        confirmed_count: sum(|c| c.confirmed_count),
        contradiction_count: sum(|c| c.contradiction_count),
        failure_count: sum(|c| c.failure_count),
        failure_reason_code: any.failure_reason_code.clone(),
        fingerprint: Arc::clone(&any.fingerprint),
        fingerprint_hash: any.fingerprint_hash,
        first_seen_ts: members.iter().map(|(capsule, _)| capsule.first_seen_ts).min()?,
        given_up_count: sum(|c| c.given_up_count),
        held_count: sum(|c| c.held_count),
        holds: Vec::new(),
        intermittent_count: sum(|c| c.intermittent_count),
        last_seen_ts: members.iter().map(|(capsule, _)| capsule.last_seen_ts).max()?,
        reason_code_known: code.known,
        recurrence_count: sum(|c| c.recurrence_count),
        refuted_count: sum(|c| c.refuted_count),
        remedies,
        resolved_count: sum(|c| c.resolved_count),
        restart_mode: code.restart_mode,
        run_count: united.count(RunSets::MINTED),
        support_count,
        target_count,
        target_kind: any.target_kind.clone(),
        verdict: Verdict::Prescriptive,
    };
    Some(concept.at(rules, as_of))
}
