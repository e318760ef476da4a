//! Gathering trials: each once, with its run.

use std::collections::BTreeMap;

use super::files::{File, Located};
use super::raw::{Kind, RawTrial};
use super::runs::{Described, Runs};
use crate::convert::{Conversion, Options};
use crate::finding::{At, FindingCode, quote};

/// A trial whose run is known.
#[derive(Clone, Copy, Debug)]
pub(super) struct Trial<'f> {
    pub(super) file: &'f File<'f>,
    pub(super) place: &'f str,
    pub(super) raw: &'f RawTrial,
    /// Such as `2-of-5`.
    pub(super) attempt: &'f str,
    /// The run's id, without the attempt.
    pub(super) run: &'f str,
    pub(super) described: Option<Described<'f>>,
}

impl<'f> Trial<'f> {
    pub(super) fn at(&self) -> At<'f> {
        At { input: self.file.name, place: self.place }
    }

    /// An attempt at all tasks is a run of its own: the same task is tried once in it.
    pub(super) fn run_id(&self) -> String {
        format!("{}/{}", self.run, self.attempt)
    }
}

/// The trials of all files, in the order of the files; every one left out is reported.
pub(super) fn gather<'f>(files: &'f [File<'f>], options: &'f Options, done: &mut Conversion) -> Vec<Trial<'f>> {
    let mut runs = Runs::of(files);
    let mut seen = Seen::default();
    let mut trials = Vec::new();
    for file in files {
        let before = done.counts.repeated;
        trials.extend(file.trials.iter().filter_map(|located| {
            let trial = place(file, located, &mut runs, options, done)?;
            seen.first(trial, done).then_some(trial)
        }));
        let repeated = done.counts.repeated - before;
        if repeated > 0 && file.kind == Kind::Results {
            let message = format!("trials that another input has too and that are taken once: {repeated}");
            done.notes.push(file.at("").found(FindingCode::RecordRepeated, message, ""));
        }
    }
    runs.report(done);
    trials
}

fn place<'f>(
    file: &'f File<'f>,
    located: &'f Located,
    runs: &mut Runs<'f>,
    options: &'f Options,
    done: &mut Conversion,
) -> Option<Trial<'f>> {
    let Located { place, trial: raw } = located;
    let found = match raw.attempt_and_run() {
        Some((attempt, run)) => runs.find(run, file, options).map(|(run, described)| (attempt, run, described)),
        None => {
            let message = format!("`trial_name` {} says neither attempt nor run", quote(&raw.trial_name));
            let expected = format!("`{}.K-of-N.RUN`", raw.task_id);
            done.problems.push(file.at(place).found(FindingCode::RecordMalformed, message, expected));
            None
        }
    };
    if found.is_none() {
        done.counts.left_out += 1;
    }
    let (attempt, run, described) = found?;
    Some(Trial { file, place, raw, attempt, run, described })
}

/// The trials taken so far: by name, and by what tells events of a run apart.
#[derive(Default)]
struct Seen<'f> {
    names: BTreeMap<&'f str, Trial<'f>>,
    events: BTreeMap<(&'f str, &'f str, &'f str), Trial<'f>>,
}

impl<'f> Seen<'f> {
    /// Whether the trial is new; else it is counted as repeated, or reported where it differs.
    fn first(&mut self, trial: Trial<'f>, done: &mut Conversion) -> bool {
        let event = (trial.run, trial.attempt, trial.raw.event_id());
        let earlier = self.names.get(trial.raw.trial_name.as_str()).or_else(|| self.events.get(&event));
        match earlier {
            None => {
                self.names.insert(&trial.raw.trial_name, trial);
                self.events.insert(event, trial);
                return true;
            }
            Some(earlier) if earlier.raw == trial.raw => done.counts.repeated += 1,
            Some(earlier) => {
                let message = format!(
                    "trial {} says something else than the one at {}, which is taken",
                    quote(&trial.raw.trial_name),
                    quote(earlier.at().to_string().as_str())
                );
                done.counts.left_out += 1;
                done.problems.push(trial.at().found(FindingCode::RecordConflict, message, "each trial once"));
            }
        }
        false
    }
}
