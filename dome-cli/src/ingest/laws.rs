//! What a store comes to, whatever the way lines came into it: that of one replay (L-1 to L-4).

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::time::Duration;

use dome_binder::{Policy, Rules};
use dome_core::WrapperPolicy;
use dome_core::arbitrary::{Dice, File, dice, history, layout};
use proptest::prelude::*;

use super::intake::{BatchLimits, Intake};
use super::stop::Stop;
use crate::args::OutputArgs;
use crate::exit::Exit;
use crate::output::Output;
use crate::replay;
use crate::settings::Replay;
use crate::store::{Session, Writer, export, verify};
use dome_replay::input::{self, ENVELOPES};
use dome_replay::{BUILT_IN, Masking};

fn rules(mode: Option<WrapperPolicy>) -> Rules {
    let codes = "terminal-bench".parse::<dome_adapters::Format>().unwrap().reason_codes();
    Rules { policy: Policy::default(), codes, mode }
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
        memory: None,
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

/// One outcome, in a run of its own.
#[derive(Clone, Debug)]
struct Outcome {
    signal: &'static str,
    code: &'static str,
    target: &'static str,
    /// Seconds after the start of an hour.
    second: u64,
    lane: Option<&'static str>,
    remedy: bool,
    applied: Option<String>,
}

impl Outcome {
    const fn new(signal: &'static str, code: &'static str, target: &'static str, second: u64) -> Self {
        Self { signal, code, target, second, lane: None, remedy: false, applied: None }
    }

    fn line(&self, run: usize) -> String {
        let mut envelope = serde_json::json!({
            "envelope_version": "1", "event_id": "e", "sequence": 1, "run_id": format!("run-{run:03}"), "task_id": "t",
            "group_id": "g", "ts": format!("2026-01-01T00:{:02}:{:02}Z", self.second / 60, self.second % 60),
            "signal": self.signal, "wrapper_policy": "strict",
            "task_spec": {"scope": "task", "target": {"kind": "module", "id": self.target}, "action": {"kind": "fix"},
                "failure_reason_code": self.code},
            "evidence": [{"path": "log.txt"}],
        });
        let mut put = |name: &str, value: Option<serde_json::Value>| {
            envelope.as_object_mut().unwrap().extend(value.map(|value| (name.to_owned(), value)));
        };
        put("lane", self.lane.map(Into::into));
        put("applied_capsule", self.applied.clone().map(Into::into));
        put("policy_reason_code", (self.signal == "denial").then(|| "BUDGET_EXHAUSTED".into()));
        put("remedy", self.remedy.then(|| serde_json::json!({"kind": "commit", "ref": "commit/abc"})));
        envelope.to_string()
    }

    fn derived_key(&self) -> String {
        dome_core::Keys::of(&dome_core::read(self.line(0).as_bytes()).unwrap()).derived.to_string()
    }
}

/// Takes lines in, in this order and in batches of so many; the store is then what its log comes to.
fn is_sound(lines: &[String], batch: usize) -> bool {
    let root = tempfile::tempdir().unwrap();
    let [folder, store] = ["in", "store"].map(|name| root.path().join(name));
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("a.jsonl"), lines.join("\n")).unwrap();
    ingest(&folder, &store, batch, None);
    verify::run(&store, 1, &mut output()).unwrap() == Exit::Done
}

#[test]
fn m84_a_capsule_that_goes_and_comes_back_keeps_what_was_confirmed() {
    let minted = Outcome::new("failure", "B", "line", 5);
    let applied = Some(minted.derived_key());
    let outcomes = [
        Outcome::new("failure", "A", "line", 1),
        // The state of the line is kept here.
        Outcome::new("failure", "A", "line", 2),
        minted,
        Outcome { applied, ..Outcome::new("success", "NONE", "elsewhere", 6) },
        // Late: the line goes back to where B was not minted yet.
        Outcome::new("failure", "A", "line", 3),
    ];
    let lines: Vec<String> = outcomes.iter().enumerate().map(|(run, outcome)| outcome.line(run)).collect();
    assert!(is_sound(&lines, 1));
}

/// Outcomes that come nearly in order, so that lines go back a little, again and again.
fn nearly_in_order() -> impl Strategy<Value = Vec<Outcome>> {
    let outcome = (
        prop::sample::select(vec!["failure", "failure", "success", "denial"]),
        prop::sample::select(vec!["A", "B", "C"]),
        prop::sample::select(vec!["line", "line", "other"]),
        (0_u64..6, prop::option::of(prop::sample::select(vec!["main", "pr"])), any::<bool>(), any::<Option<u8>>()),
    );
    prop::collection::vec(outcome, 8..40).prop_map(|drawn| {
        let mut outcomes: Vec<Outcome> = Vec::new();
        for (place, (signal, code, target, (early, lane, remedy, applies))) in (0_u64..).zip(drawn) {
            let (succeeds, earlier) = (signal == "success", outcomes.len().max(1));
            let applied = applies.and_then(|of| Some(outcomes.get(usize::from(of) % earlier)?.derived_key()));
            let code = if signal == "failure" { code } else { "NONE" };
            let (second, remedy) = ((place + 6 - early) * 3, remedy && succeeds);
            outcomes.push(Outcome { lane, remedy, applied, ..Outcome::new(signal, code, target, second) });
        }
        outcomes
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn m42_facts_that_come_a_little_late_end_where_a_replay_puts_them(
        outcomes in nearly_in_order(), batch in 1_usize..5,
    ) {
        let lines: Vec<String> = outcomes.iter().enumerate().map(|(run, outcome)| outcome.line(run)).collect();
        prop_assert!(is_sound(&lines, batch));
    }
}

#[test]
fn m121_a_line_that_was_cut_between_its_carriage_return_and_its_line_feed_is_one_line() {
    let root = tempfile::tempdir().unwrap();
    let [folder, store] = ["in", "store"].map(|name| root.path().join(name));
    fs::create_dir(&folder).unwrap();
    let line = Outcome::new("failure", "A", "line", 1).line(1);
    for end in ["\r", "\r\n"] {
        fs::write(folder.join("a.jsonl"), format!("{line}{end}")).unwrap();
        ingest(&folder, &store, 1, None);
        assert_eq!(verify::run(&store, 1, &mut output()).unwrap(), Exit::Done, "{end:?}");
    }
    // Now the line comes and goes in one batch.
    fs::remove_file(store.join("index.sqlite")).unwrap();
    ingest(&folder, &store, 1, None);
    assert_eq!(verify::run(&store, 1, &mut output()).unwrap(), Exit::Done);
}

#[test]
fn no_hash_is_over_a_secret_of_an_unfinished_line() {
    let root = tempfile::tempdir().unwrap();
    let [folder, store] = ["in", "store"].map(|name| root.path().join(name));
    fs::create_dir(&folder).unwrap();
    let secret = "fetch https://me:hunter2@example.org";
    fs::write(folder.join("a.jsonl"), secret).unwrap();
    ingest(&folder, &store, 1, None);
    let log = files(&store.join("log")).into_values().map(|bytes| String::from_utf8(bytes).unwrap());
    let log: String = log.collect();
    assert!(log.contains("[redacted:url-credentials]"), "{log}");
    assert!(!log.contains(&dome_core::Sha256Hash::of(secret.as_bytes()).to_string()), "{log}");
    // It is known again, and what it grows to is read.
    ingest(&folder, &store, 1, None);
    assert_eq!(files(&store.join("log")).into_values().map(|bytes| bytes.len()).sum::<usize>(), log.len());
    fs::write(folder.join("a.jsonl"), format!("{secret} failed\n")).unwrap();
    ingest(&folder, &store, 1, None);
    assert_eq!(verify::run(&store, 1, &mut output()).unwrap(), Exit::Done);
}

fn text(files: BTreeMap<String, Vec<u8>>) -> BTreeMap<String, String> {
    files.into_iter().map(|(name, bytes)| (name, String::from_utf8(bytes).unwrap())).collect()
}
