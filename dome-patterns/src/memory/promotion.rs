//! What it takes to be promoted.

use std::collections::BTreeSet;

use dome_core::{RunId, Timestamp};
use serde::{Deserialize, Serialize};

use super::entry::{Lineage, Synthesis, distinct};
use super::value::{Key, MemoryValue};
use crate::codes::PromotionDenialCode;
use crate::limits;

/// Something that many runs came to, to be kept for a time.
///
/// ```
/// use dome_core::{Sha256Hash, Source};
/// use dome_patterns::{Authoritative, Lineage, Memory, MemoryValue, Promotion, PromotionDenialCode, PromotionPolicy};
///
/// let fact = |run: &str, line| {
///     let source = Source { line, name: "night.jsonl".into() };
///     Lineage::new(Sha256Hash::of(run.as_bytes()), run.parse().unwrap(), source).unwrap()
/// };
/// let promotion = |support| Promotion {
///     key: "flaky test".parse().unwrap(),
///     value: MemoryValue::try_from("test_clock").unwrap(),
///     support,
///     ttl_s: 86_400,
/// };
/// let mut memory = Memory::new(Authoritative::new());
/// let [now, later] = ["2026-02-01T00:00:00Z", "2026-02-02T00:00:01Z"].map(|time| time.parse().unwrap());
/// let policy = PromotionPolicy::default();
///
/// let denied = memory.lower().promote(promotion(vec![fact("run-1", 4)]), &policy, now).unwrap_err();
/// assert_eq!(denied.code(), PromotionDenialCode::SupportTooLow);
/// memory.lower().promote(promotion(vec![fact("run-1", 4), fact("run-2", 9)]), &policy, now)?;
/// let key = "flaky test".parse()?;
/// assert!(memory.read(&key, now).is_some() && memory.read(&key, later).is_none());
///
/// memory.lower().revalidate(&key, [fact("run-3", 2)], later)?;
/// assert!(memory.read(&key, later).is_some());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Promotion {
    /// What it is about.
    pub key: Key,
    /// What it says.
    pub value: MemoryValue,
    /// The facts that it comes from.
    pub support: Vec<Lineage>,
    /// How long it holds without being revalidated, in seconds.
    pub ttl_s: u64,
}

/// What it takes to be promoted, as data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PromotionPolicy {
    /// The longest time to live, in seconds; at most [`limits::TTL_S`] counts.
    pub max_ttl_s: u64,
    /// Runs that the facts come from.
    pub min_run_count: u64,
    /// Distinct facts.
    pub min_support: u64,
}

/// Why something was not promoted: every reason, the one that names the denial first.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not promoted: {}", .codes.iter().map(|code| code.as_str()).collect::<Vec<_>>().join(", "))]
pub struct PromotionDenial {
    codes: Vec<PromotionDenialCode>,
}

impl Default for PromotionPolicy {
    /// Two facts of two runs, as a capsule needs to steer (M-94), and 30 days.
    fn default() -> Self {
        Self { max_ttl_s: 2_592_000, min_run_count: 2, min_support: 2 }
    }
}

impl PromotionDenial {
    /// The reason that names it.
    #[must_use]
    pub fn code(&self) -> PromotionDenialCode {
        self.codes.first().copied().unwrap_or(PromotionDenialCode::ProvenanceMissing)
    }

    /// Every reason.
    #[must_use]
    pub fn codes(&self) -> &[PromotionDenialCode] {
        &self.codes
    }
}

/// What the layers say to a promotion.
#[derive(Clone, Copy)]
pub(super) struct Standing {
    pub(super) authority_disagrees: bool,
    pub(super) still_live: bool,
    pub(super) has_room: bool,
}

impl Promotion {
    /// The entry, if nothing speaks against it.
    pub(super) fn checked(
        self,
        policy: &PromotionPolicy,
        standing: Standing,
        now: Timestamp,
    ) -> Result<(Key, Synthesis), PromotionDenial> {
        use PromotionDenialCode as Code;
        let support = distinct(self.support);
        let runs: BTreeSet<&RunId> = support.iter().map(Lineage::run_id).collect();
        let [facts, runs] = [support.len(), runs.len()].map(|count| count as u64);
        let reasons = [
            (Code::ProvenanceMissing, facts == 0),
            (Code::SupportTooLow, facts < policy.min_support),
            (Code::RunsTooFew, runs < policy.min_run_count),
            (Code::SupportTooLarge, support.len() > limits::SUPPORT_FACTS),
            (Code::TtlMissing, self.ttl_s == 0),
            (Code::TtlTooLong, self.ttl_s > policy.max_ttl_s.min(limits::TTL_S)),
            (Code::AuthorityDisagrees, standing.authority_disagrees),
            (Code::StillLive, standing.still_live),
            (Code::SynthesisFull, !standing.has_room),
        ];
        let codes: Vec<_> = reasons.into_iter().filter(|(_, holds)| *holds).map(|(code, _)| code).collect();
        if !codes.is_empty() {
            return Err(PromotionDenial { codes });
        }
        let Self { key, value, ttl_s, .. } = self;
        Ok((key, Synthesis { promoted_at: now, support, ttl_s, validated_at: now, value }))
    }
}
