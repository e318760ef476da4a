//! tau-bench and tau2-bench: one envelope per conversation. `docs/formats/tau-bench.md` has the
//! mapping.

use std::collections::BTreeMap;

use dome_core::CodeClass::{Advisory, Repairable};
use dome_core::limits::GATES;
use dome_core::{Sha256Hash, Signal, Status};
use serde_json::Value;

use crate::codes::{coded, means};
use crate::finding::{Finding, FindingCode, FoundAt};
use crate::format::{CodeMeaning, Converts, Descriptor};
use crate::head::Head;
use crate::json::list;
use crate::out::Out;
use crate::reading::FileReader;
use crate::record::{OutcomeRecord, identifier};
use crate::subject::SaidSubject;
use crate::when::{When, milliseconds};

pub(crate) const FORMAT: Descriptor = Descriptor {
    name: "tau-bench",
    summary: "trajectories of tau-bench and simulations of tau2-bench",
    endings: &[".json"],
    codes: CODES,
    sniff,
    converts: Converts::Each(convert),
};

const CODES: &[CodeMeaning] = &[
    means(
        "CONVERSATION.NOT_JUDGED",
        Repairable,
        "the environment gave no reward: the conversation did not come to its end",
    ),
    means("REWARD.ACTION", Repairable, "the agent did not do an action that was expected"),
    means("REWARD.ACTIONS", Repairable, "the data are not as the expected actions leave them"),
    means("REWARD.COMMUNICATE", Repairable, "the agent did not tell the user what was expected"),
    means("REWARD.DB", Repairable, "the data base is not as the expected actions leave it"),
    means("REWARD.ENV_ASSERTION", Repairable, "an assertion on the environment does not hold"),
    means("REWARD.NL_ASSERTION", Repairable, "an assertion in natural language was judged not to hold"),
    means("REWARD.OUTPUTS", Repairable, "the agent did not tell the user an expected output"),
    means("REWARD.UNMET", Repairable, "the reward is not full, and nothing says why"),
    means("RUN.ERROR", Advisory, "the harness broke off with an error"),
    means("TERMINATION.AGENT_ERROR", Repairable, "the agent ended the conversation with an error"),
    means("TERMINATION.INFRASTRUCTURE_ERROR", Advisory, "what is around the conversation broke off"),
    means("TERMINATION.MAX_STEPS", Repairable, "the conversation used up its steps"),
    means("TERMINATION.TOO_MANY_ERRORS", Repairable, "too many calls of tools failed"),
    means("TERMINATION.USER_ERROR", Advisory, "the simulated user ended the conversation with an error"),
];

fn sniff(head: &Head) -> bool {
    let has = |name: &str| head.text().contains(name);
    let second = head.has_member("info") && head.has_member("tasks") && has("\"environment_info\"");
    let simulations = head.has_member("simulations") && head.has_member("info");
    second || simulations || head.is_array() && has("\"task_id\"") && (has("\"reward\"") || has("\"traj\""))
}

const EXPECTED: &str = "an array of trajectories of tau-bench, or results of tau2-bench with `simulations`";

fn convert(reading: &mut FileReader<'_>, out: &mut Out<'_>) -> Result<(), Finding> {
    reading.values(EXPECTED, &mut |place, value| {
        let value = value?;
        if let Some(simulations) = value.get("simulations").and_then(Value::as_array) {
            for (number, simulation) in simulations.iter().enumerate() {
                let record = self::simulation(&value, simulation, out.at(&format!("/simulations/{number}")), out);
                out.take(record);
            }
            return Ok(());
        }
        if value.get("task_id").is_none() || value.get("reward").is_none() {
            return Err(out.at(place).found(FindingCode::WrongFormat, "it holds no conversation", EXPECTED));
        }
        let record = trajectory(&value, out.at(place), out);
        out.take(record);
        Ok(())
    })
}

/// A trajectory of tau-bench.
fn trajectory(value: &Value, at: FoundAt<'_>, out: &Out<'_>) -> Result<OutcomeRecord, Finding> {
    let (Some(task), Some(full)) = (task_id(value), full(value.get("reward"))) else {
        let message = "`task_id` or `reward` is of a wrong type";
        return Err(at.found(FindingCode::RecordMalformed, message, "a number or a text, and a number"));
    };
    let error = value.pointer("/info/error").and_then(Value::as_str);
    let reward = value.pointer("/info/reward_info/info");
    let signal = if full { Signal::Success } else { Signal::Failure };
    let mut record = OutcomeRecord::new(at.place, signal, ("benchmark_task", &target(&task, value)), "solve");
    record.gates = trajectory_gates(reward);
    let failed = |gate: &str| record.gates.iter().any(|(id, status)| id == gate && *status == Status::Fail);
    let code = match reward {
        _ if error.is_some() => "RUN.ERROR",
        None => "CONVERSATION.NOT_JUDGED",
        Some(_) if failed("OUTPUTS") => "REWARD.OUTPUTS",
        // With outputs that are all told, only the actions are left to take the reward away.
        Some(reward) if failed("ACTIONS") || reward.get("r_outputs").is_some() => "REWARD.ACTIONS",
        Some(_) => "REWARD.UNMET",
    };
    record.code = (!full).then(|| (code.to_owned(), Repairable));
    record.message = error.map(str::to_owned);
    record.run_id = run_id(value, out);
    record.label("trial", value.get("trial").map(Value::to_string).as_deref());
    record.label("task", Some(&task));
    Ok(record)
}

/// With digits of the SHA-256 of its instruction: numbers of two domains, which the file does not name, would meet.
fn target(task: &str, value: &Value) -> String {
    match value.pointer("/info/task/instruction").and_then(Value::as_str) {
        Some(text) => format!("{task}@{}", Sha256Hash::of(text.as_bytes()).short()),
        None => task.to_owned(),
    }
}

fn trajectory_gates(reward: Option<&Value>) -> Vec<(String, Status)> {
    let mut gates = Vec::new();
    for (member, gate) in [("r_actions", "ACTIONS"), ("r_outputs", "OUTPUTS")] {
        let reward = full(reward.and_then(|reward| reward.get(member)));
        gates.extend(reward.map(|reward| (gate.to_owned(), status(reward))));
    }
    let outputs = reward.and_then(|reward| reward.get("outputs")).and_then(Value::as_object);
    for (output, told) in outputs.into_iter().flatten() {
        let gate = identifier(&format!("OUTPUTS/{output}"));
        gates.extend(gate.zip(told.as_bool()).map(|(gate, told)| (gate, status(told))));
    }
    gates.truncate(GATES);
    gates
}

/// What the reward of a simulation may be made of, in the order in which the benchmark takes it away.
const PARTS: [&str; 5] = ["ENV_ASSERTION", "DB", "ACTION", "NL_ASSERTION", "COMMUNICATE"];

/// A simulation of tau2-bench.
fn simulation(results: &Value, simulation: &Value, at: FoundAt<'_>, out: &Out<'_>) -> Result<OutcomeRecord, Finding> {
    let text = |pointer: &str| simulation.pointer(pointer).and_then(Value::as_str);
    let of_run = |pointer: &str| results.pointer(pointer).and_then(Value::as_str).filter(|text| !text.is_empty());
    let task =
        task_id(simulation).ok_or_else(|| at.found(FindingCode::RecordMalformed, "`task_id` is missing", "a text"))?;
    let ended = text("/termination_reason");
    let reward = full(simulation.pointer("/reward_info/reward"));
    if reward.is_none() && ended.is_none() {
        let message = "the simulation has neither reward nor end";
        return Err(at.found(FindingCode::OutcomeMissing, message, "`reward_info`"));
    }
    let success = reward == Some(true);
    let domain = of_run("/info/environment_info/domain_name");
    let target = domain.map_or_else(|| task.clone(), |domain| format!("{domain}/{task}"));
    let signal = if success { Signal::Success } else { Signal::Failure };
    let mut record = OutcomeRecord::new(at.place, signal, ("benchmark_task", &target), "solve");
    record.gates = simulation_gates(simulation);
    record.code = (!success).then(|| (code(simulation, ended), Repairable));
    record.run_id = run_id(simulation, out);
    record.event_id = text("/id").map(str::to_owned);
    record.when = When::said(text("/end_time").or_else(|| text("/timestamp")));
    record.duration_ms = simulation.get("duration").and_then(|seconds| milliseconds(&seconds.to_string()));
    let commit = of_run("/info/git_commit");
    let agent = of_run("/info/agent_info/implementation");
    record.subject = SaidSubject::agent(agent, of_run("/info/agent_info/llm"), commit);
    record.tool = agent.map(|agent| (agent.to_owned(), commit.unwrap_or("unknown").to_owned()));
    record.label_all([
        ("domain", domain),
        ("model", of_run("/info/agent_info/llm")),
        ("termination_reason", ended),
        ("trial", simulation.get("trial").map(Value::to_string).as_deref()),
        ("user_model", of_run("/info/user_info/llm")),
    ]);
    Ok(record)
}

/// Why there is no full reward: how the conversation ended, or the first part that took it away.
fn code(simulation: &Value, ended: Option<&str>) -> String {
    if let Some(ended) = ended.filter(|ended| !matches!(*ended, "user_stop" | "agent_stop")) {
        return coded("TERMINATION", ended).unwrap_or_else(|| "CONVERSATION.NOT_JUDGED".to_owned());
    }
    let breakdown = simulation.pointer("/reward_info/reward_breakdown");
    let failed = |part: &&&str| full(breakdown.and_then(|parts| parts.get(**part))) == Some(false);
    match PARTS.iter().find(failed) {
        Some(part) => format!("REWARD.{part}"),
        None if simulation.get("reward_info").is_none_or(Value::is_null) => "CONVERSATION.NOT_JUDGED".to_owned(),
        None => "REWARD.UNMET".to_owned(),
    }
}

fn simulation_gates(simulation: &Value) -> Vec<(String, Status)> {
    let parts = simulation.pointer("/reward_info/reward_breakdown").and_then(Value::as_object);
    let mut gates: Vec<_> = parts
        .into_iter()
        .flatten()
        .filter_map(|(part, reward)| Some((identifier(part)?, status(full(Some(reward))?))))
        .collect();
    if gates.iter().any(|(part, _)| part == "ACTION") {
        let mut actions = BTreeMap::new();
        for check in list(simulation, "/reward_info/action_checks") {
            let id = check.pointer("/action/action_id").and_then(Value::as_str);
            let id = id.and_then(|id| identifier(&format!("ACTION/{id}")));
            if let Some((id, passed)) = id.zip(check.get("action_match").and_then(Value::as_bool)) {
                *actions.entry(id).or_insert(true) &= passed;
            }
        }
        gates.extend(actions.into_iter().map(|(id, passed)| (id, status(passed))));
    }
    gates.truncate(GATES);
    gates
}

/// The run of a trial: the user's, with the trial, which tries every task once.
fn run_id(conversation: &Value, out: &Out<'_>) -> Option<String> {
    let given = out.given_run()?;
    Some(match conversation.get("trial").and_then(Value::as_u64) {
        Some(trial) => format!("{given}/trial-{trial}"),
        None => given,
    })
}

/// Whether a reward is full, as the benchmarks compare it; `None` where it is no number.
fn full(reward: Option<&Value>) -> Option<bool> {
    reward?.as_f64().map(|reward| reward >= 0.999_999)
}

fn status(passed: bool) -> Status {
    if passed { Status::Pass } else { Status::Fail }
}

/// A task's id, which is a number in the first and a text in the second.
fn task_id(value: &Value) -> Option<String> {
    match value.get("task_id")? {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}
