//! Which facts are the first with a policy code of their kind of work (M-71): the one thing that a task line cannot
//! know by itself (L-4).

use std::collections::{HashMap, HashSet};

use rusqlite::{OptionalExtension, params};

use super::Derivation;
use crate::index::error::Result;

/// The first fact of a kind: its place in the total order, and its line.
type First = Option<(Vec<u8>, i64)>;

/// The kinds that a derivation touches.
#[derive(Default)]
pub(super) struct Kinds {
    /// The first of each before.
    before: HashMap<String, First>,
    /// The first of each from here on, as far as it was asked for.
    now: HashMap<String, First>,
}

impl Derivation<'_> {
    fn first_of(&self, kind: &str) -> Result<First> {
        let mut select =
            self.tx.prepare_cached("SELECT place, line FROM kinds WHERE kind = ?1 ORDER BY place LIMIT 1")?;
        Ok(select.query_row([kind], |row| Ok((row.get(0)?, row.get(1)?))).optional()?)
    }

    fn touch_kind(&mut self, kind: &str) -> Result<()> {
        if !self.kinds.before.contains_key(kind) {
            let first = self.first_of(kind)?;
            self.kinds.before.insert(kind.to_owned(), first);
        }
        Ok(())
    }

    pub(super) fn add_kind(&mut self, kind: String, place: &[u8], line: i64) -> Result<()> {
        self.touch_kind(&kind)?;
        self.tx
            .prepare_cached("INSERT OR REPLACE INTO kinds (kind, place, line) VALUES (?1, ?2, ?3)")?
            .execute(params![kind, place, line])?;
        Ok(())
    }

    pub(super) fn remove_kind(&mut self, kind: String, place: &[u8]) -> Result<()> {
        self.touch_kind(&kind)?;
        self.tx.prepare_cached("DELETE FROM kinds WHERE kind = ?1 AND place = ?2")?.execute(params![kind, place])?;
        Ok(())
    }

    /// Marks the lines of facts that are the first of their kind now, and of those that no longer are.
    pub(super) fn mark_unseen(&mut self) -> Result<()> {
        let marked: HashSet<i64> = self.lines.values().map(|change| change.id).collect();
        for (kind, before) in std::mem::take(&mut self.kinds.before) {
            let now = self.first_of(&kind)?;
            if now != before {
                for (_, line) in now.iter().chain(&before) {
                    // A line of this batch is marked already; it may not be written yet.
                    if !marked.contains(line) {
                        let key = self.line_key(*line)?;
                        self.task_line(key)?;
                    }
                }
            }
            self.kinds.now.insert(kind, now);
        }
        Ok(())
    }

    /// Whether the fact at a place of the total order is the first of its kind.
    pub(super) fn is_first(&mut self, kind: &str, place: &[u8]) -> Result<bool> {
        if !self.kinds.now.contains_key(kind) {
            let first = self.first_of(kind)?;
            self.kinds.now.insert(kind.to_owned(), first);
        }
        Ok(self.kinds.now.get(kind).and_then(Option::as_ref).is_some_and(|(first, _)| first == place))
    }
}
