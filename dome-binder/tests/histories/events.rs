//! Histories in a few letters; see `table.txt`.

use dome_binder::Record;
use dome_core::{Keys, Sha256Hash, Signal, Source, Timestamp, read};
use proptest::prelude::*;
use serde_json::{Value, json};

/// The records of a history, and the derived key of its first failure, or of its first event where nothing fails.
#[expect(clippy::vec_box, reason = "that is what a replay takes")]
pub(crate) fn history(events: &str) -> (Vec<Box<Record>>, Sha256Hash) {
    let (mut first, mut failed) = (None, None);
    let (mut records, mut clock) = (Vec::new(), 0_i64);
    for (number, event) in (1_u64..).zip(spelt_out(events)) {
        let event = Event::of(&event);
        clock = match event.when.strip_prefix('+') {
            Some(seconds) => clock + seconds.parse::<i64>().unwrap(),
            None => (clock + 60).max(1_767_139_200 + 86_400 * event.when.parse::<i64>().unwrap()),
        };
        let mut envelope = json!({
            "envelope_version": "1", "event_id": format!("e{number}"), "sequence": number,
            "run_id": event.run.map_or(format!("r{number}"), str::to_owned),
            "task_id": "unit", "group_id": format!("g{number}"), "wrapper_policy": "strict",
            "ts": Timestamp::from_unix(clock, 0).unwrap().to_string(), "evidence": [{"path": "unit.log"}],
            "task_spec": {
                "scope": "repo", "target": {"kind": "repo", "id": event.target()}, "action": {"kind": "test"},
                "failure_reason_code": "NONE", "versions": {"python": "3.11.4"},
            },
            "tool": {"name": "pytest", "version": "8.3.2"},
        });
        event.tested(&mut envelope);
        event.happened(&mut envelope, failed.or(first));
        let envelope = read(envelope.to_string().as_bytes()).unwrap();
        let key = Keys::of(&envelope).derived;
        first.get_or_insert(key);
        if envelope.signal == Signal::Failure {
            failed.get_or_insert(key);
        }
        records.push(Box::new(Record::new(envelope, Source { line: number, name: "history".into() })));
    }
    (records, failed.or(first).unwrap())
}

/// Histories of few failures that often come back, are often tried again at one revision and often resolved.
pub(crate) fn dense() -> impl Strategy<Value = Vec<Box<Record>>> {
    dense_of("FFFFFFFFFSSSSSMMMMssssTDDGGYOAARUfm")
}

/// The same of these letters, each as often as it is among them.
pub(crate) fn dense_of(letters: &str) -> impl Strategy<Value = Vec<Box<Record>>> {
    let of = |choices: &'static [&'static str]| prop::sample::select(choices);
    let event = (
        prop::sample::select(letters.chars().collect::<Vec<char>>()),
        of(&["+60", "+60", "+4000", "+100000"]),
        of(&["", "", "", "", "@x", "#run", "#run", "#other"]),
        of(&["", "", "", "", "=a", "=a", "=a", "=b", "=c", "=d~a", "=e~b", "=a/leg", "=b/leg"]),
        of(&["", "", "", "", "", "%other", "%third"]),
        of(&[":a", ":a", ":a", ":b"]),
        of(&["", "", "", "", "", "", "", "", "", "!"]),
    );
    let event = event.prop_map(|(letter, when, place, tested, on, name, end)| {
        let end = if "SMsTA".contains(letter) { "" } else { end };
        format!("{letter}{when}{place}{tested}{on}{name}{end}")
    });
    prop::collection::vec(event, 0..40).prop_map(|events| history(&format!("F1 {}", events.join(" "))).0)
}

/// Every event by itself: `3*F1=r&` is `F1=r1 F1=r2 F1=r3`, and `3*( ... )` repeats what stands between.
fn spelt_out(events: &str) -> Vec<String> {
    let mut all = Vec::new();
    let mut words = events.split_whitespace();
    while let Some(word) = words.next() {
        let Some((times, event)) = word.split_once('*') else {
            all.push(word.to_owned());
            continue;
        };
        let group: Vec<&str> = match event {
            "(" => words.by_ref().take_while(|word| *word != ")").collect(),
            event => vec![event],
        };
        for number in 1..=times.parse::<u64>().unwrap() {
            all.extend(group.iter().map(|event| event.replace('&', &number.to_string())));
        }
    }
    all
}

/// What an event says behind its letter: when, and each part behind its mark.
struct Event<'e> {
    letter: &'e str,
    when: &'e str,
    run: Option<&'e str>,
    lane: Option<&'e str>,
    name: &'e str,
    revision: Option<&'e str>,
    base: Option<&'e str>,
    job: Option<&'e str>,
    on: Option<&'e str>,
    abandoned: bool,
}

const MARKS: [char; 8] = ['#', '@', ':', '=', '~', '/', '%', '!'];

impl<'e> Event<'e> {
    fn of(event: &'e str) -> Self {
        let (letter, rest) = event.split_at(1);
        let part = |mark: char| Some(rest.split_once(mark)?.1.split(MARKS).next().unwrap_or_default());
        Self {
            letter,
            when: rest.split(MARKS).next().unwrap_or_default(),
            run: part('#'),
            lane: part('@'),
            name: part(':').unwrap_or_default(),
            revision: part('='),
            base: part('~'),
            job: part('/'),
            on: part('%'),
            abandoned: part('!').is_some(),
        }
    }

    fn target(&self) -> String {
        let own = if self.letter == "R" { "other" } else { "app" };
        format!("acme/{}", self.on.unwrap_or(own))
    }

    fn tested(&self, envelope: &mut Value) {
        if let Some(lane) = self.lane {
            envelope["lane"] = json!(lane);
        }
        if let Some(revision) = self.revision {
            envelope["subject"] = json!({"revision": revision});
            let optional = [("base_revision", self.base), ("job", self.job)];
            for (name, value) in optional.into_iter().filter_map(|(name, value)| Some((name, value?))) {
                envelope["subject"][name] = json!(value);
            }
        }
        if self.abandoned {
            envelope["abandoned"] = json!(true);
        }
    }

    fn happened(&self, envelope: &mut Value, applied: Option<Sha256Hash>) {
        let (letter, name) = (self.letter, self.name);
        let signal = match letter {
            "F" | "f" | "m" | "X" | "U" | "R" => "failure",
            "S" | "M" | "s" | "T" | "A" => "success",
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
            "F" | "f" | "m" | "R" => "TESTS_FAILED",
            "X" => "BUDGET_EXHAUSTED",
            "U" => "NOBODY_KNOWS",
            _ => "NONE",
        };
        envelope["task_spec"]["failure_reason_code"] = json!(code);
        match letter {
            "S" | "f" => envelope["remedy"] = json!({"kind": "recipe", "ref": format!("recipes/fix{name}")}),
            "M" | "m" => envelope["remedy"] = json!({"kind": "edit_argument", "ref": format!("arguments/edit{name}")}),
            "D" => envelope["policy_reason_code"] = json!("TOUCHED_FORBIDDEN_PATH"),
            "G" => envelope["guard_evals"] = json!([{"guard_id": name, "status": "FAIL", "decision": "DENY"}]),
            "Y" => envelope["guard_evals"] = json!([{"guard_id": name, "status": "PASS", "decision": "ALLOW"}]),
            _ => {}
        }
        if let ("A" | "R", Some(applied)) = (letter, applied) {
            envelope["applied_capsule"] = json!(applied);
        }
    }
}
