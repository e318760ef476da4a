//! Failures, remedies and scores in plain words, the same wherever they are shown.

use dome_binder::{CapsuleStanding, RemedyRecord};

use crate::output::grouped;

/// A share of a whole, in percent: what is not nothing is never 0 %, what is not all never 100 %.
pub(crate) fn percent(part: u64, whole: u64) -> String {
    let exact = |percent: u64| part.checked_mul(100) == whole.checked_mul(percent);
    match (part * 100).checked_div(whole) {
        None => "-".to_owned(),
        Some(0) if part > 0 => "less than 1 %".to_owned(),
        Some(99) if !exact(99) => "more than 99 %".to_owned(),
        Some(percent) => format!("{percent} %"),
    }
}

/// Confidence in percent, rounded down: it is a lower bound.
pub(crate) fn confidence(ppm: u64) -> String {
    format!("{} %", ppm / 10_000)
}

/// `7 of 54 executions (13 %)`
pub(crate) fn of_executions(failures: u64, executions: u64) -> String {
    let [failed, all] = [failures, executions].map(grouped);
    format!("{failed} of {all} executions ({})", percent(failures, executions))
}

/// How a failure stands (M-85); `clean` are the clean runs so far, and how many are needed.
pub(crate) fn standing(standing: CapsuleStanding, clean: Option<(u64, u64)>) -> String {
    match (standing, clean) {
        (CapsuleStanding::Pending, Some((count, needed))) => {
            format!("resolved, not yet proven: {} of {} clean runs", grouped(count), grouped(needed))
        }
        (CapsuleStanding::Pending, None) => "resolved, not yet proven".to_owned(),
        (CapsuleStanding::Held, _) => "resolved, and that is proven".to_owned(),
        (CapsuleStanding::Cleared, _) => "passing, and nothing says that anything was mended".to_owned(),
        (CapsuleStanding::Failing, _) => "failing".to_owned(),
        (CapsuleStanding::Broken, _) => "broken: it fails in too many runs in a row for chance".to_owned(),
        (CapsuleStanding::GivenUp, _) => "given up".to_owned(),
    }
}

/// What a remedy did: `rerun: passed within 2 reruns in 16 of 16 runs`.
pub(crate) fn remedy(record: &RemedyRecord) -> String {
    let RemedyRecord { count, contradicted_count, reruns, pending_count, .. } = record;
    let [worked, runs] = [*count, count + contradicted_count].map(grouped);
    let waiting = match pending_count {
        0 => String::new(),
        waiting => format!(", {} not yet proven", grouped(*waiting)),
    };
    match reruns {
        Some(1) => format!("rerun: passed the next time in {worked} of {runs} runs"),
        Some(most) => format!("rerun: passed within {most} reruns in {worked} of {runs} runs"),
        None if runs == "0" => format!("{}: not yet proven", named(record)),
        None => format!("{}: worked in {worked} of {runs} runs{waiting}", named(record)),
    }
}

/// A remedy by its kind, and by what it says of itself: its summary, else where it is found, else its digest.
pub(crate) fn named(record: &RemedyRecord) -> String {
    let remedy = &record.remedy;
    let by_digest = || remedy.sha256.as_ref().map_or_else(|| record.identity.short(), |sha256| sha256.short());
    let summary = remedy.summary.as_ref().map(ToString::to_string);
    let name = summary.or_else(|| remedy.reference.as_ref().map(ToString::to_string)).unwrap_or_else(by_digest);
    format!("{} {}", remedy.kind, shortened(&name))
}

/// A reference that ends in a long hash, with the first 12 digits of it.
fn shortened(reference: &str) -> &str {
    let digits = reference.bytes().rev().take_while(u8::is_ascii_hexdigit).count();
    let kept = reference.len() - digits.saturating_sub(12);
    if digits > 12 { reference.get(..kept).unwrap_or(reference) } else { reference }
}
