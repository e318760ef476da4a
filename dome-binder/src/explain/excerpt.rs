//! The facts that the story of one key needs, and no others.

use std::collections::BTreeSet;

use dome_core::Sha256Hash;

use crate::ledger::{Ledger, LineFact, LineFacts, by_line};

/// Facts of a history in total order, each with its place in the whole: all of them, or as many as a
/// question needs. Whole task lines are whole in it.
#[derive(Clone, Debug, Default)]
pub struct Part<'l> {
    /// The facts, by position.
    pub facts: Vec<LineFact<'l>>,
}

/// The facts of a key's task line, and of the lines that applied the key.
#[derive(Clone, Debug)]
pub struct Excerpt<'l> {
    /// The facts of the key's task line, in total order.
    pub line: LineFacts<'l>,
    /// The other task lines of which some fact's `applied_capsule` is the key.
    pub others: Vec<LineFacts<'l>>,
}

impl Ledger {
    /// The whole history.
    #[must_use]
    pub fn part(&self) -> Part<'_> {
        Part { facts: self.line_facts().collect() }
    }
}

impl<'l> Part<'l> {
    /// The facts of one task line, as one of [`Ledger::lines`]; none when it is not in this part.
    #[must_use]
    pub fn line(&self, key: Sha256Hash) -> LineFacts<'l> {
        let own = self.facts.iter().filter(|fact| fact.fact.keys.line == key);
        LineFacts { facts: own.copied().collect() }
    }

    /// What the story of a derived key needs; `None` when no fact has that key. The part holds the
    /// key's task line and every line with a fact that applies it.
    #[must_use]
    pub fn excerpt(&self, key: Sha256Hash) -> Option<Excerpt<'l>> {
        let own = self.facts.iter().find(|fact| fact.fact.keys.derived == key)?.fact.keys.line;
        let applying = self.facts.iter().filter(|fact| fact.fact.applied_capsule() == Some(&key));
        let others: BTreeSet<Sha256Hash> =
            applying.map(|fact| fact.fact.keys.line).filter(|line| *line != own).collect();
        Some(Excerpt { line: self.line(own), others: others.into_iter().map(|line| self.line(line)).collect() })
    }

    /// The task lines, sorted by line key; each may be folded apart (L-4).
    #[must_use]
    pub fn lines(&self) -> Vec<LineFacts<'l>> {
        by_line(self.facts.iter().copied())
    }
}
