//! `dome convert`: a real tool's output to envelopes.

use crate::args::ConvertArgs;
use crate::exit::Exit;
use crate::output::Output;

/// Runs the verb.
pub(crate) fn run(_args: &ConvertArgs, _output: &mut Output) -> anyhow::Result<Exit> {
    anyhow::bail!("no formats")
}
