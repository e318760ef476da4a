//! Histories in a few letters; see `table.txt`.

use dome_binder::Record;
use dome_core::{Keys, Sha256Hash, Source, Timestamp, read};
use serde_json::{Value, json};

/// The records of a history, and the derived key of its first failure.
#[expect(clippy::vec_box, reason = "that is what a replay takes")]
pub(crate) fn history(events: &str) -> (Vec<Box<Record>>, Sha256Hash) {
    let mut first = None;
    let (mut records, mut clock) = (Vec::new(), 0_i64);
    for (number, event) in (1_u64..).zip(events.split_whitespace()) {
        let (letter, rest) = event.split_at(1);
        let [when, run, lane, name] = cut(rest);
        clock = match when.strip_prefix('+') {
            Some(seconds) => clock + seconds.parse::<i64>().unwrap(),
            None => (clock + 60).max(1_767_139_200 + 86_400 * when.parse::<i64>().unwrap()),
        };
        let mut envelope = json!({
            "envelope_version": "1", "event_id": format!("e{number}"), "sequence": number,
            "run_id": if run.is_empty() { format!("r{number}") } else { run.to_owned() },
            "task_id": "unit", "group_id": format!("g{number}"), "wrapper_policy": "strict",
            "ts": Timestamp::from_unix(clock, 0).unwrap().to_string(), "evidence": [{"path": "unit.log"}],
            "task_spec": {
                "scope": "repo", "target": {"kind": "repo", "id": "acme/app"}, "action": {"kind": "test"},
                "failure_reason_code": "NONE", "versions": {"python": "3.11.4"},
            },
            "tool": {"name": "pytest", "version": "8.3.2"},
        });
        if !lane.is_empty() {
            envelope["lane"] = json!(lane);
        }
        happened(&mut envelope, letter, name, first);
        let envelope = read(envelope.to_string().as_bytes()).unwrap();
        first.get_or_insert_with(|| Keys::of(&envelope).derived);
        records.push(Box::new(Record::new(envelope, Source { line: number, name: "history".into() })));
    }
    (records, first.unwrap())
}

/// The parts of an event behind its letter: when, `#run`, `@lane`, `:name`.
fn cut(rest: &str) -> [&str; 4] {
    let part = |mark: char| {
        let after = rest.split_once(mark).map_or("", |(_, after)| after);
        after.split(['#', '@', ':']).next().unwrap_or_default()
    };
    [rest.split(['#', '@', ':']).next().unwrap_or_default(), part('#'), part('@'), part(':')]
}

fn happened(envelope: &mut Value, letter: &str, name: &str, applied: Option<Sha256Hash>) {
    let signal = match letter {
        "F" | "X" | "U" | "R" => "failure",
        "S" | "s" | "T" | "A" => "success",
        "D" => "denial",
        _ => "observation",
    };
    envelope["signal"] = json!(signal);
    let (gate, status) =
        (if letter == "T" { "lint" } else { "unit" }, if signal == "failure" { "FAIL" } else { "PASS" });
    if signal == "failure" || signal == "success" {
        envelope["gates"] = json!([{"gate_id": gate, "status": status}]);
    }
    let code = match letter {
        "F" | "R" => "TESTS_FAILED",
        "X" => "BUDGET_EXHAUSTED",
        "U" => "NOBODY_KNOWS",
        _ => "NONE",
    };
    envelope["task_spec"]["failure_reason_code"] = json!(code);
    match letter {
        "S" => envelope["remedy"] = json!({"kind": "recipe", "ref": format!("recipes/fix{name}")}),
        "D" => envelope["policy_reason_code"] = json!("TOUCHED_FORBIDDEN_PATH"),
        "G" => envelope["guard_evals"] = json!([{"guard_id": name, "status": "FAIL", "decision": "DENY"}]),
        "Y" => envelope["guard_evals"] = json!([{"guard_id": name, "status": "PASS", "decision": "ALLOW"}]),
        "R" => envelope["task_spec"]["target"]["id"] = json!("acme/other"),
        _ => {}
    }
    if let ("A" | "R", Some(applied)) = (letter, applied) {
        envelope["applied_capsule"] = json!(applied);
    }
}
