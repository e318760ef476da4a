//! The story of a derived key, for people.

use dome_binder::explain::{CapsuleStory, Figure, Step, Threshold};
use dome_binder::{Capsule, RemedyRecord};

use super::load::Explanation;
use super::text::{changes, fired, ingredients, place};
use crate::output::grouped;
use crate::table::{short_key, short_time};

/// Facts that are shown at the start and at the end of a long story; JSON has them all.
const SHOWN_FIRST: usize = 10;
const SHOWN_LAST: usize = 20;

pub(super) fn lines(story: &CapsuleStory, told: &Explanation) -> Vec<String> {
    let mut lines = vec![format!("capsule {}", story.key)];
    match &story.capsule {
        Some(capsule) => lines.extend(head(capsule, told)),
        None => lines.push("no fact with this key minted (M-70), so there is no capsule".to_owned()),
    }
    lines.push(String::new());
    lines.push("why its facts are one failure (M-50, M-61):".to_owned());
    lines.extend(ingredients(&story.ingredients));
    lines.push(String::new());
    lines.push(format!(
        "{} facts say something of it, of {} of its task line:",
        grouped(story.facts.len() as u64),
        grouped(story.line_facts)
    ));
    let hidden = story.facts.len().saturating_sub(SHOWN_FIRST + SHOWN_LAST);
    let (first, last) = if hidden > 0 { (SHOWN_FIRST, SHOWN_FIRST + hidden) } else { (usize::MAX, 0) };
    for (number, step) in story.facts.iter().enumerate() {
        if number < first || number >= last {
            lines.extend(fact(step));
        } else if number == first {
            lines.push(format!("  … {} more (--format json shows all)", grouped(hidden as u64)));
        }
    }
    if let Some(capsule) = &story.capsule {
        lines.extend(sums(story, capsule));
    }
    lines
}

fn head(capsule: &Capsule, told: &Explanation) -> Vec<String> {
    let class = capsule.class.map_or("no class", |class| class.as_str());
    let as_of = told.as_of.map(|as_of| format!(" as of {}", short_time(&as_of.to_string()))).unwrap_or_default();
    let holds: Vec<&str> = told_holds(told).collect();
    let why = if holds.is_empty() { "nothing holds it back".to_owned() } else { holds.join(", ") };
    vec![
        format!("{} on {} ({})", capsule.failure_reason_code, capsule.target_id, class),
        format!("task line {} {} {} {}", capsule.scope, capsule.target_kind, capsule.target_id, capsule.action_kind),
        format!("{}{as_of}: {why}", word(capsule.verdict)),
    ]
}

fn told_holds(told: &Explanation) -> impl Iterator<Item = &'static str> {
    let thresholds = told.capsule.iter().flat_map(|story| &story.thresholds);
    thresholds.filter(|row| row.holds).map(|row| row.hold.as_str())
}

fn fact(step: &Step) -> Vec<String> {
    let code = match &step.policy_reason_code {
        Some(policy) => format!("{} {policy}", step.failure_reason_code),
        None => step.failure_reason_code.to_string(),
    };
    let lane = step.lane.as_ref().map(|lane| format!(", lane {lane}")).unwrap_or_default();
    let mut lines = vec![format!(
        "  {}  {} {code}  {}  run {}{lane}  {}",
        short_time(&step.ordered_ts.to_string()),
        step.signal,
        short_key(&step.digest.to_string()),
        step.run_id,
        place(step),
    )];
    let said = changes(&step.changes);
    let said = if said.is_empty() { "changes no counter".to_owned() } else { said };
    let applied = step.application.map(|application| format!("; applied it: {}", applied(application)));
    let unminted = if step.minted { "" } else { "; did not mint" };
    lines.push(format!("      {said}{}{unminted}", applied.unwrap_or_default()));
    lines.extend(step.triggers.iter().map(|trigger| format!("      trigger {}", fired(trigger))));
    lines
}

fn sums(story: &CapsuleStory, capsule: &Capsule) -> Vec<String> {
    let sum = &story.counters;
    let mut lines = vec![
        String::new(),
        "what that adds up to:".to_owned(),
        format!(
            "  support {}, runs {}, failed {}, denied {}, resolved {}, contradicted {}, recurred {}",
            sum.support_count,
            sum.run_count,
            sum.failure_count,
            sum.denial_count,
            sum.resolved_count,
            sum.contradiction_count,
            sum.recurrence_count
        ),
        format!(
            "  applied: confirmed {}, refuted {}, blocked {}",
            sum.confirmed_count, sum.refuted_count, sum.blocked_count
        ),
        format!(
            "  confidence {} ppm: successes {}, failures {} (M-91)",
            grouped(capsule.confidence_ppm),
            story.successes,
            story.failures
        ),
    ];
    if !capsule.remedies.is_empty() {
        lines.push(String::new());
        lines.push("remedies, the best first (M-83):".to_owned());
        lines.extend(capsule.remedies.iter().map(remedy));
    }
    lines.push(String::new());
    lines.push("what holds it back (M-92):".to_owned());
    lines.extend(story.thresholds.iter().map(threshold));
    let unnamed = |guard: &String| if guard.is_empty() { "a denial without a guard".to_owned() } else { guard.clone() };
    if !story.guards_at_no.is_empty() {
        let guards: Vec<String> = story.guards_at_no.iter().map(unnamed).collect();
        lines.push(format!("  guards at no (M-96): {}", guards.join(", ")));
    }
    lines
}

fn remedy(record: &RemedyRecord) -> String {
    let named = record.remedy.summary.as_ref().map(ToString::to_string);
    let named = named.or(record.remedy.reference.as_ref().map(ToString::to_string));
    format!(
        "  {}  {} {}: resolved in runs {}, contradicted {} x, {} ppm",
        short_key(&record.identity.to_string()),
        record.remedy.kind,
        named.unwrap_or_default(),
        record.count,
        record.contradicted_count,
        grouped(record.confidence_ppm)
    )
}

fn threshold(row: &Threshold) -> String {
    let figure = |figure: &Figure| match figure {
        Figure::Number(number) => grouped(*number),
        Figure::Word(word) => (*word).to_owned(),
        Figure::Flag(flag) => flag.to_string(),
    };
    let mark = match (row.holds, row.blocks) {
        (true, true) => "BLOCKS",
        (true, false) => "holds",
        (false, _) => "-",
    };
    let found = row.found.as_ref().map_or("none".to_owned(), figure);
    let limit = match row.policy {
        Some(name) => format!("{name} {}", figure(&row.limit)),
        None => figure(&row.limit),
    };
    format!("  {mark:<7}{:<20}{} {found}; holds where {} {limit}", row.hold.as_str(), row.figure, row.comparison)
}

pub(super) const fn word(verdict: dome_binder::Verdict) -> &'static str {
    match verdict {
        dome_binder::Verdict::Prescriptive => "prescriptive",
        dome_binder::Verdict::Advisory => "advisory",
        dome_binder::Verdict::Blocked => "blocked",
    }
}

/// What became of an application (M-84).
pub(super) const fn applied(application: dome_binder::Application) -> &'static str {
    use dome_binder::Application;
    match application {
        Application::Confirmed => "it helped",
        Application::Refuted => "it did not help",
        Application::Blocked => "a policy stood in the way",
        Application::Unknown => "no fact mints that key",
        Application::TooEarly => "no earlier fact mints that key",
        Application::CountedByFold => "its outcome is counted above already",
        Application::RunCounted => "not counted, its run was before",
        Application::NoOutcome => "not counted, it says nothing of it",
    }
}
