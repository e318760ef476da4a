//! `--follow`: files and folders are watched, stdin is streamed, until a signal asks to end.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use notify::{RecursiveMode, Watcher};

use super::intake::Intake;
use super::progress::{Progress, fresh_name};
use super::stop::Stop;
use super::tail::{Now, Tail};
use crate::inbox;
use dome_core::{escaped, escaped_path};
use dome_replay::error::{Context, Result};
use dome_replay::input::{self, Chunk, Chunks, ENVELOPES, Source};

/// How often signals are looked for.
const TICK: Duration = Duration::from_millis(100);
/// How often files are looked at even if nobody says that they changed: some file systems do not.
const LOOK: Duration = Duration::from_secs(2);
/// How long a file that lost its name must be quiet before its last line counts, end or no end.
const LINGER: Duration = Duration::from_secs(5);
/// Chunks of stdin that wait to be taken in. More are not read: whoever writes them waits.
const WAITING: usize = 2;

/// Follows the inputs until a signal asks to end, or stdin does.
pub(super) fn follow(inputs: &[PathBuf], intake: &mut Intake<'_>, stop: &Stop) -> Result<()> {
    if inputs.iter().any(|input| input.as_os_str() == "-") { stdin(intake, stop) } else { files(inputs, intake, stop) }
}

fn stdin(intake: &mut Intake<'_>, stop: &Stop) -> Result<()> {
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
            Ok(chunk) => intake.chunk(chunk.context(|| "cannot read stdin")?, &mut progress, true)?,
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

fn keep_if_due(intake: &mut Intake<'_>) -> Result<()> {
    if intake.patience() == Some(Duration::ZERO) { intake.keep() } else { Ok(()) }
}

fn files(inputs: &[PathBuf], intake: &mut Intake<'_>, stop: &Stop) -> Result<()> {
    let (send, changed) = sync_channel(1);
    let mut watcher = notify::recommended_watcher(move |_| {
        // One word that something changed is enough.
        let _full = send.try_send(());
    })
    .context(|| "cannot watch files")?;
    for input in inputs {
        watch(&mut watcher, input)?;
    }
    let mut files = Files { inputs, tails: BTreeMap::new(), gone: Vec::new() };
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

/// The files that are followed.
struct Files<'i> {
    inputs: &'i [PathBuf],
    tails: BTreeMap<PathBuf, Tail>,
    /// Files that lost their names. Who writes to one may go on for a while.
    gone: Vec<Tail>,
}

impl Files<'_> {
    /// Looks at every file that the inputs name now, and at those that they named before.
    fn look(&mut self, intake: &mut Intake<'_>, stop: &Stop) -> Result<()> {
        let mut there = BTreeSet::new();
        for source in input::find_some(self.inputs, ENVELOPES)? {
            let Some(path) = source.path().map(PathBuf::from) else { continue };
            if stop.is_asked() {
                return Ok(());
            }
            self.one(&source, &path, intake, stop)?;
            there.insert(path);
        }
        let lost: Vec<PathBuf> = self.tails.keys().filter(|path| !there.contains(*path)).cloned().collect();
        self.gone.extend(lost.iter().filter_map(|path| self.tails.remove(path)));
        let mut waiting = Vec::new();
        for mut tail in std::mem::take(&mut self.gone) {
            let over = tail.is_quiet(LINGER);
            let read = read_on(&mut tail, intake, over, stop)?;
            waiting.extend((read && !over).then_some(tail));
        }
        self.gone = waiting;
        Ok(())
    }

    fn one(&mut self, source: &Source, path: &Path, intake: &mut Intake<'_>, stop: &Stop) -> Result<()> {
        // A name that goes to another file again and again is looked at again soon.
        for _ in 0..3 {
            if !self.tails.contains_key(path) {
                let in_use = self.tails.values().chain(&self.gone).map(|tail| tail.name().to_owned()).collect();
                match Tail::open(source, path, intake, &in_use) {
                    Ok(tail) => {
                        if self.gone.iter().any(|gone| gone.path() == path) {
                            intake.watch.note(&format!(
                                "`{}` is another file now (rotated): it is read as `{}`, and the one \
                                 before to its end",
                                escaped_path(path),
                                escaped(tail.name())
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
    fn end(&mut self, intake: &mut Intake<'_>, stop: &Stop) -> Result<()> {
        let lost: Vec<PathBuf> =
            self.tails.iter().filter(|(_, tail)| !tail.has_its_name()).map(|(path, _)| path.clone()).collect();
        self.gone.extend(lost.iter().filter_map(|path| self.tails.remove(path)));
        for mut tail in std::mem::take(&mut self.gone) {
            read_on(&mut tail, intake, true, stop)?;
        }
        Ok(())
    }
}

/// Reads what has come to a file that lost its name. Whether it still is the file that was read.
fn read_on(tail: &mut Tail, intake: &mut Intake<'_>, is_all: bool, stop: &Stop) -> Result<bool> {
    let now = tail.rest(intake, is_all, stop)?;
    let is_same = !matches!(now, Now::Rewritten);
    if !is_same {
        intake
            .watch
            .note(&format!("`{}` lost its name and was rewritten: it is not read any more", escaped(tail.name())));
    }
    Ok(is_same)
}
