//! One key of a task line while the line is folded: its failures, and its standing in each stream (M-77 to M-87).

use std::cell::OnceCell;
use std::collections::BTreeSet;
use std::sync::Arc;

use dome_core::{Job, Lane, PolicyReasonCode, RunId, Sha256Hash, Signal, Timestamp};

use super::effect::{Effect, Happened};
use super::numbers::{Numbered, Numbers};
use super::proof::{Reach, RunWindow, proof};
use super::state::{CapsuleStanding, CapsuleState, FactRef, RowFigures, StandingIn};
use super::trials::{RemedyState, RunIn, RunSets, of_remedy};
use crate::ledger::LineFact;
use crate::settle::Fact;
use crate::trigger::Triggers;

/// A fact as its line sees it: what it shares with others is a number.
pub(super) struct Seen<'f> {
    pub(super) fact: &'f Fact,
    /// Its place among the facts of the line.
    pub(super) place: u32,
    pub(super) reach: Reach,
    pub(super) run: u32,
    pub(super) stream: u32,
    pub(super) job: u32,
    /// Its subject key (M-74).
    pub(super) subject: Option<u32>,
    /// Its base key, where anything was seen there.
    pub(super) base: Option<u32>,
    /// The identity of its remedy, once it was asked for: it is a hash.
    pub(super) identity: OnceCell<Sha256Hash>,
}

impl Seen<'_> {
    /// The identity of its remedy.
    fn remedy(&self) -> Option<Sha256Hash> {
        self.fact.remedy.as_ref().map(|remedy| *self.identity.get_or_init(|| remedy.identity()))
    }
}

/// The failures of M-77 since a key became `failing` in a stream.
#[derive(Debug)]
struct FailureRow {
    serial: u32,
    /// f and s, taken when it began.
    taken: (u64, u64),
    runs: Numbered<RunOfRow>,
    /// m: runs with a failure that no later success at the same subject has cleared.
    uncleared: u64,
}

#[derive(Debug)]
struct RunOfRow {
    uncleared: u32,
    last: Timestamp,
}

/// A resolution that is not yet proven.
#[derive(Debug)]
struct Unproven {
    clean: Numbers,
    needed: u64,
    /// The place of the fact that resolved it.
    resolved_at: u32,
    /// Its run, by its place among the capsule's.
    run: u32,
    remedy: Option<Sha256Hash>,
}

#[derive(Debug)]
enum StreamStanding {
    Failing(Box<FailureRow>),
    Cleared,
    Pending(Box<Unproven>),
    Held { resolved_at: u32 },
}

/// A failure at a subject.
#[derive(Debug)]
struct FailureAt {
    place: u32,
    ts: Timestamp,
    run: u32,
    stream: u32,
    /// The row that it joined; none when it was stale.
    row: Option<u32>,
    intermittent: bool,
}

/// The failures at one subject, in order.
#[derive(Debug, Default)]
struct AtSubject {
    failures: Vec<FailureAt>,
    /// Those before are cleared, or out of reach for good.
    uncleared_from: usize,
}

/// One key.
#[derive(Debug)]
pub(super) struct KeyFold {
    pub(super) state: Box<CapsuleState>,
    /// The gates that passing it takes.
    pub(super) gates: u32,
    /// Places of runs among the capsule's, by the line's numbers.
    places: Numbered<u32>,
    subjects: Numbered<AtSubject>,
    standings: Numbered<StreamStanding>,
    /// Per job, the places of the facts that resolved it in streams where it is `pending` or `held`.
    resolved: Numbered<BTreeSet<(u32, u32)>>,
    /// Per job, the failures of rows that ended: f of M-77.
    ended: Numbered<RunWindow>,
    streams: Numbers,
    last_stream: Option<u32>,
    rows: u32,
}

impl FailureRow {
    const fn figures(&self) -> RowFigures {
        let (failed_runs, passed_runs) = self.taken;
        RowFigures { failed_runs, passed_runs, uncleared_runs: self.uncleared }
    }

    /// M-77.
    fn is_broken(&self, most: u64) -> bool {
        self.uncleared >= 1 && self.figures().until_broken(most) == 0
    }
}

fn clean_needed((f, s): (u64, u64), most: u64) -> u64 {
    proof(s + 1, f + s + 2, most)
}

impl KeyFold {
    pub(super) fn new(line_fact: &LineFact<'_>, gates: u32) -> Self {
        Self {
            state: Box::new(CapsuleState::first_seen(line_fact)),
            gates,
            places: Numbered::default(),
            subjects: Numbered::default(),
            standings: Numbered::default(),
            resolved: Numbered::default(),
            ended: Numbered::default(),
            streams: Numbers::default(),
            last_stream: None,
            rows: 0,
        }
    }

    fn effect(&self, what: Happened) -> Effect {
        Effect { key: self.state.keys.derived, what }
    }

    /// Puts the fact's run into sets; its place among the capsule's runs.
    fn join(&mut self, run: u32, run_id: &RunId, sets: RunSets) -> u32 {
        let runs = &mut self.state.trials.runs;
        let place = *self.places.entry(run, || {
            runs.push(RunIn { run: run_id.clone(), sets: RunSets::default() });
            runs.len() as u32 - 1
        });
        runs.get_mut(place as usize).into_iter().for_each(|known| known.sets = known.sets.and(sets));
        place
    }

    fn joins(&mut self, seen: &Seen<'_>, sets: RunSets) -> u32 {
        self.join(seen.run, &seen.fact.run_id, sets)
    }

    /// The fact names its remedy for this key, and its run joins a set of that remedy (M-83).
    fn names(&mut self, seen: &Seen<'_>, identity: Sha256Hash, set: u8) {
        let Some(remedy) = &seen.fact.remedy else { return };
        let (run, last) = (self.joins(seen, RunSets::default()), FactRef::of(seen.fact));
        let new = || Box::new(RemedyState::new(last.clone(), remedy));
        let state = self.state.trials.remedies.entry(identity).or_insert_with(new);
        (state.last, state.remedy) = (last, Arc::clone(remedy));
        state.join(run, set);
    }

    fn remedy(&mut self, identity: Option<Sha256Hash>) -> Option<&mut RemedyState> {
        self.state.trials.remedies.get_mut(&identity?).map(Box::as_mut)
    }

    /// M-80.
    pub(super) fn mint(&mut self, seen: &Seen<'_>, triggers: Triggers, effects: &mut Vec<Effect>) {
        let fact = seen.fact;
        let support = &mut self.state.support;
        support.support_count += 1;
        support.last = FactRef::of(fact);
        support.denial_count += u64::from(fact.signal == Signal::Denial);
        if let Some(code) = fact.policy_reason_code() {
            *support.policy_reason_codes.entry(PolicyReasonCode::clone(code)).or_default() += 1;
        }
        support.triggers.add(triggers);
        self.joins(seen, RunSets::MINTED);
        effects.push(self.effect(Happened::Minted));
    }

    /// M-86: the rerun's run joins the sets of every k from `number` to `to`.
    pub(super) fn reran(
        &mut self,
        seen: &Seen<'_>,
        (number, to): (usize, usize),
        passed: bool,
        effects: &mut Vec<Effect>,
    ) {
        let sets = if passed { RunSets::PASSED } else { RunSets::NOT_PASSED };
        let within = sets.iter().take(to).skip(number - 1).fold(RunSets::default(), |all, set| all.and(*set));
        self.joins(seen, within);
        self.state.trials.rerun = Some(FactRef::of(seen.fact));
        effects.push(self.effect(Happened::Reran { number: number as u64, passed }));
    }

    /// Whether it failed earlier, in reach, at the subject of the fact: in whatever stream, stale or not.
    fn failed_at_subject(&self, seen: &Seen<'_>) -> bool {
        let at = seen.subject.and_then(|subject| self.subjects.get(subject));
        at.and_then(|at| at.failures.last()).is_some_and(|last| seen.reach.has(last.ts))
    }

    /// M-81 b and c, and all of d that does not begin a row. Whether one begins.
    pub(super) fn fail(&mut self, seen: &Seen<'_>, intermittent: bool, effects: &mut Vec<Effect>) -> bool {
        let stale = self.is_stale(seen);
        let counts = &mut self.state.counts;
        counts.failure_count += 1;
        counts.intermittent_count += u64::from(intermittent);
        counts.stale_count += u64::from(stale);
        counts.stream_count += u64::from(self.streams.join(seen.stream));
        effects.push(self.effect(Happened::Failed { intermittent, stale }));
        if stale {
            self.add_failure(seen, intermittent, None);
            return false;
        }
        self.last_stream = Some(seen.stream);
        match self.standings.get(seen.stream) {
            Some(StreamStanding::Failing(_)) => {
                self.fail_again(seen, effects);
                self.join_row(seen, intermittent);
                return false;
            }
            Some(StreamStanding::Pending(_)) => self.contradict(seen, effects),
            Some(StreamStanding::Held { resolved_at }) => {
                let resolved_at = *resolved_at;
                self.forget_resolution(seen, resolved_at);
                self.state.counts.recurrence_count += 1;
                effects.push(self.effect(Happened::Recurred));
            }
            Some(StreamStanding::Cleared) | None => {}
        }
        true
    }

    /// M-81 c.
    fn is_stale(&self, seen: &Seen<'_>) -> bool {
        let resolved_at = match self.standings.get(seen.stream) {
            Some(StreamStanding::Failing(_)) => None,
            Some(StreamStanding::Pending(unproven)) => Some(unproven.resolved_at),
            Some(StreamStanding::Held { resolved_at }) => Some(*resolved_at),
            // Any stream of the job: the one that was resolved last had seen the most failures before.
            Some(StreamStanding::Cleared) | None => {
                self.resolved.get(seen.job).and_then(BTreeSet::last).map(|(resolved_at, _)| *resolved_at)
            }
        };
        let Some(resolved_at) = resolved_at else { return false };
        [seen.subject, seen.base].into_iter().flatten().filter_map(|subject| self.subjects.get(subject)).any(|at| {
            let in_reach = at.failures.partition_point(|failure| !seen.reach.has(failure.ts));
            at.failures.get(in_reach).is_some_and(|first| first.place < resolved_at)
        })
    }

    fn fail_again(&mut self, seen: &Seen<'_>, effects: &mut Vec<Effect>) {
        self.joins(seen, RunSets::AGAIN);
        if let Some(identity) = seen.remedy() {
            self.names(seen, identity, of_remedy::FAILED);
        }
        effects.push(self.effect(Happened::Again { remedy: seen.remedy() }));
    }

    fn contradict(&mut self, seen: &Seen<'_>, effects: &mut Vec<Effect>) {
        let Some(StreamStanding::Pending(unproven)) = self.standings.remove(seen.stream) else { return };
        let Unproven { resolved_at, remedy, .. } = *unproven;
        self.forget_resolution(seen, resolved_at);
        self.state.counts.contradiction_count += 1;
        if remedy.is_some() {
            let run = self.joins(seen, RunSets::default());
            if let Some(remedy) = self.remedy(remedy) {
                remedy.pending_count -= 1;
                remedy.join(run, of_remedy::FAILED);
            }
        }
        effects.push(self.effect(Happened::Contradicted { remedy }));
    }

    fn forget_resolution(&mut self, seen: &Seen<'_>, resolved_at: u32) {
        if let Some(resolved) = self.resolved.get_mut(seen.job) {
            resolved.remove(&(resolved_at, seen.stream));
        }
    }

    /// A row begins with the failure (M-77); `s` is how many runs of earlier successes are in reach.
    pub(super) fn begin_row(&mut self, seen: &Seen<'_>, intermittent: bool, s: u64, effects: &mut Vec<Effect>) {
        let (f, serial) = (self.failed_runs(seen), self.rows);
        self.rows += 1;
        let row = FailureRow { serial, taken: (f, s), runs: Numbered::default(), uncleared: 0 };
        self.standings.insert(seen.stream, StreamStanding::Failing(Box::new(row)));
        effects.push(self.effect(Happened::RowBegan { failed_runs: f, passed_runs: s }));
        self.join_row(seen, intermittent);
    }

    /// f of M-77, as of a fact.
    fn failed_runs(&mut self, seen: &Seen<'_>) -> u64 {
        self.ended.get_mut(seen.job).map_or(0, |ended| ended.distinct(seen.reach))
    }

    fn join_row(&mut self, seen: &Seen<'_>, intermittent: bool) {
        let Some(StreamStanding::Failing(row)) = self.standings.get_mut(seen.stream) else { return };
        let run = row.runs.entry(seen.run, || RunOfRow { uncleared: 0, last: seen.reach.now });
        row.uncleared += u64::from(run.uncleared == 0);
        run.uncleared += 1;
        run.last = seen.reach.now;
        let serial = row.serial;
        self.add_failure(seen, intermittent, Some(serial));
    }

    fn add_failure(&mut self, seen: &Seen<'_>, intermittent: bool, row: Option<u32>) {
        let Some(subject) = seen.subject else { return };
        let (ts, run, stream) = (seen.reach.now, seen.run, seen.stream);
        let at = self.subjects.entry(subject, AtSubject::default);
        at.failures.push(FailureAt { place: seen.place, ts, run, stream, row, intermittent });
    }

    /// M-82 a: every earlier failure at the subject is cleared by the fact.
    pub(super) fn clear_failures(&mut self, seen: &Seen<'_>, effects: &mut Vec<Effect>) {
        let Self { subjects, standings, .. } = self;
        let Some(at) = seen.subject.and_then(|subject| subjects.get_mut(subject)) else { return };
        let mut turned = 0;
        let uncleared = at.failures.iter_mut().skip(at.uncleared_from);
        for failure in uncleared.filter(|failure| seen.reach.has(failure.ts)) {
            turned += u64::from(!failure.intermittent);
            failure.intermittent = true;
            if let Some(StreamStanding::Failing(row)) = standings.get_mut(failure.stream)
                && failure.row == Some(row.serial)
                && let Some(run) = row.runs.get_mut(failure.run)
            {
                run.uncleared -= 1;
                row.uncleared -= u64::from(run.uncleared == 0);
            }
        }
        at.uncleared_from = at.failures.len();
        if turned > 0 {
            self.state.counts.intermittent_count += turned;
            effects.push(self.effect(Happened::TurnedIntermittent { failures: turned }));
        }
    }

    fn end_row(&mut self, seen: &Seen<'_>) -> Option<FailureRow> {
        let Some(StreamStanding::Failing(row)) = self.standings.remove(seen.stream) else { return None };
        let ended = self.ended.entry(seen.job, RunWindow::default);
        let FailureRow { serial, taken, runs, uncleared } = *row;
        for (run, RunOfRow { last, .. }) in runs.into_iter() {
            ended.add(last, run);
        }
        Some(FailureRow { serial, taken, runs: Numbered::default(), uncleared })
    }

    /// M-82 b, for a key that the fact clears and that is `failing`: it is `cleared` or `pending` afterwards. Whether
    /// it is `pending`.
    pub(super) fn pass(&mut self, seen: &Seen<'_>, proof_max: u64, effects: &mut Vec<Effect>) -> bool {
        let failed_here = self.failed_at_subject(seen);
        let Some(row) = self.end_row(seen) else { return false };
        let remedy = seen.fact.remedy.as_ref();
        if let (Some(identity), Some(true)) = (seen.remedy(), remedy.map(|remedy| remedy.is_momentary())) {
            self.names(seen, identity, of_remedy::ENDED | of_remedy::WORKED);
            self.count_resolved(seen, 0, effects);
        } else if row.uncleared == 0 || failed_here {
            self.joins(seen, RunSets::CLEARED);
            effects.push(self.effect(Happened::Cleared));
        } else {
            if seen.fact.remedy.is_none() {
                self.joins(seen, RunSets::UNNAMED);
            }
            let needed = if row.is_broken(proof_max) { 1 } else { clean_needed(row.taken, proof_max) };
            self.resolve(seen, needed, effects);
            return true;
        }
        self.standings.insert(seen.stream, StreamStanding::Cleared);
        false
    }

    fn count_resolved(&mut self, seen: &Seen<'_>, clean_needed: u64, effects: &mut Vec<Effect>) {
        self.state.counts.resolved_count += 1;
        self.state.last_resolved = Some(FactRef::of(seen.fact));
        effects.push(self.effect(Happened::Resolved { clean_needed, remedy: seen.remedy() }));
    }

    /// Resolved, until enough clean runs are seen (M-82 b, d).
    fn resolve(&mut self, seen: &Seen<'_>, needed: u64, effects: &mut Vec<Effect>) {
        let (run, remedy) = (self.joins(seen, RunSets::default()), seen.remedy());
        if let Some(identity) = remedy {
            self.names(seen, identity, of_remedy::ENDED);
        }
        self.remedy(remedy).into_iter().for_each(|remedy| remedy.pending_count += 1);
        self.count_resolved(seen, needed, effects);
        let unproven = Unproven { clean: Numbers::default(), needed, resolved_at: seen.place, run, remedy };
        self.standings.insert(seen.stream, StreamStanding::Pending(Box::new(unproven)));
        self.resolved.entry(seen.job, BTreeSet::new).insert((seen.place, seen.stream));
    }

    /// M-82 d: a flake is mended. `s` is how many runs of earlier successes are in reach. Whether it is `pending` now.
    pub(super) fn mend(&mut self, seen: &Seen<'_>, s: u64, proof_max: u64, effects: &mut Vec<Effect>) -> bool {
        if self.failed_at_subject(seen) {
            return false;
        }
        let needed = clean_needed((self.failed_runs(seen), s), proof_max);
        self.resolve(seen, needed, effects);
        true
    }

    /// M-82 c, for a key that the fact clears and that is `pending`. Whether it is `held` now.
    pub(super) fn add_clean_run(&mut self, seen: &Seen<'_>, effects: &mut Vec<Effect>) -> bool {
        if self.failed_at_subject(seen) {
            return false;
        }
        let Some(StreamStanding::Pending(unproven)) = self.standings.get_mut(seen.stream) else { return false };
        let is_new = unproven.clean.join(seen.run);
        let (clean_count, clean_needed) = (unproven.clean.len() as u64, unproven.needed);
        let (run, remedy, resolved_at) = (unproven.run, unproven.remedy, unproven.resolved_at);
        if is_new {
            effects.push(self.effect(Happened::CleanRun { clean_count, clean_needed }));
        }
        if clean_count < clean_needed {
            return false;
        }
        self.standings.insert(seen.stream, StreamStanding::Held { resolved_at });
        self.state.counts.held_count += 1;
        if let Some(remedy) = self.remedy(remedy) {
            remedy.pending_count -= 1;
            remedy.join(run, of_remedy::WORKED);
        }
        effects.push(self.effect(Happened::Held { remedy }));
        true
    }

    /// M-87, for a key that is `failing`.
    pub(super) fn give_up(&mut self, seen: &Seen<'_>, effects: &mut Vec<Effect>) {
        self.end_row(seen);
        self.joins(seen, RunSets::GIVEN_UP);
        self.state.counts.given_up_count += 1;
        effects.push(self.effect(Happened::GivenUp));
    }

    /// M-85, as of now; `stream` gives the lane and the job of a number.
    pub(super) fn stand<'s>(
        &mut self,
        proof_max: u64,
        stream: impl FnOnce(u32) -> (Option<&'s Lane>, Option<&'s Job>),
    ) {
        let Some(last) = self.last_stream else { return };
        let mut clean = None;
        let standing = match self.standings.get(last) {
            None => CapsuleStanding::GivenUp,
            Some(StreamStanding::Failing(row)) if row.is_broken(proof_max) => CapsuleStanding::Broken,
            Some(StreamStanding::Failing(row)) if row.uncleared > 0 => CapsuleStanding::Failing,
            Some(StreamStanding::Failing(_) | StreamStanding::Cleared) => CapsuleStanding::Cleared,
            Some(StreamStanding::Pending(unproven)) => {
                clean = Some((unproven.clean.len() as u64, unproven.needed));
                CapsuleStanding::Pending
            }
            Some(StreamStanding::Held { .. }) => CapsuleStanding::Held,
        };
        let row = match self.standings.get(last) {
            Some(StreamStanding::Failing(row)) => Some(row.figures()),
            _ => None,
        };
        let (lane, job) = stream(last);
        self.state.standing = Some(StandingIn { standing, lane: lane.cloned(), job: job.cloned(), clean, row });
    }
}
