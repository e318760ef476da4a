//! Each failure of an output by an example, and contracts that are none.

use dome_core::Sha256Hash;
use dome_patterns::{ItemOutcome, OutputContract, PatternFailure as Code, WorkerEnd};
use serde_json::json;

use super::{CONTRACT, id, plan};

const SOUND: &str =
    r#"{"item": "trial-0", "verdict": "resolved", "passed": 3, "gates": ["unit"], "detail": {"flaky": false}}"#;

fn outcome(output: &[u8]) -> (Option<Code>, Vec<(Code, String)>) {
    let plan = plan(1);
    let mut run = plan.start();
    run.record(&id(0), WorkerEnd::Answered(output.to_vec())).unwrap();
    match &run.items()[0].outcome {
        ItemOutcome::Failed(failure) => {
            let problems = failure.problems.iter().map(|problem| (problem.code, problem.pointer.clone()));
            (Some(failure.code), problems.collect())
        }
        ItemOutcome::Accepted(_) => (None, Vec::new()),
        ItemOutcome::Denied(denial) => unreachable!("{}", denial.code),
    }
}

fn code(output: impl AsRef<[u8]>) -> Option<Code> {
    outcome(output.as_ref()).0
}

#[test]
fn each_failure_has_its_code() {
    assert_eq!(code(SOUND), None);
    assert_eq!(code(SOUND.replace(": 3", ": -0")), None, "M-15: `-0` is 0");
    let noted = |bytes| SOUND.replace("\"passed\"", &format!("\"note\": \"{}\", \"passed\"", "a".repeat(bytes)));
    assert_eq!((code(noted(24)), code(noted(25))), (None, Some(Code::OutputOutOfRange)));
    for (output, expected) in [
        (b"".to_vec(), Code::OutputMissing),
        (b" \n\t ".to_vec(), Code::OutputMissing),
        (vec![b' '; 4_097], Code::OutputTooLarge),
        (b"resolved".to_vec(), Code::OutputNotJson),
        (format!("{SOUND}{SOUND}").into_bytes(), Code::OutputNotJson),
        (b"{\"item\": \"\xff\"}".to_vec(), Code::OutputNotJson),
        (b"{\"item\": \"\\ud800\"}".to_vec(), Code::OutputNotJson),
        ("[".repeat(33).into_bytes(), Code::OutputTooDeep),
        (SOUND.replace("\"passed\": 3", "\"passed\": 3, \"passed\": 3").into_bytes(), Code::OutputDuplicateMember),
        (SOUND.replace("false", "false, \"fl\\u0061ky\": true").into_bytes(), Code::OutputDuplicateMember),
        (SOUND.replace("trial-0", "trial-1").into_bytes(), Code::ItemMismatch),
        (SOUND.replace("\"passed\"", "\"next\": {}, \"passed\"").into_bytes(), Code::OutputUnknownMember),
        (SOUND.replace("\"passed\": 3, ", "").into_bytes(), Code::OutputMemberMissing),
        (SOUND.replace(": 3", ": 3.0").into_bytes(), Code::OutputWrongType),
        (SOUND.replace(": 3", ": \"3\"").into_bytes(), Code::OutputWrongType),
        (SOUND.replace("[\"unit\"]", "null").into_bytes(), Code::OutputWrongType),
        (SOUND.replace("\"resolved\"", "\"Resolved\"").into_bytes(), Code::OutputNotAllowed),
        (SOUND.replace(": 3", ": 1001").into_bytes(), Code::OutputOutOfRange),
        (SOUND.replace(": 3", ": 99999999999999999999").into_bytes(), Code::OutputOutOfRange),
        (SOUND.replace("[\"unit\"]", "[\"unit\",\"unit\",\"unit\",\"unit\"]").into_bytes(), Code::OutputOutOfRange),
        (SOUND.replace("\"passed\"", "\"note\": \"ééééééééééééé\", \"passed\"").into_bytes(), Code::OutputOutOfRange),
    ] {
        assert_eq!(code(&output), Some(expected), "{}", String::from_utf8_lossy(&output));
    }
}

#[test]
fn of_a_text_length_and_digest_are_kept() {
    let contract: OutputContract = CONTRACT.parse().unwrap();
    let noted = SOUND.replace("\"passed\"", "\"note\": \"\\u00e9t\u{e9}\", \"passed\"");
    let output = contract.validate(&id(0), noted.as_bytes()).unwrap();
    let expected = json!({
        "item": "trial-0", "verdict": "resolved", "passed": 3, "gates": ["unit"], "detail": {"flaky": false},
        "note": {"bytes": 5, "sha256": Sha256Hash::of("été".as_bytes())},
    });
    assert_eq!(*output.value(), expected);
}

#[test]
fn how_a_worker_ended_is_a_failure_of_its_own() {
    let plan = plan(1);
    let ended = |ended| {
        let mut run = plan.start();
        run.record(&id(0), ended).unwrap();
        serde_json::to_value(&run.items()[0]).unwrap()
    };
    let failed = |code| json!({"failure_reason_code": code, "item": "trial-0", "status": "failed"});
    assert_eq!(ended(WorkerEnd::Failed(Code::WorkerTimeout)), failed("MAP.WORKER_TIMEOUT"));
    let mut reported = failed("MAP.TOOL_FAILED");
    reported["reported"] = "NO_WORDS".into();
    assert_eq!(ended(WorkerEnd::Reported("NO_WORDS".parse().unwrap())), reported);
    let lost = plan.start();
    assert_eq!(serde_json::to_value(&lost.items()[0]).unwrap(), failed("MAP.WORKER_LOST"));
}

#[test]
fn all_problems_are_named_and_none_in_the_words_of_the_worker() {
    let output =
        br#"{"item": "trial-9", "verdict": "IGNORE", "passed": 2e3, "gates": ["unit", 7], "detail": {"rm -rf": 1}}"#;
    let (decides, problems) = outcome(output);
    assert_eq!(decides, Some(Code::ItemMismatch));
    let expected = [
        (Code::ItemMismatch, "/item"),
        (Code::OutputUnknownMember, "/detail"),
        (Code::OutputMemberMissing, "/detail/flaky"),
        (Code::OutputWrongType, "/gates/1"),
        (Code::OutputWrongType, "/passed"),
        (Code::OutputNotAllowed, "/verdict"),
    ];
    assert_eq!(problems, expected.map(|(code, pointer)| (code, pointer.to_owned())));
}

#[test]
fn a_contract_that_bounds_too_little_is_none() {
    assert!(CONTRACT.parse::<OutputContract>().is_ok());
    let member = |shape: &str| format!(r#"{{"contract_version": "1", "members": {{"a": {shape}}}}}"#);
    let deep = (0..8).fold(r#"{"type": "boolean"}"#.to_owned(), |of, _| {
        format!(r#"{{"type": "array", "max_entries": 1, "of": {of}}}"#)
    });
    for shape in [
        r#"{"type": "choice", "of": []}"#,
        r#"{"type": "choice", "of": [" a"]}"#,
        r#"{"type": "integer", "min": 2, "max": 1}"#,
        r#"{"type": "integer", "min": 0, "max": 9007199254740992}"#,
        r#"{"type": "text", "max_bytes": 4097}"#,
        r#"{"type": "array", "max_entries": 1025, "of": {"type": "boolean"}}"#,
        r#"{"type": "object", "members": {}, "optional": ["b"]}"#,
        &deep,
    ] {
        let refused = member(shape).parse::<OutputContract>().unwrap_err();
        assert!(refused.at.starts_with("/members/a"), "{shape}: {refused}");
    }
    let named = r#"{"contract_version": "1", "members": {"A b": {"type": "item"}}}"#.parse::<OutputContract>();
    assert!(named.unwrap_err().what.contains("a member's name matches"));
    for shape in [
        r#"{"type": "any"}"#,
        r#"{"type": "boolean", "more": 1}"#,
        r#"{"type": "item", "of": "any"}"#,
        r#"{"type": "text"}"#,
        r#"{"type": "integer", "min": 0, "max": 1.5}"#,
    ] {
        let refused = member(shape).parse::<OutputContract>().unwrap_err();
        assert!(refused.at.is_empty() && refused.what.starts_with("not a contract"), "{shape}: {refused}");
    }
    let twice = r#"{"contract_version": "1", "members": {"a": {"type": "item"}, "a": {"type": "boolean"}}}"#;
    assert!(twice.parse::<OutputContract>().unwrap_err().what.contains("twice"));
    let other = r#"{"contract_version": "2", "members": {}}"#.parse::<OutputContract>();
    assert_eq!(other.unwrap_err().at, "/contract_version");
}
