//! `inbox/`: files that reporters leave who may not wait for the lock. Whoever holds it takes them in.
//!
//! A file is there as a whole or not at all, and is a source of its own. It is removed when the batch is acknowledged
//! that its last line is in. Whoever ends in between leaves a file that the log knows to be read to its end, so that the
//! next one only removes it: no line is doubled, none is lost.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use dome_core::escaped_path;
use dome_replay::error::{Context, ErrorClass, Result};
use dome_replay::input::LineSource;
use dome_replay::{BUILT_IN, Masking, Watch};

use crate::aside;
use crate::folder::StoreFolder;
use crate::ingest::{LineIntake, Stop, read};
use crate::log::{StoreManifest, open_store};
use crate::settings;
use crate::writer::drawn;

pub(crate) const FOLDER: &str = "inbox";
const END: &str = ".jsonl";

/// Leaves lines in the inbox of a store, for whoever holds its lock; says under which name. It waits for nobody.
///
/// When this returns the lines are on the disk and will be ingested once, as a source of that name.
///
/// # Errors
///
/// When no store stands there, it is of another version, or the lines cannot be read or written.
pub fn drop_off(store: &Path, lines: &mut dyn Read) -> Result<String> {
    let store = open_store(store)?;
    StoreManifest::read(&store)?;
    let inbox = store.make_sub(FOLDER)?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).context(|| "the clock is before 1970")?;
    let name = format!("{:020}-{}{END}", now.as_nanos(), drawn::<8>()?);
    let part = format!(".{name}.part");
    let mut file = inbox.create(&part)?;
    let written = io::copy(lines, &mut file).and_then(|_| file.flush()).and_then(|()| file.sync_all());
    let placed = written
        .context(|| format!("cannot write `{}`", inbox.named(&part)))
        .and_then(|()| inbox.rename(&part, &inbox, &name));
    if placed.is_err() {
        let _nobody_reads_it = inbox.remove(&part);
    }
    placed?;
    inbox.sync()?;
    Ok(source(&name))
}

/// How many files wait in the inbox of a store.
///
/// # Errors
///
/// When no store stands there, or it cannot be read.
pub fn waiting(store: &Path) -> Result<usize> {
    Ok(names(&open_store(store)?)?.len())
}

/// The names of files that wait, in order. Other names are nobody's to take: a reporter may still be writing.
pub(crate) fn names(store: &StoreFolder) -> Result<Vec<String>> {
    let Some(inbox) = store.sub(FOLDER)? else { return Ok(Vec::new()) };
    let mut names = inbox.names()?;
    names.retain(|name| name.ends_with(END) && !name.starts_with('.'));
    Ok(names)
}

/// The name of a file's lines in lineage.
pub(crate) fn source(name: &str) -> String {
    format!("{FOLDER}/{name}")
}

/// Whether a source has a name of the kind that [`drop_off`] gives once and never again.
pub(crate) fn is_given_once(source: &str) -> bool {
    let parts = || source.strip_prefix(FOLDER)?.strip_prefix('/')?.strip_suffix(END)?.split_once('-');
    parts().is_some_and(|(time, drawn)| {
        let digits = |text: &str| text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        time.len() == 20 && drawn.len() == 16 && digits(time) && digits(drawn)
    })
}

/// What was taken from the inbox.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Drained {
    /// Files that are ingested and removed.
    pub files: u64,
    /// What was no file of lines, and was moved aside.
    pub aside: u64,
}

/// Takes in what waits, in name order. Files are removed when all of them are acknowledged.
pub(crate) fn drain(intake: &mut LineIntake<'_>, stop: &Stop) -> Result<Drained> {
    let watch = intake.watch;
    let store = intake.writer.store().clone();
    let (waiting, mut drained) = (names(&store)?, Drained::default());
    let (Some(inbox), false) = (store.sub(FOLDER)?, waiting.is_empty()) else { return Ok(drained) };
    let mut read_whole = Vec::new();
    for name in waiting {
        match open(&inbox, &name, intake.limits.inbox_bytes)? {
            Some(file) => {
                let found = state(&file, &inbox, &name)?;
                if !read(&LineSource::opened(source(&name), file), intake, &mut BTreeSet::new(), stop)? {
                    break;
                }
                read_whole.push((name, found));
            }
            None => match aside::whole(&store, &inbox, &name) {
                Ok(to) => {
                    drained.aside += 1;
                    let (was, is) = (inbox.named(&name), store.named(&to));
                    watch.note(&format!(
                        "`{was}` is no regular file of at most {} bytes; it is `{is}` now",
                        intake.limits.inbox_bytes
                    ));
                }
                Err(error) => watch.note(&format!("`{}` is passed over: {}", inbox.named(&name), error.chain())),
            },
        }
    }
    intake.keep()?;
    let mut gone = BTreeSet::new();
    for (name, found) in &read_whole {
        // What has grown, or is another file by now, is read the next time.
        let Some(file) = inbox.read(name)? else { continue };
        if state(&file, &inbox, name)? == *found {
            inbox.remove(name)?;
            drained.files += 1;
            gone.insert(source(name));
        }
    }
    inbox.sync()?;
    gone.retain(|name| is_given_once(name));
    intake.writer.forget(&gone);
    Ok(drained)
}

/// Which file it is, and how long: device, inode, bytes.
fn state(file: &File, inbox: &StoreFolder, name: &str) -> Result<(u64, u64, u64)> {
    let found = file.metadata().context(|| format!("cannot read `{}`", inbox.named(name)))?;
    Ok((found.dev(), found.ino(), found.len()))
}

/// Opens a file that waits; `None` for what is none, or longer than it may be.
fn open(inbox: &StoreFolder, name: &str, most: u64) -> Result<Option<File>> {
    match inbox.find(name)? {
        Some(found) if found.is_file() && found.length <= most => {}
        _ => return Ok(None),
    }
    match inbox.read(name) {
        Ok(file) => Ok(file),
        Err(error) if error.class() == ErrorClass::Invalid => Ok(None),
        Err(error) => Err(error),
    }
}

/// Takes in what waits if nobody else writes to the store; how many files wait afterwards. Lines are admitted by the
/// terms of the last session. Where the store cannot be written, the files wait.
///
/// # Errors
///
/// When no store stands there, or it cannot be read.
pub fn catch_up(store: &Path, limits: crate::StoreLimits, watch: &dyn Watch) -> Result<usize> {
    let folder = open_store(store)?;
    StoreManifest::read(&folder)?;
    let waiting = names(&folder)?;
    if waiting.is_empty() {
        return Ok(0);
    }
    if let Err(error) = take(store, limits, watch) {
        // Whoever only reads may not be allowed to write, and is to be answered all the same.
        let shown = escaped_path(store);
        watch.note(&format!("{} files wait in the inbox of `{shown}`: {}", waiting.len(), error.chain()));
    }
    Ok(names(&folder)?.len())
}

fn take(store: &Path, limits: crate::StoreLimits, watch: &dyn Watch) -> Result<()> {
    let Some(mut writer) = crate::writer::StoreWriter::try_open(store, limits, watch)? else { return Ok(()) };
    // By the terms of the last session, but for the clock.
    let masking = match writer.session() {
        Some(session) => Masking::recorded(session.redaction.as_ref())?,
        None => Masking::load(Some(Path::new(BUILT_IN)))?,
    };
    let terms = settings::terms(&masking, None, writer.session())?;
    let mut intake = LineIntake::new(&mut writer, terms, &masking, limits, watch);
    intake.readmit()?;
    drain(&mut intake, &Stop::never()).map(drop)
}
