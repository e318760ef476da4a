//! The capsules of one task line, so far, in the order in which priors are answered.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use dome_core::{Sha256Hash, Timestamp};

use super::sweep::Sweep;
use crate::applied::AppliedCounts;
use crate::capsule::{Capsule, CodeFacts, figures_of, finish};
use crate::eligibility::{Figures, Verdict, holds};
use crate::fold::{CapsuleState, LineState, Rules};
use crate::policy::Policy;
use crate::priors::Weight;
use crate::remedy::first_remedy;

/// A capsule's place among those of one verdict; smaller comes first.
type Place = (Reverse<Weight>, Sha256Hash);

/// A capsule, as far as its place and its eligibility go.
#[derive(Clone, Debug)]
pub(super) struct Shelved {
    /// What M-92 looks at, whatever guards say.
    pub(super) figures: Figures,
    /// Its first remedy.
    pub(super) remedy: Option<Sha256Hash>,
}

impl Shelved {
    fn of(state: &CapsuleState, applied: AppliedCounts, rules: &Rules) -> Self {
        let code = CodeFacts::of(&state.failure_reason_code, state.kind(), rules);
        let first = first_remedy(&state.remedies);
        let figures = figures_of(state, applied, false, &code, first.map(|(_, ppm)| ppm));
        Self { figures, remedy: first.map(|(identity, _)| identity) }
    }

    fn place(&self, key: Sha256Hash) -> Place {
        let figures = &self.figures;
        let own = (figures.confidence_ppm, figures.support_count, figures.last_seen_ts);
        (Reverse((figures.remedy_confidence_ppm, own.0, own.1, own.2)), key)
    }

    fn verdict(&self, policy: &Policy, as_of: Option<Timestamp>) -> Reverse<Verdict> {
        Reverse(Verdict::of(&holds(&self.figures, policy, as_of)))
    }
}

/// One task line's memory.
#[derive(Debug, Default)]
pub(super) struct Shelf {
    pub(super) state: LineState,
    applied: BTreeMap<Sha256Hash, AppliedCounts>,
    capsules: BTreeMap<Sha256Hash, Shelved>,
    /// All capsules, by the verdict that they would have if neither time nor guards mattered.
    places: BTreeMap<Reverse<Verdict>, BTreeSet<Place>>,
    /// Those that some policy of the sweep could let steer.
    candidates: BTreeSet<Place>,
    /// Capsules that are the same failure as one of another line.
    pub(super) elsewhere: u64,
    /// Capsules whose concept is listed.
    pub(super) listed: u64,
}

impl Shelf {
    pub(super) fn len(&self) -> u64 {
        self.capsules.len() as u64
    }

    pub(super) fn has(&self, key: &Sha256Hash) -> bool {
        self.capsules.contains_key(key)
    }

    pub(super) fn applied(&mut self, key: Sha256Hash) -> &mut AppliedCounts {
        self.applied.entry(key).or_default()
    }

    /// Puts a capsule where its counters say, after they changed; what it was before, and what it is.
    pub(super) fn put(&mut self, key: Sha256Hash, rules: &Rules, sweep: &Sweep) -> Option<(Option<Figures>, Figures)> {
        let applied = self.applied.get(&key).copied().unwrap_or_default();
        let shelved = Shelved::of(self.state.capsule(&key)?, applied, rules);
        let before = self.capsules.get(&key).cloned();
        if let Some(before) = &before {
            self.places.entry(before.verdict(&rules.policy, None)).or_default().remove(&before.place(key));
            self.candidates.remove(&before.place(key));
        }
        self.places.entry(shelved.verdict(&rules.policy, None)).or_default().insert(shelved.place(key));
        if holds(&shelved.figures, &sweep.loosest, None).is_empty() {
            self.candidates.insert(shelved.place(key));
        }
        let after = shelved.figures;
        self.capsules.insert(key, shelved);
        Some((before.map(|before| before.figures), after))
    }

    /// The capsule that is answered with first.
    pub(super) fn best(&self, policy: &Policy, as_of: Timestamp) -> Option<Sha256Hash> {
        if self.state.guard_denied() {
            // All have one verdict.
            return self.places.values().filter_map(BTreeSet::first).min().map(|(_, key)| *key);
        }
        let mut best: Option<(Reverse<Verdict>, Place)> = None;
        for (verdict, place) in self.places.iter().flat_map(|(verdict, of)| of.iter().map(|place| (*verdict, *place))) {
            // Time only makes a verdict worse, so what comes later in this order cannot win any more.
            if best.is_some_and(|best| best <= (verdict, place)) {
                break;
            }
            let now = (self.capsules.get(&place.1)?.verdict(policy, Some(as_of)), place);
            best = Some(best.map_or(now, |best| best.min(now)));
        }
        best.map(|(_, (_, key))| key)
    }

    /// A capsule as a result would have it now.
    pub(super) fn capsule(&self, key: Sha256Hash, rules: &Rules, as_of: Timestamp) -> Option<Capsule> {
        let applied = self.applied.get(&key).copied().unwrap_or_default();
        Some(finish(self.state.capsule(&key)?, applied, self.state.guard_denied(), rules, Some(as_of)))
    }

    /// What each policy would let steer, whatever guards say: the first remedy of the first capsule
    /// that nothing else holds back.
    pub(super) fn offers(&self, policies: &[&Policy], as_of: Timestamp) -> Vec<Option<Sha256Hash>> {
        let mut offers = vec![None; policies.len()];
        let mut waiting: Vec<(&Policy, &mut Option<Sha256Hash>)> =
            policies.iter().copied().zip(offers.iter_mut()).collect();
        for (Reverse(weight), key) in &self.candidates {
            // Candidates come by the confidence of their remedy: it only gets lower.
            waiting.retain(|(policy, _)| weight.0.is_some_and(|ppm| ppm >= policy.min_confidence_ppm));
            let Some(Shelved { figures, remedy }) = self.capsules.get(key).filter(|_| !waiting.is_empty()) else {
                break;
            };
            waiting.retain_mut(|(policy, offer)| {
                let steers = holds(figures, policy, Some(as_of)).is_empty();
                if steers {
                    **offer = *remedy;
                }
                !steers
            });
        }
        offers
    }
}
