//! `dome diff`: two results held against each other.

use dome_binder::{Comparison, Replay, compare};
use serde::Serialize;

use crate::args::DiffArgs;
use crate::comparison::{self, Shown, Side};
use crate::exit::Exit;
use crate::output::Output;
use crate::result::ResultDir;

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
            comparison::print(&Shown::new(&diff.comparison, &earlier, &later), output)?;
        }
    }
    output.flush()?;
    let differs = args.fail_on_difference && !diff.comparison.is_same();
    Ok(if differs { Exit::Findings } else { Exit::Done })
}

fn opened(path: &std::path::Path) -> anyhow::Result<(Side, Replay)> {
    let result = ResultDir::open(path)?;
    result.check()?;
    let replay = result.replay()?;
    Ok((Side::of(&replay, result.rules(), result.binder()), replay))
}
