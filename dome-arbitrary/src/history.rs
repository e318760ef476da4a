//! Whole histories: lines that meet in runs, tasks, lanes, guards and failures (sections 5 to 12).

use proptest::prelude::*;
use serde_json::{Value, json};

use super::broken::{BrokenLine, broken_line};
use super::dense::{dense_history, dense_history_of};
use super::dice::Dice;
use super::envelope::{JsonMembers, make_sound, object};
use super::write::write_oddly;
use dome_core::{Keys, Sha256Hash, Timestamp};

/// Lines as they arrive, without their ends: mostly sound, some broken, some blank.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GeneratedHistory {
    /// The lines; one may start with a byte order mark.
    pub lines: Vec<Vec<u8>>,
}

/// Histories of up to 60 lines, half of them wide ([`wide_history`]) and half of them dense ([`dense_history`]).
pub fn history() -> BoxedStrategy<GeneratedHistory> {
    prop_oneof![wide_history(), dense_history()].boxed()
}

/// The same with up to `most` lines.
pub fn history_of(most: usize) -> BoxedStrategy<GeneratedHistory> {
    prop_oneof![wide_history_of(most), dense_history_of(most)].boxed()
}

/// Histories of up to 48 lines, some broken, some blank, some there twice.
///
/// What they have in common: four runs, two tasks, four task lines, three lanes, two gates, two
/// guards, a dozen remedies, five failure codes of which the table of the tests lacks one.
pub fn wide_history() -> BoxedStrategy<GeneratedHistory> {
    wide_history_of(48)
}

/// The same with up to `most` lines.
fn wide_history_of(most: usize) -> BoxedStrategy<GeneratedHistory> {
    let event = prop::collection::vec(any::<u8>(), 0..48).prop_map(Dice::new);
    let broken = prop::collection::vec(broken_line(), 0..2);
    (prop::collection::vec(event, 0..=most), broken).prop_map(|(events, broken)| write_history(events, &broken)).boxed()
}

#[derive(Clone)]
enum LineDraft {
    Envelope(JsonMembers, AppliedTo),
    Raw(Vec<u8>),
}

#[derive(Clone)]
enum AppliedTo {
    Nothing,
    /// A key that no fact has.
    Unknown,
    /// The key of the envelope with this number, counted around.
    Number(usize),
}

fn write_history(events: Vec<Dice>, broken: &[BrokenLine]) -> GeneratedHistory {
    let mut scribe = Scribe::new();
    let mut drafts: Vec<(LineDraft, Dice)> = Vec::new();
    for mut dice in events {
        let draft = draft(&mut scribe, &drafts, &mut dice, broken);
        drafts.push((draft, dice));
    }
    let keys: Vec<Sha256Hash> = drafts.iter().filter_map(|(draft, _)| derived_key(draft)).collect();
    GeneratedHistory { lines: drafts.into_iter().map(|(draft, dice)| write(draft, &keys, dice)).collect() }
}

fn draft(scribe: &mut Scribe, drafts: &[(LineDraft, Dice)], dice: &mut Dice, broken: &[BrokenLine]) -> LineDraft {
    let kind = dice.roll(20);
    let earlier = dice.roll(256).checked_rem(drafts.len()).and_then(|number| drafts.get(number));
    let applies = match dice.roll(12) {
        0..=6 => AppliedTo::Nothing,
        7 => AppliedTo::Unknown,
        _ => AppliedTo::Number(dice.roll(256)),
    };
    if kind == 17 {
        // The same in other words: what is written differs by its dice.
        return earlier.map_or_else(|| LineDraft::Raw(Vec::new()), |(draft, _)| draft.clone());
    }
    if kind == 18 {
        return LineDraft::Raw(dice.pick(["", " ", "\t\r", "{", "null", "{}", "\u{feff}"]).as_bytes().to_vec());
    }
    if kind == 19
        && let Some(broken) = broken.first()
    {
        return LineDraft::Raw(broken.line.clone());
    }
    let Value::Object(mut members) = scribe.event(dice) else { return LineDraft::Raw(Vec::new()) };
    let conflicting: &[&str] = match kind {
        // At one place of the run, so that only the digest decides which is taken.
        14 => &["run_id", "event_id", "sequence", "ts"],
        15 => &["run_id", "event_id"],
        16 => &["run_id", "task_id", "group_id"],
        _ => &[],
    };
    if let Some((LineDraft::Envelope(other, _), _)) = earlier {
        let taken = other.iter().filter(|(name, _)| conflicting.contains(&name.as_str()));
        members.extend(taken.map(|(name, value)| (name.clone(), value.clone())));
    }
    LineDraft::Envelope(members, applies)
}

/// The derived key of an envelope; what it applies is no part of it.
fn derived_key(draft: &LineDraft) -> Option<Sha256Hash> {
    let LineDraft::Envelope(members, _) = draft else { return None };
    let line = Value::Object(members.clone()).to_string();
    dome_core::read(line.as_bytes()).ok().map(|envelope| Keys::of(&envelope).derived)
}

fn write(draft: LineDraft, keys: &[Sha256Hash], mut dice: Dice) -> Vec<u8> {
    let (mut members, applied) = match draft {
        LineDraft::Envelope(members, applied) => (members, applied),
        LineDraft::Raw(bytes) => return bytes,
    };
    let key = match applied {
        AppliedTo::Nothing => None,
        AppliedTo::Unknown => Some(Sha256Hash::of(b"no such capsule")),
        AppliedTo::Number(number) => number.checked_rem(keys.len()).and_then(|number| keys.get(number)).copied(),
    };
    members.extend(key.map(|key| ("applied_capsule".to_owned(), key.to_string().into())));
    let members = respell(members, &mut dice);
    let mark = if dice.rarely(8) { "\u{feff}" } else { "" };
    format!("{mark}{}", write_oddly(&Value::Object(members), &mut dice)).into_bytes()
}

/// Aliases for names, another offset, a longer fraction: the same envelope in other words.
fn respell(mut members: JsonMembers, dice: &mut Dice) -> JsonMembers {
    if dice.rarely(3)
        && let Some(spec) = members.get_mut("task_spec").and_then(Value::as_object_mut)
    {
        alias(spec, "failure_reason_code", "reason_code", dice);
    }
    if dice.rarely(3) {
        alias(&mut members, "policy_reason_code", "guard_reason_code", dice);
    }
    if let Some(Value::String(time)) = members.get_mut("ts") {
        let bare = time.trim_end_matches('Z').to_owned();
        let fraction = if bare.contains('.') { "" } else { ".0" };
        *time = match dice.roll(3) {
            0 => format!("{bare}Z"),
            1 => format!("{bare}-00:00"),
            _ => format!("{bare}{fraction}+00:00"),
        };
    }
    members
}

fn alias(members: &mut JsonMembers, name: &str, alias: &str, dice: &mut Dice) {
    let value = if dice.rarely(2) { members.get(name).cloned() } else { members.remove(name) };
    members.extend(value.map(|value| (alias.to_owned(), value)));
}

struct Scribe {
    clock_s: i64,
    sequences: [u64; 4],
    events: usize,
}

/// 2026-02-15T00:00:00Z
const START_S: i64 = 1_771_113_600;

/// Runs whose ids sort differently by UTF-8 bytes and by UTF-16 code units.
const RUNS: [&str; 4] = ["run-1", "run-2", "run-\u{fb33}", "run-\u{1f600}"];

impl Scribe {
    const fn new() -> Self {
        Self { clock_s: START_S, sequences: [0; 4], events: 0 }
    }

    /// A valid envelope with ids of its own, without `applied_capsule`.
    fn event(&mut self, dice: &mut Dice) -> Value {
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
        members.extend(Self::extras(dice));
        make_sound(&mut members);
        Value::Object(members)
    }

    fn extras(dice: &mut Dice) -> JsonMembers {
        object(json!({
            "lane": dice.pick([json!(null), json!(null), json!(null), json!("main"), json!("pr-1")]),
            "gates": gates(dice),
            "guard_evals": guard_evals(dice),
            "policy_reason_code": dice.pick([json!(null), json!(null), json!(null), json!("P_A"), json!("P_B")]),
            "remedy": remedy(dice),
            "abandoned": dice.pick([json!(null), json!(null), json!(null), json!(false), json!(true)]),
            "subject": subject(dice),
            "attempts": dice.pick([json!(null), json!(null), json!(null), json!(3), json!(4)]),
            "duration_ms": dice.pick([json!(null), json!(0), json!(100), json!(400), json!(1_300), json!(90_000)]),
            "message": dice.pick([json!(null), json!(null), json!(null), json!("got 1"), json!("got 2"), json!("")]),
            "tool": tool(dice),
        }))
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
        match Timestamp::from_unix(seconds, nanoseconds) {
            Ok(time) => time.to_string(),
            Err(_) => unreachable!("no history lasts for thousands of years"),
        }
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
        let decision = (!decision.is_empty()).then_some(decision);
        let eval = json!({"guard_id": guard_id, "status": status, "reason_codes": codes, "decision": decision});
        Value::Object(object(eval))
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
    let hash = Sha256Hash::of(b"patch").to_string();
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

/// Few revisions, so that what is tested comes again.
fn subject(dice: &mut Dice) -> Value {
    let revision = |dice: &mut Dice| format!("r{}", dice.roll(4));
    match dice.roll(6) {
        0 | 1 => Value::Null,
        2 => json!({"revision": revision(dice), "job": dice.pick(["linux", "macos"])}),
        3 => json!({"revision": revision(dice), "base_revision": revision(dice)}),
        4 => json!({"revision": revision(dice), "dirty": dice.pick([true, false])}),
        _ => json!({"revision": revision(dice), "repository": "acme/app"}),
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
