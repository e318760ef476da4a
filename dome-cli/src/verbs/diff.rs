//! `dome diff`: two results held against each other.

use std::path::{Path, PathBuf};

use clap::Args;
use dome_binder::{Comparison, Replay, compare};
use dome_replay::ResultDir;
use serde::Serialize;

use crate::exit::Exit;
use crate::output::Output;
use crate::render::comparison::{Compared, Side, print};

/// Show what differs between two results
///
/// Facts added and gone; capsules new, gone and changed, counter by counter; capsules split, merged
/// and moved; verdicts gained and lost. The first line fits a commit message.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n    dome diff yesterday today\n    dome diff main branch --fail-on-difference")]
pub(crate) struct DiffArgs {
    /// The earlier result
    #[arg(value_name = "A")]
    a: PathBuf,
    /// The later result
    #[arg(value_name = "B")]
    b: PathBuf,
    /// End with exit code 100 when something differs
    #[arg(long)]
    fail_on_difference: bool,
}

/// What differs between two results, its members in canonical order.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub(crate) struct Diff {
    /// The earlier result.
    a: Side,
    /// The later one.
    b: Side,
    /// What differs.
    comparison: Comparison,
    /// The version of this document.
    format_version: &'static str,
}

/// Runs the verb.
pub(crate) fn run(args: &DiffArgs, output: &mut Output) -> anyhow::Result<Exit> {
    let (a, earlier) = opened(&args.a)?;
    let (b, later) = opened(&args.b)?;
    let diff = Diff { a, b, comparison: compare(&earlier, &later), format_version: "1" };
    if output.is_json() {
        output.object(&diff)?;
    } else {
        output.line(&diff.comparison.summary)?;
        if !diff.comparison.is_same() {
            output.line("")?;
            diff.a.table(&diff.b, ["a", "b"]).iter().try_for_each(|row| output.line(row))?;
            print(&Compared::new(&diff.comparison, &earlier, &later), output)?;
        }
    }
    let differs = args.fail_on_difference && !diff.comparison.is_same();
    Ok(if differs { Exit::Findings } else { Exit::Done })
}

fn opened(path: &Path) -> anyhow::Result<(Side, Replay)> {
    let result = ResultDir::open(path)?;
    result.check()?;
    let replay = result.replay()?;
    Ok((Side::of(&replay, result.rules(), result.binder()), replay))
}
