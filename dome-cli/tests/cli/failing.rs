//! What keeps failing, what a rerun does, what ended it, and whether that is proven (M-77, M-82, M-85).

use serde_json::{Value, json};

use crate::harness::{Place, project};

/// Outcomes of one test, one per run and revision, an hour apart: `f` fails, `p` passes by a remedy, `s` just passes,
/// `r` is a rerun of the revision before that passes.
fn history(outcomes: &str) -> String {
    let mut revision = 0;
    let rows = outcomes.chars().zip(1..).map(|(outcome, run)| {
        let failed = outcome == 'f';
        revision += u64::from(outcome != 'r');
        let mut envelope = json!({
            "envelope_version": "1", "event_id": "e", "sequence": 1, "run_id": format!("r{run:02}"), "task_id": "unit",
            "group_id": "g", "ts": format!("2026-01-{:02}T{:02}:00:00Z", 1 + run / 24, run % 24),
            "signal": if failed { "failure" } else { "success" },
            "wrapper_policy": "strict", "evidence": [{"path": "unit.log"}],
            "subject": {"revision": format!("v{revision}")},
            "task_spec": {
                "scope": "repo", "target": {"kind": "repo", "id": "acme/app"}, "action": {"kind": "test"},
                "failure_reason_code": if failed { "TESTS_FAILED" } else { "NONE" },
            },
            "gates": [{"gate_id": "unit", "status": if failed { "FAIL" } else { "PASS" }}],
        });
        if outcome == 'p' {
            envelope["remedy"] = json!({"kind": "recipe", "ref": "recipes/rebuild"});
        }
        format!("{envelope}\n")
    });
    rows.collect()
}

/// What is said of the one failure there is, and the state in JSON.
fn said(outcomes: &str) -> (Vec<String>, Value) {
    let place = Place::new();
    place.file("night.jsonl", history(outcomes));
    let args = ["replay", "night.jsonl", "--out", "o"];
    let human = place.dome(&args, b"");
    assert_eq!(human.code, 0, "{}", human.stderr);
    let json: Value =
        serde_json::from_str(&place.dome(&[&args[..], &["--format", "json"]].concat(), b"").stdout).unwrap();
    let rows = human.stdout.lines().skip_while(|row| *row != "what keeps failing:").skip(2);
    let rows = rows.take_while(|row| row.starts_with("      ")).map(|row| row.trim().to_owned());
    (rows.collect(), json["keeps_failing"][0]["state"].clone())
}

#[test]
fn m82_a_fix_is_said_to_be_proven_only_when_enough_runs_after_it_were_clean() {
    let (rows, state) = said("ffp");
    assert_eq!(state, "pending");
    assert_eq!(
        rows,
        [
            "failed in 2 of 3 executions (66 %), now resolved, not yet proven: 1 of 5 clean runs",
            "recipe recipes/rebuild: not yet proven; held back by low_confidence",
        ]
    );
    assert_eq!(said("ffpsss").1, "pending", "one clean run is missing");
    let (rows, state) = said("ffpssss");
    assert_eq!(state, "held");
    assert_eq!(
        rows,
        [
            "failed in 2 of 7 executions (28 %), now resolved, and that is proven",
            "recipe recipes/rebuild: worked in 1 of 1 runs; held back by low_confidence",
        ]
    );
}

#[test]
fn m81_a_fix_after_which_it_failed_again_is_not_said_to_have_worked() {
    let (rows, state) = said("ffpf");
    assert_eq!(state, "failing");
    assert_eq!(
        rows,
        [
            "failed in 3 of 4 executions (75 %), now failing",
            "recipe recipes/rebuild: worked in 0 of 1 runs; held back by low_confidence, contradicted",
        ]
    );
    let (rows, state) = said("ffpssssf");
    assert_eq!(state, "failing", "it came back after it was proven");
    assert_eq!(rows[1], "recipe recipes/rebuild: worked in 1 of 1 runs; held back by low_confidence");
}

#[test]
fn m86_what_a_rerun_does_is_said_and_is_no_fix() {
    let (rows, state) = said("frfrfrsfr");
    assert_eq!(state, "cleared");
    assert_eq!(
        rows,
        [
            "failed in 4 of 9 executions (44 %), 4 x at a revision that also passed, \
             now passing, and nothing says that anything was mended",
            "rerun: passed the next time in 4 of 4 runs",
        ]
    );
}

#[test]
fn the_readme_shows_what_is_printed() {
    let place = Place::new();
    let [history, failed] =
        ["history.jsonl", "failed.json"].map(|name| project("examples/ci").join(name).to_str().unwrap().to_owned());
    let readme = std::fs::read_to_string(project("README.md")).unwrap();
    let printed = place.dome(&["replay", &history, "--out", "o"], b"").stdout;
    let (block, rest) = printed.split_once("\nslowest step").unwrap();
    assert!(readme.contains(block), "{block}");
    let snapshot = rest.lines().find(|row| row.starts_with("snapshot: ")).unwrap();
    assert!(readme.contains(snapshot), "{snapshot}");
    let asked = place.dome(&["priors", "--from", "o", "--failure", &failed, "--rollout", "prescriptive"], b"").stdout;
    assert!(readme.contains(&asked), "{asked}");
}

#[test]
fn the_status_of_a_store_says_what_a_replay_of_the_same_lines_says() {
    let place = Place::new();
    place.file("night.jsonl", history("ffpfpss"));
    assert_eq!(place.dome(&["ingest", "night.jsonl", "--store", "s"], b"").code, 0);
    let replay = ["replay", "night.jsonl", "--out", "o"];
    let status = ["store", "status", "--store", "s"];
    let block = |args: &[&str]| -> Vec<String> {
        let printed = place.dome(args, b"").stdout;
        let rows = printed.lines().skip_while(|row| *row != "what keeps failing:");
        rows.take_while(|row| !row.is_empty()).map(str::to_owned).collect()
    };
    let told = block(&replay);
    assert!(told.len() == 4 && told[2].contains("3 of 4 clean runs"), "{told:?}");
    assert_eq!(block(&status), told);
    let json = |args: &[&str]| -> Value {
        serde_json::from_str(&place.dome(&[args, &["--format", "json"]].concat(), b"").stdout).unwrap()
    };
    assert_eq!(json(&status)["keeps_failing"], json(&replay)["keeps_failing"]);
}

#[test]
fn priors_say_how_often_a_failure_came_back_and_a_version_is_said_once() {
    let place = Place::new();
    place.file("night.jsonl", history("fpssssf"));
    assert_eq!(place.dome(&["replay", "night.jsonl", "--out", "o"], b"").code, 0);
    let ask = ["priors", "--from", "o", "--scope", "repo", "--target-kind", "repo", "--target-id", "acme/app"];
    let ask = [&ask[..], &["--action-kind", "test"]].concat();
    let told = place.dome(&[&ask[..], &["--detail", "full"]].concat(), b"").stdout;
    assert!(told.contains("contradicted 0 x, came back 1 x, "), "{told}");
    let twice = place.dome(&[&ask[..], &["--version", "a=0.1", "--version", "a=0.2"]].concat(), b"");
    assert_eq!(twice.code, 2, "{}", twice.stdout);
    assert!(twice.stderr.contains("`a` is given more than once"), "{}", twice.stderr);
}
