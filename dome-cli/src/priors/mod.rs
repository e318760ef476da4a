//! `dome priors`: the planner's question before it acts.

mod args;
mod render;

use std::io::Write;
use std::path::Path;

use anyhow::Context;
use dome_binder::append_row;
use dome_binder::priors::{AskedTool, ConformanceReport, Memory, Priors, PriorsQuery, Rollout, priors};
#[cfg(feature = "conform")]
use dome_binder::priors::{PresentTool, ReportedTool};
use dome_contracts::conform::Report;
use dome_core::guard::{GuardContext, GuardDecision, evaluate};
use dome_core::{StringMap, TaskLine};

pub(crate) use args::PriorsArgs;

use crate::exit::{Exit, invalid, usage};
use crate::guard;
use crate::output::Output;
use dome_replay::input::document;

/// Runs the verb.
pub(crate) fn run(args: &PriorsArgs, output: &mut Output) -> anyhow::Result<Exit> {
    if args.rollout == Rollout::Shadow && args.record.is_none() {
        return Err(usage("`--rollout shadow` shows nothing; name the file that it records to with --record FILE"));
    }
    let query = query(args)?;
    let known = args.at.open()?;
    let rules = known.rules().clone();
    let replay = known.into_replay()?;
    let memory = Memory::of(&replay, &rules);
    if let (Some(_), Some(asked), Some(last)) = (&args.record, args.as_of, memory.as_of)
        && asked < last
    {
        return Err(usage(format!(
            "`--record` keeps what was known when it was asked: facts up to {last} are known here, later than `--as-of {asked}`"
        )));
    }
    let answer = priors(&Memory { as_of: args.as_of.or(memory.as_of), ..memory }, &query);
    if let Some(path) = &args.record {
        record(path, &answer)?;
    }
    let shown = answer.shown();
    if output.is_json() {
        output.object(&shown)?;
    } else {
        render::print(&shown, output)?;
    }
    output.flush()?;
    Ok(if args.require_match && answer.priors.is_empty() { Exit::NoMatch } else { Exit::Done })
}

/// The versions by name; one name has one version.
fn versions(args: &PriorsArgs) -> anyhow::Result<StringMap> {
    let mut named = std::collections::BTreeSet::new();
    if let Some((name, _)) = args.versions.iter().find(|(name, _)| !named.insert(name)) {
        return Err(usage(format!("--version: `{name}` is given more than once")));
    }
    Ok(args.versions.iter().map(|(name, value)| (name, value)).collect())
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

fn report(path: &Path) -> anyhow::Result<ConformanceReport> {
    let bytes = document(path)?;
    let wrong = |why: String| invalid(format!("`{}`: {why}", path.display()));
    // The whole report first: its word is held to its own checks.
    Report::parse(&bytes).map_err(|why| wrong(why.to_string()))?;
    ConformanceReport::parse(&bytes).map_err(|why| wrong(why.to_string()))
}

/// The tool that a manifest is of, as it is now.
#[cfg(feature = "conform")]
fn present(path: &Path) -> anyhow::Result<PresentTool> {
    let dome_conform::ToolOnDisk { digests, manifest, .. } = crate::conform::tool(path)?;
    let tool = ReportedTool { name: manifest.tool.name, version: manifest.tool.version.as_str().into() };
    Ok(PresentTool { digest: digests.tool, manifest: digests.manifest, tool })
}

/// What the guards say of the task, if there are any.
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

/// Appends the whole answer to a file of JSON Lines.
fn record(path: &Path, answer: &Priors) -> anyhow::Result<()> {
    let mut row = Vec::new();
    append_row(answer, &mut row);
    let file = std::fs::OpenOptions::new().create(true).append(true).open(path);
    file.and_then(|mut file| file.write_all(&row)).with_context(|| format!("cannot record to `{}`", path.display()))
}
