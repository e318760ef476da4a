//! `dome replay --redact`.

use serde_json::Value;

use crate::harness::{Place, golden};

const SECRET: &str = "ghp_0123456789abcdefghij0123456789abcdef";

/// A secret in a fact, in a conflict, in a bad envelope, in junk that is no UTF-8, and in a line
/// that is too long; one is escaped.
fn input() -> Vec<u8> {
    let line = str::from_utf8(dome_core::EXAMPLE_LINE).unwrap();
    let with = |message: &str, id: &str, sequence: &str| {
        let mut value: Value = serde_json::from_str(line).unwrap();
        let members = value.as_object_mut().unwrap();
        members.insert("message".to_owned(), message.into());
        members.insert("event_id".to_owned(), id.into());
        members.insert("sequence".to_owned(), sequence.parse::<u64>().unwrap().into());
        value.to_string()
    };
    let mut bytes = Vec::new();
    bytes.extend(with(&format!("push with {SECRET} failed"), "e1", "1").replace("ghp", "\\u0067hp").into_bytes());
    bytes.extend(format!("\n{}\n", with(&format!("other {SECRET}"), "e1", "2")).into_bytes());
    bytes.extend(format!("{}\n", with(SECRET, "e3", "3").replace("\"run_id\"", "\"run\"")).into_bytes());
    bytes.extend(format!("junk {SECRET} ").into_bytes());
    bytes.extend(b"\xFF\n");
    bytes.extend("x".repeat(4_060).into_bytes());
    bytes.extend(format!(" {SECRET} {}\n", "y".repeat(3_000_000)).into_bytes());
    bytes
}

fn manifest(place: &Place, out: &str) -> Value {
    serde_json::from_slice(place.files(out).get("manifest.json").unwrap()).unwrap()
}

#[test]
fn a_secret_is_in_no_output_on_any_number_of_threads() {
    let place = Place::new();
    place.file("a.jsonl", input());
    for threads in ["1", "2", "5"] {
        let ended =
            place.dome(&["replay", "a.jsonl", "--redact", "built-in", "--out", threads, "--threads", threads], b"");
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        assert!(ended.stdout.contains("github-token 5"), "{}", ended.stdout);
        assert_eq!(place.files(threads), place.files("1"), "l5: threads change nothing");
    }
    let files = place.files("1");
    let text: String = files.values().map(|bytes| String::from_utf8_lossy(bytes).into_owned()).collect();
    assert!(!text.contains("0123456789abcdefghij"), "{text}");
    assert!(text.contains("push with [redacted:github-token] failed"), "{text}");
    let rows: Vec<Value> = str::from_utf8(&files["quarantine.jsonl"])
        .unwrap()
        .lines()
        .map(|row| serde_json::from_str(row).unwrap())
        .collect();
    assert_eq!(rows.len(), 4);
    let [conflict, bad, junk, long] = rows.as_slice() else { unreachable!() };
    for row in [conflict, bad] {
        let raw = row["raw"].as_str().unwrap();
        assert!(raw.contains("[redacted:github-token]"));
        assert_eq!(row["length"], raw.len());
        assert_eq!(row["sha256"], dome_core::Sha256Hash::of(raw.as_bytes()).to_string());
    }
    assert_eq!(junk["raw_base64"], "anVuayBbcmVkYWN0ZWQ6Z2l0aHViLXRva2VuXSD/", "`junk [redacted:github-token] `, 0xFF");
    assert_eq!(long["length"], 3_000_000 + 4_060 + 2 + SECRET.len());
    let kept = long["raw"].as_str().unwrap();
    assert!(kept.contains(" [redacted:github-token] y"), "{kept}");
    assert_eq!(long["sha256"], dome_core::Sha256Hash::of(kept.as_bytes()).to_string());
}

#[test]
fn the_manifest_says_by_which_rules_and_how_often() {
    let place = Place::new();
    place.file("a.jsonl", input());
    let rules = br#"{"redaction_version":"1","members":["/message"],"off":["jwt"]}"#;
    place.file("rules.json", rules);
    place.file("dome.toml", "[replay]\nredact = \"rules.json\"\n");
    assert_eq!(place.dome(&["replay", "a.jsonl", "--out", "o"], b"").code, 0);
    let redaction = &manifest(&place, "o")["redaction"];
    let parsed = dome_core::redact::Redaction::parse(rules).unwrap();
    assert_eq!(redaction["digest"], parsed.digest().to_string());
    assert_eq!(redaction["rules"]["off"], serde_json::json!(["jwt"]));
    assert_eq!(redaction["version"], "2", "a document of version 1 is read, and the rules are of this one");
    assert_eq!(redaction["counts"], serde_json::json!({"github-token": 2, "member": 3}));
    let piped = place.dome(&["replay", "-", "--out", "p", "--redact", "built-in", "--format", "json"], &input());
    let summary: Value = serde_json::from_str(&piped.stdout).unwrap();
    assert_eq!(summary["redacted"], serde_json::json!({"github-token": 5}), "a flag wins: {}", piped.stdout);
}

#[test]
fn it_is_off_by_default_and_changes_nothing_where_there_is_no_secret() {
    let place = Place::new();
    let (input, codes) = (golden("input"), golden("reason-codes.json"));
    let args = ["replay", input.to_str().unwrap(), "--reason-codes", codes.to_str().unwrap(), "--out"];
    assert_eq!(place.dome(&[&args[..], &["off"]].concat(), b"").code, 0);
    assert_eq!(place.dome(&[&args[..], &["on", "--redact", "built-in"]].concat(), b"").code, 0);
    let (mut off, mut on) = (place.files("off"), place.files("on"));
    let [off_says, on_says] = ["off", "on"].map(|out| manifest(&place, out));
    assert!(off_says.get("redaction").is_none());
    assert_eq!(on_says["redaction"]["counts"], serde_json::json!({}));
    off.remove("manifest.json");
    on.remove("manifest.json");
    // Of a line that is too long only the start is hashed; all else is equal.
    let [off_rows, on_rows] = [&mut off, &mut on].map(|files| {
        let text = String::from_utf8(files.remove("quarantine.jsonl").unwrap()).unwrap();
        let rows = text.lines().filter(|row| !row.contains("line_too_long")).map(str::to_owned);
        rows.collect::<Vec<_>>()
    });
    assert_eq!(off_rows, on_rows);
    let differ: Vec<_> = off.keys().filter(|name| off.get(*name) != on.get(*name)).collect();
    assert!(differ.is_empty() && off.len() == on.len(), "{differ:?}");
}

#[test]
fn rules_that_are_wrong_are_told_what_and_where() {
    let place = Place::new();
    place.file("a.jsonl", dome_core::EXAMPLE_LINE);
    place.file("rules.json", r#"{"redaction_version":"1","off":["jwts"]}"#);
    let wrong = place.dome(&["replay", "a.jsonl", "--out", "o", "--redact", "rules.json"], b"");
    assert_eq!(wrong.code, 3, "{}", wrong.stderr);
    assert!(wrong.stderr.contains("`rules.json`: `/off/0`: no built-in rule `jwts`"), "{}", wrong.stderr);
    let missing = place.dome(&["replay", "a.jsonl", "--out", "o", "--redact", "none.json"], b"");
    assert_eq!(missing.code, 1, "{}", missing.stderr);
    assert!(!place.path("o").exists());
}
