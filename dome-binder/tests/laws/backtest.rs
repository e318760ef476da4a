//! A backtest knows what was known then, and nothing of what comes.

use std::collections::BTreeMap;

use dome_arbitrary::{history, layout};
use dome_binder::backtest::{Backtest, BacktestPart, Decision, FailureEnding, Past, backtest, question, walk};
use dome_binder::priors::{Memory, Prior, PriorsQuery, Tier, priors};
use dome_binder::{Ledger, Policy, Record, Rules, replay};
use dome_core::canonical;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use super::super::histories::events;
use super::support::{Loaded, Setting, load, load_lines, setting};

/// Histories of few failures that often come back and are often resolved, in the letters of the table.
fn dense() -> impl Strategy<Value = Vec<Box<Record>>> {
    let event = (
        prop::sample::select("FFFFFFSSSSSSsTDGGYOARRU".chars().collect::<Vec<char>>()),
        prop::sample::select(&["+60", "+4000", "+100000"][..]),
        prop::sample::select(&["", "", "", "", "@x", "#run", "#run", "#other"][..]),
        prop::sample::select(&[":a", ":a", ":a", ":b"][..]),
    );
    let event = event.prop_map(|(letter, when, place, name)| format!("{letter}{when}{place}{name}"));
    prop::collection::vec(event, 0..40).prop_map(|events| events::history(&format!("F1 {}", events.join(" "))).0)
}

/// Rules that let much steer.
fn easy() -> impl Strategy<Value = Setting> {
    let least = (0_u64..3, 0_u64..3, prop::sample::select(&[0_u64, 94_000, 206_543, 300_000][..]));
    let most = prop::sample::select(&[250_000_u64, 500_000, 1_000_000][..]);
    (setting(), least, most).prop_map(|(Setting { mut rules, as_of }, (support, runs, confidence), contradiction)| {
        let steps = [("min_support", support), ("min_run_count", runs), ("min_confidence_ppm", confidence)];
        for (threshold, value) in steps.into_iter().chain([("max_contradiction_ppm", contradiction)]) {
            rules.policy = with(&rules.policy, threshold, value);
        }
        Setting { rules, as_of }
    })
}

/// Records and what they are replayed by: wide histories, and dense ones.
fn world() -> impl Strategy<Value = (Vec<Box<Record>>, Setting)> {
    let wide = history().prop_map(|history| load_lines(&history.lines)).prop_map(|Loaded { records, .. }| records);
    prop_oneof![1 => (wide, setting()), 3 => (dense(), easy())]
}

/// The first facts of a ledger as records again.
#[expect(clippy::vec_box, reason = "that is what a replay takes")]
fn first(ledger: &Ledger, count: usize) -> Vec<Box<Record>> {
    ledger.facts[..count].iter().map(|fact| fact.record.clone()).collect()
}

/// The answer that `dome priors` gives before a fact, from a replay of the facts before it.
fn replayed(past: &mut Past<'_>, ledger: &Ledger, position: usize, rules: &Rules) -> Result<(), TestCaseError> {
    let fact = &ledger.facts[position];
    let known = past.ask(fact);
    let before = replay(first(ledger, position), rules, Some(fact.ordered_ts));
    let memory = Memory { as_of: Some(fact.ordered_ts), sources: BTreeMap::new(), ..Memory::of(&before, rules) };
    let answer = priors(&memory, &PriorsQuery { limit: 200, ..question(&fact.keys.task_line) });
    let of = |tier| answer.priors.iter().filter(move |prior| prior.tier == tier).count() as u64;
    prop_assert_eq!(known.exact, of(Tier::Exact));
    prop_assert_eq!(known.elsewhere > 0, of(Tier::Elsewhere) > 0);
    prop_assert_eq!(known.concepts, of(Tier::Concept));
    prop_assert_eq!(known.is_something(), !answer.priors.is_empty());
    let (best, own_best) = (answer.priors.first(), past.best(fact));
    let exact = best.filter(|prior| prior.tier == Tier::Exact);
    prop_assert_eq!(own_best.as_ref(), exact, "the whole prior");
    let own = fact.keys.derived;
    prop_assert_eq!(known.foreseen, exact.is_some_and(|prior| prior.derived_key == Some(own)));
    let concept = best.filter(|prior| prior.tier == Tier::Concept).map(|prior| prior.concept_key);
    prop_assert_eq!(known.concept, concept);
    prop_assert_eq!(known.remedy, best.and_then(|prior| prior.remedies.first()).map(|record| record.identity));
    let followed = answer.to_follow().and_then(|prior| prior.remedies.first());
    prop_assert_eq!(known.prescribed(), followed.map(|record| record.identity));
    let only_guards = |prior: &&Prior| {
        prior.tier == Tier::Exact && prior.held.iter().all(|held| held.hold.as_str() == "guard_denied")
    };
    let held = answer.priors.iter().filter(|prior| !prior.held.is_empty()).any(|prior| only_guards(&prior));
    prop_assert_eq!(known.guard_held, held);
    prop_assert_eq!(known.repeated, answer.priors.iter().any(|prior| prior.derived_key == Some(own)));
    Ok(())
}

/// The answer for a line that nobody knows, of the same kind of work as a fact's.
fn strange(past: &mut Past<'_>, ledger: &Ledger, position: usize, rules: &Rules) -> Result<(), TestCaseError> {
    let fact = &ledger.facts[position];
    let line = dome_core::TaskLine { target_id: "nobody-knows".parse().unwrap(), ..fact.keys.task_line.clone() };
    let before = replay(first(ledger, position), rules, Some(fact.ordered_ts));
    let answer = priors(&Memory::of(&before, rules), &question(&line));
    let known = past.stranger(&line);
    let best = answer.priors.first();
    prop_assert_eq!(known.concepts, answer.priors.len() as u64);
    prop_assert_eq!(known.concept, best.map(|prior| prior.concept_key));
    prop_assert_eq!(known.remedy, best.and_then(|prior| prior.remedies.first()).map(|record| record.identity));
    Ok(())
}

/// Decisions without what became of them.
fn answers(decisions: &[Decision]) -> Vec<Decision> {
    decisions.iter().map(|decision| Decision { ending: FailureEnding::Open, ..decision.clone() }).collect()
}

/// The policy with one threshold set.
fn with(policy: &Policy, threshold: &str, value: u64) -> Policy {
    let mut document = serde_json::to_value(policy).unwrap();
    document[threshold] = value.into();
    Policy::parse(document.to_string().as_bytes()).unwrap()
}

fn bytes(backtest: &Backtest) -> Vec<u8> {
    canonical::to_vec(backtest).unwrap()
}

proptest! {
    #[test]
    fn a_decision_knows_what_priors_answers_on_a_replay_of_the_facts_before_it(
        (records, setting) in world(),
    ) {
        let ledger = setting.replay(records).ledger;
        let mut past = Past::new(&setting.rules);
        for fact in ledger.line_facts() {
            // Before every fact, not the failing ones alone.
            replayed(&mut past, &ledger, fact.position, &setting.rules)?;
            strange(&mut past, &ledger, fact.position, &setting.rules)?;
            past.learn(&fact);
        }
    }

    #[test]
    fn the_future_changes_no_answer((records, setting) in world(), cut: prop::sample::Index) {
        let whole = setting.replay(records).ledger;
        let cut = cut.index(whole.facts.len() + 1);
        let then = setting.replay(first(&whole, cut)).ledger;
        let (before, after) = (walk(&then, &setting.rules), walk(&whole, &setting.rules));
        let seen = before.decisions.len();
        prop_assert_eq!(answers(&before.decisions), answers(&after.decisions[..seen]));
        prop_assert!(after.decisions[seen..].iter().all(|decision| decision.position >= cut));
        for (before, after) in before.decisions.iter().zip(&after.decisions) {
            // What is known later of an ending: that it came, or that it did not hold.
            let may_follow = match (before.ending, after.ending) {
                (FailureEnding::Open, _) => true,
                (
                    FailureEnding::Resolved { remedy, contradicted: false },
                    FailureEnding::Resolved { remedy: same, .. },
                ) => remedy == same,
                (before, after) => before == after,
            };
            prop_assert!(may_follow, "{before:?} became {after:?}");
        }
        prop_assert!(before.denials <= after.denials && before.guard_conflicts <= after.guard_conflicts);
    }

    #[test]
    fn l1_the_same_bytes_in_any_order_and_any_cut(history in history(), layout in layout(), setting in setting()) {
        let whole = backtest(&setting.replay(load_lines(&history.lines).records).ledger, &setting.rules);
        let again = load(&layout.files(&history.lines)).records;
        let again = backtest(&setting.replay(again).ledger, &setting.rules);
        prop_assert!(bytes(&whole) == bytes(&again), "{whole:#?} {again:#?}");
        let mut declared = Vec::new();
        canonical::append(&whole, &mut declared);
        prop_assert!(bytes(&whole) == declared, "declared in canonical order");
    }

    #[test]
    fn a_swept_threshold_is_what_a_backtest_under_it_gives((records, setting) in world()) {
        let ledger = setting.replay(records).ledger;
        let own = backtest(&ledger, &setting.rules);
        for swept in &own.sweep {
            let policy = with(&setting.rules.policy, swept.threshold, swept.value);
            let other = backtest(&ledger, &Rules { policy, ..setting.rules.clone() });
            prop_assert_eq!(&other.modes[2].prescribed, &swept.prescribed, "{} {}", swept.threshold, swept.value);
        }
    }

    #[test]
    fn every_figure_adds_up((records, setting) in world()) {
        let ledger = setting.replay(records).ledger;
        let all = backtest(&ledger, &setting.rules);
        let failing = ledger.facts.iter().filter(|fact| fact.is_failing()).count() as u64;
        prop_assert_eq!(all.decisions, failing);
        prop_assert_eq!(all.endings.open + all.endings.resolved, failing);
        let [shadow, guided, full] = &all.modes[..] else { unreachable!("three modes") };
        prop_assert_eq!((shadow.answered, shadow.recorded), (0, guided.answered));
        prop_assert_eq!(guided.answered + all.known.nothing, failing);
        prop_assert_eq!(guided.prescribed.offered, 0, "guided prescribes nothing");
        prop_assert!(full.prescribed.offered <= full.answered && all.known.foreseen <= all.known.repeated);
        let sum = |of: fn(&BacktestPart) -> u64| all.over_time.iter().map(of).sum::<u64>();
        prop_assert_eq!((sum(|p| p.decisions), sum(|p| p.known)), (failing, guided.answered));
        prop_assert_eq!(sum(|p| p.advised.same_remedy), guided.advised.same_remedy);
        prop_assert_eq!(sum(|p| p.prescribed.offered), full.prescribed.offered);
        prop_assert_eq!(all.reasons.iter().map(|r| r.endings.resolved).sum::<u64>(), all.endings.resolved);
        prop_assert_eq!(all.reasons.iter().map(|r| r.prescribed.offered).sum::<u64>(), full.prescribed.offered);
        for score in [guided.advised, full.advised, full.prescribed] {
            prop_assert_eq!(score.offered, score.open + score.other_remedy + score.same_remedy + score.unnamed_remedy);
            prop_assert!(score.contradicted <= score.same_remedy);
        }
    }
}

/// What happens to the decisions of one history, by name.
fn happenings(ledger: &Ledger, setting: &Setting) -> Vec<&'static str> {
    let report = backtest(ledger, &setting.rules);
    let (known, guards) = (report.known, report.guards);
    let (advised, prescribed) = (report.modes[1].advised, report.modes[2].prescribed);
    let walked = walk(ledger, &setting.rules);
    let stranger = walked.decisions.iter().any(|decision| decision.known.exact == 0 && decision.known.concepts > 0);
    let all = [
        (known.elsewhere > 0, "known elsewhere"),
        (known.foreseen > 0, "foreseen"),
        (known.repeated > known.foreseen, "repeated, but not first"),
        (stranger, "a concept for a line that nobody knows"),
        (guards.held > 0, "held by a guard alone"),
        (guards.conflicts > 0, "a guard conflict"),
        (advised.other_remedy > 0, "another remedy than advised"),
        (advised.unnamed_remedy > 0, "resolved by no remedy"),
        (prescribed.same_remedy > 0, "prescribed and right"),
        (prescribed.contradicted > 0, "prescribed, right and contradicted"),
        (prescribed.open > 0, "prescribed and open"),
        (report.sweep.iter().any(|swept| swept.prescribed != prescribed), "a threshold that matters"),
    ];
    all.into_iter().filter_map(|(happens, what)| happens.then_some(what)).collect()
}

#[test]
fn everything_that_is_scored_happens_in_generated_histories() {
    let mut runner = TestRunner::deterministic();
    let mut found: BTreeMap<&str, usize> = BTreeMap::new();
    for _ in 0..600 {
        let (records, setting) = world().new_tree(&mut runner).unwrap().current();
        let ledger = setting.replay(records).ledger;
        happenings(&ledger, &setting).into_iter().for_each(|what| *found.entry(what).or_default() += 1);
    }
    println!("{found:#?}");
    assert_eq!(found.len(), 12, "{found:#?}");
    assert!(found.values().all(|times| *times >= 8), "{found:#?}");
}
