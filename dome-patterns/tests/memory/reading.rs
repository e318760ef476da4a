//! What is read, beside a naive model of the layers.

use std::collections::BTreeMap;

use dome_patterns::{Layer, LowerLayer, Memory, MemoryValue};
use proptest::prelude::*;
use serde_json::Value;

use super::history::{KEYS, authority, history, lived};
use super::{at, key, text};

/// What each layer says of each key, read off the dump: live entries that are not over.
fn said(memory: &Memory, second: i64) -> BTreeMap<String, Vec<(usize, Value)>> {
    let dump: Value = serde_json::from_slice(&memory.dump()).unwrap();
    let mut said: BTreeMap<String, Vec<(usize, Value)>> = BTreeMap::new();
    let mut says = |key: &Value, layer, value: &Value| {
        said.entry(key.as_str().unwrap().to_owned()).or_default().push((layer, value.clone()));
    };
    for row in dump["authoritative"]["entries"].as_array().unwrap() {
        says(&row["key"], 0, &row["value"]);
    }
    for (place, layer) in ["working", "session", "profile", "synthesised"].into_iter().enumerate() {
        for row in dump[layer]["live"].as_array().unwrap() {
            let entry = &row["entry"];
            let over = entry["validated_at"].as_str().is_some_and(|validated| {
                let age = at(second).nanoseconds_since(validated.parse().unwrap());
                age > i128::from(entry["ttl_s"].as_u64().unwrap()) * 1_000_000_000
            });
            if !over {
                says(&row["key"], place + 1, &entry["value"]);
            }
        }
    }
    said
}

proptest! {
    #[test]
    fn the_layer_with_the_most_authority_answers_and_says_whom_it_overrode(
        authority in authority(), history in history(), later in 0_i64..60,
    ) {
        let mut memory = Memory::new(authority);
        let second = lived(&mut memory, &history) + later;
        let said = said(&memory, second);
        let merged = memory.merged(at(second));
        prop_assert_eq!(merged.iter().map(|answer| answer.key.to_string()).collect::<Vec<_>>(), said.keys().cloned().collect::<Vec<_>>());
        for answer in &merged {
            let expected = &said[answer.key.as_str()];
            let value = |value: &MemoryValue| serde_json::to_value(value).unwrap();
            let mut found = vec![(answer.layer as usize, value(answer.value))];
            found.extend(answer.overrode.iter().map(|below| (below.layer as usize, value(below.value))));
            prop_assert_eq!(&found, expected);
            prop_assert!(answer.overrode.iter().all(|below| below.agrees == (below.value == answer.value)));
            let read = memory.read(&answer.key, at(second));
            prop_assert_eq!(read.as_ref(), Some(answer));
        }
        for name in KEYS.into_iter().filter(|name| !said.contains_key(*name)) {
            prop_assert_eq!(memory.read(&key(name), at(second)), None);
        }
    }
}

#[test]
fn authority_falls_from_layer_to_layer() {
    let mut memory = Memory::new(dome_patterns::Authoritative::new().entry(key("k"), text("owner")));
    for (layer, word) in [(LowerLayer::Profile, "p"), (LowerLayer::Working, "w"), (LowerLayer::Session, "w")] {
        memory.lower().write(layer, key("k"), text(word), "run-1".parse().unwrap(), at(0)).unwrap();
    }
    let answer = memory.read(&key("k"), at(0)).unwrap();
    assert_eq!((answer.layer, answer.value.as_text()), (Layer::Authoritative, Some("owner")));
    assert_eq!(answer.overrode.iter().map(|below| below.layer).collect::<Vec<_>>(), Layer::ALL[1..4]);
    drop(memory.replace_authoritative(dome_patterns::Authoritative::new()));
    let answer = memory.read(&key("k"), at(0)).unwrap();
    assert_eq!(answer.layer, Layer::Working);
    assert_eq!(answer.overrode.iter().map(|below| below.agrees).collect::<Vec<_>>(), [true, false]);
    memory.lower().end(LowerLayer::Working, at(1));
    assert_eq!(memory.read(&key("k"), at(1)).unwrap().layer, Layer::Session);
}
