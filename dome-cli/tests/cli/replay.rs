//! `dome replay`.

use std::io::Write;

use crate::harness::{Place, count, golden};

const GOLDEN_FILES: [&str; 6] = [
    "facts.jsonl",
    "capsules.jsonl",
    "concepts.jsonl",
    "views/mv_recent_failures_by_taskspec.jsonl",
    "views/mv_gate_rollup_by_failure_reason_code.jsonl",
    "views/mv_guard_denials_by_policy_reason_code.jsonl",
];

fn replay(place: &Place, inputs: &[&str], more: &[&str]) {
    let codes = golden("reason-codes.json");
    let args = [&["replay"], inputs, &["--reason-codes", codes.to_str().unwrap()], more].concat();
    let ended = place.dome(&args, b"");
    assert_eq!(ended.code, 0, "{}", ended.stderr);
}

#[test]
fn m120_the_command_writes_the_golden_files_three_ways_on_any_number_of_threads() {
    let (place, input, policy) = (Place::new(), golden("input"), golden("policy.json"));
    let later = ["--mode", "lenient", "--as-of", "2026-03-27T00:00:05Z", "--policy", policy.to_str().unwrap()];
    let ways: [(&str, &[&str]); 3] = [("declared", &[]), ("strict", &["--mode", "strict"]), ("lenient-later", &later)];
    for (name, args) in ways {
        for threads in ["1", "2", "5"] {
            let out = format!("{name}-{threads}");
            replay(&place, &[input.to_str().unwrap()], &[&["--out", &out, "--threads", threads], args].concat());
            let files = place.files(&out);
            for file in GOLDEN_FILES {
                let expected = std::fs::read(golden("expected").join(name).join(file)).unwrap();
                assert!(files.get(file) == Some(&expected), "{out}/{file}");
            }
            assert_eq!(files, place.files(&format!("{name}-1")), "l5: threads change nothing");
        }
    }
}

#[test]
fn m120_the_manifest_names_every_file_with_its_digest_and_lines() {
    let place = Place::new();
    replay(&place, &[golden("input").to_str().unwrap()], &["--out", "o"]);
    let mut files = place.files("o");
    let manifest = files.remove("manifest.json").unwrap();
    let named: serde_json::Value = serde_json::from_slice(&manifest).unwrap();
    let named = named.get("files").unwrap().as_object().unwrap();
    assert!(named.keys().eq(files.keys()));
    for (name, bytes) in files {
        let entry = named.get(&name).unwrap();
        assert_eq!(entry.get("sha256").unwrap().as_str().unwrap(), dome_core::Sha256Hash::of(&bytes).to_string());
        let lines = bytes.iter().filter(|byte| **byte == b'\n').count();
        assert_eq!(entry.get("lines").unwrap().as_u64().unwrap(), lines as u64);
    }
}

#[test]
fn l1_files_compression_order_repetition_and_stdin_change_nothing_but_lineage() {
    let place = Place::new();
    let [a, b] = ["a", "b"].map(|name| std::fs::read(golden("input").join(format!("{name}.jsonl"))).unwrap());
    replay(&place, &[golden("input").to_str().unwrap()], &["--out", "whole"]);
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gz.write_all(&a).unwrap();
    place.file("in/z/a.jsonl.gz", gz.finish().unwrap());
    place.file("in/b.jsonl.zst", zstd::encode_all(b.as_slice(), 1).unwrap());
    place.file("in/ignored.txt", "no envelope");
    replay(&place, &["in", golden("input/a.jsonl").to_str().unwrap()], &["--out", "split"]);
    let codes = golden("reason-codes.json");
    let both = [b.as_slice(), b"\n", a.as_slice()].concat();
    let ended = place.dome(&["replay", "-", "--out", "piped", "--reason-codes", codes.to_str().unwrap()], &both);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let whole = place.files("whole");
    for out in ["split", "piped"] {
        let files = place.files(out);
        assert!(GOLDEN_FILES.iter().all(|file| files.get(*file) == whole.get(*file)), "{out}");
        let manifest = files.get("manifest.json").unwrap();
        let [lines, blank, facts, duplicates, quarantined] =
            ["lines", "blank", "facts", "duplicates", "quarantined"].map(|name| count(manifest, name));
        assert_eq!(lines, facts + duplicates + quarantined + blank, "l3");
    }
}

#[test]
fn m120_a_result_is_kept_unless_asked_otherwise() {
    let place = Place::new();
    place.file("a.jsonl", dome_core::EXAMPLE_LINE);
    place.file("b.jsonl", "{}\n");
    assert_eq!(place.dome(&["replay", "a.jsonl", "--out", "o"], b"").code, 0);
    let first = place.files("o");
    let again = place.dome(&["replay", "a.jsonl", "--out", "o"], b"");
    assert_eq!((again.code, place.files("o")), (0, first.clone()), "l2");
    assert!(again.stdout.contains("the same result stood there already"), "{}", again.stdout);
    let other = place.dome(&["replay", "b.jsonl", "--out", "o"], b"");
    assert_eq!((other.code, place.files("o")), (1, first), "{}", other.stderr);
    assert!(other.stderr.contains("--force"), "{}", other.stderr);
    let forced = place.dome(&["replay", "b.jsonl", "--out", "o", "--force", "--deny-quarantine"], b"");
    assert_eq!(forced.code, 100, "{}", forced.stderr);
    assert_eq!(count(place.files("o").get("manifest.json").unwrap(), "quarantined"), 1);
    place.file("mine/notes.txt", "not a result");
    let mine = place.dome(&["replay", "a.jsonl", "--out", "mine", "--force"], b"");
    assert_eq!((mine.code, place.files("mine").len()), (1, 1), "{}", mine.stderr);
    let beside = std::fs::read_dir(place.path("")).unwrap().map(|entry| entry.unwrap().file_name());
    assert!(!beside.into_iter().any(|name| name.to_string_lossy().starts_with(".dome-")), "nothing is left behind");
}

#[test]
fn what_cannot_be_done_is_said_with_its_exit_code_and_leaves_nothing() {
    let place = Place::new();
    place.file("a.jsonl", dome_core::EXAMPLE_LINE);
    place.file("broken.jsonl.gz", b"\x1f\x8b\x08 not gzip");
    place.file("policy.json", "{\"policy_version\": \"1\"}");
    place.file(
        "codes.json",
        std::fs::read_to_string(golden("reason-codes.json")).unwrap().replace("\"stop\"\n", "\"advisory\"\n"),
    );
    std::fs::create_dir(place.path("empty")).unwrap();
    for (args, code, said) in [
        (&["replay", "none.jsonl"][..], 1, "cannot read `none.jsonl`"),
        (&["replay", "empty"], 1, "below `empty`"),
        (&["replay", "broken.jsonl.gz"], 3, "cannot read `broken.jsonl.gz`"),
        (&["replay", "a.jsonl", "--policy", "policy.json"], 3, "`/min_support`: it is missing"),
        (&["replay", "a.jsonl", "--reason-codes", "codes.json"], 3, "/codes/BUDGET_EXHAUSTED/class"),
        (&["replay", "a.jsonl", "--as-of", "yesterday"], 2, "yesterday"),
        (&["replay", "a.jsonl", "--mode", "Strict"], 2, "strict"),
    ] {
        let ended = place.dome(&[args, &["--out", "o"]].concat(), b"");
        assert_eq!(ended.code, code, "{args:?}: {}", ended.stderr);
        assert!(ended.stderr.contains(said), "{args:?}: {}", ended.stderr);
        assert!(!place.path("o").exists(), "{args:?}");
    }
    assert_eq!(place.dome(&["replay", "a.jsonl"], b"").code, 2, "--out is required");
}

/// The system refuses bytes in the middle of a file, as a full disk does.
#[test]
fn a_disk_that_takes_no_more_leaves_nothing() {
    let place = Place::new();
    let (dome, input) = (env!("CARGO_BIN_EXE_dome"), golden("input"));
    let script = format!("trap '' XFSZ; ulimit -f 16; exec '{dome}' replay '{}' --out o", input.display());
    let output = std::process::Command::new("bash").args(["-c", &script]).current_dir(place.path("")).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("cannot write") && said.contains(".jsonl`"), "{said}");
    assert_eq!(std::fs::read_dir(place.path("")).unwrap().count(), 0, "{said}");
}

#[test]
fn a_place_that_cannot_be_written_is_named() {
    let place = Place::new();
    place.file("a.jsonl", dome_core::EXAMPLE_LINE);
    let ended = place.dome(&["replay", "a.jsonl", "--out", "/dev/full/o"], b"");
    assert_eq!(ended.code, 1, "{}", ended.stderr);
    assert!(ended.stderr.contains("/dev/full"), "{}", ended.stderr);
}

#[test]
fn settings_stand_in_dome_toml_and_a_flag_wins() {
    let place = Place::new();
    place.file("dome.toml", "format = \"json\"\n[replay]\nmode = \"lenient\"\nthreads = 1\n");
    place.file("a.jsonl", dome_core::EXAMPLE_LINE);
    let summary = place.dome(&["replay", "a.jsonl", "--out", "o"], b"");
    assert!(summary.stdout.starts_with("{\"blank\":0,"), "{}", summary.stdout);
    let mode = |out: &str| {
        let manifest: serde_json::Value =
            serde_json::from_slice(place.files(out).get("manifest.json").unwrap()).unwrap();
        manifest.get("mode").unwrap().as_str().unwrap().to_owned()
    };
    assert_eq!(mode("o"), "lenient");
    place.dome(&["replay", "a.jsonl", "--out", "p", "--mode", "strict"], b"");
    assert_eq!(mode("p"), "strict");
    place.file("dome.toml", "[replay]\nmodes = 1\n");
    let wrong = place.dome(&["replay", "a.jsonl", "--out", "q"], b"");
    assert_eq!(wrong.code, 3, "{}", wrong.stderr);
    assert!(wrong.stderr.contains("modes"), "{}", wrong.stderr);
    for setting in ["format = \"xml\"\n", "color = \"pink\"\n"] {
        place.file("dome.toml", setting);
        let wrong = place.dome(&["replay", "a.jsonl", "--out", "q"], b"");
        assert_eq!(wrong.code, 3, "{}", wrong.stderr);
        assert!(wrong.stderr.contains("expected `"), "{}", wrong.stderr);
    }
}

#[test]
fn m32_lines_after_the_limit_are_quarantined() {
    let place = Place::new();
    place.file("a.jsonl", dome_core::EXAMPLE_LINE);
    place.dome(&["replay", "a.jsonl", "--out", "o", "--not-after", "2026-02-14T23:59:59Z"], b"");
    let files = place.files("o");
    let row: serde_json::Value = serde_json::from_slice(files.get("quarantine.jsonl").unwrap()).unwrap();
    assert_eq!(row.pointer("/problems/0/code").unwrap(), "timestamp_future");
    assert_eq!(row.pointer("/problems/0/pointer").unwrap(), "/ts");
}
