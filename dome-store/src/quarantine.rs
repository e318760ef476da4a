//! The quarantine as a workflow: what was rejected and why, and another try after something was mended.

use std::path::Path;

use dome_core::{Line, Problem, Sha256Hash};
use dome_replay::error::{Error, Result};
use dome_replay::{Admitted, Door, Masking, Watch};
use schemars::JsonSchema;
use serde::Serialize;

use crate::derived::{DerivedStore, Deriving, Quarantined, derive};
use crate::log::Entry;
use crate::settings;
use crate::writer::{Opening, StoreLimits, StoreWriter};

/// A line of the list; its members in canonical order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ListedLine {
    /// The codes of its problems.
    pub codes: Vec<String>,
    /// Where it stood.
    pub line: u64,
    /// Its position in the log.
    pub position: u64,
    /// The source that it stood in.
    pub source: String,
}

/// A line with everything that is known of it; its members in canonical order.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "StoreQuarantined")]
pub struct ShownLine {
    /// `"1"`
    pub format_version: &'static str,
    /// Bytes of it, as far as they are kept.
    pub length: u64,
    /// Where it stood.
    pub line: u64,
    /// The place of its first byte.
    pub offset: u64,
    /// Its position in the log.
    pub position: u64,
    /// What is wrong with it.
    pub problems: Vec<Problem>,
    /// The line, as text; what is no UTF-8 is replaced.
    pub raw: String,
    /// SHA-256 of what is kept.
    pub sha256: Sha256Hash,
    /// The source that it stood in.
    pub source: String,
    /// Whether the whole line is kept, so that it can be retried.
    pub whole: bool,
}

/// What a retry came to; its members in canonical order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "StoreRetry")]
pub struct Retried {
    /// Positions of the lines that are facts, repeats or conflicts now.
    pub admitted: Vec<u64>,
    /// `"1"`
    pub format_version: &'static str,
    /// Lines that were asked for and are rejected still, conflicts among them.
    pub still_rejected: u64,
}

/// Lists the quarantine, of one source or of all; by source, then line.
///
/// # Errors
///
/// When no store stands there, or it cannot be read.
pub fn list(store: &Path, source: Option<&str>, watch: &dyn Watch) -> Result<Vec<ListedLine>> {
    let quarantined = DerivedStore::open(store, StoreLimits::default(), watch)?.quarantined(source)?;
    let listed = |found: Quarantined| ListedLine {
        codes: found.row.problems.iter().map(|problem| problem.code.as_str().to_owned()).collect(),
        line: found.row.source.line,
        position: found.position,
        source: found.row.source.name.to_string(),
    };
    Ok(quarantined.into_iter().map(listed).collect())
}

fn unknown(position: u64) -> Error {
    Error::usage(format!("no quarantined line has the position {position}"))
}

/// Tells of one line, with the place of each problem in it.
///
/// # Errors
///
/// When no quarantined line has the position, or the store cannot be read.
pub fn show(store: &Path, position: u64, watch: &dyn Watch) -> Result<ShownLine> {
    let mut derived = DerivedStore::open(store, StoreLimits::default(), watch)?;
    let not_after = derived.lines.not_after();
    let found = derived.quarantined(None)?.into_iter().find(|found| found.position == position);
    let found = found.ok_or_else(|| unknown(position))?;
    let Quarantined { row, is_conflict, whole, .. } = found;
    let is_whole = whole.is_some();
    // What was too long to be kept has its start at least.
    let bytes = whole.or_else(|| row.raw.clone().map(String::into_bytes)).unwrap_or_else(Vec::new);
    let mut problems = row.problems;
    let line = Line { number: row.source.line, offset: row.offset, bytes: &bytes };
    if let Admitted::Quarantined(now, _) = Door::for_masked(not_after).admit(&line, &row.source.name)
        && !is_conflict
    {
        // Where reading finds the same problems now, it knows their places on the line.
        for problem in &mut problems {
            let same = |now: &&Problem| now.code == problem.code && now.pointer == problem.pointer;
            if let Some(found) = now.problems.iter().find(same) {
                problem.span = found.span.clone();
            }
        }
    }
    Ok(ShownLine {
        format_version: "1",
        length: bytes.len() as u64,
        line: row.source.line,
        offset: row.offset,
        position,
        problems,
        raw: String::from_utf8_lossy(&bytes).into_owned(),
        sha256: Sha256Hash::of(&bytes),
        source: row.source.name.to_string(),
        whole: is_whole,
    })
}

/// Which rejected lines are read again.
#[derive(Clone, Copy, Debug, Default)]
pub struct Retry<'r> {
    /// Positions in the log; all where none is given.
    pub positions: &'r [u64],
    /// Only lines of this source.
    pub source: Option<&'r str>,
    /// Admit lines up to this instant from now on, or `off`.
    pub not_after: Option<&'r str>,
}

/// Reads rejected lines again, by this version of dome and the terms of the last session; those that are envelopes now
/// are admitted, where they stood.
///
/// # Errors
///
/// When a position is none of a quarantined line, the instant goes back, or the store cannot be written.
pub fn retry(store: &Path, what: Retry<'_>, opening: Opening, watch: &dyn Watch) -> Result<Retried> {
    let mut writer = StoreWriter::open_existing(store, opening, watch)?;
    let before = writer.session().cloned();
    let masking = Masking::recorded(before.as_ref().and_then(|before| before.redaction.as_ref()))?;
    let mut terms = match &before {
        Some(before) => before.clone(),
        None => settings::terms(&masking, what.not_after, None)?,
    };
    terms.not_after = settings::not_after(what.not_after, before.as_ref())?;
    let mut rows = DerivedStore::as_it_is(store, watch)?.quarantined(what.source)?;
    if let Some(position) = what.positions.iter().find(|asked| !rows.iter().any(|found| found.position == **asked)) {
        return Err(unknown(*position));
    }
    rows.retain(|found| what.positions.is_empty() || what.positions.contains(&found.position));
    let mut door = Door::for_masked(terms.not_after);
    // A conflict is settled by the facts of its run, not by reading it again.
    let mut is_admitted = |Quarantined { row, is_conflict, whole, .. }: &Quarantined| {
        let Some(bytes) = whole.as_deref().filter(|_| !is_conflict) else { return false };
        let line = Line { number: row.source.line, offset: row.offset, bytes };
        matches!(door.admit(&line, &row.source.name), Admitted::Envelope(..))
    };
    let mut admitted: Vec<u64> = rows.iter().filter(|found| is_admitted(found)).map(|found| found.position).collect();
    let still_rejected = (rows.len() - admitted.len()) as u64;
    // Where the instant moves on, it does for every line: one replay has one instant.
    if !admitted.is_empty() {
        admitted.extend(writer.no_longer_late(&terms));
        admitted.sort_unstable();
        admitted.dedup();
        writer.keep(&terms, admitted.iter().map(|of| Entry::Retried { of: *of }).collect())?;
        derive(store, Deriving::AfterWriting, watch)?;
    }
    Ok(Retried { admitted, format_version: "1", still_rejected })
}
