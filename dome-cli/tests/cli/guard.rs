//! `dome guard eval` and `dome priors`.

use dome_core::{EvidencePath, Remedy, Sha256Hash};
use serde_json::{Value, json};

use crate::harness::{Place, project};

fn shipped(name: &str) -> String {
    project("dome-cli/tests/data/guards").join(name).to_str().unwrap().to_owned()
}

/// Four runs that failed and were got over in the same way; `dome-binder/tests/histories` has the rest.
fn history() -> String {
    let mut lines = String::new();
    for run in 1..=4 {
        for (sequence, signal, status, code) in [(1, "failure", "FAIL", "TESTS_FAILED"), (2, "success", "PASS", "NONE")]
        {
            let mut envelope = json!({
                "envelope_version": "1", "event_id": format!("e{sequence}"), "sequence": sequence, "run_id": format!("r{run}"),
                "task_id": "unit", "group_id": format!("g{sequence}"), "ts": format!("2026-01-0{}T00:0{sequence}:00Z", 2 * run),
                "signal": signal, "wrapper_policy": "strict", "evidence": [{"path": "unit.log"}],
                "task_spec": {
                    "scope": "repo", "target": {"kind": "repo", "id": "acme/app"}, "action": {"kind": "promote"},
                    "failure_reason_code": code, "versions": {"python": "3.11.4"},
                },
                "gates": [{"gate_id": "unit", "status": status}], "tool": {"name": "pytest", "version": "8.3.2"},
            });
            if signal == "success" {
                envelope["remedy"] =
                    json!({"kind": "call_first", "ref": "recipes/rebuild", "summary": "rebuild the index"});
            }
            lines.push_str(&format!("{envelope}\n"));
        }
    }
    lines
}

const ASK: [&str; 11] = [
    "priors",
    "--from",
    "o",
    "--scope",
    "repo",
    "--target-kind",
    "repo",
    "--target-id",
    "acme/app",
    "--action-kind",
    "promote",
];

fn place() -> Place {
    let place = Place::new();
    place.file("night.jsonl", history());
    assert_eq!(place.dome(&["replay", "night.jsonl", "--out", "o"], b"").code, 0);
    place
}

fn asked(place: &Place, more: &[&str]) -> Value {
    let ended = place.dome(&[&ASK[..], more, &["--detail", "full", "--format", "json"]].concat(), b"");
    assert_eq!(ended.code, 0, "{more:?}: {}", ended.stderr);
    serde_json::from_str(&ended.stdout).unwrap()
}

#[test]
fn m100_the_shipped_example_is_explained_and_denied() {
    let (guardrails, context) = (shipped("guardrails.json"), shipped("context.json"));
    let place = Place::new();
    let ended = place.dome(&["guard", "eval", "--guardrails", &guardrails, "--context", &context], b"");
    assert_eq!(ended.code, 100, "{}", ended.stderr);
    insta::assert_snapshot!(ended.stdout, @r"
    DENY by `release`, version 2: TESTS_FAILED

    PASS paths-allowed: ALLOW

    SKIP rollback-reviewed
         it does not apply to this action

    FAIL tests-green: DENY, TESTS_FAILED
         the predicate `predicates/tests_green` is false
         error: The test suite did not pass.
         retry: Read the first failing test and run it alone.

    to do:
      - make `predicates/tests_green` true
    ");
    let green = std::fs::read_to_string(&context).unwrap().replace("false", "true");
    let ended = place.dome(&["guard", "eval", "--guardrails", &guardrails, "--context", "-"], green.as_bytes());
    assert_eq!(ended.code, 0, "{}", ended.stdout);
}

#[test]
fn m30_every_problem_of_a_context_is_named() {
    let ended = Place::new().dome(
        &["guard", "eval", "--guardrails", &shipped("guardrails.json"), "--context", "-"],
        br#"{"context_version":"1","predicate":{},"action":""}"#,
    );
    assert_eq!(ended.code, 3);
    assert!(
        ended.stderr.contains("/predicate: no such member `predicate`; did you mean `predicates`? [unknown_field]")
    );
    assert!(ended.stderr.contains("/action: "), "{}", ended.stderr);
}

#[test]
fn m92_each_rollout_mode_shows_what_it_may() {
    let place = place();
    let first = |answer: &Value| answer["priors"][0].clone();
    let guided = first(&asked(&place, &[]));
    assert_eq!((&guided["verdict"], &guided["would_be_prescriptive"]), (&json!("advisory"), &json!(true)));
    let full = first(&asked(&place, &["--rollout", "prescriptive"]));
    assert_eq!((&full["verdict"], &full["held"]), (&json!("prescriptive"), &json!([])));
    assert_eq!(full["provenance"][0]["source"], json!({"line": 1, "name": "night.jsonl"}));
    assert_eq!(full["remedies"][0]["count"], 4);

    assert_eq!(place.dome(&[&ASK[..], &["--rollout", "shadow"]].concat(), b"").code, 2, "it has to record");
    let shadow = ["--rollout", "shadow", "--record", "asked.jsonl"];
    assert_eq!(asked(&place, &shadow)["priors"], json!([]));
    assert_eq!(asked(&place, &shadow)["priors"], json!([]));
    let recorded = std::fs::read_to_string(place.path("asked.jsonl")).unwrap();
    let recorded: Vec<Value> = recorded.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(recorded.len(), 2, "it is appended to");
    assert_eq!(first(&recorded[0])["would_be_prescriptive"], true);
}

#[test]
fn m92_what_a_query_brings_holds_back() {
    let place = place();
    let remedy = Remedy::at("call_first".parse().unwrap(), EvidencePath::new("recipes/rebuild").unwrap()).identity();
    let manifest = project("dome-cli/tests/data/tools/good/manifest.json");
    let runs = format!("{remedy}={}", manifest.display());
    let other = format!("{}={}", Sha256Hash::of(b""), manifest.display());
    let (guardrails, context) = (shipped("guardrails.json"), shipped("context.json"));
    let transition = ["--transition", "candidate:promoted", "--guardrails", &guardrails];
    for (more, holds) in [
        (&["--version", "python=3.11.9", "--tool", "pytest=v8.3.0"][..], &[][..]),
        (&["--version", "python=3.12"], &["version_incompatible"]),
        (&["--remedy-tool", &runs], &["tool_not_conformant"]),
        (&["--remedy-tool", &other], &[]),
        (&[&transition[..], &["--context", &context]].concat(), &["guard_denied"]),
        (&transition, &["guard_denied", "guard_unknown"]),
        (&["--as-of", "2030-01-01T00:00:00Z"], &["stale"]),
    ] {
        let answer = asked(&place, &[more, &["--rollout", "prescriptive"]].concat());
        let held = answer["priors"][0]["held"].as_array().unwrap();
        let found: Vec<&str> = held.iter().map(|held| held["hold"].as_str().unwrap()).collect();
        assert_eq!(found, holds, "{more:?}");
    }
}

#[test]
fn a_store_answers_as_the_result_of_its_facts_does() {
    let place = place();
    assert_eq!(place.dome(&["ingest", "night.jsonl", "--store", "memory"], b"").code, 0);
    let mut ask = ASK;
    (ask[1], ask[2]) = ("--store", "memory");
    // How far a store goes is its own (store::enforced).
    let full = ["--rollout", "guided", "--format", "json"];
    let ended = place.dome(&[&ask[..], &full].concat(), b"");
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert_eq!(ended.stdout, place.dome(&[&ASK[..], &full].concat(), b"").stdout);
}

#[test]
fn what_cannot_be_asked_is_refused() {
    let place = place();
    for (more, code) in [
        (&["--transition", "candidate:promoted"][..], 2),
        (&["--transition", "candidate", "--guardrails", "x"], 2),
        (&["--limit", "201"], 2),
        (&["--version", "python"], 2),
        (&["--conformance", "night.jsonl"], 3),
        (&["--failure-reason-code", "LINT_FAILED", "--require-match"], 4),
        (&["--failure-reason-code", "LINT_FAILED"], 0),
    ] {
        assert_eq!(place.dome(&[&ASK[..], more].concat(), b"").code, code, "{more:?}");
    }
}

#[test]
fn priors_are_read_by_people() {
    let place = place();
    let ended = place.dome(&[&ASK[..], &["--version", "python=3.12", "--detail", "full"]].concat(), b"");
    insta::assert_snapshot!(ended.stdout, @r"
    1 prior for promote repo acme/app (repo), rollout guided

    [blocked] TESTS_FAILED here  ec7b4337b4f7
        failed in 4 of 8 executions (50 %), until 2026-01-08T00:01:00Z
        now passing, and nothing says that anything was mended
        resolved 4 x, held 0 x, contradicted 0 x, came back 0 x, given up 0 x; applied: helped 0 x, not 0 x
        held back by version_incompatible: `python` was 3.11, is 3.12
        call_first rebuild the index: worked in 4 of 4 runs, confidence 51 %
        first: night.jsonl:1 at 2026-01-02T00:01:00Z
        last: night.jsonl:7 at 2026-01-08T00:01:00Z
        last resolved: night.jsonl:8 at 2026-01-08T00:02:00Z
    ");
}
