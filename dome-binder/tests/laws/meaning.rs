//! L-6, L-8, L-9 and L-11: what codes, time, modes and streams may do, and what they may not.

use std::collections::{BTreeMap, BTreeSet};

use dome_arbitrary::history;
use dome_binder::{Effect, Fact, Figures, FirstRemedy, Happened, LineState, Rules, Verdict, confidence_ppm, holds};
use dome_core::{Job, Lane, Sha256Hash, Signal, Timestamp, WrapperPolicy, read};
use proptest::prelude::*;
use serde_json::Value;

use super::support::{Setting, defaults, load_lines, load_values, records, setting};

/// How a key stands in a stream, as far as a success may resolve it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stood {
    Failing,
    Cleared,
}

/// The keys that stand so, by lane, job and key.
#[derive(Default)]
struct Streams<'f>(BTreeMap<(Option<&'f Lane>, Option<&'f Job>, Sha256Hash), Stood>);

impl<'f> Streams<'f> {
    /// How the key of an effect stood in the fact's stream; afterwards it stands as the effect says.
    fn see(&mut self, fact: &'f Fact, effect: Effect) -> Option<Stood> {
        let key = (fact.tested.lane.as_ref(), fact.tested.job(), effect.key);
        match effect.what {
            Happened::Failed { stale: false, .. } => self.0.insert(key, Stood::Failing),
            Happened::Cleared | Happened::Resolved { clean_needed: 0, .. } => self.0.insert(key, Stood::Cleared),
            Happened::Resolved { .. } | Happened::GivenUp => self.0.remove(&key),
            _ => self.0.get(&key).copied(),
        }
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
    fn l8_more_refutations_never_give_a_better_verdict(
        records in records(), setting in setting(), more in 1_u64..4,
    ) {
        let replay = setting.replay(records);
        let (policy, as_of) = (&setting.rules.policy, replay.as_of);
        let capsules = replay.derived.capsules.iter().map(|c| (c.figures(), &c.holds, c.verdict));
        let concepts = replay.derived.concepts.iter().map(|c| (c.figures(), &c.holds, c.verdict));
        for (figures, own, verdict) in capsules.chain(concepts) {
            prop_assert_eq!(&holds(&figures, policy, as_of), own, "the figures are those that it was finished with");
            prop_assert_eq!(Verdict::of(own), verdict);
            let worse = Figures { refuted_count: figures.refuted_count + more, ..figures };
            prop_assert!(Verdict::of(&holds(&worse, policy, as_of)) <= verdict);
        }
    }

    #[test]
    fn l8_more_contradictions_of_a_remedy_never_give_more_confidence(
        records in records(), setting in setting(), more in 1_u64..4,
    ) {
        let derived = setting.replay(records).derived;
        let capsules = derived.capsules.iter().map(|c| (c.confidence_ppm, &c.remedies, c.figures()));
        let concepts = derived.concepts.iter().map(|c| (c.confidence_ppm, &c.remedies, c.figures()));
        for (confidence, remedies, figures) in capsules.chain(concepts) {
            let records = || remedies.iter().map(|record| (record.count, record.contradicted_count));
            let most = |records: &mut dyn Iterator<Item = (u64, u64)>| records.map(|(f, a)| confidence_ppm(f, a)).max();
            prop_assert_eq!(most(&mut records()).unwrap_or(0), confidence, "the first remedy is the surest");
            let first = |first: FirstRemedy| (first.confidence_ppm, first.count, first.contradicted_count);
            let shown = remedies.first().map(|record| (record.confidence_ppm, record.count, record.contradicted_count));
            prop_assert_eq!(figures.remedy.map(first), shown);
            for worsened in 0..remedies.len() {
                let worse = |(at, (f, a)): (usize, (u64, u64))| (f, if at == worsened { a + more } else { a });
                prop_assert!(most(&mut records().enumerate().map(worse)) <= Some(confidence));
            }
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
    fn m70_strict_derives_nothing_without_a_failure_or_denial(records in records(), setting in setting()) {
        let rules = Rules { mode: Some(WrapperPolicy::Strict), ..setting.rules };
        let replay = dome_binder::replay(records, &rules, None);
        let says_so = |fact: &Fact| matches!(fact.signal, Signal::Failure | Signal::Denial);
        for (fact, bound) in replay.ledger.facts.iter().zip(&replay.bound) {
            prop_assert_eq!(bound.minted, says_so(fact));
        }
        for capsule in &replay.derived.capsules {
            let own = |fact: &&Fact| fact.keys.derived == capsule.derived_key && says_so(fact);
            let said = replay.ledger.facts.iter().filter(own).count() as u64;
            prop_assert!(said > 0 && capsule.support_count == said, "{}", capsule.derived_key);
        }
    }

    #[test]
    fn l11_a_success_resolves_only_what_is_failing_or_cleared_in_its_stream_and_passed(
        records in records(), setting in setting(),
    ) {
        let replay = setting.replay(records);
        let gates: BTreeMap<Sha256Hash, Vec<dome_core::GateId>> = replay.ledger.facts.iter()
            .map(|fact| (fact.keys.derived, fact.keys.fingerprint.failed_gates.clone())).collect();
        let mut resolved = 0;
        for line in replay.ledger.lines() {
            let (mut state, mut streams) = (LineState::default(), Streams::default());
            for line_fact in line.facts.iter() {
                let (position, fact) = (line_fact.position, line_fact.fact);
                let effects = state.push(line_fact, &setting.rules).effects;
                let fails = |effect: &Effect| matches!(effect.what, Happened::Failed { .. }) && effect.key == fact.keys.derived;
                let failure = replay.bound[position].minted && fact.is_failing();
                prop_assert_eq!(effects.iter().any(fails), failure, "every failure of a key is told");
                for effect in effects {
                    let before = streams.see(fact, effect);
                    let Happened::Resolved { remedy, clean_needed } = effect.what else { continue };
                    prop_assert!(fact.is_succeeding() && before.is_some(), "failing or cleared in its stream");
                    prop_assert_eq!(remedy, fact.remedy.as_ref().map(|remedy| remedy.identity()));
                    let momentary = fact.remedy.as_ref().is_some_and(|remedy| remedy.is_momentary());
                    prop_assert_eq!(clean_needed == 0, momentary, "M-82 b: what is momentary proves nothing");
                    let mends = before == Some(Stood::Failing) || (remedy.is_some() && !momentary);
                    prop_assert!(mends, "M-82 d: only a durable remedy resolves what is cleared");
                    let status = |gate: &dome_core::GateId| fact.gates.iter().find(|g| g.gate_id == *gate).map(|g| g.status);
                    let passed = gates[&effect.key].iter().all(|gate| status(gate) == Some(dome_core::Status::Pass));
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
