//! Nothing is silently deleted.

use dome_patterns::{LayeredMemory, LowerLayer, PatternDenial, RetiredWhy};
use proptest::prelude::*;

use super::history::{authority, history};
use super::{at, entries, key, retired, run, text};

proptest! {
    #[test]
    fn every_entry_that_was_made_is_live_retired_or_handed_over(authority in authority(), history in history()) {
        let mut memory = LayeredMemory::default();
        let (mut made, mut handed_over) = (0, 0);
        for (op, second) in history.iter().zip((0..).step_by(5)) {
            let done = op.apply(&mut memory, &authority, second);
            made += done.made;
            handed_over += done.handed_over;
            prop_assert_eq!(entries(&memory) + handed_over, made, "{:?}", op);
        }
    }
}

#[test]
fn what_is_replaced_or_withdrawn_stays_listed_with_why_and_when() {
    let (mut memory, layer) = (LayeredMemory::default(), LowerLayer::Working);
    for (word, second) in [("a", 0), ("b", 1)] {
        memory.write(layer, key("k"), text(word), run(), at(second)).unwrap();
    }
    assert!(memory.withdraw(layer, &key("k"), at(2)));
    assert!(!memory.withdraw(layer, &key("k"), at(3)));
    let listed = retired(&memory, layer);
    let listed: Vec<_> =
        listed.iter().map(|retired| (retired.entry.value.as_str(), &retired.why, retired.retired_at)).collect();
    assert_eq!(listed, [("a", &RetiredWhy::Replaced, at(1)), ("b", &RetiredWhy::Withdrawn, at(2))]);
    assert_eq!(memory.hand_over(layer).len(), 2);
    assert!(retired(&memory, layer).is_empty());
}

#[test]
fn a_full_layer_says_so_and_drops_nothing() {
    const ENTRIES: usize = 65_536;
    let mut memory = LayeredMemory::default();
    let mut write = |number: usize| {
        let value = text(if number.is_multiple_of(2) { "a" } else { "b" });
        memory.write(LowerLayer::Session, key("k"), value, run(), at(0))
    };
    for number in 0..ENTRIES {
        write(number).unwrap();
    }
    assert_eq!(write(0), Err(PatternDenial::LayerFull));
    assert_eq!(retired(&memory, LowerLayer::Session).len(), ENTRIES - 1);
    assert_eq!(memory.hand_over(LowerLayer::Session).len(), ENTRIES - 1);
    assert!(memory.write(LowerLayer::Session, key("k"), text("c"), run(), at(0)).is_ok());
}

#[test]
fn a_value_is_a_text_of_at_most_4096_bytes() {
    assert_eq!("\u{e9}".repeat(2_048).parse::<dome_patterns::MemoryValue>().unwrap().as_str().len(), 4_096);
    assert!("a".repeat(4_097).parse::<dome_patterns::MemoryValue>().is_err());
}
