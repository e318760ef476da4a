//! From a trial to its envelope.

use std::collections::BTreeMap;

use dome_core::{Evidence, EvidencePath, Reader, Rejection, Scope, Signal, Timestamp, WrapperPolicy};

use super::outcome::Outcome;
use super::raw::Metadata;
use super::trials::Trial;
use super::when;
use crate::commit::Commit;
use crate::convert::{Conversion, Options};
use crate::draft::{ActionDraft, Draft, RemedyDraft, SpecDraft, TargetDraft, ToolDraft, by_path};
use crate::finding::{Finding, FindingCode};

/// A trial with all that its envelope needs but the sequence.
struct Ready<'f> {
    trial: Trial<'f>,
    run_id: String,
    ts: Timestamp,
    outcome: Outcome<'f>,
    duration_ms: Option<u64>,
    evidence: Vec<Evidence>,
}

/// Writes the envelopes, by run and sequence: inside a run by time, then task, then event.
pub(super) fn write(trials: &[Trial<'_>], options: &Options, done: &mut Conversion) {
    let mut ready: Vec<Ready<'_>> = trials.iter().filter_map(|trial| prepare(*trial, options, done)).collect();
    ready.sort_by(|a, b| a.order().cmp(&b.order()));
    let mut reader = Reader::new();
    for run in ready.chunk_by(|a, b| a.run_id == b.run_id) {
        let mut sequence = 1;
        for ready in run {
            match ready.draft(sequence, options).admit(&mut reader) {
                Ok(envelope) => {
                    sequence += 1;
                    done.envelopes.push(envelope);
                }
                Err(rejection) => left_out(rejected(&ready.trial, &rejection), done),
            }
        }
    }
}

fn prepare<'f>(trial: Trial<'f>, options: &Options, done: &mut Conversion) -> Option<Ready<'f>> {
    let said = when::ts(&trial, options).and_then(|ts| Ok((ts, Outcome::of(&trial, done)?)));
    match said {
        Ok((ts, outcome)) => {
            let duration = when::duration_ms(&trial).map_err(|note| done.notes.push(note));
            let (run_id, evidence) = (trial.run_id(), evidence(&trial, done));
            Some(Ready { trial, run_id, ts, outcome, duration_ms: duration.unwrap_or_default(), evidence })
        }
        Err(problem) => {
            left_out(problem, done);
            None
        }
    }
}

fn left_out(problem: Finding, done: &mut Conversion) {
    done.counts.left_out += 1;
    done.problems.push(problem);
}

fn rejected(trial: &Trial<'_>, rejection: &Rejection) -> Finding {
    trial.at().found(FindingCode::EnvelopeInvalid, format!("it makes no valid envelope: {rejection}"), "")
}

/// The file that the trial stands in, the one that describes its run, and its recording.
fn evidence(trial: &Trial<'_>, done: &mut Conversion) -> Vec<Evidence> {
    let mut evidence = vec![trial.file.proof.evidence()];
    evidence.extend(trial.described.map(|run| run.file.proof.evidence()));
    match trial.raw.recording_path.as_deref().map(EvidencePath::new) {
        Some(Ok(path)) => evidence.push(by_path(path)),
        Some(Err(error)) => {
            let message = format!("`recording_path` is left out of the evidence: {error}");
            done.notes.push(trial.at().found(FindingCode::PathLeftOut, message, ""));
        }
        None => {}
    }
    evidence
}

impl<'f> Ready<'f> {
    fn order(&self) -> (&str, Timestamp, &str, &str) {
        (&self.run_id, self.ts, &self.trial.raw.task_id, self.trial.raw.event_id())
    }

    fn metadata(&self) -> Option<&'f Metadata> {
        self.trial.described.map(|run| run.metadata)
    }

    fn draft<'d>(&'d self, sequence: u64, options: &'d Options) -> Draft<'d> {
        let raw = self.trial.raw;
        Draft {
            envelope_version: "1",
            event_id: raw.event_id(),
            sequence,
            run_id: &self.run_id,
            task_id: &raw.task_id,
            group_id: &raw.trial_name,
            lane: options.lane.as_ref().map(dome_core::Lane::as_str),
            ts: self.ts,
            signal: self.outcome.signal,
            wrapper_policy: WrapperPolicy::Strict,
            task_spec: self.task_spec(),
            gates: self.outcome.tests.gates.clone(),
            message: self.outcome.tests.message.as_deref(),
            guard_evals: Vec::new(),
            policy_reason_code: None,
            env: BTreeMap::new(),
            attempts: None,
            tool: self.metadata().and_then(tool),
            duration_ms: self.duration_ms,
            remedy: self.remedy(options),
            evidence: self.evidence.clone(),
            labels: self.labels(),
        }
    }

    fn task_spec(&self) -> SpecDraft<'_> {
        SpecDraft {
            scope: Scope::Task,
            target: TargetDraft { kind: "benchmark_task", id: &self.trial.raw.task_id },
            action: ActionDraft { kind: "solve" },
            failure_reason_code: &self.outcome.code,
            versions: self.metadata().map(versions).unwrap_or_default(),
        }
    }

    /// On a success, the commit that was tried: the user's, else the run's.
    fn remedy(&self, options: &Options) -> Option<RemedyDraft> {
        let of_run = || self.metadata()?.commit_hash.as_deref()?.parse::<Commit>().ok();
        let commit = options.commit.clone().or_else(of_run)?;
        (self.outcome.signal == Signal::Success).then(|| RemedyDraft::commit(&commit))
    }

    fn labels(&self) -> BTreeMap<&str, &str> {
        let metadata = self.metadata();
        let said = [
            ("attempt", Some(self.trial.attempt)),
            ("commit", metadata.and_then(|run| run.commit_hash.as_deref())),
            ("failure_mode", self.trial.raw.failure_mode.as_deref()),
            ("model", metadata.and_then(|run| run.model_name.as_deref())),
            ("run_uuid", metadata.and_then(|run| run.uuid.as_deref())),
        ];
        said.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
    }
}

/// The agent. Its version is the commit that the harness ran at, the only one that a run names;
/// `unknown` is the harness's own word where it found none.
fn tool(metadata: &Metadata) -> Option<ToolDraft<'_>> {
    let version = metadata.commit_hash.as_deref().unwrap_or("unknown");
    metadata.agent_name.as_deref().map(|name| ToolDraft { name, version })
}

/// The dataset's version under the dataset's name.
fn versions(metadata: &Metadata) -> BTreeMap<&str, &str> {
    let name = metadata.dataset_name.as_deref().unwrap_or("dataset");
    metadata.dataset_version.iter().map(|version| (name, version.as_str())).collect()
}
