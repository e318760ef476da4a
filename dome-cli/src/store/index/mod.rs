//! The index: what the log comes to, kept up to date batch by batch, in one SQLite file.
//!
//! It is derived, and can be derived again at any time. Each batch is one transaction, so a reader
//! sees whole batches and nothing else.

mod applied;
mod apply;
mod fold;
mod holds;
mod order;
mod read;
mod rewind;
mod rollup;
mod settle;
mod unseen;
mod watermark;

pub(crate) use apply::{Arrival, Batch};
pub(crate) use read::{FactRow, SourceRow, Turned, VIEWS};

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;
use dome_binder::Rules;
use rusqlite::{Connection, OpenFlags, OptionalExtension, Transaction, params};

use crate::output::note;
use crate::store::log::{Damage, Found, Log, Segments};
use crate::store::verify::told;

/// Its name in the store.
pub(crate) const NAME: &str = "index.sqlite";
/// The ends of the names of what SQLite writes: the file itself, and what may stand beside it.
pub(crate) const FILES: [&str; 4] = ["", "-wal", "-shm", "-journal"];
/// The version of its tables. Another version is derived again.
const VERSION: &str = "2";
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
            None => {
                if path.exists() {
                    note(&format!(
                        "dome: note: `{}` is not the index of this store as it is: it is derived again",
                        path.display()
                    ));
                }
                Self::create(store, &log.manifest.settings)?
            }
        };
        index.catch_up(store, log, rules)?;
        Ok(index)
    }

    /// Opens the index for reading, as of its last whole batch, and the log, which is never behind it.
    /// Everything that is read through it is of that one moment, whatever a writer does meanwhile.
    ///
    /// # Errors
    ///
    /// When there is no store or no index, or it is not that of the store as it is.
    pub(crate) fn read(store: &Path) -> anyhow::Result<(Self, Log)> {
        Log::open(store)?;
        let path = store.join(NAME);
        let again = || {
            format!("cannot read `{}`; `dome store rebuild --store {}` makes it again", path.display(), store.display())
        };
        let (index, log) = Self::snapshot(&path)
            .and_then(|index| {
                let log = Log::open(store)?;
                Ok((index, log))
            })
            .with_context(again)?;
        if !index.fits(&log).with_context(again)? {
            anyhow::bail!("{}", again().replacen("cannot read", "this is not the index of the store as it is:", 1));
        }
        Ok((index, log))
    }

    /// Opens the file for reading, and holds on to what is in it now.
    fn snapshot(path: &Path) -> anyhow::Result<Self> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_URI;
        let open = |location: &Path| -> anyhow::Result<Self> {
            let index = Self { db: Connection::open_with_flags(location, flags)?, path: path.to_owned() };
            index.db.busy_timeout(std::time::Duration::from_secs(10))?;
            index.db.execute_batch("BEGIN")?;
            index.applied()?;
            Ok(index)
        };
        open(path).or_else(|error| {
            // Where nothing can be written, SQLite cannot make the file that readers and writers share;
            // without a batch that waits in the journal, none is needed.
            let waits = fs::metadata(beside(path, "-wal")).is_ok_and(|found| found.len() > 0);
            let Some(location) = path.to_str().filter(|path| !waits && !path.contains(['?', '#', '%'])) else {
                return Err(error);
            };
            let absolute = std::path::absolute(location)?;
            open(Path::new(&format!("file:{}?immutable=1", absolute.display()))).map_err(|_| error)
        })
    }

    fn connect(path: &Path) -> anyhow::Result<Self> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let index = Self { db: Connection::open_with_flags(path, flags)?, path: path.to_owned() };
        index.tune()?;
        Ok(index)
    }

    fn tune(&self) -> anyhow::Result<()> {
        self.db.busy_timeout(std::time::Duration::from_secs(10))?;
        // A torn index is derived again, so it need not be on the disk before the next batch. Batches
        // touch many pages again and again: a write-ahead log of 80 MiB writes each of them back once.
        self.db.execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA cache_size = -65536;
             PRAGMA temp_store = MEMORY; PRAGMA wal_autocheckpoint = 20000;",
        )?;
        self.db.set_prepared_statement_cache_capacity(128);
        Ok(())
    }

    /// Makes an empty index in the place of whatever stands there.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    pub(crate) fn create(store: &Path, settings: &serde_json::Value) -> anyhow::Result<Self> {
        let path = store.join(NAME);
        for end in FILES {
            match fs::remove_file(beside(&path, end)) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(error).with_context(|| format!("cannot replace `{}`", path.display()));
                }
                _ => {}
            }
        }
        Self::empty(&path, settings).with_context(|| format!("cannot write `{}`", path.display()))
    }

    fn empty(path: &Path, settings: &serde_json::Value) -> anyhow::Result<Self> {
        let mut index = Self { db: Connection::open(path)?, path: path.to_owned() };
        index.tune()?;
        let tx = index.db.transaction()?;
        tx.execute_batch(include_str!("schema.sql"))?;
        set_meta(&tx, "version", VERSION)?;
        set_meta(&tx, "settings", &settings.to_string())?;
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
                Found::Damage(damage) => {
                    note(&format!("dome: {}", told(&damage)));
                    batch.damage(damage);
                }
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
    pub(crate) fn again(store: &Path, log: &Log, rules: &Rules) -> anyhow::Result<Self> {
        let mut index = Self::create(store, &log.manifest.settings)?;
        index.catch_up(store, log, rules)?;
        Ok(index)
    }

    /// The settings that the index of a store was derived by, if it can say so.
    pub(crate) fn settings(store: &Path) -> Option<serde_json::Value> {
        let text = Self::snapshot(&store.join(NAME)).ok()?.meta("settings").ok()??;
        serde_json::from_str(&text).ok()
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

    /// The damage that was met so far: the entries that it does without, first and last of each place.
    pub(crate) fn known_damage(&self) -> anyhow::Result<Vec<(u64, u64)>> {
        let mut select = self.db.prepare("SELECT first_position, last_position FROM damage ORDER BY first_position")?;
        let rows = select.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

/// A file of SQLite's beside its main one.
fn beside(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    name.into()
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
