//! `dome explain`: why a capsule, a fact or a line is what it is.

use clap::Args;
use dome_binder::explain::{
    Brief, Candidate, CapsuleStory, ConceptStory, CounterChange, FactStep, FactStory, Fired, Ingredients, LEAST_DIGITS,
    LineStory,
};
use dome_binder::{Application, Capsule, Happened, HoldFigure, MintReason, RemedyRecord, Threshold};
use dome_core::{QuarantineRow, Sha256Hash, Source, escaped};
use dome_store::index::{Explained, Explanation, Unlisted};
use serde_json::Value;

use crate::exit::{Exit, usage};
use crate::known::FactsArgs;
use crate::output::{Printer, grouped, near_it, note};
use crate::render::said::{of_executions, remedy, standing};
use crate::table::{Column, TextTable, cut, short_time, width, wrapped};

const LISTED: usize = 20;
/// Columns of a rejected line that are shown; JSON and quarantine.jsonl have it whole.
const RAW_COLUMNS: usize = 200;
/// Facts that are shown at the start and at the end of a long story; JSON has them all.
const SHOWN_FIRST: usize = 10;
const SHOWN_LAST: usize = 20;

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

pub(crate) fn run(args: &ExplainArgs, output: &mut Printer) -> anyhow::Result<Exit> {
    let key = args.key.trim();
    let explained = args.at.ask(|known| known.index.explain(key, known.unlisted, &mut *known.origin))?;
    let found = match explained {
        Explained::Told(explanation) => {
            output.show(&*explanation, print)?;
            !explanation.unlisted.as_ref().is_some_and(Unlisted::is_no_line)
        }
        Explained::Many(candidates) => return Err(ambiguous(key, &candidates)),
        Explained::Nothing { near } => {
            note(&nothing(key, &near, &args.at.shown()));
            false
        }
    };
    Ok(match (found, args.require_match) {
        (true, _) => Exit::Done,
        (false, true) => Exit::NoMatch,
        (false, false) => Exit::Failed,
    })
}

fn ambiguous(key: &str, candidates: &[Candidate]) -> anyhow::Error {
    let listed = candidates.iter().take(LISTED);
    let lines: Vec<String> =
        listed.map(|candidate| format!("\n    {}  ({})", candidate.key, candidate.named_by)).collect();
    let more = match candidates.len().checked_sub(LISTED) {
        Some(more @ 1..) => format!("\n    and {more} more"),
        _ => String::new(),
    };
    usage(format!("`{}` names {} things; say which:{}{more}", escaped(key), candidates.len(), lines.concat()))
}

fn nothing(key: &str, near: &[String], shown: &str) -> String {
    let short = key.len() < LEAST_DIGITS && key.bytes().all(|byte| byte.is_ascii_hexdigit());
    let short = if short { "; the start of a hash needs 8 hex digits or more" } else { "" };
    format!("dome: nothing in `{shown}` has the key `{}`{short}{}", escaped(key), near_it(near))
}

fn print(told: &Explanation, output: &mut Printer) -> anyhow::Result<()> {
    let stories = [
        told.capsule.as_ref().map(|story| capsule_lines(story, told)),
        told.fact.as_ref().map(fact_lines),
        told.concept.as_ref().map(concept_lines),
        told.line.as_ref().map(line_lines),
        told.rejected.as_ref().map(rejected),
        told.unlisted.as_ref().map(unlisted),
    ];
    let width = width();
    let lines = stories.into_iter().flatten().flatten();
    lines.flat_map(|line| wrapped(&escaped(&line), width)).try_for_each(|line| output.line(&line))
}

fn rejected(row: &QuarantineRow) -> Vec<String> {
    let QuarantineRow { source, problems, sha256, raw, .. } = row;
    let mut lines = vec![format!("{}:{} was rejected, and stands in quarantine.jsonl", source.name, source.line)];
    for problem in problems {
        let pointer = if problem.pointer.is_empty() { "the line" } else { problem.pointer.as_str() };
        lines.push(format!("  {}  at {pointer}: {}", problem.code, problem.message));
    }
    lines.push(format!("sha256  {sha256}"));
    lines.extend(raw.as_ref().map(|raw| format!("raw     {}", cut(raw, RAW_COLUMNS))));
    lines
}

/// A line that the result does not list: what follows from what it counts.
fn unlisted(place: &Unlisted) -> Vec<String> {
    let Source { name, line } = &place.source;
    let mut lines = vec![format!("{name}:{line} is neither a fact nor rejected")];
    let counted = [(place.duplicates, "repeat a fact"), (place.blank, "are blank")];
    let counted: Vec<String> = counted
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("{} lines of the input {what}", grouped(*count)))
        .collect();
    if place.is_no_line() {
        lines.push("every line of the input became a fact or was rejected, so there is no such line".to_owned());
    } else {
        lines.push(format!("{}; a result does not say which, so it may be one of them", counted.join(" and ")));
        lines.push(format!("the last line of {name} that the result lists is {}", place.last_listed));
        lines.push("the fact that a line repeats has its digest: replay the line alone to see it".to_owned());
    }
    lines
}

fn place(step: &FactStep) -> String {
    format!("{}:{}", step.source.name, step.source.line)
}

/// What a fact did to counters, in the order of the rules: `support_count +1 (M-80)`.
fn changes<'c>(changes: impl IntoIterator<Item = &'c CounterChange>) -> String {
    let mut by_rule: Vec<(&str, Vec<String>)> = Vec::new();
    for change in changes {
        let said = change.to_string();
        match by_rule.last_mut() {
            Some((rule, said_before)) if *rule == change.rule => said_before.push(said),
            _ => by_rule.push((change.rule, vec![said])),
        }
    }
    let parts: Vec<String> = by_rule.iter().map(|(rule, said)| format!("{} ({rule})", said.join(", "))).collect();
    parts.join("; ")
}

/// What a fact did to a capsule beyond its counters; nothing where they say it all.
fn happened(what: &Happened) -> Option<String> {
    let by = |remedy: &Option<Sha256Hash>| match remedy {
        Some(remedy) => format!("remedy {}", remedy.short()),
        None => "no named remedy".to_owned(),
    };
    Some(match what {
        Happened::Minted | Happened::Failed { intermittent: false, stale: false } => return None,
        Happened::Failed { stale: true, .. } => "stale: it was known to be broken there (M-81 c)".to_owned(),
        Happened::Failed { .. } => "intermittent: the same subject had passed before (M-81 b)".to_owned(),
        Happened::RowBegan { failed_runs, passed_runs } => {
            let [failed, passed] = [*failed_runs, *passed_runs].map(grouped);
            format!("a row begins, after {failed} failed and {passed} passed runs in reach (M-77)")
        }
        Happened::Again { remedy: None } => "it failed again in its row (M-87)".to_owned(),
        Happened::Again { remedy } => format!("it failed again, {} tried in vain (M-87)", by(remedy)),
        Happened::Contradicted { remedy } => {
            format!("its resolution by {} did not hold (M-81 d)", by(remedy))
        }
        Happened::Recurred => "it came back after its resolution was proven (M-81 d)".to_owned(),
        Happened::Reran { number, passed: true } => format!("rerun {number} passed (M-86)"),
        Happened::Reran { number, passed: false } => format!("rerun {number} did not pass (M-86)"),
        Happened::TurnedIntermittent { failures } => {
            format!("earlier failures at this subject turn out intermittent: {} (M-82 a)", grouped(*failures))
        }
        Happened::Cleared => "its row ends: it passed, and nothing says that anything was mended (M-82 b)".to_owned(),
        Happened::Resolved { clean_needed: 0, remedy } => format!("resolved by {}, momentary (M-82 b)", by(remedy)),
        Happened::Resolved { clean_needed, remedy } => {
            format!("resolved by {}; clean runs that prove it: {} (M-82)", by(remedy), grouped(*clean_needed))
        }
        Happened::CleanRun { clean_count, clean_needed } => {
            format!("clean run {} of {} (M-82 c)", grouped(*clean_count), grouped(*clean_needed))
        }
        Happened::Held { .. } => "it held: enough clean runs (M-82 c)".to_owned(),
        Happened::GivenUp => "work on it was given up (M-87)".to_owned(),
    })
}

/// A trigger with the numbers that made it fire (M-71).
fn fired(fired: &Fired) -> String {
    let name = fired.trigger.as_str();
    let numbers = [fired.found, fired.from, fired.median_ms, fired.samples];
    let [found, from, median, samples] = numbers.map(|number| number.map_or_else(String::new, grouped));
    match (&fired.policy_reason_code, fired.median_ms) {
        (Some(code), _) => format!("{name}: no earlier fact of this scope, kind of target and action has {code}"),
        (None, Some(_)) => format!("{name}: {found} ms, fires from {from} ms (median {median} ms, {samples} samples)"),
        (None, None) => format!("{name}: {found} attempts, fires from {from}"),
    }
}

fn ingredients(told: &Ingredients) -> Vec<String> {
    let json = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let mut lines: Vec<String> = told
        .ingredients
        .iter()
        .map(|one| {
            let (given, taken) = (json(&one.given), json(&one.taken));
            let from = if given == taken { String::new() } else { format!(" of `{}`", cut(&given, 40)) };
            format!("  {} = {taken}  from {}{from} ({})", one.member, one.from, one.rule)
        })
        .collect();
    if lines.is_empty() {
        lines.push("  nothing but its version: no gate failed, no message, tool, version or environment".to_owned());
    }
    if !told.left_out.is_empty() {
        lines.push(format!("  left out: {}", told.left_out.join(", ")));
    }
    lines
}

fn capsule_lines(story: &CapsuleStory, told: &Explanation) -> Vec<String> {
    let mut lines = vec![format!("capsule {}", story.key)];
    match &story.capsule {
        Some(capsule) => lines.extend(head(capsule, told)),
        None => lines.push("no fact with this key minted (M-70), so there is no capsule".to_owned()),
    }
    lines.extend(titled("why its facts are one failure (M-50, M-61):"));
    lines.extend(ingredients(&story.ingredients));
    let [facts, line_facts] = [story.facts.len() as u64, story.line_facts].map(grouped);
    lines.extend(titled(&format!("{facts} facts say something of it, of {line_facts} of its task line:")));
    lines.extend(ends(&story.facts, fact));
    if let Some(capsule) = &story.capsule {
        lines.extend(sums(story, capsule));
    }
    lines
}

fn titled(title: &str) -> [String; 2] {
    [String::new(), title.to_owned()]
}

fn head(capsule: &Capsule, told: &Explanation) -> Vec<String> {
    let class = capsule.class.map_or("no class", |class| class.as_str());
    let as_of = told.as_of.map_or_else(String::new, |as_of| format!(" as of {}", short_time(&as_of.to_string())));
    let thresholds = told.capsule.iter().flat_map(|story| &story.thresholds);
    let holds: Vec<&str> = thresholds.filter(|row| row.holds).map(|row| row.hold.as_str()).collect();
    let why = if holds.is_empty() { "nothing holds it back".to_owned() } else { holds.join(", ") };
    vec![
        format!("{} on {} ({})", capsule.failure_reason_code, capsule.target_id, class),
        format!(
            "task line {} {} {} {}  {}",
            capsule.scope,
            capsule.target_kind,
            capsule.target_id,
            capsule.action_kind,
            capsule.line_key.short()
        ),
        format!("{}{as_of}: {why}", capsule.verdict),
    ]
}

/// The beginning and the end of a long story.
fn ends(facts: &[FactStep], told: fn(&FactStep) -> Vec<String>) -> Vec<String> {
    let hidden = facts.len().saturating_sub(SHOWN_FIRST + SHOWN_LAST);
    let (first, rest) = facts.split_at(if hidden > 0 { SHOWN_FIRST } else { facts.len() });
    let more = (hidden > 0).then(|| format!("  … {} more (--format json shows all)", grouped(hidden as u64)));
    first.iter().flat_map(told).chain(more).chain(rest.iter().skip(hidden).flat_map(told)).collect()
}

fn fact(step: &FactStep) -> Vec<String> {
    let mut lines = vec![outcome(step)];
    let said = changes(&step.changes);
    let said = if said.is_empty() { "changes no counter".to_owned() } else { said };
    let applied = |application| format!("; applied it: {}", applied(application));
    let applied = step.application.map_or_else(String::new, applied);
    let unminted = if step.minted { "" } else { "; did not mint" };
    lines.push(format!("      {said}{applied}{unminted}"));
    let effects = step.effects.iter().filter_map(|effect| happened(&effect.happened));
    lines.extend(effects.map(|said| format!("      {said}")));
    lines.extend(step.triggers.iter().map(|trigger| format!("      trigger {}", fired(trigger))));
    lines
}

/// A fact in one line.
fn outcome(step: &FactStep) -> String {
    let code = match &step.policy_reason_code {
        Some(policy) => format!("{} {policy}", step.failure_reason_code),
        None => step.failure_reason_code.to_string(),
    };
    let lane = step.lane.as_ref().map_or_else(String::new, |lane| format!(", lane {lane}"));
    let tested = step.subject.as_ref().map_or_else(String::new, |subject| {
        let job = subject.job.as_ref().map_or_else(String::new, |job| format!(" ({job})"));
        let dirty = if subject.dirty == Some(true) { ", dirty" } else { "" };
        format!(", at {}{job}{dirty}", cut(subject.revision.as_str(), 12))
    });
    format!(
        "  {}  {} {code}  {}  run {}{lane}{tested}  {}",
        short_time(&step.ordered_ts.to_string()),
        step.signal,
        step.digest.short(),
        step.run_id,
        place(step),
    )
}

fn sums(story: &CapsuleStory, capsule: &Capsule) -> Vec<String> {
    let mut lines = titled("what that adds up to:").to_vec();
    lines.push(format!(
        "  failed in {}; runs {}, streams {}",
        of_executions(capsule.failure_count, capsule.execution_count),
        grouped(capsule.run_count),
        grouped(capsule.stream_count),
    ));
    let counts = [
        ("support", capsule.support_count),
        ("denied", capsule.denial_count),
        ("intermittent", capsule.intermittent_count),
        ("stale", capsule.stale_count),
        ("resolved", capsule.resolved_count),
        ("held", capsule.held_count),
        ("contradicted", capsule.contradiction_count),
        ("recurred", capsule.recurrence_count),
        ("given up", capsule.given_up_count),
        ("confirmed elsewhere", capsule.confirmed_count),
        ("refuted", capsule.refuted_count),
        ("blocked", capsule.blocked_count),
    ];
    let counts: Vec<String> = counts.iter().map(|(name, count)| format!("{name} {}", grouped(*count))).collect();
    lines.push(format!("  {}", counts.join(", ")));
    if let Some(state) = capsule.state {
        let lane = capsule.state_lane.as_ref().map_or_else(String::new, |lane| format!(", lane {lane}"));
        let job = capsule.state_job.as_ref().map_or_else(String::new, |job| format!(", job {job}"));
        let clean = capsule.clean_count.zip(capsule.clean_needed);
        lines.push(format!("  state {state} (M-85){lane}{job}: {}", standing(state, clean)));
    }
    if !capsule.remedies.is_empty() {
        lines.extend(titled("remedies, the best first (M-83):"));
        lines.extend(capsule.remedies.iter().map(remedy_line));
    }
    lines.extend(titled("what holds it back (M-92):"));
    lines.extend(story.thresholds.iter().map(threshold));
    lines.extend(guards(&story.guards_at_no).map(|guards| format!("  {guards}")));
    lines
}

fn guards(at_no: &[String]) -> Option<String> {
    let named = |guard: &String| if guard.is_empty() { "a denial without a guard".to_owned() } else { guard.clone() };
    let guards: Vec<String> = at_no.iter().map(named).collect();
    (!guards.is_empty()).then(|| format!("guards at no (M-96): {}", guards.join(", ")))
}

fn remedy_line(record: &RemedyRecord) -> String {
    let (identity, confidence) = (record.identity.short(), grouped(record.confidence_ppm));
    format!("  {identity}  {}; confidence {confidence} ppm (M-91)", remedy(record))
}

fn threshold(row: &Threshold) -> String {
    let figure = |figure: &HoldFigure| match figure {
        HoldFigure::Number(number) => grouped(*number),
        HoldFigure::Word(word) => (*word).to_owned(),
        HoldFigure::Flag(flag) => flag.to_string(),
    };
    let mark = match (row.holds, row.blocks) {
        (true, true) => "BLOCKS",
        (true, false) => "holds",
        (false, _) => "-",
    };
    let Some(found) = row.found.as_ref().map(figure) else {
        return format!("  {mark:<7}{:<20}there is nothing to judge by", row.hold.as_str());
    };
    let limit = match row.policy {
        Some(name) => format!("{name} {}", figure(&row.limit)),
        None => figure(&row.limit),
    };
    format!("  {mark:<7}{:<20}{} {found}; holds where {} {limit}", row.hold.as_str(), row.figure, row.comparison)
}

/// What became of an application (M-84).
const fn applied(application: Application) -> &'static str {
    match application {
        Application::Confirmed => "it resolved that failure",
        Application::Refuted => "that failure came in spite of it",
        Application::Blocked => "a policy stood in the way",
        Application::Unknown => "no fact mints that key",
        Application::TooEarly => "no earlier fact mints that key",
        Application::CountedByFold => "its outcome is counted above already",
        Application::RunCounted => "not counted, its run was before",
        Application::NoOutcome => "not counted, it says nothing of it",
    }
}

fn fact_lines(story: &FactStory) -> Vec<String> {
    let step = &story.fact;
    let mut lines = vec![
        format!("{} became fact {}", place(step), step.digest),
        format!("event {} of run {}, sequence {}", step.event_id, step.run_id, step.sequence),
        format!(
            "{} {} at {}: {} {} {} {}",
            step.signal,
            step.failure_reason_code,
            short_time(&step.ordered_ts.to_string()),
            story.scope,
            story.target_kind,
            story.target_id,
            story.action_kind
        ),
        minted(step),
    ];
    lines.extend(step.triggers.iter().map(|trigger| format!("trigger {}", fired(trigger))));
    lines.extend(did(story));
    lines.extend(titled("its keys:"));
    for (name, key) in [
        ("derived_key", story.derived_key),
        ("line_key", story.line_key),
        ("concept_key", story.concept_key),
        ("idempotency_key", story.idempotency_key),
        ("fingerprint_hash", story.fingerprint_hash),
    ] {
        lines.push(format!("  {name:<18}{key}"));
    }
    lines.extend(titled("its fingerprint (M-50):"));
    lines.extend(ingredients(&story.ingredients));
    lines
}

/// Whether it minted, and why (M-70).
fn minted(step: &FactStep) -> String {
    let kind = match (step.failing, step.succeeding) {
        (true, _) => "failing",
        (_, true) => "succeeding",
        _ => "neither failing nor succeeding",
    };
    let reasons: Vec<&str> = step.mint_reasons.iter().map(|reason| minted_for(*reason)).collect();
    match reasons.is_empty() {
        true => format!("{kind} (M-72); did not mint: nothing in it does under mode {} (M-70)", step.mode),
        false => format!("{kind} (M-72); minted under mode {} (M-70): {}", step.mode, reasons.join(", ")),
    }
}

const fn minted_for(reason: MintReason) -> &'static str {
    match reason {
        MintReason::Signal => "its signal",
        MintReason::Anomaly => "an anomaly",
        MintReason::FailedGate => "a failed gate",
        MintReason::DenyingGuard => "a guard that denies",
        MintReason::Trigger => "a trigger",
        MintReason::Lenient => "every fact does",
    }
}

fn did(story: &FactStory) -> Vec<String> {
    let mut keys: Vec<_> = story.fact.changes.iter().map(|change| change.capsule).collect();
    keys.sort_unstable();
    keys.dedup();
    let mut lines = titled("what it did:").to_vec();
    for key in &keys {
        let own = story.fact.changes.iter().filter(|change| change.capsule == *key);
        lines.push(format!("  capsule {}: {}", key.short(), changes(own)));
        let effects = story.fact.effects.iter().filter(|effect| effect.capsule == *key);
        lines.extend(effects.filter_map(|effect| Some(format!("      {}", happened(&effect.happened)?))));
    }
    if keys.is_empty() {
        lines.push("  it changed no counter".to_owned());
    }
    if let (Some(capsule), Some(application)) = (story.applied_capsule, story.fact.application) {
        lines.push(format!("  it applied capsule {}: {}", capsule.short(), applied(application)));
    }
    lines
}

fn line_lines(story: &LineStory) -> Vec<String> {
    let mut lines = vec![
        format!("task line {}", story.key),
        format!("{} {} {} {}", story.scope, story.target_kind, story.target_id, story.action_kind),
    ];
    lines.extend(guards(&story.guards_at_no));
    let executions = story.facts.iter().filter(|step| step.failing || step.succeeding).count() as u64;
    let facts = grouped(story.facts.len() as u64);
    lines.extend(titled(&format!("its facts, {facts}, executions among them {} (M-75):", grouped(executions))));
    lines.extend(ends(&story.facts, |step| vec![outcome(step)]));
    lines.extend(titled("its capsules:"));
    lines.extend(capsules(&story.capsules));
    lines
}

fn concept_lines(story: &ConceptStory) -> Vec<String> {
    let listed = if story.concept.is_some() { "listed in concepts.jsonl" } else { "not listed" };
    let mut lines = vec![format!("concept {}", story.key), format!("{listed} (M-95):")];
    for need in &story.needs {
        let (found, from) = (grouped(need.found), grouped(need.from));
        lines.push(format!("  {} {found} of its failures; listed from {} {from}", need.figure, need.policy));
    }
    if let Some(concept) = &story.concept {
        let held: Vec<&str> = concept.holds.iter().map(|hold| hold.as_str()).collect();
        let held = if held.is_empty() { String::new() } else { format!(", held back by {}", held.join(", ")) };
        let [failed, runs, targets] = [concept.failure_count, concept.run_count, concept.target_count].map(grouped);
        lines.push(format!("verdict {}{held} (M-92)", concept.verdict));
        lines.push(format!("failed {failed} x in {runs} runs on {targets} targets"));
        if !concept.remedies.is_empty() {
            lines.extend(titled("remedies of all of them, the best first (M-95):"));
            lines.extend(concept.remedies.iter().map(remedy_line));
        }
    }
    lines.extend(capsules(&story.capsules));
    lines
}

fn capsules(briefs: &[Brief]) -> Vec<String> {
    let columns = vec![
        ("key", Column::Kept),
        ("verdict", Column::Kept),
        ("state", Column::Kept),
        ("failed", Column::Number),
        ("of", Column::Number),
        ("resolved", Column::Number),
        ("held", Column::Number),
        ("code", Column::Cut),
        ("target", Column::Cut),
    ];
    let mut table = TextTable::new(columns);
    for brief in briefs {
        table.row(vec![
            brief.derived_key.short(),
            brief.verdict.to_string(),
            brief.state.map_or_else(|| "-".to_owned(), |state| state.to_string()),
            grouped(brief.failure_count),
            grouped(brief.execution_count),
            grouped(brief.resolved_count),
            grouped(brief.held_count),
            brief.failure_reason_code.to_string(),
            brief.target_id.to_string(),
        ]);
    }
    [String::new()].into_iter().chain(table.render(width()).lines().map(str::to_owned)).collect()
}
