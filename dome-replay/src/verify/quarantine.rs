//! The rows of the quarantine, held to the lines that they keep (M-31).
//!
//! A row whose line is kept whole is computed again from that line: its hash, its length and every
//! problem. Of a line that is kept in part only the digest of the file speaks.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use dome_binder::{Record, Recorder, append_row, group_by_run, settle};
use dome_core::{Line, RawLine, Rejection, RunId, Sha256Hash, Source};
use serde_json::Value;

use super::{Differences, compare};
use crate::door::{Admitted, Door};
use crate::result::{Named, ResultFile};

const QUARANTINE: &str = ResultFile::Quarantine.name();

/// Why envelopes are ruled out, by where they stand and by digest.
type Conflicts = BTreeMap<(Source, Sha256Hash), Rejection>;

/// Compares every row with what its line comes to, and their order. What facts rule out is not known without them.
pub(super) fn check(named: &Named, bytes: &[u8], facts: Option<&[Box<Record>]>, differences: &mut Differences) {
    let mut door = Door::for_masked(named.not_after);
    let conflicts = facts.map(|facts| conflicts(named, bytes, facts, &mut door));
    let mut before: Option<(String, u64, u64)> = None;
    for (line, number) in compare::lines(bytes).zip(1..) {
        let number = Some(number);
        let Ok(row) = serde_json::from_slice::<Value>(line) else {
            differences.add(QUARANTINE, number, "", "a row of the quarantine", &String::from_utf8_lossy(line));
            continue;
        };
        if let Some(wanted) = expected(&row, conflicts.as_ref(), &mut door) {
            compare::row(QUARANTINE, number, &wanted, line, differences);
        }
        let place = place(&row).map(|(source, offset)| (source.name.to_string(), source.line, offset));
        if place.is_none() {
            differences.add(QUARANTINE, number, "", "`source` and `offset`", &row.to_string());
        } else if before > place {
            differences.add(QUARANTINE, number, "/source", "rows by source, then line", "one that belongs before");
        }
        before = place;
    }
}

/// The row that the kept line of `row` comes to; `None` when that cannot be known.
fn expected(row: &Value, conflicts: Option<&Conflicts>, door: &mut Door<'_>) -> Option<Vec<u8>> {
    let ((source, offset), bytes) = (place(row)?, whole_line(row)?);
    let expected = match door.admit(&Line { number: source.line, offset, bytes: &bytes }, &source.name) {
        // It leaves no row.
        Admitted::Blank => return Some(Vec::new()),
        Admitted::Quarantined(row, _) => *row,
        Admitted::Envelope(envelope, bytes) => {
            let rejection = conflicts?.get(&(source.clone(), envelope.digest()))?.clone();
            RawLine::of(&bytes).row(offset, source, rejection)
        }
    };
    let mut bytes = Vec::new();
    append_row(&expected, &mut bytes);
    Some(bytes)
}

/// Settles the runs of quarantined envelopes again, with their facts.
fn conflicts(named: &Named, rows: &[u8], facts: &[Box<Record>], door: &mut Door<'_>) -> Conflicts {
    let mut recorder = Recorder::new(named.binder);
    let ruled_out = compare::lines(rows).filter_map(|line| {
        let row: Value = serde_json::from_slice(line).ok()?;
        let ((source, offset), bytes) = (place(&row)?, whole_line(&row)?);
        match door.admit(&Line { number: source.line, offset, bytes: &bytes }, &source.name) {
            Admitted::Envelope(envelope, _) => Some(Box::new(recorder.record(*envelope, source))),
            Admitted::Blank | Admitted::Quarantined(..) => None,
        }
    });
    let mut records: Vec<Box<Record>> = ruled_out.collect();
    let runs: BTreeSet<RunId> = records.iter().map(|record| record.run_id.clone()).collect();
    records.extend(facts.iter().filter(|fact| runs.contains(&fact.run_id)).cloned());
    let conflicts = group_by_run(records).into_iter().flat_map(|run| settle(run, &named.rules.codes).conflicts);
    conflicts.map(|conflict| ((conflict.source, conflict.digest), conflict.rejection)).collect()
}

fn place(row: &Value) -> Option<(Source, u64)> {
    let source = row.get("source")?;
    let source = Source { line: source.get("line")?.as_u64()?, name: source.get("name")?.as_str()?.into() };
    Some((source, row.get("offset")?.as_u64()?))
}

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
