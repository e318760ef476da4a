//! Simulations of tau2-bench.

use dome_core::{Signal, Status};
use serde_json::Value;

use super::{full, listed, run_id, task_id};
use crate::codes::coded;
use crate::finding::FindingCode;
use crate::out::Out;
use crate::record::{Record, identifier};
use crate::when::{When, milliseconds};

/// What a reward may be made of, in the order in which the benchmark takes it away.
const PARTS: [&str; 5] = ["ENV_ASSERTION", "DB", "ACTION", "NL_ASSERTION", "COMMUNICATE"];

pub(super) fn simulations(results: &Value, simulations: &[Value], out: &mut Out<'_>) {
    for (number, simulation) in simulations.iter().enumerate() {
        let place = format!("/simulations/{number}");
        match record(&place, results, simulation, out) {
            Ok(record) => out.push(&record),
            Err((code, message, expected)) => {
                let problem = out.at(&place).found(code, message, expected);
                out.left_out(problem);
            }
        }
    }
}

fn record(
    place: &str,
    results: &Value,
    simulation: &Value,
    out: &Out<'_>,
) -> Result<Record, (FindingCode, &'static str, &'static str)> {
    let text = |pointer: &str| simulation.pointer(pointer).and_then(Value::as_str);
    let of_run = |pointer: &str| results.pointer(pointer).and_then(Value::as_str).filter(|text| !text.is_empty());
    let task = task_id(simulation).ok_or((FindingCode::RecordMalformed, "`task_id` is missing", "a text"))?;
    let ended = text("/termination_reason");
    let reward = full(simulation.pointer("/reward_info/reward"));
    if reward.is_none() && ended.is_none() {
        return Err((FindingCode::OutcomeMissing, "the simulation has neither reward nor end", "`reward_info`"));
    }
    let success = reward == Some(true);
    let domain = of_run("/info/environment_info/domain_name");
    let target = domain.map_or_else(|| task.clone(), |domain| format!("{domain}/{task}"));
    let signal = if success { Signal::Success } else { Signal::Failure };
    let mut record = Record::new(place, signal, ("benchmark_task", &target), "solve");
    record.gates = gates(simulation);
    record.code = (!success).then(|| listed(code(simulation, ended)));
    record.run_id = run_id(simulation.get("trial").and_then(Value::as_u64), out);
    record.event_id = text("/id").map(str::to_owned);
    record.when = text("/end_time").or_else(|| text("/timestamp")).map_or(When::Unknown, When::of);
    record.duration_ms = simulation.get("duration").and_then(|seconds| milliseconds(&seconds.to_string()));
    record.commit = of_run("/info/git_commit").map(str::to_owned);
    record.tool = of_run("/info/agent_info/implementation")
        .map(|agent| (agent.to_owned(), record.commit.clone().unwrap_or_else(|| "unknown".to_owned())));
    for (name, value) in [
        ("domain", domain),
        ("model", of_run("/info/agent_info/llm")),
        ("termination_reason", ended),
        ("user_model", of_run("/info/user_info/llm")),
    ] {
        record.label(name, value);
    }
    record.label("trial", simulation.get("trial").map(Value::to_string).as_deref());
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

/// The parts that make up the reward, and of the expected actions, where they do, each one.
fn gates(simulation: &Value) -> Vec<(String, Status)> {
    let status = |passed| if passed { Status::Pass } else { Status::Fail };
    let parts = simulation.pointer("/reward_info/reward_breakdown").and_then(Value::as_object);
    let mut gates: Vec<_> = parts
        .into_iter()
        .flatten()
        .filter_map(|(part, reward)| Some((identifier(part)?, status(full(Some(reward))?))))
        .collect();
    if gates.iter().any(|(part, _)| part == "ACTION") {
        let checks = simulation.pointer("/reward_info/action_checks").and_then(Value::as_array);
        let mut seen = std::collections::BTreeMap::new();
        for check in checks.into_iter().flatten() {
            let id = check.pointer("/action/action_id").and_then(Value::as_str);
            let id = id.and_then(|id| identifier(&format!("ACTION/{id}")));
            let passed = check.get("action_match").and_then(Value::as_bool);
            if let Some((id, passed)) = id.zip(passed) {
                let known = seen.entry(id).or_insert(passed);
                *known = *known && passed;
            }
        }
        gates.extend(seen.into_iter().map(|(id, passed)| (id, status(passed))));
    }
    gates.truncate(dome_core::limits::GATES);
    gates
}
