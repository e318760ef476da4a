//! One synthetic event: an outcome of a task on a task line, in a run.

use std::collections::BTreeMap;

use dome_core::{Keys, Sha256Hash, Timestamp};
use serde::Serialize;

use crate::history::narrow;
use crate::message::{Mode, word};
use crate::random::Random;

/// Where runs begin and how many task lines there are.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    seed: u64,
    /// The number of each run's first event.
    runs: Vec<u32>,
    task_lines: u64,
}

/// Outcomes that one task has in its run.
const OUTCOMES: u32 = 4;
/// 2026-01-01T00:00:00Z
const START: i64 = 1_767_225_600;
/// Streams of random numbers.
const RUNS: u64 = 2;
const TASKS: u64 = 3;
const TASK_LINES: u64 = 4;
const EVENTS: u64 = 5;
const PRIORS: u64 = 6;

impl Plan {
    /// Runs of 20 to 600 events; a task line for every 50 events.
    pub(crate) fn new(events: usize, seed: u64) -> Self {
        let mut random = Random::of(&[seed, RUNS]);
        let mut runs = Vec::new();
        let mut first = 0_u64;
        while first < events as u64 {
            runs.push(narrow(first));
            first += 20 + random.below(581);
        }
        Self { seed, runs, task_lines: (events as u64 / 50).max(20) }
    }
}

/// What a task line stays through all its events.
struct TaskLine {
    target: Target,
    action: &'static str,
    scope: &'static str,
    symbol: String,
    tool: &'static str,
    version: &'static str,
    /// The first of the modes in which it fails.
    mode: u64,
    modes: u64,
    env: BTreeMap<&'static str, &'static str>,
    versions: Option<BTreeMap<&'static str, String>>,
}

impl TaskLine {
    /// Some lines are worked on far more than others.
    fn pick(plan: &Plan, random: &mut Random) -> Self {
        let number = random.below(plan.task_lines) * random.below(plan.task_lines) / plan.task_lines;
        let mut random = Random::of(&[plan.seed, TASK_LINES, number]);
        let (area, thing) = (word(&mut random), word(&mut random));
        let symbol = format!("{area}_{thing}");
        let kind = random.pick(&["test", "test", "module", "repo"]);
        let id = match kind {
            "test" => format!("tests/{area}/test_{thing}.py::test_{symbol}_{number}"),
            "module" => format!("services/{area}/{thing}-{number}"),
            _ => format!("example/{area}-{thing}-{number}"),
        };
        Self {
            target: Target { kind, id },
            action: random.pick(&["run_tests", "fix", "build", "refactor"]),
            scope: random.pick(&["task", "task", "task", "repo"]),
            tool: random.pick(&["pytest", "cargo", "agent-runner", "bazel"]),
            version: random.pick(&["8.3.2", "v1.91.0", "2026.1.4+build.77", "c111e39a"]),
            mode: random.draw(),
            modes: 1 + random.below(3),
            env: [("os", "Linux"), ("arch", "x86_64")].into_iter().filter(|_| random.per_mille(600)).collect(),
            versions: random
                .per_mille(400)
                .then(|| BTreeMap::from([("dataset", "1.4.2".into()), ("model", symbol.clone())])),
            symbol,
        }
    }

    /// The way in which it fails this time, the first one more often.
    fn mode(&self, random: &mut Random) -> Mode {
        let nth = random.below(self.modes) * random.below(2);
        Mode::nth(self.mode % 12 + 5 * nth)
    }
}

#[derive(Clone, Serialize)]
struct Target {
    kind: &'static str,
    id: String,
}

#[derive(Serialize)]
struct Action {
    kind: &'static str,
}

#[derive(Serialize)]
struct TaskSpec {
    scope: &'static str,
    target: Target,
    action: Action,
    failure_reason_code: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    versions: Option<BTreeMap<&'static str, String>>,
}

#[derive(Serialize)]
struct Gate {
    gate_id: &'static str,
    status: &'static str,
}

#[derive(Serialize)]
struct GuardEval {
    guard_id: &'static str,
    status: &'static str,
    decision: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    reason_codes: Vec<&'static str>,
}

#[derive(Serialize)]
struct Tool {
    name: &'static str,
    version: &'static str,
}

#[derive(Serialize)]
struct Remedy {
    kind: &'static str,
    r#ref: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    summary: Option<String>,
}

#[derive(Serialize)]
struct Evidence {
    path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    sha256: Option<String>,
    bytes: u64,
}

/// An envelope in the order in which a wrapper would write it.
#[derive(Serialize)]
pub(crate) struct Event {
    envelope_version: &'static str,
    event_id: String,
    sequence: u32,
    run_id: String,
    task_id: String,
    group_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    lane: Option<String>,
    ts: String,
    signal: &'static str,
    wrapper_policy: &'static str,
    task_spec: TaskSpec,
    #[serde(skip_serializing_if = "Option::is_none")]
    policy_reason_code: Option<&'static str>,
    gates: Vec<Gate>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    guard_evals: Vec<GuardEval>,
    tool: Tool,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    env: BTreeMap<&'static str, &'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    attempts: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    duration_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    applied_capsule: Option<Sha256Hash>,
    #[serde(skip_serializing_if = "Option::is_none")]
    remedy: Option<Remedy>,
    evidence: Vec<Evidence>,
    labels: BTreeMap<&'static str, String>,
}

impl Event {
    /// The event with a number.
    pub(crate) fn new(plan: &Plan, number: u32) -> Self {
        let run = plan.runs.partition_point(|first| *first <= number).saturating_sub(1);
        let place = number - plan.runs.get(run).expect("the first run begins with event 0");
        let run = run as u64;
        let mut task = Random::of(&[plan.seed, TASKS, run, u64::from(place / OUTCOMES)]);
        let mut random = Random::of(&[plan.seed, EVENTS, u64::from(number)]);
        let line = TaskLine::pick(plan, &mut task);
        let lane = (!task.per_mille(300)).then(|| format!("pr-{}", task.below(3)));
        let signal = match random.below(1_000) {
            0..450 => "failure",
            450..860 => "success",
            860..900 => "denial",
            900..930 => "anomaly",
            _ => "observation",
        };
        let mut event = line.event(signal, &mut random);
        event.lane = lane;
        event.run_id = format!("nightly-{run:06}");
        event.task_id = format!("{}-{}", line.symbol, place / OUTCOMES);
        event.group_id = format!("attempt-{}", place % OUTCOMES + 1);
        event.event_id = format!("{}-{place}", random.hex(8));
        event.sequence = place + 1;
        event.ts = time(run, place, &mut random);
        if signal != "denial" && random.per_mille(50) {
            event.applied_capsule = line.prior(plan.seed, &mut random);
        }
        event
    }

    /// The line, without its line feed.
    pub(crate) fn to_line(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("an event is JSON")
    }
}

/// A line that no reader admits.
pub(crate) fn junk(plan: &Plan, number: u32) -> Vec<u8> {
    let mut line = Event::new(plan, number).to_line();
    match number % 6 {
        0 => line.truncate(line.len() / 2),
        1 => return format!("2026-01-01 00:00:{:02} INFO flushed {number} events", number % 60).into_bytes(),
        2 => line.splice(1..1, *b"\"sevrity\":\"high\",").for_each(drop),
        3 => line.splice(1..1, *b"\"run_id\":\"again\",").for_each(drop),
        4 => line.splice(2..2, *b"\xFF\xFE").for_each(drop),
        _ => line = String::from_utf8_lossy(&line).replace("\"signal\":\"", "\"signal\":\"un").into_bytes(),
    }
    line
}

/// Runs start minutes apart and overlap; clocks are up to seconds off.
fn time(run: u64, place: u32, random: &mut Random) -> String {
    let offset = run * 900 + u64::from(place) * 11 + random.below(16);
    let seconds = START + narrow::<_, i64>(offset);
    let fraction = narrow::<_, u32>(random.below(1_000)) * 1_000_000;
    let time = Timestamp::from_unix(seconds, fraction).expect("a history ends before the year 10000").to_string();
    if random.per_mille(100) { time.replace('Z', "+00:00") } else { time }
}

impl TaskLine {
    /// An event of this line, still without a place in a run.
    fn event(&self, signal: &'static str, random: &mut Random) -> Event {
        let mode = self.mode(random);
        let failed = signal == "failure";
        let speaks = failed || random.per_mille(if signal == "success" { 50 } else { 350 });
        let policies = ["BUDGET_EXHAUSTED", "PATH_NOT_ALLOWED", "NETWORK_DENIED", "SECRET_FOUND"];
        Event {
            envelope_version: "1",
            event_id: "prior".to_owned(),
            sequence: 1,
            run_id: "prior".to_owned(),
            task_id: "prior".to_owned(),
            group_id: "prior".to_owned(),
            lane: None,
            ts: "2026-01-01T00:00:00Z".to_owned(),
            signal,
            wrapper_policy: random.pick(&["hybrid", "hybrid", "strict", "lenient"]),
            task_spec: TaskSpec {
                scope: self.scope,
                target: self.target.clone(),
                action: Action { kind: self.action },
                failure_reason_code: if failed { mode.code } else { "NONE" },
                versions: self.versions.clone(),
            },
            policy_reason_code: (signal == "denial").then(|| random.pick(&policies)),
            gates: gates(if failed { mode.gate } else { "" }, random),
            guard_evals: guards(signal, random),
            tool: Tool { name: self.tool, version: self.version },
            env: self.env.clone(),
            attempts: random.per_mille(400).then(|| 1 + random.below(5)),
            duration_ms: random.per_mille(900).then(|| 200 + random.below(60_000)),
            message: speaks.then(|| mode.message(&self.symbol, random)),
            applied_capsule: None,
            remedy: (signal == "success" && random.per_mille(500)).then(|| self.remedy(random)),
            evidence: evidence(random),
            labels: BTreeMap::from([("commit", random.hex(12))]),
        }
    }

    /// A remedy of this line; a few recur.
    fn remedy(&self, random: &mut Random) -> Remedy {
        let number = random.below(4);
        Remedy {
            kind: random.pick(&["patch", "patch", "rerun", "config"]),
            r#ref: format!("remedies/{}/{number}.patch", self.symbol),
            summary: random.per_mille(500).then(|| format!("recipe {number} for {}", self.symbol)),
        }
    }

    /// The derived key of a failure of this line.
    fn prior(&self, seed: u64, random: &mut Random) -> Option<Sha256Hash> {
        let mut random = Random::of(&[seed, PRIORS, random.below(64)]);
        let failure = self.event("failure", &mut random).to_line();
        dome_core::read(&failure).ok().map(|envelope| Keys::of(&envelope).derived)
    }
}

/// Two to four gates; `failed` is the one that failed.
fn gates(failed: &'static str, random: &mut Random) -> Vec<Gate> {
    let mut gates = vec![Gate { gate_id: "checkout", status: "PASS" }];
    for gate_id in ["build", "lint", "unit"] {
        if gate_id != failed && random.per_mille(350) {
            gates.push(Gate { gate_id, status: if random.per_mille(100) { "SKIP" } else { "PASS" } });
        }
    }
    if !failed.is_empty() {
        gates.push(Gate { gate_id: failed, status: "FAIL" });
    }
    gates
}

/// Guards speak on most denials, and now and then beside other signals.
fn guards(signal: &str, random: &mut Random) -> Vec<GuardEval> {
    let denied = signal == "denial";
    if !random.per_mille(if denied { 800 } else { 120 }) {
        return Vec::new();
    }
    let allowed = |guard_id| GuardEval { guard_id, status: "PASS", decision: "ALLOW", reason_codes: Vec::new() };
    let mut evals = vec![allowed("path-scope"), allowed("budget")];
    if denied {
        let decision = random.pick(&["DENY", "DENY", "DENY", "STOP"]);
        let code = random.pick(&["BUDGET_EXHAUSTED", "PATH_NOT_ALLOWED", "NETWORK_DENIED", "SECRET_FOUND"]);
        evals.push(GuardEval { guard_id: "policy", status: "FAIL", decision, reason_codes: vec![code] });
    }
    evals
}

fn evidence(random: &mut Random) -> Vec<Evidence> {
    let log = format!("runs/{}/log.txt", random.hex(6));
    let mut evidence = vec![Evidence {
        path: log,
        sha256: random.per_mille(250).then(|| random.hex(64)),
        bytes: random.below(1_000_000),
    }];
    if random.per_mille(150) {
        evidence.push(Evidence { path: "runs/report.xml".to_owned(), sha256: None, bytes: random.below(100_000) });
    }
    evidence
}
