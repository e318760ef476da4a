//! What `dome diff` and `dome plan` have in common: two sides, and how their difference is shown: the largest of everything,
//! and how much there is besides.

use std::collections::BTreeMap;

use dome_binder::{
    Capsule, Changed, Comparison, ExampleFact, GroupSide, MemberChange, Regrouped, Replay, Rules, Verdict,
};
use dome_core::{BinderVersion, Sha256Hash, Timestamp, WrapperPolicy};
use serde::Serialize;
use serde_json::Value;

use crate::output::{Output, grouped};

/// How many of each kind are shown.
const MOST_SHOWN: usize = 10;
/// Capsules of one move that are shown on each side.
const MOST_CAPSULES: usize = 4;
/// Characters of a text that are shown.
const TEXT_CHARS: usize = 90;

/// One of two results, its members in canonical order.
#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
pub(crate) struct Side {
    /// Facts that apply a key that no fact mints: after a change of binder, keys that were traced.
    pub(crate) applied_unknown: u64,
    /// The instant that staleness is measured at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) as_of: Option<Timestamp>,
    /// The binder.
    pub(crate) binder_version: BinderVersion,
    /// Capsules.
    pub(crate) capsules: u64,
    /// Concepts that are listed.
    pub(crate) concepts: u64,
    /// Facts.
    pub(crate) facts: u64,
    /// The mode that overrides what facts declare, if one does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) mode: Option<WrapperPolicy>,
    /// The digest of the policy.
    pub(crate) policy_digest: Sha256Hash,
    /// The digest of the reason-code table.
    pub(crate) reason_codes_digest: Sha256Hash,
    /// Which facts these are.
    pub(crate) snapshot_digest: Sha256Hash,
    /// Capsules by verdict.
    pub(crate) verdicts: Verdicts,
}

/// Capsules by verdict, in canonical order.
#[derive(Clone, Copy, Debug, Serialize, schemars::JsonSchema)]
pub(crate) struct Verdicts {
    /// Advice.
    pub(crate) advisory: u64,
    /// Not to be used.
    pub(crate) blocked: u64,
    /// It may steer.
    pub(crate) prescriptive: u64,
}

impl Side {
    /// The figures of a replay under these rules.
    pub(crate) fn of(replay: &Replay, rules: &Rules, binder: BinderVersion) -> Self {
        let derived = &replay.derived;
        let count = |verdict| derived.capsules.iter().filter(|capsule| capsule.verdict == verdict).count() as u64;
        Self {
            applied_unknown: derived.applied_unknown,
            as_of: replay.as_of,
            binder_version: binder,
            capsules: derived.capsules.len() as u64,
            concepts: derived.concepts.len() as u64,
            facts: replay.ledger.facts.len() as u64,
            mode: rules.mode,
            policy_digest: rules.policy.digest(),
            reason_codes_digest: rules.codes.digest(),
            snapshot_digest: replay.ledger.snapshot_digest(),
            verdicts: Verdicts {
                advisory: count(Verdict::Advisory),
                blocked: count(Verdict::Blocked),
                prescriptive: count(Verdict::Prescriptive),
            },
        }
    }

    /// The rules in a few words.
    fn rules(&self) -> [(&'static str, String); 4] {
        let experimental = if self.binder_version.is_experimental() { " (experimental)" } else { "" };
        [
            ("binder", format!("{}{experimental}", self.binder_version)),
            ("mode", self.mode.map_or("as declared", WrapperPolicy::as_str).to_owned()),
            ("policy", self.policy_digest.short()),
            ("reason codes", self.reason_codes_digest.short()),
        ]
    }

    /// The figures, in the order in which they are shown.
    const fn figures(&self) -> [(&'static str, u64); 7] {
        [
            ("facts", self.facts),
            ("capsules", self.capsules),
            ("  prescriptive", self.verdicts.prescriptive),
            ("  advisory", self.verdicts.advisory),
            ("  blocked", self.verdicts.blocked),
            ("concepts", self.concepts),
            ("applied in vain", self.applied_unknown),
        ]
    }

    /// Both sides beside each other: the rules that differ, then all figures.
    pub(crate) fn table(&self, later: &Self, names: [&str; 2]) -> Vec<String> {
        let row = |name: &str, one: &str, other: &str| format!("{name:<16}{one:>17}  {other}").trim_end().to_owned();
        let mut rows = vec![row("", names[0], names[1])];
        let rules = self.rules().into_iter().zip(later.rules()).filter(|(one, other)| one != other);
        rows.extend(rules.map(|((name, one), (_, other))| row(name, &one, &other)));
        let figures = self.figures().into_iter().zip(later.figures());
        rows.extend(figures.map(|((name, one), (_, other))| {
            let changed = if one == other { String::new() } else { grouped(other) };
            row(name, &grouped(one), &changed)
        }));
        rows
    }
}

/// A comparison with what its keys stand for.
pub(crate) struct Compared<'r> {
    comparison: &'r Comparison,
    capsules: BTreeMap<Sha256Hash, &'r Capsule>,
}

impl<'r> Compared<'r> {
    pub(crate) fn new(comparison: &'r Comparison, earlier: &'r Replay, later: &'r Replay) -> Self {
        let all = earlier.derived.capsules.iter().chain(&later.derived.capsules);
        Self { comparison, capsules: all.map(|capsule| (capsule.derived_key, capsule)).collect() }
    }

    fn name(&self, key: Sha256Hash) -> String {
        let named = |capsule: &&Capsule| format!("{} on {}", capsule.failure_reason_code, capsule.target_id);
        format!("{} {}", key.short(), self.capsules.get(&key).map_or_else(String::new, named))
    }

    fn changed(&self, changed: &Changed) -> String {
        let member = |change: &MemberChange| {
            let [from, to] = [&change.from, &change.to].map(|value| value.as_ref().map_or("-".to_owned(), written));
            format!("{} {from} -> {to}", change.member)
        };
        let members: Vec<String> = changed.changes.iter().map(member).collect();
        format!("  {}\n      {}", self.name(changed.derived_key), members.join("\n      "))
    }
}

/// Prints what differs, the largest of each kind.
pub(crate) fn print(shown: &Compared<'_>, output: &mut Output) -> anyhow::Result<()> {
    let comparison = shown.comparison;
    section(output, "largest moves", comparison.regrouped.iter().map(regrouped))?;
    let turns = comparison
        .verdicts
        .iter()
        .map(|change| format!("  {}  {} -> {}", shown.name(change.derived_key), change.from, change.to));
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
    let template = side.message_template.as_deref().map_or_else(String::new, |text| format!(": {}", one_line(text)));
    let (key, facts, code) = (side.derived_key.short(), grouped(side.fact_count), &side.failure_reason_code);
    let verdict = side.verdict;
    format!("{key} {facts} x {code} on {} [{verdict}]{template}", side.target_id)
}

fn line(fact: &ExampleFact) -> String {
    let message = fact.message.as_deref().map_or_else(String::new, |text| format!(": {}", one_line(text)));
    format!("{}:{}{message}", fact.source.name, fact.source.line)
}

/// A value in a few characters; of a hash, the first digits.
fn written(value: &Value) -> String {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    text.parse().map_or_else(|_| one_line(&text), |hash: Sha256Hash| hash.short())
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
