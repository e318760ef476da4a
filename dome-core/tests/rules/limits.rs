//! Limits that just hold and just break, and the forms of numbers (M-03, M-04, M-14, M-15).

use dome_core::{EXAMPLE_LINE, ProblemCode, read};
use serde_json::{Value, json};

use super::{accepted, found, refused, written};

#[test]
fn m03_m04_lengths_just_hold_and_just_break() {
    accepted(json!({"/run_id": "é".repeat(256), "/lane": "x".repeat(512)}));
    refused(json!({"/run_id": "é".repeat(256) + "x"}), &["/run_id identifier_invalid"]);
    accepted(json!({"/task_spec/action/kind": "a".repeat(64), "/task_spec/failure_reason_code": "A".repeat(128)}));
    refused(
        json!({"/task_spec/action/kind": "a".repeat(65), "/task_spec/failure_reason_code": "A".repeat(129)}),
        &["/task_spec/action/kind token_invalid", "/task_spec/failure_reason_code reason_code_invalid"],
    );
}

#[test]
fn section2_members_just_hold_and_just_break() {
    accepted(json!({"/attempts": 1_000_000, "/message": "é".repeat(32_768), "/sequence": 9_007_199_254_740_991_u64}));
    refused(
        json!({"/attempts": 1_000_001, "/message": "x".repeat(65_537), "/sequence": 9_007_199_254_740_992_u64}),
        &["/attempts out_of_range", "/message out_of_range", "/sequence number_unsafe"],
    );
    let remedy = |summary: &str| {
        json!({"/signal": "success", "/gates": null,
        "/remedy": {"kind": "patch", "ref": "a", "summary": summary}})
    };
    accepted(remedy(&"é".repeat(140)));
    refused(remedy(&"x".repeat(281)), &["/remedy/summary out_of_range"]);
    refused(remedy(""), &["/remedy/summary out_of_range"]);
    refused(remedy("a\tb"), &["/remedy/summary value_not_allowed"]);
}

#[test]
fn m14_arrays_and_maps_just_hold_and_just_break() {
    let gates =
        |count: usize| (0..count).map(|n| json!({"gate_id": format!("{n}"), "status": "PASS"})).collect::<Value>();
    let guards =
        |count: usize| (0..count).map(|n| json!({"guard_id": format!("{n}"), "status": "PASS"})).collect::<Value>();
    let evidence = |count: usize| (0..count).map(|_| json!({"path": "a"})).collect::<Value>();
    let map = |count: usize| Value::Object((0..count).map(|n| (n.to_string(), "x".into())).collect());
    let names = |count: usize| (0..count).map(|n| n.to_string()).collect::<Value>();
    let codes = |count: usize| (0..count).map(|n| format!("C{n}")).collect::<Value>();
    let many = |array: usize, evidence_count: usize, members: usize| {
        json!({
            "/gates": gates(array), "/evidence": evidence(evidence_count), "/env": map(members),
            "/labels": map(members), "/task_spec/versions": map(members), "/guard_evals": guards(array),
            "/task_spec/side_effects": {"mode": "none", "allow_paths": names(array), "allow_domains": names(array),
                                        "allow_commands": names(array)},
        })
    };
    accepted(many(1_024, 256, 64));
    refused(
        many(1_025, 257, 65),
        &[
            "/env out_of_range",
            "/evidence out_of_range",
            "/gates out_of_range",
            "/guard_evals out_of_range",
            "/labels out_of_range",
            "/task_spec/side_effects/allow_commands out_of_range",
            "/task_spec/side_effects/allow_domains out_of_range",
            "/task_spec/side_effects/allow_paths out_of_range",
            "/task_spec/versions out_of_range",
        ],
    );
    let guard = |count: usize| {
        let (reason_codes, refs) = (codes(count), names(count));
        json!({"/guard_evals":
            [{"guard_id": "g", "status": "PASS", "reason_codes": reason_codes, "evidence_refs": refs}]})
    };
    accepted(guard(1_024));
    refused(guard(1_025), &["/guard_evals/0/evidence_refs out_of_range", "/guard_evals/0/reason_codes out_of_range"]);
}

#[test]
fn m14_a_line_just_holds_and_just_breaks() {
    let pad = |length: usize| {
        let mut line = EXAMPLE_LINE.to_vec();
        line.resize(length, b' ');
        line
    };
    assert!(read(&pad(1_048_576)).is_ok());
    let rejection = read(&pad(1_048_577)).unwrap_err();
    assert_eq!(rejection.problems()[0].code, ProblemCode::LineTooLong);
    let mut neither = pad(1_048_577);
    neither[0] = 0xFF;
    assert_eq!(read(&neither).unwrap_err().problems()[0].code, ProblemCode::LineTooLong, "length comes first");
}

#[test]
fn m14_nesting_just_holds_and_just_breaks() {
    let nested = |levels: usize| written(&format!("\"deep\":{}{}", "[".repeat(levels), "]".repeat(levels)));
    assert_eq!(found(&nested(31)), ["/deep unknown_field"], "the root is level 1");
    assert_eq!(found(&nested(32)), [" json_too_deep"]);
    let objects = |levels: usize| written(&format!("\"deep\":{}1{}", "{\"a\":".repeat(levels), "}".repeat(levels)));
    assert_eq!(found(&objects(31)), ["/deep unknown_field"]);
    assert_eq!(found(&objects(32)), [" json_too_deep"]);
    assert_eq!(found(&"[".repeat(500_000)), [" json_too_deep"]);
}

#[test]
fn m15_numbers_are_integers_in_the_safe_range() {
    for (number, code) in [
        ("1.0", "wrong_type"),
        ("1e0", "wrong_type"),
        ("1E+2", "wrong_type"),
        ("-0.0", "wrong_type"),
        ("1e999", "wrong_type"),
        ("9007199254740992.0", "wrong_type"),
        ("9007199254740992", "number_unsafe"),
        ("-9007199254740992", "number_unsafe"),
        ("18446744073709551616", "number_unsafe"),
        ("123456789012345678901234567890", "number_unsafe"),
        ("-1", "out_of_range"),
        ("\"1\"", "wrong_type"),
        ("true", "wrong_type"),
    ] {
        assert_eq!(found(&written(&format!("\"duration_ms\":{number}"))), [format!("/duration_ms {code}")], "{number}");
    }
    for broken in ["01", "-", "+1", ".5", "1.", "1e", "0x1", "Infinity", "NaN", "1_000", "-01"] {
        assert_eq!(found(&written(&format!("\"duration_ms\":{broken}"))), [" json_invalid"], "{broken}");
    }
    for (number, value) in [("-0", 0), ("0", 0), ("9007199254740991", 9_007_199_254_740_991)] {
        let envelope = read(written(&format!("\"duration_ms\":{number}")).as_bytes()).unwrap();
        assert_eq!(envelope.duration_ms, Some(value), "{number}");
    }
}

#[test]
fn m15_a_lone_surrogate_is_no_json() {
    for bad in ["\\ud800", "\\udc00", "\\ud800x", "\\ud800\\ud800", "\\udc00\\ud800", "\\uD83D\\n", "\\ud83d\\u0041"] {
        assert_eq!(found(&written(&format!("\"message\":\"{bad}\""))), [" json_invalid"], "{bad}");
        assert_eq!(found(&written(&format!("\"labels\":{{\"{bad}\":\"\"}}"))), [" json_invalid"], "{bad}");
    }
    let paired = read(written("\"lane\":\"\\ud83D\\uDe00\\u0041\"").as_bytes()).unwrap();
    assert_eq!(paired.lane.unwrap().as_str(), "\u{1f600}A");
}
