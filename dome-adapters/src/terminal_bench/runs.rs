//! Which run a trial belongs to: the trial's name says it, and the metadata of that run says more.

use std::collections::{BTreeMap, BTreeSet};

use super::files::File;
use super::raw::Metadata;
use crate::convert::{Conversion, Options};
use crate::finding::{FindingCode, quote};

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
        for ((file, run), trials) in &self.lost {
            let at = crate::finding::At { input: file, place: "" };
            let told = self.described.get(run).map(Vec::as_slice).unwrap_or_default();
            done.problems.push(if told.is_empty() {
                let message = format!("no input describes run {}, so {trials} trials are left out", quote(run));
                let expected =
                    format!("its `run_metadata.json` among the inputs, or `--run-id {run}` to do without agent, dataset and commit");
                at.found(FindingCode::MetadataMissing, message, expected)
            } else {
                let names: Vec<_> = told.iter().map(|described| quote(described.file.name)).collect();
                let message = format!(
                    "{} describe run {} differently, so {trials} trials are left out",
                    names.join(" and "),
                    quote(run)
                );
                at.found(FindingCode::MetadataAmbiguous, message, "one description of a run")
            });
        }
        for ((file, run), trials) in &self.named {
            let message = format!(
                "{trials} trials of run {} have no agent, dataset and commit: no input describes the run",
                quote(run)
            );
            let at = crate::finding::At { input: file, place: "" };
            done.notes.push(at.found(FindingCode::MetadataReplaced, message, ""));
        }
        let unused = self.described.iter().filter(|(run, _)| !self.used.contains(*run));
        for (run, described) in unused.flat_map(|(run, all)| all.iter().map(move |one| (run, one))) {
            let message = format!("no trial of run {} among the inputs", quote(run));
            done.notes.push(described.file.at("").found(FindingCode::MetadataUnused, message, ""));
        }
    }
}
