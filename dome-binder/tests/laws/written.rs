//! A view that was written answers what facts in memory answer.

use dome_binder::Ledger;
use dome_binder::query::{
    Filter, Filters, OrEmpty, Question, View, rows as whole, rows_written, unmatched, unmatched_written,
};
use dome_core::arbitrary::{Dice, dice, history};
use proptest::prelude::*;

use super::query::question;
use super::support::{Setting, load_lines, rows, setting};

/// The view as its artifact has it.
fn artifact(view: View, ledger: &Ledger) -> String {
    rows(&whole(&Question::new(view, Filters::default()).unwrap(), &ledger.facts))
}

/// A question of a view that asks nothing of facts; now and then for a code or a gate that nothing has.
fn of_rows(view: View, asked: &Filters, dice: &mut Dice) -> Question {
    let mut filters = match view {
        View::RecentFailures => asked.clone(),
        View::GateRollup => Filters {
            failure_reason_code: asked.failure_reason_code.clone(),
            gate: asked.gate.clone(),
            ..Filters::default()
        },
        View::GuardDenials => Filters {
            guard: asked.guard.clone(),
            policy_reason_code: asked.policy_reason_code.clone(),
            ..Filters::default()
        },
    };
    if dice.rarely(3) {
        match view {
            View::RecentFailures => filters.target_id = Some("tests/nothing".parse().unwrap()),
            View::GateRollup => filters.gate = Some("lintt".parse().unwrap()),
            View::GuardDenials => filters.guard = Some(OrEmpty::Is("budgett".parse().unwrap())),
        }
    }
    Question::new(view, filters).unwrap()
}

fn told(setting: &Setting, lines: &[Vec<u8>]) -> Ledger {
    setting.replay(load_lines(lines).records).ledger
}

proptest! {
    #[test]
    fn m110_a_view_that_was_written_answers_what_facts_in_memory_answer(
        history in history(), setting in setting(), mut dice in dice(192),
    ) {
        let ledger = told(&setting, &history.lines);
        for view in View::ALL {
            let artifact = artifact(*view, &ledger);
            let any = question(*view, &ledger, &mut dice);
            for asked in [of_rows(*view, any.filters(), &mut dice), any] {
                let picked = rows_written(&asked, artifact.as_bytes());
                let near = unmatched_written(&asked, artifact.as_bytes());
                prop_assert_eq!((picked.is_some(), near.is_some()), (asked.picks_rows(), asked.picks_rows()));
                let (Some(picked), Some(near)) = (picked, near) else { continue };
                prop_assert_eq!(String::from_utf8(picked.concat()).unwrap(), rows(&whole(&asked, &ledger.facts)));
                prop_assert_eq!(near, unmatched(&asked, &ledger.facts));
            }
        }
    }

    #[test]
    fn rows_that_are_none_are_not_answered_from(
        history in history(), setting in setting(), cut in any::<prop::sample::Index>(), mut dice in dice(64),
    ) {
        let ledger = told(&setting, &history.lines);
        for view in View::ALL {
            let asked = of_rows(*view, question(*view, &ledger, &mut dice).filters(), &mut dice);
            let mut bytes = artifact(*view, &ledger).into_bytes();
            // Inside of a row: behind its brace, before its last one.
            let inside: Vec<usize> = (1..bytes.len()).filter(|at| !bytes[at - 1..].starts_with(b"\n") && bytes[*at] != b'\n').collect();
            if inside.is_empty() || asked.filters().given().is_empty() {
                continue;
            }
            bytes.truncate(inside[cut.index(inside.len())]);
            prop_assert_eq!(rows_written(&asked, &bytes), None);
            prop_assert_eq!(unmatched_written(&asked, &bytes), None);
        }
    }
}

#[test]
fn m110_a_filter_picks_rows_where_no_row_counts_what_it_would_leave_out() {
    let picking = |view: View| {
        let alone = |filter: &Filter| {
            let mut filters = Filters::default();
            match filter {
                Filter::Scope => filters.scope = Some(dome_core::Scope::Task),
                Filter::TargetKind => filters.target_kind = Some("test".parse().unwrap()),
                Filter::TargetId => filters.target_id = Some("a".parse().unwrap()),
                Filter::ActionKind => filters.action_kind = Some("fix".parse().unwrap()),
                Filter::FailureReasonCode => filters.failure_reason_code = Some("TIMEOUT".parse().unwrap()),
                Filter::PolicyReasonCode => filters.policy_reason_code = Some(OrEmpty::Empty),
                Filter::Gate => filters.gate = Some("lint".parse().unwrap()),
                Filter::Guard => filters.guard = Some(OrEmpty::Empty),
                Filter::Run => filters.run = Some("r".parse().unwrap()),
                Filter::Since => filters.since = Some("2026-02-15T10:00:00Z".parse().unwrap()),
                Filter::Until => filters.until = Some("2026-02-15T10:00:00Z".parse().unwrap()),
            }
            Question::new(view, filters).unwrap().picks_rows()
        };
        view.filters().iter().copied().filter(alone).collect::<Vec<_>>()
    };
    assert_eq!(picking(View::RecentFailures), View::RecentFailures.filters());
    assert_eq!(picking(View::GateRollup), [Filter::FailureReasonCode, Filter::Gate]);
    assert_eq!(picking(View::GuardDenials), [Filter::PolicyReasonCode, Filter::Guard]);
}
