//! Runs of terminal-bench from JSON values.

use dome_adapters::{Conversion, ConvertOptions};
use serde_json::{Value, json};

use super::Folder;

pub(crate) const RUN: &str = "2025-10-22__09-19-22";

pub(crate) fn folder<const N: usize>(files: [(&str, Value); N]) -> Folder {
    files.into_iter().map(|(name, document)| (name.to_owned(), document.to_string().into_bytes())).collect()
}

/// Converts; beside what holds of all formats, the envelopes of a run follow the clock (M-44).
pub(crate) fn run(folder: &Folder, options: &ConvertOptions) -> Conversion {
    let done = super::run("terminal-bench", folder, options);
    for run in done.envelopes.chunk_by(|a, b| a.run_id == b.run_id) {
        assert!(run.is_sorted_by_key(|envelope| envelope.ts));
    }
    done
}

pub(crate) fn metadata() -> Value {
    json!({
        "run_id": RUN,
        "uuid": "b0c46e6c-d1ba-41f6-8169-242513c61cc7",
        "dataset_name": "terminal-bench-core",
        "dataset_version": "0.1.1",
        "agent_name": "TBenchOrchestratorAgent",
        "model_name": "provider/model-1",
        "end_time": "2025-10-22T18:18:25.762090+00:00",
        "commit_hash": "c111e3902169d39a0e1e69affac2ffba18c8b95c",
        "pass_at_k": {"2": 0.20375},
    })
}

/// A failed trial of `task` with the members of `other` over its own; `null` takes one away.
pub(crate) fn trial(task: &str, attempt: &str, other: Value) -> Value {
    let mut trial = json!({
        "id": format!("id-{task}-{attempt}"),
        "trial_name": format!("{task}.{attempt}.{RUN}"),
        "task_id": task,
        "instruction": "Do it.",
        "is_resolved": false,
        "failure_mode": "unset",
        "parser_results": {"test_a": "passed", "test_b": "failed"},
        "recording_path": format!("{RUN}/{task}/{task}.{attempt}.{RUN}/sessions/agent.cast"),
        "trial_started_at": "2025-10-22T09:20:20.008880+00:00",
        "trial_ended_at": "2025-10-22T09:27:10.601357+00:00",
    });
    for (name, value) in other.as_object().unwrap() {
        trial[name] = value.clone();
    }
    trial
}

/// A run of these trials with its metadata.
pub(crate) fn of_trials<const N: usize>(trials: [Value; N]) -> Folder {
    folder([("run_metadata.json", metadata()), ("results.json", json!({"results": trials.to_vec()}))])
}

pub(crate) fn bytes(done: &Conversion) -> Vec<u8> {
    done.envelopes.iter().flat_map(|envelope| [envelope.to_canonical(), b"\n".to_vec()].concat()).collect()
}
