//! A comparison for people: the largest of everything, and how much there is besides.

use std::collections::BTreeMap;

use dome_binder::{Capsule, Changed, Comparison, ExampleFact, GroupSide, Regrouped, Replay};
use dome_core::Sha256Hash;
use serde_json::Value;

use crate::output::{Output, grouped};

/// How many of each kind are shown.
const MOST_SHOWN: usize = 10;
/// Capsules of one move that are shown on each side.
const MOST_CAPSULES: usize = 4;
/// Characters of a text that are shown.
const TEXT_CHARS: usize = 90;

/// A comparison with what its keys stand for.
pub(crate) struct Shown<'r> {
    comparison: &'r Comparison,
    capsules: BTreeMap<Sha256Hash, &'r Capsule>,
}

impl<'r> Shown<'r> {
    pub(crate) fn new(comparison: &'r Comparison, earlier: &'r Replay, later: &'r Replay) -> Self {
        let all = earlier.derived.capsules.iter().chain(&later.derived.capsules);
        Self { comparison, capsules: all.map(|capsule| (capsule.derived_key, capsule)).collect() }
    }

    fn name(&self, key: Sha256Hash) -> String {
        let named = |capsule: &&Capsule| format!("{} on {}", capsule.failure_reason_code, capsule.target_id);
        format!("{} {}", short(key), self.capsules.get(&key).map(named).unwrap_or_default())
    }

    fn changed(&self, changed: &Changed) -> String {
        let member = |change: &dome_binder::MemberChange| {
            let [from, to] = [&change.from, &change.to].map(|value| value.as_ref().map_or("-".to_owned(), written));
            format!("{} {from} -> {to}", change.member)
        };
        let members: Vec<String> = changed.changes.iter().map(member).collect();
        format!("  {}\n      {}", self.name(changed.derived_key), members.join("\n      "))
    }
}

/// Prints what differs, the largest of each kind.
pub(crate) fn print(shown: &Shown<'_>, output: &mut Output) -> anyhow::Result<()> {
    let comparison = shown.comparison;
    section(output, "largest moves", comparison.regrouped.iter().map(regrouped))?;
    let turns = comparison.verdicts.iter().map(|change| {
        let words = [change.from, change.to].map(|verdict| written(&serde_json::json!(verdict)));
        format!("  {}  {} -> {}", shown.name(change.derived_key), words[0], words[1])
    });
    section(output, "verdicts", turns)?;
    section(output, "capsules new", comparison.new.iter().map(|key| format!("  {}", shown.name(*key))))?;
    section(output, "capsules gone", comparison.gone.iter().map(|key| format!("  {}", shown.name(*key))))?;
    section(output, "capsules changed", comparison.changed.iter().map(|changed| shown.changed(changed)))
}

fn section(output: &mut Output, title: &str, rows: impl ExactSizeIterator<Item = String>) -> anyhow::Result<()> {
    let count = rows.len();
    if count == 0 {
        return Ok(());
    }
    output.line(&format!("\n{title}:"))?;
    for row in rows.take(MOST_SHOWN) {
        output.line(&row)?;
    }
    let more = count.saturating_sub(MOST_SHOWN);
    if more > 0 {
        output.line(&format!("  ... and {} more (--format json lists all)", grouped(more as u64)))?;
    }
    Ok(())
}

fn regrouped(group: &Regrouped) -> String {
    let (before, after) = (group.before.len(), group.after.len());
    let facts = grouped(group.fact_count);
    let mut rows = vec![format!("  {}: {facts} facts of {before} become {after}", group.change.as_str())];
    for (word, sides) in [("before", &group.before), ("after ", &group.after)] {
        rows.extend(sides.iter().take(MOST_CAPSULES).map(|side| format!("      {word} {}", capsule(side))));
        let more = sides.len().saturating_sub(MOST_CAPSULES);
        if more > 0 {
            rows.push(format!("      {word} ... and {more} more"));
        }
    }
    if let Some(example) = &group.example {
        rows.extend([&example.one, &example.other].map(|fact| format!("      {}", line(fact))));
    }
    rows.join("\n")
}

fn capsule(side: &GroupSide) -> String {
    let template = side.message_template.as_deref().map(|text| format!(": {}", one_line(text))).unwrap_or_default();
    let (key, facts, code) = (short(side.derived_key), grouped(side.fact_count), &side.failure_reason_code);
    let verdict = written(&serde_json::json!(side.verdict));
    format!("{key} {facts} x {code} on {} [{verdict}]{template}", side.target_id)
}

fn line(fact: &ExampleFact) -> String {
    let message = fact.message.as_deref().map(|text| format!(": {}", one_line(text))).unwrap_or_default();
    format!("{}:{}{message}", fact.source.name, fact.source.line)
}

/// A value in a few characters; of a hash, the first digits.
fn written(value: &Value) -> String {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    text.parse().map_or_else(|_| one_line(&text), short)
}

/// A text on one line, without what a terminal would obey.
fn one_line(text: &str) -> String {
    let visible = |character: char| {
        if character == '\n' {
            '\u{2424}'
        } else if character.is_control() {
            '\u{FFFD}'
        } else {
            character
        }
    };
    let mut chars = text.chars().map(visible);
    let mut shown: String = chars.by_ref().take(TEXT_CHARS).collect();
    if chars.next().is_some() {
        shown.push('…');
    }
    shown
}

fn short(key: Sha256Hash) -> String {
    key.to_string().get(..12).unwrap_or_default().to_owned()
}
