//! `dome diff`: two results held against each other.

use std::path::{Path, PathBuf};

use clap::Args;
use dome_binder::{Comparison, Replay, compare};
use dome_replay::ResultDir;
use serde::Serialize;

use crate::exit::Exit;
use crate::output::Printer;
use crate::render::comparison::{ComparedSide, print};

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
#[schemars(rename = "Diff")]
pub(crate) struct DiffDocument {
    /// The earlier result.
    a: ComparedSide,
    /// The later one.
    b: ComparedSide,
    /// What differs.
    comparison: Comparison,
    /// The version of this document.
    format_version: &'static str,
}

pub(crate) fn run(args: &DiffArgs, output: &mut Printer) -> anyhow::Result<Exit> {
    let (a, earlier) = opened(&args.a)?;
    let (b, later) = opened(&args.b)?;
    let diff = DiffDocument { a, b, comparison: compare(&earlier, &later), format_version: "1" };
    output.show(&diff, |DiffDocument { a, b, comparison, .. }, output| {
        output.line(&comparison.summary)?;
        if comparison.is_same() {
            return Ok(());
        }
        output.line("")?;
        a.print_beside(b, ["a", "b"], output)?;
        print(comparison, &earlier, &later, output)
    })?;
    let differs = args.fail_on_difference && !diff.comparison.is_same();
    Ok(if differs { Exit::Findings } else { Exit::Done })
}

fn opened(path: &Path) -> anyhow::Result<(ComparedSide, Replay)> {
    let result = ResultDir::open(path)?;
    result.check()?;
    let replay = result.replay()?;
    Ok((ComparedSide::of(&replay, result.rules(), result.binder()), replay))
}
