//! `dome priors`: the planner's question before it acts.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;
use dome_binder::priors::{AskedTool, Prior, Priors, PriorsQuery, ProvenFact, Role, Rollout, Tier};
use dome_binder::{RemedyRecord, Verdict, append_row};
use dome_core::conformance::ConformanceReport;
#[cfg(feature = "conform")]
use dome_core::conformance::PresentTool;
use dome_core::guard::{GuardContext, GuardDecision, evaluate};
use dome_core::{
    ActionKind, FailureReasonCode, Scope, Sha256Hash, Source, StringMap, TargetId, TargetKind, TaskLine, Timestamp,
};
use dome_replay::input::document;

use super::guard;
use crate::exit::{Exit, invalid, usage};
use crate::known::FactsArgs;
use crate::output::Printer;

/// What is known before acting: capsules for a TaskSpec, best first
///
/// Capsules of the task line, then the same failures on other targets, then concepts; each with its
/// verdict, every hold with its number and threshold, remedies with their record, and where it was
/// seen. Nothing is prescriptive unless `--rollout prescriptive` says so and nothing holds it back.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n    dome priors --from result --scope task --target-kind repo --target-id acme/app --action-kind test\n    dome priors --from result --scope task --target-kind repo --target-id acme/app --action-kind test \\\n        --transition candidate:promoted --guardrails guardrails.json --version python=3.12 --rollout prescriptive"
)]
pub(crate) struct PriorsArgs {
    #[command(flatten)]
    at: FactsArgs,
    /// How far the task reaches
    #[arg(long, value_name = "task|run|repo")]
    scope: Scope,
    /// What kind of thing is worked on
    #[arg(long, value_name = "KIND")]
    target_kind: TargetKind,
    /// Which one
    #[arg(long, value_name = "ID")]
    target_id: TargetId,
    /// What is done
    #[arg(long, value_name = "KIND")]
    action_kind: ActionKind,
    /// Only this failure
    #[arg(long, value_name = "CODE")]
    failure_reason_code: Option<FailureReasonCode>,
    /// The fingerprint to look for on other targets [default: those of the task line's capsules]
    #[arg(long, value_name = "HASH")]
    fingerprint_hash: Option<Sha256Hash>,
    /// A version of what takes part; may be given more than once
    #[arg(long = "version", value_parser = pair, value_name = "NAME=VALUE")]
    versions: Vec<(String, String)>,
    /// The tool that will be used, and its version
    #[arg(long, value_parser = pair, value_name = "NAME=VERSION")]
    tool: Option<(String, String)>,
    /// The transition that the task is; needs --guardrails
    #[arg(long, value_parser = states, value_name = "FROM:TO", requires = "guardrails")]
    transition: Option<(String, String)>,
    /// The bundle of guardrails that decides on it
    #[arg(long, value_name = "FILE")]
    guardrails: Option<PathBuf>,
    /// Evidence and predicates for the guards (see `dome schema guard-context`); --transition and
    /// --action-kind fill in what it leaves out
    #[arg(long, value_name = "FILE", requires = "guardrails")]
    context: Option<PathBuf>,
    /// A conformance report (see `dome schema conformance-report`); may be given more than once
    #[arg(long, value_name = "FILE")]
    conformance: Vec<PathBuf>,
    #[cfg(feature = "conform")]
    /// The manifest of a tool that a report is on: the report counts as long as neither has changed; may
    /// be given more than once
    #[arg(long, value_name = "FILE", requires = "conformance")]
    tool_manifest: Vec<PathBuf>,
    /// How far dome may go
    #[arg(long, default_value = "guided", value_name = "shadow|guided|prescriptive")]
    rollout: Rollout,
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

fn pair(text: &str) -> Result<(String, String), &'static str> {
    let parts = text.split_once('=').filter(|(name, value)| !name.is_empty() && !value.is_empty());
    parts.map(|(name, value)| (name.to_owned(), value.to_owned())).ok_or("expected NAME=VALUE")
}

fn states(text: &str) -> Result<(String, String), &'static str> {
    let parts = text.split_once(':').filter(|(from, to)| !from.is_empty() && !to.is_empty() && !to.contains(':'));
    let states = parts.map(|(from, to)| (from.to_owned(), to.to_owned()));
    states.ok_or("expected FROM:TO; states with a `:` go into --context")
}

pub(crate) fn run(args: &PriorsArgs, output: &mut Printer) -> anyhow::Result<Exit> {
    if args.rollout == Rollout::Shadow && args.record.is_none() {
        return Err(usage("`--rollout shadow` shows nothing; name the file that it records to with --record FILE"));
    }
    let query = query(args)?;
    let (last, answer) = args.at.ask(|known| Ok((known.index.as_of()?, known.index.priors(&query, args.as_of)?)))?;
    if let Some(path) = &args.record {
        if let Some((asked, last)) = args.as_of.zip(last).filter(|(asked, last)| asked < last) {
            return Err(usage(format!(
                "`--record` keeps what was known when it was asked: facts up to {last} are known here, later than `--as-of {asked}`"
            )));
        }
        record(path, &answer)?;
    }
    output.show(&answer.shown(), print)?;
    Ok(if args.require_match && answer.priors.is_empty() { Exit::NoMatch } else { Exit::Done })
}

fn query(args: &PriorsArgs) -> anyhow::Result<PriorsQuery> {
    let line = TaskLine {
        scope: args.scope,
        target_kind: args.target_kind.clone(),
        target_id: args.target_id.clone(),
        action_kind: args.action_kind.clone(),
    };
    let tool = args.tool.as_ref().map(|(name, version)| {
        let name = name.parse().map_err(|why| usage(format!("--tool: {why}")))?;
        anyhow::Ok(AskedTool { name, version: version.as_str().into() })
    });
    let reports: Vec<ConformanceReport> = args.conformance.iter().map(|path| report(path)).collect::<Result<_, _>>()?;
    Ok(PriorsQuery {
        failure_reason_code: args.failure_reason_code.clone(),
        fingerprint_hash: args.fingerprint_hash,
        versions: versions(args)?,
        tool: tool.transpose()?,
        guard: decided(args)?,
        conformance: (!reports.is_empty()).then_some(reports),
        #[cfg(feature = "conform")]
        present_tools: args.tool_manifest.iter().map(|path| present(path)).collect::<Result<_, _>>()?,
        rollout: args.rollout,
        limit: usize::try_from(args.limit)?,
        ..PriorsQuery::of(line)
    })
}

/// The versions by name; one name has one version.
fn versions(args: &PriorsArgs) -> anyhow::Result<StringMap> {
    let mut named = BTreeSet::new();
    if let Some((name, _)) = args.versions.iter().find(|(name, _)| !named.insert(name)) {
        return Err(usage(format!("--version: `{name}` is given more than once")));
    }
    Ok(args.versions.iter().map(|(name, value)| (name, value)).collect())
}

fn report(path: &Path) -> anyhow::Result<ConformanceReport> {
    let bytes = document(path)?;
    ConformanceReport::parse(&bytes).map_err(|why| invalid(format!("`{}`: {why}", path.display())))
}

#[cfg(feature = "conform")]
fn present(path: &Path) -> anyhow::Result<PresentTool> {
    let dome_conform::ToolOnDisk { digests, manifest, .. } = super::conform::tool(path)?;
    Ok(PresentTool { digest: digests.tool, manifest: digests.manifest, tool: manifest.tool })
}

fn decided(args: &PriorsArgs) -> anyhow::Result<Option<GuardDecision>> {
    let Some(guardrails) = &args.guardrails else { return Ok(None) };
    let bundle = guard::bundle(guardrails)?;
    let mut context = args.context.as_deref().map_or_else(|| Ok(GuardContext::default()), guard::context)?;
    context.action.get_or_insert_with(|| args.action_kind.as_str().into());
    if let Some((from, to)) = &args.transition {
        for (member, said) in [(&mut context.from_state, from), (&mut context.to_state, to)] {
            match member {
                Some(other) if other.as_str() != said => {
                    return Err(usage(format!("--transition says `{said}`, --context says `{other}`")));
                }
                _ => *member = Some(said.as_str().into()),
            }
        }
    }
    Ok(Some(evaluate(&bundle, &context)))
}

fn record(path: &Path, answer: &Priors) -> anyhow::Result<()> {
    let mut row = Vec::new();
    append_row(answer, &mut row);
    let file = std::fs::OpenOptions::new().create(true).append(true).open(path);
    file.and_then(|mut file| file.write_all(&row)).with_context(|| format!("cannot record to `{}`", path.display()))
}

fn print(answer: &Priors, output: &mut Printer) -> anyhow::Result<()> {
    if answer.rollout == Rollout::Shadow {
        return output.line("shadow: nothing is answered; what would have been is recorded");
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

fn print_prior(prior: &Prior, output: &mut Printer) -> anyhow::Result<()> {
    let (code, key, counts) = (&prior.failure_reason_code, prior.key().short(), prior.counts);
    let place = match (prior.tier, &prior.target_id, counts.target_count) {
        (Tier::Elsewhere, Some(target), _) => format!("on {target}"),
        (Tier::Concept, _, Some(count)) => format!("on {count} targets"),
        _ => "here".to_owned(),
    };
    writeln!(output, "\n[{}] {code} {place}  {key}", prior.verdict)?;
    writeln!(
        output,
        "    seen {} x until {}, resolved {} x, contradicted {} x, came back later {} x, applied: held {} x, failed {} x",
        counts.support_count,
        prior.last_seen_ts,
        counts.resolved_count,
        counts.contradiction_count,
        counts.recurrence_count,
        counts.confirmed_count,
        counts.refuted_count
    )?;
    if prior.would_be_prescriptive && prior.verdict != Verdict::Prescriptive {
        output.line("    would be prescriptive under --rollout prescriptive")?;
    }
    prior.held.iter().try_for_each(|held| writeln!(output, "    held back by {held}"))?;
    for RemedyRecord { remedy, identity, count, contradicted_count, confidence_ppm, .. } in
        prior.remedies.iter().take(3)
    {
        let name = remedy.reference.as_ref().map_or_else(|| identity.short(), ToString::to_string);
        let summary = remedy.summary.as_ref().map_or_else(String::new, |text| format!(" ({text})"));
        writeln!(
            output,
            "    remedy: {} {name}{summary}: worked {count} x, failed {contradicted_count} x, confidence {confidence_ppm} ppm",
            remedy.kind
        )?;
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
