//! The arguments of `dome convert`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use dome_adapters::{Commit, ConvertOptions, Zone};
use dome_core::{Lane, RunId, Timestamp};

use crate::args::word;

/// Turn a real tool's output into envelopes
///
/// FORMAT is one of `--list`, or `auto`: each file then says by its content what it is. What the
/// data does not say is never made up: it comes from the options below, or the record is left out
/// and named. A file that cannot be read as its format is reported with the place; the others are
/// converted all the same.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n    dome convert terminal-bench runs/ --out night.jsonl\n    dome convert junit reports/ --run-id ci-8154 --zone Z --lane main --commit 46ea5e0 --out ci.jsonl --codes codes.json\n    dome convert --reason-codes terminal-bench > codes.json"
)]
pub(crate) struct ConvertArgs {
    /// The format of the input (see --list), or `auto`
    #[arg(required_unless_present_any = ["list", "reason_codes"], value_name = "FORMAT")]
    pub(super) tool: Option<String>,
    /// Files, folders (walked in name order), or `-` for stdin
    #[arg(value_name = "INPUT")]
    pub(super) inputs: Vec<PathBuf>,
    /// The file to write [default: stdout]
    #[arg(long, value_name = "FILE")]
    pub(super) out: Option<PathBuf>,
    /// The file to write a table of reason codes to, with every code that the envelopes carry, for
    /// `dome replay --reason-codes`; a table that stands there is added to
    #[arg(long, value_name = "FILE")]
    pub(super) codes: Option<PathBuf>,
    /// The file to write every finding to, as JSON Lines; stderr has the first of each kind
    #[arg(long, value_name = "FILE")]
    pub(super) findings: Option<PathBuf>,
    /// The stream of work that all records belong to, such as a branch
    #[arg(long, value_parser = word::<Lane>, value_name = "LANE")]
    lane: Option<Lane>,
    /// The commit that was tried; a success names it as its remedy
    #[arg(long, value_parser = word::<Commit>, value_name = "SHA")]
    commit: Option<Commit>,
    /// The run of records whose own run the input does not say; `{name}` in it stands for the name
    /// of the file, so that each file is a run
    #[arg(long, value_parser = word::<RunId>, value_name = "ID")]
    run_id: Option<RunId>,
    /// When records happened that have no time of their own
    #[arg(long, value_parser = word::<Timestamp>, value_name = "TIME")]
    ts: Option<Timestamp>,
    /// The offset of times that the data writes without one: `Z`, `+02:00`
    #[arg(long, value_parser = word::<Zone>, value_name = "OFFSET", allow_hyphen_values = true)]
    zone: Option<Zone>,
    /// The order of files, which is that of their records inside of a run. With `mtime` a file's
    /// own time also stands in for the time of records that have none [default: name]
    #[arg(long, value_enum, value_name = "ORDER", hide_possible_values = true)]
    pub(super) sequence_from: Option<Order>,
    /// Name the formats
    #[arg(long, conflicts_with = "tool")]
    pub(super) list: bool,
    /// Print the table of reason codes that a format emits
    #[arg(long, value_name = "FORMAT", conflicts_with = "tool")]
    pub(super) reason_codes: Option<String>,
}

/// `--sequence-from files|mtime|name`
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Order {
    /// As they are given.
    Files,
    /// By the time of their last change, then by name.
    Mtime,
    /// By name, then by content.
    Name,
}

impl ConvertArgs {
    pub(super) fn options(&self) -> ConvertOptions {
        let Self { lane, commit, run_id, ts, zone, .. } = self;
        ConvertOptions {
            lane: lane.clone(),
            commit: commit.clone(),
            run_id: run_id.clone(),
            ts: *ts,
            zone: zone.clone(),
        }
    }
}
