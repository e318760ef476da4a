//! Explanations as people read them.

use dome_binder::explain::{Change, Fired, Ingredients, Step};
use dome_core::Source;
use serde_json::Value;

use super::load::{Explanation, Unlisted};
use super::{capsule, fact, overview};
use crate::output::{Output, grouped};
use crate::table::{cut, short_key, width, wrapped};
use dome_core::escaped;

/// Columns of a rejected line that are shown; JSON and quarantine.jsonl have it whole.
const RAW_COLUMNS: usize = 200;

/// Prints an explanation.
pub(super) fn show(told: &Explanation, output: &mut Output) -> anyhow::Result<()> {
    let mut lines = Vec::new();
    if let Some(story) = &told.capsule {
        lines.extend(capsule::lines(story, told));
    }
    if let Some(story) = &told.fact {
        lines.extend(fact::lines(story));
    }
    if let Some(story) = &told.concept {
        lines.extend(overview::concept(story));
    }
    if let Some(story) = &told.line {
        lines.extend(overview::line(story));
    }
    if let Some(row) = &told.rejected {
        lines.extend(rejected(row));
    }
    if let Some(place) = &told.unlisted {
        lines.extend(unlisted(place));
    }
    let width = width();
    let mut lines = lines.iter().flat_map(|line| wrapped(&escaped(line), width));
    lines.try_for_each(|line| output.line(&line))
}

/// A rejected line: every problem, and how it starts.
fn rejected(row: &Value) -> Vec<String> {
    let text = |pointer: &str| row.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let line = row.pointer("/source/line").and_then(Value::as_u64).unwrap_or(0);
    let mut lines = vec![format!("{}:{line} was rejected, and stands in quarantine.jsonl", text("/source/name"))];
    for problem in row.get("problems").and_then(Value::as_array).into_iter().flatten() {
        let text = |member: &str| problem.get(member).and_then(Value::as_str).unwrap_or_default();
        let pointer = if text("pointer").is_empty() { "the line" } else { text("pointer") };
        lines.push(format!("  {}  at {pointer}: {}", text("code"), text("message")));
    }
    lines.push(format!("sha256  {}", text("/sha256")));
    if row.get("raw").is_some() {
        lines.push(format!("raw     {}", cut(text("/raw"), RAW_COLUMNS)));
    }
    lines
}

/// A line that the result does not list: what follows from what it counts.
fn unlisted(place: &Unlisted) -> Vec<String> {
    let Source { name, line } = &place.source;
    let mut lines = vec![format!("{name}:{line} is neither a fact nor rejected")];
    let counted = [(place.duplicates, "repeat a fact"), (place.blank, "are blank")];
    let counted: Vec<String> = counted
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("{} lines of the input {what}", grouped(*count)))
        .collect();
    if place.is_no_line() {
        lines.push("every line of the input became a fact or was rejected, so there is no such line".to_owned());
    } else {
        lines.push(format!("{}; a result does not say which, so it may be one of them", counted.join(" and ")));
        lines.push(format!("the last line of {name} that the result lists is {}", place.last_listed));
        lines.push("the fact that a line repeats has its digest: replay the line alone to see it".to_owned());
    }
    lines
}

/// Where a fact stands, and what it is.
pub(super) fn place(step: &Step) -> String {
    format!("{}:{}", step.source.name, step.source.line)
}

/// What a fact did to counters, in the order of the rules: `support_count +1 (M-80)`.
pub(super) fn changes<'c>(changes: impl IntoIterator<Item = &'c Change>) -> String {
    let mut by_rule: Vec<(&str, Vec<String>)> = Vec::new();
    for change in changes {
        let of = change.of.as_ref().map(|of| format!("[{}]", shortened(of))).unwrap_or_default();
        let said = format!("{}{of} +1", change.counter.as_str());
        match by_rule.last_mut() {
            Some((rule, said_before)) if *rule == change.rule => said_before.push(said),
            _ => by_rule.push((change.rule, vec![said])),
        }
    }
    let parts: Vec<String> = by_rule.iter().map(|(rule, said)| format!("{} ({rule})", said.join(", "))).collect();
    parts.join("; ")
}

/// A hash by its start; any other name whole.
fn shortened(name: &str) -> String {
    if name.parse::<dome_core::Sha256Hash>().is_ok() { short_key(name) } else { name.to_owned() }
}

/// A trigger with the numbers that made it fire (M-71).
pub(super) fn fired(fired: &Fired) -> String {
    let name = fired.trigger.as_str();
    let number = |number: Option<u64>| number.map(grouped).unwrap_or_default();
    match (&fired.policy_reason_code, fired.median_ms) {
        (Some(code), _) => format!("{name}: no earlier fact of this scope, kind of target and action has {code}"),
        (None, Some(median)) => format!(
            "{name}: {} ms, fires from {} ms (median {} ms, {} samples)",
            number(fired.found),
            number(fired.from),
            grouped(median),
            number(fired.samples)
        ),
        (None, None) => format!("{name}: {} attempts, fires from {}", number(fired.found), number(fired.from)),
    }
}

/// What a fingerprint was made of, and what stayed out.
pub(super) fn ingredients(told: &Ingredients) -> Vec<String> {
    let json = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let mut lines: Vec<String> = told
        .ingredients
        .iter()
        .map(|one| {
            let (given, taken) = (json(&one.given), json(&one.taken));
            let from = if given == taken { String::new() } else { format!(" of `{}`", cut(&given, 40)) };
            format!("  {} = {taken}  from {}{from} ({})", one.member, one.from, one.rule)
        })
        .collect();
    if lines.is_empty() {
        lines.push("  nothing but its version: no gate failed, no message, tool, version or environment".to_owned());
    }
    if !told.left_out.is_empty() {
        lines.push(format!("  left out: {}", told.left_out.join(", ")));
    }
    lines
}
