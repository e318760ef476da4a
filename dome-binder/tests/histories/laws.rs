//! The laws of a query as properties of generated histories.

use dome_binder::priors::{Memory, PriorsQuery, Rollout, Tier, priors};
use dome_binder::{Record, Verdict, holds, replay};
use dome_core::{Reader, Source, canonical};
use proptest::prelude::*;

use super::{line, query, rules};

/// Histories in the letters of the table, over few days, so that things meet.
fn history() -> impl Strategy<Value = String> {
    let event = (
        "[FFFSSMMsTDGYOARUfm]",
        1_u8..12,
        prop::sample::select(&["", "", "@x"][..]),
        prop::sample::select(&["", "", "=a", "=b", "=c~a", "=a/leg"][..]),
        prop::sample::select(&[":a", ":b"][..]),
        prop::sample::select(&["", "", "", "", "!"][..]),
    );
    let event = event.prop_map(|(letter, day, lane, tested, name, end)| {
        let end = if "SMsTA".contains(&letter) { "" } else { end };
        format!("{letter}{day}{lane}{tested}{name}{end}")
    });
    prop::collection::vec(event, 0..30).prop_map(|events| format!("F1 {}", events.join(" ")))
}

fn asked() -> impl Strategy<Value = &'static str> {
    prop::sample::select(
        &[
            "version=3.12",
            "tool=9",
            "report=bad",
            "report=other",
            "guard=false",
            "guard=unknown",
            "rollout=guided",
            "rollout=shadow",
        ][..],
    )
}

proptest! {
    #[test]
    fn m92_the_figures_of_capsules_and_concepts_are_those_that_they_were_finished_with(history in history()) {
        let rules = rules();
        let replay = replay(super::events::history(&history).0, &rules, None);
        for capsule in &replay.derived.capsules {
            prop_assert_eq!(&holds(&capsule.figures(), &rules.policy, replay.as_of), &capsule.holds);
        }
        for concept in &replay.derived.concepts {
            prop_assert_eq!(&holds(&concept.figures(), &rules.policy, replay.as_of), &concept.holds);
        }
    }

    #[test]
    fn m92_what_a_query_brings_never_gives_a_better_verdict(history in history(), asked in asked(), age in 0_i64..9_000_000) {
        let rules = rules();
        let (records, key) = super::events::history(&history);
        let replay = replay(records, &rules, None);
        let memory = Memory::of(&replay, &rules);
        let verdict = |memory: &Memory<'_>, asked: &str| {
            let answer = priors(memory, &query(asked).0);
            answer.priors.iter().find(|prior| prior.derived_key == Some(key)).unwrap().verdict
        };
        let before = verdict(&memory, "");
        prop_assert!(verdict(&memory, asked) <= before);
        let (seconds, _) = memory.as_of.unwrap().to_unix();
        let later = dome_core::Timestamp::from_unix(seconds + age, 0).ok();
        prop_assert!(verdict(&Memory { as_of: later, ..memory }, asked) <= before, "M-93");
    }

    #[test]
    fn priors_are_ordered_bounded_and_the_same_in_any_order(history in history(), limit in 0_usize..5, turned: bool) {
        let rules = rules();
        let replay = replay(super::events::history(&history).0, &rules, None);
        let (mut capsules, mut concepts) = (replay.derived.capsules.clone(), replay.derived.concepts.clone());
        if turned {
            capsules.reverse();
            concepts.reverse();
        }
        let memory = Memory::of(&replay, &rules);
        let other = Memory { capsules: &capsules, concepts: &concepts, ..memory.clone() };
        let asked = PriorsQuery { limit, rollout: Rollout::Prescriptive, ..PriorsQuery::of(line("acme/app")) };
        let answer = priors(&memory, &asked);
        prop_assert_eq!(&answer, &priors(&other, &asked));
        prop_assert!(answer.priors.len() <= limit);
        let all = priors(&memory, &PriorsQuery { limit: usize::MAX, ..asked });
        prop_assert_eq!(answer.priors.len() as u64 + answer.left_off, all.priors.len() as u64);
        prop_assert!(all.priors.starts_with(&answer.priors), "the limit cuts, and does nothing else");
        let tiers: Vec<Tier> = all.priors.iter().map(|prior| prior.tier).collect();
        prop_assert!(tiers.is_sorted());
        for pair in all.priors.windows(2).filter(|pair| pair[0].tier == pair[1].tier) {
            prop_assert!(pair[0].verdict >= pair[1].verdict, "the better verdict comes first");
        }
        for prior in &all.priors {
            let other = prior.tier == Tier::Elsewhere || prior.tier == Tier::Line;
            prop_assert!(!other || prior.verdict <= Verdict::Advisory, "another target's, or another failure, is advice");
            let steers = prior.tier == Tier::Concept && prior.verdict == Verdict::Prescriptive;
            prop_assert!(!steers || prior.remedies[0].momentary, "M-95: a concept prescribes what is momentary only");
        }
        let mut declared = Vec::new();
        canonical::append(&answer, &mut declared);
        prop_assert_eq!(canonical::to_vec(&answer).unwrap(), declared, "declared in canonical order");
    }

    #[test]
    fn only_the_mode_prescriptive_lets_a_prior_be_followed(history in history()) {
        let rules = rules();
        let replay = replay(super::events::history(&history).0, &rules, None);
        let memory = Memory::of(&replay, &rules);
        let answer = |rollout| priors(&memory, &PriorsQuery { rollout, ..PriorsQuery::of(line("acme/app")) });
        let [shadow, guided, full] = [Rollout::Shadow, Rollout::Guided, Rollout::Prescriptive].map(answer);
        prop_assert!(shadow.shown().priors.is_empty() && shadow.shown().left_off == 0);
        prop_assert_eq!(&shadow.priors, &guided.priors, "a shadow records what guided would answer");
        prop_assert!(guided.to_follow().is_none());
        for (guided, full) in guided.priors.iter().zip(&full.priors) {
            prop_assert_eq!(guided.key(), full.key(), "the mode changes no order");
            prop_assert_eq!(guided.would_be_prescriptive, full.verdict == Verdict::Prescriptive);
        }
    }
}

#[test]
fn its_concept_and_the_same_failure_elsewhere_come_after() {
    let rules = rules();
    let text = "F1 M1 F3 M3 F5 M5 R8 R9";
    let replay = replay(super::events::history(text).0, &rules, None);
    let asked = PriorsQuery { rollout: Rollout::Prescriptive, ..PriorsQuery::of(line("acme/app")) };
    let answer = priors(&Memory::of(&replay, &rules), &asked);
    let tiers: Vec<Tier> = answer.priors.iter().map(|prior| prior.tier).collect();
    assert_eq!(tiers, [Tier::Exact, Tier::Concept, Tier::Elsewhere]);
    let exact = &answer.priors[0];
    let sources: Vec<_> = exact.provenance.iter().map(|fact| (fact.role, fact.source.as_ref().unwrap().line)).collect();
    assert_eq!(
        serde_json::to_value(sources).unwrap(),
        serde_json::json!([["first", 1], ["last", 5], ["last_resolved", 6]])
    );
    assert_eq!(exact.held[0].to_string(), "low_confidence: confidence_ppm is 438493, at least 500000 is asked for");
    assert_eq!(answer.priors[1].sums_up.len(), 2);
    // A target that nobody knows is told of the kind of failure.
    let stranger = priors(&Memory::of(&replay, &rules), &PriorsQuery::of(line("acme/new")));
    assert_eq!(stranger.priors.iter().map(|prior| prior.tier).collect::<Vec<_>>(), [Tier::Concept]);
}

/// What gets over one target's failure may steer on another; what mends it may not.
#[test]
fn m95_a_concept_prescribes_what_is_momentary() {
    let rules = rules();
    let asked = PriorsQuery { rollout: Rollout::Prescriptive, ..PriorsQuery::of(line("acme/new")) };
    let told = |history: &str| {
        let replay = replay(super::events::history(history).0, &rules, None);
        let answer = priors(&Memory::of(&replay, &rules), &asked);
        let held: Vec<String> = answer.priors[0].held.iter().map(ToString::to_string).collect();
        (answer.to_follow().map(|prior| prior.tier), answer.priors[0].counts.target_count, held)
    };
    let got_over = "F1%a M1%a F2%b M2%b F3%c M3%c F4%d M4%d F5%e M5%e";
    assert_eq!(told(got_over), (Some(Tier::Concept), Some(5), vec![]));
    let mended = "5*( F1%t& S1%t& s+60%t& s+60%t& s+60%t& s+60%t& )";
    let why = "durable_elsewhere: what was mended on one target is not mended on another".to_owned();
    assert_eq!(told(mended), (None, Some(5), vec![why]));
}

#[test]
fn another_failure_code_is_not_answered_with() {
    let envelope = Reader::new().read(dome_core::EXAMPLE_LINE).unwrap();
    let work = envelope.task_spec.line();
    let record = Record::new(envelope, Source { line: 1, name: "a".into() });
    let rules = rules();
    let replay = replay(vec![Box::new(record)], &rules, None);
    let code =
        |code: &str| PriorsQuery { failure_reason_code: Some(code.parse().unwrap()), ..PriorsQuery::of(work.clone()) };
    let memory = Memory::of(&replay, &rules);
    assert_eq!(priors(&memory, &code("LINT_FAILED")).priors.len(), 0);
    assert_eq!(priors(&memory, &PriorsQuery::of(work.clone())).priors.len(), 1);
}
