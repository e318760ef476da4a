//! Ingest: lines into a store, at once or as they come.

mod follow;
mod intake;
mod progress;
mod stop;
mod summary;
mod tail;

use std::collections::BTreeSet;
use std::io::Read;
use std::path::{Path, PathBuf};

use dome_binder::Rules;
use dome_replay::input::{self, Chunk, Chunks, ENVELOPES, Source};
use dome_replay::{Masking, Watch};

pub(crate) use intake::Intake;
pub use intake::Tally;
pub use stop::Stop;
pub use summary::{Acknowledged, Summary};

use crate::derived::Derived;
use crate::inbox::{self, Drained};
use crate::index::Tallies;
use crate::terms;
use crate::writer::{Opening, Writer};
use dome_replay::error::{Context, Error, Result};
use progress::{Start, find_start, skip};

/// Something that lines are read from, more than once.
pub(crate) trait Lines {
    /// Its name in lineage, unless other content has that name.
    fn name(&self) -> &str;
    /// Opens it at its start.
    fn open(&self) -> Result<Box<dyn Read + Send>>;
    /// How messages name it.
    fn named(&self) -> String;
    /// Whether it is a file that can be pointed at.
    fn is_file(&self) -> bool;
}

impl Lines for Source {
    fn name(&self) -> &str {
        &self.name
    }

    fn open(&self) -> Result<Box<dyn Read + Send>> {
        Source::open(self)
    }

    fn named(&self) -> String {
        Source::named(self)
    }

    fn is_file(&self) -> bool {
        Source::is_file(self)
    }
}

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
    pub tally: Tally,
    /// What was taken from the inbox; its lines are counted in `tally`.
    pub inbox: Drained,
    /// What the store came to before.
    pub before: Tallies,
    /// What it comes to now.
    pub now: Tallies,
    /// The instant up to which that is complete, as far as the sources were read.
    pub watermark: Option<dome_core::Timestamp>,
    /// Whether everything was read: not where it was asked to stop before, unless it followed.
    pub is_complete: bool,
}

/// Reads everything from where reading stopped, and takes in what waits in the inbox. `told` hears of each batch as it is
/// acknowledged. At the end the index is brought up to date, once for all batches.
///
/// # Errors
///
/// When the store cannot be opened for writing (see [`Writer::open`]), an input cannot be read, or the disk refuses a
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
    let mut writer = Writer::open(store, what.opening, what.rules, watch)?;
    let before = Derived::as_it_is(store, watch)?.index.tallies()?;
    let terms = terms::session(&what.masking, what.not_after, writer.session())?;
    let has_clock = what.not_after.is_none() && terms.not_after.is_some();
    let intake = Intake::new(&mut writer, terms, &what.masking, what.opening.limits, watch).telling(told);
    let mut intake = if has_clock { intake.with_clock() } else { intake };
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
    let derived = Derived::as_it_is(store, watch)?;
    let (now, watermark) = (derived.index.tallies()?, derived.watermark()?);
    Ok(Ingested { tally, inbox, before, now, watermark, is_complete })
}

/// Reads every source to its end; says whether it got there.
fn at_once(inputs: &[PathBuf], intake: &mut Intake<'_>, stop: &Stop) -> Result<bool> {
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
    source: &dyn Lines,
    intake: &mut Intake<'_>,
    in_use: &mut BTreeSet<String>,
    stop: &Stop,
) -> Result<bool> {
    intake.keep_lines_of(source.name())?;
    let known = intake.writer.checkpoints_of(source.name());
    let Start { mut progress, note: remark } = find_start(source, &known, in_use)?;
    if let Some(remark) = remark {
        intake.watch.note(&remark);
    }
    in_use.insert(progress.name.clone());
    let mut reader = source.open()?;
    let failed = || format!("cannot read `{}`", source.named());
    skip(&mut reader, progress.offset).context(failed)?;
    let mut chunks = Chunks::resumed(reader, progress.number(), progress.offset).peekable();
    while let Some(chunk) = chunks.next() {
        // A damaged compressed file is invalid input, not a failure of the system.
        let chunk: Chunk = chunk.context(failed)?;
        let is_last = chunks.peek().is_none();
        if !intake.chunk_until(chunk, &mut progress, is_last, stop)? {
            return Ok(false);
        }
    }
    intake.ended(&mut progress, true);
    Ok(true)
}
