//! A replay that spills writes what a replay in memory writes, however it is cut (L-4, L-5).
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use dome_binder::Policy;
use dome_core::WrapperPolicy;
use dome_core::arbitrary::{Dice, dice, history, layout};
use proptest::prelude::*;

use super::*;
use crate::replay::in_memory;
use crate::replay::summary::Summary;
use dome_replay::BUILT_IN;
use dome_replay::input::{ENVELOPES, find_some};

fn rules(dice: &mut Dice) -> Rules {
    let codes = "terminal-bench".parse::<dome_adapters::Format>().unwrap().reason_codes();
    let mode =
        dice.pick([None, Some(WrapperPolicy::Strict), Some(WrapperPolicy::Hybrid), Some(WrapperPolicy::Lenient)]);
    Rules { policy: Policy::default(), codes, mode }
}

fn args(inputs: Vec<PathBuf>, out: &Path, dice: &mut Dice) -> Replay {
    Replay {
        inputs,
        out: out.to_owned(),
        mode: None,
        binder: dice.pick([BinderVersion::V1, BinderVersion::V2].map(Some)).unwrap_or_default(),
        as_of: None,
        policy: None,
        reason_codes: Vec::new(),
        not_after: None,
        redact: dice.pick([None, Some(BUILT_IN.into())]),
        threads: 1,
        memory: None,
        force: false,
        deny_quarantine: false,
    }
}

/// Cuts so fine that a few dozen lines meet all of them.
fn shape(dice: &mut Dice) -> Shape {
    let mut of = |choices: [usize; 4]| dice.pick(choices);
    Shape {
        leaf_bytes: of([200, 2_000, 10_000, 1 << 20]) as u64,
        workers: of([1, 2, 3, 4]),
        threads: of([1, 2, 3, 4]),
        buffer_bytes: of([16, 100, 4_096, 65_536]),
        batch_bytes: of([1, 1_000, 5_000, 1 << 20]),
        rejected_bytes: of([0, 500, 5_000, 1 << 20]),
        parts: of([1, 2, 5, 16]),
    }
}

/// What stands below a folder, and what the summary says.
fn seen(out: &Path, told: &Told<'_>, written: &Written) -> BTreeMap<String, Vec<u8>> {
    let entries = walkdir::WalkDir::new(out).into_iter().map(Result::unwrap);
    let files = entries.filter(|entry| entry.file_type().is_file()).map(|entry| {
        let name = entry.path().strip_prefix(out).unwrap().display().to_string();
        (name, fs::read(entry.path()).unwrap())
    });
    let summary = serde_json::to_vec(&Summary::of(told, &written.manifest, written.unchanged, None)).unwrap();
    files.chain([("summary".to_owned(), summary)]).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn l4_a_replay_that_spills_is_the_replay_in_memory(
        history in history(), layout in layout(), mut dice in dice(64),
    ) {
        let root = tempfile::tempdir().unwrap();
        // Sources of one name too: lineage cannot tell them apart, and their rejected lines keep their order.
        let inputs: Vec<PathBuf> = layout.files(&history.lines).into_iter().enumerate().map(|(number, file)| {
            let folder = root.path().join(number.to_string());
            fs::create_dir(&folder).unwrap();
            let path = folder.join(dice.pick(["a.jsonl", "b.jsonl"]));
            fs::write(&path, file.bytes).unwrap();
            path
        }).collect();
        let out = root.path().join("below").join("out");
        fs::create_dir(out.parent().unwrap()).unwrap();
        let (rules, args) = (rules(&mut dice), args(inputs, &out, &mut dice));
        let masking = Masking::load(args.redact.as_deref()).unwrap();
        let sources = find_some(&args.inputs, ENVELOPES).unwrap();
        let (told, written) = in_memory(&args, &rules, &sources, &masking, &mut Steps::default()).unwrap();
        let expected = seen(&out, &told, &written);
        fs::remove_dir_all(&out).unwrap();
        for _ in 0..2 {
            let shape = shape(&mut dice);
            let (told, written) = replay(&args, &rules, &sources, &masking, shape, &mut Steps::default()).unwrap();
            let found = seen(&out, &told, &written);
            fs::remove_dir_all(&out).unwrap();
            for (name, bytes) in &expected {
                let text = |bytes: Option<&Vec<u8>>| bytes.map(|bytes| String::from_utf8_lossy(bytes).into_owned());
                prop_assert_eq!(text(Some(bytes)), text(found.get(name)), "{} under {:?}", name, shape);
            }
            prop_assert_eq!(expected.len(), found.len());
            prop_assert_eq!(fs::read_dir(out.parent().unwrap()).unwrap().count(), 0, "nothing else is left");
        }
    }
}
