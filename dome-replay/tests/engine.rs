//! The engine is the composition of the pure stages, however it is cut (L-4, L-5).

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use dome_arbitrary::{Dice, dice, history, layout, placed_codes};
use dome_binder::{Policy, Record, Rules, append_fact, append_row, replay, views};
use dome_core::{BinderVersion, CodeTable, QuarantineRow, RawLine, Reader, Source, Timestamp, WrapperPolicy, lines};
use dome_replay::input::{ENVELOPES, find_some};
use dome_replay::{
    CodeSources, Destined, Input, Limits, Masking, Records, ReplayedRows, ResultFile, Spec, load_rules, replay_into,
    replay_rows,
};
use proptest::prelude::*;

fn rules(dice: &mut Dice) -> Rules {
    let mode =
        dice.pick([None, Some(WrapperPolicy::Strict), Some(WrapperPolicy::Hybrid), Some(WrapperPolicy::Lenient)]);
    Rules { policy: Policy::default(), ..load_rules(None, CodeSources::default(), mode).unwrap() }
}

fn pinned() -> CodeTable {
    load_rules(None, CodeSources::default(), None).unwrap().codes
}

/// Cuts so fine that a few dozen lines meet all of them.
fn limits(dice: &mut Dice) -> Limits {
    let memory = dice.pick([0, 2_000, 20_000, 200_000, u64::MAX]);
    Limits::tiny(memory, dice.pick([1, 2, 5, 16]), dice.pick([1, 2, 7, 100]))
}

/// What the pure functions make of the lines of files.
fn expected(
    files: &[(String, Vec<u8>)],
    rules: &Rules,
    binder: BinderVersion,
    as_of: Option<Timestamp>,
) -> ReplayedFiles {
    let (mut reader, mut recorder) = (Reader::new(), dome_binder::Recorder::new(binder));
    let (mut records, mut rejected, mut kept) = (Vec::new(), Vec::new(), BTreeMap::new());
    for (number, (name, bytes)) in files.iter().enumerate() {
        for line in lines(bytes, 1, 0).filter(|line| !line.is_blank()) {
            let source = Source { line: line.number, name: name.as_str().into() };
            match reader.read(line.bytes) {
                Ok(envelope) => {
                    let record: Record = recorder.record(envelope, source.clone());
                    kept.entry((source, record.keys.digest)).or_insert_with(Vec::new).push((
                        number,
                        line.offset,
                        line.bytes.to_vec(),
                    ));
                    records.push(Box::new(record));
                }
                Err(rejection) => rejected.push((number, RawLine::of(line.bytes).row(line.offset, source, rejection))),
            }
        }
    }
    let replay = replay(records, rules, as_of);
    for conflict in &replay.ledger.conflicts {
        let (number, offset, line) = kept.get_mut(&(conflict.source.clone(), conflict.digest)).unwrap().remove(0);
        let rejection = conflict.rejection.clone();
        rejected.push((usize::MAX / 2 + number, RawLine::of(&line).row(offset, conflict.source.clone(), rejection)));
    }
    let place = |(tie, row): &(usize, QuarantineRow)| (row.source.name.to_string(), row.source.line, row.offset, *tie);
    rejected.sort_by_key(place);
    let mut facts = Vec::new();
    for (fact, bound) in replay.ledger.facts.iter().zip(&replay.bound) {
        append_fact(rules.mode_of(fact.wrapper_policy), fact, fact.canonical.held().unwrap(), bound, &mut facts);
    }
    fn rows<T: serde::Serialize>(rows: impl IntoIterator<Item = T>) -> Vec<u8> {
        let mut bytes = Vec::new();
        rows.into_iter().for_each(|row| append_row(&row, &mut bytes));
        bytes
    }
    let ledger = &replay.ledger.facts;
    BTreeMap::from([
        (ResultFile::Facts, facts),
        (ResultFile::Lineage, rows(ledger.iter().map(dome_binder::Lineage::of))),
        (ResultFile::Capsules, rows(&replay.derived.capsules)),
        (ResultFile::Concepts, rows(&replay.derived.concepts)),
        (ResultFile::RecentFailures, rows(views::recent_failures(ledger))),
        (ResultFile::GateRollup, rows(views::gate_rollup(ledger))),
        (ResultFile::GuardDenials, rows(views::guard_denials(ledger))),
        (ResultFile::Quarantine, rows(rejected.iter().map(|(_, row)| row))),
    ])
}

type ReplayedFiles = BTreeMap<ResultFile, Vec<u8>>;

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

proptest! {
    #[test]
    fn l4_l5_the_engine_is_the_pure_stages_however_it_is_cut(
        history in history(), layout in layout(), mut dice in dice(64), codes in placed_codes(pinned()),
    ) {
        let root = tempfile::tempdir().unwrap();
        // Sources of one name too: lineage cannot tell them apart, and their rejected lines keep their order.
        let files: Vec<(String, Vec<u8>)> = layout
            .files(&history.lines)
            .into_iter()
            .map(|file| (dice.pick(["a.jsonl", "b.jsonl"]).to_owned(), file.bytes))
            .collect();
        let inputs: Vec<PathBuf> = files.iter().enumerate().map(|(number, (name, bytes))| {
            let folder = root.path().join(number.to_string());
            fs::create_dir(&folder).unwrap();
            fs::write(folder.join(name), bytes).unwrap();
            folder.join(name)
        }).collect();
        let (rules, masking) = (Rules { codes, ..rules(&mut dice) }, Masking::off());
        let binder = dice.pick([BinderVersion::V1, BinderVersion::V2].map(Some)).unwrap_or_default();
        let as_of = dice.pick([None, Some("2031-01-01T00:00:00Z".parse().unwrap())]);
        let expected = expected(&files, &rules, binder, as_of);
        let sources = find_some(&inputs, ENVELOPES).unwrap();
        let mut before: Option<ReplayedRows> = None;
        for _ in 0..3 {
            let (limits, threads) = (limits(&mut dice), dice.pick([1, 2, 3]));
            let spec = Spec { rules: &rules, binder, not_after: None, masking: &masking, threads, limits };
            let found = replay_rows(spec, as_of, Input::Sources(&sources), &()).unwrap();
            for (file, bytes) in &expected {
                prop_assert_eq!(text(bytes), text(&found.files[file]), "{} under {:?}", file, limits);
            }
            if let Some(before) = &before {
                prop_assert_eq!(before.manifest.to_bytes(), found.manifest.to_bytes());
                prop_assert_eq!(before.summary.totals, found.summary.totals);
                prop_assert_eq!(&before.summary.rejected, &found.summary.rejected);
                prop_assert_eq!(&before.summary.capsules.by_verdict, &found.summary.capsules.by_verdict);
                prop_assert_eq!(&before.summary.capsules.foremost, &found.summary.capsules.foremost);
            }
            before = Some(found);
        }
        // Into a directory, which holds the same bytes, verifies, and leaves nothing beside it.
        let out = root.path().join("below").join("out");
        let spec = Spec { rules: &rules, binder, not_after: None, masking: &masking, threads: 2, limits: limits(&mut dice) };
        let to = Destined { out: out.clone(), force: false };
        replay_into(&to, spec, as_of, Input::Sources(&sources), &()).unwrap();
        for (file, bytes) in &expected {
            prop_assert!(fs::read(out.join(file.name())).unwrap() == *bytes, "{}", file);
        }
        prop_assert!(dome_replay::verify::verify(&out, 10).unwrap().verified);
        prop_assert!(replay_into(&to, spec, as_of, Input::Sources(&sources), &()).unwrap().unchanged);
        prop_assert_eq!(fs::read_dir(out.parent().unwrap()).unwrap().count(), 1);
        // Its facts are records again, and come to the same.
        let again = dome_replay::ResultDir::open(&out).unwrap();
        let input = Input::Records(Box::new(Records::of(again.records().unwrap())));
        let again = replay_rows(spec, again.as_of(), input, &()).unwrap();
        for file in ResultFile::ALL.into_iter().filter(|file| *file != ResultFile::Quarantine) {
            prop_assert_eq!(text(&expected[&file]), text(&again.files[&file]));
        }
    }
}
