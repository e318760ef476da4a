//! `--follow`: files and folders are watched, stdin is streamed, until a signal asks to end.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use anyhow::Context;
use notify::{RecursiveMode, Watcher};

use super::intake::Intake;
use super::progress::Progress;
use super::stop::Stop;
use super::tail::Tail;
use crate::input::{self, Chunk, Chunks, ENVELOPES};
use crate::output::{Output, note};

/// How often signals are looked for.
const TICK: Duration = Duration::from_millis(100);
/// How often files are looked at even if nobody says that they changed: some file systems do not.
const LOOK: Duration = Duration::from_secs(2);
/// Chunks of stdin that wait to be taken in. More are not read: whoever writes them waits.
const WAITING: usize = 2;

/// Follows the inputs until a signal asks to end, or stdin does.
pub(super) fn follow(
    inputs: &[PathBuf],
    intake: &mut Intake<'_>,
    stop: &Stop,
    output: &mut Output,
) -> anyhow::Result<()> {
    if inputs.iter().any(|input| input.as_os_str() == "-") {
        stdin(intake, stop, output)
    } else {
        files(inputs, intake, stop, output)
    }
}

fn stdin(intake: &mut Intake<'_>, stop: &Stop, output: &mut Output) -> anyhow::Result<()> {
    let (send, receive) = sync_channel(WAITING);
    std::thread::spawn(move || pump(&send));
    let known = intake.writer.known_sources()?;
    let earlier = known.iter().filter(|known| known.name == "-" || known.name.starts_with("-#")).count();
    let name = if earlier == 0 { "-".to_owned() } else { format!("-#{}", earlier + 1) };
    let mut progress = Progress::new(name);
    let mut told = intake.tally.batches;
    while !stop.is_asked() {
        match receive.recv_timeout(intake.patience().unwrap_or(TICK).min(TICK)) {
            // A stream's last chunk may lack its end; it is the only one that does.
            Ok(chunk) => intake.chunk(chunk.context("cannot read stdin")?, &mut progress, true)?,
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return Ok(()),
        }
        keep_if_due(intake)?;
        acknowledge(intake, &mut told, output)?;
    }
    Ok(())
}

/// Reads stdin; stops when nobody takes what it reads.
fn pump(send: &SyncSender<std::io::Result<Chunk>>) {
    for chunk in Chunks::eager(std::io::stdin().lock()) {
        if send.send(chunk).is_err() {
            return;
        }
    }
}

fn keep_if_due(intake: &mut Intake<'_>) -> anyhow::Result<()> {
    if intake.patience() == Some(Duration::ZERO) { intake.keep() } else { Ok(()) }
}

/// Says what was kept since it was said last.
fn acknowledge(intake: &Intake<'_>, told: &mut u64, output: &mut Output) -> anyhow::Result<()> {
    if intake.tally.batches > *told {
        *told = intake.tally.batches;
        super::summary::acknowledge(intake, output)?;
    }
    Ok(())
}

fn files(inputs: &[PathBuf], intake: &mut Intake<'_>, stop: &Stop, output: &mut Output) -> anyhow::Result<()> {
    let (send, changed) = sync_channel(1);
    let mut watcher = notify::recommended_watcher(move |_| {
        // One word that something changed is enough.
        let _full = send.try_send(());
    })
    .context("cannot watch files")?;
    for input in inputs {
        watch(&mut watcher, input)?;
    }
    let mut tails: BTreeMap<PathBuf, Tail> = BTreeMap::new();
    let (mut looked, mut told): (Option<Instant>, u64) = (None, intake.tally.batches);
    while !stop.is_asked() {
        let is_told = wait(&changed, intake.patience().unwrap_or(TICK).min(TICK));
        if is_told || looked.is_none_or(|looked| looked.elapsed() >= LOOK) {
            look(inputs, &mut tails, intake)?;
            looked = Some(Instant::now());
        }
        keep_if_due(intake)?;
        acknowledge(intake, &mut told, output)?;
    }
    Ok(())
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
fn watch(watcher: &mut impl Watcher, input: &Path) -> anyhow::Result<()> {
    let folder = match input.parent() {
        _ if input.is_dir() => input,
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let mode = if input.is_dir() { RecursiveMode::Recursive } else { RecursiveMode::NonRecursive };
    watcher.watch(folder, mode).with_context(|| format!("cannot watch `{}`", folder.display()))
}

/// Looks at every file that the inputs name now.
fn look(inputs: &[PathBuf], tails: &mut BTreeMap<PathBuf, Tail>, intake: &mut Intake<'_>) -> anyhow::Result<()> {
    for source in input::find_some(inputs, ENVELOPES)? {
        let Some(path) = source.path().map(PathBuf::from) else { continue };
        // A name that goes to another file again and again is looked at again soon.
        for _ in 0..3 {
            let tail = match tails.get_mut(&path) {
                Some(tail) => tail,
                None => match Tail::open(&source, intake) {
                    Ok(Some(tail)) => tails.entry(path.clone()).or_insert(tail),
                    Ok(None) => break,
                    Err(error) => {
                        note(&format!("dome: note: {error:#}"));
                        break;
                    }
                },
            };
            if tail.advance(&source, intake)? {
                break;
            }
            // Another file has its name now, or it was cut: what it was is read to its end.
            tails.remove(&path);
            if !path.exists() {
                break;
            }
        }
    }
    Ok(())
}
