//! tau-bench and tau2-bench: one envelope a conversation. `docs/formats/tau-bench.md` has the mapping.

mod first;
mod second;

use dome_core::CodeClass::{Advisory, Repairable};
use serde_json::Value;

use crate::codes::means;
use crate::finding::{Finding, FindingCode};
use crate::format::{CodeMeaning, Converts, Descriptor};
use crate::head::Head;
use crate::out::Out;
use crate::reading::Reading;

/// The room.
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

fn sniff(head: &Head<'_>) -> bool {
    let has = |name: &str| head.text().contains(name);
    let second = head.has_member("info") && head.has_member("tasks") && has("\"environment_info\"");
    let simulations = head.has_member("simulations") && head.has_member("info");
    second || simulations || head.is_array() && has("\"task_id\"") && (has("\"reward\"") || has("\"traj\""))
}

const EXPECTED: &str = "an array of trajectories of tau-bench, or results of tau2-bench with `simulations`";

fn convert(reading: &mut Reading<'_>, out: &mut Out<'_>) -> Result<(), Finding> {
    reading.values(EXPECTED, &mut |place, value| {
        let value = value?;
        match value.get("simulations").and_then(Value::as_array) {
            Some(simulations) => second::simulations(&value, simulations, out),
            None if value.get("task_id").is_some() && value.get("reward").is_some() => {
                first::trajectory(place, &value, out);
            }
            None => {
                return Err(out.at(place).found(FindingCode::WrongFormat, "it holds no conversation", EXPECTED));
            }
        }
        Ok(())
    })
}

/// The run of a trial: the user's, with the trial, which tries every task once.
fn run_id(trial: Option<u64>, out: &Out<'_>) -> Option<String> {
    let given = out.options().run_id.as_ref()?.as_str().replace("{name}", &out.source().name);
    Some(trial.map_or_else(|| given.clone(), |trial| format!("{given}/trial-{trial}")))
}

/// Whether a reward is full, as the benchmarks compare it; `None` where it is no number.
fn full(reward: Option<&Value>) -> Option<bool> {
    reward?.as_f64().map(|reward| reward >= 0.999_999)
}

/// A task's id, which is a number in the first and a text in the second.
fn task_id(value: &Value) -> Option<String> {
    match value.get("task_id")? {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// The code and the class that the list has for it.
fn listed(code: String) -> (String, dome_core::CodeClass) {
    let class = CODES.iter().find(|known| known.code == code).map_or(Repairable, |known| known.class);
    (code, class)
}
