//! What keeps failing, and whether what resolved it is known to hold (M-81, M-92).

use serde_json::{Value, json};

use crate::harness::{Place, project};

/// Outcomes of one test, one a run: `f` fails, `p` passes by a remedy, at that hour.
fn history(outcomes: &[(char, u64)]) -> String {
    let rows = outcomes.iter().zip(1..).map(|((outcome, hour), run)| {
        let failed = *outcome == 'f';
        let ts = format!("2026-01-{:02}T{:02}:00:00Z", 1 + hour / 24, hour % 24);
        let mut envelope = json!({
            "envelope_version": "1", "event_id": "e", "sequence": 1, "run_id": format!("r{run}"), "task_id": "unit",
            "group_id": "g", "ts": ts, "signal": if failed { "failure" } else { "success" },
            "wrapper_policy": "strict", "evidence": [{"path": "unit.log"}],
            "task_spec": {
                "scope": "repo", "target": {"kind": "repo", "id": "acme/app"}, "action": {"kind": "test"},
                "failure_reason_code": if failed { "TESTS_FAILED" } else { "NONE" },
            },
            "gates": [{"gate_id": "unit", "status": if failed { "FAIL" } else { "PASS" }}],
        });
        if !failed {
            envelope["remedy"] = json!({"kind": "recipe", "ref": "recipes/rebuild"});
        }
        format!("{envelope}\n")
    });
    rows.collect()
}

/// What is said of the one failure there is, and whether JSON says that it held.
fn said(outcomes: &[(char, u64)], flags: &[&str]) -> (String, Value) {
    let place = Place::new();
    place.file("night.jsonl", history(outcomes));
    let args = [&["replay", "night.jsonl", "--out", "o"], flags].concat();
    let human = place.dome(&args, b"");
    assert_eq!(human.code, 0, "{}", human.stderr);
    let json: Value =
        serde_json::from_str(&place.dome(&[&args[..], &["--format", "json"]].concat(), b"").stdout).unwrap();
    let row = human.stdout.lines().find(|line| line.trim_start().starts_with("resolved ")).unwrap();
    (row.trim().to_owned(), json["keeps_failing"][0]["held"].clone())
}

#[test]
fn m81_a_fix_is_said_to_have_held_only_when_a_failure_would_no_longer_contradict_it() {
    let last = [('f', 0), ('f', 1), ('p', 2)];
    let open = "resolved 1 x, not yet known to hold; best fix: recipes/rebuild (1 x, not yet known to hold)";
    let held = "resolved 1 x, held; best fix: recipes/rebuild (1 x, held)";
    assert_eq!(said(&last, &[]), (open.into(), false.into()), "it is the last fact");
    assert_eq!(said(&last, &["--as-of", "2026-01-02T02:00:00Z"]), (open.into(), false.into()), "M-81: not later than");
    assert_eq!(said(&last, &["--as-of", "2026-01-02T02:00:01Z"]), (held.into(), true.into()));
    assert_eq!(said(&[&last[..], &[('p', 27)]].concat(), &[]), (held.into(), true.into()));
}

#[test]
fn m81_a_fix_after_which_it_came_back_is_not_said_to_have_held() {
    let later = "resolved 1 x, came back later 1 x; best fix: recipes/rebuild (1 x)";
    assert_eq!(said(&[('f', 0), ('f', 1), ('p', 2), ('f', 50)], &[]), (later.into(), false.into()));
    let soon = "resolved 1 x, failed again soon 1 x; best fix: recipes/rebuild (1 x, failed 1 x)";
    assert_eq!(said(&[('f', 0), ('f', 1), ('p', 2), ('f', 3)], &[]), (soon.into(), false.into()));
}

#[test]
fn the_readme_shows_what_is_printed() {
    let place = Place::new();
    let [shipped, codes] = ["dome-adapters/data/terminal-bench", "dome-adapters/src/terminal_bench/reason-codes.json"]
        .map(|path| project(path).to_str().unwrap().to_owned());
    assert_eq!(place.dome(&["convert", "terminal-bench", &shipped, "--out", "night.jsonl"], b"").code, 0);
    let printed = place.dome(&["replay", "night.jsonl", "--out", "o", "--reason-codes", &codes], b"").stdout;
    let (block, _) = printed.split_once("\nslowest step").unwrap();
    let readme = std::fs::read_to_string(project("README.md")).unwrap();
    assert!(readme.contains(block), "{block}");
}

#[test]
fn the_status_of_a_store_says_what_a_replay_of_the_same_lines_says() {
    let place = Place::new();
    place.file("night.jsonl", history(&[('f', 0), ('f', 1), ('p', 2), ('f', 50), ('p', 51)]));
    assert_eq!(place.dome(&["ingest", "night.jsonl", "--store", "s"], b"").code, 0);
    let replay = ["replay", "night.jsonl", "--out", "o"];
    let status = ["store", "status", "--store", "s"];
    let block = |args: &[&str]| -> Vec<String> {
        let printed = place.dome(args, b"").stdout;
        let rows = printed.lines().skip_while(|row| *row != "what keeps failing:");
        rows.take_while(|row| !row.is_empty()).map(str::to_owned).collect()
    };
    let told = block(&replay);
    assert!(told.len() == 3 && told[2].contains("came back later 1 x"), "{told:?}");
    assert_eq!(block(&status), told);
    let json = |args: &[&str]| -> Value {
        serde_json::from_str(&place.dome(&[args, &["--format", "json"]].concat(), b"").stdout).unwrap()
    };
    assert_eq!(json(&status)["keeps_failing"], json(&replay)["keeps_failing"]);
}

#[test]
fn priors_say_how_often_a_failure_came_back_and_a_version_is_said_once() {
    let place = Place::new();
    place.file("night.jsonl", history(&[('f', 0), ('p', 2), ('f', 50)]));
    assert_eq!(place.dome(&["replay", "night.jsonl", "--out", "o"], b"").code, 0);
    let ask = ["priors", "--from", "o", "--scope", "repo", "--target-kind", "repo", "--target-id", "acme/app"];
    let ask = [&ask[..], &["--action-kind", "test"]].concat();
    let told = place.dome(&ask, b"").stdout;
    assert!(told.contains("contradicted 0 x, came back later 1 x, "), "{told}");
    let twice = place.dome(&[&ask[..], &["--version", "a=0.1", "--version", "a=0.2"]].concat(), b"");
    assert_eq!(twice.code, 2, "{}", twice.stdout);
    assert!(twice.stderr.contains("`a` is given more than once"), "{}", twice.stderr);
}
