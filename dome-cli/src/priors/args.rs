//! The arguments of `dome priors`.

use std::path::PathBuf;

use clap::Args;
use dome_binder::priors::Rollout;
use dome_core::{ActionKind, FailureReasonCode, Scope, Sha256Hash, TargetId, TargetKind, Timestamp};

use crate::args::word;
use crate::known::At;

/// What is known before acting: capsules for a TaskSpec, best first
///
/// Capsules of the task line, then the same failures on other targets, then concepts; each with its
/// verdict, every hold with its number and threshold, remedies with their record, and where it was
/// seen. Nothing is prescriptive unless `--rollout prescriptive` says so and nothing holds it back.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n    dome priors --from result --scope task --target-kind repo --target-id acme/app --action-kind test\n    dome priors --from result --scope task --target-kind repo --target-id acme/app --action-kind test \\\n        --transition candidate:promoted --guardrails guardrails.json --version python=3.12 --rollout prescriptive"
)]
pub(crate) struct PriorsArgs {
    #[command(flatten)]
    pub(crate) at: At,
    /// How far the task reaches
    #[arg(long, value_parser = word::<Scope>, value_name = "task|run|repo")]
    pub(crate) scope: Scope,
    /// What kind of thing is worked on
    #[arg(long, value_parser = word::<TargetKind>, value_name = "KIND")]
    pub(crate) target_kind: TargetKind,
    /// Which one
    #[arg(long, value_parser = word::<TargetId>, value_name = "ID")]
    pub(crate) target_id: TargetId,
    /// What is done
    #[arg(long, value_parser = word::<ActionKind>, value_name = "KIND")]
    pub(crate) action_kind: ActionKind,
    /// Only this failure
    #[arg(long, value_parser = word::<FailureReasonCode>, value_name = "CODE")]
    pub(crate) failure_reason_code: Option<FailureReasonCode>,
    /// The fingerprint to look for on other targets [default: those of the task line's capsules]
    #[arg(long, value_parser = word::<Sha256Hash>, value_name = "HASH")]
    pub(crate) fingerprint_hash: Option<Sha256Hash>,
    /// A version of what takes part; may be given more than once
    #[arg(long = "version", value_parser = pair, value_name = "NAME=VALUE")]
    pub(crate) versions: Vec<(String, String)>,
    /// The tool that will be used, and its version
    #[arg(long, value_parser = pair, value_name = "NAME=VERSION")]
    pub(crate) tool: Option<(String, String)>,
    /// The transition that the task is; needs --guardrails
    #[arg(long, value_parser = states, value_name = "FROM:TO", requires = "guardrails")]
    pub(crate) transition: Option<(String, String)>,
    /// The bundle of guardrails that decides on it
    #[arg(long, value_name = "FILE")]
    pub(crate) guardrails: Option<PathBuf>,
    /// Evidence and predicates for the guards (see `dome schema guard-context`); --transition and
    /// --action-kind fill in what it leaves out
    #[arg(long, value_name = "FILE", requires = "guardrails")]
    pub(crate) context: Option<PathBuf>,
    /// A conformance report (see `dome schema conformance-report`); may be given more than once
    #[arg(long, value_name = "FILE")]
    pub(crate) conformance: Vec<PathBuf>,
    #[cfg(feature = "conform")]
    /// The manifest of a tool that a report is on: the report counts as long as neither has changed; may
    /// be given more than once
    #[arg(long, value_name = "FILE", requires = "conformance")]
    pub(crate) tool_manifest: Vec<PathBuf>,
    /// How far dome may go
    #[arg(long, value_parser = word::<Rollout>, default_value = "guided", value_name = "shadow|guided|prescriptive")]
    pub(crate) rollout: Rollout,
    /// Append the answer to this file, one line; under `shadow` it is the only place where it shows
    #[arg(long, value_name = "FILE")]
    pub(crate) record: Option<PathBuf>,
    /// Measure staleness at this instant [default: that of the result]
    #[arg(long, value_parser = word::<Timestamp>, value_name = "TIME")]
    pub(crate) as_of: Option<Timestamp>,
    /// How many priors to show
    #[arg(long, value_name = "N", default_value = "20", value_parser = clap::value_parser!(u64).range(1..=200))]
    pub(crate) limit: u64,
    /// End with exit code 4 when nothing is known
    #[arg(long)]
    pub(crate) require_match: bool,
}

fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() && !value.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("expected NAME=VALUE".to_owned()),
    }
}

fn states(text: &str) -> Result<(String, String), String> {
    match text.split_once(':') {
        Some((from, to)) if !from.is_empty() && !to.is_empty() && !to.contains(':') => {
            Ok((from.to_owned(), to.to_owned()))
        }
        _ => Err("expected FROM:TO; states with a `:` go into --context".to_owned()),
    }
}
