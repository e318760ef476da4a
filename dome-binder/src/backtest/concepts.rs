//! Concepts so far: added up as capsules change (M-95).

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use dome_core::{ActionKind, Sha256Hash, TargetId, TargetKind, Timestamp};

use crate::capsule::CapsuleKind;
use crate::confidence::confidence_ppm;
use crate::eligibility::Figures;
use crate::fold::{CapsuleState, Effect, Remedies, RemedyState};
use crate::policy::Policy;
use crate::priors::Weight;
use crate::remedy::first_remedy;

/// A kind of work: what concepts are looked for by, where nothing is known of a task line.
type Work = (TargetKind, ActionKind);

/// One concept key.
#[derive(Debug, Default)]
struct Summed {
    /// The lines that have a capsule with this key, whatever its kind.
    lines: Vec<Sha256Hash>,
    /// Its capsules of the kind `failure`, and what is added up of them.
    failures: BTreeSet<Sha256Hash>,
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
    fn add(&mut self, state: &CapsuleState, before: Option<Figures>, after: &Figures) {
        let known = !self.failures.insert(state.keys.derived);
        let (support, successes, failures) = match before {
            Some(before) if known => (before.support_count, before.successes, before.failures),
            _ => (0, 0, 0),
        };
        self.support = (self.support + after.support_count).saturating_sub(support);
        self.successes = (self.successes + after.successes).saturating_sub(successes);
        self.contradictions = (self.contradictions + after.failures).saturating_sub(failures);
        self.last_seen = self.last_seen.max(Some(after.last_seen_ts));
        if !known {
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
struct Listed {
    places: BTreeSet<(Reverse<Weight>, Sha256Hash)>,
    /// Those that changed since they were put there.
    moved: BTreeSet<Sha256Hash>,
}

/// All concept keys.
#[derive(Debug, Default)]
pub(super) struct Concepts {
    summed: BTreeMap<Sha256Hash, Summed>,
    listed: BTreeMap<Work, Listed>,
}

/// What a change of a capsule means to task lines.
#[derive(Debug, Default)]
pub(super) struct Spread {
    /// Lines that have one more capsule which is known elsewhere.
    pub(super) elsewhere: Vec<Sha256Hash>,
    /// Lines that have one more capsule whose concept is listed.
    pub(super) listed: Vec<Sha256Hash>,
}

impl Concepts {
    /// A capsule of a line changed, by these effects among others.
    pub(super) fn change(
        &mut self,
        (line, state): (Sha256Hash, &CapsuleState),
        (before, after): (Option<Figures>, &Figures),
        effects: &[Effect],
        policy: &Policy,
    ) -> Spread {
        let (key, mut spread) = (state.keys.concept, Spread::default());
        let sum = self.summed.entry(key).or_default();
        if before.is_none() {
            sum.lines.push(line);
            match sum.lines.as_slice() {
                [_] => {}
                [first, second] => spread.elsewhere.extend([*first, *second]),
                _ => spread.elsewhere.push(line),
            }
            spread.listed.extend(sum.listed.then_some(line));
        }
        if state.kind() == CapsuleKind::Failure {
            sum.add(state, before, after);
            effects.iter().filter(|effect| effect.key() == state.keys.derived).for_each(|e| sum.remedy(state, e));
            let lists =
                sum.support >= policy.concept_min_support && sum.targets.len() as u64 >= policy.concept_min_targets;
            if lists && !sum.listed {
                sum.listed = true;
                spread.listed.clone_from(&sum.lines);
            }
            if sum.listed {
                let work = (state.line.target_kind.clone(), state.line.action_kind.clone());
                self.listed.entry(work).or_default().moved.insert(key);
            }
        }
        spread
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
