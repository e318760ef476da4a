//! The story of a fact, for people.

use dome_binder::explain::{FactStory, MintReason, Step};

use super::capsule::applied;
use super::text::{changes, fired, ingredients, place};
use crate::table::{short_key, short_time};

pub(super) fn lines(story: &FactStory) -> Vec<String> {
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
    lines.push(String::new());
    lines.extend(did(story));
    lines.push(String::new());
    lines.push("its keys:".to_owned());
    for (name, key) in [
        ("derived_key", story.derived_key),
        ("line_key", story.line_key),
        ("concept_key", story.concept_key),
        ("idempotency_key", story.idempotency_key),
        ("fingerprint_hash", story.fingerprint_hash),
    ] {
        lines.push(format!("  {name:<18}{key}"));
    }
    lines.push(String::new());
    lines.push("its fingerprint (M-50):".to_owned());
    lines.extend(ingredients(&story.ingredients));
    lines
}

/// Whether it minted, and why (M-70).
fn minted(step: &Step) -> String {
    let kind = match (step.failing, step.succeeding) {
        (true, _) => "failing",
        (_, true) => "succeeding",
        _ => "neither failing nor succeeding",
    };
    let reasons: Vec<&str> = step.mint_reasons.iter().map(|reason| why(*reason)).collect();
    match reasons.is_empty() {
        true => format!("{kind} (M-72); did not mint: nothing in it does under mode {} (M-70)", step.mode),
        false => format!("{kind} (M-72); minted under mode {} (M-70): {}", step.mode, reasons.join(", ")),
    }
}

const fn why(reason: MintReason) -> &'static str {
    match reason {
        MintReason::Signal => "its signal",
        MintReason::Anomaly => "an anomaly",
        MintReason::FailedGate => "a failed gate",
        MintReason::DenyingGuard => "a guard that denies",
        MintReason::Trigger => "a trigger",
        MintReason::Lenient => "every fact does",
    }
}

/// What it did, capsule by capsule.
fn did(story: &FactStory) -> Vec<String> {
    let mut keys: Vec<_> = story.fact.changes.iter().map(|change| change.capsule).collect();
    keys.sort_unstable();
    keys.dedup();
    let mut lines = vec!["what it did:".to_owned()];
    for key in &keys {
        let own = story.fact.changes.iter().filter(|change| change.capsule == *key);
        lines.push(format!("  capsule {}: {}", short_key(&key.to_string()), changes(own)));
    }
    if keys.is_empty() {
        lines.push("  it changed no counter".to_owned());
    }
    if let (Some(capsule), Some(application)) = (story.applied_capsule, story.fact.application) {
        lines.push(format!("  it applied capsule {}: {}", short_key(&capsule.to_string()), applied(application)));
    }
    lines
}
