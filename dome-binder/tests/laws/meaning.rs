//! L-6, L-8, L-9 and L-11: what codes, time, modes and lanes may do, and what they may not.

use std::collections::{BTreeMap, BTreeSet};

use dome_arbitrary::history;
use dome_binder::{Capsule, Effect, Figures, LineState, Rules, Verdict, confidence_ppm, holds};
use dome_core::{Sha256Hash, Timestamp, WrapperPolicy, read};
use proptest::prelude::*;
use serde_json::Value;

use super::support::{Setting, defaults, load_lines, load_values, setting};

/// The figures that a finished capsule's holds come from.
fn figures(capsule: &Capsule) -> Figures {
    Figures {
        support_count: capsule.support_count,
        run_count: capsule.run_count,
        resolved_count: capsule.resolved_count,
        remedy_count: capsule.remedies.len() as u64,
        remedy_confidence_ppm: capsule.remedies.first().map(|remedy| remedy.confidence_ppm),
        confidence_ppm: capsule.confidence_ppm,
        successes: capsule.resolved_count + capsule.confirmed_count,
        failures: capsule.contradiction_count + capsule.refuted_count,
        last_seen_ts: capsule.last_seen_ts,
        class: capsule.class,
        reason_code_known: capsule.reason_code_known,
        guard_denied: capsule.holds.contains(&dome_binder::Hold::GuardDenied),
    }
}

fn verdicts(setting: &Setting, lines: &[Vec<u8>]) -> BTreeMap<Sha256Hash, Verdict> {
    let capsules = setting.replay(load_lines(lines).records).derived.capsules;
    capsules.into_iter().map(|capsule| (capsule.derived_key, capsule.verdict)).collect()
}

fn minted(lines: &[Vec<u8>], rules: &Rules, mode: WrapperPolicy) -> BTreeSet<usize> {
    let rules = Rules { mode: Some(mode), ..rules.clone() };
    let replay = dome_binder::replay(load_lines(lines).records, &rules, None);
    let minted = replay.bound.iter().enumerate().filter(|(_, bound)| bound.minted);
    minted.map(|(position, _)| position).collect()
}

proptest! {
    #[test]
    fn l6_policy_codes_change_no_failure_of_a_history(history in history(), code in 0_usize..3) {
        let loaded = load_lines(&history.lines);
        let changed: Vec<Value> = loaded.records.iter().map(|record| {
            let mut value: Value = serde_json::from_slice(record.canonical.held().unwrap()).unwrap();
            let members = value.as_object_mut().unwrap();
            members.insert("policy_reason_code".to_owned(), ["P_A", "P_B", "TESTS_FAILED"][code].into());
            value
        }).collect();
        let changed = load_values(&changed);
        prop_assert_eq!(changed.records.len(), loaded.records.len());
        for (before, after) in loaded.records.iter().zip(&changed.records) {
            prop_assert_eq!(&before.keys.failure_reason_code, &after.keys.failure_reason_code);
            prop_assert_eq!(before.keys.fingerprint_hash, after.keys.fingerprint_hash);
            prop_assert_eq!(before.keys.derived, after.keys.derived);
            prop_assert_eq!(before.keys.concept, after.keys.concept);
            prop_assert_eq!(before.is_failing(), after.is_failing());
        }
    }

    #[test]
    fn l8_a_later_as_of_never_gives_a_better_verdict(
        history in history(), setting in setting(), seconds in 0_i64..5_000_000, later in 0_i64..5_000_000,
    ) {
        let at = |seconds: i64| Setting {
            as_of: Some(Timestamp::from_unix(1_771_113_600 + seconds, 0).unwrap()),
            ..setting.clone()
        };
        let before = verdicts(&at(seconds), &history.lines);
        let after = verdicts(&at(seconds + later), &history.lines);
        for (key, verdict) in &after {
            prop_assert!(*verdict <= before[key], "{key}");
        }
    }

    #[test]
    fn l8_more_contradictions_or_refutations_never_give_a_better_verdict(
        history in history(), setting in setting(), more in 1_u64..4,
    ) {
        let replay = setting.replay(load_lines(&history.lines).records);
        for capsule in &replay.derived.capsules {
            let figures = figures(capsule);
            let policy = &setting.rules.policy;
            prop_assert_eq!(&holds(&figures, policy, replay.as_of), &capsule.holds);
            let failures = figures.failures + more;
            let confidence_ppm = confidence_ppm(figures.successes, failures);
            let worse = holds(&Figures { failures, confidence_ppm, ..figures }, policy, replay.as_of);
            prop_assert!(Verdict::of(&worse) <= capsule.verdict);
        }
    }

    #[test]
    fn l9_strict_mints_less_than_hybrid_and_hybrid_less_than_lenient(history in history(), setting in setting()) {
        let of = |mode| minted(&history.lines, &setting.rules, mode);
        let (strict, hybrid, lenient) =
            (of(WrapperPolicy::Strict), of(WrapperPolicy::Hybrid), of(WrapperPolicy::Lenient));
        prop_assert!(strict.is_subset(&hybrid) && hybrid.is_subset(&lenient));
        let facts = defaults().replay(load_lines(&history.lines).records).ledger.facts.len();
        prop_assert_eq!(lenient.len(), facts);
    }

    #[test]
    fn l11_a_success_resolves_only_what_is_open_in_its_lane_and_passed(history in history(), setting in setting()) {
        let replay = setting.replay(load_lines(&history.lines).records);
        let gates: BTreeMap<Sha256Hash, Vec<dome_core::GateId>> = replay.ledger.facts.iter()
            .map(|fact| (fact.keys.derived, fact.keys.fingerprint.failed_gates.clone())).collect();
        let mut resolved = 0;
        for line in replay.ledger.lines() {
            let mut state = LineState::default();
            let mut open: BTreeSet<(Option<&dome_core::Lane>, Sha256Hash)> = BTreeSet::new();
            for fact in line.facts.iter() {
                let effects = state.push(fact, &setting.rules).effects;
                let (position, fact) = (fact.position, fact.fact);
                if replay.bound[position].minted && fact.is_failing() {
                    open.insert((fact.tested.lane.as_ref(), fact.keys.derived));
                }
                for effect in effects {
                    let Effect::Resolved { key, .. } = effect else { continue };
                    prop_assert!(fact.is_succeeding());
                    prop_assert!(open.remove(&(fact.tested.lane.as_ref(), key)), "not open in its lane");
                    let status = |gate: &dome_core::GateId| fact.gates.iter().find(|g| g.gate_id == *gate).map(|g| g.status);
                    let passed = gates[&key].iter().all(|gate| status(gate) == Some(dome_core::Status::Pass));
                    prop_assert!(fact.gates.is_empty() || passed);
                    resolved += 1;
                }
            }
        }
        prop_assert_eq!(resolved, replay.derived.capsules.iter().map(|capsule| capsule.resolved_count).sum::<u64>());
    }

    #[test]
    fn l6_a_derived_code_is_never_a_policy_code(history in history(), setting in setting()) {
        let replay = setting.replay(load_lines(&history.lines).records);
        for fact in &replay.ledger.facts {
            let envelope = read(fact.canonical.held().unwrap()).unwrap();
            prop_assert_eq!(&envelope.task_spec.failure_reason_code, &fact.keys.failure_reason_code);
        }
        for capsule in &replay.derived.capsules {
            let own = |fact: &&dome_binder::Fact| fact.keys.derived == capsule.derived_key;
            let codes: BTreeSet<&str> =
                replay.ledger.facts.iter().filter(own).map(|fact| fact.keys.failure_reason_code.as_str()).collect();
            prop_assert_eq!(codes, BTreeSet::from([capsule.failure_reason_code.as_str()]));
        }
    }
}
