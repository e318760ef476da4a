//! Dense histories: few lines, keys, revisions and streams, so that everything that section 9 speaks of meets often.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::dice::Dice;
use super::envelope::{JsonMembers, make_sound, object};
use super::history::GeneratedHistory;
use dome_core::{Keys, Sha256Hash, Timestamp};

/// Histories of up to 60 lines, all of them sound, none twice.
///
/// What is drawn once for a history: 2 to 14 runs that interleave, one or two task lines of one kind of work (and now
/// and then a second action), two keys, up to two jobs and lanes, and how fast time goes. What happens comes in
/// spells, some that fail and some that pass, so that rows get long and what was mended is proven; three revisions
/// and reruns see to it that what is tested comes again.
///
/// ```
/// use proptest::prelude::*;
/// proptest!(|(history in dome_arbitrary::dense_history())| {
///     prop_assert!(history.lines.iter().all(|line| dome_core::read(line).is_ok()));
/// });
/// ```
pub fn dense_history() -> BoxedStrategy<GeneratedHistory> {
    dense_history_of(60)
}

/// The same with up to `most` lines.
pub(crate) fn dense_history_of(most: usize) -> BoxedStrategy<GeneratedHistory> {
    let plan = prop::collection::vec(any::<u8>(), 0..12).prop_map(Dice::new);
    let event = prop::collection::vec(any::<u8>(), 16..28).prop_map(Dice::new);
    (plan, prop::collection::vec(event, 0..=most)).prop_map(|(plan, events)| write_history(plan, events)).boxed()
}

/// A code and the gates that fail with it.
type DraftKey = (&'static str, &'static [&'static str]);

/// What one history has in common.
struct Plan {
    runs: usize,
    lines: usize,
    keys: [DraftKey; 2],
    jobs: usize,
    lanes: usize,
    /// How many of its facts say what was tested: 0 for nearly all.
    untold: usize,
    repository: bool,
    pace: usize,
    policies: usize,
}

impl Plan {
    fn new(mut dice: Dice) -> Self {
        let keys: [[DraftKey; 2]; 6] = [
            [("TESTS_FAILED", &[]), ("LINT_FAILED", &[])],
            [("TESTS_FAILED", &["g1"]), ("TESTS_FAILED", &["g2"])],
            [("TESTS_FAILED", &[]), ("TESTS_FAILED", &["g1"])],
            [("TESTS_FAILED", &["g1", "g2"]), ("LINT_FAILED", &["g1"])],
            [("TESTS_FAILED", &["g2"]), ("LINT_FAILED", &[])],
            [("BUDGET_EXHAUSTED", &[]), ("ODD", &["g1"])],
        ];
        Self {
            runs: 2 + dice.roll(13),
            lines: dice.pick([1, 2, 2, 3]),
            keys: dice.pick(keys),
            jobs: dice.pick([0, 0, 2]),
            lanes: dice.pick([0, 2, 2]),
            untold: dice.roll(4),
            repository: dice.rarely(4),
            pace: dice.roll(5),
            policies: dice.roll(4),
        }
    }
}

/// What a fact tests, and where.
#[derive(Clone, Default)]
struct DenseTrial {
    line: usize,
    key: usize,
    subject: Value,
    lane: Value,
}

struct DenseScribe {
    plan: Plan,
    clock_s: i64,
    sequences: [u64; 14],
    events: usize,
    passing: bool,
    /// What the fact before tested: reruns test it again.
    last: DenseTrial,
}

/// 2026-02-15T00:00:00Z
const START_S: i64 = 1_771_113_600;

fn write_history(plan: Dice, events: Vec<Dice>) -> GeneratedHistory {
    let mut scribe = DenseScribe {
        plan: Plan::new(plan),
        clock_s: START_S,
        sequences: [0; 14],
        events: 0,
        passing: false,
        last: DenseTrial::default(),
    };
    let mut drafts: Vec<(JsonMembers, Option<usize>)> = Vec::new();
    for mut dice in events {
        let members = scribe.event(&mut dice);
        let applied = dice.rarely(3).then(|| dice.roll(256));
        drafts.push((members, applied));
    }
    // A key is of what was there before, of what comes, or of what never fails.
    let keys: Vec<Sha256Hash> = drafts.iter().filter_map(|(members, _)| derived_key(members)).collect();
    let lines = drafts.into_iter().map(|(mut members, applied)| {
        let key = applied.and_then(|number| keys.get(number.checked_rem(keys.len())?));
        members.extend(key.map(|key| ("applied_capsule".to_owned(), key.to_string().into())));
        Value::Object(members).to_string().into_bytes()
    });
    GeneratedHistory { lines: lines.collect() }
}

fn derived_key(members: &JsonMembers) -> Option<Sha256Hash> {
    let line = Value::Object(members.clone()).to_string();
    dome_core::read(line.as_bytes()).ok().map(|envelope| Keys::of(&envelope).derived)
}

impl DenseScribe {
    /// A sound envelope with ids of its own, without `applied_capsule`.
    fn event(&mut self, dice: &mut Dice) -> JsonMembers {
        self.events += 1;
        let signal = self.signal(dice);
        let run = dice.roll(self.plan.runs);
        self.last = self.trial(dice);
        let (target, action) =
            [("a", "fix"), ("b", "fix"), ("a", "test")].get(self.last.line).copied().unwrap_or_default();
        let (code, failed) = self.plan.keys.get(self.last.key).copied().unwrap_or_default();
        let mut members = object(json!({
            "envelope_version": "1",
            "event_id": format!("e{:02}", self.events),
            "group_id": format!("g{}", self.events),
            "run_id": format!("run-{run:02}"),
            "task_id": "t",
            "sequence": self.sequence(run),
            "ts": self.time(dice),
            "signal": signal,
            "wrapper_policy": self.wrapper_policy(dice),
            "task_spec": {
                "scope": "task",
                "target": {"kind": "repo", "id": target},
                "action": {"kind": action},
                "failure_reason_code": code,
            },
            "evidence": [{"path": "log.txt"}],
            "subject": self.last.subject,
            "lane": self.last.lane,
            "gates": gates(signal, failed, dice),
            "remedy": remedy(signal, dice),
            "abandoned": (signal != "success" && dice.rarely(8)).then_some(true),
        }));
        members.extend(policy(signal, dice));
        make_sound(&mut members);
        members
    }

    /// Mostly as in the spell that it is: spells of failures, and of what passes.
    fn signal(&mut self, dice: &mut Dice) -> &'static str {
        if dice.rarely(7) {
            self.passing = !self.passing;
        }
        let (mostly, seldom) = if self.passing { ("success", "failure") } else { ("failure", "success") };
        match dice.roll(16) {
            0..=10 => mostly,
            11 | 12 => seldom,
            13 => "anomaly",
            14 => "denial",
            _ => "observation",
        }
    }

    /// Four in ten facts are reruns: they test what the one before tested.
    fn trial(&self, dice: &mut Dice) -> DenseTrial {
        let rerun = dice.roll(10) >= 6;
        let other_lane = rerun && dice.rarely(3);
        let other_key = rerun && dice.rarely(8);
        if rerun {
            let lane = if other_lane { self.lane(dice) } else { self.last.lane.clone() };
            let key = if other_key { 1 - self.last.key } else { self.last.key };
            return DenseTrial { lane, key, ..self.last.clone() };
        }
        DenseTrial {
            line: dice.roll(self.plan.lines),
            key: dice.pick([0, 0, 1]),
            subject: self.subject(dice),
            lane: self.lane(dice),
        }
    }

    fn lane(&self, dice: &mut Dice) -> Value {
        match self.plan.lanes {
            0 => Value::Null,
            _ => dice.pick([json!("main"), json!("main"), json!("pr"), Value::Null]),
        }
    }

    /// Few revisions, so that what is tested comes again; now and then nothing says which it was.
    fn subject(&self, dice: &mut Dice) -> Value {
        let revision = dice.pick(["r1", "r2", "r3"]);
        let base = dice.pick([Value::Null, Value::Null, json!("r1"), json!("r2")]);
        let job = match self.plan.jobs {
            0 => Value::Null,
            _ => dice.pick([json!("linux"), json!("linux"), json!("macos"), Value::Null]),
        };
        let told = dice.roll(8) >= 2 * self.plan.untold;
        let dirty = if told { Value::Null } else { json!(true) };
        if !told && job.is_null() && dice.rarely(2) {
            return Value::Null;
        }
        let repository = if self.plan.repository { dice.pick([json!("acme/app"), Value::Null]) } else { Value::Null };
        Value::Object(object(json!({
            "revision": revision, "base_revision": base, "job": job, "dirty": dirty, "repository": repository,
        })))
    }

    fn wrapper_policy(&self, dice: &mut Dice) -> &'static str {
        let all = ["hybrid", "strict", "lenient"];
        let chosen = if self.plan.policies < all.len() { self.plan.policies } else { dice.roll(all.len()) };
        all.get(chosen).copied().unwrap_or_default()
    }

    fn sequence(&mut self, run: usize) -> u64 {
        let Some(last) = self.sequences.get_mut(run) else { return 1 };
        *last += 1;
        *last
    }

    /// Steps that end inside, at and after the windows that laws are tried with; a few go back.
    fn time(&mut self, dice: &mut Dice) -> String {
        let step = match (self.plan.pace, dice.roll(12)) {
            (_, 0..=3) | (0, _) => 1,
            (_, 4) => 0,
            (_, 5) => -30,
            (1, _) => dice.pick([20, 60, 61]),
            (2, _) => dice.pick([3_600, 43_200]),
            (3, _) => dice.pick([86_400, 86_401, 43_200]),
            _ => dice.pick([1_296_000, 2_592_000, 2_678_400]),
        };
        let seconds = self.clock_s + step;
        self.clock_s = self.clock_s.max(seconds);
        match Timestamp::from_unix(seconds, 0) {
            Ok(time) => time.to_string(),
            Err(_) => unreachable!("no history lasts for thousands of years"),
        }
    }
}

fn gate(gate_id: &str, status: &str) -> Value {
    json!({"gate_id": gate_id, "status": status})
}

/// Of a failure the gates of its key, and perhaps others; of a success none, one or both.
fn gates(signal: &str, failed: &[&str], dice: &mut Dice) -> Value {
    if signal == "success" {
        return match dice.roll(8) {
            0..=2 => Value::Null,
            3 | 4 => json!([gate("g1", "PASS"), gate("g2", "PASS")]),
            5 => json!([gate("g1", "PASS")]),
            6 => json!([gate("g2", "PASS")]),
            _ => json!([gate("g1", "PASS"), gate("g2", "SKIP")]),
        };
    }
    if signal != "failure" && !(signal == "anomaly" || dice.rarely(4)) {
        return Value::Null;
    }
    let other = dice.pick([None, None, Some("PASS"), Some("SKIP")]);
    let status = |gate_id: &&str| if failed.contains(gate_id) { Some("FAIL") } else { other };
    let gates = ["g1", "g2"].into_iter().filter_map(|gate_id| Some(gate(gate_id, status(&gate_id)?)));
    gates.collect::<Vec<_>>().into()
}

fn remedy(signal: &str, dice: &mut Dice) -> Value {
    if signal == "failure" && !dice.rarely(4) {
        return Value::Null;
    }
    match dice.roll(12) {
        0..=3 => Value::Null,
        4..=6 => json!({"kind": "patch", "ref": "patch/a"}),
        7 | 8 => json!({"kind": "patch", "ref": "patch/b"}),
        9 => json!({"kind": "call_first", "ref": "tool/setup"}),
        10 => json!({"kind": "rerun", "ref": "rerun/same-subject", "summary": "once more"}),
        _ => json!({"kind": "patch", "ref": "patch/c", "sha256": Sha256Hash::of(b"patch").to_string()}),
    }
}

/// What guards and policies say: of denials mostly, else seldom.
fn policy(signal: &str, dice: &mut Dice) -> JsonMembers {
    if signal != "denial" && !dice.rarely(12) {
        return JsonMembers::new();
    }
    let eval = |decision: &str| json!([{"guard_id": "guard", "status": "FAIL", "decision": decision}]);
    object(json!({
        "guard_evals": dice.pick([Value::Null, Value::Null, eval("DENY"), eval("ALLOW")]),
        "policy_reason_code": dice.pick(["NOT_ALLOWED", "OVER_BUDGET"]),
    }))
}
