//! What the facts of a task line say of its keys: by stream, by subject and by job (M-73 to M-76, M-81, M-82, M-86).

use std::cell::OnceCell;
use std::sync::Arc;

use dome_core::{Gate, Job, Lane, RunId, Sha256Hash, Timestamp};

use super::effect::Effect;
use super::gates::{GateLists, Waiting};
use super::key::{KeyFold, Seen};
use super::numbers::Numbering;
use super::passed::{PassedLast, PassedRuns, Success, SuccessGates};
use super::proof::Reach;
use super::state::CapsuleState;
use super::trials::MOST_RERUNS;
use crate::groups::{hash_of, hash_of_key, hash_of_value};
use crate::ledger::LineFact;
use crate::record::Tested;
use crate::settle::Fact;

/// The keys of a line, and the lists of gates that passing them takes.
#[derive(Debug, Default)]
pub(super) struct LineKeys {
    pub(super) folds: Numbering<KeyFold>,
    gates: GateLists,
}

impl LineKeys {
    /// The key of a fact that mints.
    pub(super) fn of(&mut self, line_fact: &LineFact<'_>) -> u32 {
        let derived = line_fact.fact.keys.derived;
        let hash = hash_of_key(&derived);
        if let Some(known) = self.folds.find(hash, |fold| fold.state.keys.derived == derived) {
            return known;
        }
        let gates = self.gates.number(&line_fact.fact.keys.fingerprint.failed_gates);
        self.folds.add(hash, KeyFold::new(line_fact, gates))
    }

    fn number_of(&self, derived: &Sha256Hash) -> Option<u32> {
        self.folds.find(hash_of_key(derived), |fold| fold.state.keys.derived == *derived)
    }

    pub(super) fn find(&self, derived: &Sha256Hash) -> Option<&CapsuleState> {
        Some(&self.folds[self.number_of(derived)?].state)
    }

    /// One capsule, standing as it does now.
    pub(super) fn stood(
        &mut self,
        derived: &Sha256Hash,
        proof_max: u64,
        executions: &Executions,
    ) -> Option<&CapsuleState> {
        let fold = self.number_of(derived).map(|key| &mut self.folds[key])?;
        fold.stand(proof_max, |stream| executions.stream(stream));
        Some(&fold.state)
    }

    /// All capsules as they stand in the end, by derived key.
    #[expect(clippy::vec_box, reason = "they are boxed as they are folded, and handed on")]
    pub(super) fn finished(mut self, proof_max: u64, executions: &Executions) -> Vec<Box<CapsuleState>> {
        self.folds.values_mut().for_each(|fold| fold.stand(proof_max, |stream| executions.stream(stream)));
        let mut capsules: Vec<Box<CapsuleState>> = self.folds.into_values().map(|fold| fold.state).collect();
        capsules.sort_unstable_by_key(|state| state.keys.derived);
        capsules
    }

    /// Whether a succeeding fact clears a key (M-75).
    fn clears(&self, gates: &[Gate], key: u32) -> bool {
        self.gates.passes(gates, self.folds[key].gates)
    }

    /// Those of these keys that a success with these gates clears.
    fn cleared(&self, keys: &Waiting, gates: &[Gate]) -> Vec<u32> {
        keys.passed(gates, &self.gates)
    }

    fn join(&mut self, keys: &mut Waiting, key: u32) {
        keys.join(key, self.folds[key].gates, &mut self.gates);
    }

    fn remove(&mut self, keys: &mut Waiting, key: u32) {
        keys.remove(key, self.folds[key].gates, &mut self.gates);
    }
}

/// The keys that have a standing in a stream, but for those that are `held`: nothing but a failure of theirs says
/// anything of these.
#[derive(Debug)]
struct StreamFold {
    tested: Arc<Tested>,
    failing: Waiting,
    pending: Waiting,
    cleared: Waiting,
}

/// What was seen at a subject.
#[derive(Debug)]
struct SubjectFold {
    tested: Arc<Tested>,
    /// When the execution before this one was.
    last: Option<Timestamp>,
    /// The episode that goes on, and its reruns so far: what fails ends every other key's (M-86).
    episode: Option<(u32, usize)>,
    /// Keys with failures that no later success has cleared.
    failed: Waiting,
    passed: PassedLast,
}

/// What facts of a line have seen so far.
#[derive(Debug, Default)]
pub(super) struct Executions {
    runs: Numbering<RunId>,
    streams: Numbering<StreamFold>,
    subjects: Numbering<SubjectFold>,
    jobs: Numbering<(Option<Job>, PassedRuns)>,
    success_gates: SuccessGates,
}

impl Executions {
    pub(super) fn see<'f>(&mut self, fact: &'f Fact, place: u32, reach: Reach) -> Seen<'f> {
        let tested = &fact.tested;
        let (lane, job) = (tested.lane.as_ref(), tested.job());
        let is_stream = |known: &StreamFold| known.tested.lane.as_ref() == lane && known.tested.job() == job;
        let stream = self.streams.number(hash_of_value(&(lane, job)), is_stream, || StreamFold {
            tested: Arc::clone(tested),
            failing: Waiting::default(),
            pending: Waiting::default(),
            cleared: Waiting::default(),
        });
        let is_job = |(known, _): &(Option<Job>, PassedRuns)| known.as_ref() == job;
        let new_job = || (job.cloned(), PassedRuns::default());
        let job = self.jobs.number(hash_of_value(&job), is_job, new_job);
        let is_at = |key| move |known: &SubjectFold| known.tested.subject_key() == Some(key);
        let base = tested.base_key().and_then(|key| self.subjects.find(hash_of_value(&key), is_at(key)));
        let subject = tested.subject_key().map(|key| {
            self.subjects.number(hash_of_value(&key), is_at(key), || SubjectFold {
                tested: Arc::clone(tested),
                last: None,
                episode: None,
                failed: Waiting::default(),
                passed: PassedLast::default(),
            })
        });
        let run = &fact.run_id;
        let run = self.runs.number(hash_of(run.as_str()), |known| known == run, || run.clone());
        Seen { fact, place, reach, run, stream, job, subject, base, identity: OnceCell::new() }
    }

    /// The lane and the job of a stream.
    pub(super) fn stream(&self, stream: u32) -> (Option<&Lane>, Option<&Job>) {
        let tested = &self.streams[stream].tested;
        (tested.lane.as_ref(), tested.job())
    }

    /// A failing fact, of `key` where it mints (M-81).
    pub(super) fn fail(&mut self, seen: &Seen<'_>, key: Option<u32>, keys: &mut LineKeys, effects: &mut Vec<Effect>) {
        self.rerun(seen, key, keys, effects);
        let Some(key) = key else { return };
        let intermittent = self.passed_at_subject(seen, key, keys);
        if keys.folds[key].fail(seen, intermittent, effects) {
            let s = self.passed_runs(seen, key, keys);
            keys.folds[key].begin_row(seen, intermittent, s, effects);
            let stream = &mut self.streams[seen.stream];
            keys.join(&mut stream.failing, key);
            keys.remove(&mut stream.pending, key);
            keys.remove(&mut stream.cleared, key);
        }
        if let Some(subject) = seen.subject {
            keys.join(&mut self.subjects[subject].failed, key);
        }
    }

    /// M-86, for an execution that is failing, `key` being what it is a failure of, or succeeding.
    fn rerun(&mut self, seen: &Seen<'_>, key: Option<u32>, keys: &mut LineKeys, effects: &mut Vec<Effect>) {
        let Some(subject) = seen.subject.map(|subject| &mut self.subjects[subject]) else { return };
        let reached = subject.last.replace(seen.reach.now).is_some_and(|last| seen.reach.has(last));
        let episode = subject.episode.take().filter(|_| reached);
        if let Some((of, reruns)) = episode {
            let number = reruns + 1;
            let fails = key == Some(of);
            let passed = seen.fact.is_succeeding() && keys.clears(&seen.fact.gates, of);
            if number <= MOST_RERUNS && (passed || !seen.fact.is_succeeding()) {
                let to = if fails { number } else { MOST_RERUNS };
                keys.folds[of].reran(seen, (number, to), passed, effects);
            }
            if fails {
                subject.episode = Some((of, number));
                return;
            }
        }
        subject.episode = key.map(|key| (key, 0));
    }

    /// Whether an earlier success at the same subject clears the key (M-81 b).
    fn passed_at_subject(&mut self, seen: &Seen<'_>, key: u32, keys: &mut LineKeys) -> bool {
        let Some(subject) = seen.subject else { return false };
        let (passed, gates) = (&mut self.subjects[subject].passed, keys.folds[key].gates);
        passed.has(gates, seen.reach, &mut keys.gates, &self.success_gates)
    }

    /// s of M-77, as of a fact.
    fn passed_runs(&mut self, seen: &Seen<'_>, key: u32, keys: &mut LineKeys) -> u64 {
        let ((_, passed), gates) = (&mut self.jobs[seen.job], keys.folds[key].gates);
        passed.count(gates, seen.reach, &mut keys.gates, &self.success_gates)
    }

    /// A succeeding fact (M-82).
    pub(super) fn succeed(&mut self, seen: &Seen<'_>, keys: &mut LineKeys, proof_max: u64, effects: &mut Vec<Effect>) {
        self.rerun(seen, None, keys, effects);
        let gates = &seen.fact.gates;
        if let Some(subject) = seen.subject {
            let failed = &mut self.subjects[subject].failed;
            for key in keys.cleared(failed, gates) {
                keys.folds[key].clear_failures(seen, effects);
                keys.remove(failed, key);
            }
        }
        let mends = seen.fact.remedy.as_ref().is_some_and(|remedy| !remedy.is_momentary());
        let stream = &mut self.streams[seen.stream];
        let cleared = if mends { keys.cleared(&stream.cleared, gates) } else { Vec::new() };
        for key in keys.cleared(&stream.failing, gates) {
            let pending = keys.folds[key].pass(seen, proof_max, effects);
            keys.remove(&mut stream.failing, key);
            keys.join(if pending { &mut stream.pending } else { &mut stream.cleared }, key);
        }
        self.prove(seen, keys, effects);
        for key in cleared {
            let s = self.passed_runs(seen, key, keys);
            if keys.folds[key].mend(seen, s, proof_max, effects) {
                let held = keys.folds[key].add_clean_run(seen, effects);
                let stream = &mut self.streams[seen.stream];
                keys.remove(&mut stream.cleared, key);
                if !held {
                    keys.join(&mut stream.pending, key);
                }
            }
        }
        self.remember(seen, keys);
    }

    /// M-82 c.
    fn prove(&mut self, seen: &Seen<'_>, keys: &mut LineKeys, effects: &mut Vec<Effect>) {
        let pending = &mut self.streams[seen.stream].pending;
        for key in keys.cleared(pending, &seen.fact.gates) {
            if keys.folds[key].add_clean_run(seen, effects) {
                keys.remove(pending, key);
            }
        }
    }

    /// Later facts may look the success up.
    fn remember(&mut self, seen: &Seen<'_>, keys: &LineKeys) {
        let gates = &seen.fact.gates;
        let is_it = |known: &Arc<[Gate]>| Arc::ptr_eq(known, gates) || known == gates;
        let number = || self.success_gates.number(hash_of_value(&**gates), is_it, || Arc::clone(gates));
        let list = (!gates.is_empty()).then(number);
        let success = Success { gates, list, run: seen.run, reach: seen.reach };
        if let Some(subject) = seen.subject {
            self.subjects[subject].passed.add(success, &keys.gates);
        }
        self.jobs[seen.job].1.add(success, &keys.gates);
    }

    /// Work on the line ended in the fact's stream (M-87).
    pub(super) fn give_up(&mut self, seen: &Seen<'_>, keys: &mut LineKeys, effects: &mut Vec<Effect>) {
        let failing = std::mem::take(&mut self.streams[seen.stream].failing);
        failing.all().into_iter().for_each(|key| keys.folds[key].give_up(seen, effects));
    }
}
