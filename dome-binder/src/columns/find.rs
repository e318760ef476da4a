//! Which facts a key may name, and which a story needs.

use std::collections::BTreeSet;

use dome_core::{Sha256Hash, Source};

use super::facts::Columns;
use super::section::{Section, at, start};
use super::text::Texts;
use crate::explain::{line_of_source, span};
use crate::ledger::Position;

/// Facts that a question needs, in total order.
pub type Needed = BTreeSet<Position>;

/// What a story is of, as far as it says which facts it needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// A derived key: its task line, and the lines that apply it.
    Capsule(Sha256Hash),
    /// A task line, and the lines that apply one of its keys.
    Line(Sha256Hash),
    /// The task lines of a concept, and the lines that apply one of its keys.
    Concept(Sha256Hash),
}

impl<S: Fn(Section) -> Option<Vec<u8>>> Columns<S> {
    /// Facts among which [`crate::explain::find`] finds all that `key` names among all facts: those it
    /// names, and for other keys one fact that has it.
    #[must_use]
    pub fn candidates(&self, key: &str) -> Option<Needed> {
        let mut found = self.named_in_full(key)?;
        if found.is_empty()
            && let Some(hashes) = span(key)
        {
            found = self.named_by_hash(hashes)?;
        }
        Some(found)
    }

    /// Event ids, events of runs, and lines of sources.
    fn named_in_full(&self, key: &str) -> Option<Needed> {
        let (events, runs) = (self.bytes(Section::Events)?, self.numbers(Section::Runs)?);
        let mut found = Needed::new();
        for (position, span) in self.spans(Section::EventStarts)?.into_iter().enumerate() {
            let Some(before) = key.as_bytes().strip_suffix(events.get(span)?) else { continue };
            let run = self.texts.get(*runs.get(position)?)?;
            if before.is_empty() || before.strip_suffix(b"/") == Some(run.as_bytes()) {
                found.insert(position);
            }
        }
        found.extend(line_of_source(key).map_or(Some(Needed::new()), |source| self.at_line(&source))?);
        Some(found)
    }

    fn at_line(&self, source: &Source) -> Option<Needed> {
        let Some(name) = self.texts.number(&source.name) else { return Some(Needed::new()) };
        let (names, lines) = (self.numbers(Section::SourceNames)?, self.long(Section::SourceLines)?);
        let stands = names.iter().zip(&lines).map(|(its, line)| (*its, *line) == (name, source.line));
        Some(positions(stands))
    }

    /// The facts whose digest or idempotency key is in the span, and the first fact of every key that is.
    fn named_by_hash(&self, (least, most): (Sha256Hash, Sha256Hash)) -> Option<Needed> {
        let starts = start(least)..=start(most);
        let mut found = Needed::new();
        for section in [Section::Digests, Section::Idempotency] {
            found.extend(positions(self.long(section)?.into_iter().map(|hash| starts.contains(&hash))));
        }
        let named = |hash: &Sha256Hash| (least..=most).contains(hash);
        let (lines, failures) = (self.hashes(Section::LineKeys)?, self.tuples::<2>(Section::Failures)?);
        let mut failing: Vec<bool> = failures.iter().map(|[line, _]| lines.get(at(*line)).is_some_and(named)).collect();
        for section in [Section::DerivedKeys, Section::Fingerprints, Section::Concepts] {
            let hashes = self.hashes(section)?;
            failing.iter_mut().zip(&hashes).for_each(|(found, hash)| *found |= named(hash));
        }
        if failing.contains(&true) {
            found.extend(self.first_of(failing)?);
        }
        Some(found)
    }

    /// The first fact of each of these derived keys.
    fn first_of(&self, mut wanted: Vec<bool>) -> Option<Needed> {
        let first = |(position, derived): (usize, u32)| {
            let wanted = wanted.get_mut(at(derived)).filter(|wanted| **wanted)?;
            *wanted = false;
            Some(position)
        };
        Some(self.numbers(Section::Derived)?.into_iter().enumerate().filter_map(first).collect())
    }

    /// The facts that a story needs: whole task lines ([`crate::explain::Part`]).
    #[must_use]
    pub fn needed(&self, wanted: Wanted) -> Option<Needed> {
        let (failures, derived) = (self.tuples::<2>(Section::Failures)?, self.numbers(Section::Derived)?);
        let keys = self.wanted(wanted, &failures)?;
        let lines = self.hashes(Section::LineKeys)?.len();
        let mut needed = vec![false; lines];
        let mut need = |key: usize| {
            let line = failures.get(key).and_then(|[line, _]| needed.get_mut(at(*line)));
            line.into_iter().for_each(|needed| *needed = true);
        };
        keys.iter().enumerate().filter(|(_, wanted)| **wanted).for_each(|(key, _)| need(key));
        for (derived, applied) in derived.iter().zip(self.numbers(Section::Applied)?) {
            let applied = applied.checked_sub(1).and_then(|applied| keys.get(at(applied)));
            if applied == Some(&true) {
                need(at(*derived));
            }
        }
        let of_needed = |derived: &u32| {
            let line = failures.get(at(*derived)).and_then(|[line, _]| needed.get(at(*line)));
            line == Some(&true)
        };
        Some(positions(derived.iter().map(of_needed)))
    }

    /// Which derived keys a story is of.
    fn wanted(&self, wanted: Wanted, failures: &[[u32; 2]]) -> Option<Vec<bool>> {
        let equal = |section, key| Some(self.hashes(section)?.iter().map(|hash| *hash == key).collect());
        match wanted {
            Wanted::Capsule(key) => equal(Section::DerivedKeys, key),
            Wanted::Concept(key) => equal(Section::Concepts, key),
            Wanted::Line(key) => {
                let lines: Vec<bool> = equal(Section::LineKeys, key)?;
                Some(failures.iter().map(|[line, _]| lines.get(at(*line)) == Some(&true)).collect())
            }
        }
    }

    /// The last line of a source that is a fact; `None` when none is, or the index does not fit.
    #[must_use]
    pub fn last_line_of(&self, source: &str) -> Option<u64> {
        let name = self.texts.number(source)?;
        let lines = self.numbers(Section::SourceNames)?.into_iter().zip(self.long(Section::SourceLines)?);
        lines.filter(|(its, _)| *its == name).map(|(_, line)| line).max()
    }

    /// The event ids and the names of sources: what a key may have been meant to be.
    #[must_use]
    pub fn names(&self) -> Option<BTreeSet<String>> {
        let events = Texts::new(self.bytes(Section::Events)?, &self.bytes(Section::EventStarts)?)?;
        let mut sources = self.numbers(Section::SourceNames)?;
        sources.sort_unstable();
        sources.dedup();
        let mut names: BTreeSet<String> = events.all().map(str::to_owned).collect();
        names.extend(sources.into_iter().filter_map(|name| self.texts.get(name)).map(str::to_owned));
        Some(names)
    }
}

/// The places of `true`.
fn positions(named: impl Iterator<Item = bool>) -> Needed {
    named.enumerate().filter(|(_, named)| *named).map(|(position, _)| position).collect()
}
