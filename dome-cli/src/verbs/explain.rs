//! `dome explain`: why a capsule, a fact or a line is what it is.

use clap::Args;
use dome_binder::explain::{Candidate, LEAST_DIGITS};
use dome_store::index::{Explained, Unlisted};

use crate::exit::{Exit, usage};
use crate::known::FactsArgs;
use crate::output::{Output, note};
use crate::render::explain::show;

/// Say why: the facts behind a capsule, or what became of a line
///
/// KEY is a derived, concept, line or idempotency key, a fingerprint hash or a fact's digest (whole,
/// or its first 8 hex digits or more), an event id, RUN/EVENT, or SOURCE:LINE as lineage names it.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n    dome explain --from result 7ab9b547fec3\n    dome explain --from result night.jsonl:17 --format json"
)]
pub(crate) struct ExplainArgs {
    /// What to explain
    #[arg(value_name = "KEY")]
    key: String,
    #[command(flatten)]
    at: FactsArgs,
    /// End with exit code 4, not 1, when nothing has that key
    #[arg(long)]
    require_match: bool,
}

/// Runs the verb.
pub(crate) fn run(args: &ExplainArgs, output: &mut Output) -> anyhow::Result<Exit> {
    let key = args.key.trim();
    let explained = args.at.ask(|known| known.index.explain(key, known.unlisted, &mut *known.origin))?;
    match explained {
        Explained::Told(explanation) => {
            if output.is_json() {
                output.object(&*explanation)?;
            } else {
                show(&explanation, output)?;
            }
            let gone = explanation.unlisted.as_ref().is_some_and(Unlisted::is_no_line);
            Ok(match (gone, args.require_match) {
                (false, _) => Exit::Done,
                (true, true) => Exit::NoMatch,
                (true, false) => Exit::Failed,
            })
        }
        Explained::Many(candidates) => Err(ambiguous(key, &candidates)),
        Explained::Nothing { near } => {
            note(&nothing(key, &near, &args.at.shown()));
            Ok(if args.require_match { Exit::NoMatch } else { Exit::Failed })
        }
    }
}

/// Candidates that are listed at most.
const LISTED: usize = 20;

fn ambiguous(key: &str, candidates: &[Candidate]) -> anyhow::Error {
    let listed = candidates.iter().take(LISTED);
    let lines: Vec<String> =
        listed.map(|candidate| format!("\n    {}  ({})", candidate.key, candidate.named_by)).collect();
    let more = candidates.len().saturating_sub(LISTED);
    let more = if more > 0 { format!("\n    and {more} more") } else { String::new() };
    usage(format!("`{key}` names {} things; say which:{}{more}", candidates.len(), lines.concat()))
}

/// What is said when nothing has the key, with names near it.
fn nothing(key: &str, near: &[String], shown: &str) -> String {
    let meant: Vec<String> = near.iter().map(|near| format!("`{near}`")).collect();
    let meant = if meant.is_empty() { String::new() } else { format!("; near it: {}", meant.join(", ")) };
    let short = key.len() < LEAST_DIGITS && key.bytes().all(|byte| byte.is_ascii_hexdigit());
    let short = if short { "; the start of a hash needs 8 hex digits or more" } else { "" };
    format!("dome: nothing in `{shown}` has the key `{key}`{short}{meant}")
}
