//! What it takes to be promoted, how long that holds, and what ends it.

use std::collections::BTreeSet;

use dome_patterns::{Authoritative, Layer, LayeredMemory, PatternDenial as Denied, PromotionPolicy, RetiredWhy};
use proptest::prelude::*;

use super::history::owner;
use super::{at, fact, key, text};

type Facts<'f> = &'f [(u64, u64)];

/// Promotes `k: v` on facts of a number in a run of a number; every reason where that is denied.
fn promote(
    memory: &mut LayeredMemory,
    owner: &Authoritative,
    facts: Facts<'_>,
    ttl_s: u64,
    second: i64,
) -> Vec<Denied> {
    let facts = facts.iter().map(|(number, run)| fact(*number, *run));
    memory.promote(owner, &key("k"), text("v"), facts, ttl_s, at(second)).err().into_iter().flatten().collect()
}

fn promoted(facts: Facts<'_>, ttl_s: u64) -> LayeredMemory {
    let mut memory = LayeredMemory::default();
    assert_eq!(promote(&mut memory, &owner(), facts, ttl_s, 0), []);
    memory
}

fn denied(memory: &mut LayeredMemory, facts: Facts<'_>, ttl_s: u64) -> Vec<Denied> {
    promote(memory, &owner(), facts, ttl_s, 0)
}

/// Which layers say something about `k`.
fn layers(memory: &LayeredMemory, second: i64) -> Vec<Layer> {
    memory.read(&owner(), &key("k"), at(second)).into_iter().map(|(layer, _)| layer).collect()
}

#[test]
fn each_denial_has_its_code_and_every_reason_is_named() {
    let new = LayeredMemory::default;
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
    let says = |word| Authoritative { entries: [(key("k"), text(word))].into(), ..owner() };
    assert_eq!(promote(&mut new(), &says("other"), good, 30, 0), [Denied::AuthorityDisagrees]);
    assert_eq!(promote(&mut new(), &says("v"), good, 30, 0), []);
}

#[test]
fn a_synthesised_layer_that_is_full_takes_no_more() {
    let (mut memory, owner) = (LayeredMemory::default(), owner());
    for number in 0..65_536 {
        let facts = [fact(1, 1), fact(2, 2)];
        memory.promote(&owner, &key(&number.to_string()), text("v"), facts, 30, at(0)).unwrap();
    }
    assert_eq!(denied(&mut memory, &[(1, 1), (2, 2)], 30), [Denied::SynthesisFull]);
}

#[test]
fn an_entry_says_nothing_after_its_time_and_waits_to_be_judged() {
    let mut memory = promoted(&[(1, 1), (2, 2)], 30);
    assert_eq!((layers(&memory, 30), layers(&memory, 31)), (vec![Layer::Synthesised], vec![]));
    let expired = |second| memory.synthesised().live.values().filter(|entry| entry.is_expired(at(second))).count();
    assert_eq!((expired(30), expired(31)), (0, 1));
    assert!(memory.retire_expired(at(30)).is_empty());

    memory.revalidate(&key("k"), [fact(3, 3)], at(40)).unwrap();
    assert_eq!((layers(&memory, 70).len(), layers(&memory, 71).len()), (1, 0));
    assert_eq!(memory.synthesised().live[&key("k")].support.len(), 3);

    assert_eq!(memory.retire_expired(at(71)), [key("k")]);
    let retired = &memory.synthesised().retired[0];
    assert_eq!((&retired.why, retired.retired_at), (&RetiredWhy::Expired, at(71)));
    let again = memory.revalidate(&key("k"), [fact(4, 4)], at(72));
    assert_eq!(again, Err(Denied::EntryUnknown), "a retired entry is promoted anew");
    assert_eq!(promote(&mut memory, &owner(), &[(1, 1), (2, 2)], 30, 72), []);
    assert!(layers(&memory, 72).len() == 1 && memory.synthesised().retired.len() == 1);
}

#[test]
fn a_promotion_over_an_expired_entry_keeps_that_one_listed() {
    let mut memory = promoted(&[(1, 1), (2, 2)], 30);
    assert_eq!(promote(&mut memory, &owner(), &[(3, 1), (4, 2)], 30, 31), []);
    let retired = &memory.synthesised().retired[0];
    assert_eq!(retired.why, RetiredWhy::Expired);
    let facts: BTreeSet<_> = retired.entry.support.iter().cloned().collect();
    assert_eq!(facts, BTreeSet::from([fact(1, 1), fact(2, 2)]));
}

#[test]
fn revalidation_asks_for_a_fact_that_is_new() {
    let mut memory = promoted(&[(1, 1), (2, 2)], 30);
    let stale = memory.revalidate(&key("k"), [fact(1, 1), fact(2, 9)], at(1));
    assert_eq!(stale, Err(Denied::EvidenceStale), "another line of a fact is no other fact");
    assert_eq!(memory.revalidate(&key("k"), [], at(1)), Err(Denied::EvidenceStale));
    let many = (10..265).map(|number| fact(number, 1));
    assert_eq!(memory.revalidate(&key("k"), many, at(1)), Err(Denied::EvidenceTooLarge));
    assert_eq!(memory.synthesised().live[&key("k")].validated_at, at(0), "what is denied changes nothing");
}

#[test]
fn a_fact_that_refutes_an_entry_retires_it_and_is_named() {
    let mut memory = promoted(&[(1, 1), (2, 2)], 30);
    memory.refute(&key("k"), fact(7, 7), at(2)).unwrap();
    assert_eq!(layers(&memory, 2), []);
    assert_eq!(memory.synthesised().retired[0].why, RetiredWhy::Refuted(fact(7, 7)));
    assert_eq!(memory.refute(&key("k"), fact(7, 7), at(2)), Err(Denied::EntryUnknown));
}

proptest! {
    #[test]
    fn what_is_promoted_has_support_runs_and_a_time_to_live(
        facts in prop::collection::vec((0_u64..6, 0_u64..4), 0..6), ttl_s in 0_u64..40,
        min_support in 0_u64..4, min_run_count in 0_u64..4, max_ttl_s in 0_u64..40,
    ) {
        // A fact has one run.
        let facts: Vec<(u64, u64)> = facts.into_iter().map(|(number, _)| (number, number % 3)).collect();
        let promotion = PromotionPolicy { max_ttl_s, min_run_count, min_support };
        let (owner, mut memory) = (Authoritative { promotion, ..owner() }, LayeredMemory::default());
        let taken = promote(&mut memory, &owner, &facts, ttl_s, 0).is_empty();
        let distinct: BTreeSet<u64> = facts.iter().map(|(number, _)| *number).collect();
        let runs: BTreeSet<u64> = facts.iter().map(|(_, run)| *run).collect();
        let right = !distinct.is_empty()
            && distinct.len() as u64 >= min_support
            && runs.len() as u64 >= min_run_count
            && ttl_s > 0
            && ttl_s <= max_ttl_s;
        prop_assert_eq!(taken, right);
        let support = memory.synthesised().live.get(&key("k")).map_or(0, |entry| entry.support.len());
        prop_assert_eq!(support, if right { distinct.len() } else { 0 });
    }
}
