//! The one writer of a store: batches into the log, then into the index.

use std::ffi::OsStr;
use std::fs::File;
use std::path::Path;

use anyhow::Context;
use dome_binder::{Record, Rules};

use super::door;
use super::index::{self, Arrival, Batch, Index};
use super::lock::WriterLock;
use super::log::manifest::{self, NAME};
use super::log::{Entry, Log, LogWriter, Segments, Session, StoreManifest, Written, has_segments, missing, recover};
use super::settings::StoreSettings;
use crate::exit::{self, Exit};
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
            make_folder(path)?;
        }
        let lock = WriterLock::take(path)?;
        let manifest = match StoreManifest::read(path)? {
            Some(manifest) => manifest,
            None => {
                let manifest = StoreManifest::new(StoreSettings::of(&rules()?)?);
                // A store stands as soon as its manifest does, so the index comes first.
                Index::create(path, &manifest.settings)?;
                manifest.write(path)?;
                manifest
            }
        };
        Self::locked(path, lock, manifest, Index::open)
    }

    /// Opens a store whose lock is held.
    fn locked(
        path: &Path,
        lock: WriterLock,
        manifest: StoreManifest,
        index: impl FnOnce(&Path, &Log, &Rules) -> anyhow::Result<Index>,
    ) -> anyhow::Result<Self> {
        let rules = StoreSettings::rules(&manifest.settings)?;
        let (log, cut) = LogWriter::open(path, manifest)?;
        if cut > 0 {
            note(&format!(
                "dome: note: {cut} bytes at the end of the log were never acknowledged (a writer ended while it \
                 wrote them), and are cut off"
            ));
        }
        let as_it_is = Log::open(path)?;
        if as_it_is.short() > 0 {
            note("dome: note: part of the log is gone; what comes is kept behind it. `dome store verify` says what");
        }
        let index = index(path, &as_it_is, &rules)?;
        let terms = index.session()?;
        Ok(Self { index, rules, log, segments: Segments::of(path), terms, _lock: lock })
    }

    /// Opens a store and derives everything again, under other rules if they are given. A manifest that
    /// is damaged or gone is made again from the log; `default` are the rules where nothing says by
    /// which the store derived.
    ///
    /// # Errors
    ///
    /// When the store cannot be written, or there is none.
    pub(crate) fn rebuild(
        path: &Path,
        rules: Option<Rules>,
        default: impl FnOnce() -> anyhow::Result<Rules>,
    ) -> anyhow::Result<Self> {
        let found = StoreManifest::read(path);
        if !has_segments(path) {
            // Without a log there is nothing to make a manifest from: what is wrong with it counts.
            found.and_then(|_| Log::open(path))?;
        }
        let lock = WriterLock::take(path)?;
        let mut manifest = match StoreManifest::read(path) {
            Ok(Some(manifest)) => manifest,
            Ok(None) => recovered(path, "is gone", default)?,
            Err(error) if exit::of(&error) == Exit::Invalid => recovered(path, "is damaged", default)?,
            Err(error) => return Err(error),
        };
        if let Some(rules) = rules {
            manifest.settings = StoreSettings::of(&rules)?;
        }
        manifest.write(path)?;
        Self::locked(path, lock, manifest, Index::again)
    }

    /// Lines that were too far ahead of the clock and are envelopes by these terms.
    ///
    /// # Errors
    ///
    /// When the index or the log cannot be read.
    pub(crate) fn no_longer_late(&mut self, terms: &Session) -> anyhow::Result<Vec<u64>> {
        if self.terms.as_ref().map(|before| before.not_after) == Some(terms.not_after)
            || !self.index.has_late_lines()?
        {
            return Ok(Vec::new());
        }
        let mut rows = self.index.quarantine()?;
        rows.retain(|row| row.codes.iter().any(|code| code == "timestamp_future"));
        Ok(door::admissible(&mut self.segments, &rows, terms)?.0)
    }

    /// The position of the last entry that is kept.
    pub(crate) const fn last_position(&self) -> u64 {
        self.log.manifest.next_position - 1
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
}

/// The manifest as the log says it, with the settings that the index still knows.
fn recovered(path: &Path, why: &str, default: impl FnOnce() -> anyhow::Result<Rules>) -> anyhow::Result<StoreManifest> {
    let known = Index::settings(path).filter(|settings| StoreSettings::rules(settings).is_ok());
    let by = if known.is_some() {
        "its settings are those that the index was derived by"
    } else {
        "mode, policy and reason codes are those of these flags and dome.toml: if the store was made with others, \
         run this again with them"
    };
    note(&format!("dome: note: `{}` {why}, and is made again from the log; {by}", path.join(NAME).display()));
    let settings = known.map_or_else(|| StoreSettings::of(&default()?), Ok)?;
    recover(path, settings)
}

/// Makes the folder of a store, and sees to it that it is on the disk.
fn make_folder(path: &Path) -> anyhow::Result<()> {
    let made = std::fs::create_dir_all(path).and_then(|()| match std::path::absolute(path)?.parent() {
        Some(parent) => File::open(parent)?.sync_all(),
        None => Ok(()),
    });
    made.with_context(|| format!("cannot make `{}`", path.display()))
}

/// A store is made where nothing stands, in an empty folder, or where the making of one was cut short.
fn check_place(path: &Path) -> anyhow::Result<()> {
    const BEGUN: [&str; 3] = ["writer.lock", "log", manifest::NEXT];
    let of_index = |name: &OsStr| index::FILES.iter().any(|end| name == format!("{}{end}", index::NAME).as_str());
    if has_segments(path) {
        return Err(missing(path));
    }
    let names = match std::fs::read_dir(path) {
        Ok(entries) => entries.flatten().map(|entry| entry.file_name()).collect::<Vec<_>>(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error).with_context(|| format!("cannot read `{}`", path.display())),
    };
    let begun = names.iter().any(|name| name == "writer.lock");
    let ours = |name: &std::ffi::OsString| {
        begun && (BEGUN.iter().any(|known| name == known) || of_index(name)) || name == "log"
    };
    anyhow::ensure!(
        names.iter().all(ours),
        "`{}` holds something that is not a dome store; choose another --store",
        path.display()
    );
    Ok(())
}
