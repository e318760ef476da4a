//! The command line: one type a verb.

mod store;

pub(crate) use store::{IngestArgs, QuarantineVerb, StoreRebuildArgs, StoreVerb};

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use dome_core::{BinderVersion, Timestamp, WrapperPolicy};

use crate::exit;
use crate::memory::MemorySize;

/// A deterministic memory of failures for coding agents, CI and other automation.
#[derive(Debug, Parser)]
#[command(name = "dome", version, after_help = exit::TABLE, disable_help_subcommand = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) verb: Verb,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

/// How results are shown.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct OutputArgs {
    /// How results are printed on stdout [default: human]
    #[arg(long, global = true, value_enum)]
    pub(crate) format: Option<Format>,
    /// When to use colour; `NO_COLOR` is heeded
    #[arg(long, global = true, value_enum, value_name = "WHEN")]
    pub(crate) color: Option<Color>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    Human,
    /// One canonical object, or JSON Lines.
    Json,
    /// Annotations of a GitHub workflow step (`check` and `conform`).
    Github,
    /// JUnit XML (`conform` only).
    Junit,
    /// SARIF 2.1.0 (`conform` only).
    Sarif,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    Auto,
    Always,
    Never,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    Replay(ReplayArgs),
    Check(CheckArgs),
    Ingest(IngestArgs),
    #[command(subcommand)]
    Store(StoreVerb),
    Convert(crate::convert::ConvertArgs),
    Query(crate::query::QueryArgs),
    Explain(crate::explain::ExplainArgs),
    Verify(VerifyArgs),
    Diff(DiffArgs),
    Plan(PlanArgs),
    Priors(crate::priors::PriorsArgs),
    Backtest(crate::backtest::BacktestArgs),
    #[command(subcommand)]
    Rollout(crate::rollout::RolloutVerb),
    #[command(subcommand)]
    Guard(crate::guard::GuardVerb),
    Schema(SchemaArgs),
    Contracts(crate::contracts::ContractsArgs),
    #[cfg(feature = "conform")]
    Conform(crate::conform::ConformArgs),
    #[cfg(feature = "conform")]
    #[command(hide = true)]
    ConformExec(crate::conform::ConformExecArgs),
}

/// Turn envelopes into facts, capsules and views
///
/// Reads wrapper envelopes (JSON Lines), quarantines the bad ones with every reason, and writes
/// one directory of artifacts: facts, capsules, concepts, three views, lineage, quarantine and a
/// manifest with the digest of each. The same input gives the same bytes, whatever its order.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n    dome replay night/ --out result\n    dome convert terminal-bench runs/ | dome replay - --out result\n    dome replay night/ --out result --redact built-in\n    dome replay year/ --out result --memory 512MiB"
)]
pub(crate) struct ReplayArgs {
    /// Files, folders (walked for *.jsonl, *.jsonl.gz, *.jsonl.zst), or `-` for stdin
    #[arg(required = true, value_name = "INPUT")]
    pub(crate) inputs: Vec<PathBuf>,
    /// The directory to write; whole, or not at all
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// Bind every fact under this mode, whatever it declares
    #[arg(long, value_parser = word::<WrapperPolicy>, value_name = "strict|hybrid|lenient")]
    pub(crate) mode: Option<WrapperPolicy>,
    /// Bind by this binder; v2 is experimental, its rules may still change [default: v1]
    #[arg(long, value_parser = word::<BinderVersion>, value_name = "v1|v2")]
    pub(crate) binder_version: Option<BinderVersion>,
    /// Measure staleness at this instant [default: the last fact's time]
    #[arg(long, value_parser = word::<Timestamp>, value_name = "TIME")]
    pub(crate) as_of: Option<Timestamp>,
    /// The policy document with the thresholds (see `dome schema policy`)
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: Option<PathBuf>,
    /// A reason-code table that extends the pinned one; may be given more than once
    #[arg(long, value_name = "FILE")]
    pub(crate) reason_codes: Vec<PathBuf>,
    /// Quarantine lines whose `ts` is later than this
    #[arg(long, value_parser = word::<Timestamp>, value_name = "TIME")]
    pub(crate) not_after: Option<Timestamp>,
    /// Mask secrets before a line is read or kept: `built-in`, or a document of rules (see
    /// `dome schema redaction`) [default: off]
    #[arg(long, value_name = "built-in|FILE")]
    pub(crate) redact: Option<PathBuf>,
    /// Threads to use [default: all cores]
    #[arg(long, value_name = "N")]
    pub(crate) threads: Option<std::num::NonZeroUsize>,
    /// Memory to use, at least 64MiB, such as 512MiB or 2GB: what needs more is replayed by way of
    /// unnamed files beside DIR, with the same result [default: as much as the input needs]
    #[arg(long, value_parser = word::<MemorySize>, value_name = "SIZE")]
    pub(crate) memory: Option<MemorySize>,
    /// Replace another result that stands in DIR
    #[arg(long)]
    pub(crate) force: bool,
    /// End with exit code 100 when a line was quarantined
    #[arg(long)]
    pub(crate) deny_quarantine: bool,
}

/// Validate envelopes and point at every problem
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n    dome check night.jsonl\n    my-wrapper | dome check - --format json\n    dome check envelopes/ --format github"
)]
pub(crate) struct CheckArgs {
    /// Files, folders (walked for *.jsonl, *.jsonl.gz, *.jsonl.zst), or `-` for stdin
    #[arg(required = true, value_name = "INPUT")]
    pub(crate) inputs: Vec<PathBuf>,
    /// Find fault with lines whose `ts` is later than this
    #[arg(long, value_parser = word::<Timestamp>, value_name = "TIME")]
    pub(crate) not_after: Option<Timestamp>,
}

/// Compute a result again from its facts, and point at what differs
///
/// Every hash, key, counter and row is computed from `facts.jsonl` and the rules that the manifest
/// names, and every file is held to its digest. Ends with 5 when anything differs.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n    dome verify result\n    dome verify result --format json")]
pub(crate) struct VerifyArgs {
    /// The directory that `dome replay` wrote
    #[arg(value_name = "DIR")]
    pub(crate) dir: PathBuf,
}

/// Show what differs between two results
///
/// Facts added and gone; capsules new, gone and changed, counter by counter; capsules split, merged
/// and moved; verdicts gained and lost. The first line fits a commit message.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n    dome diff yesterday today\n    dome diff main branch --fail-on-difference")]
pub(crate) struct DiffArgs {
    /// The earlier result
    #[arg(value_name = "A")]
    pub(crate) a: PathBuf,
    /// The later result
    #[arg(value_name = "B")]
    pub(crate) b: PathBuf,
    /// End with exit code 100 when something differs
    #[arg(long)]
    pub(crate) fail_on_difference: bool,
}

/// Show what another binder, policy or mode would do, before anything is written
///
/// Takes the rules of the result for granted, but for those that are given here: how its capsules
/// would split, merge, move and change verdict, with the largest moves and two input lines that show
/// each, and which new keys an old one resolves to.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n    dome plan --against result --binder-version v2\n    dome plan night/ --against result --policy stricter.json\n    dome plan --against result --binder-version v2 --key 7ab9b547fec3"
)]
pub(crate) struct PlanArgs {
    /// Envelopes to plan with; without any, the facts of the result itself
    #[arg(value_name = "INPUT")]
    pub(crate) inputs: Vec<PathBuf>,
    /// The result that stands
    #[arg(long, value_name = "DIR")]
    pub(crate) against: PathBuf,
    /// Bind by this binder; v2 is experimental, its rules may still change
    #[arg(long, value_parser = word::<BinderVersion>, value_name = "v1|v2")]
    pub(crate) binder_version: Option<BinderVersion>,
    /// Go by this policy document
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: Option<PathBuf>,
    /// Bind every fact under this mode
    #[arg(long, value_parser = word::<WrapperPolicy>, value_name = "strict|hybrid|lenient")]
    pub(crate) mode: Option<WrapperPolicy>,
    /// A reason-code table that extends the pinned one, in place of those of the result
    #[arg(long, value_name = "FILE")]
    pub(crate) reason_codes: Vec<PathBuf>,
    /// Measure staleness at this instant
    #[arg(long, value_parser = word::<Timestamp>, value_name = "TIME")]
    pub(crate) as_of: Option<Timestamp>,
    /// Show only what this key of the result resolves to; its first digits are enough
    #[arg(long, value_name = "KEY")]
    pub(crate) key: Option<String>,
    /// Threads to read with [default: all cores]
    #[arg(long, value_name = "N")]
    pub(crate) threads: Option<std::num::NonZeroUsize>,
}

/// Print the JSON Schema of a public document
#[derive(Debug, Args)]
#[command(after_help = "Example:\n    dome schema envelope > envelope.schema.json")]
pub(crate) struct SchemaArgs {
    /// The document; without it, the names are listed
    #[arg(value_name = "NAME")]
    pub(crate) name: Option<String>,
}

/// Reads an argument of a checked type.
pub(crate) fn word<T: std::str::FromStr<Err: std::fmt::Display>>(text: &str) -> Result<T, String> {
    text.parse().map_err(|why: T::Err| why.to_string())
}
