//! What a replay says at its end.

use std::collections::BTreeMap;

use dome_core::redact::RedactionCounts;
use serde::Serialize;

use crate::artifacts::{Manifest, Rejected, Told};
use crate::failing::{self, Clock, Failing};
use crate::output::{Output, grouped};

/// Codes of problems that it names.
const SHOWN_CODES: usize = 3;

/// The summary, its members in canonical order.
#[derive(Serialize)]
pub(super) struct Summary {
    blank: u64,
    capsules: u64,
    capsules_by_verdict: BTreeMap<&'static str, u64>,
    concepts: u64,
    duplicates: u64,
    facts: u64,
    format_version: &'static str,
    keeps_failing: Vec<Failing>,
    lines: u64,
    out: String,
    quarantined: u64,
    quarantined_codes: Vec<(&'static str, u64)>,
    #[serde(skip_serializing_if = "Option::is_none")]
    redacted: Option<RedactionCounts>,
    runs: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    slowest_step: Option<(&'static str, u64)>,
    snapshot_digest: String,
    unchanged: bool,
}

impl Summary {
    pub(super) fn of(
        told: &Told<'_>,
        manifest: &Manifest,
        unchanged: bool,
        slowest_step: Option<(&'static str, u64)>,
    ) -> Self {
        let Told { totals, .. } = told;
        let clock = Clock { as_of: totals.as_of, window_s: told.rules.policy.contradiction_window_s };
        Self {
            blank: told.counts.blank,
            capsules: totals.capsules,
            capsules_by_verdict: told.verdicts.counts(),
            concepts: totals.concepts,
            duplicates: totals.runs.duplicates,
            facts: totals.facts,
            format_version: "1",
            keeps_failing: told.verdicts.keeps_failing(clock),
            lines: told.counts.lines,
            out: told.args.out.display().to_string(),
            quarantined: told.rejected.lines,
            quarantined_codes: commonest_codes(&told.rejected),
            redacted: told.redacted.as_ref().map(|redacted| redacted.counts.clone()),
            runs: totals.runs.runs,
            slowest_step,
            snapshot_digest: manifest.snapshot_digest.to_string(),
            unchanged,
        }
    }

    pub(super) fn print(&self, output: &mut Output) -> anyhow::Result<()> {
        if output.is_json() {
            return output.object(self);
        }
        let count = |name: &str, number: u64, more: &str| format!("{name:<12}{:>11}  {more}", grouped(number));
        let verdicts = ["prescriptive", "advisory", "blocked"]
            .map(|verdict| format!("{} {verdict}", self.capsules_by_verdict.get(verdict).copied().unwrap_or(0)));
        let codes: Vec<_> = self.quarantined_codes.iter().map(|(code, count)| format!("{code} {count}")).collect();
        let masks = self.redacted.as_ref().map(|masks| {
            let rules: Vec<_> = masks.iter().map(|(rule, masks)| format!("{rule} {masks}")).collect();
            count("masked", masks.total(), &rules.join(", "))
        });
        let rows = [
            count("lines", self.lines, &format!("{} blank", grouped(self.blank))),
            count("facts", self.facts, &format!("in {} runs", grouped(self.runs))),
            count("duplicates", self.duplicates, ""),
            count("quarantined", self.quarantined, &codes.join(", ")),
            count("capsules", self.capsules, &verdicts.join(", ")),
            count("concepts", self.concepts, ""),
        ];
        for row in rows.into_iter().chain(masks) {
            output.line(row.trim_end())?;
        }
        failing::print(&self.keeps_failing, output)?;
        if let Some((step, share)) = self.slowest_step {
            output.line(&format!("\nslowest step: {step}, {share} % of the time"))?;
        }
        let state = if self.unchanged { " (the same result stood there already)" } else { "" };
        output.line(&format!("result: {}{state}\nsnapshot: {}", self.out, self.snapshot_digest))
    }
}

/// The commonest codes of quarantined lines: how many lines have each.
fn commonest_codes(rejected: &Rejected) -> Vec<(&'static str, u64)> {
    let mut lines: Vec<_> = rejected.codes.iter().map(|(code, count)| (*code, *count)).collect();
    lines.sort_by_key(|(code, count)| (std::cmp::Reverse(*count), *code));
    lines.truncate(SHOWN_CODES);
    lines
}
