//! The whole replay in memory on one thread: bytes of lines in, bytes of all artifacts out.

use dome_binder::{Lineage, Policy, Record, Rules, append_fact, append_row, fold, group_by_run, order, settle, views};
use dome_core::{CodeTable, CodeTableError, QuarantineRow, RawLine, Reader, Source, lines};

use crate::stopwatch::Laps;

/// What a replay writes, and how long its stages took.
#[derive(Debug)]
pub struct Outcome {
    /// The rows of every artifact.
    pub rows: Vec<u8>,
    /// How many facts there are.
    pub facts: usize,
    /// How many capsules there are.
    pub capsules: usize,
    /// The times of the stages.
    pub laps: Laps,
}

/// The stages, in order, as [`Outcome::laps`] names them.
pub const STAGES: [&str; 6] = ["read + record", "group + settle", "order", "fold + assemble", "views", "rows"];

/// The default policy and the reason codes that the history uses.
///
/// # Errors
///
/// When the table that is compiled in is none.
pub fn rules() -> Result<Rules, CodeTableError> {
    let codes = CodeTable::parse(include_bytes!("reason-codes.json"))?;
    Ok(Rules { policy: Policy::default(), codes, mode: None })
}

/// The records of a source, and the rows of the lines that are none.
#[must_use]
pub fn records(bytes: &[u8]) -> (Vec<Box<Record>>, Vec<QuarantineRow>) {
    let (mut records, mut rejected) = (Vec::new(), Vec::new());
    let (mut reader, mut written) = (Reader::new(), Vec::new());
    for line in lines(bytes, 1, 0) {
        let source = Source { line: line.number, name: "synthetic.jsonl".into() };
        match reader.read(line.bytes) {
            Ok(envelope) => records.push(Box::new(Record::with(envelope, source, &mut written))),
            Err(rejection) => rejected.push(RawLine::of(line.bytes).row(line.offset, source, rejection)),
        }
    }
    (records, rejected)
}

/// Replays a source from its bytes to the bytes of its artifacts.
#[must_use]
pub fn replay(bytes: &[u8], rules: &Rules) -> Outcome {
    let mut laps = Laps::start();
    let (records, rejected) = records(bytes);
    laps.lap("read + record");
    let runs = group_by_run(records).into_iter().map(settle).collect();
    laps.lap("group + settle");
    let ledger = order(runs);
    laps.lap("order");
    let folded = ledger.lines().iter().map(|line| fold(line, rules)).collect();
    let replay = dome_binder::conclude(ledger, folded, rules, None);
    laps.lap("fold + assemble");
    let recent = views::recent_failures(&replay.ledger.facts);
    let rollup = views::gate_rollup(&replay.ledger.facts);
    let denials = views::guard_denials(&replay.ledger.facts);
    laps.lap("views");
    let mut rows = Vec::with_capacity(bytes.len() * 2);
    for (fact, bound) in replay.ledger.facts.iter().zip(&replay.bound) {
        append_fact(fact, bound, rules, &mut rows);
    }
    replay.derived.capsules.iter().for_each(|row| append_row(row, &mut rows));
    replay.derived.concepts.iter().for_each(|row| append_row(row, &mut rows));
    recent.iter().for_each(|row| append_row(row, &mut rows));
    rollup.iter().for_each(|row| append_row(row, &mut rows));
    denials.iter().for_each(|row| append_row(row, &mut rows));
    replay.ledger.facts.iter().for_each(|fact| append_row(&Lineage::of(fact), &mut rows));
    rejected.iter().for_each(|row| append_row(row, &mut rows));
    append_row(&replay.ledger.snapshot_digest(), &mut rows);
    laps.lap("rows");
    Outcome { rows, facts: replay.ledger.facts.len(), capsules: replay.derived.capsules.len(), laps }
}
