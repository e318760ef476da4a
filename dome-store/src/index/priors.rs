//! `priors`: answered from the capsules and concepts that a question may reach, and no others.

use std::collections::{BTreeMap, BTreeSet};

use dome_binder::priors::{Memory, Priors, PriorsQuery, priors};
use dome_binder::{Capsule, Concept, RowReader};
use dome_core::{Sha256Hash, Source, Timestamp};
use rusqlite::{OptionalExtension, params};

use super::Index;
use super::error::Result;
use super::read::{self, Capsules};

impl Index {
    /// Answers a planner's question as a replay of the whole history would (section 10). `as_of` is the instant that
    /// staleness is measured at, by default that of the index.
    ///
    /// # Errors
    ///
    /// When a row cannot be read, or does not fit.
    pub fn priors(&self, query: &PriorsQuery, as_of: Option<Timestamp>) -> Result<Priors> {
        let as_of = as_of.map_or_else(|| self.as_of(), |as_of| Ok(Some(as_of)))?;
        let mut capsules = Vec::new();
        if let Some(line) = read::line_id(&self.db, query.line.key())? {
            self.reach(Capsules::OfLine(line), as_of, &mut capsules)?;
        }
        let line = query.line.key();
        let asked = |capsule: &&Capsule| {
            query.failure_reason_code.as_ref().is_none_or(|code| *code == capsule.failure_reason_code)
        };
        let sought: BTreeSet<Sha256Hash> = capsules.iter().filter(asked).map(|capsule| capsule.concept_key).collect();
        let mut elsewhere = Vec::new();
        match query.fingerprint_hash {
            Some(fingerprint) => self.reach(Capsules::WithFingerprint(fingerprint), as_of, &mut elsewhere)?,
            None => {
                for concept in &sought {
                    self.reach(Capsules::OfConcept(*concept), as_of, &mut elsewhere)?;
                }
            }
        }
        capsules.extend(elsewhere.into_iter().filter(|capsule| capsule.line_key != line));
        let concepts = self.concepts_for(query, &sought, as_of)?;
        let policy = &self.basis.rules.policy;
        let memory = Memory { capsules: &capsules, concepts: &concepts, policy, as_of, sources: BTreeMap::new() };
        let mut answer = priors(&memory, query);
        // Only what is shown is looked up.
        for fact in answer.priors.iter_mut().flat_map(|prior| &mut prior.provenance) {
            fact.source = self.source_of(fact.digest)?;
        }
        Ok(answer)
    }

    fn reach(&self, which: Capsules, as_of: Option<Timestamp>, into: &mut Vec<Capsule>) -> Result<()> {
        let mut reader = RowReader::default();
        let by = (&self.basis.rules, as_of);
        read::capsules(&self.db, self.seals, &mut reader, by, which, |finished| {
            into.push(finished.capsule);
            Ok(())
        })
    }

    /// The concepts that the question may mean: those of the line's own failures; where nothing is known of the line,
    /// those of its kind of work.
    fn concepts_for(
        &self,
        query: &PriorsQuery,
        sought: &BTreeSet<Sha256Hash>,
        as_of: Option<Timestamp>,
    ) -> Result<Vec<Concept>> {
        let mut found = Vec::new();
        if query.fingerprint_hash.is_none() && !sought.is_empty() {
            let mut select = self.db.prepare_cached("SELECT key, row, seal FROM concepts WHERE key = ?1")?;
            for key in sought {
                let mut rows = select.query([key.as_bytes()])?;
                while let Some(row) = rows.next()? {
                    found.push(self.concept(row)?.at(&self.basis.rules, as_of));
                }
            }
            return Ok(found);
        }
        let mut select = self.db.prepare_cached(
            "SELECT key, row, seal FROM concepts WHERE target_kind = ?1 AND action_kind = ?2
             AND (?3 IS NULL OR fingerprint = ?3) ORDER BY key",
        )?;
        let fingerprint = query.fingerprint_hash.as_ref().map(|hash| hash.as_bytes().as_slice());
        let mut rows =
            select.query(params![query.line.target_kind.as_str(), query.line.action_kind.as_str(), fingerprint])?;
        while let Some(row) = rows.next()? {
            found.push(self.concept(row)?.at(&self.basis.rules, as_of));
        }
        Ok(found)
    }

    /// Where the fact with a digest first appeared.
    fn source_of(&self, digest: Sha256Hash) -> Result<Option<Source>> {
        let mut select = self.db.prepare_cached("SELECT id FROM digests WHERE digest = ?1")?;
        let id: Option<u64> = select.query_row([digest.as_bytes()], |row| row.get(0)).optional()?;
        let mut reader = RowReader::default();
        id.map(|id| Ok(read::record(&self.db, self.seals, &mut reader, id)?.source)).transpose()
    }
}
