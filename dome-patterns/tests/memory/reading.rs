//! What is read, beside a naive model of the layers.

use dome_patterns::{Authoritative, Layer, LayeredMemory, LowerLayer};
use proptest::prelude::*;

use super::history::{KEYS, authority, history, lived};
use super::{LOWER, at, fact, key, run, text};

/// What each layer says about a key, the authoritative one first, read off the live entries.
fn said(memory: &LayeredMemory, owner: &Authoritative, name: &str, second: i64) -> Vec<(Layer, String)> {
    let (name, mut said) = (key(name), Vec::new());
    if let Some(value) = owner.entries.get(&name) {
        said.push((Layer::Authoritative, value.as_str().to_owned()));
    }
    for layer in LOWER {
        if let Some(entry) = memory.lower().get(&layer).and_then(|entries| entries.live.get(&name)) {
            said.push((Layer::Lower(layer), entry.value.as_str().to_owned()));
        }
    }
    if let Some(entry) = memory.synthesised().live.get(&name) {
        let age = at(second).nanoseconds_since(entry.validated_at);
        if age <= i128::from(entry.ttl_s) * 1_000_000_000 {
            said.push((Layer::Synthesised, entry.value.as_str().to_owned()));
        }
    }
    said
}

proptest! {
    #[test]
    fn the_layer_with_the_most_authority_is_read_first_and_then_those_that_it_overrides(
        owner in authority(), history in history(), later in 0_i64..60,
    ) {
        let mut memory = LayeredMemory::default();
        let second = lived(&mut memory, &owner, &history) + later;
        for name in KEYS {
            let read = memory.read(&owner, &key(name), at(second));
            let read: Vec<_> = read.into_iter().map(|(layer, value)| (layer, value.as_str().to_owned())).collect();
            prop_assert!(read.is_sorted_by(|(above, _), (below, _)| above < below));
            prop_assert_eq!(read, said(&memory, &owner, name, second));
        }
    }
}

#[test]
fn authority_falls_from_layer_to_layer() {
    let mut owner = Authoritative { entries: [(key("k"), text("owner"))].into(), ..Authoritative::default() };
    let mut memory = LayeredMemory::default();
    for (layer, word) in [(LowerLayer::Profile, "p"), (LowerLayer::Working, "w"), (LowerLayer::Session, "s")] {
        memory.write(layer, key("k"), text(word), run(), at(0)).unwrap();
    }
    memory.promote(&owner, &key("k"), text("owner"), [fact(1, 1), fact(2, 2)], 30, at(0)).unwrap();
    let said = |memory: &LayeredMemory, owner: &Authoritative| -> Vec<String> {
        memory.read(owner, &key("k"), at(0)).into_iter().map(|(_, value)| value.as_str().to_owned()).collect()
    };
    assert_eq!(said(&memory, &owner), ["owner", "w", "s", "p", "owner"]);
    owner.entries.clear();
    assert_eq!(said(&memory, &owner), ["w", "s", "p", "owner"]);
    memory.withdraw(LowerLayer::Working, &key("k"), at(1));
    assert_eq!(said(&memory, &owner), ["s", "p", "owner"]);
}
