//! `priors`: answered from the capsules and concepts that can be in the answer, and no others.

use std::collections::{BTreeMap, BTreeSet};

use dome_binder::priors::{AskedFor, MAX_LIMIT, Memory, Priors, PriorsQuery, priors};
use dome_binder::{Capsule, Concept};
use dome_core::{Sha256Hash, Timestamp};
use rusqlite::{Params, params};

use super::Index;
use super::error::{Fits, Result};
use super::read::CapsulesOf;
use super::sealed::{SealedTable, hash, held, number};

impl Index {
    /// Answers a planner's question as a replay of the whole history would (section 10). `as_of` is the instant that
    /// staleness is measured at, by default that of the index.
    ///
    /// # Errors
    ///
    /// When a row cannot be read, or does not fit.
    pub fn priors(&self, query: &PriorsQuery, as_of: Option<Timestamp>) -> Result<Priors> {
        let as_of = as_of.map_or_else(|| self.as_of(), |as_of| Ok(Some(as_of)))?;
        let line = query.line.key();
        let mut capsules = self.capsules_where(CapsulesOf::OfLine(line), as_of)?;
        let asked = |capsule: &Capsule| {
            query.failure_reason_code.as_ref().is_none_or(|code| *code == capsule.failure_reason_code)
        };
        let of_line: Vec<Sha256Hash> =
            capsules.iter().filter(|capsule| asked(capsule)).map(|capsule| capsule.concept_key).collect();
        let own: BTreeSet<Sha256Hash> = capsules
            .iter()
            .filter(|capsule| asked(capsule) && query.about.is(capsule))
            .map(|capsule| capsule.concept_key)
            .collect();
        let (target, action) = (query.line.target_kind.as_str(), query.line.action_kind.as_str());
        let known = |key: &Sha256Hash| self.concept_row(*key)?.fits("a concept is missing");
        let mut concepts: Vec<ConceptRow> = match &query.about {
            AskedFor::Anything => own.iter().map(known).collect::<Result<_>>()?,
            AskedFor::Fingerprint(fingerprint) => self.concepts_where(
                "fingerprint = ?1 AND target_kind = ?2 AND action_kind = ?3",
                params![fingerprint.as_bytes(), target, action],
            )?,
            AskedFor::Failure(keys) => self.concept_row(keys.concept)?.into_iter().collect(),
            AskedFor::Message(_) => {
                let mut rows: Vec<ConceptRow> = own.iter().map(known).collect::<Result<_>>()?;
                let said =
                    |row: &ConceptRow| row.listed.as_ref().is_some_and(|concept| query.about.is_concept(concept, &own));
                let of_kind = self.concepts_of_kind(target, action)?.into_iter();
                rows.extend(of_kind.filter(|row| said(row) && !own.contains(&row.key)));
                rows
            }
        };
        let distrusted = query.distrusted(as_of);
        let mut left_off = 0;
        for ConceptRow { key, capsules: members, .. } in &concepts {
            let best = self.best_elsewhere(*key, query, &distrusted, as_of)?;
            // What is asked of the failure goes for the whole concept.
            if best.iter().all(asked) {
                let own = of_line.iter().filter(|own| *own == key).count();
                left_off += members.checked_sub((own + best.len()) as u64).fits("a concept has more capsules")?;
                capsules.extend(best);
            }
        }
        if query.about == AskedFor::Anything && own.is_empty() {
            // Where nothing is known of the line: those of its kind of work.
            concepts.extend(self.concepts_of_kind(target, action)?);
        }
        let listed: Vec<Concept> = concepts.into_iter().filter_map(|row| row.listed).collect();
        let rules = &self.basis.rules;
        let listed: Vec<Concept> = listed.into_iter().map(|concept| concept.at(rules, as_of)).collect();
        let memory =
            Memory { capsules: &capsules, concepts: &listed, policy: &rules.policy, as_of, sources: BTreeMap::new() };
        let mut answer = priors(&memory, query);
        answer.left_off += left_off;
        // Only what is shown is looked up.
        for fact in answer.priors.iter_mut().flat_map(|prior| &mut prior.provenance) {
            let id = self.rows.with_digest(fact.digest)?;
            fact.source = id.map(|id| Ok::<_, super::IndexError>(self.rows.record(id)?.source)).transpose()?;
        }
        Ok(answer)
    }

    /// The concepts that are listed for a kind of work.
    fn concepts_of_kind(&self, target: &str, action: &str) -> Result<Vec<ConceptRow>> {
        self.concepts_where("listed AND target_kind = ?1 AND action_kind = ?2", [target, action])
    }

    /// The best capsules of a concept on other task lines, as many as an answer can show: of those that are blocked by
    /// themselves, of those whose tool is not trusted, and of the others. Whether a query blocks them all, only the engine
    /// knows.
    fn best_elsewhere(
        &self,
        concept: Sha256Hash,
        query: &PriorsQuery,
        distrusted: &BTreeSet<Sha256Hash>,
        as_of: Option<Timestamp>,
    ) -> Result<Vec<Capsule>> {
        let (line, limit) = (query.line.key(), query.limit.min(MAX_LIMIT));
        let mut best = Vec::new();
        for blocked in [0_u8, 1] {
            let (mut trusted, mut untrusted) = (0, 0);
            self.rows.walk(
                SealedTable::Keys,
                "concept = ?1 AND rank >= ?2 AND rank < ?3 AND line <> ?4 ORDER BY rank, key",
                params![concept.as_bytes(), [blocked], [blocked + 1], line.as_bytes()],
                |row| {
                    if let Some(finished) = self.rows.finished(row, (&self.basis.rules, as_of))? {
                        let first = finished.capsule.remedies.first();
                        let is_distrusted = first.is_some_and(|first| distrusted.contains(&first.identity));
                        let of_its_kind = if is_distrusted { &mut untrusted } else { &mut trusted };
                        *of_its_kind += 1;
                        best.extend((*of_its_kind <= limit).then_some(finished.capsule));
                    }
                    Ok(trusted < limit || (!distrusted.is_empty() && untrusted < limit))
                },
            )?;
        }
        Ok(best)
    }
}

pub(super) struct ConceptRow {
    key: Sha256Hash,
    capsules: u64,
    pub(super) listed: Option<Concept>,
}

impl ConceptRow {
    fn read(row: &rusqlite::Row<'_>) -> Result<Self> {
        let mut rest = held(row)?;
        let (key, capsules) = (hash(row, 0)?, number(&mut rest)?);
        let listed = if rest.is_empty() { None } else { Some(super::sealed::json(rest)?) };
        Ok(Self { key, capsules, listed })
    }
}

impl Index {
    pub(super) fn concept_row(&self, key: Sha256Hash) -> Result<Option<ConceptRow>> {
        self.rows.find(SealedTable::Concepts, key.as_bytes(), ConceptRow::read)
    }

    pub(super) fn concepts_where(&self, which: &str, with: impl Params) -> Result<Vec<ConceptRow>> {
        let mut found = Vec::new();
        self.rows.each(SealedTable::Concepts, &format!("{which} ORDER BY key"), with, |row| {
            found.push(ConceptRow::read(row)?);
            Ok(())
        })?;
        Ok(found)
    }
}
