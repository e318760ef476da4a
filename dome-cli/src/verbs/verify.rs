//! `dome verify`: every hash, key, counter and row of a result, computed again from its facts (L-10).

use dome_core::escaped;
use std::path::PathBuf;

use clap::Args;
use dome_replay::verify::{Difference, Verification, verify};

use crate::exit::Exit;
use crate::output::{Printer, grouped};

const MOST_LISTED: usize = 1_000;
const MOST_SHOWN: usize = 10;

/// Compute a result again from its facts, and point at what differs
///
/// Every hash, key, counter and row is computed from `facts.jsonl` and the rules that the manifest
/// names, and every file is held to its digest. Ends with 5 when anything differs.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n    dome verify result\n    dome verify result --format json")]
pub(crate) struct VerifyArgs {
    /// The directory that `dome replay` wrote
    #[arg(value_name = "DIR")]
    dir: PathBuf,
}

pub(crate) fn run(args: &VerifyArgs, output: &mut Printer) -> anyhow::Result<Exit> {
    let verification = verify(&args.dir, if output.is_json() { MOST_LISTED } else { MOST_SHOWN })?;
    output.show(&verification, print)?;
    Ok(if verification.verified { Exit::Done } else { Exit::Unreproduced })
}

fn print(told: &Verification, output: &mut Printer) -> anyhow::Result<()> {
    for Difference { path, line, member, expected, found } in &told.differences {
        let line = line.map_or_else(String::new, |line| format!(":{line}"));
        let place = escaped(&format!("{path}{line} {member}"));
        writeln!(output, "{}\n    expected {expected}\n    found    {found}", place.trim_end())?;
    }
    if told.verified {
        let (rows, facts) = (grouped(told.rows), told.facts.map_or_else(String::new, grouped));
        return writeln!(output, "{}: {rows} rows are what {facts} facts come to", escaped(&told.result));
    }
    if told.facts.is_none() {
        output.line("what follows from the facts was not compared: some cannot be read")?;
    }
    let more = told.difference_count - told.differences.len() as u64;
    if more > 0 {
        writeln!(output, "... and {} more", grouped(more))?;
    }
    let edited: Vec<&str> = told.edited.iter().map(String::as_str).collect();
    let why = if edited.is_empty() {
        "every file is the one that the manifest names: other rules or another build computed it".to_owned()
    } else {
        format!("not the files that the manifest names: {}", edited.join(", "))
    };
    writeln!(output, "{}: {} differences; {why}", told.result, grouped(told.difference_count))
}
