//! `dome verify`: every hash, key, counter and row of a result, computed again from its facts (L-10).

use std::path::PathBuf;

use clap::Args;
use dome_replay::verify::{Difference, Verification, verify};

use crate::exit::Exit;
use crate::output::{Output, grouped};

/// Differences that are listed as JSON, and for people.
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

/// Runs the verb.
pub(crate) fn run(args: &VerifyArgs, output: &mut Output) -> anyhow::Result<Exit> {
    let verification = verify(&args.dir, if output.is_json() { MOST_LISTED } else { MOST_SHOWN })?;
    if output.is_json() {
        output.object(&verification)?;
    } else {
        print(&verification, output)?;
    }
    Ok(if verification.verified { Exit::Done } else { Exit::Unreproduced })
}

fn print(told: &Verification, output: &mut Output) -> anyhow::Result<()> {
    for difference in &told.differences {
        output.line(&shown(difference))?;
    }
    let rows = grouped(told.rows);
    match (told.verified, told.facts) {
        (true, facts) => {
            let facts = facts.map_or_else(String::new, grouped);
            return output.line(&format!("{}: {rows} rows are what {facts} facts come to", told.result));
        }
        (false, None) => output.line("what follows from the facts was not compared: some cannot be read")?,
        (false, Some(_)) => {}
    }
    let more = told.difference_count - told.differences.len() as u64;
    if more > 0 {
        output.line(&format!("... and {} more", grouped(more)))?;
    }
    let edited: Vec<&str> = told.edited.iter().map(String::as_str).collect();
    let why = if edited.is_empty() {
        "every file is the one that the manifest names: other rules or another build computed it".to_owned()
    } else {
        format!("not the files that the manifest names: {}", edited.join(", "))
    };
    output.line(&format!("{}: {} differences; {why}", told.result, grouped(told.difference_count)))
}

fn shown(difference: &Difference) -> String {
    let line = difference.line.map_or_else(String::new, |line| format!(":{line}"));
    let place = format!("{}{line} {}", difference.path, difference.member);
    format!("{}\n    expected {}\n    found    {}", place.trim_end(), difference.expected, difference.found)
}
