//! What one file says of one instance in one run.

use std::collections::BTreeMap;

use dome_core::{Evidence, Signal, Status};

use super::FORMAT;
use crate::record::Record;
use crate::when::When;

/// How an instance ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Resolved,
    /// With the failure code.
    Failed(&'static str),
    /// The file does not say.
    Open,
}

/// How much a file knows: what knows more is believed, and the rest of it is kept as evidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rank {
    Tests,
    Steps,
    Outcome,
    Log,
}

#[derive(Clone, Debug)]
pub(super) struct Claim {
    /// Which of the files.
    pub(super) file: usize,
    pub(super) place: String,
    pub(super) rank: Rank,
    /// The run that the data names, or that the user names for the file.
    pub(super) run: Option<String>,
    pub(super) instance: String,
    pub(super) verdict: Verdict,
    pub(super) when: When,
    pub(super) gates: Vec<(String, Status)>,
    pub(super) duration_ms: Option<u64>,
    pub(super) tool: Option<(String, String)>,
    pub(super) labels: BTreeMap<String, String>,
    pub(super) evidence: Vec<Evidence>,
}

impl Claim {
    pub(super) fn new(file: usize, place: String, instance: &str, rank: Rank, verdict: Verdict) -> Self {
        Self {
            file,
            place,
            rank,
            run: None,
            instance: instance.to_owned(),
            verdict,
            when: When::Unknown,
            gates: Vec::new(),
            duration_ms: None,
            tool: None,
            labels: BTreeMap::new(),
            evidence: Vec::new(),
        }
    }

    pub(super) fn label(&mut self, name: &str, value: Option<&str>) {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            self.labels.insert(name.to_owned(), value.to_owned());
        }
    }

    /// Takes over what only `other` knows of the same outcome.
    pub(super) fn absorb(&mut self, other: &Self, evidence: Evidence) {
        if self.when == When::Unknown {
            self.when = other.when.clone();
        }
        if self.gates.is_empty() {
            self.gates.clone_from(&other.gates);
        }
        self.duration_ms = self.duration_ms.or(other.duration_ms);
        self.tool = self.tool.take().or_else(|| other.tool.clone());
        for (name, value) in &other.labels {
            self.labels.entry(name.clone()).or_insert_with(|| value.clone());
        }
        if !self.evidence.contains(&evidence) {
            self.evidence.push(evidence);
        }
    }

    pub(super) fn record(&self) -> Record {
        let signal = if self.verdict == Verdict::Resolved { Signal::Success } else { Signal::Failure };
        let mut record = Record::new(&*self.place, signal, ("benchmark_task", &self.instance), "solve");
        if let Verdict::Failed(code) = self.verdict {
            let known = FORMAT.codes.iter().find(|known| known.code == code);
            record.code = known.map(|known| (code.to_owned(), known.class));
        }
        Record {
            event_id: Some(self.instance.clone()),
            run_id: self.run.clone(),
            when: self.when.clone(),
            gates: self.gates.clone(),
            duration_ms: self.duration_ms,
            tool: self.tool.clone(),
            labels: self.labels.clone(),
            evidence: self.evidence.clone(),
            ..record
        }
    }
}
