//! What keeps failing, what resolved it, and whether that is known to hold: at the end of a replay, and in
//! the status of a store.

use dome_binder::RemedyRecord;
use dome_replay::KeepsFailing;

use crate::output::Printer;

pub(crate) fn print(failing: &[KeepsFailing], output: &mut Printer) -> anyhow::Result<()> {
    if !failing.is_empty() {
        output.line("\nwhat keeps failing:")?;
    }
    for one in failing {
        let KeepsFailing { failure_reason_code: code, target_id: target, verdict, derived_key, .. } = one;
        let times = format!("{} x", one.failure_count);
        writeln!(output, "  {times:>6}  {code} on {target}  [{verdict}] {}", derived_key.short())?;
        let fix = one.remedy.as_ref().map_or_else(String::new, |best| best_fix(one, best));
        writeln!(output, "          {}{fix}", history(one))?;
    }
    Ok(())
}

/// What became of it: resolved, contradicted soon after, or back later; and what is not known yet.
fn history(one: &KeepsFailing) -> String {
    if one.resolved_count == 0 {
        return "never resolved".to_owned();
    }
    let again = [(one.contradiction_count, "failed again soon"), (one.recurrence_count, "came back later")];
    let again: Vec<_> =
        again.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{what} {count} x")).collect();
    let after = match (again.is_empty(), one.held) {
        (false, _) => again.join(", "),
        (true, true) => "held".to_owned(),
        (true, false) => "not yet known to hold".to_owned(),
    };
    format!("resolved {} x, {after}", one.resolved_count)
}

/// What resolved it best, and whether that held; nothing where it came back later: which remedy stood is not counted.
fn best_fix(one: &KeepsFailing, best: &RemedyRecord) -> String {
    let summary = best.remedy.summary.as_ref().map(ToString::to_string);
    let reference = best.remedy.reference.as_ref().map(ToString::to_string);
    let named = summary.or(reference).unwrap_or_else(|| best.remedy.kind.to_string());
    let what = shortened(&named);
    let known = match (best.contradicted_count, one.recurrence_count, one.remedy_is_past) {
        (0, 0, true) => ", held".to_owned(),
        (0, _, false) => ", not yet known to hold".to_owned(),
        (0, _, true) => String::new(),
        (failed, ..) => format!(", failed {failed} x"),
    };
    format!("; best fix: {what} ({} x{known})", best.count)
}

/// A reference that ends in a long hash, with the first 12 digits of it.
fn shortened(reference: &str) -> &str {
    let digits = reference.bytes().rev().take_while(u8::is_ascii_hexdigit).count();
    let kept = reference.len() - digits.saturating_sub(12);
    if digits > 12 { reference.get(..kept).unwrap_or(reference) } else { reference }
}
