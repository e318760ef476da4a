//! `explain`: what a key names, and its story, told from the facts of the few task lines that it needs.

use std::collections::{BTreeMap, BTreeSet};

use dome_binder::explain::{
    Candidate, CapsuleStory, ConceptStory, Explainable, FactStory, Found, LineStory, capsule_story, concept_story,
    excerpt, fact_story, find, line_of, line_of_source, line_story, span,
};
use dome_binder::query::nearest;
use dome_binder::{Canonical, Fact, LineFact, Policy, Position};
use dome_core::{QuarantineRow, Reader, Sha256Hash, Source, Timestamp};
use rusqlite::{OptionalExtension, params};
use serde::Serialize;

use super::Index;
use super::batch::{RejectedLine, RowOrigin};
use super::derive::Ranks;
use super::error::{Fits, IndexError, Result};
use super::read::{CapsulesOf, place_name, start};
use super::sealed::{SealedTable, hash};

/// Why a capsule, a fact or a line is what it is, in canonical order: one of the members that may be absent, which
/// `subject` names.
#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
pub struct Explanation {
    /// The instant that staleness was measured at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub as_of: Option<Timestamp>,
    /// A derived key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub capsule: Option<CapsuleStory>,
    /// A concept key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub concept: Option<ConceptStory>,
    /// A fact.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fact: Option<FactStory>,
    /// The version of this layout.
    pub format_version: &'static str,
    /// A task line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<LineStory>,
    /// The policy that it was counted by.
    pub policy: Policy,
    /// A rejected line: its row of `quarantine.jsonl`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rejected: Option<QuarantineRow>,
    /// Which facts these are.
    pub snapshot_digest: Sha256Hash,
    /// Which member holds the story: `capsule`, `concept`, `fact`, `line`, `rejected`, `unlisted`.
    pub subject: &'static str,
    /// A line of a known source that the result does not list.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unlisted: Option<Unlisted>,
}

/// A line that is neither a fact nor rejected, and what can be said of it.
#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
pub struct Unlisted {
    /// Blank lines of the whole input.
    pub blank: u64,
    /// Lines of the whole input that repeat a fact; a result does not list them.
    pub duplicates: u64,
    /// The last line of that source that the result lists.
    pub last_listed: u64,
    /// The line.
    pub source: Source,
}

impl Unlisted {
    /// Whether every line left a row, so that there is no such line.
    #[must_use]
    pub const fn is_no_line(&self) -> bool {
        self.blank == 0 && self.duplicates == 0
    }
}

/// What is said of a key.
#[derive(Clone, Debug)]
pub enum Explained {
    /// Its story.
    Told(Box<Explanation>),
    /// It names several things: say which.
    Many(Vec<Candidate>),
    /// It names nothing; names near it.
    Nothing {
        /// Event ids and names of sources, the nearest first.
        near: Vec<String>,
    },
}

/// Facts in total order, each with its rank and whether it is an unseen denial.
#[derive(Default)]
struct RankedFacts(Vec<(Position, Fact, bool)>);

impl RankedFacts {
    fn line_facts(&self) -> Vec<LineFact<'_>> {
        let facts = self.0.iter();
        facts.map(|(position, fact, unseen)| LineFact { position: *position, fact, unseen_denial: *unseen }).collect()
    }
}

impl Index {
    /// Says what a key names, and tells its story as it would be told from all facts in memory. `unlisted` are the
    /// blank lines and the repeats of the whole input.
    ///
    /// # Errors
    ///
    /// When a row cannot be read, or does not fit; and when `origin` cannot read a rejected line.
    pub fn explain(&self, key: &str, unlisted: (u64, u64), origin: &mut dyn RowOrigin) -> Result<Explained> {
        let (facts, rejected) = (self.facts_named(key)?, self.rejected_named(key)?);
        let named: Vec<_> = rejected.iter().map(|line| (line.source.clone(), line.sha256)).collect();
        let subject = match find(key, &facts.line_facts(), &named) {
            Found::One(subject) => subject,
            Found::Many(candidates) => return Ok(Explained::Many(candidates)),
            Found::Nothing => return Ok(Explained::Nothing { near: self.near(key)? }),
        };
        let mut told = Explanation {
            as_of: self.as_of()?,
            capsule: None,
            concept: None,
            fact: None,
            format_version: "1",
            line: None,
            policy: self.basis.rules.policy.clone(),
            rejected: None,
            snapshot_digest: self.snapshot_digest()?,
            subject: "",
            unlisted: None,
        };
        self.tell(subject, &facts, &rejected, unlisted, origin, &mut told)?;
        Ok(Explained::Told(Box::new(told)))
    }

    fn tell(
        &self,
        subject: Explainable,
        facts: &RankedFacts,
        rejected: &[RejectedLine],
        (blank, duplicates): (u64, u64),
        origin: &mut dyn RowOrigin,
        told: &mut Explanation,
    ) -> Result<()> {
        let (rules, as_of) = (&self.basis.rules, told.as_of);
        let looked_for = || IndexError::broken("what was found was looked for");
        match subject {
            Explainable::Capsule(key) => {
                let mut facts = self.story_of(key)?;
                // What its fingerprint was made of is told by the first fact that has the key.
                if let Some((_, first, _)) = facts.0.iter_mut().find(|(_, fact, _)| fact.keys.derived == key) {
                    first.record.canonical = self.canonical(first.keys.digest, origin)?;
                }
                let excerpt = excerpt(&facts.line_facts(), key);
                told.capsule = excerpt.map(|excerpt| capsule_story(&excerpt, rules, as_of));
                told.subject = "capsule";
            }
            Explainable::Concept(key) => {
                let capsules = self.capsules_where(CapsulesOf::OfConcept(key), as_of)?;
                let listed = self.concept_row(key)?.and_then(|row| row.listed).map(|concept| concept.at(rules, as_of));
                told.concept = Some(concept_story(key, &capsules, listed.as_slice(), &rules.policy));
                told.subject = "concept";
            }
            Explainable::Line(key) => {
                let facts = self.facts_of(&BTreeSet::from([key]))?;
                let capsules = self.capsules_where(CapsulesOf::OfLine(key), as_of)?;
                told.line = line_story(&line_of(&facts.line_facts(), key), &capsules, rules);
                told.subject = "line";
            }
            Explainable::Fact(position) => {
                let (_, fact, _) = facts.0.get(position).ok_or_else(looked_for)?;
                told.fact = self.fact_story(fact, origin)?;
                told.subject = "fact";
            }
            Explainable::Rejected(number) => {
                told.rejected = Some(rejected.get(number).ok_or_else(looked_for)?.row(origin)?);
                told.subject = "rejected";
            }
            Explainable::Unlisted(source) => {
                let last_listed = self.last_listed(&source.name)?;
                told.unlisted = Some(Unlisted { blank, duplicates, last_listed, source });
                told.subject = "unlisted";
            }
        }
        Ok(())
    }

    fn fact_story(&self, fact: &Fact, origin: &mut dyn RowOrigin) -> Result<Option<FactStory>> {
        let mut own = self.facts_of(&BTreeSet::from([fact.keys.line]))?;
        let told = own.0.iter_mut().find(|(_, known, _)| known.keys.digest == fact.keys.digest);
        let (at, told, _) = told.fits("a fact is missing in its task line")?;
        let at = *at;
        told.record.canonical = self.canonical(fact.keys.digest, origin)?;
        let applied =
            fact.applied_capsule().map(|key| Ok::<_, IndexError>((*key, self.story_of(*key)?))).transpose()?;
        let applied = applied.as_ref().and_then(|(key, facts)| excerpt(&facts.line_facts(), *key));
        Ok(fact_story(at, &line_of(&own.line_facts(), fact.keys.line), applied.as_ref(), &self.basis.rules))
    }

    /// The canonical envelope of a fact: what its fingerprint was made of stands there only.
    fn canonical(&self, digest: Sha256Hash, origin: &mut dyn RowOrigin) -> Result<Canonical> {
        let id = self.rows.with_digest(digest)?.fits("a fact is missing among the digests")?;
        let (bytes, _) = self.rows.entry(id)?.fits("an entry is missing")?;
        let line = origin.line(id, bytes)?;
        let envelope = Reader::new().any_length().read(&line.bytes).ok();
        let canonical = envelope.map(|envelope| envelope.to_canonical());
        let canonical = canonical.filter(|canonical| Sha256Hash::of(canonical) == digest);
        Ok(Canonical::Held(canonical.fits("a fact is not what stands in its place")?.into()))
    }

    /// The facts that the story of a derived key is told from: those of its task line, and of the lines that applied it.
    fn story_of(&self, key: Sha256Hash) -> Result<RankedFacts> {
        let own = self.rows.find(SealedTable::Keys, key.as_bytes(), |row| hash(row, 2))?;
        let Some(own) = own else { return Ok(RankedFacts::default()) };
        self.facts_of(&self.rows.applied(key)?.1.into_iter().chain([own]).collect())
    }

    fn facts_of(&self, lines: &BTreeSet<Sha256Hash>) -> Result<RankedFacts> {
        let (ranks, mut facts) = (Ranks::of(&self.rows.db)?, Vec::new());
        for line in lines {
            for known in self.rows.task_row(*line)?.fits("a task line is missing")?.facts {
                let fact = self.rows.fact(&known)?;
                let rank = ranks.rank(&self.rows.db, &fact.order().to_bytes())?;
                let rank = usize::try_from(rank).map_err(|_| IndexError::Unfit("a rank is too great"))?;
                facts.push((rank, fact, known.3));
            }
        }
        facts.sort_unstable_by_key(|(rank, ..)| *rank);
        Ok(RankedFacts(facts))
    }

    /// The facts that a key may name, and one of its source; numbered from 0.
    fn facts_named(&self, key: &str) -> Result<RankedFacts> {
        let mut facts = Vec::new();
        for id in self.ids_named(key)? {
            let record = self.rows.record(id)?;
            let row = self.rows.task_row(record.keys.line)?.fits("a task line is missing")?;
            let known = row.facts.iter().find(|fact| fact.0 == id).fits("a fact is missing in its task line")?;
            facts.push(Fact { record, ordered_ts: known.1, place: known.2 });
        }
        facts.sort_by(Fact::total_order);
        Ok(RankedFacts(facts.into_iter().enumerate().map(|(number, fact)| (number, fact, false)).collect()))
    }

    fn ids_named(&self, key: &str) -> Result<BTreeSet<u64>> {
        let mut ids = BTreeSet::new();
        // An event's id, whole or behind its run and a slash; both may hold slashes.
        let behind = key.match_indices('/').filter_map(|(at, _)| key.get(at + 1..));
        for event in std::iter::once(key).chain(behind) {
            ids.extend(self.rows.named("events", event.as_bytes(), event.as_bytes())?);
        }
        if let Some(source) = line_of_source(key) {
            let place = place_name(&source.name, source.line);
            ids.extend(self.rows.named("places", &place, &place)?);
            // Some line of the source, so that it is known.
            ids.extend(self.last_place(&source.name)?);
        }
        if let Some((least, most)) = span(key) {
            ids.extend(self.rows.named("digests", least.as_bytes(), most.as_bytes())?);
            ids.extend(self.rows.named("outcomes", &start(&least), &start(&most))?);
            for select in [
                "SELECT fact FROM keys WHERE key BETWEEN ?1 AND ?2",
                "SELECT fact FROM keys WHERE fingerprint BETWEEN ?1 AND ?2",
                "SELECT min(fact) FROM keys WHERE concept BETWEEN ?1 AND ?2 GROUP BY concept",
                "SELECT (SELECT fact FROM keys WHERE keys.line = lines.key LIMIT 1) FROM lines
                 WHERE lines.key BETWEEN ?1 AND ?2",
            ] {
                let mut select = self.rows.db.prepare_cached(select)?;
                let found = select.query_map(params![least.as_bytes(), most.as_bytes()], |row| row.get(0))?;
                ids.extend(found.collect::<rusqlite::Result<Vec<u64>>>()?);
            }
        }
        Ok(ids)
    }

    /// The rejected lines that a key may name, and one of its source.
    fn rejected_named(&self, key: &str) -> Result<Vec<RejectedLine>> {
        let mut found = Vec::new();
        if let Some(Source { name, line }) = line_of_source(key) {
            found.extend(self.rejected("place = ?1", [place_name(&name, line)])?);
            let all = [place_name(&name, 0), place_name(&name, u64::MAX)];
            found.extend(self.rejected("place BETWEEN ?1 AND ?2 LIMIT 1", all)?);
        }
        if let Some((least, most)) = span(key) {
            found.extend(self.rejected("sha256 BETWEEN ?1 AND ?2", [least.as_bytes(), most.as_bytes()])?);
        }
        let found = found.into_iter().map(|line| ((line.source.name.clone(), line.source.line, line.position), line));
        Ok(BTreeMap::from_iter(found).into_values().collect())
    }

    /// The entry of the last line of a source that is a fact.
    fn last_place(&self, name: &str) -> Result<Option<u64>> {
        let mut last = self
            .rows
            .db
            .prepare_cached("SELECT id FROM places WHERE name BETWEEN ?1 AND ?2 ORDER BY name DESC LIMIT 1")?;
        Ok(last.query_row(params![place_name(name, 0), place_name(name, u64::MAX)], |row| row.get(0)).optional()?)
    }

    /// The last line of a source that is a fact or rejected.
    fn last_listed(&self, name: &str) -> Result<u64> {
        let fact =
            self.last_place(name)?.map(|id| Ok::<_, IndexError>(self.rows.record(id)?.source.line)).transpose()?;
        let all = [place_name(name, 0), place_name(name, u64::MAX)];
        let rejected = self.rejected("place BETWEEN ?1 AND ?2 ORDER BY place DESC LIMIT 1", all)?;
        Ok(rejected.iter().map(|line| line.source.line).chain(fact).max().unwrap_or(0))
    }

    fn near(&self, key: &str) -> Result<Vec<String>> {
        let mut events = self.rows.db.prepare("SELECT DISTINCT CAST(name AS TEXT) FROM events")?;
        let mut names = events.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<BTreeSet<String>>>()?;
        // One fact of each source: places begin with what a source is found by.
        let mut next = self.rows.db.prepare("SELECT id FROM places WHERE name > ?1 ORDER BY name LIMIT 1")?;
        let mut last = [0; 16];
        while let Some(id) = next.query_row([last], |row| row.get(0)).optional()? {
            let name = self.rows.record(id)?.source.name;
            last = place_name(&name, u64::MAX);
            names.insert(name.to_string());
        }
        Ok(nearest(key, names.iter().map(String::as_str)))
    }
}
