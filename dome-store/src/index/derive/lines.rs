//! Task lines, folded whole (section 9), the derived keys of their facts, and the concepts of those.

use std::collections::BTreeMap;

use dome_binder::{Fact, FoldedCapsule, FoldedLine, LineFact, LineFacts, Row as _, concepts, fold};
use dome_core::Sha256Hash;

use super::{Derivation, TaskChange};
use crate::index::error::Result;
use crate::index::read::{CapsulesOf, TaskFact, TaskRow};
use crate::index::sealed::{SealedTable, hash, held};

#[derive(PartialEq, Eq)]
struct KeyRow {
    row: Vec<u8>,
    line: Sha256Hash,
    concept: Sha256Hash,
    fingerprint: Sha256Hash,
    fact: u64,
    rank: Vec<u8>,
}

impl KeyRow {
    fn read(row: &rusqlite::Row<'_>) -> Result<Self> {
        let (line, concept, fingerprint) = (hash(row, 2)?, hash(row, 3)?, hash(row, 4)?);
        Ok(Self { row: held(row)?.to_vec(), line, concept, fingerprint, fact: row.get(5)?, rank: row.get(6)? })
    }
}

impl Derivation<'_> {
    pub(super) fn fold(&mut self, key: Sha256Hash, TaskChange { gone, fresh: mut facts }: TaskChange) -> Result<()> {
        let before = self.rows.task_row(key)?;
        self.tallies.lines -= u64::from(before.is_some());
        let before = before.unwrap_or_default();
        for known in before.facts.iter().filter(|known| !gone.contains(&known.0)) {
            facts.push((known.0, self.rows.fact(known)?));
        }
        facts.sort_unstable_by(|(_, a), (_, b)| a.total_order(b));
        let mut row = TaskRow::default();
        for (id, fact) in &facts {
            row.facts.push(TaskFact(*id, fact.ordered_ts, fact.place, self.is_unseen(fact)?));
        }
        let known = facts.iter().zip(&row.facts).enumerate();
        let known = known.map(|(position, ((_, fact), known))| LineFact { position, fact, unseen_denial: known.3 });
        let line = LineFacts { facts: known.collect() };
        let FoldedLine { capsules, applied, figures: line, .. } = fold(&line, self.rules);
        let mut by_key: BTreeMap<Sha256Hash, Vec<u8>> = BTreeMap::new();
        applied.iter().for_each(|applied| applied.append(by_key.entry(applied.capsule).or_default()));
        row.applied = by_key.keys().copied().collect();
        self.write_applied(key, &before.applied, &by_key)?;
        let folded = capsules.into_iter().map(|state| (state.keys.derived, FoldedCapsule { state, line }));
        row.keys = self.write_keys(key, &facts, folded.collect(), before.keys)?;
        let Some((_, first)) = facts.first() else {
            self.rows.delete(SealedTable::Lines, key.as_bytes())?;
            return Ok(());
        };
        self.tallies.lines += 1;
        let (row, line) = (serde_json::to_vec(&row)?, serde_json::to_vec(&first.keys.task_line)?);
        self.rows.put(SealedTable::Lines, &[key.as_bytes(), &row, &line])
    }

    fn write_applied(
        &mut self,
        line: Sha256Hash,
        before: &[Sha256Hash],
        now: &BTreeMap<Sha256Hash, Vec<u8>>,
    ) -> Result<()> {
        let name = |key: &Sha256Hash| [key.as_bytes().as_slice(), line.as_bytes()].concat();
        for key in before.iter().filter(|key| !now.contains_key(key)) {
            self.rows.delete(SealedTable::Applied, name(key))?;
        }
        for (key, applied) in now {
            self.rows.put(SealedTable::Applied, &[&name(key), applied])?;
        }
        self.applied.extend(before.iter().chain(now.keys()));
        Ok(())
    }

    /// Puts the keys of a line's facts in the place of those that it had; how many there are.
    fn write_keys(
        &mut self,
        line: Sha256Hash,
        facts: &[(u64, Fact)],
        mut folded: BTreeMap<Sha256Hash, FoldedCapsule>,
        had: u64,
    ) -> Result<u64> {
        let mut before: BTreeMap<Sha256Hash, KeyRow> = BTreeMap::new();
        if had > 0 {
            self.rows.each(SealedTable::Keys, "line = ?1", [line.as_bytes()], |row| {
                before.insert(hash(row, 0)?, KeyRow::read(row)?);
                Ok(())
            })?;
        }
        let mut firsts: BTreeMap<Sha256Hash, &(u64, Fact)> = BTreeMap::new();
        for fact in facts {
            firsts.entry(fact.1.keys.derived).or_insert(fact);
        }
        let keys = firsts.len() as u64;
        for (key, (fact, first)) in firsts {
            let (row, rank) = self.rows.key_row(key, folded.remove(&key), self.rules)?;
            let (concept, fingerprint) = (first.keys.concept, first.keys.fingerprint_hash);
            let now = KeyRow { row, line, concept, fingerprint, fact: *fact, rank };
            self.write_key(key, before.remove(&key).as_ref(), &now)?;
        }
        for (key, gone) in before {
            self.rows.delete(SealedTable::Keys, key.as_bytes())?;
            self.count_key(&gone, |sum, one| *sum -= one);
            self.concepts.insert(gone.concept);
        }
        Ok(keys)
    }

    fn write_key(&mut self, key: Sha256Hash, before: Option<&KeyRow>, now: &KeyRow) -> Result<()> {
        if before == Some(now) {
            return Ok(());
        }
        if let Some(before) = before {
            self.count_key(before, |sum, one| *sum -= one);
        }
        self.count_key(now, |sum, one| *sum += one);
        self.concepts.insert(now.concept);
        let KeyRow { row, line, concept, fingerprint, fact, rank } = now;
        let [key, line, concept, fingerprint] = [&key, line, concept, fingerprint].map(Sha256Hash::as_bytes);
        self.rows.put(SealedTable::Keys, &[key, row, line, concept, fingerprint, fact, rank])
    }

    fn count_key(&mut self, key: &KeyRow, change: fn(&mut u64, u64)) {
        change(&mut self.tallies.keys, 1);
        change(&mut self.tallies.capsules, u64::from(!key.row.is_empty()));
    }

    /// Finishes the keys again that are applied otherwise than before, whatever line they are of (M-84).
    pub(super) fn finish_applied(&mut self) -> Result<()> {
        for key in std::mem::take(&mut self.applied) {
            let found = self.rows.find(SealedTable::Keys, key.as_bytes(), |row| {
                Ok((KeyRow::read(row)?, self.rows.folded(row)?.map(|(folded, _)| folded)))
            })?;
            let Some((before, folded)) = found else { continue };
            let (row, rank) = self.rows.key_row(key, folded, self.rules)?;
            let now = KeyRow { row, rank, ..before };
            self.write_key(key, Some(&before), &now)?;
        }
        Ok(())
    }

    /// Gathers every concept again that was touched (M-95). What holds one back is told when it is read.
    pub(super) fn gather_concepts(&mut self) -> Result<()> {
        for key in std::mem::take(&mut self.concepts) {
            let mut members = Vec::new();
            self.rows.capsules((self.rules, None), CapsulesOf::OfConcept(key), |member| {
                members.push(member);
                Ok(())
            })?;
            let listed: Option<bool> =
                self.rows.find(SealedTable::Concepts, key.as_bytes(), |row| Ok(row.get::<_, i64>(2)? == 1))?;
            self.tallies.concepts -= u64::from(listed == Some(true));
            let Some(any) = members.first().map(|member| &member.capsule) else {
                self.rows.delete(SealedTable::Concepts, key.as_bytes())?;
                continue;
            };
            let each = members.iter().map(|member| (&member.capsule, &member.state.trials));
            let listed = concepts(each, self.rules, None).pop();
            self.tallies.concepts += u64::from(listed.is_some());
            let mut row = (members.len() as u64).to_le_bytes().to_vec();
            if let Some(concept) = &listed {
                serde_json::to_writer(&mut row, concept)?;
            }
            let (target, action) = (any.target_kind.as_str(), any.action_kind.as_str());
            let (listed, fingerprint) = (i64::from(listed.is_some()), any.fingerprint_hash.as_bytes());
            self.rows.put(SealedTable::Concepts, &[key.as_bytes(), &row, &listed, &target, &action, fingerprint])?;
        }
        Ok(())
    }
}
