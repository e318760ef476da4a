//! The index: what the log comes to, kept up to date batch by batch, in one SQLite file.
//!
//! It is derived, and can be derived again at any time. Each batch is one transaction, so a reader
//! sees whole batches and nothing else.

mod applied;
mod apply;
mod fold;
mod order;
mod read;
mod rewind;
mod rollup;
mod settle;
mod unseen;

pub(crate) use apply::{Arrival, Batch};
pub(crate) use read::{FactRow, SourceRow, Turned, VIEWS};

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;
use dome_binder::Rules;
use rusqlite::{Connection, OpenFlags, OptionalExtension, Transaction, params};

use crate::store::log::{Damage, Found, Log, Segments};

/// Its name in the store.
pub(crate) const NAME: &str = "index.sqlite";
/// The version of its tables. Another version is derived again.
const VERSION: &str = "1";
/// Entries that a rebuild applies in one transaction.
const REBUILD_BATCH: usize = 10_000;

/// The index of a store.
pub(crate) struct Index {
    pub(super) db: Connection,
    path: PathBuf,
}

impl Index {
    /// Opens the index for writing, and derives what the log has and the index has not.
    ///
    /// # Errors
    ///
    /// When the file cannot be written, or the log cannot be read.
    pub(crate) fn open(store: &Path, log: &Log, rules: &Rules) -> anyhow::Result<Self> {
        let path = store.join(NAME);
        let fits = |index: &Self| index.fits(log);
        let mut index = match Self::connect(&path).ok().filter(|index| fits(index).unwrap_or(false)) {
            Some(index) => index,
            None => Self::create(&path, log)?,
        };
        index.catch_up(store, log, rules)?;
        Ok(index)
    }

    /// Opens the index for reading, as of its last whole batch.
    ///
    /// # Errors
    ///
    /// When there is none, or it is not that of the store as it is.
    pub(crate) fn read(store: &Path, log: &Log) -> anyhow::Result<Self> {
        let path = store.join(NAME);
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let db = Connection::open_with_flags(&path, flags);
        let db =
            db.with_context(|| format!("cannot read `{}`; `dome store rebuild` makes it again", path.display()))?;
        db.busy_timeout(std::time::Duration::from_secs(10))?;
        let index = Self { db, path };
        let fits = index.fits(log).with_context(|| format!("cannot read `{}`", index.path.display()))?;
        anyhow::ensure!(
            fits,
            "`{}` is not the index of this store as it is; `dome store rebuild` makes it again",
            index.path.display()
        );
        Ok(index)
    }

    fn connect(path: &Path) -> anyhow::Result<Self> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let index = Self { db: Connection::open_with_flags(path, flags)?, path: path.to_owned() };
        index.tune()?;
        Ok(index)
    }

    fn tune(&self) -> anyhow::Result<()> {
        self.db.busy_timeout(std::time::Duration::from_secs(10))?;
        // A torn index is derived again, so it need not be on the disk before the next batch.
        self.db.execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA cache_size = -65536;
             PRAGMA temp_store = MEMORY;",
        )?;
        self.db.set_prepared_statement_cache_capacity(128);
        Ok(())
    }

    /// Makes an empty index in the place of whatever stands there.
    fn create(path: &Path, log: &Log) -> anyhow::Result<Self> {
        for end in ["", "-wal", "-shm"] {
            let mut name = path.as_os_str().to_owned();
            name.push(end);
            match fs::remove_file(&name) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(error).with_context(|| format!("cannot replace `{}`", path.display()));
                }
                _ => {}
            }
        }
        let db = Connection::open(path).with_context(|| format!("cannot write `{}`", path.display()))?;
        let mut index = Self { db, path: path.to_owned() };
        index.tune()?;
        let tx = index.db.transaction()?;
        tx.execute_batch(include_str!("schema.sql"))?;
        set_meta(&tx, "version", VERSION)?;
        set_meta(&tx, "settings", &log.manifest.settings.to_string())?;
        set_meta(&tx, "applied", "0")?;
        tx.commit()?;
        Ok(index)
    }

    /// Whether this is the index of that log under its settings.
    fn fits(&self, log: &Log) -> anyhow::Result<bool> {
        let version = self.meta("version")?;
        let settings = self.meta("settings")?;
        let same = version.as_deref() == Some(VERSION) && settings == Some(log.manifest.settings.to_string());
        Ok(same && self.applied()? < log.end())
    }

    /// The position of the last entry that it holds.
    pub(crate) fn applied(&self) -> anyhow::Result<u64> {
        Ok(self.meta("applied")?.and_then(|text| text.parse().ok()).unwrap_or(0))
    }

    pub(crate) fn meta(&self, key: &str) -> anyhow::Result<Option<String>> {
        let mut statement = self.db.prepare_cached("SELECT value FROM meta WHERE key = ?1")?;
        Ok(statement.query_row([key], |row| row.get(0)).optional()?)
    }

    /// Derives the entries of the log that it does not hold yet.
    fn catch_up(&mut self, store: &Path, log: &Log, rules: &Rules) -> anyhow::Result<()> {
        let from = self.applied()? + 1;
        if from >= log.end() {
            return Ok(());
        }
        let mut batch = Batch::default();
        let mut segments = Segments::of(store);
        for found in log.scan(from) {
            match found? {
                Found::Entry { position, place, entry } => batch.entry(position, place, entry),
                Found::Damage(damage) => batch.damage(damage),
            }
            if batch.len() >= REBUILD_BATCH {
                self.apply(std::mem::take(&mut batch), rules, &mut segments)?;
            }
        }
        batch.applied = log.end() - 1;
        self.apply(batch, rules, &mut segments)
    }

    /// Derives everything again, in the place of what there is.
    ///
    /// # Errors
    ///
    /// When the file cannot be written, or the log cannot be read.
    pub(crate) fn again(self, store: &Path, log: &Log, rules: &Rules) -> anyhow::Result<Self> {
        drop(self.db);
        let mut index = Self::create(&self.path, log)?;
        index.catch_up(store, log, rules)?;
        Ok(index)
    }

    /// Takes a batch in, in one transaction.
    ///
    /// # Errors
    ///
    /// When the file cannot be written; the index is then what it was before.
    pub(crate) fn apply(&mut self, batch: Batch, rules: &Rules, segments: &mut Segments) -> anyhow::Result<()> {
        let failed = || format!("cannot write `{}`", self.path.display());
        let tx = self.db.transaction().with_context(failed)?;
        apply::apply(&tx, batch, rules, segments).with_context(failed)?;
        tx.commit().with_context(failed)
    }

    /// Makes the file as small as what it holds; its size before and after, in bytes.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    pub(crate) fn compact(&self) -> anyhow::Result<(u64, u64)> {
        let size = || std::fs::metadata(&self.path).map(|found| found.len());
        self.db.execute_batch("PRAGMA wal_checkpoint(TRUNCATE);")?;
        let before = size()?;
        self.db.execute_batch("VACUUM; PRAGMA wal_checkpoint(TRUNCATE);")?;
        Ok((before, size()?))
    }

    /// The damage that was met so far.
    pub(crate) fn known_damage(&self) -> anyhow::Result<u64> {
        Ok(self.db.query_row("SELECT count(*) FROM damage", [], |row| row.get(0))?)
    }
}

pub(super) fn set_meta(tx: &Transaction<'_>, key: &str, value: &str) -> anyhow::Result<()> {
    let mut statement = tx.prepare_cached("INSERT OR REPLACE INTO meta (key, value) VALUES (?1, ?2)")?;
    statement.execute(params![key, value])?;
    Ok(())
}

pub(super) fn note_damage(tx: &Transaction<'_>, damage: &Damage) -> anyhow::Result<()> {
    let mut statement = tx.prepare_cached(
        "INSERT OR REPLACE INTO damage (first_position, last_position, segment, start, length, what)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?;
    let (first, last) = damage.positions;
    statement.execute(params![first, last, damage.segment, damage.start, damage.length, damage.what])?;
    Ok(())
}
