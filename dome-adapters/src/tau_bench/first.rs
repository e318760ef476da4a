//! Trajectories of tau-bench.

use dome_core::{Sha256Hash, Signal, Status};
use serde_json::Value;

use super::{full, listed, run_id, task_id};
use crate::finding::FindingCode;
use crate::out::Out;
use crate::record::{Record, identifier};

pub(super) fn trajectory(place: &str, value: &Value, out: &mut Out<'_>) {
    let (Some(task), Some(full)) = (task_id(value), full(value.get("reward"))) else {
        let problem = out.at(place).found(
            FindingCode::RecordMalformed,
            "`task_id` or `reward` is of a wrong type",
            "a number or a text, and a number",
        );
        return out.left_out(problem);
    };
    let error = value.pointer("/info/error").and_then(Value::as_str);
    let reward = value.pointer("/info/reward_info/info");
    let signal = if full { Signal::Success } else { Signal::Failure };
    let mut record = Record::new(place, signal, ("benchmark_task", &target(&task, value)), "solve");
    record.gates = gates(reward);
    let failed = |gate: &str| record.gates.iter().any(|(id, status)| id == gate && *status == Status::Fail);
    let code = match reward {
        _ if error.is_some() => "RUN.ERROR",
        None => "CONVERSATION.NOT_JUDGED",
        Some(_) if failed("OUTPUTS") => "REWARD.OUTPUTS",
        // With outputs that are all told, only the actions are left to take the reward away.
        Some(_) if failed("ACTIONS") || reward.is_some_and(|reward| reward.get("r_outputs").is_some()) => {
            "REWARD.ACTIONS"
        }
        Some(_) => "REWARD.UNMET",
    };
    record.code = (!full).then(|| listed(code.to_owned()));
    record.message = error.map(str::to_owned);
    record.run_id = run_id(value.get("trial").and_then(Value::as_u64), out);
    record.label("trial", value.get("trial").map(Value::to_string).as_deref());
    record.label("task", Some(&task));
    out.push(&record);
}

/// The task's number with twelve digits of the SHA-256 of its instruction: numbers of two domains,
/// which the file does not name, would meet.
fn target(task: &str, value: &Value) -> String {
    let instruction = value.pointer("/info/task/instruction").and_then(Value::as_str);
    let named = |text: &str| format!("{task}@{}", Sha256Hash::of(text.as_bytes()).short());
    instruction.map_or_else(|| task.to_owned(), named)
}

/// What the reward is made of.
fn gates(reward: Option<&Value>) -> Vec<(String, Status)> {
    let status = |passed| if passed { Status::Pass } else { Status::Fail };
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
    gates.truncate(dome_core::limits::GATES);
    gates
}
