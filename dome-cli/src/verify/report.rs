//! What `dome verify` says.

use std::collections::BTreeSet;
use std::path::Path;

use serde::Serialize;

use super::files::Checked;
use super::findings::{Difference, Findings};
use crate::output::{Output, grouped};

/// How a verification ended, its members in canonical order.
#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
pub(crate) struct Verification {
    /// How many differences there are.
    pub(crate) difference_count: u64,
    /// The first of them.
    pub(crate) differences: Vec<Difference>,
    /// Files whose bytes are not those that the manifest names: where to look first.
    pub(crate) edited: BTreeSet<String>,
    /// Facts that everything was computed from; absent when some fact could not be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) facts: Option<u64>,
    /// The version of this document.
    pub(crate) format_version: &'static str,
    /// The directory, as it was given.
    pub(crate) result: String,
    /// Lines that were compared.
    pub(crate) rows: u64,
    /// Whether nothing differs.
    pub(crate) verified: bool,
}

impl Verification {
    pub(super) fn of(dir: &Path, checked: Checked, findings: Findings) -> Self {
        Self {
            difference_count: findings.count,
            differences: findings.first,
            edited: checked.edited,
            facts: checked.facts,
            format_version: "1",
            result: dir.display().to_string(),
            rows: checked.rows,
            verified: findings.count == 0,
        }
    }

    pub(super) fn print(&self, output: &mut Output) -> anyhow::Result<()> {
        if output.is_json() {
            return output.object(self);
        }
        for difference in &self.differences {
            output.line(&difference.shown())?;
        }
        let (facts, rows) = (self.facts.map(grouped), grouped(self.rows));
        match (self.verified, facts) {
            (true, facts) => {
                let facts = facts.unwrap_or_default();
                return output.line(&format!("{}: {rows} rows are what {facts} facts come to", self.result));
            }
            (false, None) => output.line("what follows from the facts was not compared: some cannot be read")?,
            (false, Some(_)) => {}
        }
        let more = self.difference_count - self.differences.len() as u64;
        if more > 0 {
            output.line(&format!("... and {} more", grouped(more)))?;
        }
        let edited: Vec<&str> = self.edited.iter().map(String::as_str).collect();
        let why = if edited.is_empty() {
            "every file is the one that the manifest names: other rules or another build computed it".to_owned()
        } else {
            format!("not the files that the manifest names: {}", edited.join(", "))
        };
        output.line(&format!("{}: {} differences; {why}", self.result, grouped(self.difference_count)))
    }
}

impl Difference {
    fn shown(&self) -> String {
        let line = self.line.map(|line| format!(":{line}")).unwrap_or_default();
        let place = format!("{}{line} {}", self.path, self.member);
        format!("{}\n    expected {}\n    found    {}", place.trim_end(), self.expected, self.found)
    }
}
