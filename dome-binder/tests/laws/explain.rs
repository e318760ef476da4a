//! Explanations: what is narrated is what was counted.

use std::collections::{BTreeMap, BTreeSet};

use dome_binder::explain::{
    CapsuleStory, Counter, CounterChange, EffectOn, Explainable, FactStep, FactStory, Found, capsule_story,
    concept_story, excerpt, fact_story, find, line_of, line_story,
};
use dome_binder::{
    Application, Capsule, CapsuleState, HoldFigure, LineFact, LineState, Replay, Threshold, fold, rerun_identity,
};
use dome_core::{Sha256Hash, Source};
use proptest::prelude::*;

use super::super::histories::events;
use super::support::{Setting, defaults, records, setting};

fn facts(replay: &Replay) -> Vec<LineFact<'_>> {
    replay.ledger.line_facts().collect()
}

/// Whether a hold holds, by the numbers shown alone.
fn recomputed(row: &Threshold) -> bool {
    match (&row.found, &row.limit, row.comparison) {
        (Some(HoldFigure::Number(found)), HoldFigure::Number(limit), "<") => found < limit,
        (Some(HoldFigure::Number(found)), HoldFigure::Number(limit), ">") => found > limit,
        (Some(HoldFigure::Number(found)), HoldFigure::Number(limit), ">=") => found >= limit,
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

/// What changes come to, each counter by itself; what comes to nothing is left out.
type Sums = BTreeMap<(Counter, Option<String>), i64>;

fn sums<'c>(changes: impl Iterator<Item = &'c CounterChange>) -> Sums {
    let mut sums = Sums::new();
    for change in changes {
        assert_eq!(change.rule, change.counter.rule());
        assert_ne!(change.by, 0, "what changes nothing is not told");
        *sums.entry((change.counter, change.of.clone())).or_default() += change.by;
    }
    sums.retain(|_, sum| *sum != 0);
    sums
}

/// Every counter of a capsule's row but those of its remedies.
fn counters(capsule: &Capsule) -> Sums {
    let alone = [
        (Counter::SupportCount, capsule.support_count),
        (Counter::RunCount, capsule.run_count),
        (Counter::DenialCount, capsule.denial_count),
        (Counter::FailureCount, capsule.failure_count),
        (Counter::IntermittentCount, capsule.intermittent_count),
        (Counter::StaleCount, capsule.stale_count),
        (Counter::StreamCount, capsule.stream_count),
        (Counter::ContradictionCount, capsule.contradiction_count),
        (Counter::RecurrenceCount, capsule.recurrence_count),
        (Counter::ResolvedCount, capsule.resolved_count),
        (Counter::HeldCount, capsule.held_count),
        (Counter::GivenUpCount, capsule.given_up_count),
        (Counter::ConfirmedCount, capsule.confirmed_count),
        (Counter::RefutedCount, capsule.refuted_count),
        (Counter::BlockedCount, capsule.blocked_count),
    ];
    let codes = capsule.policy_reason_codes.iter().map(|(code, count)| (code.to_string(), *count));
    let codes = codes.map(|(code, count)| ((Counter::PolicyReasonCodes, Some(code)), count));
    let triggers = capsule.triggers.iter().map(|(trigger, count)| (trigger.as_str().to_owned(), count));
    let triggers = triggers.map(|(trigger, count)| ((Counter::Triggers, Some(trigger)), count));
    let all = alone.into_iter().map(|(counter, count)| ((counter, None), count)).chain(codes).chain(triggers);
    all.filter(|(_, count)| *count > 0).map(|(name, count)| (name, count.cast_signed())).collect()
}

const OF_REMEDIES: [Counter; 3] = [Counter::RemedyCount, Counter::RemedyContradictedCount, Counter::RemedyPendingCount];

/// Every counter of a capsule's row, one by one, those of its remedies too: also of those that are not shown.
fn same(told: &Sums, capsule: &Capsule, state: &CapsuleState) -> Result<(), TestCaseError> {
    let (of_remedies, own): (Sums, Sums) =
        told.clone().into_iter().partition(|((counter, _), _)| OF_REMEDIES.contains(counter));
    prop_assert_eq!(own, counters(capsule));
    let sum = |counter: Counter, identity: &Sha256Hash| {
        of_remedies.get(&(counter, Some(identity.to_string()))).copied().unwrap_or_default().cast_unsigned()
    };
    let [count, contradicted, pending] = OF_REMEDIES;
    for record in &capsule.remedies {
        let told = [count, contradicted, pending].map(|counter| sum(counter, &record.identity));
        prop_assert_eq!(told, [record.count, record.contradicted_count, record.pending_count]);
    }
    let rerun = rerun_identity();
    for (identity, remedy) in &state.trials.remedies {
        prop_assert_eq!(sum(pending, identity), remedy.pending_count);
        prop_assert!(*identity == rerun || sum(count, identity) == remedy.worked());
    }
    let known = |of: &Option<String>| {
        let identity = of.as_ref().unwrap().parse().unwrap();
        identity == rerun || state.trials.remedies.contains_key(&identity)
    };
    prop_assert!(of_remedies.keys().all(|(_, of)| known(of)), "no other remedy is told of");
    Ok(())
}

/// The capsules as their lines fold them, by derived key.
fn folded(setting: &Setting, replay: &Replay) -> BTreeMap<Sha256Hash, Box<CapsuleState>> {
    let capsules = replay.ledger.lines().into_iter().flat_map(|line| fold(&line, &setting.rules).capsules);
    capsules.map(|state| (state.keys.derived, state)).collect()
}

/// What each fact did to capsules, by position.
fn effects(setting: &Setting, replay: &Replay) -> BTreeMap<usize, Vec<EffectOn>> {
    let mut effects = BTreeMap::new();
    for line in replay.ledger.lines() {
        let mut state = LineState::default();
        for fact in &line.facts {
            let own = state.push(fact, &setting.rules).effects.into_iter();
            let own = own.map(|effect| EffectOn { capsule: effect.key, happened: effect.what });
            effects.insert(fact.position, own.collect());
        }
    }
    effects
}

proptest! {
    #[test]
    fn explain_every_counter_of_every_capsule_adds_up_from_what_is_narrated(
        records in records(), setting in setting(),
    ) {
        let replay = setting.replay(records);
        let (states, effects) = (folded(&setting, &replay), effects(&setting, &replay));
        for capsule in &replay.derived.capsules {
            let key = capsule.derived_key;
            let story = story(&setting, &replay, key);
            prop_assert_eq!(story.capsule.as_ref(), Some(capsule), "the excerpt is enough for the whole row");
            let changes = || story.facts.iter().flat_map(|step| &step.changes);
            prop_assert!(changes().all(|change| change.capsule == key));
            same(&sums(changes()), capsule, &states[&key])?;
            let told = story.facts.iter().filter(|step| !step.effects.is_empty());
            let told: Vec<_> = told.map(|step| (step.position as usize, step.effects.clone())).collect();
            let own = effects.iter().map(|(position, effects)| {
                (*position, effects.iter().filter(|effect| effect.capsule == key).cloned().collect::<Vec<_>>())
            });
            prop_assert_eq!(told, own.filter(|(_, effects)| !effects.is_empty()).collect::<Vec<_>>(), "every effect");
        }
    }

    #[test]
    fn explain_every_fact_narrates_its_part_of_every_capsule(records in records(), setting in setting()) {
        let replay = setting.replay(records);
        let stories: Vec<FactStory> =
            (0..replay.ledger.facts.len()).map(|position| fact(&setting, &replay, position)).collect();
        let (states, effects) = (folded(&setting, &replay), effects(&setting, &replay));
        for (position, story) in stories.iter().enumerate() {
            prop_assert_eq!(&story.fact.effects, &effects[&position], "whatever capsule they are on");
        }
        for capsule in &replay.derived.capsules {
            let changes = stories.iter().flat_map(|story| &story.fact.changes);
            let own = changes.filter(|change| change.capsule == capsule.derived_key);
            same(&sums(own), capsule, &states[&capsule.derived_key])?;
            // Told from the fact or from the capsule, an application ends the same way.
            let told = story(&setting, &replay, capsule.derived_key);
            for step in &told.facts {
                let alone = &stories[usize::try_from(step.position).unwrap()];
                prop_assert_eq!((step.minted, &step.triggers), (alone.fact.minted, &alone.fact.triggers));
                if alone.applied_capsule == Some(capsule.derived_key) {
                    prop_assert_eq!(alone.fact.application, step.application);
                }
                let changes = alone.fact.changes.iter().filter(|change| change.capsule == capsule.derived_key);
                prop_assert_eq!(step.changes.iter().collect::<Vec<_>>(), changes.collect::<Vec<_>>());
            }
        }
        let of = |wanted| stories.iter().filter(move |story| story.fact.application == Some(wanted)).count() as u64;
        prop_assert_eq!(of(Application::Unknown), replay.derived.applied_unknown);
        prop_assert_eq!(of(Application::TooEarly), replay.derived.applied_too_early);
        let total = |count: fn(&Capsule) -> u64| replay.derived.capsules.iter().map(count).sum::<u64>();
        prop_assert_eq!(of(Application::Confirmed), total(|capsule| capsule.confirmed_count));
        prop_assert_eq!(of(Application::Refuted), total(|capsule| capsule.refuted_count));
        prop_assert_eq!(of(Application::Blocked), total(|capsule| capsule.blocked_count));
        let applied = stories.iter().filter(|story| story.applied_capsule.is_some());
        prop_assert!(applied.clone().all(|story| story.fact.application.is_some()), "each application is told of");
    }

    #[test]
    fn m70_m71_facts_say_why_they_minted_and_which_numbers_fired(records in records(), setting in setting()) {
        let replay = setting.replay(records);
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
    fn m92_the_numbers_that_are_shown_decide_each_hold(records in records(), setting in setting()) {
        let replay = setting.replay(records);
        for capsule in &replay.derived.capsules {
            let story = story(&setting, &replay, capsule.derived_key);
            prop_assert_eq!(story.thresholds.len(), 13);
            let holds: Vec<_> = story.thresholds.iter().filter(|row| row.holds).map(|row| row.hold).collect();
            prop_assert_eq!(&holds, &capsule.holds);
            for row in &story.thresholds {
                prop_assert_eq!(recomputed(row), row.holds, "{:?}", row);
            }
            let first = capsule.remedies.first().map(|record| (record.count, record.contradicted_count));
            let confidence = first.map_or(0, |(f, a)| dome_binder::confidence_ppm(f, a));
            prop_assert_eq!(confidence, capsule.confidence_ppm, "M-91");
            let denied = capsule.holds.contains(&dome_binder::Hold::GuardDenied);
            prop_assert_eq!(!story.guards_at_no.is_empty(), denied, "M-96");
        }
    }

    #[test]
    fn m50_the_ingredients_are_the_fingerprint(records in records(), setting in setting()) {
        let replay = setting.replay(records);
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
    fn explain_finds_every_fact_and_key_by_each_of_its_names(records in records(), setting in setting()) {
        let replay = setting.replay(records);
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
    fn explain_lines_and_concepts_hold_the_capsules_that_they_say(records in records(), setting in setting()) {
        let replay = setting.replay(records);
        let (capsules, concepts) = (&replay.derived.capsules, &replay.derived.concepts);
        let mut told = 0;
        for line in replay.ledger.lines() {
            let story = line_story(&line, capsules, &setting.rules).unwrap();
            let again = line_story(&line_of(&facts(&replay), story.key), capsules, &setting.rules);
            prop_assert_eq!(again.as_ref(), Some(&story));
            let executions = story.facts.iter().filter(|step| step.failing || step.succeeding).count() as u64;
            for capsule in &story.capsules {
                prop_assert_eq!(capsule.execution_count, executions);
                let changes = story.facts.iter().flat_map(|step| &step.changes);
                let resolved = changes.filter(|change| change.capsule == capsule.derived_key && change.counter == Counter::ResolvedCount);
                let resolved: i64 = resolved.map(|change| change.by).sum();
                prop_assert_eq!(capsule.resolved_count as i64, resolved, "what facts did adds up");
            }
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
    let worlds = records();
    let (mut capsules, mut facts, mut met) = (0, 0, BTreeSet::new());
    while capsules < 1_000 || facts < 1_000 {
        let setting = setting().new_tree(&mut runner).unwrap().current();
        let records = worlds.new_tree(&mut runner).unwrap().current();
        let replay = setting.replay(records);
        let states = folded(&setting, &replay);
        for capsule in &replay.derived.capsules {
            let story = story(&setting, &replay, capsule.derived_key);
            let told = sums(story.facts.iter().flat_map(|step| &step.changes));
            same(&told, capsule, &states[&capsule.derived_key]).unwrap();
            met.extend(told.into_keys().map(|(counter, _)| counter));
            capsules += 1;
        }
        for position in 0..replay.ledger.facts.len() {
            let story = fact(&setting, &replay, position);
            assert_eq!(story.fact.digest, replay.ledger.facts[position].keys.digest);
            facts += 1;
        }
    }
    assert_eq!(met, Counter::ALL.iter().copied().collect(), "every counter is met");
}

/// Within one rerun it did not pass; once it passed at the second, within two is what is told.
#[test]
fn m83_what_was_told_of_fewer_reruns_is_taken_back() {
    let (records, key) = events::history("F1=a F+60=a s+60=a");
    let setting = defaults();
    let replay = setting.replay(records);
    let story = story(&setting, &replay, key);
    let rerun = rerun_identity().to_string();
    let of = |step: &FactStep| -> Vec<(Counter, i64)> {
        let own = step.changes.iter().filter(|change| change.of.as_ref() == Some(&rerun));
        own.map(|change| (change.counter, change.by)).collect()
    };
    let told: Vec<_> = story.facts.iter().map(of).collect();
    let (count, contradicted) = (Counter::RemedyCount, Counter::RemedyContradictedCount);
    assert_eq!(told, [vec![], vec![(contradicted, 1)], vec![(count, 1), (contradicted, -1)]]);
    let record = &replay.derived.capsules[0].remedies[0];
    assert_eq!((record.count, record.contradicted_count, record.reruns), (1, 0, Some(2)));
}
