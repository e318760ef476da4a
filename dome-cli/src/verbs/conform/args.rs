//! The arguments of `dome conform`.

use std::path::PathBuf;

use clap::Args;
use dome_core::Timestamp;
use dome_core::conformance::CheckName;

use crate::args::word;

/// Hold a Python tool to its manifest: `python_standard`
///
/// Runs the tool on its fixtures and on documents that are made from its schemas, observed and kept
/// within its policy by the kernel, and says of each sub-check pass, fail, unenforced or not run, and
/// why. Ends with 0 when the tool conforms, with 100 when it does not, with 3 when the manifest is
/// invalid. `--format json` prints the report that `dome priors --conformance` takes.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n    dome conform tool/manifest.json\n    dome conform tool/manifest.json --out report.json --envelopes drift.jsonl\n    dome conform tool/manifest.json --format junit > conform.xml"
)]
pub(crate) struct ConformArgs {
    /// The manifest (see `dome schema tool-manifest`); the tool's files stand beside it
    #[arg(required_unless_present = "reason_codes", value_name = "MANIFEST")]
    pub(crate) manifest: Option<PathBuf>,
    /// Write the report here, too, whatever is printed
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Write an envelope for each way in which the tool drifts from its schemas (`SPEC_DRIFT`)
    #[arg(long, value_name = "FILE")]
    pub(crate) envelopes: Option<PathBuf>,
    /// When these envelopes happened [default: now]
    #[arg(long, value_parser = word::<Timestamp>, value_name = "TIME")]
    pub(crate) ts: Option<Timestamp>,
    /// The last instant at which the report is current [default: always]
    #[arg(long, value_parser = word::<Timestamp>, value_name = "TIME")]
    pub(crate) valid_until: Option<Timestamp>,
    /// The interpreter, 3.11 or later
    #[arg(long, value_name = "PROGRAM", default_value = "python3")]
    pub(crate) python: PathBuf,
    /// Only this sub-check; may be given more than once. A report without the others never conforms
    #[arg(long, value_parser = word::<CheckName>, value_name = "CHECK")]
    pub(crate) only: Vec<CheckName>,
    /// Print the table of reason codes that the envelopes have
    #[arg(long)]
    pub(crate) reason_codes: bool,
}

/// The half of a run that restricts itself and becomes the tool.
#[derive(Debug, Args)]
pub(crate) struct ConformExecArgs {
    /// What to become
    #[arg(value_name = "SPEC")]
    pub(crate) spec: PathBuf,
}
