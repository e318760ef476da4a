//! The one writer of a store: batches into the log, then into the index.

use std::path::{Path, PathBuf};

use anyhow::Context;
use dome_binder::{Record, Rules};

use super::index::{Arrival, Batch, Index};
use super::lock::WriterLock;
use super::log::{Entry, Log, LogWriter, Segments, Session, StoreManifest, Written};
use super::settings::StoreSettings;
use crate::output::note;

/// An entry that waits for its batch; an envelope comes with the record that was made of it.
pub(crate) struct Pending {
    pub(crate) entry: Entry,
    pub(crate) record: Option<Box<Record>>,
}

impl From<Entry> for Pending {
    fn from(entry: Entry) -> Self {
        Self { entry, record: None }
    }
}

/// A store that is open for writing.
pub(crate) struct Writer {
    pub(crate) index: Index,
    pub(crate) rules: Rules,
    log: LogWriter,
    segments: Segments,
    /// The terms that the last batch was admitted by.
    terms: Option<Session>,
    path: PathBuf,
    _lock: WriterLock,
}

impl Writer {
    /// Opens a store, or makes one that derives by `rules`. What was never acknowledged is cut off,
    /// and what the index lacks is derived.
    ///
    /// # Errors
    ///
    /// When another process writes to it, when the place holds something else, or when it cannot be
    /// written.
    pub(crate) fn open(path: &Path, rules: impl FnOnce() -> anyhow::Result<Rules>) -> anyhow::Result<Self> {
        let manifest = StoreManifest::read(path)?;
        if manifest.is_none() {
            check_place(path)?;
            std::fs::create_dir_all(path).with_context(|| format!("cannot make `{}`", path.display()))?;
        }
        let lock = WriterLock::take(path)?;
        let manifest = match StoreManifest::read(path)? {
            Some(manifest) => manifest,
            None => {
                let manifest = StoreManifest::new(StoreSettings::of(&rules()?)?);
                manifest.write(path)?;
                manifest
            }
        };
        let rules = StoreSettings::rules(&manifest.settings)?;
        let (log, cut) = LogWriter::open(path, manifest)?;
        if cut > 0 {
            note(&format!(
                "dome: note: {cut} bytes at the end of the log were never acknowledged (a writer ended while it \
                 wrote them), and are cut off"
            ));
        }
        let index = Index::open(path, &Log::open(path)?, &rules)?;
        let terms = index.session()?;
        Ok(Self { index, rules, log, segments: Segments::of(path), terms, path: path.to_owned(), _lock: lock })
    }

    /// How far each source was read.
    ///
    /// # Errors
    ///
    /// When the index cannot be read.
    pub(crate) fn known_sources(&self) -> anyhow::Result<Vec<super::log::Checkpoint>> {
        Ok(self.index.sources()?.into_iter().map(|row| row.checkpoint).collect())
    }

    /// Keeps a batch: when this returns, it is on the disk. `terms` are what it was admitted by.
    ///
    /// # Errors
    ///
    /// When the disk refuses it. The store is then what it was before, or has the whole batch.
    pub(crate) fn keep(&mut self, terms: &Session, pending: Vec<Pending>) -> anyhow::Result<()> {
        // A store without a line still says by which terms it has none.
        if pending.is_empty() && self.terms.is_some() {
            return Ok(());
        }
        let (mut entries, mut records) = (Vec::new(), Vec::new());
        if self.terms.as_ref() != Some(terms) {
            entries.push(Entry::Session(terms.clone()));
            records.push(None);
        }
        for Pending { entry, record } in pending {
            entries.push(entry);
            records.push(record);
        }
        let written = self.log.append(entries)?;
        self.terms = Some(terms.clone());
        let mut batch = Batch::default();
        for (Written { position, place, entry }, record) in written.into_iter().zip(records) {
            match record {
                Some(record) => batch.arrival(Arrival { position, place, record }),
                None => batch.entry(position, place, entry),
            }
        }
        self.index.apply(batch, &self.rules, &mut self.segments)
    }

    /// The position that the next entry of the batch after this one gets, when `terms` are told first.
    pub(crate) fn next_position(&self, terms: &Session) -> u64 {
        self.log.manifest.next_position + u64::from(self.terms.as_ref() != Some(terms))
    }

    /// Derives everything again, under other rules if they are given.
    ///
    /// # Errors
    ///
    /// When the store cannot be written.
    pub(crate) fn rebuild(mut self, rules: Option<Rules>) -> anyhow::Result<Self> {
        if let Some(rules) = rules {
            self.log.manifest.settings = StoreSettings::of(&rules)?;
            self.log.manifest.write(&self.path)?;
            self.rules = rules;
        }
        self.index = self.index.again(&self.path, &Log::open(&self.path)?, &self.rules)?;
        Ok(self)
    }
}

/// A store is made where nothing stands, or in an empty folder.
fn check_place(path: &Path) -> anyhow::Result<()> {
    match std::fs::read_dir(path) {
        Ok(mut entries) => {
            let foreign = |name: &std::ffi::OsStr| name != "writer.lock" && name != "log";
            let other = entries.any(|entry| entry.is_ok_and(|entry| foreign(&entry.file_name())));
            anyhow::ensure!(
                !other,
                "`{}` holds something that is not a dome store; choose another --store",
                path.display()
            );
            Ok(())
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error).with_context(|| format!("cannot read `{}`", path.display())),
    }
}
