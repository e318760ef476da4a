//! What a store comes to, whatever the way lines came into it: that of one replay (L-1 to L-4).

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::time::Duration;

use dome_binder::{Policy, Rules};
use dome_core::arbitrary::{Dice, File, dice, history, layout};
use dome_core::{CodeTable, WrapperPolicy};
use proptest::prelude::*;

use super::intake::{BatchLimits, Intake};
use super::stop::Stop;
use crate::args::OutputArgs;
use crate::exit::Exit;
use crate::input::{self, ENVELOPES};
use crate::output::Output;
use crate::redaction::{BUILT_IN, Masking};
use crate::replay;
use crate::settings::Replay;
use crate::store::{Session, Writer, export, verify};

fn rules(mode: Option<WrapperPolicy>) -> Rules {
    let table = dome_adapters::Format::TerminalBench.reason_codes();
    Rules { policy: Policy::default(), codes: CodeTable::parse(table).unwrap(), mode }
}

fn output() -> Output {
    Output::silent(OutputArgs { format: None, color: None })
}

/// Takes in what stands in a folder now.
fn ingest(folder: &Path, store: &Path, lines: usize, mode: Option<WrapperPolicy>) {
    let mut writer = Writer::open(store, || Ok(rules(mode))).unwrap();
    let limits = BatchLimits { lines, age: Duration::ZERO };
    let masking = Masking::load(Some(Path::new(BUILT_IN))).unwrap();
    let rules = serde_json::to_value(masking.document()).unwrap();
    let terms = Session { redaction: Some(rules), ..Session::default() };
    let mut intake = Intake::new(&mut writer, terms, masking, limits);
    for source in input::find_some(&[folder.to_owned()], ENVELOPES).unwrap() {
        assert!(super::read(&source, &mut intake, &mut BTreeSet::new(), &Stop::never()).unwrap());
    }
    intake.keep().unwrap();
}

/// All files of a result but the manifest.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    for entry in walkdir::WalkDir::new(folder) {
        let entry = entry.unwrap();
        if entry.file_type().is_file() {
            let name = entry.path().strip_prefix(folder).unwrap().display().to_string();
            files.insert(name, fs::read(entry.path()).unwrap());
        }
    }
    files
}

fn args(inputs: &Path, out: &Path, mode: Option<WrapperPolicy>) -> Replay {
    Replay {
        inputs: vec![inputs.to_owned()],
        out: out.to_owned(),
        mode,
        binder: dome_core::BinderVersion::default(),
        as_of: None,
        policy: None,
        reason_codes: Vec::new(),
        not_after: None,
        redact: Some(BUILT_IN.into()),
        threads: 1,
        force: true,
        deny_quarantine: false,
    }
}

/// Writes the files as far as they have grown: at any byte, so also in the middle of a line.
fn grow(folder: &Path, files: &[File], dice: &mut Dice) {
    for file in files {
        let path = folder.join(&file.name);
        let there = fs::metadata(&path).map_or(0, |found| usize::try_from(found.len()).unwrap());
        let grown = there + dice.roll(file.bytes.len() - there + 1);
        fs::write(&path, &file.bytes[..grown]).unwrap();
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn l1_a_store_fed_bit_by_bit_is_one_replay_of_everything(
        history in history(), layout in layout(), mut dice in dice(64), lines in 1_usize..9, stages in 0_usize..4,
        mode in prop::option::of(prop::sample::select(WrapperPolicy::ALL)),
    ) {
        let root = tempfile::tempdir().unwrap();
        let [folder, store, exported, replayed] = ["in", "store", "exported", "replayed"].map(|name| root.path().join(name));
        fs::create_dir(&folder).unwrap();
        let laid_out = layout.files(&history.lines);
        for _ in 0..stages {
            grow(&folder, &laid_out, &mut dice);
            ingest(&folder, &store, lines, mode);
            prop_assert_eq!(verify::run(&store, 1, &mut output()).unwrap(), Exit::Done);
        }
        for file in &laid_out {
            fs::write(folder.join(&file.name), &file.bytes).unwrap();
        }
        ingest(&folder, &store, lines, mode);
        prop_assert_eq!(verify::run(&store, 1, &mut output()).unwrap(), Exit::Done, "after the last batch");
        let before = files(&store.join("log"));
        ingest(&folder, &store, lines, mode);
        prop_assert!(files(&store.join("log")) == before, "the same input again adds nothing");
        let export = export::Export { store: &store, out: &exported, as_of: None, threads: 1, force: false };
        export::run(&export, &mut output()).unwrap();
        fs::remove_file(store.join("index.sqlite")).unwrap();
        ingest(&folder, &store, lines, mode);
        prop_assert_eq!(verify::run(&store, 1, &mut output()).unwrap(), Exit::Done, "after the index was derived again");
        if !before.is_empty() {
            let manifest = fs::read(store.join("store.json")).unwrap();
            fs::remove_file(store.join("store.json")).unwrap();
            drop(Writer::rebuild(&store, None, || Ok(rules(None))).unwrap());
            let again = fs::read(store.join("store.json")).unwrap();
            prop_assert!(again == manifest, "the log says what the manifest said");
            prop_assert_eq!(verify::run(&store, 1, &mut output()).unwrap(), Exit::Done, "after that");
        }
        replay::with_rules(args(&folder, &replayed, mode), &rules(mode), &mut output()).unwrap();
        prop_assert_eq!(text(files(&exported)), text(files(&replayed)));
    }
}

/// An outcome in a run of its own, on a target, at a second of one minute.
fn outcome(signal: &str, code: &str, target: &str, second: u8, applied: Option<&str>) -> String {
    let mut envelope = serde_json::json!({
        "envelope_version": "1", "event_id": "e", "sequence": 1, "run_id": format!("run-{second}"), "task_id": "t",
        "group_id": "g", "ts": format!("2026-01-01T00:00:{second:02}Z"), "signal": signal, "wrapper_policy": "strict",
        "task_spec": {"scope": "task", "target": {"kind": "module", "id": target}, "action": {"kind": "fix"},
            "failure_reason_code": code},
        "evidence": [{"path": "log.txt"}],
    });
    if let Some(applied) = applied {
        envelope["applied_capsule"] = applied.into();
    }
    envelope.to_string()
}

#[test]
fn m84_a_capsule_that_goes_and_comes_back_keeps_what_was_confirmed() {
    let minted = outcome("failure", "B", "line", 5, None);
    let key = dome_core::Keys::of(&dome_core::read(minted.as_bytes()).unwrap()).derived.to_string();
    let lines = [
        outcome("failure", "A", "line", 1, None),
        // The state of the line is kept here.
        outcome("failure", "A", "line", 2, None),
        minted,
        outcome("success", "NONE", "elsewhere", 6, Some(&key)),
        // Late: the line goes back to where B was not minted yet.
        outcome("failure", "A", "line", 3, None),
    ];
    let root = tempfile::tempdir().unwrap();
    let [folder, store] = ["in", "store"].map(|name| root.path().join(name));
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("a.jsonl"), lines.join("\n")).unwrap();
    ingest(&folder, &store, 1, None);
    assert_eq!(verify::run(&store, 1, &mut output()).unwrap(), Exit::Done);
}

fn text(files: BTreeMap<String, Vec<u8>>) -> BTreeMap<String, String> {
    files.into_iter().map(|(name, bytes)| (name, String::from_utf8(bytes).unwrap())).collect()
}
