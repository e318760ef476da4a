//! Generated histories are worth something only if everything happens in them.

use std::collections::{BTreeMap, BTreeSet};

use dome_arbitrary::wide_history;
use dome_binder::{
    Capsule, CapsuleKind, CapsuleStanding, Concept, Fact, Happened, Hold, LineState, RemedyRecord, Verdict,
    rerun_identity,
};
use dome_core::{Decision, Signal, Status};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;

use super::super::histories::events::dense;
use super::support::{Loaded, Setting, load_lines, setting};

/// What happens in one history, by name.
fn happenings(setting: &Setting, loaded: &Loaded) -> BTreeSet<&'static str> {
    let replay = setting.replay(loaded.records.clone());
    let mut seen = BTreeSet::new();
    let mut note = |happens: bool, what: &'static str| {
        if happens {
            seen.insert(what);
        }
    };
    let counts = replay.ledger.counts;
    note(loaded.rejected > 0, "a broken line");
    note(loaded.blank > 0, "a blank line");
    note(counts.duplicates > 0, "a duplicate");
    note(counts.runs_with_sequence_repeats > 0, "a repeated sequence");
    note(counts.runs_with_sequence_gaps > 0, "a gap in a sequence");
    note(counts.runs_with_mixed_policy > 0, "a mixed policy");
    note(counts.facts_out_of_clock_order > 0, "a clock that runs backwards");
    note(replay.derived.applied_unknown > 0, "an unknown capsule applied");
    note(replay.derived.applied_too_early > 0, "a capsule applied too early");
    for conflict in &replay.ledger.conflicts {
        note(conflict.rejection.problems()[0].code.as_str() == "event_id_conflict", "an event id conflict");
        note(conflict.rejection.problems()[0].code.as_str() == "idempotency_conflict", "an idempotency conflict");
    }
    let lines: BTreeMap<_, _> =
        replay.derived.capsules.iter().map(|capsule| (capsule.derived_key, capsule.line_key)).collect();
    for fact in &replay.ledger.facts {
        let applied = fact.applied_capsule().and_then(|key| lines.get(key));
        note(applied.is_some_and(|line| *line != fact.keys.line), "a capsule of another line applied");
        fact_happenings(fact, &mut note);
    }
    for bound in &replay.bound {
        bound.triggers.iter().for_each(|trigger| note(true, trigger.as_str()));
        note(!bound.minted, "a fact that does not mint");
    }
    replay.derived.capsules.iter().for_each(|capsule| capsule_happenings(capsule, &mut note));
    replay.derived.concepts.iter().for_each(|concept| concept_happenings(concept, &mut note));
    for line in replay.ledger.lines() {
        let mut state = LineState::default();
        for fact in &line.facts {
            let effects = state.push(fact, &setting.rules).effects;
            effects.iter().for_each(|effect| effect_happenings(effect.what, &mut note));
        }
    }
    seen
}

/// What a fact says, whatever came before.
fn fact_happenings(fact: &Fact, note: &mut impl FnMut(bool, &'static str)) {
    note(fact.applied_capsule() == Some(&fact.keys.derived), "its own key applied");
    let evals = &fact.guard_evals();
    let denied = evals.iter().any(dome_core::GuardEval::denies);
    note(fact.signal == Signal::Denial && denied, "a denial with a guard that denied");
    note(fact.signal == Signal::Denial && evals.is_empty(), "a denial without guards");
    let allowed = evals.iter().any(|eval| eval.decision == Some(Decision::Allow));
    note(fact.signal == Signal::Denial && !denied && allowed, "an ALLOW beside a plain denial");
    note(fact.is_succeeding() && denied, "a success with a DENY");
    note(allowed, "an ALLOW");
    note(evals.iter().any(|eval| eval.decision == Some(Decision::Stop)), "a STOP");
    note(fact.gates.iter().any(|gate| gate.status == Status::Skip), "a skipped gate");
    note(fact.is_failing() && fact.signal != Signal::Failure, "a failed gate without a failure");
}

/// What a fact did to a capsule.
fn effect_happenings(what: Happened, note: &mut impl FnMut(bool, &'static str)) {
    match what {
        Happened::Minted => {}
        Happened::Failed { intermittent, stale } => {
            note(intermittent, "a failure after a success at its subject");
            note(stale, "a stale failure");
        }
        Happened::RowBegan { failed_runs, passed_runs } => {
            note(failed_runs > 0 && passed_runs > 0, "a row that both kinds of runs came before");
        }
        Happened::Again { remedy } => note(remedy.is_some(), "a remedy tried in vain"),
        Happened::Contradicted { remedy } => note(remedy.is_some(), "a contradiction of a remedy"),
        Happened::Recurred => note(true, "a recurrence"),
        Happened::Reran { number, passed } => {
            note(passed, "a rerun that passed");
            note(!passed, "a rerun that failed");
            note(number > 1, "a second rerun");
        }
        Happened::TurnedIntermittent { .. } => note(true, "a failure before a success at its subject"),
        Happened::Cleared => note(true, "a row that ended as cleared"),
        Happened::Resolved { clean_needed, remedy } => {
            note(clean_needed == 0, "a resolution by a momentary remedy");
            note(clean_needed > 0 && remedy.is_some(), "a resolution by a durable remedy");
            note(remedy.is_none(), "a resolution that nobody named");
        }
        Happened::CleanRun { clean_count, clean_needed } => {
            note(clean_count < clean_needed, "a clean run that is not enough");
            note(clean_count > 1, "a second clean run");
        }
        Happened::Held { remedy } => note(remedy.is_some(), "a remedy that held"),
        Happened::GivenUp => note(true, "a row that was given up"),
    }
}

/// What the remedies of a capsule or concept show.
fn remedy_happenings(remedies: &[RemedyRecord], note: &mut impl FnMut(bool, &'static str)) {
    note(remedies.len() > 1, "two remedies of one capsule");
    for remedy in remedies {
        let rerun = remedy.identity == rerun_identity();
        note(!rerun && remedy.contradicted_count > 0, "a contradicted remedy");
        note(!rerun && remedy.count > 1, "a remedy of two runs");
        note(remedy.pending_count > 0, "a remedy that is not yet proven");
        note(remedy.momentary && !rerun, "a momentary remedy");
        note(remedy.reruns == Some(1), "one rerun advised");
        note(remedy.reruns.is_some_and(|reruns| reruns > 1), "more than one rerun advised");
    }
}

/// What a concept shows.
fn concept_happenings(concept: &Concept, note: &mut impl FnMut(bool, &'static str)) {
    note(concept.capsule_count > 1, "a concept of two capsules");
    note(concept.run_count < concept.support_count, "a concept of a run that hit it twice");
    note(concept.verdict == Verdict::Prescriptive, "a prescriptive concept");
    note(concept.verdict == Verdict::Advisory, "an advisory concept");
    note(concept.verdict == Verdict::Blocked, "a blocked concept");
    concept.holds.iter().for_each(|hold| note(true, concept_hold(*hold)));
}

const fn concept_hold(hold: Hold) -> &'static str {
    match hold {
        Hold::LowSupport => "a concept: low_support",
        Hold::LowRunCount => "a concept: low_run_count",
        Hold::NoRemedy => "a concept: no_remedy",
        Hold::LowConfidence => "a concept: low_confidence",
        Hold::Contradicted => "a concept: contradicted",
        Hold::DurableElsewhere => "a concept: durable_elsewhere",
        Hold::Refuted => "a concept: refuted",
        Hold::Stale => "a concept: stale",
        Hold::StopClass => "a concept: stop_class",
        Hold::UnknownReasonCode => "a concept: unknown_reason_code",
        _ => "a concept: what cannot be told of one",
    }
}

/// What a capsule shows.
fn capsule_happenings(capsule: &Capsule, note: &mut impl FnMut(bool, &'static str)) {
    note(capsule.resolved_count > 0, "a resolution");
    note(capsule.contradiction_count > 0, "a contradiction");
    note(capsule.intermittent_count > 0, "an intermittent capsule");
    note(capsule.held_count > 0, "a capsule that held");
    note(capsule.given_up_count > 0, "a capsule that was given up");
    note(capsule.stream_count > 1, "a capsule of two streams");
    note(capsule.confirmed_count > 0, "a confirmation");
    note(capsule.refuted_count > 0, "a refutation");
    note(capsule.blocked_count > 0, "a blocked application");
    note(capsule.kind == CapsuleKind::Denial, "a capsule of denials");
    note(capsule.kind == CapsuleKind::Pattern, "a pattern");
    note(capsule.run_count > 1, "a capsule of two runs");
    note(capsule.verdict == Verdict::Prescriptive, "a prescriptive capsule");
    note(capsule.verdict == Verdict::Advisory, "an advisory capsule");
    note(capsule.verdict == Verdict::Blocked, "a blocked capsule");
    note(capsule.state_lane.is_some() && capsule.state_job.is_some(), "a state of a lane and a job");
    capsule.state.iter().for_each(|state| note(true, standing(*state)));
    capsule.holds.iter().for_each(|hold| note(true, hold.as_str()));
    remedy_happenings(&capsule.remedies, note);
}

const fn standing(standing: CapsuleStanding) -> &'static str {
    match standing {
        CapsuleStanding::GivenUp => "state given_up",
        CapsuleStanding::Broken => "state broken",
        CapsuleStanding::Failing => "state failing",
        CapsuleStanding::Cleared => "state cleared",
        CapsuleStanding::Pending => "state pending",
        CapsuleStanding::Held => "state held",
    }
}

/// What happens in histories of every kind, and in how many of 600 at least.
const EXPECTED: [(&str, usize); 89] = [
    ("a blank line", 60),
    ("a blocked application", 60),
    ("a blocked capsule", 60),
    ("a blocked concept", 60),
    ("a broken line", 60),
    ("a capsule applied too early", 60),
    ("a capsule of another line applied", 60),
    ("a capsule of denials", 60),
    ("a capsule of two runs", 60),
    ("a capsule of two streams", 60),
    ("a capsule that held", 20),
    ("a capsule that was given up", 60),
    ("a clean run that is not enough", 60),
    ("a clock that runs backwards", 60),
    ("a concept of a run that hit it twice", 60),
    ("a concept of two capsules", 60),
    ("a concept: contradicted", 60),
    ("a concept: durable_elsewhere", 60),
    ("a concept: low_confidence", 60),
    ("a concept: low_run_count", 20),
    ("a concept: low_support", 20),
    ("a concept: no_remedy", 60),
    ("a concept: refuted", 60),
    ("a concept: stale", 60),
    ("a concept: stop_class", 20),
    ("a concept: unknown_reason_code", 60),
    ("a confirmation", 6),
    ("a contradicted remedy", 60),
    ("a contradiction", 60),
    ("a contradiction of a remedy", 20),
    ("a denial with a guard that denied", 60),
    ("a denial without guards", 60),
    ("a duplicate", 60),
    ("a fact that does not mint", 60),
    ("a failed gate without a failure", 60),
    ("a failure after a success at its subject", 6),
    ("a failure before a success at its subject", 6),
    ("a gap in a sequence", 60),
    ("a mixed policy", 60),
    ("a pattern", 60),
    ("a recurrence", 20),
    ("a refutation", 60),
    ("a remedy that held", 20),
    ("a remedy that is not yet proven", 60),
    ("a remedy tried in vain", 6),
    ("a repeated sequence", 60),
    ("a rerun that failed", 6),
    ("a rerun that passed", 6),
    ("a resolution", 60),
    ("a resolution by a durable remedy", 60),
    ("a resolution that nobody named", 60),
    ("a row that both kinds of runs came before", 60),
    ("a row that was given up", 60),
    ("a second clean run", 60),
    ("a skipped gate", 60),
    ("a state of a lane and a job", 60),
    ("a STOP", 60),
    ("a success with a DENY", 60),
    ("an advisory capsule", 60),
    ("an advisory concept", 60),
    ("an ALLOW", 60),
    ("an ALLOW beside a plain denial", 60),
    ("an event id conflict", 60),
    ("an idempotency conflict", 60),
    ("an intermittent capsule", 20),
    ("an unknown capsule applied", 60),
    ("contradicted", 60),
    ("dead_end", 60),
    ("guard_denied", 60),
    ("its own key applied", 60),
    ("latency_delta", 60),
    ("low_confidence", 60),
    ("low_run_count", 60),
    ("low_support", 60),
    ("no_remedy", 60),
    ("one rerun advised", 6),
    ("refuted", 60),
    ("retry_storm", 60),
    ("stale", 60),
    ("state broken", 20),
    ("state cleared", 6),
    ("state failing", 60),
    ("state given_up", 60),
    ("state held", 20),
    ("state pending", 60),
    ("stop_class", 60),
    ("two remedies of one capsule", 6),
    ("unknown_reason_code", 60),
    ("unseen_denial", 60),
];

/// What happens in histories of few failures that are often tried again, and in how many of 600 at least.
const DENSE: [(&str, usize); 66] = [
    ("a blocked capsule", 60),
    ("a blocked concept", 20),
    ("a capsule of two runs", 60),
    ("a capsule of two streams", 60),
    ("a capsule that held", 60),
    ("a capsule that was given up", 60),
    ("a clean run that is not enough", 60),
    ("a concept of a run that hit it twice", 60),
    ("a concept of two capsules", 60),
    ("a concept: contradicted", 60),
    ("a concept: durable_elsewhere", 20),
    ("a concept: low_confidence", 60),
    ("a concept: low_run_count", 6),
    ("a concept: low_support", 6),
    ("a concept: no_remedy", 60),
    ("a concept: refuted", 60),
    ("a concept: stale", 60),
    ("a confirmation", 20),
    ("a contradicted remedy", 60),
    ("a contradiction", 60),
    ("a contradiction of a remedy", 20),
    ("a failure after a success at its subject", 60),
    ("a failure before a success at its subject", 60),
    ("a momentary remedy", 60),
    ("a prescriptive capsule", 6),
    ("a prescriptive concept", 6),
    ("a recurrence", 60),
    ("a refutation", 60),
    ("a remedy of two runs", 6),
    ("a remedy that held", 20),
    ("a remedy that is not yet proven", 20),
    ("a remedy tried in vain", 60),
    ("a rerun that failed", 60),
    ("a rerun that passed", 60),
    ("a resolution", 60),
    ("a resolution by a durable remedy", 60),
    ("a resolution by a momentary remedy", 60),
    ("a resolution that nobody named", 60),
    ("a row that both kinds of runs came before", 60),
    ("a row that ended as cleared", 60),
    ("a row that was given up", 60),
    ("a second clean run", 60),
    ("a second rerun", 60),
    ("a stale failure", 20),
    ("a state of a lane and a job", 6),
    ("an advisory capsule", 60),
    ("an advisory concept", 60),
    ("an intermittent capsule", 60),
    ("contradicted", 60),
    ("dead_end", 60),
    ("low_confidence", 60),
    ("low_run_count", 60),
    ("low_support", 60),
    ("more than one rerun advised", 60),
    ("no_remedy", 60),
    ("one rerun advised", 60),
    ("refuted", 60),
    ("rerun_of_broken", 6),
    ("stale", 60),
    ("state broken", 20),
    ("state cleared", 60),
    ("state failing", 60),
    ("state given_up", 60),
    ("state held", 20),
    ("state pending", 60),
    ("two remedies of one capsule", 60),
];

/// In how many of so many worlds each thing happens.
fn found(
    strategy: &impl Strategy<Value = (Loaded, Setting)>,
    worlds: usize,
    expected: &[(&'static str, usize)],
) -> BTreeMap<&'static str, usize> {
    let mut runner = TestRunner::deterministic();
    let mut found: BTreeMap<&str, usize> = BTreeMap::new();
    for _ in 0..worlds {
        let (loaded, setting) = strategy.new_tree(&mut runner).unwrap().current();
        for what in happenings(&setting, &loaded) {
            *found.entry(what).or_default() += 1;
        }
    }
    for (what, least) in expected {
        let times = found.remove(what).unwrap_or(0);
        println!("{times:4} of {worlds}: {what}");
        assert!(times >= *least, "{what}: {times} of {worlds} histories");
    }
    found
}

#[test]
fn section14_everything_that_laws_speak_of_happens_in_generated_histories() {
    let wide = (wide_history().prop_map(|history| load_lines(&history.lines)), setting());
    let rest = found(&wide, 600, &EXPECTED);
    let dense: BTreeSet<&str> = DENSE.iter().map(|(what, _)| *what).collect();
    let unnamed: Vec<_> = rest.iter().filter(|(what, _)| !dense.contains(*what)).collect();
    assert!(unnamed.is_empty(), "not expected by name: {unnamed:#?}");
}

#[test]
fn section9_everything_that_folding_knows_of_happens_in_dense_histories() {
    let dense = (dense().prop_map(|records| Loaded { records, ..Loaded::default() }), setting());
    let rest = found(&dense, 600, &DENSE);
    let wide: BTreeSet<&str> = EXPECTED.iter().map(|(what, _)| *what).collect();
    let unnamed: Vec<_> = rest.iter().filter(|(what, _)| !wide.contains(*what)).collect();
    assert!(unnamed.is_empty(), "not expected by name: {unnamed:#?}");
}
