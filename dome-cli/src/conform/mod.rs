//! `dome conform`: the tool conformance gate `python_standard`. The gate itself is in [`dome_conform`].

mod args;
mod render;

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Context;
use dome_binder::append_row;
use dome_conform::{Error, ErrorKind, Options, REASON_CODES, ToolOnDisk, envelopes, judge};
use dome_contracts::conform::Report;
use dome_core::Timestamp;

pub(crate) use args::{ConformArgs, ConformExecArgs};

use crate::exit::{Exit, invalid, usage};
use crate::input::document;
use crate::output::Output;

/// The hidden verb that a run starts as.
const EXEC: &str = "conform-exec";

/// Runs the verb.
pub(crate) fn run(args: &ConformArgs, output: &mut Output) -> anyhow::Result<Exit> {
    if args.reason_codes {
        output.bytes(REASON_CODES)?;
        output.flush()?;
        return Ok(Exit::Done);
    }
    let manifest = args.manifest.as_deref().ok_or_else(|| usage("name the manifest"))?;
    let tool = tool(manifest)?;
    let launcher = [std::env::current_exe()?.into(), EXEC.into()];
    let options = Options { python: &args.python, only: &args.only, launcher: &launcher };
    let judged = judge(&tool, &options).map_err(ending)?;
    let report = Report { valid_until: args.valid_until, ..judged.report };
    if let Some(path) = &args.out {
        let mut row = Vec::new();
        append_row(&report, &mut row);
        write(path, &row)?;
    }
    if let Some(path) = &args.envelopes {
        let ts = args.ts.map_or_else(now, Ok)?;
        write(path, envelopes(&tool, &judged.tests, ts).map_err(ending)?.as_bytes())?;
    }
    render::show(&report, &tool, output)?;
    Ok(if report.conformant { Exit::Done } else { Exit::Findings })
}

/// Runs the hidden verb; comes back only if it could not.
pub(crate) fn become_tool(args: &ConformExecArgs) -> anyhow::Result<Exit> {
    Err(dome_conform::become_tool(&args.spec).into())
}

/// The tool that a manifest is of.
pub(crate) fn tool(manifest: &Path) -> anyhow::Result<ToolOnDisk> {
    ToolOnDisk::new(manifest, &document(manifest)?).map_err(ending)
}

/// An error with the exit code that it asks for.
fn ending(error: Error) -> anyhow::Error {
    match error.kind() {
        ErrorKind::InvalidInput => invalid(error),
        ErrorKind::Interpreter => usage(format!("--python: {error}")),
        ErrorKind::Failed => error.into(),
    }
}

fn write(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    std::fs::write(path, bytes).with_context(|| format!("cannot write `{}`", path.display()))
}

fn now() -> anyhow::Result<Timestamp> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).context("the clock is before 1970")?;
    Timestamp::from_unix(i64::try_from(now.as_secs())?, 0).context("the clock is beyond the year 9999")
}
