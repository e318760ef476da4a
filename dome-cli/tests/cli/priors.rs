//! `dome priors` after a failure: that very failure first, in two kilobytes.

use serde_json::{Value, json};

use crate::harness::{Ended, Place, project};

/// The project of the README, replayed into `o`.
fn place() -> Place {
    let (place, history) = (Place::new(), project("examples/ci/history.jsonl"));
    assert_eq!(place.dome(&["replay", history.to_str().unwrap(), "--out", "o"], b"").code, 0);
    place
}

fn failed() -> Value {
    serde_json::from_slice(&std::fs::read(project("examples/ci/failed.json")).unwrap()).unwrap()
}

fn ask(place: &Place, failure: &Value, more: &[&str]) -> Ended {
    let document = failure.to_string();
    place.dome(&[&["priors", "--from", "o", "--failure", "-"], more].concat(), document.as_bytes())
}

fn asked(place: &Place, failure: &Value, more: &[&str]) -> Value {
    let ended = ask(place, failure, &[more, &["--format", "json"]].concat());
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert!(ended.stdout.len() <= 2_048 || more.contains(&"full"), "{}", ended.stdout.len());
    serde_json::from_str(&ended.stdout).unwrap()
}

#[test]
fn the_very_failure_comes_first_and_says_what_a_rerun_does() {
    let place = place();
    let answer = asked(&place, &failed(), &["--rollout", "prescriptive"]);
    let first = &answer["priors"][0];
    assert_eq!((&first["tier"], &first["verdict"]), (&json!("exact"), &json!("prescriptive")));
    assert_eq!(first["failed"], "5 of 23 executions, 21 %");
    assert_eq!(first["rerun"], "passed the next time 5 of 5");
    assert_eq!((&first["state"], &first["remedy"]["kind"]), (&json!("cleared"), &json!("rerun")));
    let guided = asked(&place, &failed(), &[]);
    assert_eq!(guided["priors"][0]["verdict"], "advisory", "guided is the default");
}

#[test]
fn a_bare_task_spec_with_what_failed_is_the_same_question() {
    let place = place();
    let whole = failed();
    let mut bare = whole["task_spec"].clone();
    for member in ["message", "gates"] {
        bare[member] = whole[member].clone();
    }
    let nested = json!({"task_spec": whole["task_spec"], "message": whole["message"], "gates": whole["gates"]});
    let answer = asked(&place, &whole, &[]);
    assert_eq!(asked(&place, &bare, &[]), answer);
    assert_eq!(asked(&place, &nested, &[]), answer);
    bare["reason_code"] = bare.as_object_mut().unwrap().remove("failure_reason_code").unwrap();
    assert_eq!(asked(&place, &bare, &[]), answer, "an alias is read as at ingress (M-13)");
}

#[test]
fn what_is_no_failure_is_refused_with_every_problem() {
    let place = place();
    for (document, said) in [
        (&b"{"[..], "[json_invalid]"),
        (br#"{"scope": "world"}"#, "\n  /scope: "),
        (br#"{"task_spec": {"scope": "world"}}"#, "\n  /task_spec/scope: "),
        (br#"{"scope": "repo", "gates": [{"gate_id": "a"}]}"#, "/gates/0/status"),
        (br#"{"sope": 1}"#, "/sope: no such member `sope`"),
    ] {
        let ended = place.dome(&["priors", "--from", "o", "--failure", "-"], document);
        assert_eq!(ended.code, 3, "{}", ended.stderr);
        assert!(ended.stderr.contains(said), "{said}: {}", ended.stderr);
    }
    let both = place.dome(&["priors", "--from", "o", "--failure", "-", "--scope", "repo"], b"{}");
    assert_eq!(both.code, 2);
    assert_eq!(place.dome(&["priors", "--from", "o"], b"").code, 2, "neither a failure nor a task line");
}

#[test]
fn a_failure_that_nobody_knows_lists_what_else_is_known_of_the_line() {
    let place = place();
    let mut other = failed();
    other["message"] = "KeyError: 'basket'".into();
    let answer = asked(&place, &other, &["--rollout", "prescriptive"]);
    assert_eq!(answer["priors"][0]["tier"], "line");
    assert_eq!(answer["priors"][0]["verdict"], "advisory", "another failure's remedy does not steer");
    other["task_spec"]["target"]["id"] = "nobody-knows".into();
    let answer = asked(&place, &other, &[]);
    assert_eq!((&answer["priors"], answer["said"].is_string()), (&json!([]), true));
    assert_eq!(ask(&place, &other, &["--require-match"]).code, 4);
}

#[test]
fn a_message_finds_the_failures_that_say_the_same() {
    let place = place();
    let line = ["--scope", "repo", "--target-kind", "test", "--target-id", "tests/tax.py::test_rounds_cents"];
    let line = [&["priors", "--from", "o"], &line[..], &["--action-kind", "run", "--format", "json"]].concat();
    let found = |message: &str| -> Value {
        let ended = place.dome(&[&line[..], &["--message", message]].concat(), b"");
        serde_json::from_str(&ended.stdout).unwrap()
    };
    let same = found("AssertionError: expected 3.20, got 3.21");
    assert_eq!(
        (&same["priors"][0]["tier"], &same["priors"][0]["proof"]),
        (&json!("exact"), &json!("its last resolution is proven"))
    );
    assert_eq!(same["priors"][0]["worked"], "worked in 1 of 1 runs");
    assert_eq!(found("something else")["priors"][0]["tier"], "line");
}

#[test]
fn a_failure_that_has_just_happened_is_not_stale() {
    let place = place();
    let later = ["--as-of", "2027-01-01T00:00:00Z", "--rollout", "prescriptive"];
    let answer = asked(&place, &failed(), &later);
    assert_eq!(answer["priors"][0]["verdict"], "prescriptive");
    let line = ["--scope", "repo", "--target-kind", "test", "--target-id", "tests/checkout.py::test_pays_once"];
    let before =
        [&["priors", "--from", "o"], &line[..], &["--action-kind", "run", "--format", "json"], &later].concat();
    let before: Value = serde_json::from_str(&place.dome(&before, b"").stdout).unwrap();
    assert_eq!(before["priors"][0]["held"], json!(["stale"]), "before anything failed, it is long ago");
}

#[test]
fn a_brief_answer_has_one_entry_per_root_cause_and_room_for_the_longest_names() {
    let place = Place::new();
    let mut lines = String::new();
    for (number, target) in (0..40_u64).flat_map(|number| ["a", "b", "c"].map(|target| (number, target))) {
        let mut envelope = failed();
        envelope["run_id"] = format!("{}{number}", "r".repeat(500)).into();
        envelope["event_id"] = format!("{}{target}", "e".repeat(500)).into();
        envelope["group_id"] = envelope["event_id"].clone();
        envelope["task_spec"]["target"]["id"] = format!("{}{target}", "é".repeat(250)).into();
        envelope["message"] = format!("cause {}", (b'a' + (number % 7) as u8) as char).into();
        lines.push_str(&format!("{envelope}\n"));
    }
    place.file("many.jsonl", &lines);
    assert_eq!(place.dome(&["replay", "many.jsonl", "--out", "o"], b"").code, 0);
    let failure: Value = serde_json::from_str(lines.lines().next().unwrap()).unwrap();
    let answer = asked(&place, &failure, &[]);
    let entries = answer["priors"].as_array().unwrap();
    assert!(entries.len() > 1 && answer["left_off"].as_u64().unwrap() > 0, "{answer}");
    let full = asked(&place, &failure, &["--detail", "full", "--limit", "200"]);
    let all = full["priors"].as_array().unwrap().len() as u64;
    assert_eq!(entries.len() as u64 + answer["left_off"].as_u64().unwrap(), all);
    let concept = |prior: &Value| {
        let of = |full: &&Value| full["derived_key"] == prior["key"] || full["concept_key"] == prior["key"];
        full["priors"].as_array().unwrap().iter().find(of).unwrap()["concept_key"].clone()
    };
    let mut causes: Vec<String> = entries.iter().map(|prior| concept(prior).to_string()).collect();
    causes.sort();
    causes.dedup();
    assert_eq!(causes.len(), entries.len(), "one entry per root cause");
}

#[test]
fn nothing_but_one_failure_is_asked_of() {
    let place = place();
    let refused = |document: &str, expected: &str| {
        let ended = place.dome(&["priors", "--from", "o", "--failure", "-"], document.as_bytes());
        assert_eq!(ended.code, 3, "{document}: {}", ended.stdout);
        assert!(ended.stderr.contains(expected), "{}", ended.stderr);
    };
    let mut other = failed();
    (other["signal"], other["gates"]) = (json!("success"), json!([]));
    other["task_spec"]["failure_reason_code"] = json!("NONE");
    refused(&other.to_string(), "/signal: expected something that failed, found a `success`");
    let mut bare = failed()["task_spec"].clone();
    bare["message"] = failed()["message"].clone();
    let twice = bare.to_string().replacen('{', "{\"message\": \"another\", ", 1);
    refused(&twice, "json_duplicate_key");
    refused(&format!("{}\n{}\n", failed(), failed()), "it has 2 lines, each a document: ask of one failure at a time");
    refused("{\n  \"lane\": main\n}", "(line 2, column 11)");
    let endless = place.dome(&["priors", "--from", "o", "--failure", "/dev/zero"], b"");
    assert!(endless.code != 0 && endless.stderr.contains("at most 67108864 bytes"), "{}", endless.stderr);
    let marked = format!("\u{feff}{}", failed());
    let ended = place.dome(&["priors", "--from", "o", "--failure", "-"], marked.as_bytes());
    assert_eq!(ended.stdout, ask(&place, &failed(), &[]).stdout, "a byte order mark is skipped: {}", ended.stderr);
}

#[test]
fn what_helped_elsewhere_is_told_beside_a_failure_that_is_new_here() {
    let place = Place::new();
    let mut lines = String::new();
    let mut line = |run: u64, target: &str, sequence: u64, more: Value| {
        let mut envelope = json!({
            "envelope_version": "1", "event_id": format!("e{target}{sequence}"), "sequence": sequence, "run_id": format!("r{run}"),
            "task_id": target, "group_id": format!("g{sequence}"), "ts": format!("2026-01-{run:02}T00:0{sequence}:00Z"),
            "wrapper_policy": "strict", "evidence": [{"path": "unit.log"}], "signal": "failure", "message": "no such file",
            "task_spec": {
                "scope": "repo", "target": {"kind": "repo", "id": target}, "action": {"kind": "test"},
                "failure_reason_code": "TESTS_FAILED",
            },
        });
        envelope.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        if envelope["signal"] == "success" {
            envelope["task_spec"]["failure_reason_code"] = json!("NONE");
        }
        lines.push_str(&format!("{envelope}\n"));
        envelope
    };
    let remedy = json!({"signal": "success", "remedy": {"kind": "install", "ref": "recipes/install"}});
    for run in 1..=4 {
        for target in ["a", "b", "c"] {
            line(run, target, 1, json!({}));
            line(run, target, 2, remedy.clone());
        }
    }
    let new = line(9, "new", 1, json!({}));
    place.file("in.jsonl", &lines);
    assert_eq!(place.dome(&["replay", "in.jsonl", "--out", "o"], b"").code, 0);
    let answer = asked(&place, &new, &[]);
    let tiers: Vec<&str> =
        answer["priors"].as_array().unwrap().iter().map(|prior| prior["tier"].as_str().unwrap()).collect();
    assert_eq!(tiers, ["exact", "concept"], "{answer}");
    assert!(answer["priors"][0].get("remedy").is_none());
    assert_eq!(answer["priors"][1]["worked"], "worked in 4 of 4 runs");
}

#[test]
fn an_answer_is_recorded_as_a_line_of_its_own() {
    let place = place();
    place.file("kept.jsonl", "{\"cut\": 1}");
    let document = failed().to_string();
    let record = |file: &str| {
        let args =
            ["priors", "--from", "o", "--failure", "-", "--rollout", "shadow", "--record", file, "--format", "json"];
        place.dome(&args, document.as_bytes())
    };
    let shown = record("kept.jsonl");
    assert!(shown.stdout.contains("shadow: nothing is answered"), "{}", shown.stdout);
    let kept = std::fs::read_to_string(place.path("kept.jsonl")).unwrap();
    assert_eq!((kept.lines().count(), kept.lines().next()), (2, Some("{\"cut\": 1}")));
    assert_eq!(record("o").code, 1, "a folder");
    let late = ["priors", "--from", "o", "--failure", "-", "--record", "new.jsonl", "--as-of", "2020-01-01T00:00:00Z"];
    assert_eq!(place.dome(&late, document.as_bytes()).code, 2);
    assert!(!place.path("new.jsonl").exists(), "nothing is left behind");
}
