//! The index of a result, beside it, and of a store, in it: it changes no answer, and what is not as it was written is
//! derived again.

use std::collections::BTreeSet;
use std::os::unix::fs::MetadataExt;

use crate::harness::{Ended, Place, golden};

const RESULT: &str = "o.dome-index";
const STORE: &str = "s/index.sqlite";

/// The golden snapshot as a result `o` and a store `s`.
fn both() -> Place {
    let place = Place::new();
    let (input, codes) = (golden("input"), golden("reason-codes.json"));
    let [input, codes] = [&input, &codes].map(|path| path.to_str().unwrap());
    for (verb, to) in [("replay", ["--out", "o"]), ("ingest", ["--store", "s"])] {
        let ended = place.dome(&[&[verb, input, "--reason-codes", codes], &to[..]].concat(), b"");
        assert!([0, 100].contains(&ended.code), "{}", ended.stderr);
    }
    export(&place);
    place
}

/// The store as a result `e`.
fn export(place: &Place) {
    assert_eq!(place.dome(&["store", "export", "--store", "s", "--out", "e", "--force"], b"").code, 0);
}

fn ask(place: &Place, question: &[&str], from: &[&str]) -> Ended {
    place.dome(&[question, from, &["--format", "json"]].concat(), b"")
}

/// What the same facts answer as a result of which no index is kept: there is no place for the secret that seals it.
fn in_memory(place: &Place, question: &[&str], from: &[&str]) -> Ended {
    let from = if from == ["--store", "s"] { &["--from", "e"] } else { from };
    let nowhere = [("XDG_STATE_HOME", ""), ("HOME", "/dev/null")];
    place.dome_with(&[question, from, &["--format", "json"]].concat(), b"", &nowhere)
}

/// Names in facts, capsules and the quarantine, and some that nothing has.
fn names(place: &Place) -> BTreeSet<String> {
    let mut names: BTreeSet<String> = ["nothing", "deadbeef", "a.jsonl:999999", "a:0", ""].map(str::to_owned).into();
    for file in ["lineage.jsonl", "capsules.jsonl", "facts.jsonl", "quarantine.jsonl"] {
        let bytes = std::fs::read(place.path("o").join(file)).unwrap();
        for row in bytes.split(|byte| *byte == b'\n').filter(|row| !row.is_empty()) {
            let row: serde_json::Value = serde_json::from_slice(row).unwrap();
            for member in
                ["derived_key", "concept_key", "line_key", "idempotency_key", "fingerprint_hash", "digest", "sha256"]
            {
                let text = row.get(member).and_then(serde_json::Value::as_str);
                names.extend(text.map(str::to_owned));
                names.extend(text.map(|text| text[..8].to_owned()));
            }
            names.extend(row.get("event_id").and_then(serde_json::Value::as_str).map(str::to_owned));
            if let Some(source) = row.get("source") {
                let (name, line) = (source["name"].as_str().unwrap(), source["line"].as_u64().unwrap());
                names.extend([format!("{name}:{line}"), format!("{name}:{}", line + 500)]);
            }
        }
    }
    names
}

fn same(a: &Ended, b: &Ended, question: &[&str]) {
    let named = |said: &str| said.replace("in `s`", "in `o`").replace("in `e`", "in `o`");
    let [said, other] = [&a.stderr, &b.stderr].map(|said| named(said));
    assert_eq!((a.code, &a.stdout, said), (b.code, &b.stdout, other), "{question:?}");
}

#[test]
fn m110_an_index_that_is_kept_changes_no_answer_of_a_result_or_a_store() {
    let place = both();
    for from in [["--from", "o"], ["--store", "s"]] {
        for view in ["recent-failures", "gate-rollup", "guard-denials"] {
            for filters in [
                &[][..],
                &["--limit", "2"],
                &["--scope", "task"],
                &["--failure-reason-code", "TESTS_FALED"],
                &["--since", "2026-02-01T00:00:00Z"],
            ] {
                let question = [&["query", view], filters].concat();
                same(&ask(&place, &question, &from), &in_memory(&place, &question, &from), &question);
            }
        }
        // One by one is slow, so every eleventh; which one moves with the place that is asked.
        for name in names(&place).iter().skip(usize::from(from[1] == "s")).step_by(11) {
            // A name may begin as an option does.
            let question = ["explain", "--format", "json"];
            let kept = place.dome(&[&question, &from[..], &["--", name]].concat(), b"");
            let reference = if from[1] == "s" { ["--from", "e"] } else { from };
            let nowhere = [("XDG_STATE_HOME", ""), ("HOME", "/dev/null")];
            same(&kept, &place.dome_with(&[&question, &reference[..], &["--", name]].concat(), b"", &nowhere), &[name]);
        }
    }
    assert!(place.path(RESULT).is_file() && place.path(STORE).is_file());
    let extra = place.files("o").into_keys().find(|name| name.contains("index"));
    assert_eq!(extra, None, "a result holds its artifacts and nothing else");
}

#[test]
fn an_index_that_fits_is_used_and_not_made_again() {
    let place = both();
    for (from, path) in [(["--from", "o"], RESULT), (["--store", "s"], STORE)] {
        let first = ask(&place, &["query", "gate-rollup"], &from);
        let made = std::fs::metadata(place.path(path)).unwrap().ino();
        same(&ask(&place, &["query", "gate-rollup"], &from), &first, &from);
        assert_eq!(std::fs::metadata(place.path(path)).unwrap().ino(), made, "{path}");
    }
}

#[test]
fn an_index_that_is_damaged_is_made_again() {
    let place = both();
    for (from, path) in [(["--from", "o"], RESULT), (["--store", "s"], STORE)] {
        let whole = ask(&place, &["query", "recent-failures"], &from);
        for keep in [0, 100, 5_000] {
            let bytes = std::fs::read(place.path(path)).unwrap();
            std::fs::write(place.path(path), &bytes[..keep.min(bytes.len())]).unwrap();
            for end in ["-wal", "-shm"] {
                let _none = std::fs::remove_file(place.path(&format!("{path}{end}")));
            }
            same(&ask(&place, &["query", "recent-failures"], &from), &whole, &from);
        }
    }
}

#[test]
fn a_result_that_was_edited_is_refused_whatever_its_index_says() {
    let place = both();
    let question = ["query", "recent-failures"];
    assert_eq!(ask(&place, &question, &["--from", "o"]).code, 0);
    for name in ["facts.jsonl", "lineage.jsonl", "quarantine.jsonl"] {
        let path = place.path("o").join(name);
        let whole = std::fs::read_to_string(&path).unwrap();
        let line = whole.split_inclusive('\n').next().unwrap();
        for (edited, why) in [
            (whole.replacen(line, "", 1), "is cut short: "),
            (whole.replacen('1', "2", 1), "is not the file that the manifest names"),
        ] {
            std::fs::write(&path, edited).unwrap();
            for question in [&question[..], &["query", "gate-rollup"], &["explain", "a.jsonl:1"]] {
                let ended = ask(&place, question, &["--from", "o"]);
                assert_eq!((ended.code, ended.stdout.as_str()), (3, ""), "{name} {question:?}: {}", ended.stderr);
                assert!(ended.stderr.contains(name) && ended.stderr.contains(why), "{}", ended.stderr);
                assert!(ended.stderr.contains("`dome verify o` says what differs"), "{}", ended.stderr);
            }
        }
        std::fs::remove_file(&path).unwrap();
        let gone = ask(&place, &question, &["--from", "o"]);
        assert!(gone.code != 0 && gone.stderr.contains(&format!("cannot read `o/{name}`")), "{}", gone.stderr);
        std::fs::write(&path, whole).unwrap();
    }
}

#[test]
fn an_index_follows_what_it_is_of() {
    let place = both();
    let question = ["query", "recent-failures", "--limit", "200"];
    let of_before = [["--from", "o"], ["--store", "s"]].map(|from| ask(&place, &question, &from).stdout);
    let more = place.file("more.jsonl", dome_core::EXAMPLE_LINE);
    let more = more.to_str().unwrap();
    assert_eq!(place.dome(&["ingest", more, "--store", "s"], b"").code, 0);
    assert_eq!(place.dome(&["replay", more, "--out", "o", "--force"], b"").code, 0);
    export(&place);
    for (from, before) in [["--from", "o"], ["--store", "s"]].into_iter().zip(of_before) {
        let kept = ask(&place, &question, &from);
        same(&kept, &in_memory(&place, &question, &from), &from);
        assert_ne!(kept.stdout, before, "{from:?}");
    }
    for verb in [["store", "verify", "--store", "s"], ["store", "status", "--store", "s"]] {
        assert_eq!(place.dome(&verb, b"").code, 0, "an index in a store is no damage");
    }
}

#[test]
fn where_an_index_cannot_be_kept_the_answer_is_the_same() {
    let place = both();
    let question = ["query", "gate-rollup"];
    std::fs::create_dir_all(place.path(RESULT).join("in the way")).unwrap();
    same(&ask(&place, &question, &["--from", "o"]), &in_memory(&place, &question, &["--from", "o"]), &question);
}
