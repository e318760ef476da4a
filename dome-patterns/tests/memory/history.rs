//! Histories: whatever can be done to the lower layers, with keys that look like authority.

use dome_core::guard::PredicateResult;
use dome_patterns::{Authoritative, LayeredMemory, LowerLayer, MemoryValue, PromotionPolicy};
use proptest::prelude::*;

use super::{LOWER, at, fact, key, run};

/// Keys that would be something, were they read by authority.
pub(crate) const KEYS: [&str; 7] =
    ["deploy", "predicates/green", "test_report", "from_state", "capabilities", "authoritative", "\u{1F600}\u{FB33}"];

#[derive(Clone, Debug)]
pub(crate) enum Op {
    Write(LowerLayer, &'static str, MemoryValue),
    Withdraw(LowerLayer, &'static str),
    HandOver(LowerLayer),
    Promote(&'static str, MemoryValue, Vec<(u64, u64)>, u64),
    Revalidate(&'static str, u64),
    Refute(&'static str, u64),
    RetireExpired,
}

/// What an operation came to: entries that were made, and entries that were handed over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Done {
    pub(crate) made: usize,
    pub(crate) handed_over: usize,
}

pub(crate) fn value() -> impl Strategy<Value = MemoryValue> {
    prop::sample::select(&["true", "false", "3", "ALLOW", "deploy", "", "\u{1F600}\"\n"][..]).prop_map(super::text)
}

pub(crate) fn op() -> impl Strategy<Value = Op> {
    let layer = || prop::sample::select(&LOWER[..]);
    let name = || prop::sample::select(&KEYS[..]);
    let support = prop::collection::vec((0_u64..12, 0_u64..4), 0..6);
    prop_oneof![
        6 => (layer(), name(), value()).prop_map(|(layer, name, value)| Op::Write(layer, name, value)),
        1 => (layer(), name()).prop_map(|(layer, name)| Op::Withdraw(layer, name)),
        1 => layer().prop_map(Op::HandOver),
        5 => (name(), value(), support, 0_u64..40).prop_map(|(name, value, support, ttl_s)| {
            Op::Promote(name, value, support, ttl_s)
        }),
        2 => (name(), 0_u64..40).prop_map(|(name, number)| Op::Revalidate(name, number)),
        1 => (name(), 0_u64..40).prop_map(|(name, number)| Op::Refute(name, number)),
        1 => Just(Op::RetireExpired),
    ]
}

pub(crate) fn history() -> impl Strategy<Value = Vec<Op>> {
    prop::collection::vec(op(), 0..24)
}

pub(crate) const POLICY: PromotionPolicy = PromotionPolicy { max_ttl_s: 30, min_run_count: 2, min_support: 2 };

/// An owner who says nothing, with the policy of these tests.
pub(crate) fn owner() -> Authoritative {
    Authoritative { promotion: POLICY, ..Authoritative::default() }
}

impl Op {
    /// Does it, at a second.
    pub(crate) fn apply(&self, memory: &mut LayeredMemory, owner: &Authoritative, second: i64) -> Done {
        let now = at(second);
        match self.clone() {
            Self::Write(layer, name, value) => {
                memory.write(layer, key(name), value, run(), now).unwrap();
                Done { made: 1, handed_over: 0 }
            }
            Self::Withdraw(layer, name) => {
                memory.withdraw(layer, &key(name), now);
                Done::default()
            }
            Self::HandOver(layer) => Done { made: 0, handed_over: memory.hand_over(layer).len() },
            Self::Promote(name, value, support, ttl_s) => {
                let facts = support.into_iter().map(|(number, run)| fact(number, run));
                let made = memory.promote(owner, &key(name), value, facts, ttl_s, now).is_ok();
                Done { made: usize::from(made), handed_over: 0 }
            }
            Self::Revalidate(name, number) => {
                let _unknown_or_stale = memory.revalidate(&key(name), [fact(number, number % 4)], now);
                Done::default()
            }
            Self::Refute(name, number) => {
                let _unknown = memory.refute(&key(name), fact(number, 0), now);
                Done::default()
            }
            Self::RetireExpired => {
                memory.retire_expired(now);
                Done::default()
            }
        }
    }
}

/// Applies a history, one operation every five seconds, and gives the second after the last.
pub(crate) fn lived(memory: &mut LayeredMemory, owner: &Authoritative, history: &[Op]) -> i64 {
    let mut second = 0;
    for op in history {
        op.apply(memory, owner, second);
        second += 5;
    }
    second
}

pub(crate) fn authority() -> impl Strategy<Value = Authoritative> {
    let names = || prop::collection::btree_set(prop::sample::select(&KEYS[..]), 0..4);
    let results = prop::sample::select(&[PredicateResult::True, PredicateResult::False, PredicateResult::Unknown][..]);
    let predicates = prop::collection::btree_map(prop::sample::select(&KEYS[..]), results, 0..4);
    let entries = prop::collection::btree_map(prop::sample::select(&KEYS[..]), value(), 0..4);
    let state = prop::option::of(prop::sample::select(&["draft", "live"][..]));
    (names(), names(), predicates, entries, state).prop_map(|(capabilities, evidence, predicates, entries, state)| {
        Authoritative {
            capabilities: capabilities.into_iter().map(Into::into).collect(),
            entries: entries.into_iter().map(|(name, value)| (key(name), value)).collect(),
            evidence_kinds: evidence.into_iter().map(Into::into).collect(),
            from_state: state.map(Into::into),
            predicates: predicates.into_iter().map(|(name, result)| (name.into(), result)).collect(),
            promotion: POLICY,
        }
    })
}
