//! Answers from the views as a result holds them, beside answers from its facts.

use dome_core::Sha256Hash;
use serde_json::Value;

use crate::golden::replayed;
use crate::harness::{Ended, Place};

const RECENT: &str = "o/views/mv_recent_failures_by_taskspec.jsonl";

fn ask(place: &Place, question: &[&str]) -> Ended {
    place.dome(&[&["query"], question, &["--from", "o"]].concat(), b"")
}

/// Questions that rows answer, and some that only facts do.
fn questions() -> Vec<Vec<&'static str>> {
    let by_view: [(&str, &[&[&str]]); 3] = [
        (
            "recent-failures",
            &[
                &[],
                &["--scope", "task"],
                &["--failure-reason-code", "TESTS_FAILED", "--limit", "2"],
                &["--failure-reason-code", "TESTS_FALED"],
                &["--policy-reason-code", ""],
                &["--since", "2026-02-01T00:00:00Z"],
                &["--until", "2026-02-01T00:00:00Z"],
                &["--run", "nothing", "--require-match"],
            ],
        ),
        (
            "gate-rollup",
            &[
                &[],
                &["--gate", "lint"],
                &["--failure-reason-code", "TESTS_FAILED"],
                &["--gate", "lintt"],
                &["--scope", "task"],
                &["--since", "2026-02-01T00:00:00Z"],
            ],
        ),
        (
            "guard-denials",
            &[&[], &["--guard", ""], &["--policy-reason-code", "NOTHING"], &["--guard", "budgt"], &["--scope", "task"]],
        ),
    ];
    let words = |view, filters: &&[&'static str]| [&[view], *filters].concat();
    by_view.iter().flat_map(|(view, all)| all.iter().map(move |filters| words(*view, filters))).collect()
}

/// The answers to every question, as JSON and for people.
fn answers(place: &Place) -> Vec<(i32, String, String)> {
    let formats = ["json", "human"];
    let asked = questions()
        .into_iter()
        .flat_map(|question| formats.map(|format| [&question[..], &["--format", format]].concat()));
    asked.map(|question| ask(place, &question)).map(|ended| (ended.code, ended.stdout, ended.stderr)).collect()
}

/// Writes a file of the result and names it in the manifest, as a forger would.
fn forge(place: &Place, name: &str, bytes: &str) {
    place.file(&format!("o/{name}"), bytes);
    let mut manifest: Value = serde_json::from_slice(&std::fs::read(place.path("o/manifest.json")).unwrap()).unwrap();
    manifest["files"][name]["sha256"] = Sha256Hash::of(bytes.as_bytes()).to_string().into();
    manifest["files"][name]["lines"] = bytes.lines().count().into();
    place.file("o/manifest.json", format!("{manifest}\n"));
}

#[test]
fn m110_views_and_facts_answer_alike() {
    let place = replayed();
    let from_views = answers(&place);
    for view in std::fs::read_dir(place.path("o/views")).unwrap() {
        // A view that is not the one that the manifest names is not answered from.
        std::fs::write(view.unwrap().path(), b"{}\n").unwrap();
    }
    let from_facts = answers(&place);
    std::fs::remove_dir_all(place.path("o/views")).unwrap();
    assert!(from_views.iter().any(|(code, ..)| *code == 4) && from_views.iter().any(|(.., said)| !said.is_empty()));
    assert_eq!(from_views, from_facts);
    assert_eq!(from_views, answers(&place), "without any view");
}

#[test]
fn m110_a_cursor_goes_on_wherever_the_rows_come_from() {
    let place = replayed();
    let question = ["recent-failures", "--scope", "task", "--limit", "3", "--format", "json"];
    let first = ask(&place, &question).stdout;
    let header: Value = serde_json::from_str(first.lines().next().unwrap()).unwrap();
    let next = [&question[..], &["--cursor", header["next"].as_str().unwrap()]].concat();
    let second = ask(&place, &next).stdout;
    std::fs::remove_file(place.path(RECENT)).unwrap();
    assert_eq!((ask(&place, &question).stdout, ask(&place, &next).stdout), (first, second));
}

#[test]
fn a_view_is_not_answered_from_when_the_facts_behind_it_were_edited() {
    let place = replayed();
    for (name, cut) in
        [("facts.jsonl", false), ("facts.jsonl", true), ("lineage.jsonl", false), ("lineage.jsonl", true)]
    {
        let path = place.path("o").join(name);
        let whole = std::fs::read_to_string(&path).unwrap();
        let line = whole.split_inclusive('\n').next().unwrap();
        let edited = if cut { whole.replacen(line, "", 1) } else { whole.replacen('1', "2", 1) };
        std::fs::write(&path, edited).unwrap();
        for question in questions() {
            let ended = ask(&place, &question);
            let why = if cut { "is cut short: " } else { "is not the file that the manifest names" };
            assert_eq!((ended.code, ended.stdout.as_str()), (3, ""), "{question:?}");
            assert!(ended.stderr.contains(name) && ended.stderr.contains(why), "{}", ended.stderr);
            assert!(ended.stderr.contains("`dome verify o` says what differs"), "{}", ended.stderr);
        }
        std::fs::remove_file(&path).unwrap();
        let gone = ask(&place, &["recent-failures"]);
        assert!(gone.code != 0 && gone.stderr.contains(&format!("cannot read `o/{name}`")), "{}", gone.stderr);
        std::fs::write(&path, whole).unwrap();
    }
}

#[test]
fn l10_a_query_believes_what_the_manifest_names_and_verify_does_not() {
    let place = replayed();
    let rows = std::fs::read_to_string(place.path(RECENT)).unwrap();
    let fewer = rows.split_inclusive('\n').skip(1).collect::<String>();
    forge(&place, "views/mv_recent_failures_by_taskspec.jsonl", &fewer);
    let answer = ask(&place, &["recent-failures", "--limit", "200", "--format", "json"]).stdout;
    assert_eq!(answer.split_once('\n').unwrap().1, fewer);
    assert_eq!(place.dome(&["verify", "o"], b"").code, 5);
    // Rows that are none tell no filter anything: the facts do.
    let question = ["recent-failures", "--scope", "task", "--format", "json"];
    let before = replayed();
    forge(&place, "views/mv_recent_failures_by_taskspec.jsonl", "no row\n");
    assert_eq!(ask(&place, &question).stdout, ask(&before, &question).stdout);
}
