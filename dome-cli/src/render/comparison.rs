//! What `dome diff` and `dome plan` have in common: two sides, and how their difference is shown, the largest of
//! each kind first.

use std::collections::BTreeMap;

use dome_binder::{Capsule, Comparison, GroupSide, MemberChange, Regrouped, Replay, Rules, Verdict, VerdictChange};
use dome_core::{BinderVersion, Sha256Hash, Timestamp, WrapperPolicy};
use serde::Serialize;
use serde_json::Value;

use crate::output::{Printer, grouped};

const MOST_SHOWN: usize = 10;
const MOST_CAPSULES: usize = 4;
const TEXT_CHARS: usize = 90;
/// Rows of a table that are about rules.
const RULES: usize = 4;

/// One of two results, its members in canonical order.
#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
#[schemars(rename = "Side")]
pub(crate) struct ComparedSide {
    /// Facts that apply a key that no fact mints: after a change of binder, keys that were traced.
    applied_unknown: u64,
    /// The instant that staleness is measured at.
    #[serde(skip_serializing_if = "Option::is_none")]
    as_of: Option<Timestamp>,
    /// The binder.
    binder_version: BinderVersion,
    /// Capsules.
    capsules: u64,
    /// Concepts that are listed.
    concepts: u64,
    /// Facts.
    facts: u64,
    /// The mode that overrides what facts declare, if one does.
    #[serde(skip_serializing_if = "Option::is_none")]
    mode: Option<WrapperPolicy>,
    /// The digest of the policy.
    policy_digest: Sha256Hash,
    /// The digest of the reason-code table.
    reason_codes_digest: Sha256Hash,
    /// Which facts these are.
    snapshot_digest: Sha256Hash,
    /// Capsules by verdict.
    verdicts: Verdicts,
}

/// Capsules by verdict, in canonical order.
#[derive(Clone, Copy, Debug, Serialize, schemars::JsonSchema)]
struct Verdicts {
    /// Advice.
    advisory: u64,
    /// Not to be used.
    blocked: u64,
    /// It may steer.
    prescriptive: u64,
}

impl ComparedSide {
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

    fn rows(&self) -> [(&'static str, String); RULES + 7] {
        let experimental = if self.binder_version.is_experimental() { " (experimental)" } else { "" };
        [
            ("binder", format!("{}{experimental}", self.binder_version)),
            ("mode", self.mode.map_or("as declared", WrapperPolicy::as_str).to_owned()),
            ("policy", self.policy_digest.short()),
            ("reason codes", self.reason_codes_digest.short()),
            ("facts", grouped(self.facts)),
            ("capsules", grouped(self.capsules)),
            ("  prescriptive", grouped(self.verdicts.prescriptive)),
            ("  advisory", grouped(self.verdicts.advisory)),
            ("  blocked", grouped(self.verdicts.blocked)),
            ("concepts", grouped(self.concepts)),
            ("applied in vain", grouped(self.applied_unknown)),
        ]
    }

    pub(crate) fn print_beside(&self, later: &Self, names: [&str; 2], output: &mut Printer) -> anyhow::Result<()> {
        let mut row =
            |name: &str, [one, other]: [&str; 2]| output.line(format!("{name:<16}{one:>17}  {other}").trim_end());
        row("", names)?;
        for (place, ((name, one), (_, other))) in self.rows().iter().zip(&later.rows()).enumerate() {
            if one != other {
                row(name, [one, other])?;
            } else if place >= RULES {
                row(name, [one, ""])?;
            }
        }
        Ok(())
    }
}

/// Prints what differs, the largest of each kind.
pub(crate) fn print(
    comparison: &Comparison,
    earlier: &Replay,
    later: &Replay,
    output: &mut Printer,
) -> anyhow::Result<()> {
    let capsules: BTreeMap<Sha256Hash, &Capsule> = [earlier, later]
        .into_iter()
        .flat_map(|replay| &replay.derived.capsules)
        .map(|capsule| (capsule.derived_key, capsule))
        .collect();
    let name = |key: &Sha256Hash| {
        let named = |capsule: &&Capsule| format!("{} on {}", capsule.failure_reason_code, capsule.target_id);
        format!("{} {}", key.short(), capsules.get(key).map_or_else(String::new, named))
    };
    let Comparison { regrouped, verdicts, new, gone, changed, .. } = comparison;
    section(output, "largest moves", regrouped.iter().map(moved))?;
    let turn = |turn: &VerdictChange| format!("  {}  {} -> {}", name(&turn.derived_key), turn.from, turn.to);
    section(output, "verdicts", verdicts.iter().map(turn))?;
    section(output, "capsules new", new.iter().map(|key| format!("  {}", name(key))))?;
    section(output, "capsules gone", gone.iter().map(|key| format!("  {}", name(key))))?;
    let changed = changed.iter().map(|changed| {
        let members = changed.changes.iter().map(|MemberChange { member, from, to }| {
            let [from, to] = [from, to].map(|value| value.as_ref().map_or("-".to_owned(), written));
            format!("\n      {member} {from} -> {to}")
        });
        format!("  {}{}", name(&changed.derived_key), members.collect::<String>())
    });
    section(output, "capsules changed", changed)
}

fn section(output: &mut Printer, title: &str, rows: impl ExactSizeIterator<Item = String>) -> anyhow::Result<()> {
    let count = rows.len();
    if count == 0 {
        return Ok(());
    }
    writeln!(output, "\n{title}:")?;
    for row in rows.take(MOST_SHOWN) {
        output.line(&row)?;
    }
    if let Some(more @ 1..) = count.checked_sub(MOST_SHOWN) {
        writeln!(output, "  ... and {} more (--format json lists all)", grouped(more as u64))?;
    }
    Ok(())
}

fn moved(group: &Regrouped) -> String {
    let (before, after) = (group.before.len(), group.after.len());
    let facts = grouped(group.fact_count);
    let mut rows = vec![format!("  {}: {facts} facts of {before} become {after}", group.change.as_str())];
    for (word, sides) in [("before", &group.before), ("after ", &group.after)] {
        rows.extend(sides.iter().take(MOST_CAPSULES).map(|side| format!("      {word} {}", capsule(side))));
        if let Some(more @ 1..) = sides.len().checked_sub(MOST_CAPSULES) {
            rows.push(format!("      {word} ... and {more} more"));
        }
    }
    for fact in group.example.iter().flat_map(|example| [&example.one, &example.other]) {
        let message = said(fact.message.as_deref());
        rows.push(format!("      {}:{}{message}", fact.source.name, fact.source.line));
    }
    rows.join("\n")
}

fn capsule(side: &GroupSide) -> String {
    let GroupSide { failure_reason_code: code, target_id: target, verdict, .. } = side;
    let (key, facts, template) =
        (side.derived_key.short(), grouped(side.fact_count), said(side.message_template.as_deref()));
    format!("{key} {facts} x {code} on {target} [{verdict}]{template}")
}

fn said(text: Option<&str>) -> String {
    text.map_or_else(String::new, |text| format!(": {}", one_line(text)))
}

/// A value in a few characters; of a hash, the first digits.
fn written(value: &Value) -> String {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    text.parse().map_or_else(|_| one_line(&text), |hash: Sha256Hash| hash.short())
}

/// A text on one line, without what a terminal would obey.
fn one_line(text: &str) -> String {
    let visible = |character: char| match character {
        '\n' => '\u{2424}',
        _ if character.is_control() => '\u{FFFD}',
        _ => character,
    };
    let mut chars = text.chars().map(visible);
    let mut shown: String = chars.by_ref().take(TEXT_CHARS).collect();
    if chars.next().is_some() {
        shown.push('…');
    }
    shown
}
