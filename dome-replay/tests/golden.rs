//! The golden snapshots, cut so finely that every stage goes beyond its memory.

use std::fs;
use std::path::{Path, PathBuf};

use dome_core::{BinderVersion, Timestamp, WrapperPolicy};
use dome_replay::input::{ENVELOPES, find_some};
use dome_replay::{CodeSources, Input, Limits, Masking, ResultFile, Spec, load_rules, replay_rows};

const FILES: [ResultFile; 6] = [
    ResultFile::Facts,
    ResultFile::Capsules,
    ResultFile::Concepts,
    ResultFile::RecentFailures,
    ResultFile::GateRollup,
    ResultFile::GuardDenials,
];

/// One way of replaying a golden case.
struct Way {
    folder: PathBuf,
    input: &'static str,
    name: &'static str,
    mode: Option<WrapperPolicy>,
    policy: bool,
    as_of: Option<Timestamp>,
}

fn ways() -> Vec<Way> {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("xtrlv2-fixtures/golden");
    let way = |case: &str, input, name, mode, policy| Way {
        folder: golden.join(case),
        input,
        name,
        mode,
        policy,
        as_of: None,
    };
    let lenient = Some(WrapperPolicy::Lenient);
    let as_of = Some("2026-03-27T00:00:05Z".parse().unwrap());
    let mut all = vec![
        way("small", "input", "declared", None, false),
        way("small", "input", "strict", Some(WrapperPolicy::Strict), false),
        Way { as_of, ..way("small", "input", "lenient-later", lenient, true) },
    ];
    for case in ["dense-100", "dense-106", "dense-129"] {
        all.push(way(case, "input.jsonl", "declared", None, false));
        all.push(way(case, "input.jsonl", "lenient", lenient, true));
    }
    all
}

#[test]
fn m120_every_golden_case_beyond_memory() {
    for Way { folder, input, name, mode, policy, as_of } in ways() {
        let (codes, masking) = ([folder.join("reason-codes.json")], Masking::off());
        let policy = policy.then(|| folder.join("policy.json"));
        let rules =
            load_rules(policy.as_deref(), CodeSources { files: &codes, ..CodeSources::default() }, mode).unwrap();
        let sources = find_some(&[folder.join(input)], ENVELOPES).unwrap();
        for (threads, limits) in
            [(1, Limits::tiny(0, 1, 1)), (2, Limits::tiny(2_000, 5, 7)), (5, Limits::tiny(0, 16, 2))]
        {
            let binder = BinderVersion::V1;
            let spec = Spec { rules: &rules, binder, not_after: None, masking: &masking, threads, limits };
            let found = replay_rows(spec, as_of, Input::Sources(&sources), &()).unwrap();
            for file in FILES {
                let expected = fs::read(folder.join("expected").join(name).join(file.name())).unwrap();
                assert!(found.files[&file] == expected, "{file} of {} {name}, {threads}", folder.display());
            }
        }
    }
}
