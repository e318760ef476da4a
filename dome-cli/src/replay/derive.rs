//! Deriving, with the cuts that L-4 allows: runs settled apart, task lines folded apart.

use std::convert::Infallible;

use dome_binder::views::{GateRollups, GuardDenials};
use dome_binder::{
    Assembly, Fact, FinishedPart, FoldedLine, KeyPart, Ledger, Record, Replay, Rules, SettledRun, bindings, by_key,
    deal_by_run, fold, group_by_run, join_lines, order, settle,
};
use dome_core::Timestamp;

use super::Steps;
use dome_replay::parallel;

/// Task lines that a thread is given at once. Tests cut everywhere, so that small histories meet every cut.
const LINES: usize = if cfg!(test) { 1 } else { 256 };

/// Records that are dealt out at once.
const RECORDS: usize = if cfg!(test) { 2 } else { 1 << 13 };

/// Facts that are cut into task lines at once.
const LINE_FACTS: usize = if cfg!(test) { 2 } else { 1 << 15 };

/// Parts of the runs that are settled apart.
const RUN_PARTS: usize = 32;

/// Parts of the derived keys that are finished apart: many, so that each is small when it is put to the others.
const KEY_PARTS: usize = 256;

/// The views that are gathered run by run, while the facts of a run are at hand.
#[derive(Debug, Default)]
pub(crate) struct RunViews {
    pub(crate) gates: GateRollups,
    pub(crate) denials: GuardDenials,
}

impl RunViews {
    pub(super) fn add_run(&mut self, facts: &[Fact]) {
        self.gates.add_run(facts);
        self.denials.add_run(facts);
    }

    fn merge(&mut self, other: Self) {
        self.gates.merge(other.gates);
        self.denials.merge(other.denials);
    }
}

/// Settles, orders, folds and assembles.
#[expect(clippy::vec_box, reason = "records are large and are sorted: a pointer moves, not the record")]
pub(crate) fn derive(
    records: Vec<Box<Record>>,
    rules: &Rules,
    threads: usize,
    as_of: Option<Timestamp>,
    steps: &mut Steps,
) -> (Replay, RunViews) {
    let (ledger, views) = steps.time("settling", || {
        let mut records = records.into_iter();
        let batches = std::iter::from_fn(move || {
            let batch: Vec<_> = records.by_ref().take(RECORDS).collect();
            (!batch.is_empty()).then_some(batch)
        });
        let mut parts: Vec<Vec<Box<Record>>> = std::iter::repeat_with(Vec::new).take(RUN_PARTS).collect();
        for dealt in parallel::map(threads, batches, |batch| deal_by_run(batch, RUN_PARTS)) {
            parts.iter_mut().zip(dealt).for_each(|(part, records)| part.extend(records));
        }
        let settled = parallel::map(threads, parts.into_iter(), |records| {
            let mut views = RunViews::default();
            let settled = group_by_run(records).into_iter().map(settle).inspect(|run| views.add_run(&run.facts));
            (settled.collect::<Vec<SettledRun>>(), views)
        });
        let (mut runs, mut views) = (Vec::new(), RunViews::default());
        for (settled, gathered) in settled {
            runs.extend(settled);
            views.merge(gathered);
        }
        runs.sort_unstable_by(|a, b| a.run_id().cmp(&b.run_id()));
        (order(runs), views)
    });
    let folded = steps.time("folding", || {
        let count = ledger.facts.len();
        let ranges = (0..count).step_by(LINE_FACTS).map(|start| start..(start + LINE_FACTS).min(count));
        let lines = join_lines(parallel::map(threads, ranges, |range| ledger.lines_of(range)));
        let folded: Vec<Vec<FoldedLine>> =
            parallel::map(threads, lines.chunks(LINES), |lines| lines.iter().map(|line| fold(line, rules)).collect());
        folded.into_iter().flatten().collect()
    });
    (steps.time("assembling", || concluded(ledger, folded, rules, threads, as_of)), views)
}

/// Puts a ledger and its folded lines together, the capsules finished on all threads.
fn concluded(
    ledger: Ledger,
    mut folded: Vec<FoldedLine>,
    rules: &Rules,
    threads: usize,
    as_of: Option<Timestamp>,
) -> Replay {
    let bound = bindings(ledger.facts.len(), &mut folded);
    let as_of = as_of.or(ledger.last_ts());
    let parts = by_key(folded, KEY_PARTS);
    let mut assembly = Assembly::of(parts.iter().map(KeyPart::capsules).sum());
    // A part goes as soon as it is finished and added, so that few of them are held at a time.
    let add = |part: FinishedPart| {
        assembly.push(part);
        Ok::<_, Infallible>(())
    };
    let Ok(()) = parallel::in_order(threads, parts.into_iter(), |part| part.finish(rules, as_of), add);
    Replay { ledger, bound, derived: assembly.conclude(rules, as_of), as_of }
}

#[cfg(test)]
mod tests {
    use dome_binder::views::{gate_rollup, guard_denials};
    use dome_binder::{Policy, append_fact, append_row};
    use dome_core::arbitrary::history;
    use dome_core::{Reader, Source, WrapperPolicy};
    use proptest::prelude::*;

    use super::*;

    /// Everything that a history comes to on this many threads, as bytes.
    fn bytes(lines: &[Vec<u8>], rules: &Rules, threads: usize) -> Vec<u8> {
        let mut reader = Reader::new();
        let source = |line| Source { line, name: "a.jsonl".into() };
        let read = lines.iter().zip(1..).filter_map(|(line, number)| Some((reader.read(line).ok()?, source(number))));
        let records = read.map(|(envelope, source)| Box::new(Record::new(envelope, source))).collect();
        let (result, views) = derive(records, rules, threads, None, &mut Steps::default());
        let mut bytes = Vec::new();
        for (fact, bound) in result.ledger.facts.iter().zip(&result.bound) {
            append_fact(fact, fact.canonical.held().unwrap_or_default(), bound, rules, &mut bytes);
        }
        result.derived.capsules.iter().for_each(|capsule| append_row(capsule, &mut bytes));
        result.derived.concepts.iter().for_each(|concept| append_row(concept, &mut bytes));
        views.gates.rows().iter().for_each(|row| append_row(row, &mut bytes));
        views.denials.rows().iter().for_each(|row| append_row(row, &mut bytes));
        assert_eq!(views.gates.rows(), gate_rollup(&result.ledger.facts));
        assert_eq!(views.denials.rows(), guard_denials(&result.ledger.facts));
        bytes.extend(format!("{:?} {:?}", result.ledger.conflicts, result.ledger.counts).into_bytes());
        bytes
    }

    proptest! {
        #[test]
        fn l5_the_number_of_threads_changes_nothing(history in history(), threads in 2_usize..6) {
            let codes = "terminal-bench".parse::<dome_adapters::Format>()?.reason_codes();
            let rules = Rules { policy: Policy::default(), codes, mode: Some(WrapperPolicy::Lenient) };
            prop_assert!(bytes(&history.lines, &rules, 1) == bytes(&history.lines, &rules, threads));
        }
    }
}
