//! The example over real trials, with real worker processes: those of the example, which `cargo test` builds.
//!
//! The trials that ship are always reduced; those of `DOME_REAL_DATA`, where it is set, as well.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test that cannot go on fails; the real data is where the environment says"
)]

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use dome_core::canonical;
use dome_patterns::{ItemOutcome, PatternFailure};
use serde_json::Value;

#[path = "../examples/reduce_terminal_bench/main.rs"]
#[expect(dead_code, reason = "its `main` and its worker run as processes")]
mod example;

use example::{Done, Options, run};

/// The trials that ship, reduced without harm.
static HONEST: LazyLock<Done> = LazyLock::new(|| run(&shipped()).unwrap());

/// The example, beside the folder of this test.
fn worker() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let program = format!("reduce_terminal_bench{}", std::env::consts::EXE_SUFFIX);
    let worker = test.parent().and_then(Path::parent).unwrap().join("examples").join(program);
    assert!(worker.is_file(), "{} is not there: build it with `--examples`", worker.display());
    worker
}

fn shipped() -> Options {
    Options::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("../dome-adapters/data/terminal-bench"), worker())
}

fn answer(done: &Done) -> Value {
    serde_json::to_value(done.reduced.as_ref().unwrap()).unwrap()
}

/// What the trials say when one simply reads them, without workers, contract or reducers.
fn counted(folder: &Path) -> (u64, u64, u64) {
    let (mut trials, mut resolved, mut tokens) = (0, 0, 0);
    for entry in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.is_dir() {
            let (more, good, used) = counted(&entry);
            (trials, resolved, tokens) = (trials + more, resolved + good, tokens + used);
        } else if entry.extension().is_some_and(|extension| extension == "json") {
            let document: Value = serde_json::from_slice(&std::fs::read(&entry).unwrap()).unwrap();
            for trial in document["results"].as_array().into_iter().flatten() {
                trials += 1;
                resolved += u64::from(trial["is_resolved"] == true);
                tokens += trial["total_input_tokens"].as_u64().unwrap_or(0);
            }
        }
    }
    (trials, resolved, tokens)
}

fn figures_are_those_of_the_files(options: &Options, done: &Done) {
    let (trials, resolved, tokens) = counted(&options.folder);
    let answer = answer(done);
    assert!(trials > 100, "{trials}");
    assert_eq!(answer["accepted"], trials);
    assert_eq!(answer["answer"]["verdict"]["resolved"], resolved);
    assert_eq!(answer["answer"]["input_tokens"]["sum"], tokens);
}

#[test]
fn the_figures_of_the_shipped_trials_are_those_of_the_files_in_any_order_of_completion() {
    figures_are_those_of_the_files(&shipped(), &HONEST);
    let again = run(&shipped()).unwrap();
    let rows = |done: &Done| canonical::to_vec(&done.items).unwrap();
    assert_eq!(rows(&again), rows(&HONEST), "another order of completion");
}

#[test]
fn the_figures_of_real_trials_are_those_of_the_files() {
    match std::env::var_os("DOME_REAL_DATA").map(|folder| Path::new(&folder).join("terminal-bench")) {
        Some(folder) if folder.is_dir() => {
            let options = Options::new(folder, worker());
            let done = run(&options).unwrap();
            figures_are_those_of_the_files(&options, &done);
            println!("real trials: {}", answer(&done));
        }
        _ => println!("skipped: DOME_REAL_DATA names no terminal-bench"),
    }
}

#[test]
fn every_harm_is_a_failure_of_its_own_trial() {
    for (kind, code) in [
        ("claim", PatternFailure::ItemMismatch),
        ("crash", PatternFailure::WorkerFailed),
        ("flood", PatternFailure::OutputTooLarge),
        ("garbage", PatternFailure::OutputNotJson),
        ("instruct", PatternFailure::OutputNotAllowed),
        ("range", PatternFailure::OutputOutOfRange),
        ("twice", PatternFailure::OutputDuplicateMember),
    ] {
        let poisoned = run(&Options { poison: Some(kind.to_owned()), ..shipped() }).unwrap();
        let [before, after] = [&*HONEST, &poisoned].map(|done| &done.items);
        assert!(
            matches!(&after[0].outcome, ItemOutcome::Failed(failure) if failure.code == code),
            "{kind}: {:?}",
            after[0]
        );
        for (before, after) in before.iter().zip(after).skip(1) {
            assert_eq!(canonical::to_vec(before), canonical::to_vec(after), "{kind}");
        }
        let reduced = poisoned.reduced.unwrap();
        assert_eq!((reduced.accepted, reduced.failed), (134, 1));
        let verdicts = reduced.answer["verdict"].as_object().unwrap().values();
        assert_eq!(verdicts.map(|count| count.as_u64().unwrap()).sum::<u64>(), 134);
        assert!(!poisoned.envelopes.concat().contains("Ignore"), "{kind}");
    }
}

#[test]
fn a_worker_that_hangs_is_ended() {
    let hanging = Options { poison: Some("hang".to_owned()), most: 4, worker_time_ms: 2_000, ..shipped() };
    let done = run(&hanging).unwrap();
    let items = &done.items;
    assert!(matches!(&items[0].outcome, ItemOutcome::Failed(failure) if failure.code == PatternFailure::WorkerTimeout));
    assert!(items.len() == 4 && items.iter().skip(1).all(|item| item.accepted().is_some()));
}
