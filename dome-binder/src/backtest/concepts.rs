//! Concepts so far: added up as capsules change (M-95).

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use dome_core::{ActionKind, Sha256Hash, TargetId, TargetKind, Timestamp};

use crate::capsule::CapsuleKind;
use crate::concept::is_listed;
use crate::confidence::confidence_ppm;
use crate::eligibility::Figures;
use crate::fold::{CapsuleState, Effect, Remedies, RemedyState};
use crate::policy::Policy;
use crate::priors::Weight;
use crate::remedy::first_remedy;

/// A kind of work: what concepts are looked for by, where nothing is known of a task line.
type Work = (TargetKind, ActionKind);

#[derive(Debug, Default)]
struct Summed {
    /// The lines that have a capsule with this key, whatever its kind; no line has two.
    lines: BTreeSet<Sha256Hash>,
    /// Its capsules of the kind `failure`, and what is added up of them.
    failures: BTreeMap<Sha256Hash, Figures>,
    targets: BTreeSet<TargetId>,
    support: u64,
    successes: u64,
    contradictions: u64,
    last_seen: Option<Timestamp>,
    remedies: Remedies,
    listed: bool,
    /// Its place among the listed ones, once it was looked for.
    place: Option<Reverse<Weight>>,
}

impl Summed {
    fn add(&mut self, state: &CapsuleState, after: &Figures) {
        let before = self.failures.insert(state.keys.derived, *after);
        let more = |of: fn(&Figures) -> u64| of(after) - before.as_ref().map_or(0, of);
        self.support += more(|figures| figures.support_count);
        self.successes += more(|figures| figures.successes);
        self.contradictions += more(|figures| figures.failures);
        self.last_seen = self.last_seen.max(Some(after.last_seen_ts));
        if before.is_none() {
            self.targets.insert(state.line.target_id.clone());
        }
    }

    /// What M-83 counts of remedies. A capsule has none before it is a failure, so all pass here.
    fn remedy(&mut self, state: &CapsuleState, effect: &Effect) {
        match effect {
            Effect::Resolved { remedy: Some((identity, _)), new_run, .. } => {
                let Some(own) = state.remedies.get(identity) else { return };
                let sum = self.remedies.entry(*identity).or_insert_with(|| {
                    Box::new(RemedyState { count: 0, contradicted_count: 0, ..RemedyState::clone(own) })
                });
                sum.count += u64::from(*new_run);
                sum.last = own.last.clone();
            }
            Effect::Contradicted { remedy: Some(identity), .. } => {
                if let Some(sum) = self.remedies.get_mut(identity) {
                    sum.contradicted_count += 1;
                }
            }
            _ => {}
        }
    }

    fn weight(&self) -> Option<Weight> {
        let remedy = first_remedy(&self.remedies).map(|(_, ppm)| ppm);
        Some((remedy, confidence_ppm(self.successes, self.contradictions), self.support, self.last_seen?))
    }
}

/// The listed concepts of one kind of work, in the order in which they are answered.
#[derive(Debug, Default)]
struct ListedConcepts {
    places: BTreeSet<(Reverse<Weight>, Sha256Hash)>,
    /// Those that changed since they were placed.
    moved: BTreeSet<Sha256Hash>,
}

#[derive(Debug, Default)]
pub(super) struct Concepts {
    summed: BTreeMap<Sha256Hash, Summed>,
    listed: BTreeMap<Work, ListedConcepts>,
}

impl Concepts {
    /// A capsule of a line changed, by these effects among others. Gives the lines that have one more capsule which is
    /// known elsewhere, and those that have one more whose concept is listed.
    pub(super) fn change(
        &mut self,
        (line, state): (Sha256Hash, &CapsuleState),
        after: &Figures,
        effects: &[Effect],
        policy: &Policy,
    ) -> (Vec<Sha256Hash>, Vec<Sha256Hash>) {
        let (mut elsewhere, mut listed) = (Vec::new(), Vec::new());
        let key = state.keys.concept;
        let sum = self.summed.entry(key).or_default();
        if sum.lines.insert(line) {
            match sum.lines.len() {
                1 => {}
                2 => elsewhere.extend(&sum.lines),
                _ => elsewhere.push(line),
            }
            listed.extend(sum.listed.then_some(line));
        }
        if state.kind() == CapsuleKind::Failure {
            sum.add(state, after);
            effects.iter().filter(|effect| effect.key() == state.keys.derived).for_each(|e| sum.remedy(state, e));
            if !sum.listed && is_listed(sum.support, sum.targets.len() as u64, policy) {
                sum.listed = true;
                listed.extend(&sum.lines);
            }
            if sum.listed {
                let work = (state.line.target_kind.clone(), state.line.action_kind.clone());
                self.listed.entry(work).or_default().moved.insert(key);
            }
        }
        (elsewhere, listed)
    }

    /// How many concepts are listed for a kind of work, and the first: its key and its first remedy.
    pub(super) fn of_work(
        &mut self,
        kind: &TargetKind,
        action: &ActionKind,
    ) -> Option<(u64, Sha256Hash, Option<Sha256Hash>)> {
        let listed = self.listed.get_mut(&(kind.clone(), action.clone()))?;
        for key in std::mem::take(&mut listed.moved) {
            let Some(sum) = self.summed.get_mut(&key) else { continue };
            let place = sum.weight().map(Reverse);
            if let Some(before) = std::mem::replace(&mut sum.place, place) {
                listed.places.remove(&(before, key));
            }
            listed.places.extend(place.map(|place| (place, key)));
        }
        let (_, key) = listed.places.first()?;
        let first = self.summed.get(key).and_then(|sum| first_remedy(&sum.remedies));
        Some((listed.places.len() as u64, *key, first.map(|(identity, _)| identity)))
    }
}
