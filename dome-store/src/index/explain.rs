//! `explain`: what a key names, and its story, told from the facts of the few task lines that it needs.

use std::collections::{BTreeMap, BTreeSet};

use dome_binder::explain::{
    Candidate, CapsuleStory, ConceptStory, FactStory, Found, LineStory, Subject, capsule_story, concept_story, excerpt,
    fact_story, find, line_of, line_of_source, line_story, span,
};
use dome_binder::query::nearest;
use dome_binder::{Canonical, Capsule, Fact, LineFact, Policy, Position, RowReader};
use dome_core::{Problem, QuarantineRow, RawLine, Reader, Rejection, Sha256Hash, Source, Timestamp};
use rusqlite::{OptionalExtension, params};
use serde::Serialize;

use super::Index;
use super::batch::{EntryBytes, Origin};
use super::derive::{Ranks, start};
use super::error::{Error, Fits, Result};
use super::read::{self, Capsules};
use super::rows::json;

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

/// Facts of some task lines in total order, each with its rank.
#[derive(Default)]
struct Brought(Vec<(Position, Fact, bool)>);

impl Brought {
    fn facts(&self) -> Vec<LineFact<'_>> {
        let facts = self.0.iter();
        facts.map(|(position, fact, unseen)| LineFact { position: *position, fact, unseen_denial: *unseen }).collect()
    }
}

/// A rejected line that a key may name.
struct Rejected {
    id: u64,
    bytes: EntryBytes,
    source: Source,
    sha256: Sha256Hash,
    problem: String,
}

/// What a key may name: some facts by total order, and some rejected lines by source.
#[derive(Default)]
struct Candidates {
    facts: Brought,
    rejected: Vec<Rejected>,
}

impl Index {
    /// Says what a key names, and tells its story as it would be told from all facts in memory. `unlisted` are the
    /// blank lines and the repeats of the whole input.
    ///
    /// # Errors
    ///
    /// When a row cannot be read, or does not fit; and when `origin` cannot read a rejected line.
    pub fn explain(&self, key: &str, unlisted: (u64, u64), origin: &mut dyn Origin) -> Result<Explained> {
        let mut reader = RowReader::default();
        let candidates = self.candidates(&mut reader, key)?;
        let rejected: Vec<(Source, Sha256Hash)> =
            candidates.rejected.iter().map(|rejected| (rejected.source.clone(), rejected.sha256)).collect();
        let subject = match find(key, &candidates.facts.facts(), &rejected) {
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
        self.tell(&mut reader, subject, &candidates, unlisted, origin, &mut told)?;
        Ok(Explained::Told(Box::new(told)))
    }

    fn tell(
        &self,
        reader: &mut RowReader,
        subject: Subject,
        candidates: &Candidates,
        (blank, duplicates): (u64, u64),
        origin: &mut dyn Origin,
        told: &mut Explanation,
    ) -> Result<()> {
        let (rules, as_of) = (&self.basis.rules, told.as_of);
        match subject {
            Subject::Capsule(key) => {
                let mut facts = self.story_of(reader, key)?;
                // What its fingerprint was made of is told by the first fact that has the key.
                if let Some((_, first, _)) = facts.0.iter_mut().find(|(_, fact, _)| fact.keys.derived == key) {
                    first.record.canonical = Canonical::Held(self.canonical(first.keys.digest, origin)?.into());
                }
                told.capsule = excerpt(&facts.facts(), key).map(|excerpt| capsule_story(&excerpt, rules, as_of));
                told.subject = "capsule";
            }
            Subject::Concept(key) => {
                let capsules = self.capsules_where(reader, Capsules::OfConcept(key), as_of)?;
                let concepts = self.concept_of(key)?.map(|concept| concept.at(rules, as_of));
                let concepts: Vec<_> = concepts.into_iter().collect();
                told.concept = Some(concept_story(key, &capsules, &concepts, &rules.policy));
                told.subject = "concept";
            }
            Subject::Line(key) => {
                let line = read::line_id(&self.db, key)?.fits("a task line is missing")?;
                let facts = self.bring(reader, &BTreeSet::from([line]))?;
                let capsules = self.capsules_where(reader, Capsules::OfLine(line), as_of)?;
                told.line = line_story(&line_of(&facts.facts(), key), &capsules);
                told.subject = "line";
            }
            Subject::Fact(position) => {
                told.fact = self.fact_story(reader, candidates, position, origin)?;
                told.subject = "fact";
            }
            Subject::Rejected(number) => {
                let rejected = candidates.rejected.get(number).ok_or(Error::Broken("what was found was looked for"))?;
                told.rejected = Some(row_of(rejected, origin)?);
                told.subject = "rejected";
            }
            Subject::Unlisted(source) => {
                let last_listed = self.last_listed(&source.name)?;
                told.unlisted = Some(Unlisted { blank, duplicates, last_listed, source });
                told.subject = "unlisted";
            }
        }
        Ok(())
    }

    fn fact_story(
        &self,
        reader: &mut RowReader,
        candidates: &Candidates,
        position: usize,
        origin: &mut dyn Origin,
    ) -> Result<Option<FactStory>> {
        let found = candidates.facts.0.get(position).map(|(_, fact, _)| fact);
        let fact = found.ok_or(Error::Broken("what was found was looked for"))?;
        let line = read::line_id(&self.db, fact.keys.line)?.fits("a task line is missing")?;
        let mut own = self.bring(reader, &BTreeSet::from([line]))?;
        let told = own.0.iter_mut().find(|(_, known, _)| known.keys.digest == fact.keys.digest);
        let (at, told, _) = told.fits("a fact is missing in its task line")?;
        let at = *at;
        told.record.canonical = Canonical::Held(self.canonical(fact.keys.digest, origin)?.into());
        let applied =
            fact.applied_capsule().map(|key| Ok::<_, Error>((*key, self.story_of(reader, *key)?))).transpose()?;
        let applied = applied.as_ref().and_then(|(key, facts)| excerpt(&facts.facts(), *key));
        Ok(fact_story(at, &line_of(&own.facts(), fact.keys.line), applied.as_ref(), &self.basis.rules))
    }

    /// The canonical envelope of a fact: what its fingerprint was made of stands there only.
    fn canonical(&self, digest: Sha256Hash, origin: &mut dyn Origin) -> Result<Vec<u8>> {
        let mut select = self.db.prepare_cached("SELECT id FROM digests WHERE digest = ?1")?;
        let id: Option<u64> = select.query_row([digest.as_bytes()], |row| row.get(0)).optional()?;
        let id = id.fits("a fact is missing among the digests")?;
        let line = origin.line(id, read::entry_bytes(&self.db, id)?)?;
        let envelope = Reader::new().any_length().read(&line.bytes).ok();
        let canonical = envelope.map(|envelope| envelope.to_canonical());
        canonical.filter(|canonical| Sha256Hash::of(canonical) == digest).fits("a fact is not what stands in its place")
    }

    fn capsules_where(
        &self,
        reader: &mut RowReader,
        which: Capsules,
        as_of: Option<Timestamp>,
    ) -> Result<Vec<Capsule>> {
        let mut capsules = Vec::new();
        read::capsules(&self.db, self.seals, reader, (&self.basis.rules, as_of), which, |finished| {
            capsules.push(finished.capsule);
            Ok(())
        })?;
        Ok(capsules)
    }

    /// The facts that the story of a derived key is told from: those of its task line, and of the lines that applied it.
    fn story_of(&self, reader: &mut RowReader, key: Sha256Hash) -> Result<Brought> {
        let mut select = self.db.prepare_cached("SELECT line FROM keys WHERE key = ?1")?;
        let own: Option<i64> = select.query_row([key.as_bytes()], |row| row.get(0)).optional()?;
        let Some(own) = own else { return Ok(Brought::default()) };
        let mut lines: BTreeSet<i64> = read::lines_applying(&self.db, key)?.into_iter().collect();
        lines.insert(own);
        self.bring(reader, &lines)
    }

    /// All facts of some task lines, with their ranks in the whole history.
    fn bring(&self, reader: &mut RowReader, lines: &BTreeSet<i64>) -> Result<Brought> {
        let (ranks, mut brought) = (Ranks::of(&self.db)?, Brought::default());
        for line in lines {
            for known in read::task_row(&self.db, self.seals, reader, *line)?.facts {
                let fact = read::fact(&self.db, self.seals, reader, &known)?;
                let rank = ranks.rank(&self.db, &fact.order().to_bytes())?;
                let rank = usize::try_from(rank).map_err(|_| Error::Unfit("a rank is too great"))?;
                brought.0.push((rank, fact, known.unseen_denial));
            }
        }
        brought.0.sort_unstable_by_key(|(rank, ..)| *rank);
        Ok(brought)
    }

    /// Everything that a key may name, and one line of its source.
    fn candidates(&self, reader: &mut RowReader, key: &str) -> Result<Candidates> {
        let ids = self.fact_ids(key)?;
        let mut facts = Vec::with_capacity(ids.len());
        for id in ids {
            let record = read::record(&self.db, self.seals, reader, id)?;
            let line = read::line_id(&self.db, record.keys.line)?.fits("a task line is missing")?;
            let row = read::task_row(&self.db, self.seals, reader, line)?;
            let known = row.facts.iter().find(|fact| fact.id == id).fits("a fact is missing in its task line")?;
            facts.push(Fact { record, ordered_ts: known.ordered_ts, place: known.place });
        }
        facts.sort_by(Fact::total_order);
        let facts = Brought(facts.into_iter().enumerate().map(|(place, fact)| (place, fact, false)).collect());
        Ok(Candidates { facts, rejected: self.rejected(key)? })
    }

    fn fact_ids(&self, key: &str) -> Result<BTreeSet<u64>> {
        let mut ids = BTreeSet::new();
        let db = &self.db;
        let mut events = db.prepare_cached("SELECT id FROM events WHERE event = ?1")?;
        // An event's id, whole or behind its run and a slash; both may hold slashes.
        let behind = key.match_indices('/').filter_map(|(at, _)| key.get(at + 1..));
        for event in std::iter::once(key).chain(behind) {
            let found = events.query_map([event], |row| row.get(0))?;
            ids.extend(found.collect::<std::result::Result<Vec<u64>, _>>()?);
        }
        if let Some(source) = line_of_source(key)
            && let Some(name) = read::word_id(db, &source.name)?
        {
            let mut places = db.prepare_cached("SELECT id FROM places WHERE source = ?1 AND line = ?2")?;
            let found = places.query_map(params![name, source.line], |row| row.get(0))?;
            ids.extend(found.collect::<std::result::Result<Vec<u64>, _>>()?);
            // Some line of the source, so that it is known.
            let mut any = db.prepare_cached("SELECT id FROM places WHERE source = ?1 LIMIT 1")?;
            ids.extend(any.query_row([name], |row| row.get::<_, u64>(0)).optional()?);
        }
        if let Some((least, most)) = span(key) {
            let whole = params![least.as_bytes(), most.as_bytes()];
            for table in [
                "SELECT id FROM digests WHERE digest BETWEEN ?1 AND ?2",
                "SELECT fact FROM keys WHERE key BETWEEN ?1 AND ?2",
                "SELECT fact FROM keys WHERE fingerprint BETWEEN ?1 AND ?2",
                "SELECT min(fact) FROM keys WHERE concept BETWEEN ?1 AND ?2 GROUP BY concept",
                "SELECT (SELECT fact FROM keys WHERE keys.line = lines.id LIMIT 1) FROM lines
                 WHERE lines.key BETWEEN ?1 AND ?2",
            ] {
                let mut select = db.prepare_cached(table)?;
                let found = select.query_map(whole, |row| row.get(0))?;
                ids.extend(found.collect::<std::result::Result<Vec<u64>, _>>()?);
            }
            let mut outcomes = db.prepare_cached("SELECT id FROM outcomes WHERE key BETWEEN ?1 AND ?2")?;
            let found = outcomes.query_map(params![start(&least), start(&most)], |row| row.get(0))?;
            ids.extend(found.collect::<std::result::Result<Vec<u64>, _>>()?);
        }
        Ok(ids)
    }

    /// The rejected lines that a key may name, by source.
    fn rejected(&self, key: &str) -> Result<Vec<Rejected>> {
        let mut found = BTreeMap::new();
        let columns = "SELECT rejected.id, segment, start, length, text, line, sha256, problem
             FROM rejected JOIN words ON words.id = source WHERE state IN ('quarantined', 'conflict')";
        let mut take = |condition: &str, with: &[&dyn rusqlite::ToSql]| -> Result<()> {
            let mut select = self.db.prepare_cached(&format!("{columns} AND {condition}"))?;
            let mut rows = select.query(with)?;
            while let Some(row) = rows.next()? {
                let bytes = EntryBytes { segment: row.get(1)?, start: row.get(2)?, length: row.get(3)? };
                let source = Source { line: row.get(5)?, name: row.get::<_, String>(4)?.into() };
                let sha256 = Sha256Hash::from_bytes(row.get(6)?);
                let id: u64 = row.get(0)?;
                let place = (source.name.clone(), source.line, id);
                found.insert(place, Rejected { id, bytes, source, sha256, problem: row.get(7)? });
            }
            Ok(())
        };
        if let Some(source) = line_of_source(key)
            && let Some(name) = read::word_id(&self.db, &source.name)?
        {
            take("source = ?1 AND line = ?2", &[&name, &source.line])?;
            take("source = ?1 LIMIT 1", &[&name])?;
        }
        if let Some((least, most)) = span(key) {
            take("sha256 BETWEEN ?1 AND ?2", &[least.as_bytes(), most.as_bytes()])?;
        }
        Ok(found.into_values().collect())
    }

    /// The last line of a source that is a fact or rejected.
    fn last_listed(&self, name: &str) -> Result<u64> {
        let Some(source) = read::word_id(&self.db, name)? else { return Ok(0) };
        let mut select = self.db.prepare_cached(
            "SELECT max(coalesce((SELECT max(line) FROM places WHERE source = ?1), 0),
                coalesce((SELECT max(line) FROM rejected
                    WHERE source = ?1 AND state IN ('quarantined', 'conflict')), 0))",
        )?;
        Ok(select.query_row([source], |row| row.get(0))?)
    }

    /// Event ids and names of sources of facts that are near a key.
    fn near(&self, key: &str) -> Result<Vec<String>> {
        let mut names = BTreeSet::new();
        for table in [
            "SELECT DISTINCT event FROM events",
            "SELECT text FROM words WHERE id IN (SELECT DISTINCT source FROM places)",
        ] {
            let mut select = self.db.prepare(table)?;
            let found = select.query_map([], |row| row.get(0))?;
            names.extend(found.collect::<std::result::Result<Vec<String>, _>>()?);
        }
        Ok(nearest(key, names.iter().map(String::as_str)))
    }
}

/// The row that the quarantine has of a rejected line (M-31).
fn row_of(rejected: &Rejected, origin: &mut dyn Origin) -> Result<QuarantineRow> {
    if rejected.problem.is_empty() {
        return Ok(origin.turned(rejected.id, rejected.bytes)?);
    }
    let problem: Problem = json(rejected.problem.as_bytes())?;
    let line = origin.line(rejected.id, rejected.bytes)?;
    Ok(RawLine::of(&line.bytes).row(line.offset, rejected.source.clone(), Rejection::from(problem)))
}
