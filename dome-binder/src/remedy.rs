//! Remedies as they are shown: the best eight, with their own record (M-83).

use std::cmp::Reverse;
use std::sync::Arc;

use dome_core::{Remedy, Sha256Hash, Timestamp};
use serde::{Deserialize, Serialize};

use crate::confidence::confidence_ppm;
use crate::fold::{Remedies, RemedyState};

/// How many remedies a capsule or concept shows (M-83).
pub const SHOWN_REMEDIES: usize = 8;

/// One remedy with its record, its members in canonical order (M-83, M-120).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RemedyRecord {
    /// M-91 with f = `count`, a = `contradicted_count`.
    pub confidence_ppm: u64,
    /// Facts that contradicted it.
    pub contradicted_count: u64,
    /// Runs that resolved by it.
    pub count: u64,
    /// What two uses of one remedy have in common.
    pub identity: Sha256Hash,
    /// The last fact that resolved by it.
    pub last_fact: Sha256Hash,
    /// That fact's ordered time.
    pub last_ts: Timestamp,
    /// The remedy as that fact gave it.
    pub remedy: Arc<Remedy>,
}

/// What remedies are ordered by; smaller comes first (M-83).
type RemedyRank = (Reverse<(u64, u64, Timestamp)>, Sha256Hash);

fn rank(identity: Sha256Hash, state: &RemedyState) -> RemedyRank {
    (Reverse((state.confidence_ppm(), state.count, state.last.ts())), identity)
}

impl RemedyState {
    /// M-91 with f = `count`, a = `contradicted_count`.
    #[must_use]
    pub fn confidence_ppm(&self) -> u64 {
        confidence_ppm(self.count, self.contradicted_count)
    }
}

/// The eight best: by confidence, count and last time descending, then identity (M-83).
#[must_use]
pub fn best_remedies(remedies: &Remedies) -> Vec<RemedyRecord> {
    let mut ranked: Vec<(RemedyRank, &RemedyState)> =
        remedies.iter().map(|(identity, state)| (rank(*identity, state), &**state)).collect();
    ranked.sort_unstable_by_key(|(rank, _)| *rank);
    ranked.truncate(SHOWN_REMEDIES);
    let record = |((_, identity), state): (RemedyRank, &RemedyState)| RemedyRecord {
        confidence_ppm: state.confidence_ppm(),
        contradicted_count: state.contradicted_count,
        count: state.count,
        identity,
        last_fact: state.last.digest,
        last_ts: state.last.ts(),
        remedy: Arc::clone(&state.remedy),
    };
    ranked.into_iter().map(record).collect()
}

/// Adds one capsule's remedies to a concept's, all of them (M-95).
pub(crate) fn add_up(sum: &mut Remedies, remedies: &Remedies) {
    for (identity, state) in remedies {
        match sum.get_mut(identity) {
            None => {
                sum.insert(*identity, state.clone());
            }
            Some(total) => {
                total.count += state.count;
                total.contradicted_count += state.contradicted_count;
                if state.last.order > total.last.order {
                    total.last = state.last.clone();
                    total.remedy = Arc::clone(&state.remedy);
                }
            }
        }
    }
}
