//! `dome store quarantine`: what was rejected and why, and another try after something was mended.

use std::path::Path;

use anyhow::Context;
use dome_core::{Problem, Reader, Sha256Hash};
use serde::Serialize;

use super::index::{Index, Turned};
use super::log::{Entry, Log, Segments};
use super::writer::Writer;
use crate::check::render;
use crate::exit::{Exit, usage};
use crate::output::{Output, grouped};

/// A line of the list, its members in canonical order.
#[derive(Serialize)]
struct Listed<'t> {
    codes: &'t [String],
    line: u64,
    position: u64,
    source: &'t str,
}

/// The first record of lists.
#[derive(Serialize)]
struct Header {
    format_version: &'static str,
    quarantined: usize,
}

/// A line with everything that is known of it, its members in canonical order.
#[derive(Serialize)]
struct Shown {
    format_version: &'static str,
    length: u64,
    line: u64,
    offset: u64,
    position: u64,
    problems: Vec<Problem>,
    /// The line, as text; what is no UTF-8 is replaced.
    raw: String,
    sha256: Sha256Hash,
    source: String,
    /// Whether the whole line is kept, so that it can be retried.
    whole: bool,
}

/// What a retry came to, its members in canonical order.
#[derive(Serialize)]
struct Retried {
    admitted: Vec<u64>,
    format_version: &'static str,
    still_rejected: u64,
}

/// Lists the quarantine, by source, then line.
pub(super) fn list(store: &Path, source: Option<&str>, output: &mut Output) -> anyhow::Result<Exit> {
    let turned = wanted(&Index::read(store)?.0, source)?;
    if output.is_json() {
        output.object(&Header { format_version: "1", quarantined: turned.len() })?;
    }
    for Turned { position, source, line, codes, .. } in &turned {
        if output.is_json() {
            output.object(&Listed { codes, line: *line, position: *position, source })?;
        } else {
            output.line(&format!("{position:>10}  {source}:{line}  {}", codes.join(", ")))?;
        }
    }
    if !output.is_json() {
        output.line(&format!("{} quarantined; `quarantine show POSITION` shows one", grouped(turned.len() as u64)))?;
    }
    output.flush()?;
    Ok(Exit::Done)
}

fn wanted(index: &Index, source: Option<&str>) -> anyhow::Result<Vec<Turned>> {
    let mut turned = index.quarantine()?;
    turned.retain(|row| source.is_none_or(|source| row.source == source));
    Ok(turned)
}

/// Shows one line with a caret under each problem.
pub(super) fn show(store: &Path, position: u64, output: &mut Output) -> anyhow::Result<Exit> {
    let turned = Index::read(store)?.0.quarantine()?.into_iter().find(|row| row.position == position);
    let turned = turned.ok_or_else(|| usage(format!("no quarantined line has the position {position}")))?;
    let entry = Segments::of(store).read(turned.place, position)?;
    let entry = entry.with_context(|| format!("entry {position} is damaged; `dome store verify` says how"))?;
    let (bytes, offset, problems, whole) = match entry {
        Entry::Line(line) => (line.raw.into_bytes(), line.offset, Vec::new(), true),
        Entry::Rejected(rejected) => {
            let whole = rejected.bytes();
            let start = || rejected.row.raw.clone().unwrap_or_default().into_bytes();
            let is_whole = whole.is_some();
            (whole.unwrap_or_else(start), rejected.row.offset, rejected.row.problems.clone(), is_whole)
        }
        _ => anyhow::bail!("entry {position} is no line"),
    };
    let problems = problems_of(&bytes, problems, turned.conflict.as_ref());
    let text = String::from_utf8_lossy(&bytes);
    if output.is_json() {
        output.object(&Shown {
            format_version: "1",
            length: bytes.len() as u64,
            line: turned.line,
            offset,
            position,
            problems,
            raw: text.into_owned(),
            sha256: Sha256Hash::of(&bytes),
            source: turned.source,
            whole,
        })?;
    } else {
        for problem in &problems {
            output.line(&render::show(&turned.source, turned.line, &text, problem, output.color()))?;
        }
    }
    output.flush()?;
    Ok(Exit::Done)
}

/// The recorded problems; where reading finds the same ones now, with their places on the line.
fn problems_of(bytes: &[u8], mut problems: Vec<Problem>, conflict: Option<&Problem>) -> Vec<Problem> {
    if let Some(conflict) = conflict {
        return vec![conflict.clone()];
    }
    if let Err(now) = Reader::new().read(bytes) {
        for problem in &mut problems {
            let same = |now: &&Problem| now.code == problem.code && now.pointer == problem.pointer;
            if let Some(found) = now.problems().iter().find(same) {
                problem.span = found.span.clone();
            }
        }
    }
    problems
}

/// Reads rejected lines again, by the terms of the last session; those that are envelopes now are
/// admitted, where they stood.
pub(super) fn retry(
    store: &Path,
    positions: &[u64],
    source: Option<&str>,
    output: &mut Output,
) -> anyhow::Result<Exit> {
    // A store is not made by asking for another try.
    Log::open(store)?;
    let mut writer = Writer::open(store, || anyhow::bail!("the store is gone"))?;
    let terms = writer.index.session()?.unwrap_or_default();
    let mut reader = Reader::new().not_after(terms.not_after);
    let mut segments = Segments::of(store);
    let (mut admitted, mut still_rejected) = (Vec::new(), 0);
    for turned in wanted(&writer.index, source)? {
        let asked = positions.is_empty() || positions.contains(&turned.position);
        if !asked || turned.conflict.is_some() {
            continue;
        }
        let bytes = match segments.read(turned.place, turned.position)? {
            Some(Entry::Rejected(rejected)) => rejected.bytes(),
            _ => None,
        };
        match bytes.map(|bytes| reader.read(&bytes).is_ok()) {
            Some(true) => admitted.push(turned.position),
            _ => still_rejected += 1,
        }
    }
    let pending = admitted.iter().map(|of| Entry::Retried { of: *of }.into()).collect();
    writer.keep(&terms, pending)?;
    if output.is_json() {
        output.object(&Retried { admitted, format_version: "1", still_rejected })?;
    } else {
        let (admitted, still) = (grouped(admitted.len() as u64), grouped(still_rejected));
        output.line(&format!("{admitted} admitted, {still} still rejected"))?;
    }
    output.flush()?;
    Ok(Exit::Done)
}
