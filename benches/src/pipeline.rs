//! The whole replay in memory on one thread: bytes of lines in, bytes of all artifacts out.

use dome_binder::views::{self, GateRollup, GuardDenial, RecentFailure};
use dome_binder::{
    Ledger, Lineage, Policy, Record, Recorder, Replay, Rules, SettledRun, append_fact, append_row, group_by_run, order,
    settle,
};
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
    Ok(Rules { policy: Policy::default(), codes, mode: None, contracts: None })
}

/// The records of a source, and the rows of the lines that are none.
#[must_use]
pub fn records(bytes: &[u8]) -> (Vec<Box<Record>>, Vec<QuarantineRow>) {
    let (mut records, mut rejected) = (Vec::new(), Vec::new());
    let (mut reader, mut recorder) = (Reader::new(), Recorder::default());
    for line in lines(bytes, 1, 0) {
        let source = Source { line: line.number, name: "synthetic.jsonl".into() };
        match reader.read(line.bytes) {
            Ok(envelope) => records.push(Box::new(recorder.record(envelope, source))),
            Err(rejection) => rejected.push(RawLine::of(line.bytes).row(line.offset, source, rejection)),
        }
    }
    (records, rejected)
}

/// Replays a source from its bytes to the bytes of its artifacts, and takes the time of every stage.
#[must_use]
pub fn replay(bytes: &[u8], rules: &Rules) -> Outcome {
    let mut laps = Laps::start();
    let (rows, replay) = stages(bytes, rules, &mut |stage| laps.lap(stage));
    Outcome { rows, facts: replay.ledger.facts.len(), capsules: replay.derived.capsules.len(), laps }
}

/// The stages one after the other; `ended` hears the name of each when it is done.
pub fn stages(bytes: &[u8], rules: &Rules, ended: &mut dyn FnMut(&'static str)) -> (Vec<u8>, Replay) {
    let (records, rejected) = records(bytes);
    ended("read + record");
    let runs = settled(records, rules);
    ended("group + settle");
    let ledger = order(runs);
    ended("order");
    let replay = derived(ledger, rules);
    ended("fold + assemble");
    let views = Views::of(&replay);
    ended("views");
    let rows = rows(&replay, &views, &rejected, rules, bytes.len() * 2);
    ended("rows");
    (rows, replay)
}

/// The runs, each settled by itself.
#[must_use]
pub fn settled(records: Vec<Box<Record>>, rules: &Rules) -> Vec<SettledRun> {
    group_by_run(records).into_iter().map(|run| settle(run, &rules.codes)).collect()
}

/// Everything that a ledger comes to.
#[must_use]
pub fn derived(ledger: Ledger, rules: &Rules) -> Replay {
    dome_binder::conclude(ledger, rules, None)
}

/// The rows of the three views.
#[derive(Debug)]
pub struct Views<'f> {
    recent: Vec<RecentFailure<'f>>,
    rollup: Vec<GateRollup>,
    denials: Vec<GuardDenial>,
}

impl<'f> Views<'f> {
    /// The views of a replay.
    #[must_use]
    pub fn of(replay: &'f Replay) -> Self {
        let facts = &replay.ledger.facts;
        Self {
            recent: views::recent_failures(facts).collect(),
            rollup: views::gate_rollup(facts),
            denials: views::guard_denials(facts),
        }
    }
}

/// The bytes of all artifacts, one after the other.
#[must_use]
pub fn rows(replay: &Replay, views: &Views<'_>, rejected: &[QuarantineRow], rules: &Rules, capacity: usize) -> Vec<u8> {
    let mut rows = Vec::with_capacity(capacity);
    for (fact, bound) in replay.ledger.facts.iter().zip(&replay.bound) {
        append_fact(
            rules.mode_of(fact.wrapper_policy),
            fact,
            fact.canonical.held().expect("records in memory hold their envelopes"),
            bound,
            &mut rows,
        );
    }
    replay.derived.capsules.iter().for_each(|row| append_row(row, &mut rows));
    replay.derived.concepts.iter().for_each(|row| append_row(row, &mut rows));
    views.recent.iter().for_each(|row| append_row(row, &mut rows));
    views.rollup.iter().for_each(|row| append_row(row, &mut rows));
    views.denials.iter().for_each(|row| append_row(row, &mut rows));
    replay.ledger.facts.iter().for_each(|fact| append_row(&Lineage::of(fact), &mut rows));
    rejected.iter().for_each(|row| append_row(row, &mut rows));
    append_row(&replay.ledger.snapshot_digest(), &mut rows);
    rows
}
