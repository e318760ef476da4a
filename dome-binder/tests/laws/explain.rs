//! Explanations: what is narrated is what was counted.

use std::collections::BTreeMap;

use dome_arbitrary::history;
use dome_binder::explain::{
    CapsuleStory, Counters, Explainable, FactStep, FactStory, Found, capsule_story, concept_story, excerpt, fact_story,
    find, line_of, line_story,
};
use dome_binder::{Capsule, HoldFigure, LineFact, Replay, Threshold};
use dome_core::{Sha256Hash, Source};
use proptest::prelude::*;

use super::support::{Setting, load_lines, setting};

fn facts(replay: &Replay) -> Vec<LineFact<'_>> {
    replay.ledger.line_facts().collect()
}

/// Whether a hold holds, by the numbers shown alone.
fn recomputed(row: &Threshold) -> bool {
    match (&row.found, &row.limit, row.comparison) {
        (Some(HoldFigure::Number(found)), HoldFigure::Number(limit), "<") => found < limit,
        (Some(HoldFigure::Number(found)), HoldFigure::Number(limit), ">") => found > limit,
        (Some(found), limit, _) => found == limit,
        (None, ..) => false,
    }
}

fn story(setting: &Setting, replay: &Replay, key: Sha256Hash) -> CapsuleStory {
    capsule_story(&excerpt(&facts(replay), key).unwrap(), &setting.rules, replay.as_of)
}

fn fact(setting: &Setting, replay: &Replay, position: usize) -> FactStory {
    let fact = &replay.ledger.facts[position];
    let facts = facts(replay);
    let applied = fact.applied_capsule().and_then(|key| excerpt(&facts, *key));
    fact_story(position, &line_of(&facts, fact.keys.line), applied.as_ref(), &setting.rules).unwrap()
}

/// Every counter of a capsule's row, one by one.
fn same(counters: &Counters, capsule: &Capsule) -> Result<(), TestCaseError> {
    prop_assert_eq!(counters.support_count, capsule.support_count);
    prop_assert_eq!(counters.run_count, capsule.run_count);
    prop_assert_eq!(counters.denial_count, capsule.denial_count);
    prop_assert_eq!(counters.failure_count, capsule.failure_count);
    prop_assert_eq!(counters.contradiction_count, capsule.contradiction_count);
    prop_assert_eq!(counters.recurrence_count, capsule.recurrence_count);
    prop_assert_eq!(counters.resolved_count, capsule.resolved_count);
    prop_assert_eq!(counters.confirmed_count, capsule.confirmed_count);
    prop_assert_eq!(counters.refuted_count, capsule.refuted_count);
    prop_assert_eq!(counters.blocked_count, capsule.blocked_count);
    let codes: BTreeMap<_, _> =
        capsule.policy_reason_codes.iter().map(|(code, count)| (code.to_string(), *count)).collect();
    prop_assert_eq!(&counters.policy_reason_codes, &codes);
    let fired = capsule.triggers.iter().map(|(trigger, count)| (trigger.as_str().to_owned(), count));
    let triggers: BTreeMap<_, _> = fired.collect();
    prop_assert_eq!(&counters.triggers, &triggers);
    for remedy in &capsule.remedies {
        let counted = counters.remedies.get(&remedy.identity.to_string()).unwrap();
        prop_assert_eq!((counted.count, counted.contradicted_count), (remedy.count, remedy.contradicted_count));
    }
    prop_assert!(counters.remedies.len() >= capsule.remedies.len());
    Ok(())
}

proptest! {
    #[test]
    fn explain_every_counter_of_every_capsule_adds_up_from_what_is_narrated(
        history in history(), setting in setting(),
    ) {
        let replay = setting.replay(load_lines(&history.lines).records);
        for capsule in &replay.derived.capsules {
            let story = story(&setting, &replay, capsule.derived_key);
            same(&story.counters, capsule)?;
            prop_assert_eq!(&Counters::sum(story.facts.iter().flat_map(|step| &step.changes)), &story.counters);
            prop_assert_eq!(story.capsule.as_ref(), Some(capsule), "the excerpt is enough for the whole row");
        }
    }

    #[test]
    fn explain_every_fact_narrates_its_part_of_every_capsule(history in history(), setting in setting()) {
        let replay = setting.replay(load_lines(&history.lines).records);
        let stories: Vec<FactStory> =
            (0..replay.ledger.facts.len()).map(|position| fact(&setting, &replay, position)).collect();
        for capsule in &replay.derived.capsules {
            let changes = stories.iter().flat_map(|story| &story.fact.changes);
            let own = changes.filter(|change| change.capsule == capsule.derived_key);
            same(&Counters::sum(own), capsule)?;
            // Told from the fact or from the capsule, an application ends the same way.
            let told = story(&setting, &replay, capsule.derived_key);
            for step in &told.facts {
                let alone = &stories[usize::try_from(step.position).unwrap()];
                prop_assert_eq!((step.minted, &step.triggers), (alone.fact.minted, &alone.fact.triggers));
                if alone.applied_capsule == Some(capsule.derived_key) {
                    prop_assert_eq!(alone.fact.application, step.application);
                }
            }
        }
        let unknown = stories.iter().filter(|story| story.fact.application == Some(dome_binder::Application::Unknown));
        prop_assert_eq!(unknown.count() as u64, replay.derived.applied_unknown);
        let early = stories.iter().filter(|story| story.fact.application == Some(dome_binder::Application::TooEarly));
        prop_assert_eq!(early.count() as u64, replay.derived.applied_too_early);
    }

    #[test]
    fn m70_m71_facts_say_why_they_minted_and_which_numbers_fired(history in history(), setting in setting()) {
        let replay = setting.replay(load_lines(&history.lines).records);
        for (position, bound) in replay.bound.iter().enumerate() {
            let FactStep { minted, mint_reasons, triggers, .. } = fact(&setting, &replay, position).fact;
            prop_assert_eq!(minted, bound.minted);
            prop_assert_eq!(minted, !mint_reasons.is_empty());
            prop_assert_eq!(triggers.iter().map(|fired| fired.trigger).collect::<Vec<_>>(), bound.triggers.iter().collect::<Vec<_>>());
            for fired in triggers {
                match fired.trigger {
                    dome_binder::Trigger::UnseenDenial => prop_assert!(fired.policy_reason_code.is_some()),
                    dome_binder::Trigger::RetryStorm => prop_assert!(fired.found.unwrap() >= fired.from.unwrap()),
                    dome_binder::Trigger::LatencyDelta => {
                        prop_assert!(fired.found.unwrap() >= fired.from.unwrap());
                        prop_assert!(fired.samples.unwrap() >= setting.rules.policy.latency_min_samples);
                    }
                }
            }
        }
    }

    #[test]
    fn m92_the_numbers_that_are_shown_decide_each_hold(history in history(), setting in setting()) {
        let replay = setting.replay(load_lines(&history.lines).records);
        for capsule in &replay.derived.capsules {
            let story = story(&setting, &replay, capsule.derived_key);
            prop_assert_eq!(story.thresholds.len(), 11);
            let holds: Vec<_> = story.thresholds.iter().filter(|row| row.holds).map(|row| row.hold).collect();
            prop_assert_eq!(&holds, &capsule.holds);
            for row in &story.thresholds {
                prop_assert_eq!(recomputed(row), row.holds, "{:?}", row);
            }
            prop_assert_eq!(dome_binder::confidence_ppm(story.successes, story.failures), capsule.confidence_ppm);
            let denied = capsule.holds.contains(&dome_binder::Hold::GuardDenied);
            prop_assert_eq!(!story.guards_at_no.is_empty(), denied, "M-96");
        }
    }

    #[test]
    fn m50_the_ingredients_are_the_fingerprint(history in history(), setting in setting()) {
        let replay = setting.replay(load_lines(&history.lines).records);
        for capsule in &replay.derived.capsules {
            let story = story(&setting, &replay, capsule.derived_key);
            let fingerprint = serde_json::to_value(&capsule.fingerprint).unwrap();
            let members = fingerprint.as_object().unwrap().iter();
            let leaves: usize = members
                .filter(|(name, _)| *name != "fingerprint_version")
                .map(|(_, value)| match value {
                    serde_json::Value::Array(items) => items.len(),
                    serde_json::Value::Object(members) => members.len(),
                    _ => 1,
                })
                .sum();
            prop_assert_eq!(story.ingredients.ingredients.len(), leaves);
            for ingredient in &story.ingredients.ingredients {
                prop_assert!(!ingredient.given.is_null(), "{:?}", ingredient);
                prop_assert!(!story.ingredients.left_out.contains(&ingredient.from));
            }
        }
    }

    #[test]
    fn explain_finds_every_fact_and_key_by_each_of_its_names(history in history(), setting in setting()) {
        let replay = setting.replay(load_lines(&history.lines).records);
        let facts = &replay.ledger.facts;
        let (part, rejected): (_, Vec<(Source, Sha256Hash)>) = (self::facts(&replay), Vec::new());
        let found = |key: &str| find(key, &part, &rejected);
        for (position, fact) in facts.iter().enumerate() {
            let one = Found::One(Explainable::Fact(position));
            prop_assert_eq!(found(&format!("{}/{}", fact.run_id, fact.event_id)), one.clone());
            prop_assert_eq!(found(&format!("{}:{}", fact.source.name, fact.source.line)), one.clone());
            for key in [fact.keys.digest.to_string(), fact.keys.idempotency.to_string()] {
                prop_assert_eq!(found(&key), one.clone());
                prop_assert_eq!(found(&key[..16]), one.clone());
            }
            prop_assert_eq!(found(&fact.keys.derived.to_string()[..16]), Found::One(Explainable::Capsule(fact.keys.derived)));
            prop_assert_eq!(found(&fact.keys.line.to_string()), Found::One(Explainable::Line(fact.keys.line)));
            prop_assert_eq!(found(&fact.keys.concept.to_string()), Found::One(Explainable::Concept(fact.keys.concept)));
            let sharing = facts.iter().filter(|other| other.event_id == fact.event_id).count();
            match found(fact.event_id.as_str()) {
                Found::One(subject) => prop_assert_eq!((subject, sharing), (Explainable::Fact(position), 1)),
                Found::Many(candidates) => {
                    prop_assert_eq!(candidates.len(), sharing);
                    for candidate in candidates {
                        prop_assert!(matches!(found(&candidate.key), Found::One(_)), "{}", candidate.key);
                    }
                }
                Found::Nothing => prop_assert!(false, "an event id names its fact"),
            }
            prop_assert_eq!(found(&fact.keys.digest.to_string()[..7]), Found::Nothing, "seven digits are too few");
        }
    }

    #[test]
    fn explain_lines_and_concepts_hold_the_capsules_that_they_say(history in history(), setting in setting()) {
        let replay = setting.replay(load_lines(&history.lines).records);
        let (capsules, concepts) = (&replay.derived.capsules, &replay.derived.concepts);
        let mut told = 0;
        for line in replay.ledger.lines() {
            let story = line_story(&line, capsules).unwrap();
            let again = line_story(&line_of(&facts(&replay), story.key), capsules);
            prop_assert_eq!(again.as_ref(), Some(&story));
            told += story.capsules.len();
        }
        prop_assert_eq!(told, capsules.len());
        for capsule in capsules {
            let story = concept_story(capsule.concept_key, capsules, concepts, &setting.rules.policy);
            let listed = story.needs.iter().all(|need| need.found >= need.from)
                && story.capsules.iter().any(|brief| {
                    let own = capsules.iter().find(|own| own.derived_key == brief.derived_key).unwrap();
                    own.kind == dome_binder::CapsuleKind::Failure
                });
            prop_assert_eq!(story.concept.is_some(), listed);
        }
    }
}

#[test]
fn explain_a_thousand_facts_and_capsules_of_generated_histories() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    let mut runner = TestRunner::deterministic();
    let (mut capsules, mut facts, mut kinds) = (0, 0, Counters::default());
    while capsules < 1_000 || facts < 1_000 {
        let history = history().new_tree(&mut runner).unwrap().current();
        let setting = setting().new_tree(&mut runner).unwrap().current();
        let replay = setting.replay(load_lines(&history.lines).records);
        for capsule in &replay.derived.capsules {
            let story = story(&setting, &replay, capsule.derived_key);
            same(&story.counters, capsule).unwrap();
            kinds.contradiction_count += story.counters.contradiction_count;
            kinds.recurrence_count += story.counters.recurrence_count;
            kinds.confirmed_count += story.counters.confirmed_count;
            kinds.refuted_count += story.counters.refuted_count;
            kinds.blocked_count += story.counters.blocked_count;
            capsules += 1;
        }
        for position in 0..replay.ledger.facts.len() {
            let story = fact(&setting, &replay, position);
            assert_eq!(story.fact.digest, replay.ledger.facts[position].keys.digest);
            facts += 1;
        }
    }
    let all = [kinds.contradiction_count, kinds.recurrence_count, kinds.confirmed_count, kinds.refuted_count];
    assert!(all.iter().all(|count| *count > 0) && kinds.blocked_count > 0, "every counter is met: {kinds:?}");
}
