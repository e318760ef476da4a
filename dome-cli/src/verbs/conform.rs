//! `dome conform`: the tool conformance gate `python_standard`. The gate itself is in [`dome_conform`].

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::Args;
use dome_binder::append_row;
use dome_conform::{
    ConformError, ConformErrorKind, JudgeOptions, REASON_CODES, ToolOnDisk, findings, judge, junit, sarif,
};
use dome_contracts::conform::envelopes;
use dome_core::conformance::{CheckName, CheckOutcome, CheckPart, ConformanceCheck, ConformanceReport, PresentTool};
use dome_core::{Timestamp, escaped_path};
use dome_replay::input::document;
use dome_store::records;

use crate::args::OutputFormat;
use crate::clock::now;
use crate::exit::{Exit, usage};
use crate::output::{Printer, note};
use crate::render::github;
use crate::whole;

/// The hidden verb that a run starts as.
const EXEC: &str = "conform-exec";
const SHOWN_CHARS: usize = 240;

/// Hold a Python tool to its manifest: `python_standard`
///
/// Runs the tool on its fixtures and on documents that are made from its schemas, observed and kept
/// within its policy by the kernel, and says of each sub-check pass, fail, unenforced or not run, and
/// why. Ends with 0 when the tool conforms, with 100 when it does not, with 3 when the manifest is
/// invalid. `--format json` prints the report that `dome priors --conformance` takes.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n    dome conform tool/manifest.json\n    dome conform tool/manifest.json --out report.json --envelopes drift.jsonl\n    dome conform tool/manifest.json --store memory\n    dome conform tool/manifest.json --format junit > conform.xml"
)]
pub(crate) struct ConformArgs {
    /// The manifest (see `dome schema tool-manifest`); the tool's files stand beside it
    #[arg(required_unless_present = "reason_codes", value_name = "MANIFEST")]
    manifest: Option<PathBuf>,
    /// Write the report here, too, whatever is printed
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Keep the report in this store, in the place of what the gate said of the same bytes before: its answers ask for one
    /// where a remedy runs the tool (`dome store tool set`)
    #[arg(long, value_name = "DIR", conflicts_with = "only")]
    store: Option<PathBuf>,
    /// Write an envelope for each way in which the tool drifts from its schemas (`SPEC_DRIFT`)
    #[arg(long, value_name = "FILE")]
    envelopes: Option<PathBuf>,
    /// When these envelopes happened [default: now]
    #[arg(long, value_name = "TIME")]
    ts: Option<Timestamp>,
    /// The last instant at which the report is current [default: always]
    #[arg(long, value_name = "TIME")]
    valid_until: Option<Timestamp>,
    /// The interpreter, 3.11 or later
    #[arg(long, value_name = "PROGRAM", default_value = "python3")]
    python: PathBuf,
    /// Only this sub-check; may be given more than once. A report without the others never conforms
    #[arg(long, value_name = "CHECK")]
    only: Vec<CheckName>,
    /// Print the table of reason codes that the envelopes have
    #[arg(long)]
    reason_codes: bool,
}

/// The half of a run that restricts itself and becomes the tool.
#[derive(Debug, Args)]
pub(crate) struct ConformExecArgs {
    /// What to become
    #[arg(value_name = "SPEC")]
    spec: PathBuf,
}

pub(crate) fn run(args: &ConformArgs, output: &mut Printer) -> anyhow::Result<Exit> {
    if args.reason_codes {
        output.bytes(REASON_CODES)?;
        return Ok(Exit::Done);
    }
    let manifest = args.manifest.as_deref().ok_or_else(|| usage("name the manifest"))?;
    let tool = tool(manifest)?;
    // What can fail, fails before the tool is run.
    args.store.as_deref().map(records::read).transpose()?;
    let options = JudgeOptions { python: &args.python, only: &args.only, launcher: &launcher()? };
    let judged = judge(&tool, &options).map_err(not_run)?;
    let report = ConformanceReport { valid_until: args.valid_until, ..judged.report };
    if let Some(path) = &args.out {
        let mut row = Vec::new();
        append_row(&report, &mut row);
        whole::write(path, &row)?;
    }
    if let Some(store) = &args.store {
        keep(store, &report, &tool)?;
    }
    if let Some(path) = &args.envelopes {
        let ts = args.ts.map_or_else(now, Ok)?;
        whole::write(path, envelopes(&tool.manifest, &judged.tests, tool.digests.tool, ts)?.as_bytes())?;
    }
    match output.format {
        OutputFormat::Human => print(&report, output)?,
        OutputFormat::Json => output.object(&report)?,
        OutputFormat::Junit => output.as_is(&junit(&report))?,
        OutputFormat::Sarif => output.as_is(&sarif(&report, &tool.named).to_string())?,
        OutputFormat::Github => annotate(&report, &tool, output)?,
    }
    Ok(if report.conformant { Exit::Done } else { Exit::Findings })
}

/// Runs the hidden verb; comes back only if it could not.
pub(crate) fn become_tool(args: &ConformExecArgs) -> anyhow::Result<Exit> {
    Err(dome_conform::become_tool(&args.spec).into())
}

/// What a run starts as: this command, by its hidden verb.
pub(crate) fn launcher() -> anyhow::Result<[OsString; 2]> {
    Ok([std::env::current_exe()?.into(), EXEC.into()])
}

/// Why a tool could not be run.
pub(crate) fn not_run(error: ConformError) -> anyhow::Error {
    match error.kind() {
        ConformErrorKind::Interpreter => usage(format!("--python: {error}")),
        _ => error.into(),
    }
}

pub(crate) fn tool(manifest: &Path) -> anyhow::Result<ToolOnDisk> {
    Ok(ToolOnDisk::new(manifest, &document(manifest)?)?)
}

/// A tool as it is now.
pub(crate) fn present(manifest: &Path) -> anyhow::Result<PresentTool> {
    Ok(tool(manifest)?.present())
}

/// Keeps a report in a store, and says so where no remedy runs the tool on these bytes.
fn keep(store: &Path, report: &ConformanceReport, tool: &ToolOnDisk) -> anyhow::Result<()> {
    let kept = records::put_report(store, report.clone())?;
    let present = tool.present();
    if !kept.tools.iter().any(|said| said.tool == present) {
        note(&format!(
            "dome: note: no remedy of `{0}` is said to run {present} on these bytes: `dome store tool set --store {0} \
             --remedy IDENTITY --tool-manifest {1}`",
            escaped_path(store),
            escaped_path(&tool.named)
        ));
    }
    Ok(())
}

fn verdict(report: &ConformanceReport) -> String {
    let verdict = if report.conformant { "conforms" } else { "does not conform" };
    format!("{} {} {verdict}", report.tool.name, report.tool.version)
}

fn annotate(report: &ConformanceReport, tool: &ToolOnDisk, output: &mut Printer) -> anyhow::Result<()> {
    let file = tool.named.display().to_string();
    let place = github::Annotated { file: Some(&file), line: 1, column: 1 };
    for found in findings(report) {
        output.as_is(&github::annotation(&place, &found.rule, "", &found.message))?;
    }
    output.as_is(&format!("::notice::{}", verdict(report)))
}

fn print(report: &ConformanceReport, output: &mut Printer) -> anyhow::Result<()> {
    output.line(&verdict(report))?;
    for ConformanceCheck { outcome, name, parts } in &report.checks {
        writeln!(output, "\n{:<10}  {}", word(*outcome), name.as_str())?;
        parts.iter().try_for_each(|part| print_part(part, output))?;
    }
    if let (Some(digests), Some(gate)) = (&report.digests, &report.gate) {
        let landlock = gate.landlock_abi.map_or_else(|| "none".to_owned(), |abi| format!("version {abi}"));
        writeln!(output, "\ntool      {}", digests.tool)?;
        writeln!(output, "manifest  {}", digests.manifest)?;
        let (name, python, runs) = (&gate.name, &gate.python, gate.runs);
        writeln!(output, "gate      {name} on Python {python}, {runs} runs, Landlock {landlock}")?;
    }
    Ok(())
}

fn print_part(part: &CheckPart, output: &mut Printer) -> anyhow::Result<()> {
    let by = if part.enforced_by.is_empty() { String::new() } else { format!("  by {}", part.enforced_by.join(", ")) };
    writeln!(output, "  {:<10}  {}{by}", word(part.outcome), part.name)?;
    if let Some(why) = &part.why {
        writeln!(output, "              {}", shown(why))?;
    }
    for found in &part.found {
        writeln!(output, "              found     {}", shown(found))?;
    }
    if !part.declared.is_empty() {
        writeln!(output, "              declared  {}", shown(&part.declared.join(", ")))?;
    }
    Ok(())
}

const fn word(outcome: CheckOutcome) -> &'static str {
    match outcome {
        CheckOutcome::Pass => "pass",
        CheckOutcome::NotRun => "not run",
        CheckOutcome::Unenforced => "unenforced",
        CheckOutcome::Fail => "FAIL",
    }
}

fn shown(text: &str) -> String {
    let line = text.replace(['\n', '\r'], " ");
    if line.chars().count() <= SHOWN_CHARS { line } else { line.chars().take(SHOWN_CHARS - 1).chain(['…']).collect() }
}
