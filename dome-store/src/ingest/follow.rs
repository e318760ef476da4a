//! `--follow`: files and folders are watched, stdin is streamed, until a signal asks to end.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use dome_core::{escaped, escaped_path};
use dome_replay::error::{Context, Result};
use dome_replay::input::{self, Chunk, Chunks, ENVELOPES, LineSource};
use notify::{RecursiveMode, Watcher};

use super::Stop;
use super::intake::LineIntake;
use super::progress::{Progress, find_start, fresh_name, skip};
use crate::inbox;

/// How often signals are looked for.
const TICK: Duration = Duration::from_millis(100);
/// How often files are looked at even if nobody says that they changed: some file systems do not.
const LOOK: Duration = Duration::from_secs(2);
/// How long a file that lost its name must be quiet before its last line counts, end or no end.
const LINGER: Duration = Duration::from_secs(5);
/// Chunks of stdin that wait to be taken in. More are not read: whoever writes them waits.
const WAITING: usize = 2;

/// Follows the inputs until a signal asks to end, or stdin does.
pub(super) fn follow(inputs: &[PathBuf], intake: &mut LineIntake<'_>, stop: &Stop) -> Result<()> {
    if inputs.iter().any(|input| input.as_os_str() == "-") { stdin(intake, stop) } else { files(inputs, intake, stop) }
}

fn stdin(intake: &mut LineIntake<'_>, stop: &Stop) -> Result<()> {
    let (send, receive) = sync_channel(WAITING);
    let asked = stop.clone();
    std::thread::spawn(move || pump(&send, &asked));
    let known = intake.writer.checkpoints_of("-");
    let mut progress = Progress::new(fresh_name("-", &known, &BTreeSet::new())?);
    let mut looked = Instant::now();
    loop {
        if looked.elapsed() >= LOOK {
            inbox::drain(intake, stop)?;
            looked = Instant::now();
        }
        match receive.recv_timeout(intake.patience().unwrap_or(TICK).min(TICK)) {
            // A stream's last chunk may lack its end; it is the only one that does.
            Ok(chunk) => {
                intake.chunk(chunk.context(|| "cannot read stdin")?, &mut progress, true, &Stop::never())?;
            }
            // What was read from the stream before it was asked to end is taken in.
            Err(RecvTimeoutError::Timeout) if stop.is_asked() => return Ok(()),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => {
                intake.ended(&mut progress, !stop.is_asked());
                return Ok(());
            }
        }
        keep_if_due(intake)?;
    }
}

/// Reads stdin; stops when nobody takes what it reads, or it is asked to.
fn pump(send: &SyncSender<std::io::Result<Chunk>>, stop: &Stop) {
    for chunk in Chunks::eager(std::io::stdin().lock()) {
        if send.send(chunk).is_err() || stop.is_asked() {
            return;
        }
    }
}

fn keep_if_due(intake: &mut LineIntake<'_>) -> Result<()> {
    if intake.patience() == Some(Duration::ZERO) { intake.keep() } else { Ok(()) }
}

fn files(inputs: &[PathBuf], intake: &mut LineIntake<'_>, stop: &Stop) -> Result<()> {
    let (send, changed) = sync_channel(1);
    let mut watcher = notify::recommended_watcher(move |_| {
        // One word that something changed is enough.
        let _full = send.try_send(());
    })
    .context(|| "cannot watch files")?;
    for input in inputs {
        watch(&mut watcher, input)?;
    }
    let mut files = FollowedFiles { inputs, tails: BTreeMap::new(), gone: Vec::new() };
    let mut looked: Option<Instant> = None;
    while !stop.is_asked() {
        let told = wait(&changed, intake.patience().unwrap_or(TICK).min(TICK));
        if told || looked.is_none_or(|looked| looked.elapsed() >= LOOK) {
            files.look(intake, stop)?;
            inbox::drain(intake, stop)?;
            looked = Some(Instant::now());
        }
        keep_if_due(intake)?;
    }
    files.end(intake, stop)
}

fn wait(changed: &Receiver<()>, timeout: Duration) -> bool {
    match changed.recv_timeout(timeout) {
        Ok(()) => true,
        Err(RecvTimeoutError::Timeout) => false,
        Err(RecvTimeoutError::Disconnected) => {
            std::thread::sleep(timeout);
            false
        }
    }
}

/// A file is watched by its folder, so that it is seen when another one takes its name.
fn watch(watcher: &mut impl Watcher, input: &Path) -> Result<()> {
    let folder = match input.parent() {
        _ if input.is_dir() => input,
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let mode = if input.is_dir() { RecursiveMode::Recursive } else { RecursiveMode::NonRecursive };
    watcher.watch(folder, mode).context(|| format!("cannot watch `{}`", escaped_path(folder)))
}

struct FollowedFiles<'i> {
    inputs: &'i [PathBuf],
    tails: BTreeMap<PathBuf, FollowedFile>,
    /// Files that lost their names. Who writes to one may go on for a while.
    gone: Vec<FollowedFile>,
}

impl FollowedFiles<'_> {
    /// Looks at every file that the inputs name now, and at those that they named before.
    fn look(&mut self, intake: &mut LineIntake<'_>, stop: &Stop) -> Result<()> {
        let mut there = BTreeSet::new();
        for source in input::find_some(self.inputs, ENVELOPES)? {
            let Some(path) = source.path().map(PathBuf::from) else { continue };
            if stop.is_asked() {
                return Ok(());
            }
            self.one(&source, &path, intake, stop)?;
            there.insert(path);
        }
        self.lose(|path, _| !there.contains(path));
        let mut waiting = Vec::new();
        for mut tail in std::mem::take(&mut self.gone) {
            let over = tail.active.elapsed() >= LINGER;
            let read = read_on(&mut tail, intake, over, stop)?;
            waiting.extend((read && !over).then_some(tail));
        }
        self.gone = waiting;
        Ok(())
    }

    /// Lays those aside that lost their names.
    fn lose(&mut self, is_lost: impl Fn(&Path, &FollowedFile) -> bool) {
        let tails = std::mem::take(&mut self.tails).into_iter();
        let (lost, left): (BTreeMap<_, _>, BTreeMap<_, _>) = tails.partition(|(path, tail)| is_lost(path, tail));
        self.tails = left;
        self.gone.extend(lost.into_values());
    }

    fn one(&mut self, source: &LineSource, path: &Path, intake: &mut LineIntake<'_>, stop: &Stop) -> Result<()> {
        // A name that goes to another file again and again is looked at again soon.
        for _ in 0..3 {
            if !self.tails.contains_key(path) {
                let in_use = self.tails.values().chain(&self.gone).map(|tail| tail.progress.at.name.clone()).collect();
                match FollowedFile::open(source, path, intake, &in_use) {
                    Ok(tail) => {
                        if self.gone.iter().any(|gone| gone.path == path) {
                            intake.watch.note(&format!(
                                "`{}` is another file now (rotated): it is read as `{}`, and the one \
                                 before to its end",
                                escaped_path(path),
                                escaped(&tail.progress.at.name)
                            ));
                        }
                        self.tails.insert(path.to_owned(), tail);
                    }
                    Err(error) => {
                        intake.watch.note(&error.chain());
                        return Ok(());
                    }
                }
            }
            let Some(tail) = self.tails.get_mut(path) else { return Ok(()) };
            match tail.advance(source, intake, stop)? {
                Now::Same => return Ok(()),
                Now::Renamed => {
                    self.gone.extend(self.tails.remove(path));
                    if !path.exists() {
                        return Ok(());
                    }
                }
                Now::Rewritten => drop(self.tails.remove(path)),
            }
        }
        Ok(())
    }

    /// The rest of files that lost their names is read now: nobody would find it later.
    fn end(&mut self, intake: &mut LineIntake<'_>, stop: &Stop) -> Result<()> {
        self.lose(|_, tail| !tail.has_its_name());
        for mut tail in std::mem::take(&mut self.gone) {
            read_on(&mut tail, intake, true, stop)?;
        }
        Ok(())
    }
}

/// Reads what has come to a file that lost its name. Whether it still is the file that was read.
fn read_on(tail: &mut FollowedFile, intake: &mut LineIntake<'_>, is_all: bool, stop: &Stop) -> Result<bool> {
    if !matches!(tail.rest(intake, is_all, stop)?, Now::Rewritten) {
        return Ok(true);
    }
    let name = escaped(&tail.progress.at.name);
    intake.watch.note(&format!("`{name}` lost its name and was rewritten: it is not read any more"));
    Ok(false)
}

/// An open file and how far it was read. The file stays open when its name goes to another one.
struct FollowedFile {
    path: PathBuf,
    file: File,
    progress: Progress,
    compressed: bool,
    /// Of a compressed file: the size and change time that were read.
    seen: (u64, i64, i64),
    /// When it last had something new.
    active: Instant,
}

enum Now {
    Same,
    /// Its path leads to another file, or nowhere.
    Renamed,
    /// It does not hold any more what was read from it.
    Rewritten,
}

impl FollowedFile {
    /// Starts where the store stopped; `in_use` are the names under which others are read.
    fn open(source: &LineSource, path: &Path, intake: &mut LineIntake<'_>, in_use: &BTreeSet<String>) -> Result<Self> {
        intake.keep_lines_of(&source.name)?;
        let known = intake.writer.checkpoints_of(&source.name);
        let progress = find_start(source, &known, in_use, intake.watch)?;
        let file = File::open(path).context(|| format!("cannot read `{}`", escaped_path(path)))?;
        let (path, compressed) = (path.to_owned(), source.is_compressed());
        Ok(Self { path, file, progress, compressed, seen: (0, 0, 0), active: Instant::now() })
    }

    fn has_its_name(&self) -> bool {
        let place = |found: &fs::Metadata| (found.dev(), found.ino());
        let named = fs::metadata(&self.path).ok();
        named.is_some_and(|named| self.file.metadata().is_ok_and(|open| place(&open) == place(&named)))
    }

    /// Reads what has come. A line without an end waits for it.
    fn advance(&mut self, source: &LineSource, intake: &mut LineIntake<'_>, stop: &Stop) -> Result<Now> {
        let renamed = !self.has_its_name();
        if self.compressed {
            return if renamed { Ok(Now::Renamed) } else { self.compressed(source, intake, stop) };
        }
        match self.rest(intake, false, stop)? {
            Now::Same if renamed => Ok(Now::Renamed),
            now => Ok(now),
        }
    }

    /// Whether it is shorter than what was read, or other bytes stand before that place.
    fn is_rewritten(&self) -> Result<bool> {
        let expected = self.progress.recent();
        let mut found = vec![0; expected.len()];
        let start = self.progress.at.offset - expected.len() as u64;
        let length = self.file.metadata().context(|| format!("cannot read `{}`", escaped_path(&self.path)))?.len();
        let read = self.file.read_exact_at(&mut found, start);
        Ok(length < self.progress.at.offset || read.is_ok() && found != expected)
    }

    /// Reads to the end of the file; `is_all` when nothing will follow, so that a last line without an end is one.
    fn rest(&mut self, intake: &mut LineIntake<'_>, is_all: bool, stop: &Stop) -> Result<Now> {
        if self.compressed {
            return Ok(Now::Same);
        }
        if self.is_rewritten()? {
            return Ok(Now::Rewritten);
        }
        let failed = || format!("cannot read `{}`", escaped_path(&self.path));
        let length = self.file.metadata().context(failed)?.len();
        if length <= self.progress.at.offset {
            return Ok(Now::Same);
        }
        self.file.seek(SeekFrom::Start(self.progress.at.offset)).context(failed)?;
        let reader = Read::take(&self.file, length - self.progress.at.offset);
        let before = self.progress.at.offset;
        for chunk in Chunks::resumed(reader, self.progress.number(), self.progress.at.offset) {
            let chunk = chunk.context(failed)?;
            // Looked at once the chunk is in memory: a file that was rewritten in the meantime may have
            // given bytes of another text. What stands before the chunk still, stood there when it was read.
            if self.is_rewritten()? {
                return Ok(Now::Rewritten);
            }
            // The rest of what nobody will find later is read in any case.
            let stop = if is_all { &Stop::never() } else { stop };
            if !intake.chunk(chunk, &mut self.progress, is_all, stop)? {
                break;
            }
        }
        if self.progress.at.offset > before {
            self.active = Instant::now();
        }
        let ended = is_all || self.progress.at.offset == length;
        intake.ended(&mut self.progress, ended);
        Ok(Now::Same)
    }

    /// A compressed file is read from its start whenever it has changed.
    fn compressed(&mut self, source: &LineSource, intake: &mut LineIntake<'_>, stop: &Stop) -> Result<Now> {
        let open = self.file.metadata().context(|| format!("cannot read `{}`", escaped_path(&self.path)))?;
        let seen = (open.len(), open.mtime(), open.mtime_nsec());
        if seen == self.seen {
            return Ok(Now::Same);
        }
        let Ok(mut reader) = source.open() else { return Ok(Now::Same) };
        match skip(&mut reader, self.progress.at.offset) {
            Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof && self.progress.at.offset > 0 => {
                return Ok(Now::Rewritten);
            }
            Err(_) => return Ok(Now::Same),
            Ok(()) => {}
        }
        let mut chunks = Chunks::resumed(reader, self.progress.number(), self.progress.at.offset).peekable();
        while let Some(chunk) = chunks.next() {
            // It may still be being written: what is not there yet is read when it is.
            let Ok(chunk) = chunk else { return Ok(Now::Same) };
            let is_last = chunks.peek().is_none();
            if !intake.chunk(chunk, &mut self.progress, is_last, stop)? {
                return Ok(Now::Same);
            }
        }
        self.seen = seen;
        intake.ended(&mut self.progress, true);
        Ok(Now::Same)
    }
}
