//! The derived index: finished rows in SQLite, and the questions that they answer.
//!
//! An index is derived from a log, or from the files of a result, and answers what a replay of them would answer, byte
//! for byte. It is a cache: it says what it was derived from and up to where, every row that an answer is made of is
//! held to a seal, and one that does not fit is derived again.
//!
//! No rule of the model stands here. [`Index::derive`] marks what new entries touch, and calls the engine's pure
//! functions on it: each run is settled whole, each task line folded whole, each key finished, each concept gathered.
//! What depends on `as_of` (M-92) is told when a row is read.

mod batch;
mod derive;
mod error;
mod explain;
mod facts;
mod file;
mod from_log;
mod from_result;
mod priors;
mod query;
mod read;
mod sealed;

use std::path::Path;

use dome_binder::{Capsule, Concept, Rules, snapshot_digest};
use dome_core::{Sha256Hash, Timestamp};
use rusqlite::{Connection, Transaction, TransactionBehavior};

pub use batch::{Arrival, Batch, EntryBytes, RawEntry, RejectedLine, RowOrigin, SourceMark, Standing};
pub use error::{IndexError, Result};
pub use explain::{Explained, Explanation, Unlisted};
pub use facts::{FactsIn, Indexed};
pub use from_log::LogLines;
pub(crate) use from_log::{ENTRIES, INDEX_NAME};
pub(crate) use from_result::{ResultFiles, beside};
pub use query::{QueryHeader, QueryPage};
pub use read::Tallies;

use derive::{Derivation, LEVELS};
use error::Fits;
use read::CapsulesOf;
use sealed::{SealedRows, SealedTable, held, json};

/// The version of the tables and rows; an index of another one is derived again.
const VERSION: &str = "3";

/// What an index is of.
#[derive(Clone, Debug)]
pub struct Basis {
    /// What it is derived from: the store's identity, or the digest of a result's manifest.
    pub identity: String,
    /// What it is derived by.
    pub rules: Rules,
    /// The instant that staleness is measured at; by default the last fact's ordered time (M-92).
    pub as_of: Option<Timestamp>,
    /// What rows are sealed by. A secret that only the owner can read keeps others from making rows that are believed.
    pub seal: Sha256Hash,
}

impl Basis {
    /// What seals the rows of an index of this: the secret, and all that the index is of. So a row that was written for
    /// another store, result, rule or layout is believed no more than one that was made without the secret.
    fn sealing_key(&self) -> Result<Sha256Hash> {
        let Rules { policy, codes, mode, contracts: _ } = &self.rules;
        let parts = (VERSION, dome_binder::ROW_VERSION, self.seal, &self.identity, policy, mode, self.as_of);
        Ok(Sha256Hash::of(format!("{}\n{codes:?}", serde_json::to_string(&parts)?).as_bytes()))
    }
}

/// An index that fits what it is of.
pub struct Index {
    rows: SealedRows,
    basis: Basis,
    writes: bool,
}

impl Index {
    /// Opens an index for questions, as of its last derivation: what a writer does meanwhile does not show.
    ///
    /// # Errors
    ///
    /// When there is none, it cannot be read, someone else may have written it, or it is of something else; deriving
    /// one helps ([`IndexError::is_unfit`]).
    pub fn read(path: &Path, basis: Basis) -> Result<Self> {
        Self::over(file::for_reading(path)?, basis, false)?.fitting()
    }

    /// Opens an index for deriving on.
    ///
    /// # Errors
    ///
    /// As [`Index::read`].
    pub fn write(path: &Path, basis: Basis) -> Result<Self> {
        Self::over(file::for_writing(path)?, basis, true)?.fitting()
    }

    /// An empty index in memory, for whoever may not write one.
    ///
    /// # Errors
    ///
    /// When SQLite refuses.
    pub fn in_memory(basis: Basis) -> Result<Self> {
        Self::over(file::make(None)?, basis, true)?.begun()
    }

    /// Makes an index in the place of whatever stands there: whole, or not at all. `derive` fills it; nobody sees it
    /// before it is done.
    ///
    /// # Errors
    ///
    /// When it cannot be written, and those of `derive`.
    pub fn build(path: &Path, basis: Basis, derive: impl FnOnce(&mut Self) -> Result<()>) -> Result<()> {
        file::replace(path, |draft| derive(&mut Self::over(file::make(Some(draft))?, basis, true)?.begun()?))
    }

    fn over(db: Connection, basis: Basis, writes: bool) -> Result<Self> {
        Ok(Self { rows: SealedRows::of(db, basis.sealing_key()?), basis, writes })
    }

    fn begun(self) -> Result<Self> {
        self.rows.set_meta("standing", &serde_json::to_string(&Standing { next: 1, mark: String::new() })?)?;
        self.rows.set_meta("tallies", &serde_json::to_string(&Tallies::default())?)?;
        Ok(self)
    }

    /// Refuses an index of something else: nothing of it is sealed by this basis.
    fn fitting(self) -> Result<Self> {
        self.rows.standing()?;
        Ok(self)
    }

    /// Up to where it was derived. Whoever derives on compares the mark with what stands there now.
    ///
    /// # Errors
    ///
    /// When it cannot be read.
    pub fn standing(&self) -> Result<Standing> {
        self.rows.standing()
    }

    /// Takes entries in, in one transaction: afterwards the index holds all of them, or is what it was before.
    /// `from` is where the index stood when the batch was read, `to` is where the batch ends. A batch may be a whole
    /// history, or one entry: the index comes out the same.
    ///
    /// # Errors
    ///
    /// [`IndexError::Moved`] when someone else has derived meanwhile; when it cannot be written, or a row that is needed does
    /// not fit: then deriving from the start helps.
    pub fn derive(
        &mut self,
        batch: Batch,
        from: &Standing,
        to: &Standing,
        origin: &mut dyn RowOrigin,
    ) -> Result<Tallies> {
        let tx = Transaction::new_unchecked(&self.rows.db, TransactionBehavior::Immediate)?;
        if self.rows.standing()? != *from {
            return Err(IndexError::Moved);
        }
        let tallies = Derivation::new(&self.rows, &self.basis.rules, origin)?.run(batch)?;
        self.rows.set_meta("standing", &serde_json::to_string(to)?)?;
        self.rows.delete(SealedTable::Meta, "snapshot_digest".as_bytes())?;
        tx.commit()?;
        Ok(tallies)
    }

    /// What is counted of the whole history.
    ///
    /// # Errors
    ///
    /// When it cannot be read.
    pub fn tallies(&self) -> Result<Tallies> {
        self.rows.tallies()
    }

    /// The instant that staleness is measured at (M-92).
    ///
    /// # Errors
    ///
    /// When it cannot be read.
    pub fn as_of(&self) -> Result<Option<Timestamp>> {
        self.basis.as_of.map_or_else(|| self.rows.last_ts(), |as_of| Ok(Some(as_of)))
    }

    /// Which facts these are (M-120). It is computed once and kept, where it may be.
    ///
    /// # Errors
    ///
    /// When it cannot be read.
    pub fn snapshot_digest(&self) -> Result<Sha256Hash> {
        if let Some(kept) = self.rows.meta("snapshot_digest")? {
            return kept.parse().ok().fits("its snapshot's digest is none");
        }
        let mut select = self.rows.db.prepare("SELECT name FROM digests ORDER BY name")?;
        let digests = select.query_map([], |row| row.get::<_, [u8; 32]>(0))?;
        let digests = digests.collect::<rusqlite::Result<Vec<_>>>()?;
        let digest = snapshot_digest(digests.into_iter().map(Sha256Hash::from_bytes));
        if self.writes {
            self.rows.set_meta("snapshot_digest", &digest.to_string())?;
        }
        Ok(digest)
    }

    /// How many of these digests, sorted and each once, are of no fact.
    pub(crate) fn lacks(&self, digests: &[[u8; 32]]) -> Result<u64> {
        let mut select = self.rows.db.prepare("SELECT name FROM digests ORDER BY name")?;
        let mut names = select.query([])?;
        let (mut wanted, mut found) = (digests.iter().peekable(), 0_u64);
        while wanted.peek().is_some() {
            let Some(row) = names.next()? else { break };
            let name: [u8; 32] = row.get(0)?;
            while wanted.next_if(|digest| **digest < name).is_some() {}
            found += u64::from(wanted.next_if(|digest| **digest == name).is_some());
        }
        Ok((digests.len() as u64).saturating_sub(found))
    }

    pub(crate) const fn rules(&self) -> &Rules {
        &self.basis.rules
    }

    pub(crate) fn knows_snapshot(&self) -> Result<bool> {
        Ok(self.rows.meta("snapshot_digest")?.is_some())
    }

    pub(crate) fn marks(&self) -> Result<Vec<SourceMark>> {
        let mut marks = Vec::new();
        self.rows.each(SealedTable::Sources, "true ORDER BY key", [], |row| {
            marks.push(json(held(row)?)?);
            Ok(())
        })?;
        Ok(marks)
    }

    pub(crate) fn blank_lines(&self) -> Result<u64> {
        Ok(self.marks()?.iter().map(|mark| mark.blank).sum())
    }

    /// Lines that are no facts, of one source or of all; by source name, then line.
    ///
    /// # Errors
    ///
    /// When they cannot be read.
    pub fn quarantine(&self, source: Option<&str>) -> Result<Vec<RejectedLine>> {
        let mut lines = self.rejected("true", [])?;
        lines.retain(|line| source.is_none_or(|source| *line.source.name == *source));
        Ok(lines)
    }

    fn rejected(&self, which: &str, with: impl rusqlite::Params) -> Result<Vec<RejectedLine>> {
        let mut lines: Vec<RejectedLine> = Vec::new();
        self.rows.each(SealedTable::Rejected, which, with, |row| {
            lines.push(json(held(row)?)?);
            Ok(())
        })?;
        lines.sort_by(|a, b| {
            (&a.source.name, a.source.line, a.position).cmp(&(&b.source.name, b.source.line, b.position))
        });
        Ok(lines)
    }

    /// Hands out all capsules, by derived key: the rows of `capsules.jsonl` (M-120).
    ///
    /// # Errors
    ///
    /// When they cannot be read, and those of `take`.
    pub fn capsules(&self, mut take: impl FnMut(Capsule) -> Result<()>) -> Result<()> {
        let by = (&self.basis.rules, self.as_of()?);
        self.rows.capsules(by, CapsulesOf::All, |finished| take(finished.capsule))
    }

    fn capsules_where(&self, which: CapsulesOf, as_of: Option<Timestamp>) -> Result<Vec<Capsule>> {
        let mut capsules = Vec::new();
        self.rows.capsules((&self.basis.rules, as_of), which, |finished| {
            capsules.push(finished.capsule);
            Ok(())
        })?;
        Ok(capsules)
    }

    /// Hands out the concepts that are listed, by key: the rows of `concepts.jsonl` (M-120).
    ///
    /// # Errors
    ///
    /// When they cannot be read, and those of `take`.
    pub fn concepts(&self, mut take: impl FnMut(Concept) -> Result<()>) -> Result<()> {
        let as_of = self.as_of()?;
        let listed = self.concepts_where("listed", [])?.into_iter().filter_map(|row| row.listed);
        listed.map(|concept| concept.at(&self.basis.rules, as_of)).try_for_each(&mut take)
    }

    /// Looks at every row: whether it is the one that was written, and whether none is missing. It reads the whole index;
    /// answers look only at the rows that they are made of.
    ///
    /// # Errors
    ///
    /// [`IndexError::Unfit`] when it is not whole.
    pub fn check(&self) -> Result<()> {
        for table in SealedTable::ALL {
            self.rows.each(table, "true", [], |_| Ok(()))?;
        }
        let (tallies, sum) = (self.tallies()?, self.rows.all_runs()?);
        let facts = tallies.facts;
        for (of, expected) in [
            ("entries", tallies.entries),
            ("facts", facts),
            ("digests", facts),
            ("outcomes", facts),
            ("events", facts),
            ("places", facts),
            ("runs", sum.rows),
            ("facts WHERE flags & 1", tallies.failing),
            ("lines", tallies.lines),
            ("keys", tallies.keys),
            ("keys WHERE row <> x''", tallies.capsules),
            ("concepts WHERE listed", tallies.concepts),
        ] {
            let count = format!("SELECT count(*) FROM {of}");
            let found: u64 = self.rows.db.query_row(&count, [], |row| row.get(0))?;
            (found == expected).then_some(()).fits("a row is missing, or one too many")?;
        }
        let count = |sql: &str| self.rows.db.query_row(sql, [], |row| row.get::<_, u64>(0));
        let leaves = LEVELS + 1;
        for level in 1..=LEVELS {
            let found = count(&format!("SELECT count(*) FROM sums WHERE substr(key, 1, 1) = x'0{level}'"))?;
            let paths = format!("SELECT count(DISTINCT substr(key, 2, {level})) FROM sums WHERE key >= x'0{leaves}'");
            (found == count(&paths)?).then_some(()).fits("a sum is missing, or one too many")?;
        }
        let found = count(&format!("SELECT count(*) FROM sums WHERE key >= x'0{leaves}'"))?;
        (found == sum.rows).then_some(()).fits("a sum is missing, or one too many")?;
        let conflicts = self.quarantine(None)?.iter().filter(|line| line.conflict.is_some()).count() as u64;
        let spans = count("SELECT coalesce(sum(facts), 0) FROM spans")?;
        ((spans, conflicts) == (facts, tallies.conflicts)).then_some(()).fits("a row is missing, or one too many")
    }
}
