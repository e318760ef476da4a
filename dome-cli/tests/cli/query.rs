//! `dome query`.

use std::process::Command;

use serde_json::Value;

use super::golden::replayed;
use crate::harness::{Ended, Place, golden};

const VIEWS: [(&str, &str); 3] = [
    ("recent-failures", "views/mv_recent_failures_by_taskspec.jsonl"),
    ("gate-rollup", "views/mv_gate_rollup_by_failure_reason_code.jsonl"),
    ("guard-denials", "views/mv_guard_denials_by_policy_reason_code.jsonl"),
];

fn query(place: &Place, args: &[&str]) -> Ended {
    place.dome(&[&["query"], args, &["--from", "o"]].concat(), b"")
}

/// The header and the rows of an answer in JSON.
fn answer(place: &Place, args: &[&str]) -> (Value, String) {
    let ended = query(place, &[args, &["--format", "json"]].concat());
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let (header, rows) = ended.stdout.split_once('\n').unwrap();
    (serde_json::from_str(header).unwrap(), rows.to_owned())
}

#[test]
fn m110_all_pages_together_are_the_artifact() {
    let place = replayed();
    let files = place.files("o");
    for (view, file) in VIEWS {
        let (mut rows, mut cursor, mut pages) = (String::new(), None, 0);
        loop {
            let more: Vec<&str> = cursor.as_deref().map_or(Vec::new(), |cursor| vec!["--cursor", cursor]);
            let (header, page) = answer(&place, &[&[view, "--limit", "7"], more.as_slice()].concat());
            assert_eq!(header.get("rows").unwrap().as_u64().unwrap(), page.lines().count() as u64);
            assert_eq!(
                header.get("view").unwrap(),
                file.strip_prefix("views/").unwrap().strip_suffix(".jsonl").unwrap()
            );
            rows.push_str(&page);
            pages += 1;
            match header.get("next").and_then(Value::as_str) {
                Some(next) => cursor = Some(next.to_owned()),
                None => break,
            }
        }
        assert!(rows.as_bytes() == files.get(file).unwrap(), "{view}");
        assert_eq!(pages, rows.lines().count().div_ceil(7).max(1), "{view}");
    }
}

#[test]
fn m110_a_page_has_20_rows_unless_told_and_200_at_most() {
    let place = replayed();
    let (header, rows) = answer(&place, &["recent-failures"]);
    assert_eq!((header.get("limit").unwrap().as_u64(), rows.lines().count()), (Some(20), 20));
    for limit in ["0", "201", "many", "-1"] {
        assert_eq!(query(&place, &["recent-failures", &format!("--limit={limit}")]).code, 2, "{limit}");
    }
}

#[test]
fn m110_identical_snapshot_and_filters_give_identical_bytes() {
    let place = replayed();
    let args = ["query", "gate-rollup", "--from", "o", "--format", "json", "--limit", "3"];
    let expected = place.dome(&args, b"").stdout;
    for (zone, locale) in [("Asia/Kathmandu", "tr_TR.UTF-8"), ("America/New_York", "C"), ("UTC", "de_DE.UTF-8")] {
        let again = Command::new(env!("CARGO_BIN_EXE_dome"))
            .args(args)
            .current_dir(place.path(""))
            .envs([("TZ", zone), ("LC_ALL", locale), ("LANG", locale)])
            .output()
            .unwrap();
        assert_eq!(String::from_utf8(again.stdout).unwrap(), expected, "{zone} {locale}");
    }
}

#[test]
fn m110_a_cursor_of_another_snapshot_view_or_filters_is_refused() {
    let place = replayed();
    let (header, _) = answer(&place, &["recent-failures", "--limit", "1"]);
    let cursor = header.get("next").unwrap().as_str().unwrap();
    let edited = format!("{}A", cursor.get(..42).unwrap());
    for (args, why) in [
        (vec!["gate-rollup", "--cursor", cursor], "another view"),
        (vec!["recent-failures", "--scope", "task", "--cursor", cursor], "other filters"),
        (vec!["recent-failures", "--cursor", &edited], "damaged"),
        (vec!["recent-failures", "--cursor", ""], "damaged"),
    ] {
        let ended = query(&place, &args);
        assert!(ended.code == 2 && ended.stderr.contains(why), "{args:?}: {}", ended.stderr);
    }
    place.file("a.jsonl", dome_core::EXAMPLE_LINE);
    assert_eq!(place.dome(&["replay", "a.jsonl", "--out", "o", "--force"], b"").code, 0);
    let ended = query(&place, &["recent-failures", "--limit", "1", "--cursor", cursor]);
    assert!(ended.code == 2 && ended.stderr.contains("another snapshot"), "{}", ended.stderr);
}

#[test]
fn m13_the_alias_is_read_and_answered_with_a_note() {
    let place = replayed();
    let named = answer(&place, &["recent-failures", "--failure-reason-code", "TESTS_FAILED"]);
    let ended = query(&place, &["recent-failures", "--reason-code", "TESTS_FAILED", "--format", "json"]);
    assert_eq!(ended.stderr, "dome: `--reason-code` is read as `--failure-reason-code`\n");
    let (header, rows) = ended.stdout.split_once('\n').unwrap();
    assert_eq!((serde_json::from_str::<Value>(header).unwrap(), rows), (named.0.clone(), named.1.as_str()));
    assert_eq!(named.0.pointer("/filters/failure_reason_code").unwrap(), "TESTS_FAILED");
    let policy = query(&place, &["guard-denials", "--guard-reason-code", "", "--format", "json"]);
    assert!(policy.stdout.contains("{\"policy_reason_code\":\"\"}"), "{}", policy.stdout);
    let torn = ["recent-failures", "--reason-code", "TESTS_FAILED", "--failure-reason-code", "TIMEOUT"];
    assert_eq!(query(&place, &torn).code, 2, "two names, two values");
}

#[test]
fn m110_what_nothing_matches_is_answered_with_near_values() {
    let place = replayed();
    let args = ["recent-failures", "--failure-reason-code", "TEST_FAILED"];
    let ended = query(&place, &args);
    assert_eq!((ended.code, ended.stdout.as_str()), (0, "no rows in recent-failures\n"));
    assert!(ended.stderr.contains("`TESTS_FAILED`"), "{}", ended.stderr);
    assert_eq!(query(&place, &[&args[..], &["--require-match"]].concat()).code, 4);
    assert_eq!(query(&place, &["recent-failures", "--require-match"]).code, 0);
    let wrong = query(&place, &["recent-failures", "--gate", "lint"]);
    assert!(wrong.code == 2 && wrong.stderr.contains("which takes `scope`"), "{}", wrong.stderr);
    let none = query(&place, &["recent-failure"]);
    assert!(none.code == 2 && none.stderr.contains("did you mean `recent-failures`?"), "{}", none.stderr);
}

#[test]
fn tables_fit_the_columns_of_the_terminal() {
    use unicode_width::UnicodeWidthStr;
    let place = replayed();
    for columns in ["60", "80", "120"] {
        for (view, _) in VIEWS {
            let shown = Command::new(env!("CARGO_BIN_EXE_dome"))
                .args(["query", view, "--from", "o"])
                .current_dir(place.path(""))
                .env("COLUMNS", columns)
                .output()
                .unwrap();
            let shown = String::from_utf8(shown.stdout).unwrap();
            let table = shown.split("\n\n").next().unwrap();
            assert!(table.lines().all(|line| line.width() <= columns.parse().unwrap()), "{shown}");
            assert!(table.lines().count() > 1, "{shown}");
        }
    }
}

#[test]
fn a_folder_that_is_no_result_is_named() {
    let place = Place::new();
    place.file("empty/x", b"");
    let ended = place.dome(&["query", "gate-rollup", "--from", "empty"], b"");
    assert!(ended.code == 3 && ended.stderr.contains("no dome result"), "{}", ended.stderr);
}

#[test]
fn a_store_and_its_export_answer_alike() {
    let place = Place::new();
    let (input, codes) = (golden("input"), golden("reason-codes.json"));
    let [input, codes] = [&input, &codes].map(|path| path.to_str().unwrap());
    for args in [
        ["ingest", input, "--reason-codes", codes, "--store", "s", "--not-after", "off"].as_slice(),
        &["store", "export", "--store", "s", "--out", "o"],
    ] {
        let ended = place.dome(args, b"");
        assert_eq!(ended.code, 0, "{}", ended.stderr);
    }
    let facts = String::from_utf8(place.files("o").remove("facts.jsonl").unwrap()).unwrap();
    let keys = facts.lines().take(5).map(|fact| {
        let fact: Value = serde_json::from_str(fact).unwrap();
        fact.get("derived_key").and_then(Value::as_str).unwrap().to_owned()
    });
    let questions = VIEWS.iter().map(|(view, _)| vec!["query".to_owned(), (*view).to_owned()]);
    for question in questions.chain(keys.map(|key| vec!["explain".to_owned(), key])) {
        let ask = |at: &str, dir: &str| {
            let question: Vec<&str> = question.iter().map(String::as_str).collect();
            let ended = place.dome(&[question.as_slice(), &[at, dir, "--format", "json"]].concat(), b"");
            assert_eq!(ended.code, 0, "{}", ended.stderr);
            ended.stdout
        };
        assert_eq!(ask("--store", "s"), ask("--from", "o"), "{question:?}");
    }
    let both = place.dome(&["query", "gate-rollup", "--store", "s", "--from", "o"], b"");
    assert_eq!(both.code, 2, "{}", both.stderr);
}
