//! Lines that are wrong in one known way (M-30).

use proptest::prelude::*;
use serde_json::{Value, json};

use super::dice::{Dice, dice};
use super::envelope::{JsonMembers, envelope};
use super::write::write_oddly;
use dome_core::{ProblemCode, limits};

/// A line that must be rejected.
#[derive(Clone, Debug)]
pub struct BrokenLine {
    /// The line, without its end.
    pub line: Vec<u8>,
    /// A code that its problems have; there may be others beside it.
    pub code: ProblemCode,
}

type Break = fn(&mut JsonMembers, &mut Dice);

const REQUIRED: [&str; 8] = ["event_id", "sequence", "run_id", "task_id", "group_id", "ts", "signal", "task_spec"];

/// No `timestamp_future`, which needs a limit from outside, and neither conflict: they need a second line.
const MEMBERS: [(ProblemCode, Break); 16] = [
    (ProblemCode::NumberUnsafe, |members, dice| {
        let beyond = dice.pick([json!(9_007_199_254_740_992_u64), json!(u64::MAX), json!(-9_007_199_254_740_992_i64)]);
        put(members, dice.pick(["sequence", "attempts", "duration_ms"]), beyond);
    }),
    (ProblemCode::MissingField, |members, dice| {
        members.remove(dice.pick(REQUIRED));
    }),
    (ProblemCode::UnknownField, |members, dice| {
        put(members, dice.pick(["runid", "Signal", "", "a/b~c", "gate"]), json!({"x": [null]}));
    }),
    (ProblemCode::WrongType, |members, dice| {
        let wrong = dice.pick([json!(null), json!(1.0), json!(true), json!([[]])]);
        put(members, dice.pick(["run_id", "sequence", "env", "task_spec", "tool", "lane", "message"]), wrong);
    }),
    (ProblemCode::ValueNotAllowed, |members, dice| {
        put(members, dice.pick(["signal", "wrapper_policy"]), dice.pick(["", "failed", "Strict"]).into());
    }),
    (ProblemCode::OutOfRange, |members, dice| {
        let (name, value) = dice.pick([
            ("sequence", json!(0)),
            ("sequence", json!(-1)),
            ("attempts", json!(limits::ATTEMPTS + 1)),
            ("message", "m".repeat(limits::MESSAGE_BYTES + 1).into()),
        ]);
        put(members, name, value);
    }),
    (ProblemCode::IdentifierInvalid, |members, dice| {
        let bad = dice.pick([" a", "", "a\u{85}b", "a\n", "\u{2003}a"]);
        put(members, dice.pick(["run_id", "event_id", "task_id", "group_id", "lane"]), bad.into());
    }),
    (ProblemCode::TokenInvalid, |members, dice| {
        let kind = members.get_mut("task_spec").and_then(|spec| spec.pointer_mut("/action/kind"));
        kind.into_iter().for_each(|kind| *kind = dice.pick(["Fix", "", "1a", "a-b"]).into());
    }),
    (ProblemCode::ReasonCodeInvalid, |members, dice| {
        put(members, "policy_reason_code", dice.pick(["NONE", "lower", "A..B", ""]).into());
    }),
    (ProblemCode::TimestampInvalid, |members, dice| {
        let bad = ["2026-02-30T00:00:00Z", "2026-02-15", "2026-02-15T00:00:60Z", "0001-01-01T00:00:00+00:01"];
        put(members, "ts", dice.pick(bad).into());
    }),
    (ProblemCode::HashInvalid, |members, dice| {
        put(members, "applied_capsule", dice.pick(["", "abc"]).into());
    }),
    (ProblemCode::PathUnsafe, |members, dice| {
        let bad = ["/etc/passwd", "a/../b", "a\\b", "C:/x", "file://x", "s3://"];
        put(members, "evidence", json!([{"path": dice.pick(bad)}]));
    }),
    (ProblemCode::DuplicateItem, |members, dice| {
        let gate = json!({"gate_id": "g", "status": "PASS"});
        let guard = json!({"guard_id": "g", "status": "PASS"});
        let (name, value) = dice.pick([
            ("gates", json!([gate, gate])),
            ("guard_evals", json!([guard, guard])),
            ("env", json!({"os": "a", "OS": "b"})),
        ]);
        put(members, name, value);
    }),
    (ProblemCode::SignalMismatch, |members, dice| {
        let failed = json!([{"gate_id": "g", "status": "FAIL"}]);
        match dice.roll(3) {
            0 => [("signal", "success".into()), ("gates", failed)].into_iter().for_each(|(k, v)| put(members, k, v)),
            1 => {
                put(members, "signal", "denial".into());
                ["policy_reason_code", "guard_reason_code"].iter().for_each(|name| drop(members.remove(*name)));
            }
            _ => {
                put(members, "signal", "observation".into());
                put(members, "remedy", json!({"kind": "patch", "ref": "a"}));
            }
        }
    }),
    (ProblemCode::EvidenceMissing, |members, dice| match dice.roll(3) {
        0 => drop(members.remove("evidence")),
        1 => put(members, "evidence", json!([])),
        _ => put(members, "evidence", json!([{"bytes": 1}])),
    }),
    (ProblemCode::UnsupportedVersion, |members, dice| {
        put(members, "envelope_version", dice.pick(["2", "", "1.0"]).into());
    }),
];

fn put(members: &mut JsonMembers, name: &str, value: Value) {
    members.insert(name.to_owned(), value);
}

fn broken_text(text: String, which: usize, dice: &mut Dice) -> BrokenLine {
    let whole = text.trim_end_matches('}').to_owned();
    let at = dice.roll(256).checked_rem(whole.len().saturating_sub(1)).unwrap_or(0) + 1;
    let (line, code) = match which {
        0 => {
            let mut bytes = text.into_bytes();
            bytes.insert(at.min(bytes.len()), 0xFF);
            (bytes, ProblemCode::Utf8Invalid)
        }
        1 => {
            let end = text.char_indices().map(|(place, _)| place).take_while(|place| *place <= at).last().unwrap_or(0);
            (text.into_bytes().drain(..end).collect(), ProblemCode::JsonInvalid)
        }
        2 => (text.replacen('{', "{\"lane\":\"\\ud800\",", 1).into_bytes(), ProblemCode::JsonInvalid),
        3 => {
            let deep = format!("{{\"labels\":{}{},", "[".repeat(32), "]".repeat(32));
            (text.replacen('{', &deep, 1).into_bytes(), ProblemCode::JsonTooDeep)
        }
        4 => {
            (text.replacen('{', "{\"run_id\":\"x\",\"run_i\\u0064\":1,", 1).into_bytes(), ProblemCode::JsonDuplicateKey)
        }
        _ => {
            let mut bytes = text.into_bytes();
            bytes.resize(limits::LINE_BYTES + 1, b' ');
            (bytes, ProblemCode::LineTooLong)
        }
    };
    BrokenLine { line, code }
}

/// Lines with one known problem, each of the codes that a line alone can have.
///
/// Codes that need more than the line are not among them: `timestamp_future` (a limit) and the
/// two conflicts (another line).
pub fn broken_line() -> BoxedStrategy<BrokenLine> {
    let text = prop_oneof![10 => 0_usize..5, 1 => Just(5)];
    let text = (envelope(), text, dice(60)).prop_map(|(envelope, which, mut dice)| {
        let compact = write_oddly(&envelope, &mut Dice::default());
        broken_text(compact, which, &mut dice)
    });
    let member = (envelope(), 0..=MEMBERS.len(), dice(60)).prop_map(|(envelope, which, mut dice)| {
        let Value::Object(mut members) = envelope else { return broken_text("{}".to_owned(), 1, &mut dice) };
        let code = match MEMBERS.get(which) {
            Some((code, make)) => {
                make(&mut members, &mut dice);
                *code
            }
            None => {
                put(&mut members, "policy_reason_code", "ONE".into());
                put(&mut members, "guard_reason_code", "OTHER".into());
                ProblemCode::AliasConflict
            }
        };
        BrokenLine { line: write_oddly(&Value::Object(members), &mut dice).into_bytes(), code }
    });
    prop_oneof![1 => text, 3 => member].boxed()
}
