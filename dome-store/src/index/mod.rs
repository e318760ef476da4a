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
mod check;
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
mod rows;
mod seal;
mod turned;

use std::path::{Path, PathBuf};

use dome_binder::{Capsule, Concept, RowReader, Rules, snapshot_digest};
use dome_core::{Sha256Hash, Timestamp};
use rusqlite::{Connection, OptionalExtension, TransactionBehavior};

pub use batch::{Arrival, Batch, EntryBytes, Origin, RawEntry, SourceMark, Standing, Turned};
pub use error::{IndexError, Result};
pub use explain::{Explained, Explanation, Unlisted};
pub use facts::{FactsIn, Indexed};
pub use from_log::{INDEX_NAME, LogLines};
pub use from_result::{ResultFiles, ResultLines, beside};
pub use query::{QueryHeader, QueryPage};
pub use rows::Tallies;
pub use turned::QuarantinedLine;

use derive::Derivation;
use error::Fits;
use read::Capsules;
use rows::json;
use seal::Seals;

/// The version of the tables and rows; an index of another one is derived again.
const VERSION: &str = "1";

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
    /// What an index must say of itself to be of this: all but the seal.
    fn to_text(&self) -> Result<String> {
        let Rules { policy, codes, mode } = &self.rules;
        let parts = (VERSION, dome_binder::ROW_VERSION, &self.identity, policy, mode, self.as_of);
        let said = format!("{}\n{codes:?}", serde_json::to_string(&parts)?);
        Ok(Sha256Hash::of(said.as_bytes()).to_string())
    }
}

/// An index that fits what it is of.
pub struct Index {
    db: Connection,
    basis: Basis,
    seals: Seals,
    path: Option<PathBuf>,
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
        Self::over(file::for_reading(path)?, basis, Some(path), false)?.fitting()
    }

    /// Opens an index for deriving on.
    ///
    /// # Errors
    ///
    /// As [`Index::read`].
    pub fn write(path: &Path, basis: Basis) -> Result<Self> {
        Self::over(file::for_writing(path)?, basis, Some(path), true)?.fitting()
    }

    /// An empty index in memory, for whoever may not write one.
    ///
    /// # Errors
    ///
    /// When SQLite refuses.
    pub fn in_memory(basis: Basis) -> Result<Self> {
        Self::over(file::make(None)?, basis, None, true)?.begun()
    }

    /// Makes an index in the place of whatever stands there: whole, or not at all. `derive` fills it; nobody sees it
    /// before it is done.
    ///
    /// # Errors
    ///
    /// When it cannot be written, and those of `derive`.
    pub fn build(path: &Path, basis: Basis, derive: impl FnOnce(&mut Self) -> Result<()>) -> Result<()> {
        let draft = file::Draft::of(path)?;
        let mut index = Self::over(file::make(Some(draft.path()))?, basis, None, true)?.begun()?;
        derive(&mut index)?;
        drop(index);
        draft.place()
    }

    fn over(db: Connection, basis: Basis, path: Option<&Path>, writes: bool) -> Result<Self> {
        let seals = Seals::by(basis.seal);
        Ok(Self { db, basis, seals, path: path.map(Path::to_owned), writes })
    }

    fn begun(self) -> Result<Self> {
        read::set_meta(&self.db, self.seals, "basis", &self.basis.to_text()?)?;
        read::set_meta(
            &self.db,
            self.seals,
            "standing",
            &serde_json::to_string(&Standing { next: 1, mark: String::new() })?,
        )?;
        Ok(self)
    }

    fn fitting(self) -> Result<Self> {
        let said = read::meta(&self.db, self.seals, "basis")?;
        (said == Some(self.basis.to_text()?)).then_some(self).fits("it is of something else")
    }

    /// Where it stands in the file system; `None` for one in memory.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// Up to where it was derived. Whoever derives on compares the mark with what stands there now.
    ///
    /// # Errors
    ///
    /// When it cannot be read.
    pub fn standing(&self) -> Result<Standing> {
        read::standing(&self.db, self.seals)
    }

    /// Takes entries in, in one transaction: afterwards the index holds all of them, or is what it was before.
    /// `from` is where the index stood when the batch was read, `to` is where the batch ends. A batch may be a whole
    /// history, or one entry: the index comes out the same.
    ///
    /// # Errors
    ///
    /// [`IndexError::Moved`] when someone else has derived meanwhile; when it cannot be written, or a row that is needed does
    /// not fit: then deriving from the start helps.
    pub fn derive(&mut self, batch: Batch, from: &Standing, to: &Standing, origin: &mut dyn Origin) -> Result<Tallies> {
        let tx = self.db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        if read::standing(&tx, self.seals)? != *from {
            return Err(IndexError::Moved);
        }
        let tallies = Derivation::new(&tx, &self.basis.rules, self.seals, origin)?.run(batch)?;
        read::set_meta(&tx, self.seals, "standing", &serde_json::to_string(to)?)?;
        tx.execute("DELETE FROM meta WHERE name = 'snapshot_digest'", [])?;
        tx.commit()?;
        Ok(tallies)
    }

    /// What is counted of the whole history.
    ///
    /// # Errors
    ///
    /// When it cannot be read.
    pub fn tallies(&self) -> Result<Tallies> {
        read::tallies(&self.db, self.seals)
    }

    /// The instant that staleness is measured at (M-92).
    ///
    /// # Errors
    ///
    /// When it cannot be read.
    pub fn as_of(&self) -> Result<Option<Timestamp>> {
        self.basis.as_of.map_or_else(|| read::last_ts(&self.db), |as_of| Ok(Some(as_of)))
    }

    /// Which facts these are (M-120). It is computed once and kept, where it may be.
    ///
    /// # Errors
    ///
    /// When it cannot be read.
    pub fn snapshot_digest(&self) -> Result<Sha256Hash> {
        if let Some(kept) = read::meta(&self.db, self.seals, "snapshot_digest")? {
            return kept.parse().ok().fits("its snapshot's digest is none");
        }
        let mut select = self.db.prepare("SELECT digest FROM digests ORDER BY digest")?;
        let digests = select.query_map([], |row| row.get::<_, [u8; 32]>(0))?;
        let digests = digests.collect::<std::result::Result<Vec<_>, _>>()?;
        let digest = snapshot_digest(digests.into_iter().map(Sha256Hash::from_bytes));
        if self.writes {
            read::set_meta(&self.db, self.seals, "snapshot_digest", &digest.to_string())?;
        }
        Ok(digest)
    }

    /// Where a rejected line stands that is still turned away.
    fn turned_at(&self, position: u64) -> Result<Option<EntryBytes>> {
        let mut select = self
            .db
            .prepare_cached("SELECT segment, start, length FROM rejected WHERE id = ?1 AND state = 'quarantined'")?;
        let found = select.query_row([position], |row| {
            Ok(EntryBytes { segment: row.get(0)?, start: row.get(1)?, length: row.get(2)? })
        });
        Ok(found.optional()?)
    }

    /// Blank lines of all sources, as their marks say.
    ///
    /// # Errors
    ///
    /// When it cannot be read.
    pub fn blank_lines(&self) -> Result<u64> {
        Ok(self.db.query_row("SELECT coalesce(sum(blank), 0) FROM checkpoints", [], |row| row.get(0))?)
    }

    /// The marks of sources that have a name, or had it before other content took it (`name`, `name#2` and so on);
    /// of all, without a name.
    ///
    /// # Errors
    ///
    /// When they cannot be read.
    pub fn marks(&self, name: Option<&str>) -> Result<Vec<SourceMark>> {
        let mut select = self.db.prepare_cached(
            "SELECT name, blank, text FROM checkpoints
             WHERE ?1 IS NULL OR name = ?1 OR name > ?1 || '#' AND name < ?1 || '$' ORDER BY name",
        )?;
        let rows = select
            .query_map([name], |row| Ok(SourceMark { name: row.get(0)?, blank: row.get(1)?, text: row.get(2)? }))?;
        Ok(rows.collect::<std::result::Result<_, _>>()?)
    }

    /// Hands out all capsules, by derived key: the rows of `capsules.jsonl` (M-120).
    ///
    /// # Errors
    ///
    /// When they cannot be read, and those of `take`.
    pub fn capsules(&self, mut take: impl FnMut(Capsule) -> Result<()>) -> Result<()> {
        let (mut reader, by) = (RowReader::default(), (&self.basis.rules, self.as_of()?));
        read::capsules(&self.db, self.seals, &mut reader, by, Capsules::All, |finished| take(finished.capsule))
    }

    /// Hands out the concepts that are listed, by key: the rows of `concepts.jsonl` (M-120).
    ///
    /// # Errors
    ///
    /// When they cannot be read, and those of `take`.
    pub fn concepts(&self, mut take: impl FnMut(Concept) -> Result<()>) -> Result<()> {
        let as_of = self.as_of()?;
        let mut select = self.db.prepare("SELECT key, row, seal FROM concepts ORDER BY key")?;
        let mut rows = select.query([])?;
        while let Some(row) = rows.next()? {
            take(self.concept(row)?.at(&self.basis.rules, as_of))?;
        }
        Ok(())
    }

    /// A concept, if it is listed.
    fn concept_of(&self, key: Sha256Hash) -> Result<Option<Concept>> {
        let mut select = self.db.prepare_cached("SELECT key, row, seal FROM concepts WHERE key = ?1")?;
        let mut rows = select.query([key.as_bytes()])?;
        rows.next()?.map(|row| self.concept(row)).transpose()
    }

    fn concept(&self, row: &rusqlite::Row<'_>) -> Result<Concept> {
        let (key, bytes, seal) = (row.get_ref(0)?.as_blob()?, row.get_ref(1)?.as_blob()?, row.get_ref(2)?.as_blob()?);
        self.seals.check(seal::Table::Concepts, key, bytes, seal)?;
        json(bytes)
    }
}
