//! A backtest knows what was known then, and nothing of what comes.

use std::collections::BTreeMap;

use dome_arbitrary::{history, layout};
use dome_binder::backtest::{
    Backtest, BacktestPart, Decision, Ending, Endings, Offer, Outcome, Past, Proof, QuestionFigures, ReasonFigures,
    Score, Worth, backtest, question, walk,
};
use dome_binder::priors::{AskedFor, FailureKeys, Memory, Prior, PriorsQuery, Tier, priors};
use dome_binder::{
    Fact, Hold, Ledger, Policy, Record, RemedyRecord, Replay, Rules, confidence_ppm, holds, replay, rerun_identity,
};
use dome_core::{Keys, Sha256Hash, canonical};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use super::super::histories::events::{dense, dense_of};
use super::support::{Loaded, Setting, load, load_lines, setting};

/// Rules that let much steer, and that little proves.
fn easy() -> impl Strategy<Value = Setting> {
    let least = (0_u64..3, 0_u64..3, prop::sample::select(&[0_u64, 94_000, 206_543, 300_000][..]));
    let most = prop::sample::select(&[250_000_u64, 500_000, 1_000_000, 1_000_000][..]);
    let proof = prop::sample::select(&[1_u64, 1, 2, 300][..]);
    (setting(), least, most, proof).prop_map(|(Setting { mut rules, as_of }, least, contradiction, proof)| {
        let (support, runs, confidence) = least;
        let steps = [("min_support", support), ("min_run_count", runs), ("min_confidence_ppm", confidence)];
        let more = [("max_contradiction_ppm", contradiction), ("proof_max", proof), ("subject_window_s", 2_592_000)];
        for (threshold, value) in steps.into_iter().chain(more) {
            rules.policy = with(&rules.policy, threshold, value);
        }
        Setting { rules, as_of }
    })
}

/// Records and what they are replayed by: any histories, dense ones, and dense ones in which all that happens is that
/// something fails and is mended.
fn world() -> impl Strategy<Value = (Vec<Box<Record>>, Setting)> {
    let any = history().prop_map(|history| load_lines(&history.lines)).prop_map(|Loaded { records, .. }| records);
    prop_oneof![1 => (any, setting()), 3 => (dense(), easy()), 3 => (dense_of("FFFSSSMMs"), easy())]
}

/// The first facts of a ledger as records again.
#[expect(clippy::vec_box, reason = "that is what a replay takes")]
fn first(ledger: &Ledger, count: usize) -> Vec<Box<Record>> {
    ledger.facts[..count].iter().map(|fact| fact.record.clone()).collect()
}

fn offer(record: &RemedyRecord) -> Offer {
    let RemedyRecord { identity, confidence_ppm, momentary, reruns, .. } = *record;
    Offer { identity, confidence_ppm, momentary, reruns }
}

fn first_of(prior: Option<&Prior>) -> Option<Offer> {
    prior.and_then(|prior| prior.remedies.first()).map(offer)
}

/// The answer that `dome priors` gives before a fact, from a replay of the facts before it.
fn replayed_before(
    past: &mut Past<'_>,
    before: &Replay,
    (ledger, position): (&Ledger, usize),
    rules: &Rules,
) -> Result<(), TestCaseError> {
    let fact = &ledger.facts[position];
    let known = past.before(fact);
    let memory = Memory { as_of: Some(fact.ordered_ts), sources: BTreeMap::new(), ..Memory::of(before, rules) };
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
    prop_assert_eq!(known.advised, first_of(best));
    prop_assert_eq!(known.prescribed, first_of(answer.to_follow()), "by a capsule of the line, else by a concept");
    let only_guards = |prior: &Prior| {
        let held = || prior.held.iter().all(|held| held.hold == Hold::GuardDenied);
        prior.tier == Tier::Exact && !prior.held.is_empty() && held()
    };
    prop_assert_eq!(known.guard_held, answer.priors.iter().any(only_guards));
    prop_assert_eq!(known.repeated, answer.priors.iter().any(|prior| prior.derived_key == Some(own)));
    Ok(())
}

/// The answer for a line that nobody knows, of the same kind of work as a fact's.
fn strange(
    past: &mut Past<'_>,
    before: &Replay,
    (ledger, position): (&Ledger, usize),
    rules: &Rules,
) -> Result<(), TestCaseError> {
    let fact = &ledger.facts[position];
    let line = dome_core::TaskLine { target_id: "nobody-knows".parse().unwrap(), ..fact.keys.task_line.clone() };
    let answer = priors(&Memory::of(before, rules), &question(&line));
    let known = past.of_line(&line, fact.keys.derived, fact.ordered_ts);
    prop_assert_eq!(known.concepts, answer.priors.len() as u64);
    prop_assert_eq!(known.advised, first_of(answer.priors.first()));
    prop_assert_eq!(known.prescribed, first_of(answer.to_follow()));
    prop_assert_eq!((known.exact, known.repeated, known.foreseen, known.guard_held), (0, false, false, false));
    Ok(())
}

/// The question when that very failure has just happened.
fn asked_after(fact: &Fact) -> PriorsQuery {
    let keys = fact.keys.keys();
    let Keys { derived, concept, fingerprint_hash: fingerprint, .. } = keys;
    let about = AskedFor::Failure(FailureKeys { derived, concept, fingerprint });
    PriorsQuery { about, limit: 200, ..question(&fact.keys.task_line) }
}

/// What the capsule and the concept of a fact's failure say, in a replay of the facts before it: nothing is stale.
fn replayed_after(
    past: &mut Past<'_>,
    before: &Replay,
    (ledger, position): (&Ledger, usize),
    rules: &Rules,
) -> Result<(), TestCaseError> {
    let fact = &ledger.facts[position];
    let known = past.after(fact);
    let capsule = before.derived.capsules.iter().find(|capsule| capsule.derived_key == fact.keys.derived);
    let concept = before.derived.concepts.iter().find(|concept| concept.concept_key == fact.keys.concept);
    prop_assert_eq!((known.repeated, known.concept), (capsule.is_some(), concept.is_some()));
    let own = capsule.map(|capsule| holds(&capsule.figures(), &rules.policy, None));
    let elsewhere = concept.map(|concept| holds(&concept.figures(), &rules.policy, None));
    prop_assert_eq!(known.dead_end, own.as_ref().is_some_and(|holds| holds.contains(&Hold::DeadEnd)));
    let own_first = capsule.and_then(|capsule| capsule.remedies.first()).map(offer);
    let elsewhere_first = concept.and_then(|concept| concept.remedies.first()).map(offer);
    prop_assert_eq!((known.own, known.elsewhere), (own_first, elsewhere_first));
    prop_assert_eq!(known.advised(), own_first.or(elsewhere_first));
    let answer = priors(&Memory::of(before, rules), &asked_after(fact));
    let first = |tier| first_of(answer.priors.iter().find(|prior| prior.tier == tier));
    prop_assert_eq!(
        (known.own, known.elsewhere),
        (first(Tier::Exact), first(Tier::Concept)),
        "as the question answers"
    );
    prop_assert_eq!(known.prescribed(), first_of(answer.to_follow()));
    let unheld = |holds: &Option<Vec<Hold>>| holds.as_ref().is_some_and(Vec::is_empty);
    let own = own_first.filter(|_| unheld(&own));
    prop_assert_eq!(known.prescribed(), own.or(elsewhere_first.filter(|_| unheld(&elsewhere))));
    Ok(())
}

/// Decisions without what became of them.
fn answers(decisions: &[Decision]) -> Vec<Decision> {
    decisions.iter().map(|decision| Decision { outcome: Outcome::default(), ..decision.clone() }).collect()
}

/// What is known later of an outcome: that it came, or whether it held. What ended stays ended.
fn may_follow(before: Outcome, after: Outcome) -> bool {
    let proven = |before: Proof, after: Proof| before == after || before == Proof::Pending && after != Proof::Momentary;
    let ending = match (before.ending, after.ending) {
        (Ending::Open, _) => true,
        (Ending::Resolved { remedy, proof }, Ending::Resolved { remedy: same, proof: then }) => {
            remedy == same && proven(proof, then)
        }
        (before, after) => before == after,
    };
    let again = before.again == after.again || after.again && before.ending == Ending::Open;
    let unended = before.passed_at.is_none() && !before.failed_otherwise;
    let reruns = before.failed_reruns == after.failed_reruns || unended && before.failed_reruns < after.failed_reruns;
    let seen = (before.passed_at, before.failed_otherwise) == (after.passed_at, after.failed_otherwise);
    ending && again && reruns && (seen || unended)
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
    fn before_and_after_are_what_a_replay_of_the_facts_before_says(
        (records, setting) in world(),
    ) {
        let ledger = setting.replay(records).ledger;
        let mut past = Past::new(&setting.rules);
        for fact in ledger.line_facts() {
            // Before every fact, not the failing ones alone.
            let at = (&ledger, fact.position);
            let before = replay(first(&ledger, fact.position), &setting.rules, Some(fact.fact.ordered_ts));
            replayed_before(&mut past, &before, at, &setting.rules)?;
            replayed_after(&mut past, &before, at, &setting.rules)?;
            strange(&mut past, &before, at, &setting.rules)?;
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
            let (before, after) = (before.outcome, after.outcome);
            prop_assert!(may_follow(before, after), "{before:?} became {after:?}");
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
            prop_assert_eq!(&other.after.prescribed, &swept.prescribed, "{} {}", swept.threshold, swept.value);
        }
    }

    #[test]
    fn every_figure_adds_up((records, setting) in world()) {
        let ledger = setting.replay(records).ledger;
        let all = backtest(&ledger, &setting.rules);
        let walked = walk(&ledger, &setting.rules);
        let minted = replay(first(&ledger, ledger.facts.len()), &setting.rules, None).bound;
        let failures = ledger.facts.iter().zip(&minted).filter(|(fact, bound)| fact.is_failing() && bound.minted);
        prop_assert_eq!(all.decisions, failures.count() as u64);
        endings_add_up(&all.endings, all.decisions)?;
        prop_assert_eq!(all.before.answered + all.known.nothing, all.decisions);
        prop_assert!(all.known.foreseen <= all.known.repeated && all.known.repeated <= all.known.exact);
        let known = walked.decisions.iter().filter(|decision| decision.after.repeated || decision.after.concept);
        prop_assert_eq!(all.after.answered, known.count() as u64);
        let dead_ends = walked.decisions.iter().filter(|decision| decision.after.dead_end).count() as u64;
        prop_assert_eq!(all.dead_ends.offered, dead_ends);
        prop_assert_eq!(all.baselines[0].score.offered, all.decisions, "a rerun can always be tried");
        let guards = all.guards;
        prop_assert_eq!((guards.denials, guards.conflicts), (walked.denials, walked.guard_conflicts));
        prop_assert!(guards.conflicts <= guards.denials && guards.held <= all.decisions);
        scores_add_up(&all)?;
        cuts_add_up(&all)?;
    }
}

fn endings_add_up(endings: &Endings, decisions: u64) -> Result<(), TestCaseError> {
    let Endings { again, cleared, contradicted, given_up, held, open, resolved, with_remedy } = *endings;
    prop_assert_eq!(open + cleared + resolved + given_up, decisions);
    prop_assert!(again <= decisions && with_remedy <= resolved && held + contradicted <= resolved);
    Ok(())
}

/// Every score of a backtest, and what each share is taken of.
fn scores_add_up(all: &Backtest) -> Result<(), TestCaseError> {
    let of = |question: &QuestionFigures| [question.advised, question.prescribed];
    let mut scores: Vec<Score> = [of(&all.before), of(&all.after)].concat();
    scores.push(all.dead_ends);
    scores.extend(all.baselines.iter().map(|baseline| baseline.score));
    scores.extend(all.calibration.iter().map(|band| band.score));
    scores.extend(all.kinds.iter().map(|kind| kind.prescribed));
    scores.extend(all.sweep.iter().map(|swept| swept.prescribed));
    scores.extend(all.over_time.iter().flat_map(|part| of(&part.after)));
    scores.extend(all.reasons.iter().flat_map(|reason| of(&reason.after)));
    for score in scores {
        let Score { offered, open, right, wrong, .. } = score;
        prop_assert_eq!(offered, open + right + wrong);
        let share = |of: u64| (of > 0).then(|| right * 1_000_000 / of);
        prop_assert_eq!((score.precision_ppm, score.strict_ppm), (share(right + wrong), share(offered)));
        let bound = |wrong: u64| (right + wrong > 0).then(|| confidence_ppm(right, wrong));
        prop_assert_eq!(score.precision_ppm_lower, bound(wrong));
        prop_assert_eq!(score.strict_ppm_lower, bound(wrong + open));
        prop_assert!(
            score.strict_ppm <= score.precision_ppm || score.precision_ppm.is_none(),
            "from one end to the other"
        );
    }
    for question in [all.before, all.after] {
        prop_assert!(question.prescribed.offered <= question.answered);
        prop_assert!(question.advised.offered <= question.answered);
    }
    prop_assert!(all.after.prescribed.offered <= all.after.advised.offered);
    Ok(())
}

/// Whatever a history is cut by, its parts come to the whole.
fn cuts_add_up(all: &Backtest) -> Result<(), TestCaseError> {
    type Figure = (&'static str, fn(&QuestionFigures) -> u64);
    let figures: [Figure; 5] = [
        ("answered", |after| after.answered),
        ("advised", |after| after.advised.offered),
        ("advised and right", |after| after.advised.right),
        ("prescribed", |after| after.prescribed.offered),
        ("prescribed and wrong", |after| after.prescribed.wrong),
    ];
    for (name, figure) in figures {
        let parts = all.over_time.iter().map(|part: &BacktestPart| figure(&part.after)).sum::<u64>();
        let reasons = all.reasons.iter().map(|reason: &ReasonFigures| figure(&reason.after)).sum::<u64>();
        prop_assert_eq!([parts, reasons], [figure(&all.after); 2], "{}", name);
    }
    let decisions = all.over_time.iter().map(|part| part.decisions).sum::<u64>();
    prop_assert_eq!((decisions, all.reasons.iter().map(|r| r.decisions).sum()), (all.decisions, all.decisions));
    for reason in &all.reasons {
        endings_add_up(&reason.endings, reason.decisions)?;
    }
    let sum = |of: fn(&Score) -> u64| all.calibration.iter().map(|band| of(&band.score)).sum::<u64>();
    let advised = all.after.advised;
    prop_assert_eq!((sum(|s| s.offered), sum(|s| s.right)), (advised.offered, advised.right), "each in one band");
    let sum = |of: fn(&Score) -> u64| all.kinds.iter().map(|kind| of(&kind.prescribed)).sum::<u64>();
    let prescribed = all.after.prescribed;
    prop_assert_eq!((sum(|s| s.offered), sum(|s| s.wrong)), (prescribed.offered, prescribed.wrong), "each of one kind");
    Ok(())
}

fn ended(ending: Ending) -> Outcome {
    Outcome { ending, ..Outcome::default() }
}

#[test]
fn a_rerun_is_right_when_it_passes_within_as_many_as_were_advised() {
    let rerun =
        |advised| Offer { identity: rerun_identity(), confidence_ppm: 0, momentary: true, reruns: Some(advised) };
    let at = |passed_at: Option<u64>, failed_reruns: u64, failed_otherwise: bool| Outcome {
        passed_at,
        failed_reruns,
        failed_otherwise,
        ..ended(Ending::Cleared)
    };
    for (outcome, within_one, within_two) in [
        (at(None, 0, false), Worth::Open, Worth::Open),
        (at(Some(1), 0, false), Worth::Right, Worth::Right),
        (at(Some(2), 1, false), Worth::Wrong, Worth::Right),
        (at(Some(3), 2, false), Worth::Wrong, Worth::Wrong),
        (at(None, 1, false), Worth::Wrong, Worth::Open),
        (at(None, 2, false), Worth::Wrong, Worth::Wrong),
        (at(None, 0, true), Worth::Wrong, Worth::Wrong),
    ] {
        assert_eq!([outcome.of_offer(&rerun(1)), outcome.of_offer(&rerun(2))], [within_one, within_two], "{outcome:?}");
        // However the row ended: what a rerun promises is told by reruns.
        let open = Outcome { ending: Ending::Open, ..outcome };
        assert_eq!(open.of_offer(&rerun(1)), within_one);
    }
}

#[test]
fn other_remedies_are_right_when_they_end_the_row_and_durable_ones_when_that_held() {
    let [own, other] = [b"own", b"oth"].map(|name| Sha256Hash::of(name));
    let offer = |momentary| Offer { identity: own, confidence_ppm: 0, momentary, reruns: None };
    let resolved = |remedy, proof| ended(Ending::Resolved { remedy, proof });
    for (outcome, worth) in [
        (ended(Ending::Open), Worth::Open),
        (Outcome { again: true, ..ended(Ending::Open) }, Worth::Open),
        (ended(Ending::Cleared), Worth::Wrong),
        (ended(Ending::GivenUp), Worth::Wrong),
        (resolved(None, Proof::Held), Worth::Wrong),
        (resolved(Some(other), Proof::Held), Worth::Wrong),
        (resolved(Some(other), Proof::Momentary), Worth::Wrong),
        (resolved(Some(own), Proof::Momentary), Worth::Right),
        (resolved(Some(own), Proof::Pending), Worth::Open),
        (resolved(Some(own), Proof::Held), Worth::Right),
        (resolved(Some(own), Proof::Contradicted), Worth::Wrong),
    ] {
        assert_eq!([true, false].map(|momentary| outcome.of_offer(&offer(momentary))), [worth; 2], "{outcome:?}");
    }
}

#[test]
fn a_dead_end_is_right_when_work_on_it_is_given_up() {
    assert_eq!(ended(Ending::GivenUp).of_dead_end(), Worth::Right);
    assert_eq!(ended(Ending::Open).of_dead_end(), Worth::Open);
    assert_eq!(ended(Ending::Cleared).of_dead_end(), Worth::Wrong);
    let resolved = ended(Ending::Resolved { remedy: None, proof: Proof::Pending });
    assert_eq!(resolved.of_dead_end(), Worth::Wrong, "somebody got over it, whatever came of that");
}

/// What happens to the decisions of one history, by name.
fn happenings(ledger: &Ledger, setting: &Setting) -> Vec<&'static str> {
    let report = backtest(ledger, &setting.rules);
    let (known, guards, endings) = (report.known, report.guards, report.endings);
    let (before, after) = (report.before, report.after);
    let walked = walk(ledger, &setting.rules);
    let any = |is: fn(&Decision) -> bool| walked.decisions.iter().any(is);
    let of = |is: fn(&Offer) -> bool, worth| {
        let worths = walked.decisions.iter().filter_map(|decision| {
            let offer = decision.after.prescribed().filter(is)?;
            Some(decision.outcome.of_offer(&offer))
        });
        worths.into_iter().any(|found| found == worth)
    };
    let rerun = |offer: &Offer| offer.reruns.is_some();
    let (momentary, durable) =
        (|offer: &Offer| offer.momentary && offer.reruns.is_none(), |offer: &Offer| !offer.momentary);
    let all = [
        (known.elsewhere > 0, "known elsewhere"),
        (known.foreseen > 0, "foreseen"),
        (known.repeated > known.foreseen, "repeated, but not first"),
        (any(|d| d.before.exact == 0 && d.before.concepts > 0), "a concept for a line that nobody knows"),
        (any(|d| !d.after.repeated && d.after.elsewhere.is_some()), "a failure known by its concept alone"),
        (any(|d| d.after.prescribed().is_some_and(|o| Some(o) != d.after.own)), "prescribed by a concept"),
        (before.prescribed.right > 0, "prescribed before, and right"),
        (before.prescribed.wrong > 0, "prescribed before, and wrong"),
        (guards.held > 0, "held by a guard alone"),
        (guards.conflicts > 0, "a guard conflict"),
        (after.advised.wrong > 0, "advised and wrong"),
        (of(rerun, Worth::Right), "a rerun that was right"),
        (of(rerun, Worth::Wrong), "a rerun that was wrong"),
        (of(rerun, Worth::Open), "a rerun that is open"),
        (of(momentary, Worth::Right), "a momentary remedy that was right"),
        (of(momentary, Worth::Wrong), "a momentary remedy that was wrong"),
        (of(durable, Worth::Right), "a durable remedy that was right"),
        (of(durable, Worth::Wrong), "a durable remedy that was wrong"),
        (of(durable, Worth::Open), "a durable remedy that is open"),
        (report.dead_ends.right > 0, "a dead end"),
        (report.dead_ends.wrong > 0, "a dead end that was none"),
        (endings.contradicted > 0, "contradicted"),
        (endings.held > 0, "held"),
        (endings.cleared > 0, "cleared"),
        (endings.again > 0, "again"),
        (report.sweep.iter().any(|swept| swept.prescribed != after.prescribed), "a threshold that matters"),
    ];
    all.into_iter().filter_map(|(happens, what)| happens.then_some(what)).collect()
}

#[test]
fn everything_that_is_scored_happens_in_generated_histories() {
    let mut runner = TestRunner::deterministic();
    let mut found: BTreeMap<&str, usize> = BTreeMap::new();
    for _ in 0..1_200 {
        let (records, setting) = world().new_tree(&mut runner).unwrap().current();
        let ledger = setting.replay(records).ledger;
        happenings(&ledger, &setting).into_iter().for_each(|what| *found.entry(what).or_default() += 1);
    }
    println!("{found:#?}");
    assert_eq!(found.len(), 26, "{found:#?}");
    assert!(found.values().all(|times| *times >= 8), "{found:#?}");
}
