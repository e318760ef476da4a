//! `dome backtest` and `dome rollout`.

use serde_json::{Value, json};

use crate::harness::{Ended, Place};

/// Runs that failed and were got over in the same way, two days apart.
fn history(runs: u64) -> String {
    let mut lines = String::new();
    for run in 1..=runs {
        for (sequence, signal, status, code) in [(1, "failure", "FAIL", "TESTS_FAILED"), (2, "success", "PASS", "NONE")]
        {
            let mut envelope = json!({
                "envelope_version": "1", "event_id": format!("e{sequence}"), "sequence": sequence,
                "run_id": format!("r{run}"), "task_id": "unit", "group_id": format!("g{sequence}"),
                "ts": format!("2026-01-{:02}T00:0{sequence}:00Z", 2 * run), "signal": signal,
                "wrapper_policy": "strict", "evidence": [{"path": "unit.log"}],
                "task_spec": {
                    "scope": "repo", "target": {"kind": "repo", "id": "acme/app"}, "action": {"kind": "test"},
                    "failure_reason_code": code,
                },
                "gates": [{"gate_id": "unit", "status": status}],
            });
            if signal == "success" {
                envelope["remedy"] = json!({"kind": "call_first", "ref": "recipes/rebuild"});
            }
            lines.push_str(&format!("{envelope}\n"));
        }
    }
    lines
}

fn place(runs: u64) -> Place {
    let place = Place::new();
    place.file("night.jsonl", history(runs));
    assert_eq!(place.dome(&["replay", "night.jsonl", "--out", "o"], b"").code, 0);
    place
}

fn json(ended: &Ended) -> Value {
    serde_json::from_str(&ended.stdout).unwrap()
}

#[test]
fn a_backtest_says_what_answers_would_have_been_worth() {
    let place = place(6);
    let tested = place.dome(&["backtest", "--from", "o", "--format", "json"], b"");
    assert_eq!(tested.code, 0, "{}", tested.stderr);
    let found = json(&tested);
    assert_eq!((&found["decisions"], &found["facts"]), (&json!(6), &json!(12)));
    assert_eq!(found["after"]["advised"]["right"], 5);
    assert_eq!(found["after"]["prescribed"]["offered"], 2, "after four that it got over");
    assert_eq!(found["before"]["prescribed"]["offered"], 2);
    assert_eq!(found["kinds"][0]["kind"], "call_first");
    assert_eq!((&found["endings"]["resolved"], &found["endings"]["open"]), (&json!(6), &json!(0)));
    // A store of the same lines says the same, to the byte.
    assert_eq!(place.dome(&["ingest", "night.jsonl", "--store", "s"], b"").code, 0);
    let stored = place.dome(&["backtest", "--store", "s", "--format", "json"], b"");
    assert_eq!(stored.stdout, tested.stdout, "{}", stored.stderr);
    // Another policy, without another replay.
    let mut policy: Value = found["policy"].clone();
    policy["min_confidence_ppm"] = json!(300_000);
    place.file("easy.json", policy.to_string());
    let easy = json(&place.dome(&["backtest", "--from", "o", "--policy", "easy.json", "--format", "json"], b""));
    assert_eq!(easy["after"]["prescribed"]["offered"], 4);
    let swept = found["sweep"].as_array().unwrap();
    let swept = swept.iter().find(|row| row["threshold"] == "min_confidence_ppm" && row["value"] == 300_000);
    assert_eq!(swept.unwrap()["prescribed"], easy["after"]["prescribed"], "what the sweep said it would buy");
}

#[test]
fn a_backtest_fits_a_terminal_of_eighty_columns() {
    let place = place(14);
    let told = place.dome(&["backtest", "--from", "o"], b"").stdout;
    for line in told.lines() {
        assert!(line.chars().count() <= 80, "{line}");
    }
    for said in [
        "backtest: 28 facts, 14 of them failing: 14 decisions",
        "    prescribed                    10      10      0       0  100.0 %, 72.2 %",
        "      call_first                  10      10      0       0  100.0 %, 72.2 %",
        "    500 000 the policy            10      10      0       0  100.0 %, 72.2 %",
        "  2026-01-02 (1)                   0       0      0       0  -",
    ] {
        assert!(told.contains(said), "{said}\n{told}");
    }
    let empty = Place::new();
    empty.file("none.jsonl", "");
    assert_eq!(empty.dome(&["replay", "none.jsonl", "--out", "o"], b"").code, 0);
    let told = empty.dome(&["backtest", "--from", "o"], b"");
    assert_eq!((told.code, told.stdout.as_str()), (0, "backtest: 0 facts, 0 of them failing: 0 decisions\n"));
}

const SHADOW: [&str; 15] = [
    "priors",
    "--from",
    "known",
    "--scope",
    "repo",
    "--target-kind",
    "repo",
    "--target-id",
    "acme/app",
    "--action-kind",
    "test",
    "--rollout",
    "shadow",
    "--record",
    "shadow.jsonl",
];

#[test]
fn a_mode_that_is_not_earned_ends_with_100_and_what_is_missing() {
    let place = place(8);
    let asked = ["rollout", "status", "--from", "o", "--format", "json"];
    let judged = place.dome(&asked, b"");
    let found = json(&judged);
    assert_eq!((judged.code, &found["earned"], &found["furthest"]), (100, &json!(false), &json!("shadow")));
    assert_eq!(found["mode"], "guided", "the next one");
    assert!(
        found["missing"]
            .as_array()
            .unwrap()
            .contains(&json!("guided: failures that a recorded answer was scored by: 0, at least 50 asked for"))
    );
    // A policy that so small a history can meet; what shadow recorded after each of the first runs.
    let printed = place.dome(&["rollout", "policy"], b"");
    let mut policy = json(&printed);
    for (step, recorded) in [("guided", 7), ("prescriptive", 8)] {
        let least = [("min_precision_ppm", 100_000), ("min_recorded_precision_ppm", 100_000)];
        for (member, value) in
            [("min_decisions", 8), ("min_offered", 4), ("min_recorded", recorded)].into_iter().chain(least)
        {
            policy[step][member] = json!(value);
        }
    }
    place.file("rollout.json", policy.to_string());
    for runs in 1..8 {
        place.file("part.jsonl", history(runs));
        assert_eq!(place.dome(&["replay", "part.jsonl", "--out", "known", "--force"], b"").code, 0);
        let shadow = place.dome(&SHADOW, b"");
        assert_eq!((shadow.code, shadow.stdout.contains("recipes/rebuild")), (0, false), "{}", shadow.stderr);
    }
    let with = ["--policy", "rollout.json", "--recorded", "shadow.jsonl"];
    let judged = place.dome(&[&asked[..], &with].concat(), b"");
    let found = json(&judged);
    assert_eq!((judged.code, &found["missing"]), (0, &json!([])), "{}", judged.stdout);
    let recorded = &found["steps"][0]["recorded"];
    assert_eq!((&recorded["decisions"], &recorded["advised"]["right"]), (&json!(7), &json!(7)));
    // The step after that asks for what was recorded while guided was on, and nothing was.
    let next = place.dome(&[&["rollout", "status", "--from", "o", "--current", "guided"], &with[..]].concat(), b"");
    assert_eq!(next.code, 100);
    for said in [
        "prescriptive: not earned (furthest mode earned: guided)",
        "shadow to guided: earned",
        "  met    min_precision_ppm               51.0 % >= 10.0 %     backtest",
        "  MISSES min_recorded                         0 >= 8          recorded",
        "  - prescriptive: failures that a recorded answer was scored by: 0, at least 8",
    ] {
        assert!(next.stdout.contains(said), "{said}\n{}", next.stdout);
    }
}

#[test]
fn an_answer_that_knows_what_came_later_is_not_recorded() {
    let place = place(8);
    place.file("part.jsonl", history(8));
    assert_eq!(place.dome(&["replay", "part.jsonl", "--out", "known", "--force"], b"").code, 0);
    let refused = place.dome(&[&SHADOW[..], &["--as-of", "2001-01-01T00:00:00Z"]].concat(), b"");
    assert_eq!(refused.code, 2, "{}", refused.stderr);
    assert!(refused.stderr.contains("later than `--as-of 2001-01-01T00:00:00Z`"), "{}", refused.stderr);
    assert!(!place.path("shadow.jsonl").exists());
    assert_eq!(place.dome(&[&SHADOW[..], &["--as-of", "2101-01-01T00:00:00Z"]].concat(), b"").code, 0);
}

#[test]
fn documents_out_of_range_are_refused_with_every_problem() {
    let place = place(2);
    let mut policy = json(&place.dome(&["rollout", "policy", "--format", "json"], b""));
    policy["guided"]["min_precision_ppm"] = json!(1_000_001);
    policy["guided"]["min_sense"] = json!(1);
    place.file("bad.json", policy.to_string());
    let refused = place.dome(&["rollout", "status", "--from", "o", "--policy", "bad.json"], b"");
    assert_eq!(refused.code, 3);
    assert_eq!(
        refused.stderr,
        "dome: `bad.json` is no rollout policy:\n  `/guided/min_sense`: there is no such member\n  \
         `/guided/min_precision_ppm`: expected 0 to 1000000, found 1000001\n"
    );
    place.file("thresholds.json", r#"{"policy_version":"1","min_suport":1}"#);
    let refused = place.dome(&["backtest", "--from", "o", "--policy", "thresholds.json"], b"");
    assert_eq!(refused.code, 3);
    for said in
        ["`/min_suport`: there is no such member", "`/min_support`: it is missing", "`/policy_version`: expected \"2\""]
    {
        assert!(refused.stderr.contains(said), "{said}: {}", refused.stderr);
    }
    place.file("recorded.jsonl", "\n{}\n");
    let refused = place.dome(&["rollout", "status", "--from", "o", "--recorded", "recorded.jsonl"], b"");
    assert_eq!(refused.code, 3);
    assert!(refused.stderr.contains("`recorded.jsonl`, line 2: not an answer of `dome priors`"), "{}", refused.stderr);
    let usage = place.dome(&["rollout", "status", "--from", "o", "--mode", "bold"], b"");
    assert_eq!(usage.code, 2);
}
