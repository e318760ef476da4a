//! `dome priors`: the planner's question before it acts, and after it failed.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use dome_binder::priors::{
    AskedFailure, AskedFor, AskedTool, BriefAnswer, BriefPrior, Layer, Prior, Priors, PriorsQuery, ProvenFact, Role,
    Rollout, Tier, brief,
};
use dome_binder::{Verdict, append_row};
#[cfg(feature = "conform")]
use dome_core::conformance::RemedyTool;
use dome_core::conformance::{ConformanceReport, ToolRecords};
use dome_core::guard::{GuardContext, GuardDecision, evaluate};
use dome_core::{
    ActionKind, FailureReasonCode, RunId, Scope, Sha256Hash, Source, StringMap, TargetId, TargetKind, TaskLine,
    Timestamp, escaped, escaped_path, message_template,
};
use dome_replay::input::document;
use dome_store::rollout::PriorsAsk;

#[cfg(feature = "conform")]
use super::conform;
use super::guard;
use crate::exit::{Exit, invalid, usage};
use crate::known::FactsArgs;
use crate::output::{LineFile, Printer};
use crate::render::said::{confidence, of_executions, remedy, standing};
use crate::render::terms;
use crate::settings::Settings;

/// What is known before acting, or of a failure that has just happened: best first
///
/// Before: capsules of the task line, their concepts, and the same failures on other targets. After
/// (`--failure`, `--message`): that very failure, its concept, the same failure on other targets,
/// then what else is known of the task line. The answer has one entry per root cause and at most
/// 2 KiB; `--detail full` has all of it: every hold with its number and threshold, remedies with
/// their record, and where each was seen. Nothing is prescriptive unless `--rollout prescriptive`
/// says so and nothing holds it back.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n    dome priors --from result --failure failed.json\n    dome priors --from result --scope task --target-kind repo --target-id acme/app --action-kind test\n    dome priors --from result --scope task --target-kind repo --target-id acme/app --action-kind test \\\n        --transition candidate:promoted --guardrails guardrails.json --version python=3.12 --rollout prescriptive"
)]
pub(crate) struct PriorsArgs {
    #[command(flatten)]
    at: FactsArgs,
    /// The failure that has just happened (`-` for stdin): an envelope, or a TaskSpec with what is known of `message`,
    /// `gates`, `tool` and `env` beside it
    #[arg(long, value_name = "FILE", conflicts_with_all = ["scope", "target_kind", "target_id", "action_kind"])]
    failure: Option<PathBuf>,
    /// The text of the failure that has just happened
    #[arg(long, value_name = "TEXT", conflicts_with = "failure")]
    message: Option<String>,
    /// How far the task reaches
    #[arg(long, value_name = "task|run|repo", required_unless_present = "failure")]
    scope: Option<Scope>,
    /// What kind of thing is worked on
    #[arg(long, value_name = "KIND", required_unless_present = "failure")]
    target_kind: Option<TargetKind>,
    /// Which one
    #[arg(long, value_name = "ID", required_unless_present = "failure")]
    target_id: Option<TargetId>,
    /// What is done
    #[arg(long, value_name = "KIND", required_unless_present = "failure")]
    action_kind: Option<ActionKind>,
    /// Only this failure
    #[arg(long, value_name = "CODE")]
    failure_reason_code: Option<FailureReasonCode>,
    /// Only failures with this fingerprint are what is asked for, here and on other targets
    #[arg(long, value_name = "HASH", conflicts_with_all = ["failure", "message"])]
    fingerprint_hash: Option<Sha256Hash>,
    /// How much of the answer is shown; what is recorded is the whole
    #[arg(long, value_enum, default_value = "brief")]
    detail: Detail,
    /// A version of what takes part; may be given more than once
    #[arg(long = "version", value_parser = pair, value_name = "NAME=VALUE")]
    versions: Vec<(String, String)>,
    /// The tool that will be used, and its version
    #[arg(long, value_parser = pair, value_name = "NAME=VERSION")]
    tool: Option<(String, String)>,
    /// The transition that the task is; needs --guardrails
    #[arg(long, value_parser = states, value_name = "FROM->TO", requires = "guardrails")]
    transition: Option<(String, String)>,
    /// The bundle of guardrails that decides on it
    #[arg(long, value_name = "FILE")]
    guardrails: Option<PathBuf>,
    /// The lock of the contracts whose schema the bundle has to fit as well [default: that of `dome.toml`]
    #[arg(long, value_name = "LOCK", requires = "guardrails")]
    contracts: Option<PathBuf>,
    /// Evidence and predicates for the guards (see `dome schema guard-context`); --transition and
    /// --action-kind fill in what it leaves out
    #[arg(long, value_name = "FILE", requires = "guardrails")]
    context: Option<PathBuf>,
    /// A conformance report (see `dome schema conformance-report`) on a tool that a remedy runs; may be given more than
    /// once
    #[arg(long, value_name = "FILE")]
    conformance: Vec<PathBuf>,
    #[cfg(feature = "conform")]
    /// Which tool a remedy runs, beside what the store says; may be given more than once
    #[arg(long, value_parser = remedy_tool, value_name = "IDENTITY=MANIFEST")]
    remedy_tool: Vec<(Sha256Hash, PathBuf)>,
    #[cfg(feature = "conform")]
    /// The manifest of a tool as it is now: reports on it count as long as neither has changed; may be given more than
    /// once
    #[arg(long, value_name = "FILE")]
    tool_manifest: Vec<PathBuf>,
    /// How far dome may go; a store, and `dome.toml`, may let less
    #[arg(long, default_value = "guided", value_name = "shadow|guided|prescriptive")]
    rollout: Rollout,
    /// The run that asks: in one run, a store prescribes each prior once. Without it a store prescribes nothing
    #[arg(long, value_name = "ID")]
    run: Option<RunId>,
    /// Append the answer to this file, one line; under `shadow` it is the only place where it shows
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
    /// Measure staleness at this instant [default: that of the result]
    #[arg(long, value_name = "TIME")]
    as_of: Option<Timestamp>,
    /// How many priors to show
    #[arg(long, value_name = "N", default_value = "20", value_parser = clap::value_parser!(u64).range(1..=200))]
    limit: u64,
    /// End with exit code 4 when nothing is known
    #[arg(long)]
    require_match: bool,
}

/// How much of an answer is shown.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Detail {
    /// One entry per root cause, in at most 2 KiB.
    Brief,
    /// All of it.
    Full,
}

fn pair(text: &str) -> Result<(String, String), &'static str> {
    let parts = text.split_once('=').filter(|(name, value)| !name.is_empty() && !value.is_empty());
    parts.map(|(name, value)| (name.to_owned(), value.to_owned())).ok_or("expected NAME=VALUE")
}

#[cfg(feature = "conform")]
fn remedy_tool(text: &str) -> Result<(Sha256Hash, PathBuf), String> {
    let (identity, manifest) = text.split_once('=').ok_or("expected IDENTITY=MANIFEST")?;
    Ok((identity.parse().map_err(|why| format!("IDENTITY: {why}"))?, manifest.into()))
}

fn states(text: &str) -> Result<(String, String), &'static str> {
    let parts = text.split_once("->").or_else(|| text.split_once(':').filter(|(_, to)| !to.contains(':')));
    let states = parts.filter(|(from, to)| !from.is_empty() && !to.is_empty());
    let states = states.map(|(from, to)| (from.to_owned(), to.to_owned()));
    states.ok_or("expected FROM:TO or FROM->TO; other states go into --context")
}

pub(crate) fn run(args: &PriorsArgs, settings: &Settings, output: &mut Printer) -> anyhow::Result<Exit> {
    if args.rollout == Rollout::Shadow && args.record.is_none() {
        return Err(usage("`--rollout shadow` shows nothing; name the file that it records to with --record FILE"));
    }
    let query = query(args, settings)?;
    let project = settings.rollout()?;
    let is_brief = matches!(args.detail, Detail::Brief);
    let ask = PriorsAsk { query: &query, as_of: args.as_of, project, run_id: args.run.as_ref(), is_brief };
    // A store may prescribe once only: what can fail, fails before it is asked.
    let record = args.record.as_deref().map(|path| recorded(args, path)).transpose()?;
    let answer = args.at.priors(&ask)?;
    if let Some(mut record) = record {
        let mut row = Vec::new();
        append_row(&answer, &mut row);
        record.append(&row)?;
    }
    let shown = answer.shown();
    match args.detail {
        Detail::Full => output.show(&shown, print)?,
        Detail::Brief => output.show(&brief(&shown), |brief, output| print_brief(brief, &shown, output))?,
    }
    Ok(if args.require_match && answer.priors.is_empty() { Exit::NoMatch } else { Exit::Done })
}

fn query(args: &PriorsArgs, settings: &Settings) -> anyhow::Result<PriorsQuery> {
    let (line, about) = asked(args)?;
    let tool = args.tool.as_ref().map(|(name, version)| {
        let name = name.parse().map_err(|why| usage(format!("--tool: {why}")))?;
        anyhow::Ok(AskedTool { name, version: version.as_str().into() })
    });
    Ok(PriorsQuery {
        failure_reason_code: args.failure_reason_code.clone(),
        about,
        versions: versions(args)?,
        tool: tool.transpose()?,
        guard: decided(args, settings.contracts(args.contracts.as_deref()), &line)?,
        conformance: brought(args)?,
        #[cfg(feature = "conform")]
        present_tools: args.tool_manifest.iter().map(|path| conform::present(path)).collect::<Result<_, _>>()?,
        rollout: args.rollout,
        limit: usize::try_from(args.limit)?,
        ..PriorsQuery::of(line)
    })
}

/// The task line, and which of its failures.
fn asked(args: &PriorsArgs) -> anyhow::Result<(TaskLine, AskedFor)> {
    if let Some(path) = &args.failure {
        let document = document(path)?;
        let failed = AskedFailure::read(&document).map_err(|why| {
            let mut problems: Vec<String> = why.problems().iter().map(|problem| format!("\n  {problem}")).collect();
            if let lines @ 2.. = document.split(|byte| *byte == b'\n').filter(|line| line.starts_with(b"{\"")).count() {
                problems.push(format!("\n  it has {lines} lines, each a document: ask of one failure at a time"));
            }
            invalid(format!("`{}` is no failure:{}", escaped_path(path), problems.concat()))
        })?;
        return Ok((failed.line, AskedFor::Failure(failed.keys)));
    }
    let (Some(scope), Some(target_kind), Some(target_id), Some(action_kind)) =
        (args.scope, args.target_kind.clone(), args.target_id.clone(), args.action_kind.clone())
    else {
        return Err(usage("name the task line, or the failure with --failure"));
    };
    let about = match (&args.message, args.fingerprint_hash) {
        (Some(message), _) => AskedFor::Message(message_template(message)),
        (None, Some(hash)) => AskedFor::Fingerprint(hash),
        (None, None) => AskedFor::Anything,
    };
    Ok((TaskLine { scope, target_kind, target_id, action_kind }, about))
}

/// The versions by name; one name has one version.
fn versions(args: &PriorsArgs) -> anyhow::Result<StringMap> {
    let mut named = BTreeSet::new();
    if let Some((name, _)) = args.versions.iter().find(|(name, _)| !named.insert(name)) {
        return Err(usage(format!("--version: `{}` is given more than once", escaped(name))));
    }
    Ok(args.versions.iter().map(|(name, value)| (name, value)).collect())
}

/// A conformance report of a file.
pub(crate) fn report(path: &Path) -> anyhow::Result<ConformanceReport> {
    let bytes = document(path)?;
    ConformanceReport::parse(&bytes).map_err(|why| invalid(format!("`{}`: {why}", escaped_path(path))))
}

/// What the question brings of tools.
fn brought(args: &PriorsArgs) -> anyhow::Result<ToolRecords> {
    let reports = args.conformance.iter().map(|path| report(path)).collect::<anyhow::Result<Vec<_>>>()?;
    #[cfg(feature = "conform")]
    let tools = args.remedy_tool.iter().map(|(remedy, path)| {
        let (remedy, tool) = (*remedy, conform::present(path)?);
        Ok(RemedyTool { remedy, tool })
    });
    #[cfg(feature = "conform")]
    let tools = tools.collect::<anyhow::Result<Vec<_>>>()?;
    #[cfg(not(feature = "conform"))]
    let tools = Vec::new();
    if !reports.is_empty() && tools.is_empty() && !args.at.is_store() {
        return Err(usage(
            "a report is asked of the tool that a remedy runs, and a result does not say which that is: name it with \
             `--remedy-tool IDENTITY=MANIFEST`, or ask a store that keeps it",
        ));
    }
    Ok(ToolRecords { reports, tools })
}

fn decided(args: &PriorsArgs, contracts: Option<&Path>, line: &TaskLine) -> anyhow::Result<Option<GuardDecision>> {
    let Some(guardrails) = &args.guardrails else { return Ok(None) };
    let bundle = guard::bundle(guardrails, contracts)?;
    let mut context = args.context.as_deref().map_or_else(|| Ok(GuardContext::default()), guard::context)?;
    context.action.get_or_insert_with(|| line.action_kind.as_str().into());
    if let Some((from, to)) = &args.transition {
        for (member, said) in [(&mut context.from_state, from), (&mut context.to_state, to)] {
            match member {
                Some(other) if other.as_str() != said => {
                    return Err(usage(format!(
                        "--transition says `{}`, --context says `{}`",
                        escaped(said),
                        escaped(other)
                    )));
                }
                _ => *member = Some(said.as_str().into()),
            }
        }
    }
    Ok(Some(evaluate(&bundle, &context)))
}

/// Where the answer is kept: what is known now, and nothing that was known earlier.
fn recorded(args: &PriorsArgs, path: &Path) -> anyhow::Result<LineFile> {
    if let Some(asked) = args.as_of
        && let Some(last) = args.at.ask(|known| known.index.as_of())?.filter(|last| asked < *last)
    {
        return Err(usage(format!(
            "`--record` keeps what was known when it was asked: facts up to {last} are known here, later than `--as-of {asked}`"
        )));
    }
    LineFile::open(path)
}

fn print(answer: &Priors, output: &mut Printer) -> anyhow::Result<()> {
    terms::print(answer, output)?;
    if answer.rollout == Rollout::Shadow {
        return output.line("shadow: nothing is answered; --record keeps what would have been");
    }
    let query = &answer.query;
    let asked = format!("{} {} {} ({})", query.action_kind, query.target_kind, query.target_id, query.scope);
    let count = match answer.priors.len() {
        0 => "nothing is known".to_owned(),
        1 => "1 prior".to_owned(),
        many => format!("{many} priors"),
    };
    writeln!(output, "{count} for {asked}, rollout {}", answer.rollout.as_str())?;
    if let Some(decided) = &answer.guard {
        let why = guard::why(decided);
        let why = if why.is_empty() { String::new() } else { format!(": {why}") };
        writeln!(output, "guards: {} by `{}`{why}", decided.decision, decided.bundle_id)?;
    }
    answer.priors.iter().try_for_each(|prior| print_prior(prior, output))?;
    if answer.left_off > 0 {
        writeln!(output, "\n{} more; ask with a greater --limit", answer.left_off)?;
    }
    Ok(())
}

fn print_brief(brief: &BriefAnswer, answer: &Priors, output: &mut Printer) -> anyhow::Result<()> {
    terms::print(answer, output)?;
    if let Some(said) = brief.said {
        return output.line(said);
    }
    brief.priors.iter().try_for_each(|prior| print_brief_prior(prior, output))?;
    if brief.left_off > 0 {
        writeln!(output, "{} more: see `--detail full` and `--limit`", brief.left_off)?;
    }
    Ok(())
}

fn print_brief_prior(prior: &BriefPrior, output: &mut Printer) -> anyhow::Result<()> {
    let place = match (prior.tier, &prior.target_id) {
        (Tier::Concept, _) => "wherever it happened".to_owned(),
        (Tier::Elsewhere, Some(target)) => format!("on {target}"),
        (Tier::Line, _) => "here, another failure".to_owned(),
        _ => "here".to_owned(),
    };
    writeln!(output, "[{}] {} {place}  {}", prior.verdict, prior.failure_reason_code, prior.key.short())?;
    let state = prior.state.map_or_else(String::new, |state| format!(", now {}", state.as_str().replace('_', " ")));
    writeln!(output, "    failed {}{state}", prior.failed)?;
    for (what, said) in [("rerun", &prior.rerun), ("proof", &prior.proof), ("experiment", &prior.experiment)] {
        said.iter().try_for_each(|said| writeln!(output, "    {what}: {said}"))?;
    }
    if let (Some(remedy), Some(worked)) = (&prior.remedy, &prior.worked) {
        let reference = remedy.reference.as_ref().map(ToString::to_string);
        let name = remedy.summary.as_ref().map(ToString::to_string).or(reference);
        let name = name.unwrap_or_else(|| remedy.identity.short());
        writeln!(output, "    remedy: {} {name}: {worked}", remedy.kind)?;
    }
    if let Some(because) = prior.advisory_because {
        writeln!(output, "    advice: {}", because.explained())?;
    }
    print_layer(prior.layer, prior.side_effects, output)?;
    if !prior.held.is_empty() {
        writeln!(output, "    held back by {}", prior.held.join(", "))?;
    }
    Ok(())
}

/// Most is derived: that goes without saying.
fn print_layer(layer: Layer, side_effects: bool, output: &mut Printer) -> anyhow::Result<()> {
    match (layer, side_effects) {
        (Layer::Run, _) => output.line("    layer run: one run said so, and no other"),
        (Layer::Derived, _) => Ok(()),
        (Layer::Owner, true) => output.line("    layer owner: it may have side effects"),
        (Layer::Owner, false) => output.line("    layer owner: no side effects while it is not prescribed"),
    }
}

fn print_prior(prior: &Prior, output: &mut Printer) -> anyhow::Result<()> {
    let (code, key, counts) = (&prior.failure_reason_code, prior.key().short(), prior.counts);
    let place = match (prior.tier, &prior.target_id, counts.target_count) {
        (Tier::Elsewhere, Some(target), _) => format!("on {target}"),
        (Tier::Line, ..) => "here, another failure".to_owned(),
        (Tier::Concept, _, Some(count)) => format!("on {count} targets"),
        _ => "here".to_owned(),
    };
    writeln!(output, "\n[{}] {code} {place}  {key}", prior.verdict)?;
    let failed = match counts.execution_count {
        Some(executions) => format!("failed in {}", of_executions(counts.failure_count, executions)),
        None => format!("failed {} x in {} runs", counts.failure_count, counts.run_count),
    };
    let intermittent = match counts.intermittent_count {
        0 => String::new(),
        times => format!(", {times} x at a revision that also passed"),
    };
    writeln!(output, "    {failed}{intermittent}, until {}", prior.last_seen_ts)?;
    if let Some(state) = &prior.state {
        writeln!(output, "    now {}", standing(state.standing, state.clean_count.zip(state.clean_needed)))?;
    }
    writeln!(
        output,
        "    resolved {} x, held {} x, contradicted {} x, came back {} x, given up {} x; applied: helped {} x, not {} x",
        counts.resolved_count,
        counts.held_count,
        counts.contradiction_count,
        counts.recurrence_count,
        counts.given_up_count,
        counts.confirmed_count,
        counts.refuted_count
    )?;
    if prior.would_be_prescriptive && prior.verdict != Verdict::Prescriptive {
        match prior.advisory_because {
            Some(because) => writeln!(output, "    advice: {}", because.explained())?,
            None => output.line("    would be prescriptive under --rollout prescriptive")?,
        }
    }
    print_layer(prior.layer, prior.side_effects, output)?;
    prior.held.iter().try_for_each(|held| writeln!(output, "    held back by {held}"))?;
    for record in prior.remedies.iter().take(3) {
        writeln!(output, "    {}, confidence {}", remedy(record), confidence(record.confidence_ppm))?;
    }
    for ProvenFact { role, source, ts, .. } in &prior.provenance {
        let role = match role {
            Role::First => "first",
            Role::Last => "last",
            Role::LastResolved => "last resolved",
        };
        if let Some(Source { name, line }) = source {
            writeln!(output, "    {role}: {name}:{line} at {ts}")?;
        }
    }
    Ok(())
}
