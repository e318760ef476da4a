//! `dome contracts`: pins and compatibility. Reads and writes the files; all else is in
//! `dome-contracts`.

mod args;
mod compat;
mod diff;
mod files;
mod show;
mod update;
mod verify;

use std::io::Write;

use anyhow::Result;

pub(crate) use args::ContractsArgs;
use args::ContractsVerb;

use crate::exit::Exit;
use crate::output::Output;

/// Done, nothing found.
const DONE: Exit = Exit::Done;
/// A contract, a lock or a schema is not what it should be.
const INVALID: Exit = Exit::Invalid;
/// Done, with findings.
const FINDINGS: Exit = Exit::Findings;

/// Where the output goes, and in which form.
struct Streams<'a> {
    out: &'a mut dyn Write,
    err: &'a mut dyn Write,
    is_json: bool,
}

/// Runs `dome contracts`; gives the exit code back.
///
/// # Errors
///
/// What could not be read or written. What is wrong with a contract is no error but a finding.
pub(crate) fn run(args: &ContractsArgs, output: &mut Output) -> Result<Exit> {
    let is_json = output.is_json();
    let mut streams = Streams { out: output.writer(), err: &mut std::io::stderr(), is_json };
    match &args.verb {
        ContractsVerb::Verify(args) => verify::run(args, &mut streams),
        ContractsVerb::Update(args) => update::run(args, &mut streams),
        ContractsVerb::Diff(args) => diff::run(args, &mut streams),
        ContractsVerb::Compat(args) => compat::run(args, &mut streams),
    }
}
