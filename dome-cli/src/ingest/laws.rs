//! What a store comes to, whatever the way lines came into it: that of one replay (L-1 to L-4).

use std::collections::BTreeMap;
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
        assert!(super::read(&source, &mut intake, &Stop::never()).unwrap());
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

fn text(files: BTreeMap<String, Vec<u8>>) -> BTreeMap<String, String> {
    files.into_iter().map(|(name, bytes)| (name, String::from_utf8(bytes).unwrap())).collect()
}
