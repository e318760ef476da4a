//! Derived keys: what became of those who applied them (M-84, M-44), whatever line they are of.

use dome_binder::{AppliedCounts, FinishedKey, finish_key};
use dome_core::Sha256Hash;
use rusqlite::{OptionalExtension, params};

use super::Derivation;
use crate::index::error::Result;
use crate::index::rows::Judged;
use crate::index::seal::Table;

impl Derivation<'_> {
    /// Judges the applications of every key that was touched.
    pub(super) fn finish(&mut self) -> Result<()> {
        for key in std::mem::take(&mut self.touched_keys) {
            let before = crate::index::read::judged(self.tx, self.seals, &mut self.reader, key)?;
            let now = self.judge(key)?;
            if before != now {
                self.write_judged(key, before.unwrap_or_default(), now)?;
            }
        }
        Ok(())
    }

    fn judge(&mut self, key: Sha256Hash) -> Result<Option<Judged>> {
        let applied = crate::index::read::applied(self.tx, self.seals, &mut self.reader, key)?;
        if applied.is_empty() {
            return Ok(None);
        }
        let folded = crate::index::read::folded(self.tx, self.seals, &mut self.reader, key)?;
        let FinishedKey { capsule, applied_unknown, applied_too_early } = finish_key(folded, applied, self.rules, None);
        let counts = capsule.map_or_else(AppliedCounts::default, |finished| AppliedCounts {
            confirmed_count: finished.capsule.confirmed_count,
            refuted_count: finished.capsule.refuted_count,
            blocked_count: finished.capsule.blocked_count,
        });
        Ok(Some(Judged { counts, unknown: applied_unknown, too_early: applied_too_early }))
    }

    fn write_judged(&mut self, key: Sha256Hash, before: Judged, now: Option<Judged>) -> Result<()> {
        let tallies = &mut self.tallies;
        let sums = now.unwrap_or_default();
        tallies.applied_unknown = tallies.applied_unknown + sums.unknown - before.unknown;
        tallies.applied_too_early = tallies.applied_too_early + sums.too_early - before.too_early;
        if before.counts != sums.counts {
            let mut select = self.tx.prepare_cached("SELECT concept FROM keys WHERE key = ?1")?;
            let concept: Option<[u8; 32]> = select.query_row([key.as_bytes()], |row| row.get(0)).optional()?;
            self.touched_concepts.extend(concept.map(Sha256Hash::from_bytes));
        }
        let Some(now) = now else {
            self.tx.prepare_cached("DELETE FROM judged WHERE key = ?1")?.execute([key.as_bytes()])?;
            return Ok(());
        };
        let bytes = now.to_bytes();
        let seal = self.seals.of(Table::Judged, key.as_bytes(), &bytes);
        self.tx
            .prepare_cached("INSERT OR REPLACE INTO judged (key, row, seal) VALUES (?1, ?2, ?3)")?
            .execute(params![key.as_bytes(), bytes, seal])?;
        Ok(())
    }
}
