//! Concepts: gathered again from their finished members (M-95).

use dome_binder::{Concept, concepts};
use dome_core::Sha256Hash;
use rusqlite::params;

use super::Derivation;
use crate::index::error::Result;
use crate::index::seal::Table;

impl Derivation<'_> {
    /// Gathers every concept that was touched. Whether one is expired is told when it is read.
    pub(super) fn concepts(&mut self) -> Result<()> {
        for key in std::mem::take(&mut self.touched_concepts) {
            let members = crate::index::read::members(self.tx, self.seals, &mut self.reader, self.rules, key, None)?;
            let listed =
                concepts(members.iter().map(|member| (&member.capsule, &member.state.remedies)), self.rules, None);
            let gone = self.tx.prepare_cached("DELETE FROM concepts WHERE key = ?1")?.execute([key.as_bytes()])?;
            self.tallies.concepts -= gone as u64;
            for concept in listed {
                self.write_concept(key, &concept)?;
            }
        }
        Ok(())
    }

    fn write_concept(&mut self, key: Sha256Hash, concept: &Concept) -> Result<()> {
        self.tallies.concepts += 1;
        let bytes = serde_json::to_vec(concept)?;
        let seal = self.seals.of(Table::Concepts, key.as_bytes(), &bytes);
        let mut insert = self.tx.prepare_cached(
            "INSERT INTO concepts (key, target_kind, action_kind, fingerprint, row, seal) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?;
        insert.execute(params![
            key.as_bytes(),
            concept.target_kind.as_str(),
            concept.action_kind.as_str(),
            concept.fingerprint_hash.as_bytes(),
            bytes,
            seal
        ])?;
        Ok(())
    }
}
