//! Every problem with its pointer, and how it is told (M-10, M-11, M-13, M-30).

use dome_arbitrary::broken_line;
use dome_core::{Problem, ProblemCode, read};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};

use super::{accepted, found, problems, refused, with, written};

#[test]
fn m30_every_problem_is_named_at_once_sorted_by_pointer_and_code() {
    let line = with(json!({
        "/runid": "x", "/signal": "failed", "/sequence": 0, "/ts": "yesterday", "/lane": " a", "/attempts": 1.5,
        "/evidence": [], "/group_id": null, "/tool": {"Version": "8", "version": "8", "a~b/c": []},
        "/task_spec/target/kind": "Repo", "/task_spec/action/kind": 7, "/task_spec/scope": null,
        "/gates": [{"gate_id": "a", "status": "PASS", "x": {"y": 1}}, {"status": "pass"}, 7],
        "/guard_evals": [{"guard_id": "g", "status": "PASS", "reason_codes": ["NONE", "x"], "decision": "deny"}],
        "/policy_reason_code": "lower", "/applied_capsule": "ABC", "/duration_ms": 9_007_199_254_740_992_u64,
        "/envelope_version": "2",
    }));
    assert_eq!(
        found(&line),
        [
            "/applied_capsule hash_invalid",
            "/attempts wrong_type",
            "/duration_ms number_unsafe",
            "/envelope_version unsupported_version",
            "/evidence evidence_missing",
            "/gates/0/x unknown_field",
            "/gates/1/gate_id missing_field",
            "/gates/1/status value_not_allowed",
            "/gates/2 wrong_type",
            "/group_id missing_field",
            "/guard_evals/0/decision value_not_allowed",
            "/guard_evals/0/reason_codes/0 reason_code_invalid",
            "/guard_evals/0/reason_codes/1 reason_code_invalid",
            "/lane identifier_invalid",
            "/policy_reason_code reason_code_invalid",
            "/runid unknown_field",
            "/sequence out_of_range",
            "/signal value_not_allowed",
            "/task_spec/action/kind wrong_type",
            "/task_spec/scope missing_field",
            "/task_spec/target/kind token_invalid",
            "/tool/Version unknown_field",
            "/tool/a~0b~1c unknown_field",
            "/tool/name missing_field",
            "/ts timestamp_invalid",
        ]
    );
}

#[test]
fn m30_a_missing_member_is_pointed_at_itself() {
    for pointer in [
        "/envelope_version",
        "/event_id",
        "/group_id",
        "/run_id",
        "/sequence",
        "/signal",
        "/task_id",
        "/task_spec",
        "/ts",
        "/wrapper_policy",
        "/task_spec/action",
        "/task_spec/action/kind",
        "/task_spec/failure_reason_code",
        "/task_spec/scope",
        "/task_spec/target",
        "/task_spec/target/id",
        "/task_spec/target/kind",
        "/tool/name",
        "/tool/version",
    ] {
        refused(json!({pointer: null}), &[&format!("{pointer} missing_field")]);
    }
    refused(json!({"/evidence": null}), &["/evidence evidence_missing"]);
    refused(json!({"/task_spec/side_effects": {}}), &["/task_spec/side_effects/mode missing_field"]);
    let ends = ["/task_spec/transition/from_state missing_field", "/task_spec/transition/to_state missing_field"];
    refused(json!({"/task_spec/transition": {}}), &ends);
    let sides = ["/guard_evals/0/guard_id missing_field", "/guard_evals/0/status missing_field"];
    refused(json!({"/guard_evals": [{}]}), &sides);
}

#[test]
fn m10_nothing_below_an_unknown_member_is_checked() {
    refused(json!({"/gatez": [{"gate_id": null, "status": 1.5}]}), &["/gatez unknown_field"]);
    refused(
        json!({"/task_spec/side_effects": {"mode": "none", "allow": {"x": null}}}),
        &["/task_spec/side_effects/allow unknown_field"],
    );
    refused(json!({"/evidence": [{"path": "a", "size": null}]}), &["/evidence/0/size unknown_field"]);
    accepted(json!({"/env": {"anything": "x"}, "/labels": {"": "x", "/~": "y"}}));
}

#[test]
fn m10_null_is_a_wrong_type_wherever_it_stands() {
    for (text, pointer) in [
        ("\"lane\":null", "/lane"),
        ("\"env\":{\"os\":null}", "/env/os"),
        ("\"labels\":{\"a\":null}", "/labels/a"),
        ("\"guard_evals\":[null]", "/guard_evals/0"),
        ("\"attempts\":null", "/attempts"),
        ("\"applied_capsule\":null", "/applied_capsule"),
    ] {
        assert_eq!(found(&written(text)), [format!("{pointer} wrong_type")], "{text}");
    }
    assert_eq!(found("null"), [" wrong_type"]);
    assert_eq!(found("[]"), [" wrong_type"]);
}

#[test]
fn m11_each_breach_of_a_signal_is_named() {
    refused(json!({"/task_spec/failure_reason_code": "NONE"}), &["/signal signal_mismatch"]);
    refused(json!({"/signal": "success"}), &["/signal signal_mismatch"]);
    refused(json!({"/signal": "denial"}), &["/signal signal_mismatch"]);
    let remedy = json!({"kind": "patch", "ref": "a"});
    let [denial, observation] = [json!("denial"), json!("observation")];
    refused(json!({"/signal": observation, "/remedy": remedy}), &["/remedy signal_mismatch"]);
    let denied = json!({"/signal": denial, "/policy_reason_code": "NO", "/remedy": remedy});
    refused(denied, &["/remedy signal_mismatch"]);
    accepted(json!({"/remedy": remedy}));
    accepted(json!({"/signal": "success", "/gates": null, "/remedy": remedy}));
    refused(json!({"/signal": "success", "/gates": null, "/abandoned": true}), &["/abandoned signal_mismatch"]);
    accepted(json!({"/signal": "success", "/gates": null, "/abandoned": false}));
    accepted(json!({"/abandoned": true}));
    accepted(json!({"/signal": "denial", "/guard_reason_code": "NO"}));
    accepted(json!({"/signal": "observation", "/task_spec/failure_reason_code": "NONE"}));
}

#[test]
fn m10_a_subject_is_read_member_by_member() {
    let subject =
        json!({"revision": "46ea5e0", "repository": "acme/app", "job": "linux", "base_revision": "a", "dirty": true});
    accepted(json!({"/subject": subject}));
    accepted(json!({"/subject": {"revision": "46ea5e0"}}));
    refused(json!({"/subject": {}}), &["/subject/revision missing_field"]);
    refused(json!({"/subject": "46ea5e0"}), &["/subject wrong_type"]);
    refused(
        json!({"/abandoned": "yes", "/subject": {"revision": " a", "job": 7, "dirty": 1, "commit": "46ea5e0"}}),
        &[
            "/abandoned wrong_type",
            "/subject/commit unknown_field",
            "/subject/dirty wrong_type",
            "/subject/job wrong_type",
            "/subject/revision identifier_invalid",
        ],
    );
}

#[test]
fn m11_checks_across_members_wait_for_sound_members() {
    refused(json!({"/signal": "denial", "/policy_reason_code": "x"}), &["/policy_reason_code reason_code_invalid"]);
    refused(json!({"/task_spec/failure_reason_code": 7}), &["/task_spec/failure_reason_code wrong_type"]);
    let broken = json!([{"gate_id": "a", "status": "FAIL"}, {"gate_id": "a", "status": "FAIL"}]);
    refused(json!({"/signal": "success", "/gates": broken}), &["/gates/1/gate_id duplicate_item"]);
}

#[test]
fn m30_what_is_sound_is_checked_whatever_is_wrong_beside_it() {
    refused(
        json!({"/task_spec/failure_reason_code": "NONE", "/task_spec/scope": "world"}),
        &["/signal signal_mismatch", "/task_spec/scope value_not_allowed"],
    );
    let gates =
        json!([{"gate_id": "a", "status": "PASS"}, {"gate_id": "a", "status": 7}, {"gate_id": ""}, {"gate_id": ""}]);
    refused(
        json!({"/gates": gates}),
        &[
            "/gates/1/gate_id duplicate_item",
            "/gates/1/status wrong_type",
            "/gates/2/gate_id identifier_invalid",
            "/gates/2/status missing_field",
            "/gates/3/gate_id identifier_invalid",
            "/gates/3/status missing_field",
        ],
    );
    let guards = json!([{"guard_id": "g", "status": "PASS"}, {"guard_id": "g", "status": "PASS", "decision": "NO"}]);
    let twice = ["/guard_evals/1/decision value_not_allowed", "/guard_evals/1/guard_id duplicate_item"];
    refused(json!({"/guard_evals": guards}), &twice);
    refused(json!({"/env": {"OS": 1, "os": "a"}}), &["/env/OS wrong_type", "/env/os duplicate_item"]);
    let unkind = json!({"/signal": "observation", "/remedy": {"ref": "a"}});
    refused(unkind, &["/remedy signal_mismatch", "/remedy/kind missing_field"]);
}

#[test]
fn m13_an_alias_is_read_as_the_member_it_stands_for() {
    let plain = read(with(json!({"/policy_reason_code": "NO"})).as_bytes()).unwrap();
    for changes in [
        json!({"/guard_reason_code": "NO"}),
        json!({"/guard_reason_code": "NO", "/policy_reason_code": "NO"}),
        json!({"/policy_reason_code": "NO", "/task_spec/reason_code": "TESTS_FAILED"}),
        json!({"/policy_reason_code": "NO", "/task_spec/reason_code": "TESTS_FAILED",
               "/task_spec/failure_reason_code": null}),
    ] {
        assert_eq!(read(with(changes.clone()).as_bytes()).unwrap(), plain, "{changes}");
    }
    assert!(!String::from_utf8(plain.to_canonical()).unwrap().contains("guard_reason_code"));
}

#[test]
fn m13_an_alias_that_says_otherwise_is_a_conflict() {
    let two = json!({"/guard_reason_code": "NO", "/policy_reason_code": "NEVER"});
    refused(two, &["/guard_reason_code alias_conflict"]);
    refused(json!({"/task_spec/reason_code": "OTHER"}), &["/task_spec/reason_code alias_conflict"]);
    refused(json!({"/guard_reason_code": "NONE"}), &["/guard_reason_code reason_code_invalid"]);
    refused(json!({"/reason_code": "TESTS_FAILED"}), &["/reason_code unknown_field"]);
    refused(json!({"/task_spec/guard_reason_code": "NO"}), &["/task_spec/guard_reason_code unknown_field"]);
}

#[test]
fn m30_a_near_name_is_suggested() {
    for (changes, near) in [
        (json!({"/runid": "x"}), "`run_id`"),
        (json!({"/Gates": []}), "`gates`"),
        (json!({"/tool/verison": "1"}), "`version`"),
        (json!({"/task_spec/side_effect": {}}), "`side_effects`"),
        (json!({"/signal": "Failure"}), "`failure`"),
        (json!({"/gates": [{"gate_id": "a", "status": "pass"}]}), "`PASS`"),
    ] {
        let message = problems(&with(changes.clone())).remove(0).message;
        assert!(message.contains(&format!("did you mean {near}?")), "{changes}: {message}");
    }
    let far = problems(&with(json!({"/something_else_entirely": 1}))).remove(0).message;
    assert!(!far.contains("did you mean"), "{far}");
}

/// One line, lower-case at its start, with no more than 80 characters in each pair of backticks.
fn well_formed(problem: &Problem) {
    let message = &problem.message;
    assert!(!message.chars().any(char::is_control), "{message:?}");
    assert!(message.starts_with(|first: char| first.is_lowercase() || first == '`'), "{message:?}");
    assert!(!message.ends_with('.'), "{message:?}");
    assert!(message.chars().count() <= 400, "{message:?}");
}

#[test]
fn m30_offending_text_stands_in_backticks_shortened_to_80_characters() {
    let long = "\u{1f600}".repeat(127) + "\n\"";
    let mut cases = vec![json!({"/run_id": long}), json!({"/ts": long}), json!({"/task_spec/target/kind": long})];
    cases.extend([json!({"/signal": long}), json!({"/wrapper_policy": long}), json!({"/applied_capsule": long})]);
    cases.extend([json!({"/policy_reason_code": long}), json!({"/envelope_version": long}), json!({"/env": long})]);
    cases.push(json!({"/evidence": [{"path": format!("/{long}")}]}));
    for changes in cases {
        let problem = problems(&with(changes.clone())).remove(0);
        well_formed(&problem);
        let quoted = problem.message.rsplit('`').nth(1).unwrap();
        assert_eq!((quoted.chars().count(), quoted.ends_with('…')), (81, true), "{}", problem.message);
    }
}

proptest! {
    #[test]
    fn m30_every_message_is_one_lower_case_line_and_every_pointer_points(broken in broken_line()) {
        let rejection = read(&broken.line).unwrap_err();
        let problems = rejection.problems();
        for problem in problems {
            well_formed(problem);
            prop_assert!(problem.span.start <= problem.span.end && problem.span.end <= broken.line.len() + 1);
        }
        let keys: Vec<_> = problems.iter().map(|problem| (&problem.pointer, problem.code.as_str())).collect();
        prop_assert!(keys.is_sorted());
        let known = broken.code.as_str();
        prop_assert!(keys.iter().any(|(_, code)| *code == known), "{known} not in {keys:?}");
        if let Ok(value) = serde_json::from_slice::<Value>(&broken.line) {
            for problem in problems.iter().filter(|problem| !problem.pointer.is_empty()) {
                let (outer, _) = problem.pointer.rsplit_once('/').unwrap();
                let missing = matches!(problem.code, ProblemCode::MissingField | ProblemCode::EvidenceMissing);
                let place = if missing { outer } else { &problem.pointer };
                prop_assert!(value.pointer(place).is_some(), "{}", problem.pointer);
            }
        }
    }
}

#[test]
fn m30_every_code_that_one_line_can_have_is_generated() {
    let mut runner = TestRunner::deterministic();
    let strategy = broken_line();
    let cases = Config::default().cases.max(1_000);
    let seen: std::collections::BTreeSet<&str> =
        (0..cases).map(|_| strategy.new_tree(&mut runner).unwrap().current().code.as_str()).collect();
    let elsewhere = [
        ProblemCode::TimestampFuture,
        ProblemCode::EventIdConflict,
        ProblemCode::IdempotencyConflict,
        ProblemCode::ReasonCodeMisplaced,
    ];
    let expected: Vec<_> = ProblemCode::ALL.iter().filter(|code| !elsewhere.contains(code)).collect();
    assert!(expected.iter().all(|code| seen.contains(code.as_str())), "{seen:?}");
}
