//! From facts to the sections of an index.

use std::collections::{BTreeMap, BTreeSet};

use dome_core::{Sha256Hash, Status};

use super::section::{FAILING, Section, UNSEEN, start};
use super::text::{Dictionary, runs};
use crate::ledger::Ledger;
use crate::query::policy_code;
use crate::settle::Fact;
use crate::views::denial_pairs;

/// The sections of the index of a history; `None` when it has more facts, or more text, than 32 bits
/// number. The same facts give the same bytes.
#[must_use]
pub fn columns(ledger: &Ledger) -> Option<BTreeMap<Section, Vec<u8>>> {
    u32::try_from(ledger.facts.len()).ok()?;
    let texts = Dictionary::of(ledger.facts.iter().flat_map(texts).collect())?;
    let mut build = Build { texts: &texts, sections: BTreeMap::new() };
    let (lines, failures) = (numbered(ledger, |fact| fact.keys.line), numbered(ledger, |fact| fact.keys.derived));
    build.lines(&lines)?;
    build.failures(&failures, &lines)?;
    build.facts(ledger, &failures)?;
    build.lists(ledger)?;
    build.names(ledger)?;
    let mut sections = build.sections;
    let missing: Vec<_> = Section::ALL
        .iter()
        .filter(|section| !sections.contains_key(section))
        .map(|section| (*section, Vec::new()))
        .collect();
    sections.extend(missing);
    Some(sections)
}

/// A key's number, and the first fact that has it.
type Numbered<'l> = BTreeMap<Sha256Hash, (u32, &'l Fact)>;

fn numbered(ledger: &Ledger, key: impl Fn(&Fact) -> Sha256Hash) -> Numbered<'_> {
    let mut first: Numbered<'_> = BTreeMap::new();
    for fact in &ledger.facts {
        first.entry(key(fact)).or_insert((0, fact));
    }
    first.values_mut().zip(0..).for_each(|((number, _), counted)| *number = counted);
    first
}

/// The texts of a fact that stand in the dictionary.
fn texts(fact: &Fact) -> BTreeSet<&str> {
    let line = &fact.keys.task_line;
    let mut texts = BTreeSet::from([
        line.scope.as_str(),
        line.target_kind.as_str(),
        line.target_id.as_str(),
        line.action_kind.as_str(),
        fact.keys.failure_reason_code.as_str(),
        policy_code(fact),
        fact.run_id.as_str(),
        &*fact.source.name,
    ]);
    texts.extend(fact.gates.iter().map(|gate| gate.gate_id.as_str()));
    texts.extend(denial_pairs(fact).into_keys().flat_map(|(code, guard)| [code, guard]));
    texts
}

struct Build<'b> {
    texts: &'b Dictionary<'b>,
    sections: BTreeMap<Section, Vec<u8>>,
}

impl Build<'_> {
    fn put(&mut self, section: Section, bytes: &[u8]) {
        self.sections.entry(section).or_default().extend_from_slice(bytes);
    }

    fn number(&mut self, section: Section, number: u32) {
        self.put(section, &number.to_le_bytes());
    }

    fn text(&mut self, section: Section, text: &str) -> Option<()> {
        let number = self.texts.number(text)?;
        self.number(section, number);
        Some(())
    }

    fn lines(&mut self, lines: &Numbered<'_>) -> Option<()> {
        for (key, (_, fact)) in lines {
            let line = &fact.keys.task_line;
            self.put(Section::LineKeys, key.as_bytes());
            for text in
                [line.scope.as_str(), line.target_kind.as_str(), line.target_id.as_str(), line.action_kind.as_str()]
            {
                self.text(Section::Lines, text)?;
            }
        }
        Some(())
    }

    fn failures(&mut self, failures: &Numbered<'_>, lines: &Numbered<'_>) -> Option<()> {
        for (key, (_, fact)) in failures {
            self.put(Section::DerivedKeys, key.as_bytes());
            self.put(Section::Fingerprints, fact.keys.fingerprint_hash.as_bytes());
            self.put(Section::Concepts, fact.keys.concept.as_bytes());
            self.number(Section::Failures, lines.get(&fact.keys.line)?.0);
            self.text(Section::Failures, fact.keys.failure_reason_code.as_str())?;
        }
        Some(())
    }

    fn facts(&mut self, ledger: &Ledger, failures: &Numbered<'_>) -> Option<()> {
        let unseen = ledger.unseen_denials();
        for (position, fact) in ledger.facts.iter().enumerate() {
            self.number(Section::Derived, failures.get(&fact.keys.derived)?.0);
            self.text(Section::Policies, policy_code(fact))?;
            self.text(Section::Runs, fact.run_id.as_str())?;
            let (seconds, nanoseconds) = fact.ordered_ts.to_unix();
            self.put(Section::Times, &seconds.to_le_bytes());
            self.number(Section::Times, nanoseconds);
            self.put(Section::Places, &fact.place.to_le_bytes());
            let failing = if fact.is_failing() { FAILING } else { 0 };
            let flags = failing | if unseen.contains(&position) { UNSEEN } else { 0 };
            self.put(Section::Flags, &[flags]);
            let applied = fact.applied_capsule().and_then(|key| failures.get(key));
            self.number(Section::Applied, applied.map_or(Some(0), |(number, _)| number.checked_add(1))?);
            self.put(Section::Digests, &start(fact.keys.digest).to_le_bytes());
            self.put(Section::Idempotency, &start(fact.keys.idempotency).to_le_bytes());
            self.text(Section::SourceNames, &fact.source.name)?;
            self.put(Section::SourceLines, &fact.source.line.to_le_bytes());
        }
        Some(())
    }

    /// What a fact may have several of.
    fn lists(&mut self, ledger: &Ledger) -> Option<()> {
        let (mut gates, mut denials) = (0_u32, 0_u32);
        self.number(Section::GateStarts, 0);
        self.number(Section::DenialStarts, 0);
        for fact in &ledger.facts {
            for gate in fact.gates.iter() {
                self.text(Section::Gates, gate.gate_id.as_str())?;
                self.number(Section::Gates, status(gate.status));
            }
            let pairs = denial_pairs(fact);
            for ((code, guard), stop) in &pairs {
                self.text(Section::Denials, code)?;
                self.text(Section::Denials, guard)?;
                self.number(Section::Denials, u32::from(*stop));
            }
            gates = gates.checked_add(u32::try_from(fact.gates.len()).ok()?)?;
            denials = denials.checked_add(u32::try_from(pairs.len()).ok()?)?;
            self.number(Section::GateStarts, gates);
            self.number(Section::DenialStarts, denials);
        }
        Some(())
    }

    fn names(&mut self, ledger: &Ledger) -> Option<()> {
        let (events, starts) = runs(ledger.facts.iter().map(|fact| fact.event_id.as_str()))?;
        let (texts, text_starts) = self.texts.sections()?;
        self.sections.extend([
            (Section::Events, events),
            (Section::EventStarts, starts),
            (Section::Texts, texts),
            (Section::TextStarts, text_starts),
        ]);
        Some(())
    }
}

/// How a status is numbered.
pub(super) const fn status(status: Status) -> u32 {
    match status {
        Status::Fail => 0,
        Status::Pass => 1,
        Status::Skip => 2,
    }
}
