//! `dome verify`: every hash, key, counter and row of a result, computed again from its facts (L-10).

mod compare;
mod facts;
mod files;
mod findings;
mod quarantine;
mod report;

pub(crate) use report::Verification;

use crate::args::VerifyArgs;
use crate::exit::Exit;
use crate::output::Output;
use findings::Findings;

/// Runs the verb.
pub(crate) fn run(args: &VerifyArgs, output: &mut Output) -> anyhow::Result<Exit> {
    let most = if output.is_json() { findings::MOST_LISTED } else { findings::MOST_SHOWN };
    let mut findings = Findings::at_most(most);
    let checked = files::check(&args.dir, &mut findings)?;
    let verification = Verification::of(&args.dir, checked, findings);
    verification.print(output)?;
    output.flush()?;
    Ok(if verification.verified { Exit::Done } else { Exit::Unreproduced })
}
