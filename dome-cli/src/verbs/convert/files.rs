//! The files of a conversion: what each is, and in which order they are taken.

use std::io::{self, BufRead, BufReader, Read};
use std::time::UNIX_EPOCH;

use anyhow::Context;
use dome_adapters::{Finding, FindingCode, Format, HEAD_BYTES, Head, Source};
use dome_core::{HashingReader, Timestamp};

use super::args::{ConvertArgs, Order};
use super::report::Report;
use crate::output::Watching;
use dome_replay::input;

/// What the user asked for.
#[derive(Clone, Copy)]
pub(super) enum Wanted {
    One(Format),
    /// `auto`
    Any,
}

/// A file with its format.
pub(super) struct File {
    source: input::Source,
    pub(super) known: Source,
    pub(super) format: Format,
}

impl File {
    pub(super) fn reader(&self) -> anyhow::Result<impl BufRead> {
        Ok(BufReader::with_capacity(1 << 16, self.source.open()?))
    }
}

/// The files that the inputs name, in the order that was asked for. One that cannot be read, or that
/// no format takes, is reported.
pub(super) fn find(args: &ConvertArgs, wanted: Wanted, report: &mut Report) -> anyhow::Result<Vec<File>> {
    let order = args.sequence_from.unwrap_or(Order::Name);
    let mut files = Vec::new();
    for source in input::find(&args.inputs, &endings(wanted), &Watching::new("converting"))? {
        match look(&source, order) {
            Ok((known, head)) => match format(wanted, &Head::of(&head), &source.name) {
                Ok(format) => files.push(File { source, known, format }),
                Err(problem) => report.refused(problem),
            },
            Err(error) => report.unreadable(&source.name, &error),
        }
    }
    match order {
        Order::Files => {}
        Order::Mtime => {
            files.sort_by(|a, b| a.known.modified.cmp(&b.known.modified).then_with(|| a.known.cmp_by_name(&b.known)))
        }
        Order::Name => files.sort_by(|a, b| a.known.cmp_by_name(&b.known)),
    }
    Ok(files)
}

/// The endings of file names that count in a folder.
fn endings(wanted: Wanted) -> Vec<&'static str> {
    match wanted {
        Wanted::One(format) => format.endings().to_vec(),
        Wanted::Any => {
            let mut all: Vec<_> = Format::all().flat_map(|format| format.endings()).copied().collect();
            all.sort_unstable();
            all.dedup();
            all
        }
    }
}

/// Reads a file once, for its digest and its beginning.
fn look(source: &input::Source, order: Order) -> anyhow::Result<(Source, Vec<u8>)> {
    let (mut reader, mut head) = (HashingReader::new(source.open()?), Vec::new());
    let read = reader.by_ref().take(HEAD_BYTES as u64).read_to_end(&mut head);
    let read = read.and_then(|_| io::copy(&mut reader, &mut io::sink()));
    let (sha256, bytes) = (reader.sha256(), reader.length());
    read.with_context(|| format!("after {bytes} bytes"))?;
    let modified = if order == Order::Mtime { Some(modified(source)?) } else { None };
    Ok((Source { name: source.name.clone(), sha256, bytes, modified }, head))
}

/// When a file was last changed.
fn modified(source: &input::Source) -> anyhow::Result<Timestamp> {
    let path = source.path().context("standard input has no time of its own; `--sequence-from mtime` wants files")?;
    let since = std::fs::metadata(path)?.modified()?.duration_since(UNIX_EPOCH)?;
    Ok(Timestamp::from_unix(i64::try_from(since.as_secs())?, since.subsec_nanos())?)
}

fn format(wanted: Wanted, head: &Head<'_>, name: &str) -> Result<Format, Finding> {
    if let Wanted::One(format) = wanted {
        return Ok(format);
    }
    let found: Vec<_> = Format::of(head).collect();
    let names = |formats: &[Format]| formats.iter().map(|format| format!("`{format}`")).collect::<Vec<_>>().join(", ");
    match found.as_slice() {
        [one] => Ok(*one),
        [] => {
            let expected = format!("one of {}", names(&Format::all().collect::<Vec<_>>()));
            let message = "nothing in it says which format it is";
            Err(Finding::of_file(FindingCode::FormatUnknown, name, message, expected))
        }
        several => {
            let message = format!("it could be {}", names(several));
            Err(Finding::of_file(FindingCode::FormatAmbiguous, name, message, "the format's name instead of `auto`"))
        }
    }
}

/// Files whole and decompressed; one that cannot be read is reported.
pub(super) fn contents<'f>(files: impl Iterator<Item = &'f File>, report: &mut Report) -> Vec<(String, Vec<u8>)> {
    let mut contents = Vec::new();
    for file in files {
        let mut bytes = Vec::new();
        match file.reader().and_then(|mut reader| Ok(reader.read_to_end(&mut bytes)?)) {
            Ok(_) => contents.push((file.known.name.clone(), bytes)),
            Err(error) => report.unreadable(&file.known.name, &error),
        }
    }
    contents
}
