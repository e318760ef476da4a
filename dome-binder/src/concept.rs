//! Concepts: the same failure, whatever the target and the scope (M-95).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use compact_str::CompactString;
use dome_core::{ActionKind, CodeClass, FailureReasonCode, Fingerprint, Sha256Hash, TargetKind, Timestamp};
use serde::{Deserialize, Serialize};

use crate::capsule::{Capsule, CapsuleKind, CodeFacts};
use crate::confidence::confidence_ppm;
use crate::eligibility::Verdict;
use crate::fold::{Remedies, Rules};
use crate::policy::Policy;
use crate::remedy::{RemedyRecord, add_up, best_remedies};

/// A row of `concepts.jsonl`, its members in canonical order (M-95, M-120). Advice, never more.
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
    pub expired: bool,
    pub failure_count: u64,
    pub failure_reason_code: FailureReasonCode,
    pub fingerprint: Arc<Fingerprint>,
    pub fingerprint_hash: Sha256Hash,
    pub first_seen_ts: Timestamp,
    pub last_seen_ts: Timestamp,
    pub reason_code_known: bool,
    pub recurrence_count: u64,
    pub refuted_count: u64,
    pub remedies: Vec<RemedyRecord>,
    pub resolved_count: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub restart_mode: Option<CompactString>,
    pub support_count: u64,
    pub target_count: u64,
    pub target_kind: TargetKind,
}

impl Concept {
    /// The same concept at another instant: whether it is expired is all that depends on one (M-95).
    #[must_use]
    pub fn at(self, rules: &Rules, as_of: Option<Timestamp>) -> Self {
        Self { expired: is_expired(self.last_seen_ts, &rules.policy, as_of), ..self }
    }
}

/// Whether a concept is expired (M-95).
pub(crate) fn is_expired(last_seen_ts: Timestamp, policy: &Policy, as_of: Option<Timestamp>) -> bool {
    as_of.is_some_and(|as_of| as_of.is_later_by_more_than(last_seen_ts, policy.max_staleness_s))
}

/// Whether a concept with this support on this many targets is listed (M-95).
pub(crate) const fn is_listed(support_count: u64, target_count: u64, policy: &Policy) -> bool {
    support_count >= policy.concept_min_support && target_count >= policy.concept_min_targets
}

/// The concepts that are listed, by concept key (M-95): of all capsules, or of all those that have
/// some concept keys, each with all its remedies.
#[must_use]
pub fn concepts<'c>(
    capsules: impl Iterator<Item = (&'c Capsule, &'c Remedies)>,
    rules: &Rules,
    as_of: Option<Timestamp>,
) -> Vec<Concept> {
    let mut members: BTreeMap<Sha256Hash, Vec<(&Capsule, &Remedies)>> = BTreeMap::new();
    for member in capsules.filter(|(capsule, _)| capsule.kind == CapsuleKind::Failure) {
        members.entry(member.0.concept_key).or_default().push(member);
    }
    members.values().filter_map(|members| concept(members, rules, as_of)).collect()
}

/// The concept of these members, if it is listed: most are not, so that this is asked first.
fn concept(members: &[(&Capsule, &Remedies)], rules: &Rules, as_of: Option<Timestamp>) -> Option<Concept> {
    let (any, _) = members.first()?;
    let sum = |count: fn(&Capsule) -> u64| members.iter().map(|(capsule, _)| count(capsule)).sum::<u64>();
    let support_count = sum(|c| c.support_count);
    let targets: BTreeSet<_> = members.iter().map(|(capsule, _)| &capsule.target_id).collect();
    let target_count = targets.len() as u64;
    if !is_listed(support_count, target_count, &rules.policy) {
        return None;
    }
    let last_seen_ts = members.iter().map(|(capsule, _)| capsule.last_seen_ts).max()?;
    let mut remedies = BTreeMap::new();
    members.iter().for_each(|(_, own)| add_up(&mut remedies, own));
    let mut keys: Vec<Sha256Hash> = members.iter().map(|(capsule, _)| capsule.derived_key).collect();
    keys.sort_unstable();
    let (resolved_count, confirmed_count) = (sum(|c| c.resolved_count), sum(|c| c.confirmed_count));
    let (contradiction_count, refuted_count) = (sum(|c| c.contradiction_count), sum(|c| c.refuted_count));
    let code = CodeFacts::of(&any.failure_reason_code, CapsuleKind::Failure, rules);
    Some(Concept {
        action_kind: any.action_kind.clone(),
        blocked_count: sum(|c| u64::from(c.verdict == Verdict::Blocked)),
        capsule_count: members.len() as u64,
        capsules: keys,
        class: code.class,
        concept_key: any.concept_key,
        confidence_ppm: confidence_ppm(resolved_count + confirmed_count, contradiction_count + refuted_count),
        confirmed_count,
        contradiction_count,
        expired: is_expired(last_seen_ts, &rules.policy, as_of),
        failure_count: sum(|c| c.failure_count),
        failure_reason_code: any.failure_reason_code.clone(),
        fingerprint: Arc::clone(&any.fingerprint),
        fingerprint_hash: any.fingerprint_hash,
        first_seen_ts: members.iter().map(|(capsule, _)| capsule.first_seen_ts).min()?,
        last_seen_ts,
        reason_code_known: code.known,
        recurrence_count: sum(|c| c.recurrence_count),
        refuted_count,
        remedies: best_remedies(&remedies),
        resolved_count,
        restart_mode: code.restart_mode,
        support_count,
        target_count,
        target_kind: any.target_kind.clone(),
    })
}
