//! What is said on stderr: what was left out, how the records were spent, which files did not convert.

use dome_adapters::{Conversion, FileReport, Finding, FindingCode, RecordCounts};
use dome_core::canonical;
use schemars::JsonSchema;
use serde::Serialize;

use crate::exit::{Exit, invalid};
use crate::output::{grouped, note};
use dome_core::escaped;

/// Findings of one kind that are shown before the rest is only counted.
const SHOWN_FINDINGS: usize = 10;

/// A line of `--findings FILE`, its members in canonical order.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ConvertFinding")]
pub(crate) struct Found<'f> {
    /// What kind of finding it is; docs/formats lists the codes.
    code: &'static str,
    /// What would have been right; empty where the message says it all.
    expected: &'f str,
    /// The input's name.
    input: &'f str,
    kind: Kind,
    /// What is wrong.
    message: &'f str,
    /// Where in the input: a JSON Pointer, a line or a byte; empty for the whole of it.
    place: &'f str,
}

/// What a finding means for the exit code.
#[derive(Clone, Copy, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Kind {
    /// Something was left out.
    Problem,
    /// It is mentioned, and changes nothing.
    Note,
}

/// How a conversion went.
#[derive(Default)]
pub(super) struct Report {
    problems: Vec<Finding>,
    notes: Vec<Finding>,
    counts: RecordCounts,
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

    /// All findings as JSON Lines: problems, then notes.
    pub(super) fn every_finding(&self) -> anyhow::Result<Vec<u8>> {
        let problems = self.problems.iter().map(|found| (Kind::Problem, found));
        let mut lines = Vec::new();
        for (kind, Finding { code, input, place, message, expected, .. }) in
            problems.chain(self.notes.iter().map(|found| (Kind::Note, found)))
        {
            let code = code.as_str();
            lines.extend(canonical::to_vec(&Found { code, expected, input, kind, message, place })?);
            lines.push(b'\n');
        }
        Ok(lines)
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
            let names: Vec<_> = self.refused.iter().map(|name| format!("\n  {}", escaped(name))).collect();
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
        note(&format!("dome: {what}: {}", escaped(&finding.to_string())));
    }
    if let Some(more) = findings.len().checked_sub(SHOWN_FINDINGS).filter(|more| *more > 0) {
        note(&format!("dome: {what}: and {} more (`--findings FILE` has all)", grouped(more as u64)));
    }
}
