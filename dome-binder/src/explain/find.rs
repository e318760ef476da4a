//! What a key names.

use std::collections::BTreeMap;

use dome_core::{Sha256Hash, Source};
use serde::Serialize;

use super::excerpt::Part;
use crate::ledger::{LineFact, Position};

/// Hex digits from which the start of a hash names it.
pub const LEAST_DIGITS: usize = 8;

/// What can be explained.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// A derived key.
    Capsule(Sha256Hash),
    /// A concept key.
    Concept(Sha256Hash),
    /// A task line's key.
    Line(Sha256Hash),
    /// A fact, by its place in the total order.
    Fact(Position),
    /// A rejected line, by its place among them.
    Rejected(usize),
    /// A line of a known source that is neither a fact nor rejected.
    Unlisted(Source),
}

/// One thing that a key may name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Candidate {
    /// What names it and no other.
    pub key: String,
    /// What that is: `derived_key`, `digest` and so on.
    pub named_by: &'static str,
}

/// What was found under a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// Exactly one thing.
    One(Subject),
    /// Several: say which.
    Many(Vec<Candidate>),
    /// Nothing.
    Nothing,
}

/// A rejected line, as far as it can be named.
type Rejected = (Source, Sha256Hash);

/// Finds what `key` names among facts and rejected lines, with their hashes.
///
/// A key is a derived, concept, line or idempotency key, a fingerprint hash, a fact's digest, the
/// hash of a rejected line (each whole, or by its first [`LEAST_DIGITS`] hex digits or more), an
/// event id, `RUN/EVENT`, or `SOURCE:LINE`. What is named in full is found before what only starts
/// with the key.
#[must_use]
pub fn find(key: &str, facts: &Part<'_>, rejected: &[Rejected]) -> Found {
    let mut found = Hits::default();
    named_in_full(key, facts, rejected, &mut found);
    if found.0.is_empty() {
        named_by_hash(key, facts, rejected, &mut found);
    }
    if found.0.is_empty()
        && let Some(source) = line_of_source(key).filter(|source| knows(source, facts, rejected))
    {
        return Found::One(Subject::Unlisted(source));
    }
    found.end()
}

/// The subjects found, each with what names it.
#[derive(Default)]
struct Hits(BTreeMap<Subject, Candidate>);

impl Hits {
    fn add(&mut self, subject: Subject, named_by: &'static str, key: impl ToString) {
        self.0.entry(subject).or_insert_with(|| Candidate { key: key.to_string(), named_by });
    }

    fn end(self) -> Found {
        let mut subjects = self.0.into_iter();
        match (subjects.next(), subjects.next()) {
            (None, _) => Found::Nothing,
            (Some((subject, _)), None) => Found::One(subject),
            (Some((_, first)), Some((_, second))) => {
                let rest = subjects.map(|(_, candidate)| candidate);
                Found::Many([first, second].into_iter().chain(rest).collect())
            }
        }
    }
}

/// Event ids, events of runs, and lines of sources.
fn named_in_full(key: &str, facts: &Part<'_>, rejected: &[Rejected], found: &mut Hits) {
    let place = line_of_source(key);
    for LineFact { position, fact, .. } in &facts.facts {
        let position = *position;
        let event = fact.event_id.as_str();
        let of_run = key.strip_suffix(event).and_then(|rest| rest.strip_suffix('/'));
        if event == key || of_run == Some(fact.run_id.as_str()) {
            found.add(Subject::Fact(position), "event", format!("{}/{event}", fact.run_id));
        }
        if place.as_ref() == Some(&fact.source) {
            found.add(Subject::Fact(position), "digest", fact.keys.digest);
        }
    }
    for (number, (source, sha256)) in rejected.iter().enumerate() {
        if place.as_ref() == Some(source) {
            found.add(Subject::Rejected(number), "sha256", sha256);
        }
    }
}

/// Hashes, whole or by their start.
fn named_by_hash(key: &str, facts: &Part<'_>, rejected: &[Rejected], found: &mut Hits) {
    let Some((least, most)) = span(key) else { return };
    let named = |hash: Sha256Hash| (least..=most).contains(&hash);
    for LineFact { position, fact, .. } in &facts.facts {
        let position = *position;
        let keys = &fact.keys;
        if named(keys.derived) {
            found.add(Subject::Capsule(keys.derived), "derived_key", keys.derived);
        }
        if named(keys.fingerprint_hash) {
            found.add(Subject::Capsule(keys.derived), "derived_key", keys.derived);
        }
        if named(keys.concept) {
            found.add(Subject::Concept(keys.concept), "concept_key", keys.concept);
        }
        if named(keys.line) {
            found.add(Subject::Line(keys.line), "line_key", keys.line);
        }
        if named(keys.digest) {
            found.add(Subject::Fact(position), "digest", keys.digest);
        }
        if named(keys.idempotency) {
            found.add(Subject::Fact(position), "idempotency_key", keys.idempotency);
        }
    }
    for (number, (_, sha256)) in rejected.iter().enumerate().filter(|(_, (_, sha256))| named(*sha256)) {
        found.add(Subject::Rejected(number), "sha256", sha256);
    }
}

/// The least and the greatest hash that start with these digits, if they are enough.
#[must_use]
pub fn span(digits: &str) -> Option<(Sha256Hash, Sha256Hash)> {
    let filled = |with: &str| format!("{digits}{}", with.repeat(64_usize.saturating_sub(digits.len()))).parse().ok();
    if digits.len() < LEAST_DIGITS { None } else { filled("0").zip(filled("f")) }
}

/// The line that `SOURCE:LINE` names, whether or not it is known.
#[must_use]
pub fn line_of_source(key: &str) -> Option<Source> {
    let (name, line) = key.rsplit_once(':')?;
    let line = line.parse().ok().filter(|line| *line > 0)?;
    Some(Source { line, name: name.into() })
}

/// Whether some line of that source is known.
fn knows(source: &Source, facts: &Part<'_>, rejected: &[Rejected]) -> bool {
    let mut names = facts.facts.iter().map(|fact| &fact.fact.source).chain(rejected.iter().map(|(source, _)| source));
    names.any(|known| known.name == source.name)
}
