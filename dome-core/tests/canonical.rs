//! Canonical bytes, digests and keys against other ways to compute them (M-01, M-40, section 7).
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on fails")]

use std::io::{Read, Write};

use dome_arbitrary::{Dice, dice, envelope, envelope_line, text, write_oddly};
use dome_core::{
    BinderVersion, CodeTable, Envelope, Fingerprint, Keys, PolicyReasonCode, QuarantineRow, RawLine, Reader,
    Sha256Hash, Source, canonical, read,
};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Map, Value, json};

fn appended<T: serde::Serialize>(value: &T) -> Vec<u8> {
    let mut bytes = Vec::new();
    canonical::append(value, &mut bytes);
    bytes
}

fn hash(value: &Value) -> Sha256Hash {
    Sha256Hash::of(&canonical::to_vec(value).unwrap())
}

fn parsed(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).unwrap()
}

/// The keys as section 7 writes them down, from the canonical envelope alone.
fn keys_by_the_book(binder: BinderVersion, envelope: &Value, fingerprint: &Value) -> Keys {
    let spec = &envelope["task_spec"];
    let (action, target) = (&spec["action"]["kind"], &spec["target"]);
    let (code, fingerprint_hash) = (&spec["failure_reason_code"], hash(fingerprint));
    let idempotency = json!({
        "domain": "dome.idempotency/1", "binder_version": binder.as_str(),
        "run_id": envelope["run_id"], "task_id": envelope["task_id"], "group_id": envelope["group_id"],
    });
    let derived = json!({
        "domain": "dome.derived/1", "binder_version": binder.as_str(), "scope": spec["scope"], "target_kind": target["kind"],
        "target_id": target["id"], "action_kind": action, "failure_reason_code": code,
        "fingerprint_hash": fingerprint_hash,
    });
    let line = json!({
        "domain": "dome.line/1", "scope": spec["scope"], "target_kind": target["kind"], "target_id": target["id"],
        "action_kind": action,
    });
    let concept = json!({
        "domain": "dome.concept/1", "binder_version": binder.as_str(), "target_kind": target["kind"], "action_kind": action,
        "failure_reason_code": code, "fingerprint_hash": fingerprint_hash,
    });
    Keys {
        digest: hash(envelope),
        fingerprint_hash,
        idempotency: hash(&idempotency),
        derived: hash(&derived),
        line: hash(&line),
        concept: hash(&concept),
    }
}

fn members(pairs: impl IntoIterator<Item = (String, Value)>) -> Value {
    Value::Object(pairs.into_iter().collect())
}

/// The fingerprint as M-50 writes it down; versions and messages are normalised by the crate.
fn fingerprint_by_the_book(binder: BinderVersion, envelope: &Value) -> Value {
    let version = |value: &Value| Value::from(dome_core::normal_version(value.as_str().unwrap()).as_str());
    let mut object = Map::new();
    let number = binder.as_str().trim_start_matches('v');
    object.insert("fingerprint_version".to_owned(), number.into());
    let mut failed: Vec<&str> = envelope["gates"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|gate| gate["status"] == "FAIL")
        .map(|gate| gate["gate_id"].as_str().unwrap())
        .collect();
    failed.sort_unstable();
    object.insert("failed_gates".to_owned(), failed.into());
    if let Some(tool) = envelope.get("tool") {
        object.insert("tool_name".to_owned(), tool["name"].clone());
        object.insert("tool_version".to_owned(), version(&tool["version"]));
        object.extend(tool.get("config_sha256").map(|hash| ("config_sha256".to_owned(), hash.clone())));
    }
    let versions = envelope["task_spec"].get("versions").and_then(Value::as_object);
    if let Some(versions) = versions.filter(|versions| !versions.is_empty()) {
        let normal = members(versions.iter().map(|(name, value)| (name.clone(), version(value))));
        object.insert("versions".to_owned(), normal);
    }
    let env: Map<String, Value> = envelope["env"]
        .as_object()
        .unwrap()
        .iter()
        .filter(|(key, _)| ["os", "arch", "runtime", "env_class"].contains(&key.to_ascii_lowercase().as_str()))
        .map(|(key, value)| {
            let blank = |c: char| ('\u{9}'..='\u{d}').contains(&c) || c == ' ';
            (key.to_ascii_lowercase(), value.as_str().unwrap().trim_matches(blank).to_ascii_lowercase().into())
        })
        .collect();
    if !env.is_empty() {
        object.insert("env".to_owned(), env.into());
    }
    if let Some(message) = envelope.get("message") {
        let template = dome_core::message_template_under(binder, message.as_str().unwrap());
        object.insert("message_template".to_owned(), template.as_str().into());
    }
    Value::Object(object)
}

proptest! {
    #[test]
    fn m01_what_is_declared_in_canonical_order_is_canonical(line in envelope_line()) {
        let envelope = read(&line).unwrap();
        prop_assert_eq!(appended(&envelope), canonical::to_vec(&envelope).unwrap());
        let fingerprint = Fingerprint::of(&envelope);
        prop_assert_eq!(appended(&fingerprint), canonical::to_vec(&fingerprint).unwrap());
        if let Some(remedy) = &envelope.remedy {
            prop_assert_eq!(appended(remedy), canonical::to_vec(remedy).unwrap());
        }
    }

    #[test]
    fn m31_a_quarantine_row_is_canonical(broken in dome_arbitrary::broken_line()) {
        let source = Source { line: 1, name: "\u{1f600}".into() };
        let rejection = read(&broken.line).unwrap_err();
        let row: QuarantineRow = RawLine::of(&broken.line).row(3, source, rejection);
        prop_assert_eq!(appended(&row), canonical::to_vec(&row).unwrap());
    }

    #[test]
    fn m60_keys_are_the_documented_objects(line in envelope_line()) {
        let envelope = read(&line).unwrap();
        let canonical = parsed(&envelope.to_canonical());
        for binder in BinderVersion::ALL {
            let fingerprint = fingerprint_by_the_book(*binder, &canonical);
            prop_assert_eq!(parsed(&appended(&Fingerprint::under(*binder, &envelope))), fingerprint.clone());
            prop_assert_eq!(Keys::under(*binder, &envelope), keys_by_the_book(*binder, &canonical, &fingerprint));
        }
        prop_assert_eq!(Keys::of(&envelope), Keys::under(BinderVersion::V1, &envelope));
    }

    #[test]
    fn m83_a_remedy_is_its_kind_with_its_sha256_or_else_its_ref(line in envelope_line()) {
        let Some(remedy) = read(&line).unwrap().remedy else { return Ok(()) };
        let written = parsed(&appended(&remedy));
        let identity = match written.get("sha256") {
            Some(sha256) => json!({"kind": written["kind"], "sha256": sha256}),
            None => json!({"kind": written["kind"], "ref": written["ref"]}),
        };
        prop_assert_eq!(remedy.identity(), hash(&identity));
    }

    #[test]
    fn l7_canonical_bytes_are_read_back_and_written_again(line in envelope_line()) {
        let envelope = read(&line).unwrap();
        let bytes = envelope.to_canonical();
        let again = Reader::new().any_length().read(&bytes).unwrap();
        prop_assert_eq!(again.to_canonical(), bytes);
        prop_assert_eq!(again, envelope);
    }

    #[test]
    fn l7_the_same_envelope_in_other_words_has_the_same_bytes(value in envelope(), mut odd in dice(400)) {
        let plain = read(write_oddly(&value, &mut Dice::default()).as_bytes()).unwrap();
        let other = read(write_oddly(&value, &mut odd).as_bytes()).unwrap();
        prop_assert_eq!(plain.to_canonical(), other.to_canonical());
    }

    #[test]
    fn l7_envelopes_that_differ_differ_in_their_bytes(a in envelope(), b in envelope(), from_b in dice(8)) {
        let twin = crossed(&a, &b, from_b);
        let [a, b, twin] = [a, b, twin].map(|value| read(value.to_string().as_bytes()).unwrap());
        for (left, right) in [(&a, &b), (&a, &twin), (&b, &twin)] {
            prop_assert_eq!(left == right, left.to_canonical() == right.to_canonical());
            prop_assert_eq!(left == right, left.digest() == right.digest());
        }
    }

    #[test]
    fn l6_a_policy_code_changes_no_failure(value in envelope(), code in text::policy_reason_code()) {
        let mut denied = value.clone();
        let object = denied.as_object_mut().unwrap();
        object.remove("guard_reason_code");
        object.insert("policy_reason_code".to_owned(), code.clone().into());
        let [plain, denied] = [value, denied].map(|value| read(value.to_string().as_bytes()).unwrap());
        prop_assert_eq!(denied.policy_reason_code.as_ref().map(PolicyReasonCode::as_str), Some(code.as_str()));
        prop_assert_eq!(&plain.task_spec, &denied.task_spec);
        let without_digest = |envelope: &Envelope| Keys { digest: Sha256Hash::of(b""), ..Keys::of(envelope) };
        prop_assert_eq!(without_digest(&plain), without_digest(&denied));
        prop_assert_eq!(Fingerprint::of(&plain), Fingerprint::of(&denied));
    }
}

/// `a` with one free member of `b`: nearly the same envelope.
fn crossed(a: &Value, b: &Value, mut dice: Dice) -> Value {
    let free = ["event_id", "run_id", "task_id", "group_id", "lane", "ts", "tool", "env", "labels", "message"];
    let name = dice.pick(free);
    let mut twin = a.as_object().unwrap().clone();
    match b.get(name) {
        Some(value) => twin.insert(name.to_owned(), value.clone()),
        None => twin.remove(name),
    };
    Value::Object(twin)
}

#[test]
fn l7_canonical_bytes_may_be_longer_than_a_line() {
    let mut value = parsed(dome_core::EXAMPLE_LINE);
    let room = dome_core::limits::LINE_BYTES - value.to_string().len() - r#","labels":{"a":""}"#.len();
    value["labels"] = json!({"a": "x".repeat(room)});
    let line = value.to_string();
    assert_eq!(line.len(), dome_core::limits::LINE_BYTES);
    let bytes = read(line.as_bytes()).unwrap().to_canonical();
    assert!(bytes.len() > dome_core::limits::LINE_BYTES);
    assert_eq!(read(&bytes).unwrap_err().problems()[0].code.as_str(), "line_too_long");
    assert_eq!(Reader::new().any_length().read(&bytes).unwrap().to_canonical(), bytes);
}

#[test]
fn m90_a_code_table_is_canonical() {
    let document = include_bytes!("../../xtrlv2-fixtures/golden/small/reason-codes.json");
    let table = CodeTable::parse(document).unwrap();
    assert_eq!(appended(&table), canonical::to_vec(&table).unwrap());
    assert_eq!(table.digest(), Sha256Hash::of(&canonical::to_vec(&parsed(document)).unwrap()));
}

/// How many envelopes the other writers get for one case of `PROPTEST_CASES`: they are cheap.
const ENVELOPES_PER_CASE: u32 = 40;

fn many_envelopes() -> Vec<Vec<u8>> {
    let mut runner = TestRunner::new(Config::default());
    let line = envelope_line();
    (0..runner.config().cases * ENVELOPES_PER_CASE).map(|_| line.new_tree(&mut runner).unwrap().current()).collect()
}

#[test]
fn m01_many_envelopes_have_the_bytes_of_two_other_writers() {
    let mut lines = Vec::new();
    let mut expected = Vec::new();
    for (number, line) in many_envelopes().iter().enumerate() {
        let bytes = read(line).unwrap().to_canonical();
        assert_eq!(serde_jcs::to_vec(&parsed(&bytes)).unwrap(), bytes, "serde_jcs");
        let mut odd = Dice::new((0..200).map(|place: usize| (place * 31 + number * 7 % 251) as u8).collect());
        lines.extend(write_oddly(&parsed(&bytes), &mut odd).into_bytes());
        lines.push(b'\n');
        expected.extend(bytes);
        expected.push(b'\n');
    }
    let Some(found) = python(lines) else {
        println!("python3 is not there: not compared with tests/jcs.py");
        return;
    };
    let rows = found.split(|byte| *byte == b'\n').zip(expected.split(|byte| *byte == b'\n'));
    for (found, expected) in rows {
        assert_eq!(str::from_utf8(found), str::from_utf8(expected), "tests/jcs.py");
    }
    assert_eq!(found.len(), expected.len());
}

/// What `tests/jcs.py` writes; `None` where there is no Python.
fn python(lines: Vec<u8>) -> Option<Vec<u8>> {
    use std::process::{Command, Stdio};
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../dome-core/tests/jcs.py");
    let mut child =
        Command::new("python3").args(["-B", script]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().ok()?;
    let mut input = child.stdin.take().unwrap();
    let writer = std::thread::spawn(move || input.write_all(&lines));
    let mut found = Vec::new();
    child.stdout.take().unwrap().read_to_end(&mut found).unwrap();
    writer.join().unwrap().unwrap();
    assert!(child.wait().unwrap().success());
    Some(found)
}
