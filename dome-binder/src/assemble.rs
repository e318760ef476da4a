//! Putting folded lines together: what no line can say by itself (L-4, M-84, M-92, M-95).

use std::collections::BTreeMap;

use dome_core::{Sha256Hash, Timestamp};

use crate::applied::count;
use crate::capsule::{Capsule, finish};
use crate::concept::{Concept, concepts};
use crate::fold::{CapsuleState, FoldedLine, Rules};

/// What a history comes to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Derived {
    /// The capsules, by derived key.
    pub capsules: Vec<Capsule>,
    /// The concepts that are listed, by concept key.
    pub concepts: Vec<Concept>,
    /// Facts that apply a key that no fact mints (M-44).
    pub applied_unknown: u64,
    /// Facts that apply a key that some fact mints, but no earlier one (M-44).
    pub applied_too_early: u64,
}

/// Puts folded lines together, in whatever order they come.
///
/// `as_of` is the instant that staleness is measured at, by default the last fact's ordered time
/// ([`crate::Ledger::last_ts`]).
#[must_use]
pub fn assemble(lines: Vec<FoldedLine>, rules: &Rules, as_of: Option<Timestamp>) -> Derived {
    let mut applied = Vec::new();
    let mut states: Vec<(CapsuleState, bool)> = Vec::new();
    for line in lines {
        applied.extend(line.applied);
        states.extend(line.capsules.into_iter().map(|capsule| (capsule, line.guard_denied)));
    }
    states.sort_unstable_by_key(|(state, _)| state.keys.derived);
    let by_key: BTreeMap<Sha256Hash, &CapsuleState> =
        states.iter().map(|(state, _)| (state.keys.derived, state)).collect();
    let applications = count(applied, &by_key);
    let capsules: Vec<Capsule> = states
        .iter()
        .map(|(state, guard_denied)| {
            let applied = applications.counts.get(&state.keys.derived).copied().unwrap_or_default();
            finish(state, applied, *guard_denied, rules, as_of)
        })
        .collect();
    let finished: Vec<_> = states.iter().map(|(state, _)| state).zip(&capsules).collect();
    let concepts = concepts(&finished, rules, as_of);
    Derived { concepts, applied_unknown: applications.unknown, applied_too_early: applications.too_early, capsules }
}
