//! What it takes to be promoted, how long that holds, and what ends it.

use std::collections::BTreeSet;

use dome_patterns::{
    Authoritative, Layer, Memory, Promotion, PromotionDenialCode as Denied, PromotionPolicy, RetiredWhy,
    RevalidationDenialCode,
};
use proptest::prelude::*;

use super::history::POLICY;
use super::{at, fact, key, text};

fn promotion(facts: &[(u64, u64)], ttl_s: u64) -> Promotion {
    let support = facts.iter().map(|(number, run)| fact(*number, *run)).collect();
    Promotion { key: key("k"), value: text("v"), support, ttl_s }
}

fn promoted(facts: &[(u64, u64)], ttl_s: u64) -> Memory {
    let mut memory = Memory::new(Authoritative::new());
    memory.lower().promote(promotion(facts, ttl_s), &POLICY, at(0)).unwrap();
    memory
}

fn denied(memory: &mut Memory, facts: &[(u64, u64)], ttl_s: u64) -> Vec<Denied> {
    let result = memory.lower().promote(promotion(facts, ttl_s), &POLICY, at(0));
    result.err().map(|denial| denial.codes().to_vec()).unwrap_or_default()
}

#[test]
fn each_denial_has_its_code_and_every_reason_is_named() {
    let new = || Memory::new(Authoritative::new());
    let good = &[(1, 1), (2, 2)][..];
    assert_eq!(denied(&mut new(), good, 30), []);
    let nothing = [Denied::ProvenanceMissing, Denied::SupportTooLow, Denied::RunsTooFew, Denied::TtlMissing];
    assert_eq!(denied(&mut new(), &[], 0), nothing);
    assert_eq!(denied(&mut new(), &[(1, 1), (1, 2)], 30), [Denied::SupportTooLow, Denied::RunsTooFew]);
    assert_eq!(denied(&mut new(), &[(1, 1), (2, 1)], 30), [Denied::RunsTooFew]);
    assert_eq!(denied(&mut new(), good, 31), [Denied::TtlTooLong]);
    let many: Vec<_> = (0..257).map(|number| (number, number)).collect();
    assert_eq!(denied(&mut new(), &many, 30), [Denied::SupportTooLarge]);
    assert_eq!(denied(&mut new(), &many[..256], 30), []);
    assert_eq!(denied(&mut promoted(good, 30), good, 30), [Denied::StillLive]);
    let owner = |word| Memory::new(Authoritative::new().entry(key("k"), text(word)));
    assert_eq!(denied(&mut owner("other"), good, 30), [Denied::AuthorityDisagrees]);
    assert_eq!(denied(&mut owner("v"), good, 30), []);
}

#[test]
fn a_synthesised_layer_that_is_full_takes_no_more() {
    let mut memory = Memory::new(Authoritative::new());
    for number in 0..dome_patterns::limits::LAYER_ENTRIES {
        let mut promotion = promotion(&[(1, 1), (2, 2)], 30);
        promotion.key = key(&number.to_string());
        memory.lower().promote(promotion, &POLICY, at(0)).unwrap();
    }
    assert_eq!(denied(&mut memory, &[(1, 1), (2, 2)], 30), [Denied::SynthesisFull]);
}

#[test]
fn an_entry_says_nothing_after_its_time_and_waits_to_be_judged() {
    let mut memory = promoted(&[(1, 1), (2, 2)], 30);
    assert_eq!(memory.read(&key("k"), at(30)).unwrap().layer, Layer::Synthesised);
    assert_eq!(memory.read(&key("k"), at(31)), None);
    assert_eq!(memory.expired(at(30)).count(), 0);
    assert_eq!(memory.expired(at(31)).collect::<Vec<_>>(), [&key("k")]);
    assert!(memory.lower().retire_expired(at(30)).is_empty());

    memory.lower().revalidate(&key("k"), [fact(3, 3)], at(40)).unwrap();
    assert!(memory.read(&key("k"), at(70)).is_some() && memory.read(&key("k"), at(71)).is_none());
    assert_eq!(memory.synthesis(&key("k")).unwrap().support().len(), 3);

    assert_eq!(memory.lower().retire_expired(at(71)), [key("k")]);
    let retired = &memory.retired_syntheses()[0];
    assert_eq!((retired.why, retired.retired_at, &retired.by), (RetiredWhy::Expired, at(71), &None));
    let again = memory.lower().revalidate(&key("k"), [fact(4, 4)], at(72));
    assert_eq!(again, Err(RevalidationDenialCode::EntryUnknown), "a retired entry is promoted anew");
    memory.lower().promote(promotion(&[(1, 1), (2, 2)], 30), &POLICY, at(72)).unwrap();
    assert!(memory.read(&key("k"), at(72)).is_some() && memory.retired_syntheses().len() == 1);
}

#[test]
fn a_promotion_over_an_expired_entry_keeps_that_one_listed() {
    let mut memory = promoted(&[(1, 1), (2, 2)], 30);
    memory.lower().promote(promotion(&[(3, 1), (4, 2)], 30), &POLICY, at(31)).unwrap();
    assert_eq!(memory.retired_syntheses()[0].entry.support()[0].run_id().as_str().split('-').next(), Some("run"));
    assert_eq!(memory.retired_syntheses()[0].why, RetiredWhy::Expired);
}

#[test]
fn revalidation_asks_for_a_fact_that_is_new() {
    let mut memory = promoted(&[(1, 1), (2, 2)], 30);
    let stale = memory.lower().revalidate(&key("k"), [fact(1, 1), fact(2, 9)], at(1));
    assert_eq!(stale, Err(RevalidationDenialCode::EvidenceStale), "another line of a fact is no other fact");
    assert_eq!(memory.lower().revalidate(&key("k"), [], at(1)), Err(RevalidationDenialCode::EvidenceStale));
    let many = (10..265).map(|number| fact(number, 1));
    assert_eq!(memory.lower().revalidate(&key("k"), many, at(1)), Err(RevalidationDenialCode::EvidenceTooLarge));
    assert_eq!(memory.synthesis(&key("k")).unwrap().validated_at(), at(0), "what is denied changes nothing");
}

#[test]
fn a_fact_that_refutes_an_entry_retires_it_and_is_named() {
    let mut memory = promoted(&[(1, 1), (2, 2)], 30);
    memory.lower().refute(&key("k"), fact(7, 7), at(2)).unwrap();
    assert_eq!(memory.read(&key("k"), at(2)), None);
    let retired = &memory.retired_syntheses()[0];
    assert_eq!((retired.why, retired.by.as_ref()), (RetiredWhy::Refuted, Some(&fact(7, 7))));
    assert_eq!(memory.lower().refute(&key("k"), fact(7, 7), at(2)), Err(RevalidationDenialCode::EntryUnknown));
}

proptest! {
    #[test]
    fn what_is_promoted_has_support_runs_and_a_time_to_live(
        facts in prop::collection::vec((0_u64..6, 0_u64..4), 0..6), ttl_s in 0_u64..40,
        min_support in 0_u64..4, min_run_count in 0_u64..4, max_ttl_s in 0_u64..40,
    ) {
        // A fact has one run.
        let facts: Vec<(u64, u64)> = facts.into_iter().map(|(number, _)| (number, number % 3)).collect();
        let policy = PromotionPolicy { max_ttl_s, min_run_count, min_support };
        let mut memory = Memory::new(Authoritative::new());
        let taken = memory.lower().promote(promotion(&facts, ttl_s), &policy, at(0)).is_ok();
        let distinct: BTreeSet<u64> = facts.iter().map(|(number, _)| *number).collect();
        let runs: BTreeSet<u64> = facts.iter().map(|(_, run)| *run).collect();
        let right = !distinct.is_empty()
            && distinct.len() as u64 >= min_support
            && runs.len() as u64 >= min_run_count
            && ttl_s > 0
            && ttl_s <= max_ttl_s;
        prop_assert_eq!(taken, right);
        prop_assert_eq!(memory.synthesis(&key("k")).map_or(0, |entry| entry.support().len()), if right { distinct.len() } else { 0 });
    }
}
