//! The facts that the story of one derived key needs, and no others.

use std::collections::{BTreeMap, BTreeSet};

use dome_core::Sha256Hash;

use crate::ledger::{Ledger, LineFact, LineFacts};

/// The facts of a key's task line, and of the lines that applied the key.
#[derive(Clone, Debug)]
pub struct Excerpt<'l> {
    /// The facts of the key's task line, in total order.
    pub line: LineFacts<'l>,
    /// The other task lines of which some fact's `applied_capsule` is the key.
    pub others: Vec<LineFacts<'l>>,
}

impl Ledger {
    /// The facts of one task line, as one of [`Ledger::lines`].
    #[must_use]
    pub fn line(&self, key: Sha256Hash) -> LineFacts<'_> {
        self.some_lines(&BTreeSet::from([key])).remove(&key).unwrap_or(LineFacts { facts: Vec::new() })
    }

    /// What the story of a derived key needs; `None` when no fact has that key.
    #[must_use]
    pub fn excerpt(&self, key: Sha256Hash) -> Option<Excerpt<'_>> {
        let own = self.facts.iter().find(|fact| fact.keys.derived == key)?.keys.line;
        let applying = self.facts.iter().filter(|fact| fact.applied_capsule == Some(key));
        let wanted = applying.map(|fact| fact.keys.line).chain([own]).collect();
        let mut lines = self.some_lines(&wanted);
        let line = lines.remove(&own)?;
        Some(Excerpt { line, others: lines.into_values().collect() })
    }

    fn some_lines(&self, wanted: &BTreeSet<Sha256Hash>) -> BTreeMap<Sha256Hash, LineFacts<'_>> {
        let unseen = self.unseen_denials();
        let mut lines: BTreeMap<Sha256Hash, LineFacts<'_>> = BTreeMap::new();
        for (position, fact) in self.facts.iter().enumerate().filter(|(_, fact)| wanted.contains(&fact.keys.line)) {
            let line = lines.entry(fact.keys.line).or_insert_with(|| LineFacts { facts: Vec::new() });
            line.facts.push(LineFact { position, fact, unseen_denial: unseen.contains(&position) });
        }
        lines
    }
}
