//! `dome guard eval`: one decision of a bundle of guardrails, explained (M-100).

mod args;
mod render;

use std::path::Path;

use dome_core::Rejection;
use dome_core::guard::{GuardContext, GuardrailsBundle, evaluate};

pub(crate) use args::GuardVerb;
pub(crate) use render::why;

use crate::exit::{Exit, invalid};
use crate::output::Output;
use dome_replay::input::document;

/// Runs the verb.
pub(crate) fn run(verb: &GuardVerb, output: &mut Output) -> anyhow::Result<Exit> {
    let GuardVerb::Eval(args) = verb;
    let decided = evaluate(&bundle(&args.guardrails)?, &context(&args.context)?);
    if output.is_json() {
        output.object(&decided)?;
    } else {
        render::print(&decided, output)?;
    }
    output.flush()?;
    Ok(if decided.decision.denies() { Exit::Findings } else { Exit::Done })
}

/// Reads a bundle.
///
/// # Errors
///
/// When it cannot be read, with every problem when it is not one.
pub(crate) fn bundle(path: &Path) -> anyhow::Result<GuardrailsBundle> {
    GuardrailsBundle::parse(&document(path)?).map_err(|why| not_a("bundle of guardrails", path, &why))
}

/// Reads a context.
///
/// # Errors
///
/// As [`bundle`].
pub(crate) fn context(path: &Path) -> anyhow::Result<GuardContext> {
    GuardContext::parse(&document(path)?).map_err(|why| not_a("transition context", path, &why))
}

fn not_a(what: &str, path: &Path, why: &Rejection) -> anyhow::Error {
    let problems: Vec<String> = why.problems().iter().map(|problem| format!("\n  {problem}")).collect();
    invalid(format!("`{}` is no {what}:{}", path.display(), problems.concat()))
}
