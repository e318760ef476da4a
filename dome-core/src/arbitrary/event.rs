//! One event of a history: few values for every member, so that events meet.

use serde_json::{Map, Value, json};

use super::dice::Dice;
use super::envelope::make_sound;
use crate::time::Timestamp;

/// What goes on while a history is written: the clock and the sequences of the runs.
pub(super) struct Scribe {
    clock_s: i64,
    sequences: [u64; 4],
    events: usize,
}

/// 2026-02-15T00:00:00Z
const START_S: i64 = 1_771_113_600;

/// Runs whose ids sort differently by UTF-8 bytes and by UTF-16 code units.
const RUNS: [&str; 4] = ["run-1", "run-2", "run-\u{fb33}", "run-\u{1f600}"];

impl Scribe {
    pub(super) const fn new() -> Self {
        Self { clock_s: START_S, sequences: [0; 4], events: 0 }
    }

    /// A valid envelope with ids of its own, without `applied_capsule`.
    pub(super) fn event(&mut self, dice: &mut Dice) -> Value {
        self.events += 1;
        let run = dice.roll(RUNS.len());
        let (scope, target, action) = dice.pick([
            ("task", "app", "fix"),
            ("task", "app", "fix"),
            ("task", "app", "fix"),
            ("task", "lib", "fix"),
            ("task", "lib", "fix"),
            ("run", "app", "fix"),
            ("task", "app", "test"),
        ]);
        let mut members = object(json!({
            "envelope_version": "1",
            "event_id": format!("e{}", self.events),
            "group_id": format!("g{}", self.events),
            "run_id": RUNS.get(run),
            "task_id": dice.pick(["unit", "lint"]),
            "sequence": self.sequence(run, dice),
            "ts": self.time(dice),
            "signal": dice.pick(
                ["failure", "success", "failure", "success", "failure", "success", "denial", "anomaly", "observation"]
            ),
            "wrapper_policy": dice.pick(["hybrid", "hybrid", "strict", "lenient"]),
            "task_spec": {
                "scope": scope,
                "target": {"kind": "repo", "id": target},
                "action": {"kind": action},
                "failure_reason_code": dice.pick(
                    ["TESTS_FAILED", "TESTS_FAILED", "TESTS_FAILED", "LINT_FAILED", "BUDGET_EXHAUSTED", "ODD", "NONE"]
                ),
            },
            "evidence": [{"path": "log.txt"}],
        }));
        self.extras(&mut members, dice);
        make_sound(&mut members);
        Value::Object(members)
    }

    fn extras(&self, members: &mut Map<String, Value>, dice: &mut Dice) {
        let extras = [
            ("lane", dice.pick([json!(null), json!(null), json!(null), json!("main"), json!("pr-1")])),
            ("gates", gates(dice)),
            ("guard_evals", guard_evals(dice)),
            ("policy_reason_code", dice.pick([json!(null), json!(null), json!(null), json!("P_A"), json!("P_B")])),
            ("remedy", remedy(dice)),
            ("attempts", dice.pick([json!(null), json!(null), json!(null), json!(3), json!(4)])),
            ("duration_ms", dice.pick([json!(null), json!(0), json!(100), json!(400), json!(1_300), json!(90_000)])),
            ("message", dice.pick([json!(null), json!(null), json!(null), json!("got 1"), json!("got 2"), json!("")])),
            ("tool", tool(dice)),
        ];
        let present = extras.into_iter().filter(|(_, value)| !value.is_null());
        members.extend(present.map(|(name, value)| (name.to_owned(), value)));
    }

    /// Mostly the next one; now and then a repeat, a gap, or one that is long past.
    fn sequence(&mut self, run: usize, dice: &mut Dice) -> u64 {
        let Some(last) = self.sequences.get_mut(run) else { return 1 };
        match dice.roll(12) {
            0..=8 => *last += 1,
            9 => *last += 3,
            10 => {}
            _ => return last.saturating_sub(2).max(1),
        }
        *last = (*last).max(1);
        *last
    }

    /// Steps that end inside, at and after the windows of the default policy; some go back.
    fn time(&mut self, dice: &mut Dice) -> String {
        let step = match dice.roll(16) {
            0..=4 => 1,
            5 | 6 => 0,
            7 | 8 => 60,
            9 => 43_200,
            10 => 86_400,
            11 => 86_401,
            12 => 2_592_001,
            13 => -30,
            14 => -86_400,
            _ => 3_600,
        };
        let seconds = self.clock_s + step;
        self.clock_s = self.clock_s.max(seconds);
        let nanoseconds = dice.pick([0, 0, 0, 1, 500_000_000]);
        Timestamp::from_unix(seconds, nanoseconds).map(|time| time.to_string()).unwrap_or_default()
    }
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}

fn gate(gate_id: &str, status: &str) -> Value {
    json!({"gate_id": gate_id, "status": status})
}

fn gates(dice: &mut Dice) -> Value {
    match dice.roll(14) {
        0..=4 => Value::Null,
        5 => json!([gate("unit", "FAIL")]),
        6 => json!([gate("unit", "PASS")]),
        7 => json!([gate("unit", "PASS"), gate("lint", "PASS")]),
        8 => json!([gate("unit", "FAIL"), gate("lint", "PASS")]),
        9 => json!([gate("unit", "PASS"), gate("lint", "FAIL")]),
        10 => json!([gate("unit", "FAIL"), gate("lint", "FAIL")]),
        11 => json!([gate("unit", "SKIP")]),
        12 => json!([gate("lint", "PASS")]),
        _ => json!([]),
    }
}

fn guard_evals(dice: &mut Dice) -> Value {
    let eval = |guard_id: &str, status: &str, decision: &str, codes: &[&str]| {
        let mut eval = object(json!({"guard_id": guard_id, "status": status, "reason_codes": codes}));
        if !decision.is_empty() {
            eval.insert("decision".to_owned(), decision.into());
        }
        Value::Object(eval)
    };
    match dice.roll(14) {
        0..=5 => Value::Null,
        6 => json!([eval("a", "FAIL", "DENY", &[])]),
        7 => json!([eval("a", "PASS", "ALLOW", &[])]),
        8 => json!([eval("b", "PASS", "ALLOW", &[])]),
        9 => json!([eval("b", "PASS", "ALLOW", &[]), eval("a", "FAIL", "DENY", &["P_B", "P_A", "P_B"])]),
        10 => json!([eval("a", "FAIL", "STOP", &["P_A"])]),
        11 => json!([eval("a", "FAIL", "STOP", &["P_C"]), eval("b", "FAIL", "DENY", &[])]),
        12 => json!([eval("a", "FAIL", "", &["P_A"])]),
        _ => json!([eval("a", "PASS", "ALLOW", &["P_A"]), eval("b", "PASS", "ALLOW", &[])]),
    }
}

fn remedy(dice: &mut Dice) -> Value {
    let hash = crate::Sha256Hash::of(b"patch").to_string();
    match dice.roll(10) {
        0..=3 => Value::Null,
        4 => json!({"kind": "patch", "ref": "p/1"}),
        5 => json!({"kind": "patch", "ref": "p/1", "summary": "the same, told otherwise"}),
        6 => json!({"kind": "patch", "ref": "p/1", "sha256": hash}),
        7 => json!({"kind": "patch", "ref": "p/2", "sha256": hash}),
        8 => json!({"kind": "pin", "ref": "p/1"}),
        _ => json!({"kind": "pin", "ref": format!("p/{}", dice.roll(12))}),
    }
}

fn tool(dice: &mut Dice) -> Value {
    match dice.roll(8) {
        0..=4 => Value::Null,
        5 => json!({"name": "pytest", "version": "8.3.2"}),
        6 => json!({"name": "pytest", "version": "v8.3.9"}),
        _ => json!({"name": "pytest", "version": "9.0"}),
    }
}
