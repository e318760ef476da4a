//! Masking twice is masking once, for any bytes and any rules.

use std::sync::OnceLock;

use dome_core::redact::{Redaction, RedactionCounts};
use proptest::prelude::*;

use super::shapes::planted;
use super::{built_in, masked};

/// Patterns that look at masks, at ends, at anything.
const AWKWARD: &str = r#"{
    "redaction_version": "1",
    "members": ["/env/*", "/a/0", "/n"],
    "patterns": [
        {"name": "first", "pattern": "^."},
        {"name": "after-mask", "pattern": "\\](.)", "group": 1},
        {"name": "words", "pattern": "redacted|assign|member"},
        {"name": "empty", "pattern": "q*"},
        {"name": "bracket", "pattern": "\\[[a-z]*"},
        {"name": "last", "pattern": "z$"}
    ]
}"#;

fn awkward() -> &'static Redaction {
    static AWKWARD_RULES: OnceLock<Redaction> = OnceLock::new();
    AWKWARD_RULES.get_or_init(|| Redaction::parse(AWKWARD.as_bytes()).unwrap())
}

/// A text as a terminal, another encoding, a URL or a dump has it.
fn dressed(text: &str, clothes: i32) -> Vec<u8> {
    let each = |write: fn(u8) -> String| text.bytes().map(write).collect::<String>().into_bytes();
    match clothes {
        0 => each(|byte| format!("{byte:02x}")),
        1 => each(|byte| format!("{byte:02x} ")),
        2 => each(|byte| format!("%{byte:02X}")),
        3 => each(|byte| format!("\\x{byte:02x}")),
        4 => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        _ => text.replace('a', "a\u{1b}[31m").into_bytes(),
    }
}

fn piece() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        3 => planted().prop_map(|planted| planted.text.into_bytes()),
        2 => (planted(), 0..6).prop_map(|(planted, clothes)| dressed(&planted.text, clothes)),
        2 => "[a-z \\[\\]:=\"'\\\\{},0-9/@]{0,6}".prop_map(String::into_bytes),
        1 => prop_oneof![
            Just("[redacted:assignment]"), Just("[redacted:x]"), Just("[redacted:"), Just("password="), Just("{\"env\":{\"a\":\""),
            Just("\"}}"), Just("\\u005b"), Just("\\n"), Just("://"), Just("token: "), Just("{\"n\":5}"), Just("é"), Just("zzz"),
        ].prop_map(|text| text.as_bytes().to_vec()),
        1 => proptest::collection::vec(any::<u8>(), 0..4),
    ]
}

fn line() -> impl Strategy<Value = Vec<u8>> {
    let junk = || proptest::collection::vec(piece(), 0..6).prop_map(|pieces| pieces.concat());
    let json = junk().prop_map(|bytes: Vec<u8>| {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        serde_json::json!({"env": {text.as_str(): 1, "b": [text, {"c": null}]}, "a": [text, text], "message": text, "n": 5})
            .to_string()
            .into_bytes()
    });
    prop_oneof![junk(), json]
}

fn is_stable(redaction: &Redaction, line: &[u8]) -> Result<(), TestCaseError> {
    let once = redaction.redact(line, &mut RedactionCounts::default()).into_owned();
    let mut counts = RedactionCounts::default();
    let twice = redaction.redact(&once, &mut counts);
    prop_assert_eq!(String::from_utf8_lossy(&twice), String::from_utf8_lossy(&once));
    prop_assert_eq!(counts.total(), 0);
    let sound = |bytes: &[u8]| serde_json::from_slice::<serde_json::Value>(bytes).is_ok();
    prop_assert!(!sound(line) || sound(&once), "a JSON line stays one: {}", String::from_utf8_lossy(&once));
    Ok(())
}

proptest! {
    #[test]
    fn masking_a_masked_line_changes_nothing(line in line()) {
        is_stable(built_in(), &line)?;
        is_stable(awkward(), &line)?;
    }
}

#[test]
fn no_mask_is_torn_or_masked_again() {
    for (line, expected) in [
        ("password=[redacted:member]", "password=[redacted:member]"),
        ("password=[redacted:member] x", "password=[redacted:member] x"),
        ("https://u:[redacted:jwt]x@h", "https://[redacted:url-credentials]@h"),
        ("Bearer [redacted:jwt]", "Bearer [redacted:jwt]"),
    ] {
        assert_eq!(masked(built_in(), line.as_bytes()).0, expected);
    }
}

#[test]
fn a_mask_that_is_forged_hides_nothing() {
    let (masked, _) = masked(built_in(), b"[redacted:ghp_0123456789abcdefghij0123456789abcdef]");
    assert_eq!(masked, "[redacted:[redacted:github-token]]");
}
