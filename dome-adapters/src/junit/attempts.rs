//! From a case to its outcomes: one, or as many as it was tried.

use super::case::{End, RawCase, What};
use super::suite::Report;
use crate::out::Out;
use crate::report::{Case, Outcome};
use crate::when::{When, milliseconds};

/// Pushes the outcomes of a case in the order in which they came about.
pub(super) fn push(raw: &RawCase, report: &Report, out: &mut Out<'_>) {
    let of = |wanted: fn(What) -> bool| raw.ends.iter().filter(move |end| wanted(end.what)).collect::<Vec<_>>();
    let flaky = of(|what| matches!(what, What::Flaky { .. }));
    let rerun = of(|what| matches!(what, What::Rerun { .. }));
    // A disabled test may be run all the same; its failures do not count.
    let disabled = raw.element.get("status") == Some("disabled");
    let failed = of(|what| matches!(what, What::Failure | What::Error));
    let failed = if disabled { Vec::new() } else { failed };
    let tries = flaky.len() + rerun.len() + 1;
    let ended_well = failed.is_empty();
    let mut attempt = 0;
    let mut next = |case: Case| {
        attempt += 1;
        let attempt = (tries > 1).then_some(attempt);
        out.push(&Case { attempt, flaky: tries > 1 && ended_well, ..case }.record());
    };
    flaky.iter().for_each(|end| next(again(raw, report, end)));
    if ended_well {
        // Reruns that failed, and nothing says that the last one did.
        rerun.iter().for_each(|end| next(again(raw, report, end)));
        next(last(raw, report));
    } else {
        next(failure(raw, report, &failed));
        rerun.iter().for_each(|end| next(again(raw, report, end)));
    }
}

/// What all outcomes of a case share.
fn begin(raw: &RawCase, report: &Report, outcome: Outcome) -> Case {
    let element = &raw.element;
    let class = element.get("classname").or_else(|| element.get("class"));
    let name = element.get("name").or(class).unwrap_or_default();
    let mut case = Case::new(format!("testcase {}", report.cases), name, outcome);
    case.class = class.or_else(|| report.suite()).filter(|class| *class != name).map(str::to_owned);
    case.suite = report.suite().map(str::to_owned);
    case.when = element.get("timestamp").map(When::of).unwrap_or_default().or(&report.when());
    case.duration_ms = element.get("time").or_else(|| element.get("duration")).and_then(milliseconds);
    case.run_id.clone_from(&report.run_id);
    for (label, value) in [("file", element.get("file")), ("hostname", report.hostname())] {
        if let Some(value) = value {
            case.labels.insert(label.to_owned(), value.to_owned());
        }
    }
    case
}

/// A case that neither failed nor had an error: passed or skipped.
fn last(raw: &RawCase, report: &Report) -> Case {
    let skipped = raw.ends.iter().find(|end| end.what == What::Skipped);
    let said = |name: &str| raw.element.get(name).map(str::to_ascii_lowercase).unwrap_or_default();
    let not_run = matches!(&*said("status"), "notrun" | "skipped" | "disabled" | "ignored" | "pending")
        || matches!(&*said("result"), "suppressed" | "skipped");
    let outcome = if skipped.is_some() || not_run { Outcome::Skipped } else { Outcome::Passed };
    let mut case = begin(raw, report, outcome);
    case.message = skipped.and_then(message);
    case.kind = skipped.and_then(|end| end.element.get("type")).map(str::to_owned);
    case
}

/// A case with failures or errors of its own. Several are one outcome: the first one names it.
fn failure(raw: &RawCase, report: &Report, ends: &[&End]) -> Case {
    let mut case = begin(raw, report, Outcome::Failed);
    let Some(first) = ends.first() else { return case };
    ended(&mut case, first);
    let texts: Vec<String> = ends.iter().filter_map(|end| message(end)).collect();
    case.message = (!texts.is_empty()).then(|| texts.join("\n"));
    case
}

/// An attempt that failed before or after the one that the case itself is about.
fn again(raw: &RawCase, report: &Report, end: &End) -> Case {
    let mut case = begin(raw, report, Outcome::Failed);
    ended(&mut case, end);
    case.message = message(end);
    case.when = end.element.get("timestamp").map(When::of).unwrap_or_default().or(&case.when);
    case.duration_ms = end.element.get("time").and_then(milliseconds);
    case
}

/// How it ended, and the type of what ended it. `test timeout` and `test abort` are nextest's words.
fn ended(case: &mut Case, end: &End) {
    let error = matches!(end.what, What::Error | What::Rerun { error: true } | What::Flaky { error: true });
    let kind = end.element.get("type");
    case.outcome = match kind {
        Some("test timeout") => Outcome::TimedOut,
        Some(kind) if kind == "test abort" || kind.starts_with("test abort ") => Outcome::Aborted,
        _ if error => Outcome::Errored,
        _ => Outcome::Failed,
    };
    case.kind = kind.map(str::to_owned);
}

/// What an end says: its `message`, else its text.
fn message(end: &End) -> Option<String> {
    let text = end.element.get("message").filter(|text| !text.trim().is_empty()).unwrap_or(&end.text);
    (!text.trim().is_empty()).then(|| text.trim().to_owned())
}
