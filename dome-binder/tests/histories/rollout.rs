//! Rollout: what earns a mode, on histories that were scored beforehand.

use dome_binder::backtest::{question, walk};
use dome_binder::priors::{Memory, PriorsQuery, Rollout, priors};
use dome_binder::rollout::{RecordedAnswer, RolloutPolicy, RolloutStatus, recorded, status};
use dome_binder::{Ledger, Rules, append_row, replay};
use proptest::prelude::*;
use serde_json::json;

use super::{events, rules};

fn ledger(history: &str) -> Ledger {
    replay(events::history(history).0, &rules(), None).ledger
}

/// The answer that shadow mode records before each failing fact, as the file has it.
fn shadows(ledger: &Ledger, rules: &Rules) -> Vec<RecordedAnswer> {
    let mut answers = Vec::new();
    for fact in ledger.line_facts().filter(|fact| fact.fact.is_failing()) {
        let before = ledger.facts[..fact.position].iter().map(|fact| fact.record.clone()).collect();
        let before = replay(before, rules, None);
        let query = PriorsQuery { rollout: Rollout::Shadow, ..question(&fact.fact.keys.task_line) };
        let mut row = Vec::new();
        append_row(&priors(&Memory::of(&before, rules), &query), &mut row);
        answers.push(RecordedAnswer::parse(&row).unwrap());
    }
    answers
}

/// A policy that small histories can meet.
fn small(step: &str, member: &str, value: u64) -> RolloutPolicy {
    let mut document = serde_json::to_value(RolloutPolicy::default()).unwrap();
    for step in ["guided", "prescriptive"] {
        document[step] = json!({
            "max_guard_conflicts": 0, "min_decisions": 6, "min_offered": 1, "min_precision_ppm": 300_000,
            "min_recorded": 0, "min_recorded_precision_ppm": 0,
        });
    }
    document[step][member] = json!(value);
    RolloutPolicy::parse(document.to_string().as_bytes()).unwrap()
}

/// Six failures, each got over by the same remedy: the first is met unprepared, two are prescribed for.
const GOOD: &str = "F1 M1 F8 M8 F15 M15 F22 M22 F29 M29 F36 M36";

fn judged(history: &str, policy: &RolloutPolicy, mode: Rollout) -> RolloutStatus {
    status(&ledger(history), &rules(), &[], policy, mode)
}

#[test]
fn a_mode_is_earned_when_every_requirement_is_met() {
    let all = judged(GOOD, &small("guided", "min_offered", 5), Rollout::Prescriptive);
    assert!(all.earned && all.missing.is_empty(), "{:?}", all.missing);
    assert_eq!(all.furthest, Rollout::Prescriptive);
    assert!(judged("F1", &RolloutPolicy::default(), Rollout::Shadow).earned, "shadow asks for nothing");
}

#[test]
fn each_requirement_holds_a_mode_back_by_itself() {
    for (history, member, value, missing) in [
        (GOOD, "min_decisions", 7, "failures in the history: 6, at least 7 asked for"),
        (GOOD, "min_offered", 3, "failures at which a remedy would have been offered: 2, at least 3 asked for"),
        // Two of two are 342,371 ppm.
        (
            GOOD,
            "min_precision_ppm",
            342_372,
            "offers that were right, open ones counted as wrong, lower bound: 34.2 %, at least 34.2 % asked for",
        ),
        // Two of three are 207,654 ppm: one that ended otherwise counts as one that is still open.
        (
            &format!("{GOOD} F43 M43:b"),
            "min_precision_ppm",
            207_655,
            "offers that were right, open ones counted as wrong, lower bound: 20.7 %, at least 20.7 % asked for",
        ),
        (
            &format!("{GOOD} F43"),
            "min_precision_ppm",
            207_655,
            "offers that were right, open ones counted as wrong, lower bound: 20.7 %, at least 20.7 % asked for",
        ),
        (
            &format!("{GOOD} D37"),
            "max_guard_conflicts",
            0,
            "denials where a prior could have been followed: 1, at most 0 asked for",
        ),
        (GOOD, "min_recorded", 1, "failures that a recorded answer was scored by: 0, at least 1 asked for"),
        (
            GOOD,
            "min_recorded_precision_ppm",
            1,
            "recorded offers that were right, open ones counted as wrong, lower bound: nothing to judge by, at least 0.0 % asked for",
        ),
    ] {
        let held = judged(history, &small("prescriptive", member, value), Rollout::Prescriptive);
        let own: Vec<&String> = held.missing.iter().filter(|missing| missing.starts_with("prescriptive")).collect();
        assert!(!held.earned, "{member}");
        assert!(own.contains(&&format!("prescriptive: {missing}")), "{member}: {own:#?}");
    }
}

#[test]
fn a_step_is_earned_on_the_one_before() {
    let policy = small("guided", "min_decisions", 7);
    let judged = judged(GOOD, &policy, Rollout::Prescriptive);
    assert!(judged.steps[1].earned && !judged.steps[0].earned);
    assert!(!judged.earned && judged.furthest == Rollout::Shadow, "prescriptive without guided is not earned");
    assert_eq!(judged.missing, ["guided: failures in the history: 6, at least 7 asked for"]);
}

#[test]
fn recorded_answers_count_for_their_own_mode_and_are_scored_once_a_decision() {
    let (history, rules) = (ledger(GOOD), rules());
    let shadows = shadows(&history, &rules);
    let walked = walk(&history, &rules);
    let of = |answers: &[RecordedAnswer], modes: &[Rollout]| recorded(answers, modes, &history, &walked);
    assert_eq!(of(&shadows, &[Rollout::Guided]).answers, 0);
    let twice = [&shadows[..], &shadows[..]].concat();
    let (once, twice) = (of(&shadows, &[Rollout::Shadow]), of(&twice, &[Rollout::Shadow]));
    assert_eq!((once.answers, once.decisions, once.without_decision), (6, 6, 0));
    assert_eq!((twice.answers, twice.decisions, twice.without_decision), (12, 6, 6));
    assert_eq!((once.advised, once.prescribed), (twice.advised, twice.prescribed));
    assert_eq!((once.advised.right, once.prescribed.right), (5, 2));
    assert_eq!((once.advised.wrong, once.prescribed.wrong), (0, 0));
}

#[test]
fn what_is_no_answer_is_refused() {
    let refused = |line: &str| RecordedAnswer::parse(line.as_bytes()).unwrap_err().to_string();
    assert!(refused("{}").starts_with("not an answer of `dome priors`: missing field"));
    let (history, rules) = (ledger("F1 S1 F2"), rules());
    let mut row = Vec::new();
    append_row(
        &priors(&Memory::of(&replay(Vec::new(), &rules, None), &rules), &question(&history.facts[0].keys.task_line)),
        &mut row,
    );
    let other = String::from_utf8(row).unwrap().replace("\"format_version\":\"2\"", "\"format_version\":\"1\"");
    assert_eq!(refused(&other), "`/format_version`: expected \"2\", found \"1\"");
}

proptest! {
    /// What shadow mode records along the way comes to the same scores as asking before each failure afterwards.
    #[test]
    fn shadows_that_were_recorded_score_as_the_backtest_does(
        events in prop::collection::vec(
            (
                "[FFFMMSssTDGYU]",
                prop::sample::select(&["+60", "+9000"][..]),
                prop::sample::select(&["", "", "=a", "=b"][..]),
            ),
            0..24,
        ),
    ) {
        let events: Vec<String> =
            events.into_iter().map(|(letter, when, tested)| format!("{letter}{when}{tested}:a")).collect();
        let (history, rules) = (ledger(&format!("F1 M1 F8 M8 F15 M15 F22 M22 {}", events.join(" "))), rules());
        let answers = shadows(&history, &rules);
        let judged = status(&history, &rules, &answers, &RolloutPolicy::default(), Rollout::Guided);
        let tested = dome_binder::backtest::backtest(&history, &rules);
        let found = judged.steps[0].recorded;
        prop_assert_eq!(found.decisions, tested.decisions);
        prop_assert_eq!(found.advised, tested.before.advised);
        prop_assert_eq!(found.prescribed, tested.before.prescribed);
        let mut declared = Vec::new();
        dome_core::canonical::append(&judged, &mut declared);
        prop_assert!(dome_core::canonical::to_vec(&judged).unwrap() == declared, "declared in canonical order");
    }
}
