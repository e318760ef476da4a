//! The arguments of `dome guard`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// Ask a bundle of guardrails
#[derive(Debug, Subcommand)]
#[command(after_help = "Example:\n    dome guard eval --guardrails guardrails.json --context context.json")]
pub(crate) enum GuardVerb {
    Eval(EvalArgs),
}

/// Decide on one transition, and say why
///
/// Which guard passed, failed or did not apply, what is missing, what is not known, and what to do.
/// Unknowns deny. Ends with 0 for ALLOW and with 100 for DENY and STOP; `--format json` tells those
/// apart, and its `guard_evals` can stand in an envelope as they are.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n    dome guard eval --guardrails guardrails.json --context context.json\n    my-planner --context | dome guard eval --guardrails guardrails.json --context - --format json"
)]
pub(crate) struct EvalArgs {
    /// The bundle, by the pinned schema `guardrails_bundle`
    #[arg(long, value_name = "FILE")]
    pub(crate) guardrails: PathBuf,
    /// The transition with its evidence and predicates (see `dome schema guard-context`), or `-`
    #[arg(long, value_name = "FILE")]
    pub(crate) context: PathBuf,
}
