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

/// Done, nothing found.
const DONE: u8 = 0;
/// A contract, a lock or a schema is not what it should be.
const INVALID: u8 = 3;
/// Done, with findings.
const FINDINGS: u8 = 100;

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
pub(crate) fn run(args: &ContractsArgs, is_json: bool, out: &mut dyn Write, err: &mut dyn Write) -> Result<u8> {
    let mut streams = Streams { out, err, is_json };
    match &args.verb {
        ContractsVerb::Verify(args) => verify::run(args, &mut streams),
        ContractsVerb::Update(args) => update::run(args, &mut streams),
        ContractsVerb::Diff(args) => diff::run(args, &mut streams),
        ContractsVerb::Compat(args) => compat::run(args, &mut streams),
    }
}
