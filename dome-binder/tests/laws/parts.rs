//! L-4 and L-10: the whole from its parts, and everything derived from the facts alone.

use std::collections::{BTreeMap, BTreeSet};

use dome_arbitrary::{Dice, dice, history};
use dome_binder::{
    Applied, Bound, CapsuleState, Fact, FactOrder, FoldedLine, Ledger, LineFact, LineFacts, LineFigures, Record,
    Replay, Row, RowReader, SettledRun, Trials, assemble, fold, group_by_run, order, settle,
};
use dome_core::{Reader, Source};
use proptest::prelude::*;

use super::support::{Artifacts, Setting, artifacts, codes, facts, load_lines, records, setting};

/// The same values in an order that dice decide.
pub(crate) fn shuffled<T>(values: Vec<T>, dice: &mut Dice) -> Vec<T> {
    let mut placed: Vec<(usize, T)> = values.into_iter().map(|value| (dice.roll(256), value)).collect();
    placed.sort_by_key(|(place, _)| *place);
    placed.into_iter().map(|(_, value)| value).collect()
}

/// Settles groups of runs as if each were alone in the world, and puts them in any order.
fn settled_apart(records: Vec<Box<Record>>, dice: &mut Dice) -> Vec<SettledRun> {
    let mut groups: BTreeMap<usize, Vec<Box<Record>>> = BTreeMap::new();
    let mut of_run = BTreeMap::new();
    for record in shuffled(records, dice) {
        let group = *of_run.entry(record.run_id.clone()).or_insert_with(|| dice.roll(3));
        groups.entry(group).or_default().push(record);
    }
    let settled = groups.into_values().flat_map(group_by_run).map(|run| settle(run, &codes())).collect();
    shuffled(settled, dice)
}

/// The facts that are the first of their kind of denial (M-71).
fn unseen_denials(ledger: &Ledger) -> BTreeSet<usize> {
    ledger.line_facts().filter(|fact| fact.unseen_denial).map(|fact| fact.position).collect()
}

/// The whole, with runs settled apart and task lines cut by hand, folded apart in any order.
fn in_parts(setting: &Setting, records: Vec<Box<Record>>, dice: &mut Dice) -> Artifacts {
    let ledger = order(settled_apart(records, dice));
    let unseen = unseen_denials(&ledger);
    let mut lines: BTreeMap<_, Vec<LineFact<'_>>> = BTreeMap::new();
    for (position, fact) in ledger.facts.iter().enumerate() {
        let line_fact = LineFact { position, fact, unseen_denial: unseen.contains(&position) };
        lines.entry(fact.keys.task_line.clone()).or_default().push(line_fact);
    }
    let mut bound = vec![Bound::default(); ledger.facts.len()];
    let mut folded: Vec<FoldedLine> = Vec::new();
    for facts in shuffled(lines.into_values().collect(), dice) {
        let line = LineFacts { facts };
        let one = fold(&line, &setting.rules);
        line.facts.iter().zip(&one.bound).for_each(|(fact, own)| bound[fact.position] = *own);
        folded.push(one);
    }
    let as_of = setting.as_of.or(ledger.last_ts());
    let derived = assemble(shuffled(folded, dice), &setting.rules, as_of);
    artifacts(&Replay { ledger, bound, derived, as_of }, &setting.rules)
}

/// What a row comes to when it is read back.
fn again<T: Row>(reader: &mut RowReader, value: &T) -> T {
    let mut bytes = Vec::new();
    value.append(&mut bytes);
    for end in [0, bytes.len() / 2, bytes.len() - 1] {
        assert!(reader.read::<T>(&bytes[..end]).is_err(), "cut at {end}");
    }
    reader.read(&bytes).unwrap()
}

/// A folded line whose every part was written and read back.
fn read_back(reader: &mut RowReader, folded: &FoldedLine) -> FoldedLine {
    FoldedLine {
        bound: folded.bound.iter().map(|bound| again::<Bound>(reader, bound)).collect(),
        capsules: folded.capsules.iter().map(|state| Box::new(again::<CapsuleState>(reader, state))).collect(),
        applied: folded.applied.iter().map(|applied| again::<Applied>(reader, applied)).collect(),
        figures: again::<LineFigures>(reader, &folded.figures),
    }
}

proptest! {
    #[test]
    fn l4_task_lines_are_those_of_a_plain_count(history in history()) {
        let ledger = Ledger::of(load_lines(&history.lines).records, &codes());
        let unseen = unseen_denials(&ledger);
        let mut lines: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for (position, fact) in ledger.facts.iter().enumerate() {
            lines.entry(fact.keys.line).or_default().push((position, unseen.contains(&position)));
        }
        let of = |line: LineFacts<'_>| line.facts.iter().map(|fact| (fact.position, fact.unseen_denial)).collect();
        let cut: Vec<Vec<_>> = ledger.lines().into_iter().map(of).collect();
        prop_assert_eq!(cut, lines.into_values().collect::<Vec<_>>());
    }

    #[test]
    fn m42_order_keys_and_their_bytes_sort_as_the_total_order(history in history()) {
        let ledger = Ledger::of(load_lines(&history.lines).records, &codes());
        let orders: Vec<FactOrder> = ledger.facts.iter().map(Fact::order).collect();
        prop_assert!(orders.is_sorted());
        let bytes: Vec<Vec<u8>> = orders.iter().map(FactOrder::to_bytes).collect();
        prop_assert!(bytes.windows(2).all(|pair| pair[0] < pair[1]));
        let read: Vec<FactOrder> = bytes.iter().filter_map(|bytes| FactOrder::from_bytes(bytes)).collect();
        prop_assert_eq!(read, orders);
    }

    #[test]
    fn rows_hold_everything(records in records(), setting in setting()) {
        let mut reader = RowReader::default();
        let ledger = Ledger::of(records, &codes());
        for fact in &ledger.facts {
            let read = again(&mut reader, fact);
            prop_assert_eq!(format!("{:?}", fact), format!("{:?}", read));
        }
        for line in ledger.lines() {
            let folded = fold(&line, &setting.rules);
            let read = read_back(&mut reader, &folded);
            prop_assert_eq!(&read.bound, &folded.bound);
            prop_assert_eq!(&read.applied, &folded.applied);
            prop_assert_eq!(read.figures, folded.figures);
            for (read, state) in read.capsules.iter().zip(&folded.capsules) {
                prop_assert_eq!(read, state, "with what was tried, run by run");
                prop_assert_eq!(&again::<Trials>(&mut reader, &state.trials), &state.trials);
            }
        }
    }

    /// What an engine writes between folding and assembling loses nothing.
    #[test]
    fn l4_lines_that_were_written_and_read_back_come_to_the_same(records in records(), setting in setting()) {
        let mut reader = RowReader::default();
        let whole = setting.replay(records);
        let lines = whole.ledger.lines();
        let folded = lines.iter().map(|line| read_back(&mut reader, &fold(line, &setting.rules)));
        prop_assert_eq!(assemble(folded.collect(), &setting.rules, whole.as_of), whole.derived);
    }

    #[test]
    fn l4_parts_put_together_are_the_whole(records in records(), setting in setting(), mut dice in dice(250)) {
        let whole = setting.artifacts(records.clone());
        prop_assert_eq!(in_parts(&setting, records, &mut dice), whole);
    }

    #[test]
    fn l4_a_run_settled_again_with_a_late_line_is_the_run_with_it(history in history(), late in any::<prop::sample::Index>()) {
        let mut lines = history.lines;
        let loaded = load_lines(&lines);
        if lines.is_empty() {
            return Ok(());
        }
        let line = lines.remove(late.index(lines.len()));
        lines.push(line);
        let setting = super::support::defaults();
        prop_assert_eq!(setting.artifacts(load_lines(&lines).records), setting.artifacts(loaded.records));
    }

    #[test]
    fn l10_everything_derived_comes_again_from_the_bytes_of_the_facts(history in history(), setting in setting()) {
        let first = setting.replay(load_lines(&history.lines).records);
        let written = facts(&first, &setting.rules);
        let mut reader = Reader::new().any_length();
        let records = written.lines().zip(1..).map(|(row, line)| {
            let start = row.find("\"envelope\":").unwrap() + "\"envelope\":".len();
            let end = row.rfind(",\"fingerprint_hash\":").unwrap();
            let envelope = reader.read(&row.as_bytes()[start..end]).unwrap();
            Box::new(Record::new(envelope, Source { line, name: "facts.jsonl".into() }))
        });
        let again = Setting { as_of: first.as_of, ..setting.clone() }.artifacts(records.collect());
        prop_assert_eq!(again, artifacts(&first, &setting.rules));
    }
}
