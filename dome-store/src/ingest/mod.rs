//! Ingest: lines into a store, at once or as they come.

mod follow;
mod intake;
mod progress;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use dome_binder::Rules;
use dome_core::Timestamp;
use dome_replay::error::{Context, Error, Invariant, Result};
use dome_replay::input::{self, Chunks, ENVELOPES, LineSource};
use dome_replay::{Masking, Watch};
use schemars::JsonSchema;
use serde::Serialize;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

pub use intake::IngestTally;
pub(crate) use intake::LineIntake;

use crate::derived::DerivedStore;
use crate::inbox::{self, Drained};
use crate::index::Tallies;
use crate::settings;
use crate::writer::{Opening, StoreWriter};
use progress::{find_start, skip};

/// What is ingested, and how.
pub struct Ingest<'i> {
    /// Files, folders (walked for envelopes), or `-` for stdin.
    pub inputs: &'i [PathBuf],
    /// Whether to go on as files grow, appear and are rotated, or as stdin goes on, until it is asked to stop.
    pub follow: bool,
    /// What masks secrets before anything is kept.
    pub masking: Masking,
    /// Reject lines whose `ts` is later than this, or `off`; a day ahead of the clock where nothing is asked for (M-32).
    pub not_after: Option<&'i str>,
    /// What a new store derives by, or what is asked for of one that stands: it is given that one's own rules.
    pub rules: &'i dyn Fn(Option<&Rules>) -> Result<Rules>,
    /// How the store is opened.
    pub opening: Opening,
}

/// What ingesting came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ingested {
    /// What was read.
    pub tally: IngestTally,
    /// What was taken from the inbox; its lines are counted in `tally`.
    pub inbox: Drained,
    /// What the store came to before.
    pub before: Tallies,
    /// What it comes to now.
    pub now: Tallies,
    /// The instant up to which that is complete, as far as the sources were read.
    pub watermark: Option<Timestamp>,
    /// Whether everything was read: not where it was asked to stop before, unless it followed.
    pub is_complete: bool,
}

/// Reads everything from where reading stopped, and takes in what waits in the inbox. `told` hears of each batch as it is
/// acknowledged. At the end the index is brought up to date, once for all batches.
///
/// # Errors
///
/// When the store cannot be opened for writing (see [`StoreWriter::open`]), an input cannot be read, or the disk refuses a
/// batch. Everything that was acknowledged before stays.
pub fn ingest(
    store: &Path,
    what: Ingest<'_>,
    stop: &Stop,
    told: &mut dyn FnMut(&Acknowledged) -> Result<()>,
    watch: &dyn Watch,
) -> Result<Ingested> {
    if what.follow && what.inputs.iter().any(|input| input.as_os_str() == "-") && what.inputs.len() > 1 {
        return Err(Error::usage("with --follow, `-` stands alone: stdin is one stream, files are watched"));
    }
    let mut writer = StoreWriter::open(store, what.opening, what.rules, watch)?;
    let before = DerivedStore::as_it_is(store, watch)?.index.tallies()?;
    let terms = settings::terms(&what.masking, what.not_after, writer.session())?;
    let has_clock = what.not_after.is_none() && terms.not_after.is_some();
    let mut intake = LineIntake::new(&mut writer, terms, &what.masking, what.opening.limits, watch);
    intake.listener = Some(told);
    intake.clock = has_clock.then(Instant::now);
    intake.readmit()?;
    let is_complete = if what.follow {
        follow::follow(what.inputs, &mut intake, stop)?;
        true
    } else {
        at_once(what.inputs, &mut intake, stop)?
    };
    intake.keep()?;
    let inbox = if is_complete { inbox::drain(&mut intake, &Stop::never())? } else { Drained::default() };
    let tally = intake.tally;
    // Everything is acknowledged by now, whatever becomes of this.
    let derived = DerivedStore::as_it_is(store, watch)?;
    let (now, watermark) = (derived.index.tallies()?, derived.watermark()?);
    Ok(Ingested { tally, inbox, before, now, watermark, is_complete })
}

fn at_once(inputs: &[PathBuf], intake: &mut LineIntake<'_>, stop: &Stop) -> Result<bool> {
    let mut in_use = BTreeSet::new();
    for source in input::find(inputs, ENVELOPES, intake.watch)? {
        if !read(&source, intake, &mut in_use, stop)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Reads a source from where it stopped to its end; says whether it got there.
pub(crate) fn read(
    source: &LineSource,
    intake: &mut LineIntake<'_>,
    in_use: &mut BTreeSet<String>,
    stop: &Stop,
) -> Result<bool> {
    intake.keep_lines_of(&source.name)?;
    let known = intake.writer.checkpoints_of(&source.name);
    let mut progress = find_start(source, &known, in_use, intake.watch)?;
    in_use.insert(progress.at.name.clone());
    let mut reader = source.open()?;
    let failed = || format!("cannot read `{}`", source.named());
    skip(&mut reader, progress.at.offset).context(failed)?;
    let mut chunks = Chunks::resumed(reader, progress.number(), progress.at.offset).peekable();
    while let Some(chunk) = chunks.next() {
        let chunk = chunk.context(failed)?;
        let is_last = chunks.peek().is_none();
        if !intake.chunk(chunk, &mut progress, is_last, stop)? {
            return Ok(false);
        }
    }
    intake.ended(&mut progress, true);
    Ok(true)
}

/// Whether somebody asked to end. Whoever ingests keeps its batch, then ends.
///
/// ```
/// let stop = dome_store::Stop::never();
/// assert!(!stop.is_asked());
/// stop.ask();
/// assert!(stop.is_asked());
/// ```
#[derive(Clone, Debug)]
pub struct Stop(Arc<AtomicBool>);

impl Stop {
    /// Listens for SIGTERM and SIGINT, for as long as the process lives. A second one ends it at once.
    ///
    /// # Errors
    ///
    /// When the system refuses to tell of signals.
    pub fn on_signals() -> Result<Self> {
        let asked = Arc::new(AtomicBool::new(false));
        for signal in [SIGINT, SIGTERM] {
            let registered = flag::register_conditional_default(signal, Arc::clone(&asked))
                .and_then(|_| flag::register(signal, Arc::clone(&asked)));
            registered.context(|| "cannot listen for signals")?;
        }
        Ok(Self(asked))
    }

    /// Nobody asks, but for [`Stop::ask`].
    #[must_use]
    pub fn never() -> Self {
        Self(Arc::new(AtomicBool::new(false)))
    }

    /// Asks to end.
    pub fn ask(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether somebody asked to end.
    #[must_use]
    pub fn is_asked(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// A batch is on the disk; its members in canonical order. The document of `dome schema ingest-batch`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "IngestBatch")]
pub struct Acknowledged {
    /// Lines that this command has read and that are kept, this batch's included.
    pub acknowledged_lines: u64,
    /// `"1"`
    pub format_version: &'static str,
    /// The position of the log's last entry.
    pub position: u64,
}

impl Acknowledged {
    pub(crate) fn of(writer: &StoreWriter, tally: IngestTally) -> Self {
        Self { acknowledged_lines: tally.lines, format_version: "1", position: writer.last_position() }
    }
}

/// What an ingest came to; its members in canonical order. The document of `dome schema ingest-summary`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "IngestSummary")]
pub struct IngestSummary {
    /// Batches that were kept.
    pub batches: u64,
    /// Blank lines.
    pub blank: u64,
    /// `"1"`
    pub format_version: &'static str,
    /// Lines that were read, those of the inbox included.
    pub lines: u64,
    /// Facts more than before: fewer, where a late line rules out more than it adds.
    pub new_facts: i64,
    /// Lines that were rejected, and conflicts more than before.
    pub quarantined: u64,
    /// The store.
    pub store: String,
    /// Facts in all.
    pub total_facts: u64,
    /// The instant up to which the derived state is complete.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub watermark: Option<Timestamp>,
}

impl IngestSummary {
    /// What came of an ingest into a store.
    ///
    /// # Errors
    ///
    /// Never, unless dome has a defect.
    pub fn of(store: &Path, ingested: &Ingested) -> Result<Self> {
        let Ingested { tally, before, now, watermark, .. } = ingested;
        let facts = |facts: u64| i64::try_from(facts).invariant("facts are counted in 63 bits");
        Ok(Self {
            batches: tally.batches,
            blank: tally.blank,
            format_version: "1",
            lines: tally.lines,
            new_facts: facts(now.facts)? - facts(before.facts)?,
            quarantined: tally.rejected + now.conflicts.saturating_sub(before.conflicts),
            store: store.display().to_string(),
            total_facts: now.facts,
            watermark: *watermark,
        })
    }
}
