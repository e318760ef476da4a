//! The rows of the quarantine, held to the lines that they keep (M-31).
//!
//! A row whose line is kept whole is computed again from that line: its hash, its length and every
//! problem. Of a line that is kept in part only the digest of the file speaks.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use dome_binder::{Record, Recorder, append_row, group_by_run, settle};
use dome_core::{Line, Problem, RawLine, Rejection, RunId, Sha256Hash, Source};
use serde_json::Value;

use super::compare;
use super::findings::Findings;
use crate::door::{Admitted, Door};
use crate::result::{Named, ResultFile};

/// The file.
const QUARANTINE: &str = ResultFile::Quarantine.name();

/// Compares every row with what its line comes to, and looks at their order.
pub(super) fn check(named: &Named, bytes: &[u8], facts: Option<&[Box<Record>]>, findings: &mut Findings) {
    let mut expected = Expected::new(named, facts, bytes);
    let mut before: Option<(String, u64, u64)> = None;
    for (line, number) in compare::lines(bytes).zip(1..) {
        let number = Some(number);
        let Ok(row) = serde_json::from_slice::<Value>(line) else {
            findings.add(QUARANTINE, number, "", "a row of the quarantine", &String::from_utf8_lossy(line));
            continue;
        };
        if let Some(wanted) = expected.row(&row) {
            compare::row(QUARANTINE, number, &wanted, line, findings);
        }
        let place = place(&row);
        if place.is_none() {
            findings.add(QUARANTINE, number, "", "`source` and `offset`", &row.to_string());
        } else if before > place {
            findings.add(QUARANTINE, number, "/source", "rows by source, then line", "one that belongs before");
        }
        before = place;
    }
}

fn place(row: &Value) -> Option<(String, u64, u64)> {
    let source = source(row)?;
    Some((source.name.to_string(), source.line, row.get("offset")?.as_u64()?))
}

fn source(row: &Value) -> Option<Source> {
    let source = row.get("source")?;
    Some(Source { line: source.get("line")?.as_u64()?, name: source.get("name")?.as_str()?.into() })
}

/// What rows should be.
struct Expected {
    door: Door<'static>,
    /// Why envelopes are ruled out by facts of their runs; `None` when the facts are not known.
    conflicts: Option<BTreeMap<(Source, Sha256Hash), Problem>>,
}

impl Expected {
    fn new(named: &Named, facts: Option<&[Box<Record>]>, rows: &[u8]) -> Self {
        let (mut door, mut recorder) = (Door::for_masked(named.not_after), Recorder::new(named.binder));
        let ruled_out = compare::lines(rows).filter_map(|line| {
            let row: Value = serde_json::from_slice(line).ok()?;
            let (source, bytes) = (source(&row)?, whole_line(&row)?);
            let line = Line { number: source.line, offset: 0, bytes: &bytes };
            let Admitted::Envelope(envelope, _) = door.admit(&line, &source.name) else { return None };
            Some(Box::new(recorder.record(*envelope, source)))
        });
        let ruled_out: Vec<Box<Record>> = ruled_out.collect();
        Self { conflicts: facts.map(|facts| conflicts(ruled_out, facts)), door }
    }

    /// The row that the kept line of `row` comes to; `None` when that cannot be known.
    fn row(&mut self, row: &Value) -> Option<Vec<u8>> {
        let (source, offset, bytes) = (source(row)?, row.get("offset")?.as_u64()?, whole_line(row)?);
        let line = Line { number: source.line, offset, bytes: &bytes };
        let expected = match self.door.admit(&line, &source.name) {
            // A blank line leaves no row.
            Admitted::Blank => return Some(Vec::new()),
            Admitted::Quarantined(row, _) => *row,
            Admitted::Envelope(envelope, bytes) => {
                let problem = self.conflicts.as_ref()?.get(&(source.clone(), envelope.digest()))?.clone();
                RawLine::of(&bytes).row(offset, source, Rejection::from(problem))
            }
        };
        let mut bytes = Vec::new();
        append_row(&expected, &mut bytes);
        Some(bytes)
    }
}

/// Settles the runs of these records again, with their facts, and says which are ruled out, and why.
#[expect(clippy::vec_box, reason = "records are large and are sorted: a pointer moves, not the record")]
fn conflicts(mut records: Vec<Box<Record>>, facts: &[Box<Record>]) -> BTreeMap<(Source, Sha256Hash), Problem> {
    let runs: BTreeSet<RunId> = records.iter().map(|record| record.run_id.clone()).collect();
    records.extend(facts.iter().filter(|fact| runs.contains(&fact.run_id)).cloned());
    let settled = group_by_run(records).into_iter().map(settle);
    let conflicts = settled.flat_map(|run| run.conflicts);
    conflicts.map(|conflict| ((conflict.source, conflict.digest), conflict.problem)).collect()
}

/// The line that a row keeps, if it keeps the whole of it.
fn whole_line(row: &Value) -> Option<Vec<u8>> {
    if row.get("raw_truncated")?.as_bool()? {
        return None;
    }
    let text = |name: &str| row.get(name).and_then(Value::as_str);
    match (text("raw"), text("raw_base64")) {
        (Some(raw), None) => Some(raw.as_bytes().to_vec()),
        (None, Some(encoded)) => STANDARD.decode(encoded).ok(),
        _ => None,
    }
}
