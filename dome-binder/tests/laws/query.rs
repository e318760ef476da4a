//! M-110: filters, pages and cursors of the three views, on generated histories.

use dome_arbitrary::{Dice, dice, history};
use dome_binder::Ledger;
use dome_binder::query::{
    Cursor, CursorError, Filter, Filters, Limit, OrEmpty, Page, Question, QuestionError, View, ViewRow, answer,
    nearest, rows as whole, unmatched,
};
use dome_core::{Sha256Hash, Timestamp};
use proptest::prelude::*;
use serde_json::Value;

use super::support::{defaults, load_lines, parsed, rows};

fn ledger(lines: &[Vec<u8>]) -> Ledger {
    defaults().replay(load_lines(lines).records).ledger
}

/// A question whose filters have values of the history's own facts.
pub(crate) fn question(view: View, ledger: &Ledger, dice: &mut Dice) -> Question {
    let mut filters = Filters::default();
    for filter in view.filters() {
        let Some(fact) = ledger.facts.get(dice.roll(256).checked_rem(ledger.facts.len()).unwrap_or(0)) else {
            continue;
        };
        if !dice.rarely(4) {
            continue;
        }
        match filter {
            Filter::Scope => filters.scope = Some(fact.keys.task_line.scope),
            Filter::TargetKind => filters.target_kind = Some(fact.keys.task_line.target_kind.clone()),
            Filter::TargetId => filters.target_id = Some(fact.keys.task_line.target_id.clone()),
            Filter::ActionKind => filters.action_kind = Some(fact.keys.task_line.action_kind.clone()),
            Filter::FailureReasonCode => filters.failure_reason_code = Some(fact.keys.failure_reason_code.clone()),
            Filter::PolicyReasonCode => {
                filters.policy_reason_code =
                    Some(fact.policy_reason_code().cloned().map_or(OrEmpty::Empty, OrEmpty::Is));
            }
            Filter::Gate => filters.gate = fact.gates.first().map(|gate| gate.gate_id.clone()),
            Filter::Guard => {
                let guard = fact.guard_evals().first().map(|eval| eval.guard_id.clone());
                filters.guard = Some(guard.map_or(OrEmpty::Empty, OrEmpty::Is));
            }
            Filter::Run => filters.run = Some(fact.run_id.clone()),
            Filter::Since => filters.since = Some(fact.ordered_ts),
            Filter::Until => filters.until = Some(fact.ordered_ts),
        }
    }
    Question::new(view, filters.clone()).unwrap_or_else(|wrong| {
        assert!(matches!(wrong, QuestionError::EmptySpan { .. }), "{wrong}");
        Question::new(view, Filters { until: None, ..filters }).unwrap()
    })
}

fn text(row: &Value, member: &str) -> String {
    row.get(member).and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// Whether a row of recent failures meets the filters, by what the row itself says.
fn row_meets(row: &Value, filters: &Filters) -> bool {
    filters.given().into_iter().all(|(filter, value)| {
        let ts: Timestamp = text(row, "ts").parse().unwrap();
        match filter {
            Filter::Since => ts >= value.parse().unwrap(),
            Filter::Until => ts < value.parse().unwrap(),
            Filter::Run => text(row, "run_id") == value,
            other => text(row, &other.as_str().replace('-', "_")) == value,
        }
    })
}

fn pages<'l>(question: &Question, ledger: &'l Ledger, limit: Limit) -> Vec<Page<'l>> {
    let (snapshot, mut cursor, mut pages) = (ledger.snapshot_digest(), None, Vec::new());
    loop {
        let page = answer(question, &ledger.facts, snapshot, limit, cursor).unwrap();
        // As a user would give it back.
        cursor = page.next.map(|next| next.to_string().parse::<Cursor>().unwrap());
        pages.push(page);
        if cursor.is_none() {
            return pages;
        }
    }
}

fn views() -> impl Strategy<Value = View> {
    prop::sample::select(View::ALL.to_vec())
}

proptest! {
    #[test]
    fn m110_all_pages_put_together_are_the_whole_answer(
        history in history(), view in views(), limit in 1_u64..7, mut dice in dice(64),
    ) {
        let ledger = ledger(&history.lines);
        let question = question(view, &ledger, &mut dice);
        let expected = whole(&question, &ledger.facts);
        let pages = pages(&question, &ledger, Limit::new(limit).unwrap());
        let mut place = 0;
        for page in &pages {
            prop_assert_eq!((page.start, page.total), (place, expected.len() as u64));
            prop_assert!(page.rows.len() as u64 == limit || page.next.is_none());
            place += page.rows.len() as u64;
        }
        let together: Vec<ViewRow<'_>> = pages.into_iter().flat_map(|page| page.rows).collect();
        prop_assert_eq!(together, expected);
    }

    #[test]
    fn m110_without_filters_the_answer_is_the_artifact(history in history()) {
        let setting = defaults();
        let replay = setting.replay(load_lines(&history.lines).records);
        let artifacts = super::support::artifacts(&replay, &setting.rules);
        for (view, artifact) in View::ALL.iter().zip([artifacts.recent, artifacts.rollup, artifacts.denials]) {
            let question = Question::new(*view, Filters::default()).unwrap();
            prop_assert_eq!(rows(&whole(&question, &replay.ledger.facts)), artifact);
        }
    }

    #[test]
    fn m110_recent_failures_are_the_rows_that_meet_the_filters(history in history(), mut dice in dice(64)) {
        let ledger = ledger(&history.lines);
        let question = question(View::RecentFailures, &ledger, &mut dice);
        let all = rows(&whole(&Question::new(View::RecentFailures, Filters::default()).unwrap(), &ledger.facts));
        let expected: Vec<Value> = parsed(&all).into_iter().filter(|row| row_meets(row, question.filters())).collect();
        prop_assert_eq!(parsed(&rows(&whole(&question, &ledger.facts))), expected);
    }

    #[test]
    fn m110_filtered_counts_are_counts_of_the_filtered_facts(history in history()) {
        let ledger = ledger(&history.lines);
        let ids: std::collections::BTreeSet<_> = ledger.facts.iter().map(|fact| fact.run_id.clone()).collect();
        for (view, counter) in [(View::GateRollup, "fail_count"), (View::GuardDenials, "denial_count")] {
            let sum = |filters: Filters| {
                let question = Question::new(view, filters).unwrap();
                let rows = parsed(&rows(&whole(&question, &ledger.facts)));
                rows.iter().map(|row| row.get(counter).unwrap().as_u64().unwrap()).sum::<u64>()
            };
            let apart: u64 = ids.iter().map(|run| sum(Filters { run: Some(run.clone()), ..Filters::default() })).sum();
            prop_assert_eq!(apart, sum(Filters::default()), "every fact is of one run");
            let Some(middle) = ledger.facts.get(ledger.facts.len() / 2).map(|fact| fact.ordered_ts) else { continue };
            let before = sum(Filters { until: Some(middle), ..Filters::default() });
            let after = sum(Filters { since: Some(middle), ..Filters::default() });
            prop_assert_eq!(before + after, sum(Filters::default()), "the first instant is in, the last one is not");
        }
    }

    #[test]
    fn m110_identical_snapshot_and_filters_give_identical_bytes(
        history in history(), view in views(), mut dice in dice(64),
    ) {
        let first = ledger(&history.lines);
        let question = question(view, &first, &mut dice);
        let mut other = history.lines.clone();
        other.reverse();
        other.extend(history.lines);
        let second = ledger(&other);
        let bytes = |ledger| {
            let pages = pages(&question, ledger, Limit::new(3).unwrap());
            pages.iter().map(|page| format!("{}{:?}", rows(&page.rows), page.next)).collect::<String>()
        };
        prop_assert_eq!(bytes(&first), bytes(&second));
    }

    #[test]
    fn m110_a_cursor_is_refused_on_another_snapshot_view_or_filters(
        history in history(), view in views(), mut dice in dice(64),
    ) {
        let ledger = ledger(&history.lines);
        let asked = question(view, &ledger, &mut dice);
        let (snapshot, limit) = (ledger.snapshot_digest(), Limit::new(1).unwrap());
        let page = answer(&asked, &ledger.facts, snapshot, limit, None).unwrap();
        let Some(cursor) = page.next else { return Ok(()) };
        let ask = |question: &Question, snapshot| {
            answer(question, &ledger.facts, snapshot, limit, Some(cursor)).map(|page| page.start)
        };
        prop_assert_eq!(ask(&asked, snapshot), Ok(1));
        prop_assert_eq!(ask(&asked, Sha256Hash::of(b"another")), Err(CursorError::OtherSnapshot));
        let scope = asked.filters().scope.map_or(Some(dome_core::Scope::Repo), |_| None);
        let narrower = Question::new(view, Filters { scope, ..asked.filters().clone() }).unwrap();
        prop_assert_eq!(ask(&narrower, snapshot), Err(CursorError::OtherFilters));
        for other in View::ALL.iter().filter(|other| **other != view) {
            let other = Question::new(*other, Filters::default()).unwrap();
            prop_assert_eq!(ask(&other, snapshot), Err(CursorError::OtherView));
        }
    }

    #[test]
    fn m110_suggestions_are_few_and_are_values_that_rows_have(history in history(), view in views(), code in "[A-Z][A-Z_]{0,11}") {
        let ledger = ledger(&history.lines);
        let filters = Filters { failure_reason_code: Some(code.parse().unwrap()), ..Filters::default() };
        let question = Question::new(view, filters).unwrap();
        let found = unmatched(&question, &ledger.facts);
        prop_assert_eq!(found.clone(), unmatched(&question, &ledger.facts));
        for unmatched in found {
            prop_assert!(unmatched.near.len() <= dome_binder::query::SUGGESTIONS);
            prop_assert!(whole(&question, &ledger.facts).is_empty(), "a value that no row has matches nothing");
            for near in unmatched.near {
                let near = Filters { failure_reason_code: Some(near.parse().unwrap()), ..Filters::default() };
                prop_assert!(!whole(&Question::new(view, near).unwrap(), &ledger.facts).is_empty());
            }
        }
    }
}

#[test]
fn m110_every_filter_applies_somewhere_and_says_where_it_does_not() {
    let gate = Filters { gate: Some("lint".parse().unwrap()), ..Filters::default() };
    let guard = Filters { guard: Some(OrEmpty::Empty), ..Filters::default() };
    let code = Filters { policy_reason_code: Some(OrEmpty::Empty), ..Filters::default() };
    for (filters, taking) in [
        (gate, &[View::GateRollup][..]),
        (guard, &[View::GuardDenials]),
        (code, &[View::RecentFailures, View::GuardDenials]),
    ] {
        for view in View::ALL {
            let asked = Question::new(*view, filters.clone());
            assert_eq!(asked.is_ok(), taking.contains(view), "{view}: {filters:?}");
            if let Err(wrong) = asked {
                let said = wrong.to_string();
                assert!(view.filters().all(|filter| said.contains(&format!("`{filter}`"))), "{said}");
            }
        }
    }
    let at: Timestamp = "2026-02-15T10:00:00Z".parse().unwrap();
    let empty = Filters { since: Some(at), until: Some(at), ..Filters::default() };
    assert!(matches!(Question::new(View::GateRollup, empty), Err(QuestionError::EmptySpan { .. })));
}

#[test]
fn m110_near_names_are_found_by_edits_and_by_parts() {
    let known = ["polyglot-rust-c", "polyglot-c-py", "hello-world", "create-bucket"];
    assert_eq!(nearest("helo-world", known), ["hello-world"]);
    assert_eq!(nearest("POLYGLOT", known), ["polyglot-c-py", "polyglot-rust-c"]);
    assert_eq!(nearest("nothing like it", known), [""; 0]);
    let many: Vec<String> = (0..1_000).map(|number| format!("target-{number}")).collect();
    assert_eq!(nearest("target-1x", many.iter().map(String::as_str)), ["target-1", "target-10", "target-11"]);
}
