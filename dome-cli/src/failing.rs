//! What keeps failing, what resolved it, and whether that is known to hold: at the end of a replay, and in
//! the status of a store.

use dome_binder::{Capsule, RemedyRecord, Verdict};
use dome_core::{Sha256Hash, Timestamp};
use schemars::JsonSchema;
use serde::Serialize;

use crate::output::Printer;

/// One failure that keeps coming back, its members in canonical order.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "KeepsFailing")]
pub(crate) struct Failing {
    /// How often it failed again within the contradiction window of what resolved it.
    contradiction_count: u64,
    derived_key: Sha256Hash,
    failure_count: u64,
    failure_reason_code: String,
    /// Whether it was resolved, longer ago than the contradiction window, and never failed again after
    /// it was resolved.
    held: bool,
    /// How often it failed again later than that.
    recurrence_count: u64,
    /// What resolved it best.
    #[serde(skip_serializing_if = "Option::is_none")]
    remedy: Option<RemedyRecord>,
    resolved_count: u64,
    target_id: String,
    verdict: Verdict,
    #[serde(skip)]
    clock: Clock,
}

/// The instant that it is told at, and for how long a failure contradicts what resolved it (M-81).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    pub(crate) as_of: Option<Timestamp>,
    pub(crate) window_s: u64,
}

impl Clock {
    /// Whether a failure would no longer contradict a resolution of that time.
    fn is_past(self, resolved: Timestamp) -> bool {
        self.as_of.is_some_and(|as_of| as_of.is_later_by_more_than(resolved, self.window_s))
    }
}

impl Failing {
    pub(crate) fn of(capsule: &Capsule, clock: Clock) -> Self {
        let again = capsule.contradiction_count + capsule.recurrence_count;
        Self {
            contradiction_count: capsule.contradiction_count,
            derived_key: capsule.derived_key,
            failure_count: capsule.failure_count,
            failure_reason_code: capsule.failure_reason_code.to_string(),
            held: again == 0 && capsule.last_resolved_ts.is_some_and(|resolved| clock.is_past(resolved)),
            recurrence_count: capsule.recurrence_count,
            remedy: capsule.remedies.first().cloned(),
            resolved_count: capsule.resolved_count,
            target_id: capsule.target_id.to_string(),
            verdict: capsule.verdict,
            clock,
        }
    }

    /// What became of it: resolved, contradicted soon after, or back later; and what is not known yet.
    fn history(&self) -> String {
        if self.resolved_count == 0 {
            return "never resolved".to_owned();
        }
        let again = [(self.contradiction_count, "failed again soon"), (self.recurrence_count, "came back later")];
        let again: Vec<_> =
            again.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{what} {count} x")).collect();
        let after = match (again.is_empty(), self.held) {
            (false, _) => again.join(", "),
            (true, true) => "held".to_owned(),
            (true, false) => "not yet known to hold".to_owned(),
        };
        format!("resolved {} x, {after}", self.resolved_count)
    }

    /// What resolved it best, and whether that held. Which remedy stood when a failure came back later is
    /// not counted: then nothing is claimed.
    fn best_fix(&self, best: &RemedyRecord) -> String {
        let summary = best.remedy.summary.as_ref().map(ToString::to_string);
        let reference = best.remedy.reference.as_ref().map(ToString::to_string);
        let named = summary.or(reference).unwrap_or_else(|| best.remedy.kind.to_string());
        let what = shortened(&named);
        let known = match (best.contradicted_count, self.recurrence_count) {
            (0, 0) if self.clock.is_past(best.last_ts) => ", held".to_owned(),
            (0, _) if !self.clock.is_past(best.last_ts) => ", not yet known to hold".to_owned(),
            (0, _) => String::new(),
            (failed, _) => format!(", failed {failed} x"),
        };
        format!("; best fix: {what} ({} x{known})", best.count)
    }

    /// Two lines: what fails and how often, and what became of it.
    fn rows(&self) -> [String; 2] {
        let times = format!("{} x", self.failure_count);
        let key = self.derived_key.short();
        let (code, target, verdict) = (&self.failure_reason_code, &self.target_id, self.verdict);
        let fix = self.remedy.as_ref().map_or_else(String::new, |best| self.best_fix(best));
        [format!("  {times:>6}  {code} on {target}  [{verdict}] {key}"), format!("          {}{fix}", self.history())]
    }
}

/// A reference that ends in a long hash, with the first 12 digits of it.
fn shortened(reference: &str) -> &str {
    let digits = reference.bytes().rev().take_while(u8::is_ascii_hexdigit).count();
    let kept = reference.len() - digits.saturating_sub(12);
    if digits > 12 { reference.get(..kept).unwrap_or(reference) } else { reference }
}

pub(crate) fn keeps_failing(foremost: &[Capsule], clock: Clock) -> Vec<Failing> {
    foremost.iter().map(|capsule| Failing::of(capsule, clock)).collect()
}

pub(crate) fn print(failing: &[Failing], output: &mut Printer) -> anyhow::Result<()> {
    if failing.is_empty() {
        return Ok(());
    }
    output.line("\nwhat keeps failing:")?;
    failing.iter().flat_map(Failing::rows).try_for_each(|row| output.line(&row))
}
