//! What was tried over a failure, in which runs, and how that ended: sets of runs (M-83, M-86, M-87).
//!
//! A run is named once per capsule, with a bit for each set that it is in.

use std::collections::BTreeMap;
use std::sync::Arc;

use dome_core::{Remedy, RunId, Sha256Hash};
use hashbrown::HashTable;

use super::state::FactRef;
use crate::confidence::confidence_ppm;
use crate::groups::hash_of;

/// Reruns that are counted at the most (M-86).
pub(crate) const MOST_RERUNS: usize = 3;

/// Sets of runs, as bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RunSets(pub(crate) u16);

impl RunSets {
    /// Runs in which it minted (M-80).
    pub(crate) const MINTED: Self = Self(1);
    /// Runs of the ending *again* (M-87).
    pub(crate) const AGAIN: Self = Self(1 << 1);
    /// Runs of the ending *cleared*.
    pub(crate) const CLEARED: Self = Self(1 << 2);
    /// Runs of the ending *unnamed*.
    pub(crate) const UNNAMED: Self = Self(1 << 3);
    /// Runs of the ending *given up*.
    pub(crate) const GIVEN_UP: Self = Self(1 << 4);
    /// Runs that passed within 1, 2 and 3 reruns (M-86).
    pub(crate) const PASSED: [Self; MOST_RERUNS] = [Self(1 << 5), Self(1 << 6), Self(1 << 7)];
    /// Runs that did not.
    pub(crate) const NOT_PASSED: [Self; MOST_RERUNS] = [Self(1 << 8), Self(1 << 9), Self(1 << 10)];

    pub(crate) const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(crate) const fn meets(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
}

/// A run, and the sets of a capsule that it is in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunIn {
    /// The run.
    pub run: RunId,
    /// Its sets.
    pub sets: RunSets,
}

/// Sets of runs of one remedy, as bits.
pub(crate) mod of_remedy {
    /// It worked.
    pub(crate) const WORKED: u8 = 1;
    /// It failed.
    pub(crate) const FAILED: u8 = 1 << 1;
    /// It ended a row (M-87).
    pub(crate) const ENDED: u8 = 1 << 2;
}

/// The remedies of a capsule or concept, by identity (M-83): boxed, since a tree has room for many where most
/// have one or two.
pub type Remedies = BTreeMap<Sha256Hash, Box<RemedyState>>;

/// One remedy of a capsule or concept (M-83).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemedyState {
    /// Runs by their places among those of the capsule, sorted, each with the remedy's sets that it is in.
    pub(crate) runs: Vec<(u32, u8)>,
    /// Streams in which the capsule is `pending` by it.
    pub pending_count: u64,
    /// The last fact that named it.
    pub last: FactRef,
    /// The remedy as that fact gave it.
    pub remedy: Arc<Remedy>,
}

impl RemedyState {
    pub(super) fn new(last: FactRef, remedy: &Arc<Remedy>) -> Self {
        Self { runs: Vec::new(), pending_count: 0, last, remedy: Arc::clone(remedy) }
    }

    pub(crate) fn join(&mut self, run: u32, set: u8) {
        match self.runs.binary_search_by_key(&run, |(run, _)| *run) {
            Ok(place) => self.runs.get_mut(place).into_iter().for_each(|(_, sets)| *sets |= set),
            Err(place) => self.runs.insert(place, (run, set)),
        }
    }

    /// Runs that it worked in.
    #[must_use]
    pub fn worked(&self) -> u64 {
        self.runs.iter().filter(|(_, sets)| sets & of_remedy::WORKED != 0).count() as u64
    }
}

/// What was tried over a failure.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trials {
    /// Every run that is in some set, in the order in which they first came.
    pub(crate) runs: Vec<RunIn>,
    /// The remedies that facts named.
    pub remedies: Remedies,
    /// The last fact whose run joined a set of M-86.
    pub rerun: Option<FactRef>,
}

/// How often a remedy worked, and how often not (M-83).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TrialCounts {
    pub(crate) count: u64,
    pub(crate) contradicted_count: u64,
    /// For the rerun, within how many it worked.
    pub(crate) reruns: Option<u64>,
}

impl TrialCounts {
    pub(crate) fn confidence_ppm(&self) -> u64 {
        confidence_ppm(self.count, self.contradicted_count)
    }
}

/// By how many remedies a run ended, as far as it matters: by none, by this one, by several.
#[derive(Clone, Copy, PartialEq, Eq)]
enum EndedBy {
    None,
    One(Sha256Hash),
    Several,
}

impl Trials {
    /// Runs that are in some set, or were spoken of.
    #[must_use]
    pub fn run_count(&self) -> usize {
        self.runs.len()
    }

    /// Distinct runs that are in one of these sets.
    pub(crate) fn count(&self, sets: RunSets) -> u64 {
        self.runs.iter().filter(|run| run.sets.meets(sets)).count() as u64
    }

    /// M-86: within how many reruns it passes best, and how often it did and did not. Only where a set of M-86 has a
    /// run.
    pub(crate) fn reruns(&self) -> Option<TrialCounts> {
        self.rerun.as_ref()?;
        let sets = RunSets::PASSED.into_iter().zip(RunSets::NOT_PASSED).enumerate();
        let within = sets.map(|(before, (passed, not))| TrialCounts {
            count: self.count(passed),
            contradicted_count: self.count(not),
            reruns: Some(before as u64 + 1),
        });
        // Of those that are as good, the least.
        within.reduce(|best, next| if next.confidence_ppm() > best.confidence_ppm() { next } else { best })
    }

    fn ended_by(&self) -> Vec<EndedBy> {
        let mut ended = vec![EndedBy::None; self.runs.len()];
        for (identity, remedy) in &self.remedies {
            for (run, _) in remedy.runs.iter().filter(|(_, sets)| sets & of_remedy::ENDED != 0) {
                if let Some(by) = ended.get_mut(*run as usize) {
                    *by = if *by == EndedBy::None { EndedBy::One(*identity) } else { EndedBy::Several };
                }
            }
        }
        ended
    }

    /// M-83, for each remedy that was named: what it takes grows with the runs and the remedies, not with their product.
    pub(crate) fn counts(&self) -> impl Iterator<Item = (&Sha256Hash, &RemedyState, TrialCounts)> {
        let ended = self.ended_by();
        let others = |momentary: bool| {
            let others = RunSets::UNNAMED.and(RunSets::GIVEN_UP);
            if momentary { others.and(RunSets::AGAIN).and(RunSets::CLEARED) } else { others }
        };
        let all = [false, true].map(|momentary| {
            let is = |(run, by): &(&RunIn, &EndedBy)| **by != EndedBy::None || run.sets.meets(others(momentary));
            self.runs.iter().zip(&ended).filter(is).count() as u64
        });
        self.remedies.iter().map(move |(identity, remedy)| {
            let momentary = remedy.remedy.is_momentary();
            let mut contradicted_count = if momentary { all[1] } else { all[0] };
            for (run, sets) in &remedy.runs {
                let (place, failed) = (*run as usize, sets & of_remedy::FAILED != 0);
                let Some((run, by)) = self.runs.get(place).zip(ended.get(place)) else { continue };
                let otherwise = run.sets.meets(others(momentary));
                contradicted_count += u64::from(failed && !otherwise && *by == EndedBy::None);
                contradicted_count -= u64::from(!failed && !otherwise && *by == EndedBy::One(*identity));
            }
            (identity, &**remedy, TrialCounts { count: remedy.worked(), contradicted_count, reruns: None })
        })
    }

    /// M-85: how sure it is that work on it is given up.
    pub(crate) fn unresolved_ppm(&self) -> u64 {
        let mended = RunSets::CLEARED.and(RunSets::UNNAMED).and(RunSets::PASSED[MOST_RERUNS - 1]);
        let ended = self.runs.iter().zip(self.ended_by());
        let ended = ended.filter(|(run, by)| run.sets.meets(mended) || *by != EndedBy::None).count() as u64;
        confidence_ppm(self.count(RunSets::GIVEN_UP), ended)
    }
}

/// What was tried over all capsules of a concept: each run once, whatever number of targets it hit (M-95).
#[derive(Debug, Default)]
pub(crate) struct UnitedTrials {
    all: Trials,
    /// Where runs stand, by hash. It is looked up in and never walked.
    places: HashTable<(u64, u32)>,
}

impl UnitedTrials {
    pub(crate) fn of<'t>(each: impl IntoIterator<Item = &'t Trials>) -> Self {
        let mut united = Self::default();
        each.into_iter().for_each(|trials| united.add(trials));
        united
    }

    pub(crate) const fn all(&self) -> &Trials {
        &self.all
    }

    /// Adds what was tried over one capsule.
    pub(crate) fn add(&mut self, one: &Trials) {
        one.runs.iter().for_each(|run| {
            self.place(run);
        });
        one.remedies.keys().for_each(|identity| self.add_remedy(one, identity, true));
        self.add_rerun(one);
    }

    /// Adds what one fact of a run changed over a capsule that was added before; `named` are the remedies that it
    /// spoke of. How many streams are pending is not followed.
    pub(crate) fn add_change(&mut self, one: &Trials, run: &RunId, named: impl Iterator<Item = Sha256Hash>) {
        // The run of the last fact is mostly the last that came.
        one.runs.iter().rev().find(|known| known.run == *run).into_iter().for_each(|run| {
            self.place(run);
        });
        named.for_each(|identity| self.add_remedy(one, &identity, false));
        self.add_rerun(one);
    }

    fn add_remedy(&mut self, one: &Trials, identity: &Sha256Hash, is_new: bool) {
        let Some(remedy) = one.remedies.get(identity) else { return };
        let joined: Vec<(u32, u8)> = remedy
            .runs
            .iter()
            .filter_map(|(run, sets)| Some((self.place(one.runs.get(*run as usize)?), *sets)))
            .collect();
        let new = || RemedyState { runs: Vec::new(), pending_count: 0, ..RemedyState::clone(remedy) };
        let sum = self.all.remedies.entry(*identity).or_insert_with(|| Box::new(new()));
        sum.pending_count += if is_new { remedy.pending_count } else { 0 };
        if remedy.last.order > sum.last.order {
            (sum.last, sum.remedy) = (remedy.last.clone(), Arc::clone(&remedy.remedy));
        }
        joined.into_iter().for_each(|(place, sets)| sum.join(place, sets));
    }

    fn add_rerun(&mut self, one: &Trials) {
        if let Some(last) = &one.rerun
            && self.all.rerun.as_ref().is_none_or(|other| other.order < last.order)
        {
            self.all.rerun = Some(last.clone());
        }
    }

    /// Where a run stands among all, which it joins if it is new.
    fn place(&mut self, run: &RunIn) -> u32 {
        let Self { all: Trials { runs, .. }, places } = self;
        let hash = hash_of(run.run.as_str());
        let known = |(_, place): &(u64, u32)| runs.get(*place as usize).is_some_and(|known| known.run == run.run);
        if let Some((_, place)) = places.find(hash, known) {
            let place = *place;
            runs.get_mut(place as usize).into_iter().for_each(|known| known.sets = known.sets.and(run.sets));
            return place;
        }
        let place = runs.len() as u32;
        places.insert_unique(hash, (hash, place), |(hash, _)| *hash);
        runs.push(run.clone());
        place
    }
}
