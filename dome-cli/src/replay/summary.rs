//! What a replay says at its end.

use std::collections::BTreeMap;

use dome_binder::{Capsule, RemedyRecord, Verdict};
use dome_core::redact::RedactionCounts;
use serde::Serialize;

use crate::artifacts::{Artifacts, Manifest};
use crate::output::{Output, grouped};

/// Failures that the summary names.
const SHOWN_FAILURES: usize = 5;
/// Codes of problems that it names.
const SHOWN_CODES: usize = 3;

/// The summary, its members in canonical order.
#[derive(Serialize)]
pub(super) struct Summary<'r> {
    blank: u64,
    capsules: u64,
    capsules_by_verdict: BTreeMap<&'static str, u64>,
    concepts: u64,
    duplicates: u64,
    facts: u64,
    format_version: &'static str,
    keeps_failing: Vec<Failing<'r>>,
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

/// One failure that keeps coming back.
#[derive(Serialize)]
struct Failing<'r> {
    contradiction_count: u64,
    derived_key: String,
    failure_count: u64,
    failure_reason_code: &'r str,
    recurrence_count: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    remedy: Option<&'r RemedyRecord>,
    resolved_count: u64,
    target_id: &'r str,
    verdict: Verdict,
}

impl<'r> Failing<'r> {
    fn of(capsule: &'r Capsule) -> Self {
        Self {
            contradiction_count: capsule.contradiction_count,
            derived_key: capsule.derived_key.to_string(),
            failure_count: capsule.failure_count,
            failure_reason_code: capsule.failure_reason_code.as_str(),
            recurrence_count: capsule.recurrence_count,
            remedy: capsule.remedies.first(),
            resolved_count: capsule.resolved_count,
            target_id: capsule.target_id.as_str(),
            verdict: capsule.verdict,
        }
    }

    /// What became of it: resolved, contradicted soon after, or back later.
    fn history(&self) -> String {
        if self.resolved_count == 0 {
            return "never resolved".to_owned();
        }
        let again = [(self.contradiction_count, "failed again soon"), (self.recurrence_count, "came back later")];
        let again: Vec<_> =
            again.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{what} {count} x")).collect();
        let after = if again.is_empty() { "held".to_owned() } else { again.join(", ") };
        format!("resolved {} x, {after}", self.resolved_count)
    }

    /// Two lines: what fails and how often, and what became of it.
    fn rows(&self) -> [String; 2] {
        let times = format!("{} x", self.failure_count);
        let key = self.derived_key.get(..12).unwrap_or_default();
        let (code, target, verdict) = (self.failure_reason_code, self.target_id, word(self.verdict));
        let fix = self.remedy.map(best_fix).unwrap_or_default();
        [format!("  {times:>6}  {code} on {target}  [{verdict}] {key}"), format!("          {}{fix}", self.history())]
    }
}

/// What resolved it best, and whether that held.
fn best_fix(best: &RemedyRecord) -> String {
    let summary = best.remedy.summary.as_ref().map(ToString::to_string);
    let reference = best.remedy.reference.as_ref().map(ToString::to_string);
    let named = summary.or(reference).unwrap_or_else(|| best.remedy.kind.to_string());
    let what = shortened(&named);
    match best.contradicted_count {
        0 => format!("; best fix: {what} ({} x, held)", best.count),
        failed => format!("; best fix: {what} ({} x, failed {failed} x)", best.count),
    }
}

/// A reference that ends in a long hash, with the first 12 digits of it.
fn shortened(reference: &str) -> &str {
    let digits = reference.bytes().rev().take_while(u8::is_ascii_hexdigit).count();
    let kept = reference.len() - digits.saturating_sub(12);
    if digits > 12 { reference.get(..kept).unwrap_or(reference) } else { reference }
}

const fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Prescriptive => "prescriptive",
        Verdict::Advisory => "advisory",
        Verdict::Blocked => "blocked",
    }
}

impl<'r> Summary<'r> {
    pub(super) fn of(
        artifacts: &Artifacts<'r>,
        manifest: &Manifest,
        unchanged: bool,
        slowest_step: Option<(&'static str, u64)>,
    ) -> Self {
        let capsules = &artifacts.result.derived.capsules;
        let mut by_verdict = BTreeMap::from([("prescriptive", 0), ("advisory", 0), ("blocked", 0)]);
        for capsule in capsules {
            *by_verdict.entry(word(capsule.verdict)).or_default() += 1;
        }
        Self {
            blank: artifacts.counts.blank,
            capsules: capsules.len() as u64,
            capsules_by_verdict: by_verdict,
            concepts: artifacts.result.derived.concepts.len() as u64,
            duplicates: artifacts.result.ledger.counts.duplicates,
            facts: artifacts.result.ledger.facts.len() as u64,
            format_version: "1",
            keeps_failing: keeps_failing(capsules),
            lines: artifacts.counts.lines,
            out: artifacts.args.out.display().to_string(),
            quarantined: artifacts.quarantine.len() as u64,
            quarantined_codes: commonest_codes(artifacts),
            redacted: artifacts.redacted.as_ref().map(|redacted| redacted.counts.clone()),
            runs: artifacts.result.ledger.counts.runs,
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
        self.print_failing(output)?;
        if let Some((step, share)) = self.slowest_step {
            output.line(&format!("\nslowest step: {step}, {share} % of the time"))?;
        }
        let state = if self.unchanged { " (the same result stood there already)" } else { "" };
        output.line(&format!("result: {}{state}\nsnapshot: {}", self.out, self.snapshot_digest))
    }

    fn print_failing(&self, output: &mut Output) -> anyhow::Result<()> {
        if self.keeps_failing.is_empty() {
            return Ok(());
        }
        output.line("\nwhat keeps failing:")?;
        for row in self.keeps_failing.iter().flat_map(Failing::rows) {
            output.line(&row)?;
        }
        Ok(())
    }
}

/// The failures with the most failing facts, then the latest, then by key.
fn keeps_failing(capsules: &[Capsule]) -> Vec<Failing<'_>> {
    let mut failing: Vec<&Capsule> = capsules.iter().filter(|capsule| capsule.failure_count > 1).collect();
    failing
        .sort_by_key(|capsule| (std::cmp::Reverse((capsule.failure_count, capsule.last_seen_ts)), capsule.derived_key));
    failing.into_iter().take(SHOWN_FAILURES).map(Failing::of).collect()
}

/// The commonest codes of quarantined lines: how many lines have each.
fn commonest_codes(artifacts: &Artifacts<'_>) -> Vec<(&'static str, u64)> {
    let mut lines: BTreeMap<&'static str, u64> = BTreeMap::new();
    for row in artifacts.quarantine {
        let mut codes: Vec<_> = row.problems.iter().map(|problem| problem.code.as_str()).collect();
        codes.sort_unstable();
        codes.dedup();
        for code in codes {
            *lines.entry(code).or_default() += 1;
        }
    }
    let mut lines: Vec<_> = lines.into_iter().collect();
    lines.sort_by_key(|(code, count)| (std::cmp::Reverse(*count), *code));
    lines.truncate(SHOWN_CODES);
    lines
}
