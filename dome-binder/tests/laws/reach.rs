//! Generated histories are worth something only if everything happens in them.

use std::collections::{BTreeMap, BTreeSet};

use dome_arbitrary::history;
use dome_binder::{CapsuleKind, Hold, Verdict};
use dome_core::{Decision, Signal, Status};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;

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
        note(conflict.problem.code.as_str() == "event_id_conflict", "an event id conflict");
        note(conflict.problem.code.as_str() == "idempotency_conflict", "an idempotency conflict");
    }
    let lines: BTreeMap<_, _> =
        replay.derived.capsules.iter().map(|capsule| (capsule.derived_key, capsule.line_key)).collect();
    for fact in &replay.ledger.facts {
        let applied = fact.applied_capsule().copied();
        note(applied == Some(fact.keys.derived), "its own key applied");
        let other = applied.and_then(|key| lines.get(&key)).is_some_and(|line| *line != fact.keys.line);
        note(other, "a capsule of another line applied");
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
    for bound in &replay.bound {
        bound.triggers.iter().for_each(|trigger| note(true, trigger.as_str()));
        note(!bound.minted, "a fact that does not mint");
    }
    replay.derived.capsules.iter().for_each(|capsule| capsule_happenings(capsule, &mut note));
    note(replay.derived.concepts.iter().any(|concept| concept.capsule_count > 1), "a concept of two capsules");
    note(replay.derived.concepts.iter().any(|concept| concept.expired), "an expired concept");
    seen
}

/// What a capsule shows.
fn capsule_happenings(capsule: &dome_binder::Capsule, note: &mut impl FnMut(bool, &'static str)) {
    note(capsule.resolved_count > 0, "a resolution");
    note(capsule.contradiction_count > 0, "a contradiction");
    note(capsule.recurrence_count > 0, "a recurrence");
    note(capsule.confirmed_count > 0, "a confirmation");
    note(capsule.refuted_count > 0, "a refutation");
    note(capsule.blocked_count > 0, "a blocked application");
    note(capsule.remedies.len() > 1, "two remedies of one capsule");
    note(capsule.remedies.iter().any(|remedy| remedy.contradicted_count > 0), "a contradicted remedy");
    note(capsule.remedies.iter().any(|remedy| remedy.count > 1), "a remedy of two runs");
    note(capsule.kind == CapsuleKind::Denial, "a capsule of denials");
    note(capsule.kind == CapsuleKind::Pattern, "a pattern");
    note(capsule.run_count > 1, "a capsule of two runs");
    note(capsule.verdict == Verdict::Prescriptive, "a prescriptive capsule");
    note(capsule.verdict == Verdict::Advisory, "an advisory capsule");
    note(capsule.holds.contains(&Hold::GuardDenied), "guard_denied");
    note(capsule.holds.contains(&Hold::Contradicted), "contradicted");
    note(capsule.holds.contains(&Hold::Stale), "stale");
    note(capsule.holds.contains(&Hold::UnprovenRemedy), "unproven_remedy");
    note(capsule.holds.contains(&Hold::StopClass), "stop_class");
    note(capsule.holds.contains(&Hold::UnknownReasonCode), "unknown_reason_code");
}

/// Everything that `happenings` has a name for, with how many of 600 histories it happens in at least.
const EXPECTED: [(&str, usize); 47] = [
    ("a blank line", 60),
    ("a blocked application", 6),
    ("a broken line", 60),
    ("a capsule applied too early", 60),
    ("a capsule of another line applied", 60),
    ("a capsule of denials", 60),
    ("a capsule of two runs", 60),
    ("a clock that runs backwards", 60),
    ("a concept of two capsules", 60),
    ("a confirmation", 6),
    ("a contradicted remedy", 6),
    ("a contradiction", 60),
    ("a denial with a guard that denied", 60),
    ("a denial without guards", 60),
    ("a duplicate", 60),
    ("a fact that does not mint", 60),
    ("a failed gate without a failure", 60),
    ("a gap in a sequence", 60),
    ("a mixed policy", 60),
    ("a pattern", 60),
    ("a prescriptive capsule", 6),
    ("a recurrence", 20),
    ("a refutation", 20),
    ("a remedy of two runs", 6),
    ("a repeated sequence", 60),
    ("a resolution", 60),
    ("a skipped gate", 60),
    ("a success with a DENY", 60),
    ("an ALLOW", 60),
    ("an ALLOW beside a plain denial", 60),
    ("a STOP", 60),
    ("an advisory capsule", 60),
    ("an event id conflict", 60),
    ("an expired concept", 20),
    ("an idempotency conflict", 60),
    ("an unknown capsule applied", 60),
    ("contradicted", 20),
    ("guard_denied", 60),
    ("its own key applied", 20),
    ("latency_delta", 20),
    ("retry_storm", 60),
    ("stale", 60),
    ("stop_class", 60),
    ("two remedies of one capsule", 6),
    ("unknown_reason_code", 60),
    ("unproven_remedy", 20),
    ("unseen_denial", 60),
];

#[test]
fn section14_everything_that_laws_speak_of_happens_in_generated_histories() {
    let mut runner = TestRunner::deterministic();
    let strategy = (history(), setting());
    let mut found: BTreeMap<&str, usize> = BTreeMap::new();
    for _ in 0..600 {
        let (history, setting) = strategy.new_tree(&mut runner).unwrap().current();
        for what in happenings(&setting, &load_lines(&history.lines)) {
            *found.entry(what).or_default() += 1;
        }
    }
    for (what, least) in EXPECTED {
        let times = found.remove(what).unwrap_or(0);
        println!("{times:4} of 600: {what}");
        assert!(times >= least, "{what}: {times} of 600 histories");
    }
    assert!(found.is_empty(), "not expected by name: {found:?}");
}
