//! `dome run`: work in which each outcome is told to a store. The pattern is in [`dome_patterns`], the workers in
//! [`dome_conform`].

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use dome_conform::{ConformError, ToolOnDisk, ToolRunner, WorkOptions, Worked, items, work_on};
use dome_core::conformance::PresentTool;
use dome_core::json::{Tape, read};
use dome_core::{
    Envelope, RunId, Sha256Hash, TargetId, Timestamp, Tool, WrapperPolicy, canonical, escaped, escaped_path,
};
use dome_patterns::{Budget, ItemOutcome, MapPlan, MapRun, REASON_CODES, Reduced, Reporter};
use dome_replay::input::document;
use dome_store::{Stop, StoreLimits, catch_up, drop_off, quarantine, records};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};

use super::{conform, priors};
use crate::args::{SubjectArgs, ThreadsArgs};
use crate::clock::now;
use crate::exit::{Exit, invalid, usage};
use crate::output::{Printer, Watching, note};

/// Run work in which each outcome is told to a store
#[derive(Debug, Subcommand)]
#[command(
    after_help = "Example:\n    dome run map-reduce --manifest tool/manifest.json --inputs items/ --reduce contract.json --store memory"
)]
pub(crate) enum RunVerb {
    MapReduce(MapReduceArgs),
}

/// Give each document of a folder to a worker of its own, and sum up what they answer
///
/// Workers are runs of a tool that conforms (`dome conform`), each kept within its manifest by the kernel. What one writes is
/// taken through the contract or not at all, so none steers the result of another. Budgets are set aside before any worker
/// runs. Each outcome, and that of the whole, is an envelope in the store. Ends with 0 when there is an answer, with 100 when
/// more failed or was denied than the budget allows, with 3, before anything is run, when the tool does not conform.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n    dome conform tool/manifest.json --store memory\n    dome run map-reduce --manifest tool/manifest.json --inputs items/ --reduce contract.json --store memory\n    dome run map-reduce --reason-codes > codes.json"
)]
pub(crate) struct MapReduceArgs {
    /// The manifest of the tool (see `dome schema tool-manifest`)
    #[arg(long, value_name = "TOOL", required_unless_present = "reason_codes")]
    manifest: Option<PathBuf>,
    /// The folder of the items: each file `ID.json` is one, in the order of the names
    #[arg(long, value_name = "DIR", required_unless_present = "reason_codes")]
    inputs: Option<PathBuf>,
    /// What the output of a worker may be, and so what is summed up
    #[arg(long, value_name = "CONTRACT", required_unless_present = "reason_codes")]
    reduce: Option<PathBuf>,
    /// The store that is told each outcome, and that keeps the report on the tool
    #[arg(long, value_name = "DIR", required_unless_present = "reason_codes")]
    store: Option<PathBuf>,
    /// The tool's configuration, the same for all workers [default: {}]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// A conformance report on the tool, beside those of the store; may be given more than once
    #[arg(long, value_name = "REPORT")]
    conformance: Vec<PathBuf>,
    /// What may be spent, and how much may go wrong (see `dome schema map-budget`)
    #[arg(long, value_name = "FILE")]
    budget: Option<PathBuf>,
    #[command(flatten)]
    threads: ThreadsArgs,
    /// What the memory knows the work by; an item is `NAME/ID` [default: the name of the tool]
    #[arg(long, value_name = "NAME")]
    work: Option<TargetId>,
    /// The run [default: made from tool, configuration, contract, items, budget and --at]
    #[arg(long, value_name = "ID")]
    run: Option<RunId>,
    /// Which attempt at this run it is: a later one counts beside the ones before
    #[arg(long, value_name = "N", default_value = "1", requires = "run", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    attempt: u32,
    /// When [default: the clock]
    #[arg(long, value_name = "TIME")]
    at: Option<Timestamp>,
    /// What the envelopes may mint
    #[arg(long, value_name = "strict|hybrid|lenient", default_value = "strict")]
    wrapper_policy: WrapperPolicy,
    /// The interpreter, 3.11 or later
    #[arg(long, value_name = "PROGRAM", default_value = "python3")]
    python: PathBuf,
    /// Print the table of reason codes that the envelopes have
    #[arg(long)]
    reason_codes: bool,
    #[command(flatten, next_help_heading = "What was tested")]
    subject: SubjectArgs,
}

/// What a map-reduce prints. The document of `dome schema map-reduce`.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "MapReduce")]
pub(crate) struct MapReduceDocument {
    /// Which attempt at the run it was.
    attempt: u64,
    /// The version of this document.
    #[schemars(extend("const" = "1"))]
    format_version: &'static str,
    /// SHA-256 over work, contract, budget and items.
    plan: Sha256Hash,
    #[serde(flatten)]
    reduced: Reduced,
    /// The run that the envelopes are of.
    run_id: RunId,
    /// The tool on the bytes that ran.
    tool: PresentTool,
    /// What the memory knows the work by.
    work: TargetId,
}

pub(crate) fn run(verb: &RunVerb, output: &mut Printer) -> anyhow::Result<Exit> {
    let RunVerb::MapReduce(args) = verb;
    if args.reason_codes {
        output.bytes(REASON_CODES)?;
        return Ok(Exit::Done);
    }
    let (Some(manifest), Some(inputs), Some(reduce), Some(store)) =
        (&args.manifest, &args.inputs, &args.reduce, &args.store)
    else {
        return Err(usage("name --manifest, --inputs, --reduce and --store"));
    };
    let at = args.at.map_or_else(now, Ok)?;
    let tool = conform::tool(manifest)?;
    conformant(&tool, args, store, at)?;
    let config = config(&tool, args.config.as_deref())?;
    let work = args.work.clone().map_or_else(|| tool.manifest.tool.name.as_str().parse(), Ok)?;
    let plan = plan(args, work, inputs, reduce)?;
    let run_id = args.run.clone().map_or_else(|| derived(&tool, &config, &plan, at), Ok)?;
    let worked = worked(args, &tool, &plan, &config, &run_id)?;
    tell(args, store, &worked, reporter(args, &tool, &config, &run_id, at))?;
    let document = MapReduceDocument {
        attempt: args.attempt.into(),
        format_version: "1",
        plan: plan.digest(),
        reduced: worked.reduce(),
        run_id,
        tool: tool.present(),
        work: plan.work().clone(),
    };
    output.show(&document, print)?;
    Ok(if document.reduced.withheld.is_none() { Exit::Done } else { Exit::Findings })
}

/// Nothing runs that no current report on its bytes vouches for.
fn conformant(tool: &ToolOnDisk, args: &MapReduceArgs, store: &Path, at: Timestamp) -> anyhow::Result<()> {
    let mut reports = records::read(store)?.reports;
    for path in &args.conformance {
        reports.push(priors::report(path)?);
    }
    let present = tool.present();
    let Some(lacks) = present.lacks(&reports, &[], Some(at)) else { return Ok(()) };
    Err(invalid(format!(
        "{present} {lacks}, and only what conforms is run: `dome conform {} --store {}` judges it and keeps the report",
        escaped_path(&tool.named),
        escaped_path(store)
    )))
}

/// The configuration, in the bytes that each worker gets.
fn config(tool: &ToolOnDisk, path: Option<&Path>) -> anyhow::Result<Vec<u8>> {
    let (named, bytes) = match path {
        Some(path) => (format!("`{}`", escaped_path(path)), document(path)?),
        None => ("without --config: `{}`".to_owned(), b"{}".to_vec()),
    };
    let text = str::from_utf8(&bytes).map_err(|_| invalid(format!("{named} is not UTF-8")))?;
    read(text, &mut Tape::default())
        .map_err(|why| invalid(format!("{named} is not one JSON document: {}", escaped(&why.what))))?;
    let value: Value = serde_json::from_str(text)?;
    let problems = tool.manifest.schemas.config.schema.problems(&value).take(8);
    let problems: Vec<_> = problems.map(|found| format!("\n  `{}`: {}", found.pointer, found.message)).collect();
    if problems.is_empty() {
        return Ok(bytes);
    }
    Err(invalid(format!("{named} is no configuration of {}:{}", tool.present(), escaped(&problems.concat()))))
}

fn plan(args: &MapReduceArgs, work: TargetId, inputs: &Path, reduce: &Path) -> anyhow::Result<MapPlan> {
    let contract = parsed(reduce)?;
    let budget = args.budget.as_deref().map_or_else(|| Ok(Budget::default()), parsed)?;
    MapPlan::new(work, contract, budget, items(inputs)?)
        .map_err(|why| invalid(format!("`{}`: {why}", escaped_path(inputs))))
}

/// A document of the pattern.
fn parsed<T: std::str::FromStr<Err = dome_patterns::PatternError>>(path: &Path) -> anyhow::Result<T> {
    let wrong =
        |why: &dyn std::fmt::Display| invalid(format!("`{}`: {}", escaped_path(path), escaped(&why.to_string())));
    let bytes = document(path)?;
    str::from_utf8(&bytes).map_err(|_| wrong(&"not UTF-8"))?.parse().map_err(|why| wrong(&why))
}

/// The same work at the same instant is the same run; at another one it is another run, as its outcomes are seen anew.
fn derived(tool: &ToolOnDisk, config: &[u8], plan: &MapPlan, at: Timestamp) -> anyhow::Result<RunId> {
    let config = Sha256Hash::of(config);
    let what = json!({"at": at, "config": config, "plan": plan.digest(), "tool": tool.present()});
    Ok(format!("map-reduce-{}", Sha256Hash::of(&canonical::to_vec(&what)?).short()).parse()?)
}

fn worked<'p>(
    args: &MapReduceArgs,
    tool: &ToolOnDisk,
    plan: &'p MapPlan,
    config: &[u8],
    run_id: &RunId,
) -> anyhow::Result<MapRun<'p>> {
    let asked = Stop::on_signals()?;
    let runner = ToolRunner::begin(tool, &args.python, &conform::launcher()?).map_err(conform::not_run)?;
    let (threads, stop) = (args.threads.count(), || asked.is_asked());
    let Worked { run, lost } = work_on(plan, &runner, &WorkOptions { config, run_id, threads, stop: &stop })?;
    for (item, why) in &lost {
        note(&format!("dome: note: `{}` was not worked on: {}", escaped(item.as_str()), escaped(&chain(why))));
    }
    Ok(run)
}

fn chain(why: &ConformError) -> String {
    let causes = std::iter::successors(std::error::Error::source(why), |cause| cause.source());
    causes.fold(why.to_string(), |text, cause| format!("{text}: {cause}"))
}

fn reporter(args: &MapReduceArgs, tool: &ToolOnDisk, config: &[u8], run_id: &RunId, at: Timestamp) -> Reporter {
    let version = &tool.manifest.tool;
    let config_sha256 = args.config.as_ref().map(|_| Sha256Hash::of(config));
    Reporter {
        lane: args.subject.lane.clone(),
        subject: args.subject.subject(),
        tool: Some(Tool { config_sha256, ..Tool::new(version.name.clone(), &version.version) }),
        ..Reporter::new(run_id.clone(), at, args.wrapper_policy).at_attempt(args.attempt)
    }
}

/// Leaves all envelopes in the store's inbox, whole or not at all, and takes them in unless somebody else writes to it.
fn tell(args: &MapReduceArgs, store: &Path, run: &MapRun<'_>, mut reporter: Reporter) -> anyhow::Result<()> {
    let envelopes = run.envelopes(&mut reporter).map_err(|rejection| {
        let problems = rejection.problems().iter().map(|problem| format!("\n  {problem}"));
        invalid(format!("an outcome makes no envelope:{}", problems.collect::<String>()))
    })?;
    let lines: String = envelopes.iter().map(|envelope: &Envelope| envelope.to_line() + "\n").collect();
    let source = drop_off(store, &mut lines.as_bytes())?;
    let watching = Watching::new("ingesting");
    if catch_up(store, StoreLimits::default(), &watching)? > 0 {
        note(&format!("dome: note: another process writes to the store: the outcomes wait as `{source}`"));
        return Ok(());
    }
    let refused = quarantine::list(store, Some(&source), &watching)?.len();
    if refused > 0 {
        note(&format!(
            "dome: note: {refused} outcomes are quarantined: the store has run `{}` with others in their place; \
             `--attempt {}` tells it of another attempt",
            escaped(reporter.run_id.as_str()),
            args.attempt.saturating_add(1)
        ));
    }
    Ok(())
}

fn print(document: &MapReduceDocument, output: &mut Printer) -> anyhow::Result<()> {
    let MapReduceDocument { reduced, run_id, tool, work, .. } = document;
    let Reduced { accepted, answer, denied, failed, items, withheld } = reduced;
    writeln!(output, "{work}: {} items by {tool}: {accepted} accepted, {failed} failed, {denied} denied", items.len())?;
    for (path, figures) in answer.iter().flatten() {
        let figures = figures.as_object().into_iter().flatten();
        let figures: Vec<_> = figures.map(|(name, figure)| format!("{name} {figure}")).collect();
        writeln!(output, "  {path:<20}  {}", figures.join(", "))?;
    }
    if let Some(code) = withheld {
        writeln!(output, "no answer: {code}")?;
    }
    for item in items {
        match &item.outcome {
            ItemOutcome::Accepted(_) => {}
            ItemOutcome::Failed(failure) => {
                writeln!(output, "failed  {}  {}", item.item, failure.to_string().replace('\n', ", "))?;
            }
            ItemOutcome::Denied(denial) => {
                let reported = denial.reported.as_ref().map(|code| format!(": {code}")).unwrap_or_default();
                writeln!(output, "denied  {}  {}{reported}", item.item, denial.code)?;
            }
        }
    }
    writeln!(output, "run: {run_id}")
}
