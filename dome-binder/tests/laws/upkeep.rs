//! Memory upkeep: what goes stale or is contradicted loses its verdict, by rule, and nothing else.

use std::collections::BTreeMap;

use dome_arbitrary::history;
use dome_binder::{Capsule, Verdict};
use dome_core::{Sha256Hash, Timestamp};
use proptest::prelude::*;

use super::support::{Setting, artifacts, load_lines, setting};

/// A capsule without what decays: its holds and its verdict.
fn lasting(capsule: &Capsule) -> Capsule {
    Capsule { holds: Vec::new(), verdict: Verdict::Advisory, ..capsule.clone() }
}

fn by_key(capsules: &[Capsule]) -> BTreeMap<Sha256Hash, &Capsule> {
    capsules.iter().map(|capsule| (capsule.derived_key, capsule)).collect()
}

/// The counters, which never go back.
fn counters(capsule: &Capsule) -> [u64; 10] {
    [
        capsule.support_count,
        capsule.run_count,
        capsule.failure_count,
        capsule.denial_count,
        capsule.resolved_count,
        capsule.contradiction_count,
        capsule.recurrence_count,
        capsule.confirmed_count,
        capsule.refuted_count,
        capsule.blocked_count,
    ]
}

proptest! {
    #[test]
    fn upkeep_time_takes_a_verdict_and_loses_nothing(history in history(), setting in setting(), years in 1_i64..900) {
        let records = load_lines(&history.lines).records;
        let now = setting.replay(records.clone());
        let much_later = now.as_of.map(|as_of| as_of.to_unix().0 + years * 31_556_952);
        let much_later = much_later.and_then(|seconds| Timestamp::from_unix(seconds, 0).ok());
        let later = Setting { as_of: much_later.or(now.as_of), ..setting.clone() }.replay(records);
        let (now, later, rules) = (&now, &later, &setting.rules);
        let (before, after) = (artifacts(now, rules), artifacts(later, rules));
        prop_assert_eq!(before.facts, after.facts, "not a byte of the facts");
        prop_assert_eq!((before.recent, before.rollup, before.denials), (after.recent, after.rollup, after.denials));
        prop_assert_eq!(now.derived.capsules.len(), later.derived.capsules.len(), "none is deleted");
        for (now, later) in now.derived.capsules.iter().zip(&later.derived.capsules) {
            prop_assert_eq!(lasting(now), lasting(later), "what is known stays known");
            prop_assert!(later.verdict <= now.verdict, "M-93");
            let decayed: Vec<_> = later.holds.iter().filter(|hold| !now.holds.contains(hold)).collect();
            prop_assert!(decayed.iter().all(|hold| hold.as_str() == "stale"), "{decayed:?}");
        }
    }

    #[test]
    fn upkeep_what_comes_later_loses_no_fact_and_takes_no_counter_back(
        history in history(), setting in setting(), cut: prop::sample::Index,
    ) {
        let whole = setting.replay(load_lines(&history.lines).records);
        let cut = cut.index(whole.ledger.facts.len() + 1);
        let first = whole.ledger.facts[..cut].iter().map(|fact| fact.record.clone()).collect();
        let then = setting.replay(first);
        let (before, after) = (artifacts(&then, &setting.rules), artifacts(&whole, &setting.rules));
        prop_assert!(after.facts.starts_with(&before.facts), "facts are only ever added");
        let (before, after) = (by_key(&then.derived.capsules), by_key(&whole.derived.capsules));
        for (key, before) in before {
            let after = after.get(&key);
            prop_assert!(after.is_some(), "a capsule, contradicted or not, stays");
            let counters = after.map_or([0; 10], |after| self::counters(after));
            prop_assert!(self::counters(before).iter().zip(counters).all(|(before, after)| *before <= after));
            prop_assert_eq!(Some(before.first_fact), after.map(|after| after.first_fact));
        }
    }
}
