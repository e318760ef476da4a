//! Task lines: folded whole (section 9), and what comes of that in the place of what was there.

use std::collections::{BTreeMap, BTreeSet};

use dome_binder::{Applied, DenialKind, Fact, FoldedCapsule, FoldedLine, LineFact, LineFacts, fold};
use dome_core::Sha256Hash;
use rusqlite::params;

use super::{Derivation, TaskChange};
use crate::index::error::Result;
use crate::index::rows::{TaskFact, TaskRow, applied_bytes, key_bytes};
use crate::index::seal::Table;

/// A derived key of a line, with what places it.
struct LineKey {
    concept: Sha256Hash,
    fingerprint: Sha256Hash,
    fact: u64,
}

impl Derivation<'_> {
    /// Folds a task line again with the facts that it gained and lost.
    pub(super) fn fold(&mut self, key: Sha256Hash, change: TaskChange) -> Result<()> {
        let before = if change.new {
            None
        } else {
            Some(crate::index::read::task_row(self.tx, self.seals, &mut self.reader, change.id)?)
        };
        let TaskChange { id, new, gone, fresh } = change;
        let mut facts = fresh;
        for fact in before.iter().flat_map(|row| &row.facts).filter(|fact| !gone.contains(&fact.id)) {
            let record = self.record(fact.id)?;
            facts.push((fact.id, Fact { record, ordered_ts: fact.ordered_ts, place: fact.place }));
        }
        facts.sort_unstable_by(|(_, a), (_, b)| a.total_order(b));
        let mut unseen = Vec::with_capacity(facts.len());
        for (_, fact) in &facts {
            let kind = DenialKind::of(fact).map(|kind| serde_json::to_string(&kind)).transpose()?;
            unseen.push(match kind {
                Some(kind) => self.is_first(&kind, &fact.order().to_bytes())?,
                None => false,
            });
        }
        let mut line = LineFacts { facts: Vec::with_capacity(facts.len()) };
        for (position, ((_, fact), unseen_denial)) in facts.iter().zip(unseen.iter().copied()).enumerate() {
            line.facts.push(LineFact { position, fact, unseen_denial });
        }
        let FoldedLine { bound, capsules, applied, guard_denied } = fold(&line, self.rules);
        self.tallies.lines += u64::from(new);
        let Some((_, first)) = facts.first() else {
            return self.no_line(id, before);
        };
        let mut by_key: BTreeMap<Sha256Hash, Vec<Applied>> = BTreeMap::new();
        applied.into_iter().for_each(|applied| by_key.entry(applied.capsule).or_default().push(applied));
        let mut row = TaskRow {
            line: (*first.keys.task_line).clone(),
            facts: facts
                .iter()
                .zip(bound)
                .zip(&unseen)
                .map(|(((id, fact), bound), unseen)| TaskFact {
                    id: *id,
                    ordered_ts: fact.ordered_ts,
                    place: fact.place,
                    unseen_denial: *unseen,
                    bound,
                })
                .collect(),
            keys: 0,
            applied: by_key.keys().copied().collect(),
        };
        self.write_applied(id, before.map(|row| row.applied).unwrap_or_default(), &by_key)?;
        let mut keys: BTreeMap<Sha256Hash, LineKey> = BTreeMap::new();
        for (id, fact) in &facts {
            let place = || LineKey { concept: fact.keys.concept, fingerprint: fact.keys.fingerprint_hash, fact: *id };
            keys.entry(fact.keys.derived).or_insert_with(place);
        }
        row.keys = keys.len() as u64;
        self.write_line(id, key, &row)?;
        let folded = capsules.into_iter().map(|state| (state.keys.derived, FoldedCapsule { state, guard_denied }));
        self.write_keys(id, new, &keys, &folded.collect())
    }

    fn write_line(&mut self, id: i64, key: Sha256Hash, row: &TaskRow) -> Result<()> {
        let bytes = row.to_bytes()?;
        let seal = self.seals.of(Table::Lines, &id.to_le_bytes(), &bytes);
        self.tx
            .prepare_cached("INSERT OR REPLACE INTO lines (id, key, row, seal) VALUES (?1, ?2, ?3, ?4)")?
            .execute(params![id, key.as_bytes(), bytes, seal])?;
        Ok(())
    }

    /// A line whose last fact went.
    fn no_line(&mut self, id: i64, before: Option<TaskRow>) -> Result<()> {
        self.tallies.lines -= 1;
        self.tx.prepare_cached("DELETE FROM lines WHERE id = ?1")?.execute([id])?;
        self.write_applied(id, before.map(|row| row.applied).unwrap_or_default(), &BTreeMap::new())?;
        self.write_keys(id, false, &BTreeMap::new(), &BTreeMap::new())
    }

    /// Puts what a line applied in the place of what it applied before.
    fn write_applied(
        &mut self,
        line: i64,
        before: Vec<Sha256Hash>,
        now: &BTreeMap<Sha256Hash, Vec<Applied>>,
    ) -> Result<()> {
        for key in before.into_iter().filter(|key| !now.contains_key(key)) {
            self.tx
                .prepare_cached("DELETE FROM applied WHERE key = ?1 AND line = ?2")?
                .execute(params![key.as_bytes(), line])?;
            self.touched_keys.insert(key);
        }
        for (key, applied) in now {
            let bytes = applied_bytes(applied);
            let seal = self.seals.of(Table::Applied, key.as_bytes(), &bytes);
            self.tx
                .prepare_cached("INSERT OR REPLACE INTO applied (key, line, row, seal) VALUES (?1, ?2, ?3, ?4)")?
                .execute(params![key.as_bytes(), line, bytes, seal])?;
            self.touched_keys.insert(*key);
        }
        Ok(())
    }

    /// Puts the keys of a line in the place of those that it had.
    fn write_keys(
        &mut self,
        line: i64,
        new: bool,
        keys: &BTreeMap<Sha256Hash, LineKey>,
        folded: &BTreeMap<Sha256Hash, FoldedCapsule>,
    ) -> Result<()> {
        let before = if new { BTreeMap::new() } else { self.keys_of(line)? };
        self.tallies.keys = self.tallies.keys + keys.len() as u64 - before.len() as u64;
        let gone: BTreeSet<Sha256Hash> = before.keys().filter(|key| !keys.contains_key(key)).copied().collect();
        for key in gone {
            self.tx.prepare_cached("DELETE FROM keys WHERE key = ?1")?.execute([key.as_bytes()])?;
            if let Some((minted, concept, _, _)) = before.get(&key) {
                self.tallies.capsules -= u64::from(*minted);
                self.touched_concepts.insert(*concept);
                self.touched_keys.insert(key);
            }
        }
        for (key, LineKey { concept, fingerprint, fact }) in keys {
            let bytes = key_bytes(folded.get(key));
            if let Some((minted, _, known_fact, known)) = before.get(key) {
                if *known_fact == *fact && *known == bytes {
                    continue;
                }
                self.tallies.capsules -= u64::from(*minted);
            }
            self.tallies.capsules += u64::from(!bytes.is_empty());
            let seal = self.seals.of(Table::Keys, key.as_bytes(), &bytes);
            let mut insert = self.tx.prepare_cached(
                "INSERT INTO keys (key, line, concept, fingerprint, fact, row, seal) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
                 ON CONFLICT (key) DO UPDATE SET fact = excluded.fact, row = excluded.row, seal = excluded.seal",
            )?;
            let (concept_bytes, fingerprint) = (concept.as_bytes(), fingerprint.as_bytes());
            insert.execute(params![key.as_bytes(), line, concept_bytes, fingerprint, fact, bytes, seal])?;
            self.touched_concepts.insert(*concept);
            self.touched_keys.insert(*key);
        }
        Ok(())
    }

    /// The keys of a line as they stand: whether some fact mints one, its concept, a fact of it, and its row.
    #[expect(clippy::type_complexity, reason = "a row of one table, read in one place")]
    fn keys_of(&self, line: i64) -> Result<BTreeMap<Sha256Hash, (bool, Sha256Hash, u64, Vec<u8>)>> {
        let mut select = self.tx.prepare_cached("SELECT key, concept, fact, row FROM keys WHERE line = ?1")?;
        let rows = select.query_map([line], |row| {
            let (key, concept) = (Sha256Hash::from_bytes(row.get(0)?), Sha256Hash::from_bytes(row.get(1)?));
            let bytes: Vec<u8> = row.get(3)?;
            Ok((key, (!bytes.is_empty(), concept, row.get(2)?, bytes)))
        })?;
        Ok(rows.collect::<std::result::Result<_, _>>()?)
    }
}
