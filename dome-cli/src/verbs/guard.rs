//! `dome guard eval`: one decision of a bundle of guardrails, explained (M-100).

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use dome_core::guard::{Cause, CauseKind, GuardContext, GuardDecision, GuardrailsBundle, evaluate};
use dome_core::{PolicyReasonCode, Rejection, escaped_path};
use dome_replay::input::document;

use crate::exit::{Exit, invalid};
use crate::output::Printer;
use crate::pinned::fits;
use crate::settings::Settings;

/// Ask a bundle of guardrails
#[derive(Debug, Subcommand)]
#[command(after_help = "Example:\n    dome guard eval --guardrails guardrails.json --context context.json")]
pub(crate) enum GuardVerb {
    Eval(EvalArgs),
}

/// Decide on one transition, and say why
///
/// Which guard passed, failed or did not apply, what is missing, what is not known, and what to do.
/// Unknowns deny. Ends with 0 for ALLOW and with 100 for DENY and STOP; `--format json` tells those
/// apart, and its `guard_evals` can stand in an envelope as they are.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n    dome guard eval --guardrails guardrails.json --context context.json\n    my-planner --context | dome guard eval --guardrails guardrails.json --context - --format json"
)]
pub(crate) struct EvalArgs {
    /// The bundle, by the pinned schema `guardrails_bundle`
    #[arg(long, value_name = "FILE")]
    guardrails: PathBuf,
    /// The transition with its evidence and predicates (see `dome schema guard-context`), or `-`
    #[arg(long, value_name = "FILE")]
    context: PathBuf,
    /// The lock of the contracts whose schema the bundle has to fit as well [default: that of `dome.toml`]
    #[arg(long, value_name = "LOCK")]
    contracts: Option<PathBuf>,
}

pub(crate) fn run(verb: &GuardVerb, settings: &Settings, output: &mut Printer) -> anyhow::Result<Exit> {
    let GuardVerb::Eval(args) = verb;
    let bundle = bundle(&args.guardrails, settings.contracts(args.contracts.as_deref()))?;
    let decided = evaluate(&bundle, &context(&args.context)?);
    output.show(&decided, print)?;
    Ok(if decided.decision.denies() { Exit::Findings } else { Exit::Done })
}

/// A bundle, by the schema of contracts that are pinned, if any are, and in any case by that which is compiled in.
pub(crate) fn bundle(path: &Path, contracts: Option<&Path>) -> anyhow::Result<GuardrailsBundle> {
    let bytes = document(path)?;
    let bundle = GuardrailsBundle::parse(&bytes).map_err(|why| not_a("bundle of guardrails", path, &why))?;
    if let Some(lock) = contracts {
        fits(lock, "guardrails_bundle", path, &bytes)?;
    }
    Ok(bundle)
}

pub(crate) fn context(path: &Path) -> anyhow::Result<GuardContext> {
    GuardContext::parse(&document(path)?).map_err(|why| not_a("transition context", path, &why))
}

fn not_a(what: &str, path: &Path, why: &Rejection) -> anyhow::Error {
    let problems: Vec<String> = why.problems().iter().map(|problem| format!("\n  {problem}")).collect();
    invalid(format!("`{}` is no {what}:{}", escaped_path(path), problems.concat()))
}

fn print(decided: &GuardDecision, output: &mut Printer) -> anyhow::Result<()> {
    let from = format!("{} by `{}`, version {}", decided.decision, decided.bundle_id, decided.bundle_version);
    let because = if decided.reason_codes.is_empty() { "" } else { ": " };
    writeln!(output, "{from}{because}{}", codes(&decided.reason_codes))?;
    for eval in &decided.guard_evals {
        let verdict = match eval.decision {
            Some(decision) if decision.denies() => format!(": {decision}, {}", codes(&eval.reason_codes)),
            Some(decision) => format!(": {decision}"),
            None => String::new(),
        };
        writeln!(output, "\n{:<4} {}{verdict}", eval.status.as_str(), eval.guard_id)?;
        for cause in decided.causes.iter().filter(|cause| cause.guard_id == eval.guard_id) {
            writeln!(output, "     {cause}")?;
        }
        for told in decided.feedback.iter().filter(|told| told.guard_id == eval.guard_id) {
            writeln!(output, "     {}: {}", told.feedback.severity, told.feedback.operator_message)?;
            writeln!(output, "     {}: {}", told.feedback.next_step, told.feedback.actionable_hint)?;
        }
    }
    let advice = advice(decided);
    if !advice.is_empty() {
        output.line("\nto do:")?;
    }
    advice.iter().try_for_each(|line| writeln!(output, "  - {line}"))
}

fn codes(codes: &[PolicyReasonCode]) -> String {
    codes.iter().map(PolicyReasonCode::as_str).collect::<Vec<_>>().join(", ")
}

/// What would change the decision, each thing once.
fn advice(decided: &GuardDecision) -> Vec<String> {
    let mut advice: Vec<String> = Vec::new();
    for cause in decided.causes.iter().filter(|cause| cause.kind != CauseKind::NotApplicable) {
        let line = remedy(cause);
        if !advice.contains(&line) {
            advice.push(line);
        }
    }
    if !decided.unknowns.is_empty() {
        let borne = if decided.denies_by_unknowns() { "the bundle bears" } else { "borne: the bundle bears" };
        advice.push(format!("{} not known, {borne} {}", decided.unknowns.len(), decided.max_unknowns));
    }
    advice
}

fn remedy(cause: &Cause) -> String {
    let name = &cause.name;
    match cause.kind {
        CauseKind::EvidenceMissing => format!("produce the evidence `{name}` and list it under `evidence_kinds`"),
        CauseKind::PredicateFalse => format!("make `{name}` true"),
        CauseKind::PredicateUnknown => format!("find out `{name}` and say true or false under `predicates`"),
        CauseKind::StateUnknown if name == "from_state" || name == "to_state" => format!("say `{name}`"),
        CauseKind::StateUnknown => format!("say a state that the guards know in place of `{name}`"),
        _ => format!("take another way: no guard names the transition `{name}`"),
    }
}

pub(crate) fn why(decided: &GuardDecision) -> String {
    let causes = decided.causes.iter().filter(|cause| cause.kind != CauseKind::NotApplicable);
    let causes: Vec<String> = causes.map(|cause| format!("{}: {cause}", cause.guard_id)).collect();
    causes.join("; ")
}
