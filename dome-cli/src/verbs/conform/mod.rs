//! `dome conform`: the tool conformance gate `python_standard`. The gate itself is in [`dome_conform`].

mod args;
mod render;

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Context;
use dome_binder::append_row;
use dome_conform::{ConformError, ConformErrorKind, JudgeOptions, REASON_CODES, ToolOnDisk, judge};
use dome_contracts::conform::envelopes;
use dome_core::Timestamp;
use dome_core::conformance::ConformanceReport;
use dome_replay::input::document;

pub(crate) use args::{ConformArgs, ConformExecArgs};

use crate::exit::{Exit, usage};
use crate::output::Output;

/// The hidden verb that a run starts as.
const EXEC: &str = "conform-exec";

/// Runs the verb.
pub(crate) fn run(args: &ConformArgs, output: &mut Output) -> anyhow::Result<Exit> {
    if args.reason_codes {
        output.bytes(REASON_CODES)?;
        return Ok(Exit::Done);
    }
    let manifest = args.manifest.as_deref().ok_or_else(|| usage("name the manifest"))?;
    let tool = tool(manifest)?;
    let launcher = [std::env::current_exe()?.into(), EXEC.into()];
    let options = JudgeOptions { python: &args.python, only: &args.only, launcher: &launcher };
    let judged = judge(&tool, &options).map_err(ending)?;
    let report = ConformanceReport { valid_until: args.valid_until, ..judged.report };
    if let Some(path) = &args.out {
        let mut row = Vec::new();
        append_row(&report, &mut row);
        write(path, &row)?;
    }
    if let Some(path) = &args.envelopes {
        let ts = args.ts.map_or_else(now, Ok)?;
        write(path, envelopes(&tool.manifest, &judged.tests, tool.digests.tool, ts)?.as_bytes())?;
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
    Ok(ToolOnDisk::new(manifest, &document(manifest)?)?)
}

/// Which flag an error is about.
fn ending(error: ConformError) -> anyhow::Error {
    match error.kind() {
        ConformErrorKind::Interpreter => usage(format!("--python: {error}")),
        ConformErrorKind::InvalidInput | ConformErrorKind::Failed => error.into(),
    }
}

fn write(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    std::fs::write(path, bytes).with_context(|| format!("cannot write `{}`", path.display()))
}

fn now() -> anyhow::Result<Timestamp> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).context("the clock is before 1970")?;
    Timestamp::from_unix(i64::try_from(now.as_secs())?, 0).context("the clock is beyond the year 9999")
}
