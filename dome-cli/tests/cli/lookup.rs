//! The index beside a result and in a store: the same answers, sooner; made again when it does not fit.

use std::collections::BTreeSet;
use std::os::unix::fs::MetadataExt;

use crate::harness::{Ended, Place, golden};

const RESULT: &str = "o.dome-index";
const STORE: &str = "s/lookup.dome-index";

/// The golden snapshot as a result `o` and a store `s`.
fn both() -> Place {
    let place = Place::new();
    let (input, codes) = (golden("input"), golden("reason-codes.json"));
    let [input, codes] = [&input, &codes].map(|path| path.to_str().unwrap());
    for (verb, to) in [("replay", ["--out", "o"]), ("ingest", ["--store", "s"])] {
        let ended = place.dome(&[&[verb, input, "--reason-codes", codes], &to[..]].concat(), b"");
        assert!([0, 100].contains(&ended.code), "{}", ended.stderr);
    }
    place
}

fn ask(place: &Place, question: &[&str], from: &[&str], index: &str) -> Ended {
    place.dome(&[question, from, &["--format", "json", "--index", index]].concat(), b"")
}

/// Questions of every kind: each view, and every name in facts, capsules and the quarantine.
fn questions(place: &Place) -> Vec<Vec<String>> {
    let mut names: BTreeSet<String> = ["nothing", "deadbeef", "a.jsonl:999999", "a:0", ""].map(str::to_owned).into();
    for file in ["lineage.jsonl", "capsules.jsonl", "facts.jsonl", "quarantine.jsonl"] {
        let bytes = std::fs::read(place.path("o").join(file)).unwrap();
        for row in bytes.split(|byte| *byte == b'\n').filter(|row| !row.is_empty()) {
            let row: serde_json::Value = serde_json::from_slice(row).unwrap();
            for member in [
                "derived_key",
                "concept_key",
                "line_key",
                "idempotency_key",
                "fingerprint_hash",
                "digest",
                "event_id",
                "sha256",
            ] {
                let text = row.get(member).and_then(serde_json::Value::as_str);
                names.extend(text.map(str::to_owned));
                names.extend(text.filter(|text| text.len() == 64).map(|text| text[..8].to_owned()));
            }
            if let Some(source) = row.get("source") {
                let (name, line) = (source["name"].as_str().unwrap(), source["line"].as_u64().unwrap());
                names.extend([format!("{name}:{line}"), format!("{name}:{}", line + 500)]);
            }
        }
    }
    let mut questions: Vec<Vec<String>> =
        names.into_iter().map(|name| vec!["explain".to_owned(), "--".to_owned(), name]).collect();
    for view in ["recent-failures", "gate-rollup", "guard-denials"] {
        for filters in [
            &[][..],
            &["--limit", "2"],
            &["--scope", "task"],
            &["--failure-reason-code", "TESTS_FALED"],
            &["--since", "2026-02-01T00:00:00Z"],
        ] {
            let words = [&["query", view], filters].concat();
            questions.push(words.into_iter().map(str::to_owned).collect());
        }
    }
    questions
}

/// `--` ends the options, so the rest goes before it.
fn asked(place: &Place, question: &[String], from: &[&str], index: &str) -> Ended {
    let (words, key): (Vec<&str>, Vec<&str>) = match question {
        [verb, dashes, key] if dashes == "--" => (vec![verb], vec!["--", key]),
        words => (words.iter().map(String::as_str).collect(), Vec::new()),
    };
    place.dome(&[&words[..], from, &["--format", "json", "--index", index], &key].concat(), b"")
}

fn same(a: &Ended, b: &Ended, question: &[String]) {
    assert_eq!((a.code, &a.stdout, &a.stderr), (b.code, &b.stdout, &b.stderr), "{question:?}");
}

#[test]
fn m110_an_index_changes_no_answer_of_a_result_or_a_store() {
    let place = both();
    let questions = questions(&place);
    assert!(questions.len() > 100, "{}", questions.len());
    for from in [["--from", "o"], ["--store", "s"]] {
        // One by one is slow, so every seventh; which one moves with the place that is asked.
        for question in questions.iter().skip(usize::from(from[1] == "s")).step_by(7) {
            let plain = asked(&place, question, &from, "never");
            let indexed = asked(&place, question, &from, "always");
            same(&plain, &indexed, question);
        }
    }
    assert!(place.path(RESULT).is_file() && place.path(STORE).is_file());
    assert!(
        !place.files("o").keys().any(|name| name.contains("index")),
        "a result holds its artifacts and nothing else"
    );
}

#[test]
fn a_small_result_gets_no_index_unless_asked() {
    let place = both();
    assert_eq!(ask(&place, &["query", "gate-rollup"], &["--from", "o"], "auto").code, 0);
    assert_eq!(ask(&place, &["query", "gate-rollup"], &["--store", "s"], "auto").code, 0);
    assert!(!place.path(RESULT).exists() && !place.path(STORE).exists());
}

#[test]
fn the_same_facts_give_the_same_index() {
    let place = both();
    let question = ["query", "gate-rollup"];
    ask(&place, &question, &["--from", "o"], "always");
    let first = std::fs::read(place.path(RESULT)).unwrap();
    std::fs::remove_file(place.path(RESULT)).unwrap();
    ask(&place, &question, &["--from", "o"], "always");
    assert!(first == std::fs::read(place.path(RESULT)).unwrap());
}

#[test]
fn an_index_that_fits_is_used_and_not_made_again() {
    let place = both();
    for (index, from) in [(RESULT, ["--from", "o"]), (STORE, ["--store", "s"])] {
        for question in [["query", "gate-rollup"], ["query", "recent-failures"], ["explain", "a.jsonl:1"]] {
            let before = std::fs::metadata(place.path(index)).ok().map(|found| found.ino());
            ask(&place, &question, &from, "always");
            let after = std::fs::metadata(place.path(index)).unwrap().ino();
            assert!(before.is_none_or(|before| before == after), "{question:?} made {index} again");
        }
    }
}

#[test]
fn an_index_that_is_damaged_is_made_again() {
    let place = both();
    let question = ["query", "recent-failures", "--limit", "3"];
    for (index, from) in [(RESULT, ["--from", "o"]), (STORE, ["--store", "s"])] {
        let plain = ask(&place, &question, &from, "always");
        let whole = std::fs::read(place.path(index)).unwrap();
        let step = whole.len() / 40;
        for at in (0..whole.len()).step_by(step) {
            let mut damaged = whole.clone();
            damaged[at] ^= 1;
            std::fs::write(place.path(index), &damaged).unwrap();
            assert_eq!(ask(&place, &question, &from, "always").stdout, plain.stdout, "byte {at} of {index}");
        }
        std::fs::write(place.path(index), &whole[..whole.len() / 2]).unwrap();
        assert_eq!(ask(&place, &question, &from, "always").stdout, plain.stdout);
        assert!(whole == std::fs::read(place.path(index)).unwrap(), "{index}");
    }
}

#[test]
fn a_place_in_an_index_is_not_believed() {
    let place = both();
    let question = ["query", "recent-failures", "--limit", "200"];
    for (index, from) in [(RESULT, ["--from", "o"]), (STORE, ["--store", "s"])] {
        let plain = ask(&place, &question, &from, "always");
        let whole = std::fs::read(place.path(index)).unwrap();
        let header = whole.iter().position(|byte| *byte == b'\n').unwrap();
        let told: serde_json::Value = serde_json::from_slice(&whole[64..header]).unwrap();
        let [start, length] = ["start", "length"].map(|name| {
            usize::try_from(told["sections"]["row_places"][name].as_u64().unwrap()).unwrap()
                + usize::from(name == "start") * (header + 1)
        });
        // The highest byte of each of the four numbers of every place; and every place that of another fact.
        let mut endless = whole.clone();
        (start..start + length).filter(|at| (at - start) % 8 == 7).for_each(|at| endless[at] ^= 0x40);
        let mut swapped = whole.clone();
        swapped[start..start + length].rotate_left(32);
        for damaged in [endless, swapped] {
            std::fs::write(place.path(index), &damaged).unwrap();
            let ended = ask(&place, &question, &from, "always");
            assert_eq!((ended.code, &ended.stdout), (0, &plain.stdout), "{index}: {}", ended.stderr);
        }
    }
}

#[test]
fn a_quarantine_that_was_edited_concerns_explanations_alone() {
    let place = both();
    let rows = place.path("o").join("quarantine.jsonl");
    std::fs::write(&rows, b"{}\n").unwrap();
    for index in ["never", "always"] {
        assert_eq!(ask(&place, &["query", "gate-rollup"], &["--from", "o"], index).code, 0);
        assert_eq!(ask(&place, &["explain", "a.jsonl:1"], &["--from", "o"], index).code, 3);
    }
}

#[test]
fn a_result_that_was_edited_is_refused_whatever_its_index_says() {
    let place = both();
    let question = ["query", "recent-failures"];
    assert_eq!(ask(&place, &question, &["--from", "o"], "always").code, 0);
    let facts = place.path("o").join("facts.jsonl");
    let bytes = std::fs::read_to_string(&facts).unwrap();
    std::fs::write(&facts, bytes.replacen("\"attempts\":1", "\"attempts\":2", 1)).unwrap();
    assert_ne!(bytes, std::fs::read_to_string(&facts).unwrap());
    let ended = ask(&place, &question, &["--from", "o"], "always");
    assert_eq!(ended.code, 3, "{}", ended.stderr);
    assert!(ended.stderr.contains("is not the file that the manifest names"), "{}", ended.stderr);
}

#[test]
fn an_index_follows_what_it_is_of() {
    let place = both();
    let question = ["query", "recent-failures", "--limit", "200"];
    let of_before = [["--from", "o"], ["--store", "s"]].map(|from| ask(&place, &question, &from, "always").stdout);
    let more = place.file("more.jsonl", dome_core::EXAMPLE_LINE);
    let more = more.to_str().unwrap();
    assert_eq!(place.dome(&["ingest", more, "--store", "s"], b"").code, 0);
    assert_eq!(place.dome(&["replay", more, "--out", "o", "--force"], b"").code, 0);
    for (from, before) in [["--from", "o"], ["--store", "s"]].into_iter().zip(of_before) {
        let (plain, indexed) = (ask(&place, &question, &from, "never"), ask(&place, &question, &from, "always"));
        assert_eq!(plain.stdout, indexed.stdout, "{from:?}");
        assert_ne!(indexed.stdout, before, "{from:?}");
    }
    for verb in [["store", "verify", "--store", "s"], ["store", "status", "--store", "s"]] {
        assert_eq!(place.dome(&verb, b"").code, 0, "an index in a store is no damage");
    }
}

#[test]
fn where_an_index_cannot_be_kept_the_answer_is_the_same_and_that_is_said() {
    let place = both();
    let question = ["query", "gate-rollup"];
    let plain = ask(&place, &question, &["--from", "o"], "never");
    std::fs::create_dir_all(place.path(RESULT).join("in the way")).unwrap();
    let ended = ask(&place, &question, &["--from", "o"], "always");
    assert_eq!((ended.code, &ended.stdout), (0, &plain.stdout));
    assert!(ended.stderr.contains("cannot keep the index"), "{}", ended.stderr);
}
