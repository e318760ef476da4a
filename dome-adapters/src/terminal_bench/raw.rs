//! The shapes of terminal-bench's own files, as far as they are read.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::finding::{At, Finding};
use crate::members::Members;

/// One trial: an entry of `results`, or the `results.json` of a trial's own folder.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct RawTrial {
    pub(super) id: Option<String>,
    pub(super) trial_name: String,
    pub(super) task_id: String,
    pub(super) is_resolved: Option<bool>,
    pub(super) failure_mode: Option<String>,
    pub(super) parser_results: Option<BTreeMap<String, String>>,
    pub(super) recording_path: Option<String>,
    pub(super) trial_started_at: Option<String>,
    pub(super) trial_ended_at: Option<String>,
}

/// The metadata of a run.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Metadata {
    pub(super) run_id: String,
    pub(super) uuid: Option<String>,
    pub(super) dataset_name: Option<String>,
    pub(super) dataset_version: Option<String>,
    pub(super) agent_name: Option<String>,
    pub(super) model_name: Option<String>,
    pub(super) end_time: Option<String>,
    pub(super) commit_hash: Option<String>,
}

/// What a file is, by what it holds; its name says nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Results,
    Trial,
    Metadata,
}

impl Kind {
    pub(super) fn of(document: &Value) -> Option<Self> {
        let has = |name: &str| document.get(name).is_some();
        if document.get("results").is_some_and(Value::is_array) {
            Some(Self::Results)
        } else if has("trial_name") && has("task_id") {
            Some(Self::Trial)
        } else if has("run_id") && has("agent_name") {
            Some(Self::Metadata)
        } else {
            None
        }
    }
}

impl Metadata {
    pub(super) fn read(at: At<'_>, value: Value) -> Result<Self, Finding> {
        let mut members = Members::of(at, value, "the metadata of a run, as an object")?;
        Ok(Self {
            run_id: members.text("run_id")?,
            uuid: members.optional_text("uuid")?,
            dataset_name: members.optional_text("dataset_name")?,
            dataset_version: members.optional_text("dataset_version")?,
            agent_name: members.optional_text("agent_name")?,
            model_name: members.optional_text("model_name")?,
            end_time: members.optional_text("end_time")?,
            commit_hash: members.optional_text("commit_hash")?,
        })
    }
}

impl RawTrial {
    pub(super) fn read(at: At<'_>, value: Value) -> Result<Self, Finding> {
        let mut members = Members::of(at, value, "a trial, as an object")?;
        Ok(Self {
            id: members.optional_text("id")?,
            trial_name: members.text("trial_name")?,
            task_id: members.text("task_id")?,
            is_resolved: members.optional_flag("is_resolved")?,
            failure_mode: members.optional_text("failure_mode")?,
            parser_results: members.optional_texts("parser_results")?,
            recording_path: members.optional_text("recording_path")?,
            trial_started_at: members.optional_text("trial_started_at")?,
            trial_ended_at: members.optional_text("trial_ended_at")?,
        })
    }

    /// The attempt (`2-of-5`) and the harness's own run id: a trial is named
    /// `TASK.ATTEMPT.RUN`, and a task's name may hold dots.
    pub(super) fn attempt_and_run(&self) -> Option<(&str, &str)> {
        let rest = self.trial_name.strip_prefix(&self.task_id)?.strip_prefix('.')?;
        let (attempt, run) = rest.split_once('.')?;
        let (number, of) = attempt.split_once("-of-")?;
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        (digits(number) && digits(of) && !run.is_empty()).then_some((attempt, run))
    }

    /// What tells events of one run apart.
    pub(super) fn event_id(&self) -> &str {
        self.id.as_deref().unwrap_or(&self.trial_name)
    }

    /// The harness's word for what went wrong; `unset` is its own default.
    pub(super) fn mode(&self) -> &str {
        self.failure_mode.as_deref().unwrap_or("unset")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trial(task_id: &str, trial_name: &str) -> RawTrial {
        let json = serde_json::json!({"task_id": task_id, "trial_name": trial_name});
        RawTrial::read(At { input: "r.json", place: "" }, json).unwrap_or_else(|finding| unreachable!("{finding}"))
    }

    #[test]
    fn a_trial_is_named_by_task_attempt_and_run() {
        let dotted = trial("eval-mteb.hard", "eval-mteb.hard.2-of-5.2025-10-22__09-19-22");
        assert_eq!(dotted.attempt_and_run(), Some(("2-of-5", "2025-10-22__09-19-22")));
        assert_eq!(trial("a", "a.1-of-1.nightly.7").attempt_and_run(), Some(("1-of-1", "nightly.7")));
    }

    #[test]
    fn any_other_name_says_neither_attempt_nor_run() {
        for name in ["", "a", "a.1-of-2", "a.1-of-2.", "a.x-of-2.r", "a.1-of-.r", "a.1of2.r", "b.1-of-2.r", "a1-of-2.r"]
        {
            assert_eq!(trial("a", name).attempt_and_run(), None, "{name}");
        }
    }
}
