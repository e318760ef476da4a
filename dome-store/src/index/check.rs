//! Whether an index is whole: every row as it was written, and as many as there should be.

use super::Index;
use super::error::{IndexError, Result};
use super::rows::Tallies;
use super::seal::Table;

/// Sealed tables: what a row is named by, as its seal has it, then the row and its seal.
const SEALED: [(Table, &str); 8] = [
    (Table::Entries, "SELECT id, row, seal FROM entries"),
    (Table::Runs, "SELECT run, row, seal FROM runs"),
    (Table::Lines, "SELECT id, row, seal FROM lines"),
    (Table::Keys, "SELECT key, row, seal FROM keys"),
    (Table::Applied, "SELECT key, row, seal FROM applied"),
    (Table::Judged, "SELECT key, row, seal FROM judged"),
    (Table::Concepts, "SELECT key, row, seal FROM concepts"),
    (Table::Totals, "SELECT name, row, seal FROM totals"),
];

impl Index {
    /// Looks at every row: whether it is the one that was written, and whether none is missing. It reads the whole index;
    /// answers look only at the rows that they are made of.
    ///
    /// # Errors
    ///
    /// [`IndexError::Unfit`] when it is not whole.
    pub fn check(&self) -> Result<()> {
        self.counts(&self.tallies()?)?;
        for (table, select) in SEALED {
            let mut select = self.db.prepare(select)?;
            let mut rows = select.query([])?;
            while let Some(row) = rows.next()? {
                let (bytes, seal) = (row.get_ref(1)?.as_blob()?, row.get_ref(2)?.as_blob()?);
                match row.get_ref(0)? {
                    rusqlite::types::ValueRef::Integer(id) => {
                        self.seals.check(table, &id.to_le_bytes(), bytes, seal)?;
                    }
                    name => self.seals.check(table, name.as_bytes()?, bytes, seal)?,
                }
            }
        }
        let mut select = self.db.prepare("SELECT place, id, line, code, policy, flags, seal FROM facts")?;
        let mut rows = select.query([])?;
        while let Some(row) = rows.next()? {
            let place = row.get_ref(0)?.as_blob()?;
            let seal = self.seals.of_fact(place, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?);
            if seal != row.get_ref(6)?.as_blob()? {
                return Err(IndexError::Unfit("a fact is not the one that was written"));
            }
        }
        Ok(())
    }

    fn counts(&self, tallies: &Tallies) -> Result<()> {
        let facts = tallies.facts;
        for (select, expected) in [
            ("SELECT count(*) FROM entries", tallies.entries),
            ("SELECT count(*) FROM facts", facts),
            ("SELECT coalesce(sum(facts), 0) FROM spans", facts),
            ("SELECT count(*) FROM digests", facts),
            ("SELECT count(*) FROM outcomes", facts),
            ("SELECT count(*) FROM events", facts),
            ("SELECT count(*) FROM places", facts),
            ("SELECT count(*) FROM facts WHERE flags & 1", tallies.failing),
            ("SELECT count(*) FROM lines", tallies.lines),
            ("SELECT count(*) FROM keys", tallies.keys),
            ("SELECT count(*) FROM keys WHERE row <> x''", tallies.capsules),
            ("SELECT count(*) FROM concepts", tallies.concepts),
            ("SELECT count(*) FROM totals", tallies.gate_rows + tallies.denial_rows),
            ("SELECT count(*) FROM rejected WHERE state = 'conflict'", tallies.conflicts),
        ] {
            let found: u64 = self.db.query_row(select, [], |row| row.get(0))?;
            if found != expected {
                return Err(IndexError::Unfit("a row is missing, or one too many"));
            }
        }
        Ok(())
    }
}
