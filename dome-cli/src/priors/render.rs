//! Priors as people read them.

use dome_binder::RemedyRecord;
use dome_binder::priors::{Prior, Priors, ProvenFact, Rollout, Tier};
use dome_core::Sha256Hash;

use crate::output::Output;

/// Digits of a key that are shown.
const KEY_DIGITS: usize = 12;

/// Prints an answer.
pub(super) fn print(answer: &Priors, output: &mut Output) -> anyhow::Result<()> {
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
    output.line(&format!("{count} for {asked}, rollout {}", answer.rollout.as_str()))?;
    if let Some(decided) = &answer.guard {
        let why = crate::guard::why(decided);
        let why = if why.is_empty() { String::new() } else { format!(": {why}") };
        output.line(&format!("guards: {} by `{}`{why}", decided.decision, decided.bundle_id))?;
    }
    for prior in &answer.priors {
        output.line("")?;
        lines(prior).iter().try_for_each(|line| output.line(line))?;
    }
    if answer.left_off > 0 {
        output.line(&format!("\n{} more; ask with a greater --limit", answer.left_off))?;
    }
    Ok(())
}

fn lines(prior: &Prior) -> Vec<String> {
    let verdict = serde_json::to_value(prior.verdict).unwrap_or_default();
    let verdict = verdict.as_str().unwrap_or_default().to_owned();
    let mut lines = vec![format!("[{verdict}] {} {}  {}", prior.failure_reason_code, place(prior), short(prior.key()))];
    let counts = prior.counts;
    lines.push(format!(
        "    seen {} x until {}, resolved {} x, contradicted {} x, came back later {} x, applied: held {} x, failed {} x",
        counts.support_count,
        prior.last_seen_ts,
        counts.resolved_count,
        counts.contradiction_count,
        counts.recurrence_count,
        counts.confirmed_count,
        counts.refuted_count
    ));
    if prior.would_be_prescriptive && prior.verdict != dome_binder::Verdict::Prescriptive {
        lines.push("    would be prescriptive under --rollout prescriptive".to_owned());
    }
    lines.extend(prior.held.iter().map(|held| format!("    held back by {held}")));
    lines.extend(prior.remedies.iter().take(3).map(remedy));
    lines.extend(prior.provenance.iter().filter_map(source));
    lines
}

fn place(prior: &Prior) -> String {
    match (prior.tier, &prior.target_id) {
        (Tier::Exact, _) => "here".to_owned(),
        (_, Some(target)) => format!("on {target}"),
        _ => format!("on {} targets", prior.counts.target_count.unwrap_or(0)),
    }
}

fn remedy(record: &RemedyRecord) -> String {
    let remedy = &record.remedy;
    let name = remedy.reference.as_ref().map_or_else(|| short(record.identity), ToString::to_string);
    let summary = remedy.summary.as_ref().map(|text| format!(" ({text})")).unwrap_or_default();
    format!(
        "    remedy: {} {name}{summary}: worked {} x, failed {} x, confidence {} ppm",
        remedy.kind, record.count, record.contradicted_count, record.confidence_ppm
    )
}

fn source(fact: &ProvenFact) -> Option<String> {
    let role = serde_json::to_value(fact.role).ok()?;
    let role = role.as_str()?.replace('_', " ");
    let source = fact.source.as_ref()?;
    Some(format!("    {role}: {}:{} at {}", source.name, source.line, fact.ts))
}

fn short(key: Sha256Hash) -> String {
    key.to_string().chars().take(KEY_DIGITS).collect()
}
