//! The dump: canonical, and read back to the same memory or not at all.

use dome_core::canonical;
use dome_patterns::{Authoritative, LoadError, Memory};
use proptest::prelude::*;
use serde_json::Value;

use super::history::{authority, history, lived};

fn memory() -> impl Strategy<Value = Memory> {
    (authority(), history()).prop_map(|(authority, history)| {
        let mut memory = Memory::new(authority);
        lived(&mut memory, &history);
        memory
    })
}

proptest! {
    #[test]
    fn a_dump_is_canonical_and_loads_to_the_same_memory(memory in memory()) {
        let dump = memory.dump();
        let value: Value = serde_json::from_slice(&dump).unwrap();
        prop_assert_eq!(canonical::to_vec(&value).unwrap(), dump.clone());
        let loaded = Memory::load(&dump).unwrap();
        prop_assert_eq!(loaded.digest(), memory.digest());
        prop_assert_eq!(loaded, memory);
    }

    #[test]
    fn bytes_that_were_changed_are_another_dump_or_none(
        memory in memory(), place: prop::sample::Index, byte: u8, cut: bool,
    ) {
        let mut dump = memory.dump();
        let place = place.index(dump.len());
        if cut {
            dump.truncate(place);
        } else {
            dump[place] = byte;
        }
        if let Ok(loaded) = Memory::load(&dump) {
            prop_assert_eq!(loaded.dump(), dump);
        }
    }
}

#[test]
fn what_no_memory_came_to_is_refused() {
    let synthesis = |entry: &str| {
        format!(
            r#"{{"authoritative":{{"capabilities":[],"entries":[],"evidence_kinds":[],"predicates":[]}},"dump_version":"1","profile":{{"live":[],"retired":[]}},"session":{{"live":[],"retired":[]}},"synthesised":{{"live":[{{"entry":{entry},"key":"k"}}],"retired":[]}},"working":{{"live":[],"retired":[]}}}}"#
        )
    };
    let fact = |line: u64| {
        let digest = "0".repeat(64);
        format!(r#"{{"digest":"{digest}","run_id":"r","source":{{"line":{line},"name":"n"}}}}"#)
    };
    let entry = |support: &str, ttl_s: u64, validated: u8| {
        format!(
            r#"{{"promoted_at":"2026-01-02T00:00:00Z","support":[{support}],"ttl_s":{ttl_s},"validated_at":"2026-01-0{validated}T00:00:00Z","value":true}}"#
        )
    };
    let load = |entry: &str| Memory::load(synthesis(entry).as_bytes());
    assert!(load(&entry(&fact(1), 1, 2)).is_ok());
    for wrong in [
        entry("", 1, 2),
        entry(&fact(0), 1, 2),
        entry(&fact(9_007_199_254_740_992), 1, 2),
        entry(&format!("{},{}", fact(1), fact(2)), 1, 2),
        entry(&fact(1), 0, 2),
        entry(&fact(1), 315_360_001, 2),
        entry(&fact(1), 1, 1),
    ] {
        assert!(matches!(load(&wrong), Err(LoadError::Rule(_))), "{wrong}");
    }
    let dump = String::from_utf8(Memory::new(Authoritative::new().grants("deploy")).dump()).unwrap();
    for (from, to) in [
        ("[\"deploy\"]", "[\"deploy\",\"deploy\"]"),
        ("[\"deploy\"]", "[ \"deploy\"]"),
        ("\"dump_version\":\"1\",", "\"dump_version\":\"\\u0031\","),
    ] {
        let changed = dump.replacen(from, to, 1);
        assert_eq!(Memory::load(changed.as_bytes()), Err(LoadError::NotCanonical), "{to}");
    }
    let twice = dump.replacen("\"predicates\":[]", "\"predicates\":[],\"predicates\":[]", 1);
    assert!(matches!(Memory::load(twice.as_bytes()), Err(LoadError::Document(_))));
    let other = dump.replacen("\"dump_version\":\"1\"", "\"dump_version\":\"2\"", 1);
    assert_eq!(Memory::load(other.as_bytes()), Err(LoadError::Version));
}
