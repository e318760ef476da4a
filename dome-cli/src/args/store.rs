//! The verbs of the store.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use dome_core::{Timestamp, WrapperPolicy};

use super::word;

/// Keep envelopes in a store, at once or as they come
///
/// Every line is masked, read and kept, before it is acknowledged: envelopes as facts, the others in
/// the quarantine with every reason. Reading goes on where it stopped; the same input again adds
/// nothing. The store is made when it is not there.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n    dome ingest night/ --store memory\n    my-wrapper | dome ingest - --store memory --follow"
)]
pub(crate) struct IngestArgs {
    /// Files, folders (walked for *.jsonl, *.jsonl.gz, *.jsonl.zst), or `-` for stdin
    #[arg(required = true, value_name = "INPUT")]
    pub(crate) inputs: Vec<PathBuf>,
    /// The directory of the store
    #[arg(long, value_name = "DIR")]
    pub(crate) store: PathBuf,
    /// Go on as files grow, appear and are rotated, or as stdin goes on, until SIGTERM or SIGINT
    #[arg(long)]
    pub(crate) follow: bool,
    /// Lines that are kept at once
    #[arg(long, value_name = "N", default_value = "1000")]
    pub(crate) batch_lines: std::num::NonZeroUsize,
    /// With --follow, how long a line waits for others at most, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 500)]
    pub(crate) batch_ms: u64,
    /// Rules that mask secrets before anything is kept: a document, `built-in` or `off` [default: built-in]
    #[arg(long, value_name = "RULES")]
    pub(crate) redact: Option<PathBuf>,
    /// Quarantine lines whose `ts` is later than this, or `off` [default: a day ahead of the clock]
    #[arg(long, value_name = "TIME")]
    pub(crate) not_after: Option<String>,
    /// Of a new store: bind every fact under this mode, whatever it declares
    #[arg(long, value_parser = word::<WrapperPolicy>, value_name = "strict|hybrid|lenient")]
    pub(crate) mode: Option<WrapperPolicy>,
    /// Of a new store: the policy document with the thresholds (see `dome schema policy`)
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: Option<PathBuf>,
    /// Of a new store: a reason-code table that extends the pinned one; may be given more than once
    #[arg(long, value_name = "FILE")]
    pub(crate) reason_codes: Vec<PathBuf>,
    /// End with exit code 100 when a line was rejected
    #[arg(long)]
    pub(crate) deny_quarantine: bool,
}

/// Which store.
#[derive(Debug, Args)]
pub(crate) struct StoreAt {
    /// The directory of the store
    #[arg(long, value_name = "DIR")]
    pub(crate) store: PathBuf,
}

/// Look at a store, check it, and take artifacts out of it
#[derive(Debug, Subcommand)]
#[command(after_help = "Example:\n    dome store status --store memory")]
pub(crate) enum StoreVerb {
    /// What is in it, and how good its sources are
    #[command(after_help = "Example:\n    dome store status --store memory")]
    Status(StoreAt),
    /// Derive everything again from the log, and hold the index against it
    #[command(after_help = "Example:\n    dome store verify --store memory")]
    Verify(StoreVerifyArgs),
    /// Write the artifacts that a replay of everything ingested would write
    #[command(after_help = "Example:\n    dome store export --store memory --out result")]
    Export(StoreExportArgs),
    /// See what was rejected and why, and try again
    #[command(subcommand)]
    Quarantine(QuarantineVerb),
    /// Make the index as small as what it holds; the log is never shortened
    #[command(after_help = "Example:\n    dome store compact --store memory")]
    Compact(StoreAt),
    /// Derive the index again from the log, under another mode, policy or reason codes if they are given
    #[command(after_help = "Example:\n    dome store rebuild --store memory --policy policy.json")]
    Rebuild(StoreRebuildArgs),
}

/// `dome store verify`
#[derive(Debug, Args)]
pub(crate) struct StoreVerifyArgs {
    #[command(flatten)]
    pub(crate) at: StoreAt,
    /// Threads to use [default: all cores]
    #[arg(long, value_name = "N")]
    pub(crate) threads: Option<std::num::NonZeroUsize>,
}

/// `dome store export`
#[derive(Debug, Args)]
pub(crate) struct StoreExportArgs {
    #[command(flatten)]
    pub(crate) at: StoreAt,
    /// The directory to write; whole, or not at all
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// Measure staleness at this instant [default: the last fact's time]
    #[arg(long, value_parser = word::<Timestamp>, value_name = "TIME")]
    pub(crate) as_of: Option<Timestamp>,
    /// Threads to use [default: all cores]
    #[arg(long, value_name = "N")]
    pub(crate) threads: Option<std::num::NonZeroUsize>,
    /// Replace another result that stands in DIR
    #[arg(long)]
    pub(crate) force: bool,
}

/// See what was rejected and why, and try again
#[derive(Debug, Subcommand)]
pub(crate) enum QuarantineVerb {
    /// Every rejected line: its position in the log, where it stood, and the codes of its problems
    #[command(after_help = "Example:\n    dome store quarantine list --store memory --source night.jsonl")]
    List(QuarantineListArgs),
    /// One rejected line, with a caret under each problem
    #[command(after_help = "Example:\n    dome store quarantine show 17 --store memory")]
    Show(QuarantineShowArgs),
    /// Read rejected lines again: those that are envelopes now are admitted, where they stood
    #[command(after_help = "Example:\n    dome store quarantine retry --store memory")]
    Retry(QuarantineRetryArgs),
}

/// `dome store quarantine list`
#[derive(Debug, Args)]
pub(crate) struct QuarantineListArgs {
    #[command(flatten)]
    pub(crate) at: StoreAt,
    /// Only lines of this source
    #[arg(long, value_name = "NAME")]
    pub(crate) source: Option<String>,
}

/// `dome store quarantine show`
#[derive(Debug, Args)]
pub(crate) struct QuarantineShowArgs {
    #[command(flatten)]
    pub(crate) at: StoreAt,
    /// The line's position in the log, as `list` shows it
    pub(crate) position: u64,
}

/// `dome store quarantine retry`
#[derive(Debug, Args)]
pub(crate) struct QuarantineRetryArgs {
    #[command(flatten)]
    pub(crate) at: StoreAt,
    /// Positions in the log, as `list` shows them [default: all]
    pub(crate) positions: Vec<u64>,
    /// Only lines of this source
    #[arg(long, value_name = "NAME")]
    pub(crate) source: Option<String>,
}

/// `dome store rebuild`
#[derive(Debug, Args)]
pub(crate) struct StoreRebuildArgs {
    #[command(flatten)]
    pub(crate) at: StoreAt,
    /// Bind every fact under this mode, whatever it declares
    #[arg(long, value_parser = word::<WrapperPolicy>, value_name = "strict|hybrid|lenient")]
    pub(crate) mode: Option<WrapperPolicy>,
    /// The policy document with the thresholds (see `dome schema policy`)
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: Option<PathBuf>,
    /// A reason-code table that extends the pinned one; may be given more than once
    #[arg(long, value_name = "FILE")]
    pub(crate) reason_codes: Vec<PathBuf>,
}
