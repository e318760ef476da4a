//! Which run a trial belongs to: the trial's name says it, and the metadata of that run says more.

use std::collections::{BTreeMap, BTreeSet};

use super::files::File;
use super::raw::Metadata;
use crate::convert::{Conversion, Options};
use crate::finding::{At, Finding, FindingCode, quote};

/// The metadata of a run and the file that it stands in.
#[derive(Clone, Copy, Debug)]
pub(super) struct Described<'f> {
    pub(super) file: &'f File<'f>,
    pub(super) metadata: &'f Metadata,
}

/// What the inputs say about runs.
#[derive(Debug, Default)]
pub(super) struct Runs<'f> {
    described: BTreeMap<&'f str, Vec<Described<'f>>>,
    used: BTreeSet<&'f str>,
    /// Trials of runs that cannot be told, by file and run.
    lost: BTreeMap<(&'f str, &'f str), u64>,
    /// The same, where the user named the run.
    named: BTreeMap<(&'f str, &'f str), u64>,
}

impl<'f> Runs<'f> {
    /// Metadata of one run that says the same twice is taken once.
    pub(super) fn of(files: &'f [File<'f>]) -> Self {
        let mut runs = Self::default();
        for file in files {
            let Some(metadata) = &file.metadata else { continue };
            let known = runs.described.entry(metadata.run_id.as_str()).or_default();
            if known.iter().all(|other| other.metadata != metadata) {
                known.push(Described { file, metadata });
            }
        }
        runs
    }

    /// The run that the harness calls `run`: its id here, and its metadata where there is some.
    /// `None` when nothing describes it, or two files do so differently.
    pub(super) fn find(
        &mut self,
        run: &'f str,
        file: &'f File<'f>,
        options: &'f Options,
    ) -> Option<(&'f str, Option<Described<'f>>)> {
        self.used.insert(run);
        match (self.described.get(run).map(Vec::as_slice), &options.run_id) {
            (Some([one]), _) => return Some((one.metadata.run_id.as_str(), Some(*one))),
            (None, Some(named)) => {
                *self.named.entry((file.name, run)).or_default() += 1;
                return Some((named.as_str(), None));
            }
            _ => *self.lost.entry((file.name, run)).or_default() += 1,
        }
        None
    }

    /// Says which runs could not be told, and which were not asked for.
    pub(super) fn report(&self, done: &mut Conversion) {
        for ((input, run), trials) in &self.lost {
            done.problems.push(self.lost(At { input, place: "" }, run, *trials));
        }
        for ((input, run), trials) in &self.named {
            let run = quote(run);
            let message = format!("no input describes run {run}; trials without agent, dataset and commit: {trials}");
            done.notes.push(At { input, place: "" }.found(FindingCode::MetadataReplaced, message, ""));
        }
        for (run, described) in &self.described {
            let unused = described.iter().filter(|_| !self.used.contains(run));
            done.notes.extend(unused.map(|one| {
                let message = format!("no trial of run {} among the inputs", quote(run));
                one.file.at("").found(FindingCode::MetadataUnused, message, "")
            }));
        }
    }

    fn lost(&self, at: At<'_>, run: &str, trials: u64) -> Finding {
        let files: Vec<_> =
            self.described.get(run).into_iter().flatten().map(|described| quote(described.file.name)).collect();
        if files.is_empty() {
            let message = format!("no input describes run {}; trials left out: {trials}", quote(run));
            let expected = format!(
                "its `run_metadata.json` among the inputs, or `--run-id {run}` to do without agent, dataset and commit"
            );
            at.found(FindingCode::MetadataMissing, message, expected)
        } else {
            let (files, run) = (files.join(" and "), quote(run));
            let message = format!("{files} describe run {run} differently; trials left out: {trials}");
            at.found(FindingCode::MetadataAmbiguous, message, "one description of a run")
        }
    }
}
