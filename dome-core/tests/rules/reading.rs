//! Lines, JSON as text, and the canonical form of what was read (M-01, M-32, M-40, M-121).

use dome_arbitrary::envelope_line;
use dome_core::{EXAMPLE_LINE, Line, ProblemCode, Reader, lines, read};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{accepted, found, refused, with, written};

#[test]
fn m30_text_that_is_no_json_ends_the_checking() {
    for bad in
        ["{", "{}x", "{\"a\"}", "{\"a\":1,}", "[1,]", "{a:1}", "\"\t\"", "'a'", "{\"a\":tru}", "// x", "\u{a0}{}"]
    {
        assert_eq!(found(bad), [" json_invalid"], "{bad}");
    }
    let late = written("\"labels\":7,\"run_id\":\"again\"");
    assert_eq!(found(&late), [" json_duplicate_key"], "a sound reading comes before any member");
    let first = format!("{{\"a\":1,\"a\":2,{}", "[".repeat(40));
    assert_eq!(found(&first), [" json_duplicate_key"], "what reading meets first, from left to right");
}

#[test]
fn m01_a_name_stands_once_at_every_level_and_in_any_spelling() {
    for text in [
        "\"env\":{\"os\":\"a\",\"os\":\"a\"}",
        "\"env\":{\"os\":\"a\",\"\\u006fs\":\"a\"}",
        "\"unknown\":[{\"x\":{\"é\":1,\"\\u00e9\":2}}]",
        "\"labels\":{\"\\ud83d\\ude00\":\"\",\"\u{1f600}\":\"\"}",
        "\"labels\":{\"\":\"\",\"\":\"\"}",
    ] {
        assert_eq!(found(&written(text)), [" json_duplicate_key"], "{text}");
    }
}

#[test]
fn m01_a_name_stands_once_in_large_objects_too() {
    for count in [1, 2, 31, 32, 33, 34, 63, 64, 200] {
        let names: Vec<String> = (0..count).map(|n| format!("\"k{n}\":0")).collect();
        let object = |last: &str| written(&format!("\"x\":{{{},\"{last}\":0}}", names.join(",")));
        assert_eq!(found(&object("new")), ["/x unknown_field"], "{count}");
        for again in [0, count / 2, count - 1] {
            assert_eq!(found(&object(&format!("k{again}"))), [" json_duplicate_key"], "{again} of {count}");
        }
    }
}

#[test]
fn m40_env_keys_differ_in_lower_case() {
    refused(json!({"/env": {"os": "a", "OS": "a"}}), &["/env/os duplicate_item"]);
    accepted(json!({"/env": {"é": "a", "É": "b"}}));
}

#[test]
fn m40_sets_are_sorted_defaults_are_filled_in_and_what_was_given_stays() {
    let line = with(json!({
        "/gates": [{"gate_id": "\u{1f600}", "status": "PASS"}, {"gate_id": "\u{fb33}", "status": "FAIL"}],
        "/guard_evals": [{"guard_id": "g", "status": "PASS", "evidence_refs": ["b", "a", "b"]}],
        "/task_spec/versions": {}, "/task_spec/side_effects": {"mode": "none", "allow_paths": []},
        "/message": "", "/ts": "2026-02-15T02:00:00.500+02:00", "/sequence": 1, "/evidence": [{"path": "b"}, {"path": "a"}],
    }));
    let canonical: Value = serde_json::from_slice(&read(line.as_bytes()).unwrap().to_canonical()).unwrap();
    let expected = json!([{"gate_id": "\u{fb33}", "status": "FAIL"}, {"gate_id": "\u{1f600}", "status": "PASS"}]);
    assert_eq!(canonical["gates"], expected, "by UTF-8 bytes");
    let guards = json!([{"guard_id": "g", "status": "PASS", "evidence_refs": ["a", "b"], "reason_codes": []}]);
    assert_eq!(canonical["guard_evals"], guards);
    assert_eq!((&canonical["env"], &canonical["labels"]), (&json!({}), &json!({})));
    assert_eq!(canonical["task_spec"]["versions"], json!({}), "given empty, so it stays");
    assert_eq!(canonical["task_spec"]["side_effects"], json!({"mode": "none", "allow_paths": []}));
    assert_eq!(canonical["message"], "");
    assert_eq!(canonical["ts"], "2026-02-15T00:00:00.5Z");
    assert_eq!(canonical["evidence"], json!([{"path": "b"}, {"path": "a"}]), "evidence is no set");
    assert!(canonical.get("lane").is_none() && canonical.get("attempts").is_none());
}

#[test]
fn m32_a_time_after_the_limit_is_refused_and_at_the_limit_is_not() {
    let refused = |limit: &str| {
        let mut reader = Reader::new().not_after(Some(limit.parse().unwrap()));
        reader.read(EXAMPLE_LINE).err().map(|rejection| rejection.problems()[0].code)
    };
    assert_eq!(refused("2026-02-15T00:00:00Z"), None);
    assert_eq!(refused("2026-02-15T01:00:00+01:00"), None);
    assert_eq!(refused("2026-02-14T23:59:59.999999999Z"), Some(ProblemCode::TimestampFuture));
}

#[test]
fn m121_lines_end_with_a_line_feed_and_may_start_with_a_mark() {
    let found: Vec<Line<'_>> = lines("a\n\u{feff}\u{feff}b\r\r\n \t\r\n\u{feff}".as_bytes(), 1, 0).collect();
    let bytes: Vec<_> = found.iter().map(|line| (line.bytes, line.offset, line.is_blank())).collect();
    assert_eq!(
        bytes,
        [(&b"a"[..], 0, false), ("\u{feff}b\r".as_bytes(), 5, false), (b" \t", 12, true), (b"", 19, true),]
    );
    assert_eq!(lines(b"", 1, 0).count(), 0);
    assert_eq!(lines(b"\n\n", 1, 0).count(), 2);
}

proptest! {
    #[test]
    fn m01_any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
        prop_assert!(read(&bytes).is_err());
    }

    #[test]
    fn m01_reading_agrees_with_serde_json_on_what_is_json(line in envelope_line(), place: usize, byte: u8) {
        let mut line = line;
        let place = place % line.len();
        line[place] = byte;
        let ours = read(&line).map_err(|rejection| rejection.problems()[0].code);
        let text_problem = matches!(
            ours,
            Err(ProblemCode::JsonInvalid | ProblemCode::Utf8Invalid | ProblemCode::JsonDuplicateKey)
        );
        match serde_json::from_slice::<Value>(&line) {
            // It stops at a number that it cannot hold, such as `1e999`, whatever comes behind.
            Err(error) if error.to_string().starts_with("number out of range") => {}
            Err(_) => prop_assert!(text_problem, "{ours:?}"),
            Ok(_) => prop_assert!(!matches!(ours, Err(ProblemCode::JsonInvalid | ProblemCode::Utf8Invalid)), "{ours:?}"),
        }
    }
}
