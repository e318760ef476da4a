//! tau-bench and tau2-bench, by the page of the format.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on fails")]

use dome_adapters::{Conversion, ConvertOptions};
use serde_json::{Value, json};

use super::support::{Folder, codes, file, given, hostile, real_files, run, taken, tallied};

fn convert(document: &Value) -> Conversion {
    run("tau-bench", &file(document.to_string()), &given())
}

fn trajectory(task: u64, trial: u64, reward: f64, info: Value) -> Value {
    let task_info = json!({"user_id": "u", "actions": [], "instruction": format!("do {task}"), "outputs": []});
    json!({"task_id": task, "reward": reward, "trial": trial, "traj": [{"role": "system", "content": "x"}],
        "info": {"task": task_info, "source": "user", "user_cost": 0.1, "reward_info": info}})
}

fn simulation(id: &str, ended: &str, reward: f64, parts: Value) -> Value {
    let check = json!({"action": {"action_id": "t_0", "name": "get"}, "action_match": false, "action_reward": 0.0});
    json!({"id": id, "task_id": format!("t-{id}"), "end_time": "2026-04-06T17:07:26.269501", "duration": 102.124,
        "termination_reason": ended, "trial": 0, "seed": 1, "messages": [],
        "reward_info": {"reward": reward, "reward_breakdown": parts, "action_checks": [check]}})
}

fn results(simulations: Vec<Value>) -> Value {
    json!({"timestamp": "2026-04-06T16:57:06", "tasks": [], "simulations": simulations,
        "info": {"git_commit": "675d6aad0d65b45fdaa6439f7d8464f541fb7d0b", "num_trials": 1,
            "agent_info": {"implementation": "llm_agent", "llm": "m"}, "user_info": {"llm": "u"},
            "environment_info": {"domain_name": "airline"}}})
}

#[test]
fn a_trajectory_fails_by_what_took_its_reward_away() {
    let document = json!([
        trajectory(0, 0, 1.0, json!({"reward": 1.0, "info": {"r_actions": 1.0, "gt_data_hash": "x"}})),
        trajectory(0, 1, 0.0, json!({"reward": 0.0, "info": {"r_actions": 0.0, "gt_data_hash": "x"}})),
        trajectory(1, 0, 0.0, json!({"reward": 0.0, "info": {"r_outputs": 0.0, "outputs": {"327": false, "5": true}}})),
        trajectory(2, 0, 0.0, json!({"reward": 0.0, "info": {"r_outputs": 1.0, "outputs": {}}})),
        trajectory(3, 0, 0.0, Value::Null),
        {"task_id": 4, "reward": 0.0, "trial": 0, "traj": [], "info": {"error": "RateLimitError", "traceback": "..."}},
        {"task_id": [], "reward": 0.0},
    ]);
    let done = convert(&document);
    insta::assert_snapshot!(tallied(&done), @r"
    1 failure CONVERSATION.NOT_JUDGED
    2 failure REWARD.ACTIONS
    1 failure REWARD.OUTPUTS
    1 failure RUN.ERROR
    1 success NONE
    ");
    assert_eq!(codes(&done.problems), ["record_malformed"]);
    assert_eq!(done.envelopes[5].run_id.as_str(), "run-1/trial-1");
    let [first, second, outputs] = [0, 5, 1].map(|place| &done.envelopes[place]);
    assert_eq!(first.task_spec.target, second.task_spec.target, "one task, whatever the trial");
    assert!(first.task_spec.target.id.as_str().starts_with("0@"));
    let gates: Vec<_> = outputs.gates.iter().map(|gate| (gate.gate_id.as_str(), gate.status.as_str())).collect();
    assert_eq!(gates, [("OUTPUTS", "FAIL"), ("OUTPUTS/327", "FAIL"), ("OUTPUTS/5", "PASS")]);
    assert_eq!(taken(document.to_string().as_bytes()), ["tau-bench"]);
}

#[test]
fn a_simulation_fails_by_its_end_or_by_the_part_that_took_its_reward_away() {
    let document = results(vec![
        simulation("a", "user_stop", 1.0, json!({"DB": 1.0, "COMMUNICATE": 1.0})),
        simulation("b", "agent_stop", 0.0, json!({"DB": 0.0, "ACTION": 0.0})),
        simulation("c", "user_stop", 0.0, json!({"COMMUNICATE": 0.0, "ACTION": 0.0})),
        simulation("d", "max_steps", 0.0, Value::Null),
        simulation("e", "too_many_errors", 0.0, Value::Null),
        simulation("f", "user_stop", 0.0, Value::Null),
    ]);
    let done = convert(&document);
    insta::assert_snapshot!(tallied(&done), @r"
    1 failure REWARD.ACTION
    1 failure REWARD.DB
    1 failure REWARD.UNMET
    1 failure TERMINATION.MAX_STEPS
    1 failure TERMINATION.TOO_MANY_ERRORS
    1 success NONE
    ");
    let [passed, failed] = [0, 2].map(|place| &done.envelopes[place]);
    assert_eq!((passed.task_spec.target.id.as_str(), passed.duration_ms), ("airline/t-a", Some(102_124)));
    assert_eq!(passed.remedy, None);
    let subject = passed.subject.as_ref().unwrap();
    assert_eq!(subject.revision.as_str(), "llm_agent m 675d6aad0d65b45fdaa6439f7d8464f541fb7d0b");
    let gates: Vec<_> = failed.gates.iter().map(|gate| gate.gate_id.as_str()).collect();
    assert_eq!(gates, ["ACTION", "ACTION/t_0", "COMMUNICATE"]);
    assert!(passed.gates.iter().all(|gate| !gate.gate_id.as_str().starts_with("ACTION")), "it does not count there");
    assert_eq!(taken(document.to_string().as_bytes()), ["tau-bench"]);
}

#[test]
fn times_without_an_offset_and_trajectories_without_time_ask_for_one() {
    let document = results(vec![simulation("a", "user_stop", 1.0, json!({}))]).to_string();
    let zoned = |zone: Option<&str>| {
        let zone = zone.map(|zone| zone.parse().unwrap());
        run("tau-bench", &file(&*document), &ConvertOptions { zone, ts: None, ..given() })
    };
    assert_eq!(zoned(Some("-05:00")).envelopes[0].ts.to_string(), "2026-04-06T22:07:26.269501Z");
    let none = zoned(None);
    assert!(none.envelopes.is_empty() && none.problems[0].expected.contains("--zone"));
    let untimed = json!([trajectory(0, 0, 1.0, Value::Null)]).to_string();
    let done = run("tau-bench", &file(untimed), &ConvertOptions { ts: None, ..given() });
    assert!(done.problems[0].expected.contains("--ts"));
    let results = results(vec![]);
    assert_eq!(codes(&convert(&results).notes), ["records_none"]);
}

#[test]
fn files_that_are_something_else_are_refused() {
    let document = json!([trajectory(0, 0, 1.0, Value::Null), trajectory(0, 1, 0.0, Value::Null)]).to_string();
    hostile::refuses_what_is_not_its_own("tau-bench", document.as_bytes());
    hostile::survives("tau-bench", document.as_bytes());
    let document = results(vec![simulation("a", "user_stop", 0.0, json!({"DB": 0.0}))]).to_string();
    hostile::survives("tau-bench", document.as_bytes());
}

/// The counts were made by a few lines of Python over the same files.
#[test]
fn real_sets_come_to_what_was_counted_otherwise() {
    let Some(first) = real_files("tau/tau-bench") else { return };
    let done = run("tau-bench", &first, &given());
    assert_eq!((first.len(), done.counts.records, done.problems.len()), (1, 200, 0));
    insta::assert_snapshot!(tallied(&done), @r"
    5 failure CONVERSATION.NOT_JUDGED
    101 failure REWARD.ACTIONS
    10 failure REWARD.OUTPUTS
    84 success NONE
    ");
    let second: Folder = real_files("tau/tau2-student-sims").unwrap();
    let done =
        run("tau-bench", &second, &ConvertOptions { ts: None, run_id: Some("{name}".parse().unwrap()), ..given() });
    assert_eq!((second.len(), done.counts.records, done.problems.len()), (39, 86, 0));
    insta::assert_snapshot!(tallied(&done), @r"
    3 failure REWARD.ACTION
    6 failure REWARD.DB
    2 failure REWARD.NL_ASSERTION
    75 success NONE
    ");
    assert_eq!(codes(&done.notes), ["records_none"; 5]);
}
