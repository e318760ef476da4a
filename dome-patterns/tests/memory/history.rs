//! Histories: whatever can be done to the lower layers, with keys that look like authority.

use dome_core::guard::PredicateResult;
use dome_patterns::{Authoritative, LowerLayer, Memory, MemoryValue, Promotion, PromotionPolicy};
use proptest::prelude::*;

use super::{at, fact, key};

/// Keys that would be something, were they read by authority.
pub(crate) const KEYS: [&str; 7] =
    ["deploy", "predicates/green", "test_report", "from_state", "capabilities", "authoritative", "\u{1F600}\u{FB33}"];

#[derive(Clone, Debug)]
pub(crate) enum Op {
    Write(LowerLayer, &'static str, MemoryValue),
    Withdraw(LowerLayer, &'static str),
    End(LowerLayer),
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
    prop_oneof![
        any::<bool>().prop_map(MemoryValue::from),
        (-3_i64..3).prop_map(|value| value.try_into().unwrap()),
        prop::sample::select(&["true", "ALLOW", "deploy", "", "\u{1F600}\"\n"][..]).prop_map(super::text),
    ]
}

pub(crate) fn op() -> impl Strategy<Value = Op> {
    let layer = || prop::sample::select(&LowerLayer::ALL[..]);
    let name = || prop::sample::select(&KEYS[..]);
    let support = prop::collection::vec((0_u64..12, 0_u64..4), 0..6);
    prop_oneof![
        6 => (layer(), name(), value()).prop_map(|(layer, name, value)| Op::Write(layer, name, value)),
        1 => (layer(), name()).prop_map(|(layer, name)| Op::Withdraw(layer, name)),
        1 => layer().prop_map(Op::End),
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

impl Op {
    /// Does it, at a second.
    pub(crate) fn apply(&self, memory: &mut Memory, second: i64) -> Done {
        let (mut lower, now) = (memory.lower(), at(second));
        match self.clone() {
            Self::Write(layer, name, value) => {
                lower.write(layer, key(name), value, "run-0".parse().unwrap(), now).unwrap();
                Done { made: 1, handed_over: 0 }
            }
            Self::Withdraw(layer, name) => {
                lower.withdraw(layer, &key(name), now);
                Done::default()
            }
            Self::End(layer) => {
                lower.end(layer, now);
                Done::default()
            }
            Self::HandOver(layer) => Done { made: 0, handed_over: lower.hand_over(layer).len() },
            Self::Promote(name, value, support, ttl_s) => {
                let support = support.into_iter().map(|(number, run)| fact(number, run)).collect();
                let promotion = Promotion { key: key(name), value, support, ttl_s };
                Done { made: usize::from(lower.promote(promotion, &POLICY, now).is_ok()), handed_over: 0 }
            }
            Self::Revalidate(name, number) => {
                let _unknown_or_stale = lower.revalidate(&key(name), [fact(number, number % 4)], now);
                Done::default()
            }
            Self::Refute(name, number) => {
                let _unknown = lower.refute(&key(name), fact(number, 0), now);
                Done::default()
            }
            Self::RetireExpired => {
                lower.retire_expired(now);
                Done::default()
            }
        }
    }
}

/// Applies a history, one operation every five seconds, and gives the second after the last.
pub(crate) fn lived(memory: &mut Memory, history: &[Op]) -> i64 {
    let mut second = 0;
    for op in history {
        op.apply(memory, second);
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
        let mut authority = capabilities.into_iter().fold(Authoritative::new(), Authoritative::grants);
        authority = evidence.into_iter().fold(authority, Authoritative::evidence);
        authority = predicates.into_iter().fold(authority, |known, (name, result)| known.predicate(name, result));
        authority = entries.into_iter().fold(authority, |known, (name, value)| known.entry(key(name), value));
        state.into_iter().fold(authority, Authoritative::state)
    })
}
