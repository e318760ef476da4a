//! The facts of a result as records again, whatever was done to their rows.

use std::collections::BTreeMap;

use dome_binder::{Record, Recorder};
use dome_core::{Reader, Sha256Hash, Source};
use serde_json::Value;

use super::compare::lines;
use super::findings::Findings;
use crate::result::{FactRow, Named, ResultFile, source_of};

/// The facts as records again; `None` when a row holds no envelope, so that what follows from it cannot be known.
#[expect(clippy::vec_box, reason = "records are large and are sorted: a pointer moves, not the record")]
pub(super) fn records(
    named: &Named,
    facts: &[u8],
    lineage: &[u8],
    findings: &mut Findings,
) -> Option<Vec<Box<Record>>> {
    let places = places(lineage);
    let (mut reader, mut recorder) = (Reader::new().any_length(), Recorder::new(named.binder));
    let (mut records, mut whole) = (Vec::new(), true);
    for (line, number) in lines(facts).zip(1..) {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        match envelope(line, &mut reader) {
            Ok(envelope) => {
                let mut record = recorder.record(envelope, nowhere());
                if let Some(place) = places.get(&record.keys.digest) {
                    record.source = place.clone();
                }
                records.push(Box::new(record));
            }
            Err(wrong) => {
                whole = false;
                wrong.iter().for_each(|(member, expected)| {
                    let found = String::from_utf8_lossy(line);
                    findings.add(ResultFile::Facts.name(), Some(number), member, expected, &found);
                });
            }
        }
    }
    whole.then_some(records)
}

/// A place for a fact whose lineage is lost; it differs from every place that there is.
fn nowhere() -> Source {
    Source { line: 0, name: "".into() }
}

/// Where each fact stood, by the digest that its lineage names.
fn places(lineage: &[u8]) -> BTreeMap<Sha256Hash, Source> {
    let place = |line: &[u8]| {
        let row: Value = serde_json::from_slice(line).ok()?;
        let digest = row.get("digest")?.as_str()?.parse().ok()?;
        Some((digest, source_of(line)?))
    };
    lines(lineage).filter_map(place).collect()
}

/// The envelope of a row, in whatever form the row is; else what is wrong, by member.
fn envelope(line: &[u8], reader: &mut Reader) -> Result<dome_core::Envelope, Vec<(String, String)>> {
    if let Some(row) = FactRow::cut(line)
        && let Ok(envelope) = reader.read(row.envelope)
    {
        return Ok(envelope);
    }
    let row: Value =
        serde_json::from_slice(line).map_err(|why| vec![(String::new(), format!("a row of facts ({why})"))])?;
    let Some(envelope) = row.get("envelope") else {
        return Err(vec![("/envelope".to_owned(), "a canonical envelope".to_owned())]);
    };
    reader.read(envelope.to_string().as_bytes()).map_err(|rejection| {
        let problem = |problem: &dome_core::Problem| (format!("/envelope{}", problem.pointer), problem.message.clone());
        rejection.problems().iter().map(problem).collect()
    })
}
