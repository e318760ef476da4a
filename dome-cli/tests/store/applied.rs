//! The loop: an answer, what became of it, and what the next answer counts.

use std::collections::BTreeMap;

use dome_arbitrary::history;
use dome_binder::outcome::{AppliedPrior, OutcomeError, OutcomeReport, PriorOutcome};
use dome_binder::priors::{Memory, PriorsQuery, priors};
use dome_binder::{Record, Replay, replay};
use dome_core::build::Origin;
use dome_core::{Evidence, EvidencePath, Keys, Source, WrapperPolicy};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::harness::{Ended, Place};

/// A failure of `run` and, where it was mended, the success after it.
fn run(run: &str, day: u64, target: &str, mended: bool) -> String {
    let spec = |code: &str| {
        json!({
            "scope": "repo", "target": {"kind": "repo", "id": target}, "action": {"kind": "test"},
            "failure_reason_code": code, "versions": {"python": "3.11.4"},
        })
    };
    let mut failure = json!({
        "envelope_version": "1", "event_id": "e1", "sequence": 1, "run_id": run, "task_id": "unit", "group_id": "g1",
        "ts": format!("2026-01-{day:02}T00:01:00Z"), "signal": "failure", "wrapper_policy": "strict",
        "evidence": [{"path": "unit.log"}], "task_spec": spec("TESTS_FAILED"),
        "gates": [{"gate_id": "unit", "status": "FAIL"}, {"gate_id": "lint", "status": "PASS"}],
        "tool": {"name": "pytest", "version": "V8.3.2+local"}, "env": {"OS": "Linux ", "user": "ada"},
        "message": format!("expected {day} rows in /tmp/run-{day}/x.db,\n  got 7 at 0x7f{day:02}"),
    });
    let mut lines = format!("{failure}\n");
    if mended {
        for (name, value) in [("event_id", json!("e2")), ("sequence", json!(2)), ("group_id", json!("g2"))] {
            failure[name] = value;
        }
        failure["ts"] = json!(format!("2026-01-{day:02}T00:02:00Z"));
        failure["signal"] = json!("success");
        failure["task_spec"] = spec("NONE");
        failure["gates"] = json!([{"gate_id": "unit", "status": "PASS"}]);
        failure["remedy"] = json!({"kind": "call_first", "ref": "recipes/rebuild"});
        failure.as_object_mut().unwrap().remove("message");
        lines.push_str(&format!("{failure}\n"));
    }
    lines
}

/// A store in which a failure of `acme/app` was got over three times.
fn place() -> Place {
    let place = Place::new();
    let known: String = (1..=3).map(|day| run(&format!("r{day}"), 2 * day, "acme/app", true)).collect();
    taken_in(&place, &known);
    place
}

fn taken_in(place: &Place, lines: &str) {
    let ended = place.dome(&["ingest", "-", "--store", "s", "--not-after", "off"], lines.as_bytes());
    assert_eq!(ended.code, 0, "{}", ended.stderr);
}

fn parsed(ended: &Ended) -> Value {
    serde_json::from_str(&ended.stdout).unwrap_or_else(|_| panic!("{}{}", ended.stdout, ended.stderr))
}

fn asked(place: &Place, target: &str, flags: &[&str]) -> Value {
    let ask = ["priors", "--store", "s", "--scope", "repo", "--target-kind", "repo", "--target-id", target];
    let ended = place
        .dome(&[&ask[..], &["--action-kind", "test", "--detail", "full", "--format", "json"], flags].concat(), b"");
    place.file("answer.json", &ended.stdout);
    parsed(&ended)
}

/// The record of the first remedy of the first prior: worked and failed runs.
fn record(answer: &Value) -> (u64, u64) {
    let remedy = &answer["priors"][0]["remedies"][0];
    assert_eq!(remedy["remedy"]["ref"], "recipes/rebuild", "{answer}");
    (remedy["count"].as_u64().unwrap(), remedy["contradicted_count"].as_u64().unwrap())
}

fn counted(answer: &Value, name: &str) -> u64 {
    answer["priors"][0]["counts"][name].as_u64().unwrap()
}

/// Reports an outcome of `run`, a moment after its failure.
fn reported(place: &Place, run: &str, day: u64, flags: &[&str]) -> Ended {
    let ts = format!("2026-01-{day:02}T00:05:00Z");
    let said = ["--run-id", run, "--task-id", "unit", "--group-id", "try-2", "--ts", &ts, "--evidence", "fix.log"];
    place.dome(&[&["report-outcome"], flags, &said].concat(), b"")
}

/// Reports, holds the envelope against `dome check`, and takes it in by the inbox.
fn came_of_it(place: &Place, run: &str, day: u64, flags: &[&str]) -> Value {
    let ended = reported(place, run, day, &[flags, &["--ingest", "s"]].concat());
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let checked = place.dome(&["check", "-"], ended.stdout.as_bytes());
    assert_eq!(checked.code, 0, "{}", checked.stdout);
    let envelope = dome_core::read(ended.stdout.trim_end().as_bytes()).unwrap();
    assert_eq!(ended.stdout, format!("{}\n", envelope.to_line()), "canonical");
    parsed(&ended)
}

fn capsule(place: &Place) -> Value {
    // A question takes in what waits in the inbox.
    asked(place, "acme/app", &[]);
    let out = ["store", "export", "--store", "s", "--out", "o", "--force"];
    assert_eq!(place.dome(&out, b"").code, 0);
    let rows = place.files("o").remove("capsules.jsonl").unwrap();
    let rows = String::from_utf8(rows).unwrap();
    let mut rows = rows.lines().map(|row| serde_json::from_str::<Value>(row).unwrap());
    rows.find(|row| row["target_id"] == "acme/app").unwrap()
}

#[test]
fn what_helped_and_what_failed_reaches_the_remedy() {
    let place = place();
    let before = asked(&place, "acme/app", &[]);
    assert_eq!((record(&before), counted(&before, "resolved_count")), ((3, 0), 3));
    // It fails, the prior is applied, and helps: M-82, and the run joins the worked runs (M-83).
    taken_in(&place, &run("r4", 10, "acme/app", false));
    asked(&place, "acme/app", &[]);
    let helped = came_of_it(&place, "r4", 10, &["--prior", "answer.json", "--outcome", "helped"]);
    assert_eq!((&helped["signal"], &helped["task_spec"]["failure_reason_code"]), (&json!("success"), &json!("NONE")));
    assert_eq!(helped["applied_capsule"], before["priors"][0]["derived_key"]);
    let after = asked(&place, "acme/app", &[]);
    assert_eq!((record(&after), counted(&after, "resolved_count")), ((4, 0), 4));
    assert_eq!(
        (counted(&after, "confirmed_count"), counted(&after, "refuted_count")),
        (0, 0),
        "M-84: it resolved it itself"
    );
    // It fails, the prior is applied, and the same failure comes again: the run joins the failed runs (M-81 d).
    taken_in(&place, &run("r5", 12, "acme/app", false));
    asked(&place, "acme/app", &[]);
    let failed = came_of_it(&place, "r5", 12, &["--prior", "answer.json", "--outcome", "failed"]);
    assert_eq!((&failed["signal"], &failed["remedy"]["ref"]), (&json!("failure"), &json!("recipes/rebuild")));
    let after = asked(&place, "acme/app", &[]);
    assert_eq!((record(&after), counted(&after, "refuted_count")), ((4, 1), 1));
    assert_eq!(counted(&after, "failure_count"), 6, "the same failure: one capsule");
    assert_eq!(after["priors"].as_array().map(Vec::len), Some(1), "{after}");
    // Denied: nothing was tried, and no remedy is the worse for it (M-84).
    taken_in(&place, &run("r6", 14, "acme/app", false));
    let before = asked(&place, "acme/app", &[]);
    let denied = ["--prior", "answer.json", "--outcome", "denied", "--policy-reason-code", "BUDGET_EXHAUSTED"];
    assert!(came_of_it(&place, "r6", 14, &denied).get("remedy").is_none());
    assert_eq!(record(&asked(&place, "acme/app", &[])), record(&before));
    assert_eq!((&capsule(&place)["blocked_count"], &capsule(&place)["given_up_count"]), (&json!(1), &json!(0)));
    // Abandoned: what fails is given up (M-87), and that was an ending without the remedy.
    let abandoned = came_of_it(&place, "r7", 16, &["--prior", "answer.json", "--outcome", "abandoned"]);
    assert_eq!((&abandoned["signal"], &abandoned["abandoned"]), (&json!("observation"), &json!(true)));
    let row = capsule(&place);
    assert_eq!((&row["given_up_count"], &row["state"]), (&json!(1), &json!("given_up")));
    // Said twice, it is a duplicate.
    let again = reported(&place, "r4", 10, &["--prior", "answer.json", "--outcome", "helped"]);
    let facts = capsule(&place)["execution_count"].clone();
    taken_in(&place, &again.stdout);
    assert_eq!(capsule(&place)["execution_count"], facts);
}

#[test]
fn a_prior_of_another_target_is_confirmed_and_refuted_by_what_came_of_it() {
    let place = place();
    let app = asked(&place, "acme/app", &[]);
    let key = app["priors"][0]["derived_key"].as_str().unwrap().to_owned();
    let fingerprint = app["priors"][0]["fingerprint_hash"].as_str().unwrap().to_owned();
    for (name, day, outcome, confirmed, refuted) in [("l1", 20, "helped", 1, 0), ("l2", 22, "failed", 1, 1)] {
        taken_in(&place, &run(name, day, "acme/lib", false));
        let lib = asked(&place, "acme/lib", &["--fingerprint-hash", &fingerprint]);
        let elsewhere = lib["priors"].as_array().unwrap().iter().find(|prior| prior["tier"] == "elsewhere").unwrap();
        assert_eq!(elsewhere["derived_key"], key.as_str());
        let report =
            came_of_it(&place, name, day, &["--prior", "answer.json", "--key", &key[..12], "--outcome", outcome]);
        assert_eq!(report["task_spec"]["target"]["id"], "acme/lib", "the task that was asked for");
        let app = asked(&place, "acme/app", &[]);
        assert_eq!(
            (counted(&app, "confirmed_count"), counted(&app, "refuted_count")),
            (confirmed, refuted),
            "{outcome}"
        );
        assert_eq!(app["priors"][0]["derived_key"], key.as_str());
        assert_eq!(record(&app), (3, 0), "its own runs are its own");
        let lib = asked(&place, "acme/lib", &[]);
        assert_eq!(record(&lib), (1, refuted), "and those of the other target are its");
    }
}

#[test]
fn a_key_is_enough_where_the_capsule_is_known() {
    let place = place();
    let key = asked(&place, "acme/app", &[])["priors"][0]["derived_key"].as_str().unwrap().to_owned();
    let identity = asked(&place, "acme/app", &[])["priors"][0]["remedies"][0]["identity"].as_str().unwrap().to_owned();
    let by_prior = reported(&place, "r4", 10, &["--prior", "answer.json", "--outcome", "failed"]);
    for flags in
        [&["--store", "s", "--key", &key[..8]][..], &["--store", "s", "--key", &key, "--remedy", &identity[..8]]]
    {
        let by_key = reported(&place, "r4", 10, &[flags, &["--outcome", "failed"]].concat());
        assert_eq!((by_key.code, &by_key.stdout), (0, &by_prior.stdout), "{}", by_key.stderr);
    }
    place.file(
        "spec.json",
        r#"{"scope":"repo","target":{"kind":"repo","id":"acme/app"},"action":{"kind":"test"},
        "reason_code":"NONE","versions":{"python":"3.11.9"},"side_effects":{"mode":"none"}}"#,
    );
    let flags = [
        "--prior",
        "answer.json",
        "--outcome",
        "failed",
        "--task-spec",
        "spec.json",
        "--revision",
        "c0ffee1",
        "--job",
        "linux",
        "--dirty",
        "--lane",
        "main",
        "--out",
        "out.jsonl",
    ];
    let ended = reported(&place, "r4", 10, &flags);
    assert_eq!((ended.code, ended.stdout.as_str(), ended.stderr.as_str()), (0, "", ""));
    let line = std::fs::read_to_string(place.path("out.jsonl")).unwrap();
    let envelope: Value = serde_json::from_str(&line).unwrap();
    assert_eq!(envelope["subject"], json!({"dirty": true, "job": "linux", "revision": "c0ffee1"}));
    assert_eq!(envelope["task_spec"]["failure_reason_code"], "TESTS_FAILED", "the prior's, where the spec says none");
    assert_eq!(envelope["task_spec"]["side_effects"]["mode"], "none");
    let derived = dome_core::Keys::of(&dome_core::read(line.trim_end().as_bytes()).unwrap()).derived;
    assert_eq!(derived.to_string(), key, "the same failure still");
}

#[test]
fn what_cannot_be_reported_is_refused_with_what_was_expected() {
    let place = place();
    let answer = asked(&place, "acme/app", &[]);
    let refused = |flags: &[&str], code: i32, said: &str| {
        let ended = reported(&place, "r4", 10, flags);
        assert_eq!((ended.code, ended.stdout.as_str()), (code, ""), "{flags:?}: {}", ended.stderr);
        assert!(ended.stderr.contains(said), "{flags:?}: {}", ended.stderr);
    };
    let with =
        |flags: &[&str], code: i32, said: &str| refused(&[&["--prior", "answer.json"], flags].concat(), code, said);
    with(&["--outcome", "denied"], 2, "--policy-reason-code");
    with(&["--outcome", "won"], 2, "expected `helped`, `failed`, `denied` or `abandoned`");
    with(&["--outcome", "helped", "--gate", "unit=FAIL"], 3, "  /signal: a `success` has no gate");
    with(&["--outcome", "helped", "--gate", "unit"], 2, "expected ID=PASS");
    with(&["--outcome", "helped", "--remedy", "0123456789"], 3, "names no one remedy `0123456789`; its remedies are `");
    with(
        &["--outcome", "helped", "--key", "0123456789"],
        3,
        "expected one prior with the key `0123456789`, found \"0 of 1\"",
    );
    with(
        &["--outcome", "helped", "--key", &answer["priors"][0]["derived_key"].as_str().unwrap()[..7]],
        3,
        "found \"0 of 1\"",
    );
    refused(&["--outcome", "helped"], 2, "--prior");
    refused(&["--outcome", "helped", "--key", "0123456789"], 2, "--from or --store");
    refused(&["--outcome", "helped", "--key", "0123456789", "--store", "s"], 3, "nothing in `s` is named `0123456789`");
    let concept = answer["priors"][0]["concept_key"].as_str().unwrap();
    refused(&["--outcome", "helped", "--key", concept, "--store", "s"], 3, "");
    place.file("spec.json", r#"{"scope":"galaxy"}"#);
    with(&["--outcome", "failed", "--task-spec", "spec.json"], 3, "`spec.json` is no TaskSpec:\n  ");
    // An answer that was changed, that is none, and one without a prior.
    let mut changed = answer.clone();
    changed["priors"][0]["fingerprint"]["message_template"] = json!("something else");
    let mut bare = answer.clone();
    bare["priors"][0]["remedies"] = json!([]);
    let mut empty = answer.clone();
    empty["priors"] = json!([]);
    for (document, said) in [
        (changed, "expected the hash of the fingerprint beside it"),
        (bare, "the prior names no remedy"),
        (empty, "expected a prior; where nothing is known"),
        (json!({}), "not an answer of `dome priors --detail full`"),
    ] {
        place.file("answer.json", document.to_string());
        with(&["--outcome", "helped"], 3, said);
    }
}

#[test]
fn an_outcome_counts_where_the_failure_stands() {
    let place = place();
    asked(&place, "acme/app", &[]);
    let mut failed: Value = serde_json::from_str(run("r4", 10, "acme/app", false).lines().next().unwrap()).unwrap();
    failed["lane"] = json!("main");
    failed["subject"] = json!({"revision": "4bd21ef", "repository": "acme/app", "job": "linux"});
    place.file("failed.json", serde_json::to_vec_pretty(&failed).unwrap());
    let told = |flags: &[&str]| {
        let flags = [&["--prior", "answer.json", "--outcome", "helped"], flags].concat();
        let ended = reported(&place, "r4", 10, &flags);
        let envelope = parsed(&ended);
        (envelope["lane"].clone(), envelope["subject"].clone(), ended.stderr)
    };
    let (lane, subject, said) = told(&["--failure", "failed.json"]);
    assert_eq!((&lane, &subject, said.as_str()), (&failed["lane"], &failed["subject"], ""));
    let (.., subject, _) = told(&["--failure", "failed.json", "--revision", "5ce32f0", "--job", "mac"]);
    assert_eq!(subject, json!({"revision": "5ce32f0", "repository": "acme/app", "job": "mac"}));
    assert!(told(&[]).2.contains("neither lane nor revision is named"));
    assert_eq!(told(&["--lane", "pr-1"]), (json!("pr-1"), Value::Null, String::new()));
}

#[test]
fn another_failure_is_reported_and_speaks_against_nothing() {
    let place = place();
    asked(&place, "acme/app", &[]);
    let other =
        reported(&place, "r4", 10, &["--prior", "answer.json", "--outcome", "failed", "--message", "out of memory"]);
    assert!(other.code == 0 && other.stderr.contains("this is another failure than"), "{}", other.stderr);
    let gates = |gate| reported(&place, "r4", 10, &["--prior", "answer.json", "--outcome", "helped", "--gate", gate]);
    assert!(gates("lint=PASS").stderr.contains("nothing is resolved by it"));
    let passed = gates("unit=PASS");
    assert!(passed.code == 0 && !passed.stderr.contains("nothing is resolved"), "{}", passed.stderr);
    let same = reported(
        &place,
        "r4",
        10,
        &[
            "--prior",
            "answer.json",
            "--outcome",
            "failed",
            "--message",
            "expected 99 rows in /tmp/run-99/x.db,\n  got 1 at 0x7f99",
        ],
    );
    assert!(same.code == 0 && !same.stderr.contains("another failure"), "its own text, as it is now: {}", same.stderr);
}

fn report(outcome: PriorOutcome) -> OutcomeReport {
    let origin = Origin {
        event_id: "e".parse().unwrap(),
        sequence: 1,
        run_id: "r".parse().unwrap(),
        task_id: "t".parse().unwrap(),
        group_id: "g".parse().unwrap(),
        ts: "2026-01-01T00:00:00Z".parse().unwrap(),
        wrapper_policy: WrapperPolicy::Strict,
    };
    let log = Evidence::at(EvidencePath::new("a.log").unwrap());
    OutcomeReport { policy_reason_code: Some("BUDGET".parse().unwrap()), ..OutcomeReport::of(outcome, origin, log) }
}

fn known(lines: &[Vec<u8>]) -> (Replay, dome_binder::Rules) {
    let rules = dome_replay::load_rules(None, dome_replay::CodeSources::default(), None).unwrap();
    let sources = (1..).map(|line| Source { line, name: "a.jsonl".into() });
    let read = lines.iter().zip(sources).filter_map(|(line, source)| Some((dome_core::read(line).ok()?, source)));
    let records = read.map(|(envelope, source)| Box::new(Record::new(envelope, source))).collect();
    (replay(records, &rules, None), rules)
}

proptest! {
    /// Whatever is known: what is reported is valid, and a `failed` without more words is the very failure, or refused.
    #[test]
    fn any_prior_can_be_reported_on(history in history()) {
        let (known, _) = known(&history.lines);
        for capsule in &known.derived.capsules {
            let applied = AppliedPrior::of(capsule);
            for outcome in PriorOutcome::ALL {
                match applied.report(report(*outcome)) {
                    Ok(envelope) => {
                        prop_assert_eq!(envelope.applied_capsule, Some(capsule.derived_key));
                        prop_assert_eq!(envelope.task_spec.line().key(), capsule.line_key);
                        if *outcome == PriorOutcome::Failed {
                            prop_assert_eq!(Keys::of(&envelope).derived, capsule.derived_key);
                        }
                    }
                    Err(OutcomeError::NoRemedy) => prop_assert!(capsule.remedies.is_empty()),
                    Err(OutcomeError::NotReproduced) => {
                        let own = capsule.fingerprint.message_template.as_deref().unwrap_or_default();
                        prop_assert_ne!(dome_core::message_template(own), own);
                    }
                    // Nothing failed that could fail again: the code is `NONE`.
                    Err(OutcomeError::Invalid(why)) => {
                        prop_assert!(*outcome == PriorOutcome::Failed && capsule.failure_reason_code.is_none(), "{}", why.problems()[0]);
                    }
                    Err(why) => prop_assert!(false, "{why}"),
                }
            }
        }
    }

    /// An answer that is read back is what was answered; a concept stands for the first capsule that it sums up.
    #[test]
    fn any_answer_can_be_applied(history in history()) {
        let (known, rules) = known(&history.lines);
        let lines: BTreeMap<_, _> = known.ledger.facts.iter().map(|fact| (fact.keys.line, &fact.keys.task_line)).collect();
        for line in lines.into_values() {
            let answer = priors(&Memory::of(&known, &rules), &PriorsQuery { limit: 200, ..PriorsQuery::of(line.clone()) });
            let written = serde_json::to_vec(&answer).unwrap();
            for prior in &answer.priors {
                let applied = AppliedPrior::parse(&written, Some(&prior.key().to_string())).unwrap();
                prop_assert_eq!(&applied.line, line);
                prop_assert_eq!(applied.derived_key, prior.derived_key.or(prior.sums_up.first().copied()).unwrap());
                prop_assert_eq!(applied.remedies.len(), prior.remedies.len());
            }
        }
    }
}
