//! `dome store quarantine`: what was rejected and why, and another try after something was mended.

use std::path::Path;

use anyhow::Context;
use dome_core::{Problem, Reader, Sha256Hash, Timestamp};
use schemars::JsonSchema;
use serde::Serialize;

use super::door;
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
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "StoreQuarantined")]
pub(crate) struct Shown {
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
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "StoreRetry")]
pub(crate) struct Retried {
    /// Positions of the lines that are facts, repeats or conflicts now.
    admitted: Vec<u64>,
    format_version: &'static str,
    /// Lines that were asked for and are rejected still, conflicts among them.
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
    let index = Index::read(store)?.0;
    let not_after = index.session()?.and_then(|session| session.not_after);
    let turned = index.quarantine()?.into_iter().find(|row| row.position == position);
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
    let problems = problems_of(&bytes, problems, turned.conflict.as_ref(), not_after);
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
            output.as_is(&render::show(&turned.source, turned.line, &text, problem, output.color()))?;
        }
    }
    output.flush()?;
    Ok(Exit::Done)
}

/// The recorded problems; where reading finds the same ones now, with their places on the line.
fn problems_of(
    bytes: &[u8],
    mut problems: Vec<Problem>,
    conflict: Option<&Problem>,
    not_after: Option<Timestamp>,
) -> Vec<Problem> {
    if let Some(conflict) = conflict {
        return vec![conflict.clone()];
    }
    if let Err(now) = Reader::new().not_after(not_after).read(bytes) {
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
    not_after: Option<&str>,
    output: &mut Output,
) -> anyhow::Result<Exit> {
    // A store is not made by asking for another try.
    Log::open(store)?;
    let mut writer = Writer::open(store, || anyhow::bail!("the store is gone"))?;
    let before = writer.index.session()?;
    let not_after = door::not_after(not_after, before.as_ref())?;
    let mut terms = before.unwrap_or_default();
    terms.not_after = not_after;
    let rows = wanted(&writer.index, source)?;
    if let Some(unknown) = positions.iter().find(|asked| !rows.iter().any(|row| row.position == **asked)) {
        return Err(usage(format!("no quarantined line has the position {unknown}")));
    }
    let asked = |row: &Turned| positions.is_empty() || positions.contains(&row.position);
    // A conflict is settled by the facts of its run, not by reading it again.
    let (lines, conflicts): (Vec<Turned>, Vec<Turned>) =
        rows.into_iter().filter(asked).partition(|row| row.conflict.is_none());
    let (mut admitted, rejected) = door::admissible(&mut Segments::of(store), &lines, &terms)?;
    let still_rejected = rejected + conflicts.len() as u64;
    // Where the instant moves on, it does for every line: one replay has one instant.
    if !admitted.is_empty() {
        admitted.extend(writer.no_longer_late(&terms)?);
        admitted.sort_unstable();
        admitted.dedup();
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
