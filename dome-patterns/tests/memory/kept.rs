//! Nothing is silently deleted.

use dome_patterns::{Authoritative, LowerLayer, Memory, RetiredWhy};
use proptest::prelude::*;

use super::history::{authority, history};
use super::{at, entries, key, text};

proptest! {
    #[test]
    fn every_entry_that_was_made_is_live_retired_or_handed_over(authority in authority(), history in history()) {
        let mut memory = Memory::new(authority);
        let (mut made, mut handed_over) = (0, 0);
        for (op, second) in history.iter().zip((0..).step_by(5)) {
            let done = op.apply(&mut memory, second);
            made += done.made;
            handed_over += done.handed_over;
            prop_assert_eq!(entries(&memory) + handed_over, made, "{:?}", op);
        }
    }
}

#[test]
fn what_is_replaced_withdrawn_or_ended_stays_listed_with_why_and_when() {
    let mut memory = Memory::new(Authoritative::new());
    let (mut lower, layer) = (memory.lower(), LowerLayer::Working);
    let mut write = |word: &str, second| {
        lower.write(layer, key("k"), text(word), "run-1".parse().unwrap(), at(second)).unwrap();
    };
    write("a", 0);
    write("b", 1);
    assert!(memory.lower().withdraw(layer, &key("k"), at(2)));
    assert!(!memory.lower().withdraw(layer, &key("k"), at(3)));
    memory.lower().write(layer, key("k"), text("c"), "run-1".parse().unwrap(), at(4)).unwrap();
    assert_eq!(memory.lower().end(layer, at(5)), 1);
    let listed: Vec<_> = memory
        .retired(layer)
        .iter()
        .map(|retired| (retired.entry.value.as_text().unwrap(), retired.why, retired.retired_at))
        .collect();
    let expected =
        [("a", RetiredWhy::Replaced, at(1)), ("b", RetiredWhy::Withdrawn, at(2)), ("c", RetiredWhy::Ended, at(5))];
    assert_eq!(listed, expected);
    assert_eq!(memory.lower().hand_over(layer).len(), 3);
    assert!(memory.retired(layer).is_empty());
}

#[test]
fn a_full_layer_says_so_and_drops_nothing() {
    let mut memory = Memory::new(Authoritative::new());
    let mut write = |number: usize| {
        let run = "run-1".parse().unwrap();
        memory.lower().write(LowerLayer::Session, key("k"), number.is_multiple_of(2).into(), run, at(0))
    };
    for number in 0..dome_patterns::limits::LAYER_ENTRIES {
        write(number).unwrap();
    }
    assert_eq!(write(0), Err(dome_patterns::WriteDenialCode::LayerFull));
    assert_eq!(memory.retired(LowerLayer::Session).len(), dome_patterns::limits::LAYER_ENTRIES - 1);
    assert_eq!(memory.lower().hand_over(LowerLayer::Session).len(), dome_patterns::limits::LAYER_ENTRIES - 1);
    assert!(memory.lower().write(LowerLayer::Session, key("k"), true.into(), "run-1".parse().unwrap(), at(0)).is_ok());
}
