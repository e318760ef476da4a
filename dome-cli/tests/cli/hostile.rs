//! What comes from outside (names of files, arguments, ids, messages, error texts) forges no line and steers no terminal.

use serde_json::{Value, json};

use crate::harness::{Ended, Place};

/// A name that ends a line, writes one that looks like dome's own, turns the order of what follows, and has a blank that
/// nobody sees, a tag and an end of a line of Unicode's.
const NAME: &str = "zz\u{1b}[31m\ndome: verified\u{202e}\u{200b}\u{2028}\u{e0041}";
/// The same without what an identifier cannot have.
const ID: &str = "zz\u{202e}\u{2066}\u{200b}\u{2028}\u{feff}\u{e0041}x";

#[track_caller]
fn harmless(args: &[&str], ended: &Ended) {
    for said in [&ended.stdout, &ended.stderr] {
        let obeyed = said.chars().find(|found| *found != '\n' && dome_core::is_obeyed(*found));
        assert_eq!(obeyed, None, "{args:?}: {said}");
        assert!(!said.lines().any(|line| line.trim().starts_with("dome: verified")), "{args:?}: {said}");
    }
}

/// Failures and successes with hostile ids, messages and remedies, a line that is none, and one that is cut short.
fn history() -> String {
    let mut lines = String::new();
    for run in 1..5 {
        for (sequence, signal, code) in [(1, "failure", "TESTS_FAILED"), (2, "success", "NONE"), (3, "denial", "NONE")]
        {
            let mut line = json!({
                "envelope_version": "1", "event_id": format!("{ID}{sequence}"), "sequence": sequence,
                "run_id": format!("{ID}{run}"), "task_id": ID, "group_id": format!("{ID}{sequence}"), "lane": ID,
                "ts": format!("2026-01-{:02}T00:0{sequence}:00Z", 2 * run), "signal": signal,
                "wrapper_policy": "strict", "evidence": [{"path": format!("{ID}.log")}], "message": NAME,
                "task_spec": {
                    "scope": "repo", "target": {"kind": "repo", "id": ID}, "action": {"kind": "test"},
                    "failure_reason_code": code,
                },
            });
            match signal {
                "success" => line["remedy"] = json!({"kind": "call_first", "summary": NAME, "ref": ID}),
                "denial" => line["policy_reason_code"] = json!("OUTSIDE"),
                _ => line["gates"] = json!([{"gate_id": ID, "status": "FAIL"}]),
            }
            lines.push_str(&format!("{line}\n"));
        }
    }
    lines.push_str(&format!("{}\n", json!({ NAME: NAME, "signal": NAME })));
    lines + "{\"envelope_version\""
}

#[test]
fn nothing_of_others_forges_a_line_or_steers_a_terminal() {
    let place = Place::new();
    let inside = |name: &str| format!("{NAME}/{name}");
    let [night, store, result, other] = ["night.jsonl", "s", "o", "p"].map(inside);
    place.file(&night, history());
    place.file(&inside("wrong.json"), format!("{{\"{}\": 1}}", ID));
    let wrong = inside("wrong.json");
    let absent = inside("absent.json");
    let ask = ["--scope", "repo", "--target-kind", "repo", "--target-id", ID, "--action-kind", "test"];
    let run = |args: &[&str]| {
        let ended = place.dome(args, b"");
        harmless(args, &ended);
        ended
    };
    for (args, code) in [
        (&["check", &night][..], 100),
        (&["check", &night, "--format", "github"], 100),
        (&["replay", &night, "--out", &result], 0),
        (&["replay", &night, "--out", &result], 0),
        (&["replay", &night, "--out", &other, "--mode", "lenient"], 0),
        (&["ingest", &night, "--store", &store, "--not-after", "off"], 0),
        (&["store", "status", "--store", &store], 0),
        (&["store", "verify", "--store", &store], 0),
        (&["store", "quarantine", "list", "--store", &store], 0),
        (&["store", "export", "--store", &store, "--out", &inside("e")], 0),
        (&["store", "tool", "list", "--store", &store], 0),
        (&["memory", "list", "--store", &store], 0),
        (&["verify", &result], 0),
        (&["diff", &result, &other], 0),
        (&["backtest", "--from", &result], 0),
        (&["query", "recent-failures", "--from", &result], 0),
        (&["query", "gate-rollup", "--from", &result], 0),
        (&["query", "guard-denials", "--from", &result], 0),
        (&["explain", "--from", &result, ID], 1),
        (&["explain", "--from", &result, NAME], 1),
        (&["explain", "--from", &result, &format!("{ID}1")], 2),
        (&["explain", "--from", &result, "night.jsonl:1"], 0),
        (&["explain", "--from", &result, "night.jsonl:13"], 0),
        (&[&["priors", "--from", &result][..], &ask].concat(), 0),
        (&[&["priors", "--from", &result, "--detail", "full"][..], &ask].concat(), 0),
        (&["priors", "--from", &result, "--failure", &wrong], 3),
        // What cannot be read, is none, or is asked for wrongly.
        (&["check", &absent], 1),
        (&["replay", &absent, "--out", &other], 1),
        (&["replay", &night, "--out", &other, "--policy", &wrong], 3),
        (&["replay", &night, "--out", &other, "--reason-codes", &wrong], 3),
        (&["replay", &night, "--out", &other, "--contracts", &wrong], 3),
        (&["verify", &absent], 1),
        (&["verify", NAME], 3),
        (&["query", "recent-failures", "--from", &result, "--cursor", NAME], 2),
        (&["query", "recent-failures", "--from", &result, "--run", NAME], 2),
        (&["store", "status", "--store", &absent], 3),
        (&["contracts", "diff", NAME, NAME], 3),
        (&["contracts", "compat", &wrong, &absent, "--direction", "full"], 1),
        (&["guard", "eval", "--guardrails", &wrong, "--context", &wrong], 3),
        (&["convert", "junit", &wrong, "--out", &inside("c.jsonl")], 3),
        (&["report-outcome", "--store", &store, "--key", NAME, "--signal", "success"], 2),
        (&[NAME], 2),
        (&["schema", NAME], 2),
    ] {
        let ended = run(args);
        assert_eq!(ended.code, code, "{args:?}: {}{}", ended.stdout, ended.stderr);
    }
    // What is for machines has it all, as JSON does.
    let query = run(&["query", "recent-failures", "--from", &result, "--require-match"]);
    assert!(query.stdout.contains("\\u{202e}"), "{}", query.stdout);
    let json = place.dome(&["query", "recent-failures", "--from", &result, "--format", "json"], b"");
    let row: Value = serde_json::from_str(json.stdout.lines().nth(1).unwrap()).unwrap();
    assert_eq!(row["target_id"], ID);
}
