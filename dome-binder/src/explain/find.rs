//! What a key names, and the facts that its story needs.

use std::collections::{BTreeMap, BTreeSet};

use dome_core::{Sha256Hash, Source};
use serde::Serialize;

use crate::ledger::{LineFact, LineFacts, Position};
use crate::settle::Fact;

/// Hex digits from which the start of a hash names it.
pub const LEAST_DIGITS: usize = 8;

/// What can be explained.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Explainable {
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
    One(Explainable),
    /// Several: say which.
    Many(Vec<Candidate>),
    /// Nothing.
    Nothing,
}

/// Finds what `key` names among facts, which come in total order, and rejected lines, with their hashes.
///
/// A key is a derived, concept, line or idempotency key, a fingerprint hash, a fact's digest, the
/// hash of a rejected line (each whole, or by its first [`LEAST_DIGITS`] hex digits or more), an
/// event id, `RUN/EVENT`, or `SOURCE:LINE`. What is named in full is found before what only starts
/// with the key.
#[must_use]
pub fn find(key: &str, facts: &[LineFact<'_>], rejected: &[(Source, Sha256Hash)]) -> Found {
    let mut found = named_in_full(key, facts, rejected);
    if found.is_empty() {
        found = named_by_hash(key, facts, rejected);
    }
    if found.len() > 1 {
        return Found::Many(found.into_values().collect());
    }
    let mut sources = facts.iter().map(|fact| &fact.fact.source).chain(rejected.iter().map(|(source, _)| source));
    let mut unlisted = || line_of_source(key).filter(|line| sources.any(|known| known.name == line.name));
    let one = found.into_keys().next().or_else(|| Some(Explainable::Unlisted(unlisted()?)));
    one.map_or(Found::Nothing, Found::One)
}

type Hits = BTreeMap<Explainable, Candidate>;

fn add(found: &mut Hits, subject: Explainable, named_by: &'static str, key: impl ToString) {
    found.entry(subject).or_insert_with(|| Candidate { key: key.to_string(), named_by });
}

fn named_in_full(key: &str, facts: &[LineFact<'_>], rejected: &[(Source, Sha256Hash)]) -> Hits {
    let (place, mut found) = (line_of_source(key), Hits::new());
    for LineFact { position, fact, .. } in facts {
        let event = fact.event_id.as_str();
        let of_run = key.strip_suffix(event).and_then(|rest| rest.strip_suffix('/'));
        if event == key || of_run == Some(fact.run_id.as_str()) {
            add(&mut found, Explainable::Fact(*position), "event", format!("{}/{event}", fact.run_id));
        }
        if place.as_ref() == Some(&fact.source) {
            add(&mut found, Explainable::Fact(*position), "digest", fact.keys.digest);
        }
    }
    for (number, (_, sha256)) in rejected.iter().enumerate().filter(|(_, (source, _))| place.as_ref() == Some(source)) {
        add(&mut found, Explainable::Rejected(number), "sha256", sha256);
    }
    found
}

fn named_by_hash(key: &str, facts: &[LineFact<'_>], rejected: &[(Source, Sha256Hash)]) -> Hits {
    let mut found = Hits::new();
    let Some((least, most)) = span(key) else { return found };
    let named = |hash: Sha256Hash| (least..=most).contains(&hash);
    for LineFact { position, fact, .. } in facts {
        let keys = &fact.keys;
        for (is_named, subject, named_by, key) in [
            (named(keys.derived), Explainable::Capsule(keys.derived), "derived_key", keys.derived),
            (named(keys.fingerprint_hash), Explainable::Capsule(keys.derived), "derived_key", keys.derived),
            (named(keys.concept), Explainable::Concept(keys.concept), "concept_key", keys.concept),
            (named(keys.line), Explainable::Line(keys.line), "line_key", keys.line),
            (named(keys.digest), Explainable::Fact(*position), "digest", keys.digest),
            (named(keys.idempotency), Explainable::Fact(*position), "idempotency_key", keys.idempotency),
        ] {
            if is_named {
                add(&mut found, subject, named_by, key);
            }
        }
    }
    for (number, (_, sha256)) in rejected.iter().enumerate().filter(|(_, (_, sha256))| named(*sha256)) {
        add(&mut found, Explainable::Rejected(number), "sha256", sha256);
    }
    found
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

/// The facts of a key's task line, and of the lines that applied the key.
#[derive(Clone, Debug)]
pub struct Excerpt<'l> {
    pub(super) key: Sha256Hash,
    pub(super) first: &'l Fact,
    pub(super) line: LineFacts<'l>,
    /// The other task lines of which some fact's `applied_capsule` is the key.
    pub(super) others: Vec<LineFacts<'l>>,
}

/// What the story of a derived key needs; `None` when no fact has that key. `facts` come in total order, with all
/// facts of the key's task line and of every line with a fact that applies it.
#[must_use]
pub fn excerpt<'l>(facts: &[LineFact<'l>], key: Sha256Hash) -> Option<Excerpt<'l>> {
    let first = facts.iter().find(|fact| fact.fact.keys.derived == key)?.fact;
    let applying = facts.iter().filter(|fact| fact.fact.applied_capsule() == Some(&key));
    let others: BTreeSet<Sha256Hash> = applying.map(|fact| fact.fact.keys.line).collect();
    let others = others.into_iter().filter(|line| *line != first.keys.line).map(|line| line_of(facts, line)).collect();
    Some(Excerpt { key, first, line: line_of(facts, first.keys.line), others })
}

/// The facts of one task line among facts that come in total order.
#[must_use]
pub fn line_of<'l>(facts: &[LineFact<'l>], key: Sha256Hash) -> LineFacts<'l> {
    LineFacts { facts: facts.iter().filter(|fact| fact.fact.keys.line == key).copied().collect() }
}
