//! Task lines and concepts, for people.

use dome_binder::explain::{Brief, ConceptStory, LineStory};

use super::capsule::word;
use crate::output::grouped;
use crate::table::{Column, Table, short_key, width};

pub(super) fn line(story: &LineStory) -> Vec<String> {
    let mut lines = vec![
        format!("task line {}", story.key),
        format!("{} {} {} {}", story.scope, story.target_kind, story.target_id, story.action_kind),
        format!("{} facts, {} capsules", grouped(story.facts), grouped(story.capsules.len() as u64)),
    ];
    if !story.guards_at_no.is_empty() {
        let named = |guard: &String| if guard.is_empty() { "a denial without a guard".into() } else { guard.clone() };
        let guards: Vec<String> = story.guards_at_no.iter().map(named).collect();
        lines.push(format!("guards at no (M-96): {}", guards.join(", ")));
    }
    lines.extend(capsules(&story.capsules));
    lines
}

pub(super) fn concept(story: &ConceptStory) -> Vec<String> {
    let listed = if story.concept.is_some() { "listed in concepts.jsonl" } else { "not listed" };
    let mut lines = vec![format!("concept {}", story.key), format!("{listed} (M-95):")];
    for need in &story.needs {
        let (found, from) = (grouped(need.found), grouped(need.from));
        lines.push(format!("  {} {found} of failures; listed from {} {from}", need.figure, need.policy));
    }
    lines.extend(capsules(&story.capsules));
    lines
}

fn capsules(briefs: &[Brief]) -> Vec<String> {
    let columns = vec![
        ("key", Column::Kept),
        ("verdict", Column::Kept),
        ("support", Column::Number),
        ("resolved", Column::Number),
        ("contradicted", Column::Number),
        ("code", Column::Cut),
        ("target", Column::Cut),
    ];
    let mut table = Table::new(columns);
    for brief in briefs {
        table.row(vec![
            short_key(&brief.derived_key.to_string()),
            word(brief.verdict).to_owned(),
            grouped(brief.support_count),
            grouped(brief.resolved_count),
            grouped(brief.contradiction_count),
            brief.failure_reason_code.to_string(),
            brief.target_id.to_string(),
        ]);
    }
    [String::new()].into_iter().chain(table.render(width()).lines().map(str::to_owned)).collect()
}
