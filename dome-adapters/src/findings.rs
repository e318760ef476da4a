//! Findings of one file, of which there may be as many as lines.

use std::collections::BTreeMap;

use crate::converter::FileReport;
use crate::finding::{Finding, FindingCode};

/// The first findings of each code, and how many there were.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    kept: Vec<Finding>,
    counts: BTreeMap<FindingCode, usize>,
}

impl Findings {
    pub(crate) fn add(&mut self, finding: Finding) {
        let count = self.counts.entry(finding.code).or_default();
        *count += 1;
        if *count <= most(finding.code) {
            self.kept.push(finding);
        }
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    /// What was kept; the last one of a code says how many more there were.
    pub(crate) fn end(mut self) -> Vec<Finding> {
        for (code, count) in &self.counts {
            let more = count.saturating_sub(most(*code));
            let last = self.kept.iter_mut().rev().find(|finding| finding.code == *code);
            if let Some(last) = last.filter(|_| more > 0) {
                last.message.push_str(&format!(" (and {more} more)"));
            }
        }
        self.kept
    }
}

/// What all records of a file lack is said once.
const fn most(code: FindingCode) -> usize {
    match code {
        FindingCode::RunMissing | FindingCode::TimeMissing | FindingCode::TimeReplaced => 1,
        _ => FileReport::FINDINGS,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::At;

    #[test]
    fn findings_of_one_kind_are_kept_up_to_a_limit_and_counted() {
        let mut findings = Findings::default();
        let at = At { input: "f", place: "" };
        for _ in 0..150 {
            findings.add(at.found(FindingCode::JsonInvalid, "x", ""));
            findings.add(at.found(FindingCode::RunMissing, "y", ""));
        }
        let kept = findings.end();
        let ends: Vec<_> =
            kept.iter().filter(|found| found.message.len() > 1).map(|found| found.message.as_str()).collect();
        assert_eq!((kept.len(), ends), (101, vec!["y (and 149 more)", "x (and 50 more)"]));
    }
}
