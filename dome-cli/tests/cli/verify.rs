//! `dome verify`.

use dome_arbitrary::{Dice, history, layout};
use dome_core::Sha256Hash;
use proptest::prelude::*;
use serde_json::Value;

use crate::harness::{Place, golden};

/// One-value edits that are tried.
const EDITS: u32 = 160;

/// The golden history, replayed with everything that a manifest can name.
fn replayed(out: &str) -> Place {
    let place = Place::new();
    let [input, codes, policy] = ["input", "reason-codes.json", "policy.json"].map(golden);
    let [input, codes, policy] = [&input, &codes, &policy].map(|path| path.to_str().unwrap());
    let rules = ["--reason-codes", codes, "--policy", policy, "--not-after", "2027-01-01T00:00:00Z"];
    let how = ["--mode", "lenient", "--as-of", "2026-03-27T00:00:05Z", "--out", out];
    let ended = place.dome(&[&["replay", input], &rules[..], &how[..]].concat(), b"");
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    place
}

/// What `verify` says of the directory.
fn verified(place: &Place, out: &str) -> (i32, Value) {
    let ended = place.dome(&["verify", out, "--format", "json"], b"");
    assert!(ended.stderr.is_empty(), "{}", ended.stderr);
    (ended.code, serde_json::from_str(&ended.stdout).unwrap())
}

fn number(dice: &mut Dice, below: usize) -> usize {
    (dice.roll(256) * 256 + dice.roll(256)) % below
}

/// The places of all strings, numbers and booleans.
fn leaves(value: &Value, pointer: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => members.iter().for_each(|(name, value)| {
            leaves(value, &format!("{pointer}/{}", dome_core::json::pointer_step(name)), found);
        }),
        Value::Array(entries) => {
            entries.iter().enumerate().for_each(|(place, value)| leaves(value, &format!("{pointer}/{place}"), found));
        }
        Value::String(text) if text.is_empty() => {}
        _ => found.push(pointer.to_owned()),
    }
}

/// Changes one value of a row: a character of a string, a number, a boolean.
fn edit_row(line: &str, dice: &mut Dice) -> String {
    let mut row: Value = serde_json::from_str(line).unwrap();
    let mut places = Vec::new();
    leaves(&row, "", &mut places);
    let place = &places[number(dice, places.len())];
    let leaf = row.pointer_mut(place).unwrap();
    *leaf = match &*leaf {
        Value::Bool(truth) => Value::Bool(!truth),
        Value::Number(number) => (number.as_u64().unwrap() ^ (1 << dice.roll(4))).into(),
        Value::String(text) => {
            let mut chars: Vec<char> = text.chars().collect();
            let at = number(dice, chars.len());
            chars[at] = if chars[at].is_ascii_digit() { if chars[at] == '7' { '3' } else { '7' } } else { 'q' };
            if chars.iter().collect::<String>() == *text {
                chars[at] = 'z';
            }
            chars.into_iter().collect::<String>().into()
        }
        other => unreachable!("{other}"),
    };
    row.to_string()
}

/// Changes one value, or drops, swaps or doubles a line, in any file that has one.
fn edit(place: &Place, out: &str, dice: &mut Dice) -> (String, String) {
    let files: Vec<_> = place.files(out).into_iter().filter(|(_, bytes)| !bytes.is_empty()).collect();
    let (name, bytes) = &files[number(dice, files.len())];
    let mut lines: Vec<String> = str::from_utf8(bytes).unwrap().lines().map(str::to_owned).collect();
    let at = number(dice, lines.len());
    let done = match dice.roll(8) {
        0 => format!("dropped {}", lines.remove(at)),
        1 if at + 1 < lines.len() => {
            lines.swap(at, at + 1);
            format!("swapped {at}")
        }
        2 if name != "manifest.json" => {
            lines.insert(at, lines[at].clone());
            format!("doubled {at}")
        }
        _ => {
            let edited = edit_row(&lines[at], dice);
            format!("{} became {edited}", std::mem::replace(&mut lines[at], edited.clone()))
        }
    };
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    place.file(&format!("{out}/{name}"), text);
    (name.clone(), done)
}

fn restore(place: &Place, out: &str, files: &std::collections::BTreeMap<String, Vec<u8>>) {
    files.iter().for_each(|(name, bytes)| drop(place.file(&format!("{out}/{name}"), bytes)));
}

fn seeded(seed: u32) -> Dice {
    Dice::new(Sha256Hash::of(&seed.to_le_bytes()).as_bytes().to_vec())
}

#[test]
fn l10_an_untouched_result_is_what_its_facts_come_to() {
    let place = replayed("o");
    let (code, said) = verified(&place, "o");
    assert_eq!(
        (code, said["verified"].as_bool(), said["difference_count"].as_u64()),
        (0, Some(true), Some(0)),
        "{said}"
    );
    place.file("o/.dome-cache/index", "what dome keeps for itself");
    assert_eq!(verified(&place, "o").0, 0);
    let ended = place.dome(&["verify", "o"], b"");
    assert!(ended.stdout.starts_with("o: ") && ended.stdout.contains("facts come to"), "{}", ended.stdout);
}

#[test]
fn l10_every_one_value_edit_is_found() {
    let place = replayed("o");
    let whole = place.files("o");
    let mut touched = std::collections::BTreeMap::<String, u32>::new();
    for seed in 0..EDITS {
        let (name, done) = edit(&place, "o", &mut seeded(seed));
        let (code, said) = verified(&place, "o");
        assert_eq!(code, 5, "seed {seed}, {name}: {done}");
        assert!(said["difference_count"].as_u64() >= Some(1), "seed {seed}, {name}: {done}");
        *touched.entry(name).or_default() += 1;
        restore(&place, "o", &whole);
    }
    assert_eq!(touched.len(), whole.values().filter(|bytes| !bytes.is_empty()).count(), "{touched:?}");
    assert_eq!(verified(&place, "o").0, 0);
}

/// Names the edited file in the manifest, as a forger would who knows the digests but not the rules.
fn forge(place: &Place, out: &str, name: &str) {
    let bytes = &place.files(out)[name];
    let path = place.path(&format!("{out}/manifest.json"));
    let mut manifest: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    manifest["files"][name]["sha256"] = Sha256Hash::of(bytes).to_string().into();
    manifest["files"][name]["lines"] = bytes.iter().filter(|byte| **byte == b'\n').count().into();
    manifest.as_object_mut().unwrap().remove("manifest_digest");
    let digest = Sha256Hash::of(&dome_core::canonical::to_vec(&manifest).unwrap());
    manifest["manifest_digest"] = digest.to_string().into();
    std::fs::write(path, format!("{manifest}\n")).unwrap();
}

#[test]
fn l10_an_edit_whose_digests_were_mended_is_found_by_recomputing() {
    let place = replayed("o");
    let whole = place.files("o");
    let mut found = 0;
    for seed in 1_000..1_000 + EDITS {
        let (name, done) = edit(&place, "o", &mut seeded(seed));
        // Where a fact stood, and the part of a line that was not kept, is said nowhere else.
        if !matches!(name.as_str(), "lineage.jsonl" | "quarantine.jsonl" | "manifest.json") {
            forge(&place, "o", &name);
            assert_eq!(verified(&place, "o").0, 5, "seed {seed}, {name}: {done}");
            found += 1;
        }
        restore(&place, "o", &whole);
    }
    assert!(found > 80, "{found}");
}

#[test]
fn l10_a_difference_names_path_line_member_expected_and_found() {
    let place = replayed("o");
    let capsules = String::from_utf8(place.files("o")["capsules.jsonl"].clone()).unwrap();
    let mut rows: Vec<Value> = capsules.lines().map(|row| serde_json::from_str(row).unwrap()).collect();
    let support = rows[2]["support_count"].as_u64().unwrap();
    rows[2]["support_count"] = (support + 1).into();
    place.file("o/capsules.jsonl", rows.iter().map(|row| format!("{row}\n")).collect::<String>());
    forge(&place, "o", "capsules.jsonl");
    let (code, said) = verified(&place, "o");
    assert_eq!((code, said["difference_count"].as_u64(), &said["edited"]), (5, Some(1), &serde_json::json!([])));
    let expected = serde_json::json!([{
        "expected": support.to_string(),
        "found": (support + 1).to_string(),
        "line": 3,
        "member": "/support_count",
        "path": "capsules.jsonl",
    }]);
    assert_eq!(said["differences"], expected);
    let shown = place.dome(&["verify", "o"], b"").stdout;
    assert!(shown.starts_with(&format!("capsules.jsonl:3 /support_count\n    expected {support}\n")), "{shown}");
}

#[test]
fn files_too_many_or_too_few_and_files_that_are_no_json_are_differences() {
    let place = replayed("o");
    let whole = place.files("o");
    for (name, bytes, said) in [
        ("notes.txt", Some("mine"), "notes.txt"),
        ("views/more.jsonl", Some("{}\n"), "views/more.jsonl"),
        ("concepts.jsonl", None, "concepts.jsonl"),
        ("facts.jsonl", None, "facts.jsonl"),
        ("facts.jsonl", Some("not json\n"), "a row of facts"),
        ("facts.jsonl", Some("{\"envelope\":{}}\n"), "/envelope/run_id"),
        ("lineage.jsonl", Some("\u{0}\n[]\n"), "lineage.jsonl:1"),
        ("quarantine.jsonl", Some("[\n{}\n"), "quarantine.jsonl:1"),
        ("capsules.jsonl", Some("\n\n\n"), "capsules.jsonl:1"),
        ("manifest.json", Some("[]"), "/format_version"),
        ("manifest.json", Some("{\"format_version\":\"1\"}"), "replay its input again"),
        ("manifest.json", Some("{\"format_version\":\"2\"}"), "/binder_version"),
        ("manifest.json", Some("{"), "not JSON"),
    ] {
        match bytes {
            Some(bytes) => drop(place.file(&format!("o/{name}"), bytes)),
            None => std::fs::remove_file(place.path(&format!("o/{name}"))).unwrap(),
        }
        let ended = place.dome(&["verify", "o"], b"");
        assert_eq!(ended.code, 5, "{name}: {}", ended.stderr);
        assert!(ended.stdout.contains(said), "{name}: {}", ended.stdout);
        let _extra = std::fs::remove_file(place.path(&format!("o/{name}")));
        restore(&place, "o", &whole);
    }
    place.file("o/facts.jsonl", b"\xff\xfe\n");
    assert_eq!(place.dome(&["verify", "o"], b"").code, 5, "bytes that are no text");
}

#[test]
fn what_is_no_result_is_said() {
    let place = Place::new();
    place.file("a.jsonl", "");
    place.file("d/x.txt", "");
    for (dir, code, said) in
        [("a.jsonl", 3, "it is a file"), ("d", 3, "no `manifest.json`"), ("none", 1, "cannot read")]
    {
        let ended = place.dome(&["verify", dir], b"");
        assert_eq!(ended.code, code, "{}", ended.stderr);
        assert!(ended.stderr.contains(said), "{}", ended.stderr);
    }
}

#[test]
fn m31_a_quarantine_row_that_keeps_its_line_is_computed_again() {
    let place = replayed("o");
    let whole = place.files("o");
    let rows = str::from_utf8(&whole["quarantine.jsonl"]).unwrap();
    let edited = |member: &str, value: Value| -> String {
        let edit = |line: &str| {
            let mut row: Value = serde_json::from_str(line).unwrap();
            *row.pointer_mut(member).unwrap() = value.clone();
            format!("{row}\n")
        };
        rows.lines().map(edit).collect()
    };
    for (member, value) in [
        ("/length", Value::from(1)),
        ("/sha256", Sha256Hash::of(b"").to_string().into()),
        ("/problems/0/message", "nothing is wrong".into()),
        ("/problems/0/code", "line_too_long".into()),
    ] {
        place.file("o/quarantine.jsonl", edited(member, value));
        forge(&place, "o", "quarantine.jsonl");
        let (code, said) = verified(&place, "o");
        assert_eq!((code, said["differences"][0]["member"].as_str()), (5, Some(member)), "{said}");
        assert!(said["difference_count"].as_u64() >= Some(rows.lines().count() as u64 / 2), "{said}");
    }
}

proptest! {
    #[test]
    fn l10_whatever_a_replay_writes_is_what_its_facts_come_to(history in history(), layout in layout(), way in 0_usize..6) {
        let place = Place::new();
        for file in layout.files(&history.lines) {
            place.file(&format!("in/{}", file.name), file.bytes);
        }
        let mode = ["strict", "hybrid", "lenient"][way % 3];
        let binder = ["v1", "v2"][way / 3];
        let codes = golden("reason-codes.json");
        let rules = ["--mode", mode, "--binder-version", binder, "--reason-codes", codes.to_str().unwrap()];
        let ended = place.dome(&[&["replay", "in", "--out", "o"], &rules[..]].concat(), b"");
        prop_assert_eq!(ended.code, 0, "{}", ended.stderr);
        let (code, said) = verified(&place, "o");
        prop_assert_eq!(code, 0, "{}", said);
    }
}
