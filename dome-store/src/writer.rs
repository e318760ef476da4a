//! The one writer of a store: batches into the log, and nothing else.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use dome_binder::Rules;
use dome_core::escaped_path;
use dome_replay::Watch;
use dome_replay::error::{Context, Error, Result};

use crate::aside;
use crate::folder::StoreFolder;
use crate::inbox;
use crate::lock::{self, WriterLock};
use crate::log::manifest::{Looked, NAME};
use crate::log::{
    self, Checkpoint, Entry, FOLDER, Log, LogWriter, Recovered, SessionTerms, StoreManifest, check_version,
    has_segments, missing, recover,
};
use crate::settings::StoreSettings;

/// The limits of a store and of whoever writes to it. They are values, so that a test can have others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoreLimits {
    /// A segment of the log that has grown to this many bytes is full.
    pub segment_bytes: u64,
    /// A state is put into the log when it has grown by this many bytes since the last one, or by four times the bytes
    /// of that, whichever is more. Opening a store reads about as much.
    pub state_bytes: u64,
    /// Bytes of lines that a batch holds, but for its last line.
    pub batch_bytes: usize,
    /// Lines that a batch holds, blank ones not counted.
    pub batch_lines: usize,
    /// How long the first line of a batch waits for others, where lines come as they happen.
    pub batch_age: Duration,
    /// Bytes of a file in the inbox; a longer one is moved aside.
    pub inbox_bytes: u64,
}

impl Default for StoreLimits {
    fn default() -> Self {
        Self {
            segment_bytes: 64 << 20,
            state_bytes: 1 << 20,
            batch_bytes: 8 << 20,
            batch_lines: 1_000,
            batch_age: Duration::from_millis(500),
            inbox_bytes: 1 << 30,
        }
    }
}

/// How a store is opened for writing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Opening {
    /// Its limits.
    pub limits: StoreLimits,
    /// How long another writer is waited for.
    pub wait: Duration,
}

/// A store that is open for writing. Nobody else writes to it while this stands.
///
/// A batch is put into the log, waited for, and acknowledged; its cost does not grow with what was ingested before.
/// Nothing is derived.
pub struct StoreWriter {
    log: LogWriter,
    store: StoreFolder,
    /// Files in the store with what was moved out of its log on opening it.
    aside: Vec<String>,
    _lock: WriterLock,
}

impl StoreWriter {
    /// Opens a store, or makes one that derives by what `rules` says; `rules` is given those of a store that stands, and
    /// must come to the same. What was never acknowledged is cut off.
    ///
    /// # Errors
    ///
    /// When another process writes to it, when the place holds something else, when it is of another version or derives
    /// by other rules, or when it cannot be written.
    pub fn open(
        path: &Path,
        opening: Opening,
        rules: &dyn Fn(Option<&Rules>) -> Result<Rules>,
        watch: &dyn Watch,
    ) -> Result<Self> {
        let store = prepare(path)?;
        let lock = WriterLock::take(&store, lock::NAME, opening.wait)?;
        let manifest = match StoreManifest::look(&store)? {
            Looked::Missing if has_segments(&store)? => return Err(missing(&store)?),
            Looked::Missing => {
                let manifest = StoreManifest::new(StoreSettings::of(&rules(None)?)?, identity()?);
                manifest.write(&store)?;
                manifest
            }
            Looked::Sound(manifest) => *manifest,
            Looked::Damaged | Looked::Other(_) => StoreManifest::read(&store)?,
        };
        let before = StoreSettings::rules(&manifest.settings)?;
        if StoreSettings::of(&rules(Some(&before))?)? != manifest.settings {
            return Err(Error::usage(format!(
                "the store derives by another mode, policy or reason codes; `dome store rebuild --store {}` with these \
                 flags changes them, for all that was ingested",
                escaped_path(path)
            )));
        }
        Self::locked(store, lock, manifest, opening.limits, watch)
    }

    /// Opens a store that stands, by its own rules.
    ///
    /// # Errors
    ///
    /// As [`StoreWriter::open`], and when there is none.
    pub fn open_existing(path: &Path, opening: Opening, watch: &dyn Watch) -> Result<Self> {
        // It is not made by asking for it.
        Log::open(path)?;
        let same = |before: Option<&Rules>| before.cloned().ok_or_else(|| Error::failed("the store is gone"));
        Self::open(path, opening, &same, watch)
    }

    pub(crate) fn try_open(path: &Path, limits: StoreLimits, watch: &dyn Watch) -> Result<Option<Self>> {
        let store = log::open_store(path)?;
        StoreManifest::read(&store)?;
        let Some(lock) = WriterLock::try_take(&store, lock::NAME)? else { return Ok(None) };
        let manifest = StoreManifest::read(&store)?;
        Self::locked(store, lock, manifest, limits, watch).map(Some)
    }

    fn locked(
        store: StoreFolder,
        lock: WriterLock,
        manifest: StoreManifest,
        limits: StoreLimits,
        watch: &dyn Watch,
    ) -> Result<Self> {
        StoreSettings::rules(&manifest.settings)?;
        let (mut log, cleared) = LogWriter::open(&store, manifest, limits)?;
        if cleared.cut > 0 {
            watch.note(&format!(
                "{} bytes at the end of the log were never acknowledged (a writer ended while it wrote them), and are \
                 cut off",
                cleared.cut
            ));
        }
        for moved in &cleared.aside {
            watch.note(&format!(
                "bytes behind the end of the log are none that a writer leaves; they are kept in `{}`",
                store.named(moved)
            ));
        }
        let lost = Log::of(store.clone(), log.manifest.clone())?.short()?;
        if !lost.is_empty() {
            watch.note("part of the log is gone; what comes is kept behind it. `dome store verify` says what");
        }
        let waiting: BTreeSet<String> = inbox::names(&store)?.into_iter().map(|name| inbox::source(&name)).collect();
        let gone = |name: &&String| inbox::is_given_once(name) && !waiting.contains(*name);
        let gone = log.known.sources.keys().filter(gone).cloned().collect();
        log.known.forget(&gone);
        Ok(Self { log, store, aside: cleared.aside, _lock: lock })
    }

    /// Opens a store to make it anew: under other rules if `rules` comes to others than it is given, and with a manifest
    /// that is made again from the log where it is damaged, gone, or older than the log. `rules` is given none where
    /// nothing says by which the store derived.
    ///
    /// The version is looked at first, and nothing is removed: what is no part of the log any more is moved aside.
    ///
    /// # Errors
    ///
    /// When the store cannot be written, is of another version, or there is none.
    pub fn rebuild(
        path: &Path,
        opening: Opening,
        rules: &dyn Fn(Option<&Rules>) -> Result<Rules>,
        watch: &dyn Watch,
    ) -> Result<Self> {
        let store = log::open_store(path)?;
        if !has_segments(&store)? {
            // Without a log there is nothing to make a manifest from: what is wrong with it counts.
            StoreManifest::read(&store)?;
        }
        if !matches!(StoreManifest::look(&store)?, Looked::Sound(_)) {
            check_version(&store)?;
        }
        let lock = WriterLock::take(&store, lock::NAME, opening.wait)?;
        let (manifest, aside) = sound(&store, rules, watch)?;
        let before = manifest.settings.clone();
        let settings = StoreSettings::of(&rules(StoreSettings::rules(&before).ok().as_ref())?)?;
        let mut writer = Self::locked(store, lock, manifest, opening.limits, watch)?;
        writer.aside.extend(aside);
        if settings != before {
            writer.log.manifest.settings = settings;
            writer.log.manifest.generation += 1;
            // A generation begins with a state that says by what it derives.
            writer.log.append(Vec::new())?;
        }
        Ok(writer)
    }

    /// The terms of the last session; none in a store that nothing was kept in.
    #[must_use]
    pub const fn session(&self) -> Option<&SessionTerms> {
        self.log.known.session.as_ref()
    }

    /// Files in the store with what was moved out of its log when it was opened: whoever made it anew ends with
    /// [`crate::ErrorClass::Unreproduced`] if there are any.
    #[must_use]
    pub fn aside(&self) -> &[String] {
        &self.aside
    }

    /// The position of the last entry that is kept.
    #[must_use]
    pub const fn last_position(&self) -> u64 {
        self.log.manifest.next_position - 1
    }

    /// The log as it is acknowledged now.
    ///
    /// # Errors
    ///
    /// When it cannot be opened.
    pub fn log(&self) -> Result<Log> {
        Log::of(self.store.clone(), self.log.manifest.clone())
    }

    /// How far the sources were read that have a name, or had it before other content took it.
    pub(crate) fn checkpoints_of(&self, name: &str) -> Vec<Checkpoint> {
        let sources = &self.log.known.sources;
        let later = sources.range(format!("{name}#")..format!("{name}$")).map(|(_, known)| known);
        sources.get(name).into_iter().chain(later).cloned().collect()
    }

    pub(crate) const fn store(&self) -> &StoreFolder {
        &self.store
    }

    pub(crate) fn forget(&mut self, gone: &BTreeSet<String>) {
        self.log.known.forget(gone);
    }

    /// Lines that were too far ahead of the clock and are envelopes by these terms (M-32).
    pub(crate) fn no_longer_late(&self, terms: &SessionTerms) -> Vec<u64> {
        self.log.known.admitted_by(terms.not_after)
    }

    /// Keeps a batch admitted by `terms`: on the disk when this returns. After a failure, all or none of it is there.
    pub(crate) fn keep(&mut self, terms: &SessionTerms, entries: Vec<Entry>) -> Result<()> {
        // A store without a line still says by which terms it has none.
        if entries.is_empty() && self.session().is_some() {
            return Ok(());
        }
        let session = (self.session() != Some(terms)).then(|| Entry::Session(terms.clone()));
        self.log.append(session.into_iter().chain(entries).collect())
    }

    /// The position that the next entry of the batch after this one gets, when `terms` are told first.
    pub(crate) fn next_position(&self, terms: &SessionTerms) -> u64 {
        self.log.next_position() + u64::from(self.session() != Some(terms))
    }
}

/// The manifest of a store that is made anew, and what was moved aside for it.
fn sound(
    store: &StoreFolder,
    rules: &dyn Fn(Option<&Rules>) -> Result<Rules>,
    watch: &dyn Watch,
) -> Result<(StoreManifest, Vec<String>)> {
    let (why, known) = match StoreManifest::look(store)? {
        Looked::Sound(manifest) => {
            if !Log::of(store.clone(), (*manifest).clone())?.is_ahead_of_manifest()? {
                return Ok((*manifest, Vec::new()));
            }
            ("is older than its log", Some(*manifest))
        }
        Looked::Missing => ("is gone", None),
        // A flipped bit in the version is damage if the log says another one: recovering looks at that.
        Looked::Damaged | Looked::Other(_) => ("is damaged", None),
    };
    let settings = || match &known {
        Some(manifest) => Ok(manifest.settings.clone()),
        None => StoreSettings::of(&rules(None)?),
    };
    let identity = || known.as_ref().map_or_else(identity, |manifest| Ok(manifest.store.clone()));
    let Recovered { manifest, aside } = recover(store, settings, identity)?;
    watch.note(&format!("`{}` {why}, and is made again from the log", store.named(NAME)));
    for moved in &aside {
        watch.note(&format!("bytes that are no part of the log are kept in `{}`", store.named(moved)));
    }
    manifest.write(store)?;
    Ok((manifest, aside))
}

/// Opens the folder of a store, made if it is not there. Nothing else may stand in it.
fn prepare(path: &Path) -> Result<StoreFolder> {
    let failed = || format!("cannot make `{}`", escaped_path(path));
    std::fs::create_dir_all(path).context(failed)?;
    let store = StoreFolder::open(path).context(|| format!("cannot open `{}`", escaped_path(path)))?;
    // The version is looked at before anything is opened for writing.
    match StoreManifest::look(&store)? {
        Looked::Sound(_) => return Ok(store),
        Looked::Damaged | Looked::Other(_) => drop(StoreManifest::read(&store)?),
        Looked::Missing => {}
    }
    check_place(&store)?;
    if let Some(parent) = std::path::absolute(path).context(failed)?.parent() {
        std::fs::File::open(parent).and_then(|parent| parent.sync_all()).context(failed)?;
    }
    Ok(store)
}

/// A store is made where nothing stands, in an empty folder, or where the making of one was cut short.
fn check_place(store: &StoreFolder) -> Result<()> {
    if has_segments(store)? {
        return Err(missing(store)?);
    }
    let names = store.names()?;
    let next = format!("{NAME}.next");
    let ours = [lock::NAME, lock::INDEX, FOLDER, inbox::FOLDER, aside::FOLDER, &next];
    let begun = names.iter().any(|name| name == lock::NAME);
    if names.iter().all(|name| begun && ours.contains(&name.as_str())) {
        return Ok(());
    }
    Err(Error::failed(format!(
        "`{}` holds something that is not a dome store; choose another --store",
        escaped_path(store.path())
    )))
}

/// A new identity: 32 hex digits that nothing else has.
fn identity() -> Result<String> {
    drawn::<16>()
}

/// Bytes that nobody can foresee, as hex digits.
pub(crate) fn drawn<const N: usize>() -> Result<String> {
    Ok(random::<N>()?.iter().map(|byte| format!("{byte:02x}")).collect())
}

pub(crate) fn random<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).context(|| "the system gives no random bytes")?;
    Ok(bytes)
}
