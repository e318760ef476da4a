//! M-100: bundles read by the pinned schema, and evaluation with its laws.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on fails")]

mod laws;
mod pinned;

use dome_core::guard::{Cause, GuardContext, GuardDecision, GuardrailsBundle, evaluate};
use dome_core::{Decision, ProblemCode, Status};
use serde_json::{Value, json};
use xtrlv2_fixtures::{V0_1, VERSIONS};

pub(crate) fn decide(bundle: &Value, context: &Value) -> GuardDecision {
    let bundle = GuardrailsBundle::parse(bundle.to_string().as_bytes()).unwrap();
    evaluate(&bundle, &GuardContext::parse(context.to_string().as_bytes()).unwrap())
}

fn asked(changes: Value) -> Value {
    let mut context = json!({
        "context_version": "1", "artifact_kind": "gate_decision", "action": "promote", "from_state": "candidate",
        "to_state": "promoted", "evidence_kinds": ["test_report"], "predicates": {"predicates/tests_green": true},
    });
    for (name, change) in changes.as_object().unwrap() {
        match change {
            Value::Null => context.as_object_mut().unwrap().remove(name),
            change => context.as_object_mut().unwrap().insert(name.clone(), change.clone()),
        };
    }
    context
}

fn statuses(decided: &GuardDecision) -> Vec<(Status, Option<Decision>)> {
    decided.guard_evals.iter().map(|eval| (eval.status, eval.decision)).collect()
}

fn causes(decided: &GuardDecision) -> Vec<String> {
    decided.causes.iter().map(|cause: &Cause| format!("{}: {cause}", cause.guard_id)).collect()
}

#[test]
fn m100_examples_of_the_pinned_schema_are_read_as_it_says() {
    for version in VERSIONS {
        let ours = |examples: Vec<_>| {
            examples
                .into_iter()
                .filter(|example: &xtrlv2_fixtures::Artifact| example.contract() == "guardrails_bundle")
                .collect::<Vec<_>>()
        };
        let (valid, invalid) = (ours(version.valid_examples().collect()), ours(version.invalid_examples().collect()));
        assert!(!valid.is_empty() && invalid.len() >= 6);
        for example in valid {
            let problems = GuardrailsBundle::parse(example.bytes).err();
            assert_eq!(problems, None, "{}", example.path);
        }
        for example in invalid {
            assert!(GuardrailsBundle::parse(example.bytes).is_err(), "{}", example.path);
        }
    }
}

#[test]
fn m100_every_problem_of_a_bundle_is_named() {
    let mut bundle = pinned::example();
    bundle["guards"][0]["applies_to"]["action"] = json!([]);
    bundle["guards"][0]["applies_to"]["known_states"] = json!(["candidate", "promoted", "candidate", ""]);
    bundle["guards"][0]["feedback"]["confidence"] = json!(1.5);
    bundle["guards"][1]["guard_id"] = json!("tests-green");
    bundle["guards"][1]["deny_decision"] = json!("ALLOW");
    bundle["guards"][1]["reason_code"] = json!("NONE");
    bundle["meta"]["guards"]["spec"][0]["guard_kind"] = json!("soft");
    bundle["meta"]["policy_linkage"].as_object_mut().unwrap().clear();
    bundle["meta"]["requirements"]["unknowns_policy"]["max_unknowns"] = json!(0.5);
    bundle.as_object_mut().unwrap().remove("version");
    let rejection = GuardrailsBundle::parse(bundle.to_string().as_bytes()).unwrap_err();
    let found: Vec<_> = rejection.problems().iter().map(|p| (p.pointer.as_str(), p.code)).collect();
    assert_eq!(
        found,
        [
            ("/guards/0/applies_to/action", ProblemCode::UnknownField),
            ("/guards/0/applies_to/known_states/2", ProblemCode::DuplicateItem),
            ("/guards/0/applies_to/known_states/3", ProblemCode::OutOfRange),
            ("/guards/0/feedback/confidence", ProblemCode::OutOfRange),
            ("/guards/1/deny_decision", ProblemCode::ValueNotAllowed),
            ("/guards/1/guard_id", ProblemCode::DuplicateItem),
            ("/guards/1/reason_code", ProblemCode::ReasonCodeInvalid),
            ("/meta/guards/spec/0/guard_kind", ProblemCode::ValueNotAllowed),
            ("/meta/policy_linkage/reason_codes_ref", ProblemCode::MissingField),
            ("/meta/requirements/unknowns_policy/max_unknowns", ProblemCode::WrongType),
            ("/version", ProblemCode::MissingField),
        ]
    );
}

#[test]
fn m100_every_problem_of_a_context_is_named() {
    let context =
        json!({"evidence_kind": [], "predicates": {"p": null, "q": "yes"}, "action": "", "context_version": "2"});
    let rejection = GuardContext::parse(context.to_string().as_bytes()).unwrap_err();
    let found: Vec<_> = rejection.problems().iter().map(|p| (p.pointer.as_str(), p.code)).collect();
    assert_eq!(
        found,
        [
            ("/action", ProblemCode::OutOfRange),
            ("/context_version", ProblemCode::UnsupportedVersion),
            ("/evidence_kind", ProblemCode::UnknownField),
            ("/predicates/p", ProblemCode::ValueNotAllowed),
            ("/predicates/q", ProblemCode::ValueNotAllowed),
        ]
    );
    let cut = GuardContext::parse(b"{\n \"context_version\": \"1\",\n}").unwrap_err();
    assert!(cut.problems()[0].message.ends_with("(line 3, column 1)"), "{cut}");
}

#[test]
fn m100_all_that_is_asked_for_is_there() {
    let decided = decide(&pinned::example(), &asked(json!({})));
    assert_eq!(decided.decision, Decision::Allow);
    assert_eq!(statuses(&decided), [(Status::Pass, Some(Decision::Allow)); 2]);
    assert!(decided.unknowns.is_empty() && decided.causes.is_empty() && decided.reason_codes.is_empty());
}

#[test]
fn m100_missing_evidence_and_a_false_predicate_fail_with_the_guards_own_code() {
    let context = asked(json!({"evidence_kinds": [], "predicates": {"predicates/tests_green": false}}));
    let decided = decide(&pinned::example(), &context);
    // The bundle asks every guard for a test report, so the second guard stops.
    assert_eq!(statuses(&decided), [(Status::Fail, Some(Decision::Stop)), (Status::Fail, Some(Decision::Deny))]);
    assert_eq!(decided.decision, Decision::Stop, "STOP outranks DENY");
    assert_eq!(
        causes(&decided),
        [
            "paths-allowed: the evidence `test_report` is missing",
            "tests-green: the evidence `test_report` is missing",
            "tests-green: the predicate `predicates/tests_green` is false",
        ]
    );
    assert!(decided.denies_for_known_cause() && !decided.denies_by_unknowns());
    let codes: Vec<_> = decided.reason_codes.iter().map(|code| code.as_str()).collect();
    assert_eq!(codes, ["TESTS_FAILED", "TOUCHED_FORBIDDEN_PATH"]);
    assert_eq!(decided.feedback[0].feedback.operator_message, "The test suite did not pass.");
}

#[test]
fn m100_unknowns_are_denied_by_the_unknowns_policy() {
    for (changes, unknown, decision) in [
        (json!({"predicates": {}}), "predicate:predicates/tests_green", Decision::Stop),
        (
            json!({"predicates": {"predicates/tests_green": "unknown"}}),
            "predicate:predicates/tests_green",
            Decision::Stop,
        ),
        (json!({"from_state": "limbo"}), "state:limbo", Decision::Deny),
        (json!({"to_state": null}), "state:to_state", Decision::Deny),
        (json!({"from_state": "promoted", "to_state": "candidate"}), "transition:promoted:candidate", Decision::Stop),
    ] {
        let decided = decide(&pinned::example(), &asked(changes));
        assert_eq!(decided.unknowns, [unknown]);
        assert_eq!(decided.decision, decision, "{unknown}");
        let codes: Vec<_> = decided.reason_codes.iter().map(|code| code.as_str()).collect();
        assert_eq!(codes, ["AMBIGUOUS_STATE_DENIED"], "{unknown}");
        assert!(decided.denies_by_unknowns() && !decided.denies_for_known_cause());
        assert!(decided.feedback.is_empty(), "the sentences are about what is known");
    }
}

#[test]
fn m100_max_unknowns_are_borne_and_still_listed() {
    let mut bundle = pinned::example();
    bundle["meta"]["requirements"]["unknowns_policy"]["max_unknowns"] = json!(1);
    let decided = decide(&bundle, &asked(json!({"predicates": {}})));
    assert_eq!(statuses(&decided), [(Status::Pass, Some(Decision::Allow)), (Status::Skip, None)]);
    assert_eq!((decided.decision, decided.unknowns.len()), (Decision::Allow, 1));
    let two = asked(json!({"from_state": "limbo", "to_state": null}));
    assert_eq!(decide(&bundle, &two).decision, Decision::Deny, "two unknowns are one too many");
    bundle["meta"]["requirements"]["unknowns_policy"].as_object_mut().unwrap().remove("max_unknowns");
    assert_eq!(decide(&bundle, &asked(json!({"predicates": {}}))).decision, Decision::Stop, "0 where nothing is said");
}

#[test]
fn m100_a_guard_that_does_not_apply_is_skipped_and_silence_exempts_nobody() {
    for (changes, member) in [
        (json!({"artifact_kind": "report"}), "artifact_kind"),
        (json!({"action": "review"}), "action"),
        (json!({"phase": "PLAN"}), "phase"),
    ] {
        let decided = decide(&pinned::example(), &asked(changes));
        assert_eq!(statuses(&decided), [(Status::Pass, Some(Decision::Allow)), (Status::Skip, None)], "{member}");
        assert_eq!(causes(&decided), [format!("tests-green: it does not apply to this {member}")]);
    }
    for silent in ["artifact_kind", "action", "phase"] {
        let changes = json!({silent: null, "predicates": {"predicates/tests_green": false}});
        assert_eq!(decide(&pinned::example(), &asked(changes)).decision, Decision::Deny, "{silent}");
    }
}

#[test]
fn m100_evaluations_can_stand_in_an_envelope() {
    let decided = decide(&pinned::example(), &asked(json!({"predicates": {}})));
    let mut envelope: Value = serde_json::from_slice(dome_core::EXAMPLE_LINE).unwrap();
    envelope["guard_evals"] = serde_json::to_value(&decided.guard_evals).unwrap();
    assert_eq!(dome_core::read(envelope.to_string().as_bytes()).unwrap().guard_evals, decided.guard_evals);
}

#[test]
fn m100_a_bundle_is_held_to_what_an_envelope_can_record() {
    let schema = pinned::validator("guardrails_bundle.schema.json");
    for (pointer, value) in [("/guards/0/reason_code", "NONE"), ("/guards/0/guard_id", " padded")] {
        let mut bundle = pinned::example();
        *bundle.pointer_mut(pointer).unwrap() = json!(value);
        assert!(schema.is_valid(&bundle));
        assert!(GuardrailsBundle::parse(bundle.to_string().as_bytes()).is_err(), "{value}");
    }
    assert_eq!(V0_1.name, "0.1");
}
