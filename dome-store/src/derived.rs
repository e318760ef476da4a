//! What a store comes to: the index, brought up to where the log is.
//!
//! The index is derived at the end of a command that has written, and by whoever asks and finds that it lacks something:
//! under a lock of its own, so that a question need not wait for whoever writes to the log. Who may not write to the store
//! derives in memory.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use dome_binder::Rules;
use dome_core::{QuarantineRow, Sha256Hash, Timestamp, escaped_path};
use dome_replay::Watch;
use dome_replay::error::{Context, Invariant, Result};

use crate::folder::StoreFolder;
use crate::inbox;
use crate::index::{Basis, ENTRIES, INDEX_NAME, Index, LogLines, RowOrigin};
use crate::lock::{self, WriterLock};
use crate::log::{Checkpoint, Log};
use crate::settings::StoreSettings;
use crate::writer::{StoreLimits, random};

/// The file of the secret that rows of the index are sealed by. Only who may write to the store can read it.
const SEAL: &str = "index.key";
/// How long another one is waited for that derives the same.
const WAIT: Duration = Duration::from_secs(600);

/// A line in the quarantine, and where its entry stands.
#[derive(Clone, Debug)]
pub struct Quarantined {
    /// The position of its entry.
    pub position: u64,
    /// Its row (M-31).
    pub row: QuarantineRow,
    /// Whether settling ruled it out (M-41): then it is an envelope, and reading it again changes nothing.
    pub is_conflict: bool,
    /// The whole line, where it was kept.
    pub whole: Option<Vec<u8>>,
}

/// A store as it was acknowledged at one moment, and what it comes to.
pub struct DerivedStore {
    /// The log at that moment.
    pub log: Log,
    /// What it comes to.
    pub index: Index,
    /// Lines of the log, for questions that tell them.
    pub lines: LogLines,
    /// What it is derived by.
    pub rules: Rules,
    /// The last checkpoint of each source.
    pub sources: BTreeMap<String, Checkpoint>,
    /// Files that wait in the inbox, because somebody else writes or the caller may not.
    pub waiting: usize,
}

impl DerivedStore {
    /// Opens a store for questions: takes in what waits in its inbox if nobody else writes to it, and derives what its
    /// index lacks.
    ///
    /// # Errors
    ///
    /// When no store stands there, or it cannot be read.
    pub fn open(store: &Path, limits: StoreLimits, watch: &dyn Watch) -> Result<Self> {
        let waiting = inbox::catch_up(store, limits, watch)?;
        Ok(Self { waiting, ..Self::derive(store, Deriving::ToAnswer, watch)? })
    }

    /// As [`DerivedStore::open`], for whoever writes: without looking into the inbox, or preparing answers.
    ///
    /// # Errors
    ///
    /// When no store stands there, or it cannot be read.
    pub fn as_it_is(store: &Path, watch: &dyn Watch) -> Result<Self> {
        Self::derive(store, Deriving::AfterWriting, watch)
    }

    fn derive(store: &Path, deriving: Deriving, watch: &dyn Watch) -> Result<Self> {
        let (log, index) = up_to_date(store, deriving, watch)?;
        let lines = LogLines::of(&log)?;
        let rules = StoreSettings::rules(&log.manifest().settings)?;
        let mut sources = BTreeMap::new();
        for mark in index.marks()? {
            let checkpoint = serde_json::from_str(&mark.text).context(|| "a checkpoint in the index cannot be read")?;
            sources.insert(mark.name, checkpoint);
        }
        Ok(Self { log, index, lines, rules, sources, waiting: 0 })
    }

    /// The instant up to which it is complete, as far as the sources were read.
    ///
    /// # Errors
    ///
    /// When the index cannot be read.
    pub fn watermark(&self) -> Result<Option<Timestamp>> {
        Ok(watermark(&self.sources, self.index.as_of()?))
    }

    /// Lines that are no facts, with the reasons, of one source or of all; by source name, then line (M-31). Where an
    /// entry is damaged, its line is left out.
    ///
    /// # Errors
    ///
    /// When the index or the log cannot be read.
    pub fn quarantined(&mut self, source: Option<&str>) -> Result<Vec<Quarantined>> {
        let mut all = Vec::new();
        for line in self.index.quarantine(source)? {
            let Ok(row) = line.row(&mut self.lines) else { continue };
            let is_conflict = line.conflict.is_some();
            // What was too long was not kept whole.
            let whole = self.lines.line(line.position, line.bytes).ok().map(|raw| raw.bytes);
            all.push(Quarantined { position: line.position, row, is_conflict, whole });
        }
        Ok(all)
    }
}

/// The log as it was acknowledged at one moment, and an index that holds all of it, and no more.
fn up_to_date(store: &Path, deriving: Deriving, watch: &dyn Watch) -> Result<(Log, Index)> {
    let log = Log::open(store)?;
    let whole = || -> Result<Option<Index>> {
        let Some(index) = as_derived(&log)? else { return Ok(None) };
        Ok((index.standing()?.next == log.end()).then_some(index))
    };
    if let Some(index) = whole()?
        && (deriving == Deriving::AfterWriting || index.knows_snapshot()?)
    {
        return Ok((log, index));
    }
    let failed = match derive(store, deriving, watch) {
        Ok(found) => return Ok(found),
        Err(error) => error,
    };
    // Without the digest, it answers as well and takes longer.
    if let Some(index) = whole()? {
        return Ok((log, index));
    }
    let (shown, why) = (escaped_path(store), failed.chain());
    watch.note(&format!("the index of `{shown}` cannot be brought up to date ({why}); it is derived in memory"));
    let mut index = Index::in_memory(basis(&log)?)?;
    index.catch_up(&log, ENTRIES, &mut |damage| watch.note(&damage.to_string()))?;
    Ok((log, index))
}

/// What an index is derived for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Deriving {
    /// What it lacks, after writing. The digest of all facts is left to whoever asks: it takes reading all their digests,
    /// which a writer of a few lines need not wait for.
    AfterWriting,
    /// What it lacks, and the digest of all facts, which every answer names: the next one finds it there.
    ToAnswer,
    /// All of it, from the start.
    Anew,
}

/// Derives what an index lacks; all of it where it does not fit. Readers see the one before meanwhile.
pub(crate) fn derive(store: &Path, deriving: Deriving, watch: &dyn Watch) -> Result<(Log, Index)> {
    let folder = crate::log::open_store(store)?;
    let _lock = WriterLock::take(&folder, lock::INDEX, WAIT)?;
    // The log is looked at when nobody else derives any more: an index never holds more than it then.
    let log = Log::open(store)?;
    let seal = sealing_secret(&folder, SEAL, true)?.invariant("a seal that is not there is made")?;
    let basis = Basis::of_log(&log, seal)?;
    let file = file(&folder);
    let catch_up = |index: &mut Index| {
        index.catch_up(&log, ENTRIES, &mut |damage| watch.note(&damage.to_string()))?;
        if deriving != Deriving::AfterWriting {
            index.snapshot_digest()?;
        }
        Ok(())
    };
    let derived_on = deriving != Deriving::Anew
        && match Index::write(&file, basis.clone()).and_then(|mut index| catch_up(&mut index)) {
            Ok(()) => true,
            Err(error) if error.is_unfit() => false,
            Err(error) => return Err(error.into()),
        };
    if !derived_on {
        Index::build(&file, basis.clone(), catch_up)?;
    }
    let index = Index::read(&file, basis)?;
    Ok((log, index))
}

/// The index as it was derived; `None` where there is none that fits.
pub(crate) fn as_derived(log: &Log) -> Result<Option<Index>> {
    let Some(seal) = sealing_secret(log.store(), SEAL, false)? else { return Ok(None) };
    let index = Index::read(&file(log.store()), Basis::of_log(log, seal)?).ok();
    Ok(index.filter(|index| index.is_behind(log).is_ok_and(|of_it| of_it)))
}

/// What an index is of that nobody else opens.
pub(crate) fn basis(log: &Log) -> Result<Basis> {
    Basis::of_log(log, Sha256Hash::from_bytes(random()?))
}

fn file(store: &StoreFolder) -> PathBuf {
    store.path().join(INDEX_NAME)
}

/// The secret that seals rows of indexes, in a file that only who may write to its folder can read; `None` without it.
pub(crate) fn sealing_secret(folder: &StoreFolder, name: &str, makes: bool) -> Result<Option<Sha256Hash>> {
    let mode = folder.writers_only()?;
    let failed = || format!("cannot read `{}`", folder.named(name));
    let mut text = Vec::new();
    if let Ok(Some(file)) = folder.read(name) {
        let is_secret = file.metadata().context(failed)?.mode() & 0o777 & !mode.as_raw_mode() == 0;
        Read::take(&file, 64).read_to_end(&mut text).context(failed)?;
        // Anything else is no secret of this version, and one is drawn in its place.
        let secret = str::from_utf8(&text).ok().and_then(|text| text.parse().ok());
        if let (true, Some(secret)) = (is_secret, secret) {
            return Ok(Some(secret));
        }
    }
    if !makes {
        return Ok(None);
    }
    let secret = Sha256Hash::from_bytes(random()?);
    let mut file = folder.write_or_create(name, mode)?;
    rustix::fs::fchmod(&file, mode).map_err(std::io::Error::from).context(failed)?;
    let written = file.set_len(0).and_then(|()| file.write_all(secret.to_string().as_bytes()));
    written.context(|| format!("cannot write `{}`", folder.named(name)))?;
    Ok(Some(secret))
}

/// What compacting came to; its members in canonical order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Compacted {
    /// Bytes of the index afterwards.
    pub bytes_after: u64,
    /// Bytes of the index before.
    pub bytes_before: u64,
    /// `"1"`
    pub format_version: &'static str,
}

/// Makes the index of a store as small as what it holds, by deriving it again. The log is never shortened.
///
/// # Errors
///
/// When no store stands there, or its index cannot be written.
pub fn compact(store: &Path, watch: &dyn Watch) -> Result<Compacted> {
    let folder = crate::log::open_store(store)?;
    let bytes = || folder.find(INDEX_NAME).map(|found| found.map_or(0, |found| found.length));
    let bytes_before = bytes()?;
    derive(store, Deriving::Anew, watch)?;
    Ok(Compacted { bytes_after: bytes()?, bytes_before, format_version: "1" })
}

/// The instant up to which the derived state is complete: the last fact's, unless a source is known to
/// hold more; then the latest time that the least advanced of those has told.
///
/// A source stops to hold it back when its name goes to other content: nobody will read the rest of it.
#[must_use]
pub fn watermark(sources: &BTreeMap<String, Checkpoint>, last: Option<Timestamp>) -> Option<Timestamp> {
    let mut least = None;
    for checkpoint in sources.values().filter(|source| source.is_open() && is_latest(sources, &source.name)) {
        // Of a source that has told no time, nothing is known to be complete.
        let told = checkpoint.latest?;
        least = Some(least.map_or(told, |least: Timestamp| least.min(told)));
    }
    least.map_or(last, |least| last.map(|last| last.min(least)))
}

/// Whether no later content has the name.
pub(crate) fn is_latest(sources: &BTreeMap<String, Checkpoint>, name: &str) -> bool {
    let (base, number) = match name.rsplit_once('#') {
        Some((base, number)) => match number.parse::<u64>() {
            Ok(number) if sources.contains_key(base) => (base, number),
            _ => (name, 1),
        },
        None => (name, 1),
    };
    !sources.contains_key(&format!("{base}#{}", number + 1))
}
