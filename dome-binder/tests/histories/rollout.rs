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
            "max_contradiction_ppm": 0, "max_guard_conflicts": 0, "min_decisions": 6, "min_offered": 1,
            "min_precision_ppm": 700_000, "min_recorded": 0, "min_recorded_precision_ppm": 0,
        });
    }
    document[step][member] = json!(value);
    RolloutPolicy::parse(document.to_string().as_bytes()).unwrap()
}

/// Six failures, each resolved by the same remedy: the first is met unprepared, two are prescribed for.
const GOOD: &str = "F1 S1 F8 S8 F15 S15 F22 S22 F29 S29 F36 S36";

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
        (GOOD, "min_decisions", 7, "failing facts in the history: 6, at least 7 asked for"),
        (
            GOOD,
            "min_offered",
            3,
            "failing facts before which a remedy would have been offered: 2, at least 3 asked for",
        ),
        (
            &format!("{GOOD} F43 S43:b"),
            "min_precision_ppm",
            666_667,
            "offers whose remedy resolved the failure and held: 66.6 %, at least 66.6 % asked for",
        ),
        (
            &format!("{GOOD} F43 S43 F43 S43"),
            "max_contradiction_ppm",
            249_999,
            "failures that came back soon after the offered remedy resolved them: 25.0 %, at most 24.9 % asked for",
        ),
        (
            &format!("{GOOD} D37"),
            "max_guard_conflicts",
            0,
            "denials where a prior could have been followed: 1, at most 0 asked for",
        ),
        (GOOD, "min_recorded", 1, "recorded answers: 0, at least 1 asked for"),
        (
            GOOD,
            "min_recorded_precision_ppm",
            1,
            "recorded offers whose remedy resolved the failure and held: nothing to judge by, at least 0.0 % asked for",
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
    assert_eq!(judged.missing, ["guided: failing facts in the history: 6, at least 7 asked for"]);
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
    assert_eq!((once.advised.same_remedy, once.prescribed.same_remedy), (5, 2));
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
    let other = String::from_utf8(row).unwrap().replace("\"format_version\":\"1\"", "\"format_version\":\"2\"");
    assert_eq!(refused(&other), "`/format_version`: expected \"1\", found \"2\"");
}

proptest! {
    /// What shadow mode records along the way comes to the same scores as walking it afterwards.
    #[test]
    fn shadows_that_were_recorded_score_as_the_backtest_does(
        events in prop::collection::vec(("[FFFSSSsTDGYU]", prop::sample::select(&["+60", "+9000"][..])), 0..24),
    ) {
        let events: Vec<String> = events.into_iter().map(|(letter, when)| format!("{letter}{when}:a")).collect();
        let (history, rules) = (ledger(&format!("F1 S1 F8 S8 F15 S15 F22 S22 {}", events.join(" "))), rules());
        let answers = shadows(&history, &rules);
        let judged = status(&history, &rules, &answers, &RolloutPolicy::default(), Rollout::Guided);
        let tested = dome_binder::backtest::backtest(&history, &rules);
        let found = judged.steps[0].recorded;
        prop_assert_eq!(found.decisions, tested.decisions);
        prop_assert_eq!(found.advised, tested.modes[1].advised);
        prop_assert_eq!(found.prescribed, tested.modes[2].prescribed);
        let mut declared = Vec::new();
        dome_core::canonical::append(&judged, &mut declared);
        prop_assert!(dome_core::canonical::to_vec(&judged).unwrap() == declared, "declared in canonical order");
    }
}
