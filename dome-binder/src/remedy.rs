//! Remedies as they are shown: the best eight, with their own record (M-83).

use std::cmp::Reverse;
use std::sync::{Arc, LazyLock};

use dome_core::{Remedy, Sha256Hash, Timestamp};
use serde::{Deserialize, Serialize};

use crate::fold::{FactRef, TrialCounts, Trials};

/// How many remedies a capsule or concept shows (M-83).
pub const SHOWN_REMEDIES: usize = 8;

/// What only comes again to what failed (M-83), and its identity.
static RERUN: LazyLock<(Arc<Remedy>, Sha256Hash)> = LazyLock::new(|| {
    let rerun = Remedy::rerun();
    let identity = rerun.identity();
    (Arc::new(rerun), identity)
});

/// The identity of what only comes again to what failed (M-83).
#[must_use]
pub fn rerun_identity() -> Sha256Hash {
    RERUN.1
}

/// One remedy with its record, its members in canonical order (M-83, M-120).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RemedyRecord {
    /// M-91 with f = `count`, a = `contradicted_count`.
    pub confidence_ppm: u64,
    /// Runs that it failed in, or in which the failure ended otherwise.
    pub contradicted_count: u64,
    /// Runs that it worked in.
    pub count: u64,
    /// What two uses of one remedy have in common.
    pub identity: Sha256Hash,
    /// The last fact that named it, or that was a rerun.
    pub last_fact: Sha256Hash,
    /// That fact's ordered time.
    pub last_ts: Timestamp,
    /// Whether it only gets one task over a failure, and promises nothing for the next (M-78).
    pub momentary: bool,
    /// Streams in which the failure is resolved by it, and that is not yet proven.
    pub pending_count: u64,
    /// The remedy as that fact gave it.
    pub remedy: Arc<Remedy>,
    /// For the rerun: within how many reruns `count` is counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reruns: Option<u64>,
}

impl RemedyRecord {
    fn new(
        identity: Sha256Hash,
        counts: TrialCounts,
        pending_count: u64,
        last: &FactRef,
        remedy: &Arc<Remedy>,
    ) -> Self {
        Self {
            confidence_ppm: counts.confidence_ppm(),
            contradicted_count: counts.contradicted_count,
            count: counts.count,
            identity,
            last_fact: last.digest,
            last_ts: last.ts(),
            momentary: remedy.is_momentary(),
            pending_count,
            remedy: Arc::clone(remedy),
            reruns: counts.reruns,
        }
    }
}

/// The eight best: by confidence, count and last time descending, then identity (M-83).
#[must_use]
pub fn best_remedies(trials: &Trials) -> Vec<RemedyRecord> {
    let mut records = all_remedies(trials);
    records.sort_unstable_by_key(|record| {
        (Reverse((record.confidence_ppm, record.count, record.last_ts)), record.identity)
    });
    records.truncate(SHOWN_REMEDIES);
    records
}

/// All remedies, in no order that matters.
pub(crate) fn all_remedies(trials: &Trials) -> Vec<RemedyRecord> {
    let reruns = trials.reruns().zip(trials.rerun.as_ref());
    let mut records: Vec<RemedyRecord> = Vec::new();
    for (identity, state, counts) in trials.counts() {
        let (counts, last) = match &reruns {
            Some((counts, last)) if *identity == rerun_identity() => (*counts, Some(*last)),
            _ => (counts, None),
        };
        // What was named last is shown as it was given, unless a later rerun speaks for it.
        let (last, remedy) = match last.filter(|last| last.order > state.last.order) {
            Some(last) => (last, &RERUN.0),
            None => (&state.last, &state.remedy),
        };
        records.push(RemedyRecord::new(*identity, counts, state.pending_count, last, remedy));
    }
    if let Some((counts, last)) = reruns
        && !trials.remedies.contains_key(&rerun_identity())
    {
        records.push(RemedyRecord::new(rerun_identity(), counts, 0, last, &RERUN.0));
    }
    records
}
