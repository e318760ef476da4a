//! What is said on stderr: what was left out, how the records were spent, which files did not convert.

use dome_adapters::{Conversion, Counts, FileReport, Finding, FindingCode};

use crate::exit::{Exit, invalid};
use crate::output::{grouped, note};

/// Findings of one kind that are shown before the rest is only counted.
const SHOWN_FINDINGS: usize = 10;

/// How a conversion went.
#[derive(Default)]
pub(super) struct Report {
    problems: Vec<Finding>,
    notes: Vec<Finding>,
    counts: Counts,
    envelopes: u64,
    /// Files that did not convert, or not to their end.
    refused: Vec<String>,
    /// Those that were not even begun.
    unread: usize,
}

impl Report {
    /// One file that was read by itself.
    pub(super) fn file(&mut self, done: FileReport, name: &str) {
        self.problems.extend(done.problems);
        self.notes.extend(done.notes);
        self.counts.add(done.counts);
        self.envelopes += done.envelopes;
        if done.refused {
            self.refused.push(name.to_owned());
        }
    }

    /// All files of a format.
    pub(super) fn whole(&mut self, done: Conversion) {
        self.refused
            .extend(done.problems.iter().filter(|problem| problem.is_of_file()).map(|problem| problem.input.clone()));
        self.problems.extend(done.problems);
        self.notes.extend(done.notes);
        self.counts.add(done.counts);
        self.envelopes += done.envelopes.len() as u64;
    }

    /// A file that no format takes.
    pub(super) fn refused(&mut self, problem: Finding) {
        self.refused.push(problem.input.clone());
        self.problems.push(problem);
        self.unread += 1;
    }

    /// A file whose bytes cannot be had.
    pub(super) fn unreadable(&mut self, name: &str, error: &anyhow::Error) {
        let message = format!("it cannot be read: {error:#}");
        self.refused(Finding::of_file(FindingCode::ReadFailed, name, message, ""));
    }

    /// Whether nothing converted, although something was there.
    pub(super) fn is_in_vain(&self) -> bool {
        self.envelopes == 0 && !(self.problems.is_empty() && self.refused.is_empty())
    }

    /// Says it all. A file that did not convert is invalid input, whatever became of the others; a
    /// record that was left out is a finding.
    pub(super) fn end(mut self, files: usize) -> anyhow::Result<Exit> {
        show("left out", &self.problems);
        show("note", &self.notes);
        note(&format!(
            "dome: {} records: {} envelopes, {} repeated, {} left out",
            grouped(self.counts.records),
            grouped(self.envelopes),
            grouped(self.counts.repeated),
            grouped(self.counts.left_out),
        ));
        self.refused.sort();
        self.refused.dedup();
        if !self.refused.is_empty() {
            let names: Vec<_> = self.refused.iter().map(|name| format!("\n  {name}")).collect();
            let all = files + self.unread;
            return Err(invalid(format!("{} of {all} files did not convert:{}", self.refused.len(), names.concat())));
        }
        match (self.envelopes, self.problems.is_empty()) {
            (_, true) => Ok(Exit::Done),
            (0, false) => Err(invalid("nothing in the input could be converted")),
            (_, false) => Ok(Exit::Findings),
        }
    }
}

fn show(what: &str, findings: &[Finding]) {
    for finding in findings.iter().take(SHOWN_FINDINGS) {
        note(&format!("dome: {what}: {finding}"));
    }
    if let Some(more) = findings.len().checked_sub(SHOWN_FINDINGS).filter(|more| *more > 0) {
        note(&format!("dome: {what}: and {} more", grouped(more as u64)));
    }
}
