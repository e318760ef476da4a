//! L-4 and L-10: the whole from its parts, and everything derived from the facts alone.

use std::collections::BTreeMap;

use dome_binder::{
    FoldedLine, LineFact, LineFacts, Record, RunRecords, SettledRun, conclude, deal_by_run, fold, group_by_run,
    join_lines, order, settle,
};
use dome_core::arbitrary::{Dice, dice, history};
use dome_core::{Reader, Source};
use proptest::prelude::*;

use super::support::{Artifacts, Setting, artifacts, facts, load_lines, setting};

/// The same values in an order that dice decide.
fn shuffled<T>(values: Vec<T>, dice: &mut Dice) -> Vec<T> {
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
    let settled = groups.into_values().flat_map(group_by_run).map(settle).collect();
    shuffled(settled, dice)
}

/// The whole, with runs settled apart and task lines cut by hand, folded apart in any order.
fn in_parts(setting: &Setting, records: Vec<Box<Record>>, dice: &mut Dice) -> Artifacts {
    let ledger = order(settled_apart(records, dice));
    let unseen = ledger.unseen_denials();
    let mut lines: BTreeMap<_, Vec<LineFact<'_>>> = BTreeMap::new();
    for (position, fact) in ledger.facts.iter().enumerate() {
        let line_fact = LineFact { position, fact, unseen_denial: unseen.contains(&position) };
        lines.entry(fact.keys.task_line.clone()).or_default().push(line_fact);
    }
    let alone = |facts: Vec<LineFact<'_>>| fold(&LineFacts { facts }, &setting.rules);
    let folded: Vec<FoldedLine> = shuffled(lines.into_values().collect(), dice).into_iter().map(alone).collect();
    let folded = shuffled(folded, dice);
    artifacts(&conclude(ledger, folded, &setting.rules, setting.as_of), &setting.rules)
}

proptest! {
    #[test]
    fn l4_task_lines_cut_apart_and_joined_are_those_of_the_whole(history in history(), step in 1_usize..9) {
        let ledger = order(group_by_run(load_lines(&history.lines).records).into_iter().map(settle).collect());
        let (count, unseen) = (ledger.facts.len(), ledger.unseen_denials());
        let parts = (0..count).step_by(step).map(|start| ledger.lines_of(start..(start + step).min(count)));
        let mut lines: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for (position, fact) in ledger.facts.iter().enumerate() {
            lines.entry(fact.keys.line).or_default().push((position, unseen.contains(&position)));
        }
        let of = |line: LineFacts<'_>| line.facts.iter().map(|fact| (fact.position, fact.unseen_denial)).collect();
        let joined: Vec<Vec<_>> = join_lines(parts).into_iter().map(of).collect();
        prop_assert_eq!(joined, lines.into_values().collect::<Vec<_>>());
    }

    #[test]
    fn l4_runs_dealt_out_are_the_runs_of_the_whole(history in history(), parts in 1_usize..7) {
        let records = load_lines(&history.lines).records;
        let settled = |runs: Vec<RunRecords>| runs.into_iter().map(settle).map(|run| {
            let facts: Vec<_> = run.facts.iter().map(|fact| (fact.keys.digest, fact.source.clone(), fact.place)).collect();
            (run.run_id().cloned(), facts, run.conflicts, run.counts)
        });
        let dealt = deal_by_run(records.clone(), parts);
        prop_assert_eq!(dealt.len(), parts);
        let mut apart: Vec<_> = dealt.into_iter().flat_map(|part| settled(group_by_run(part))).collect();
        apart.sort_by(|(a, ..), (b, ..)| a.cmp(b));
        prop_assert_eq!(apart, settled(group_by_run(records)).collect::<Vec<_>>());
    }

    #[test]
    fn l4_parts_put_together_are_the_whole(history in history(), setting in setting(), mut dice in dice(250)) {
        let records = load_lines(&history.lines).records;
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
