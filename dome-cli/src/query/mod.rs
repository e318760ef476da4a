//! `dome query`: one of the three views, filtered, a page at a time (M-110).

mod args;
mod find;
mod show;

pub(crate) use args::QueryArgs;
pub(crate) use find::Header;

use crate::exit::Exit;
use crate::output::Output;

/// Runs the verb.
pub(crate) fn run(args: &QueryArgs, output: &mut Output) -> anyhow::Result<Exit> {
    let asked = args.asked()?;
    let found = find::find(&args.at, args.index.index, &asked)?;
    show::show(&found, output)?;
    output.flush()?;
    show::unmatched(&found);
    let nothing = found.header.total == 0;
    Ok(if nothing && args.require_match { Exit::NoMatch } else { Exit::Done })
}
