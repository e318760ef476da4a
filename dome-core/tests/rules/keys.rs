//! Keys of many envelopes, made in memory that is kept (section 7).

use dome_arbitrary::history;
use dome_core::{BinderVersion, Fingerprint, Keyer, Keys, Pool, Reader, read};
use proptest::prelude::*;
use serde_json::json;

use super::with;

proptest! {
    #[test]
    fn m61_what_a_keyer_remembers_changes_no_key(history in history()) {
        let mut reader = Reader::new();
        let (pool, binders) = (Pool::at_most(3), [BinderVersion::V1, BinderVersion::V2]);
        let sharing = [binders, binders].into_iter().flatten().map(|binder| Keyer::sharing(binder, &pool));
        let mut keyers: Vec<_> = binders.map(Keyer::new).into_iter().chain(sharing).collect();
        let sound: Vec<_> = history.lines.iter().filter_map(|line| reader.read(line).ok()).collect();
        for envelope in sound.iter().chain(sound.iter().rev()) {
            for keyer in &mut keyers {
                let keyed = keyer.key(envelope);
                let binder = keyer.binder();
                prop_assert_eq!(keyed.keys(), Keys::under(binder, envelope));
                prop_assert_eq!(&*keyed.fingerprint, &Fingerprint::under(binder, envelope));
                prop_assert_eq!(keyed.fingerprint_hash, keyed.fingerprint.hash());
                prop_assert_eq!(&keyed.task_line, &envelope.task_spec.line());
                prop_assert_eq!(keyer.canonical(), envelope.to_canonical());
            }
        }
    }
}

#[test]
fn m61_a_keyer_tells_apart_whatever_a_key_tells_apart() {
    let hash = "ab".repeat(32);
    let changes = [
        json!({}),
        json!({"/task_spec/scope": "repo"}),
        json!({"/task_spec/target/kind": "other"}),
        json!({"/task_spec/target/id": "other"}),
        json!({"/task_spec/action/kind": "other"}),
        json!({"/task_spec/failure_reason_code": "OTHER"}),
        json!({"/task_spec/versions": {"model": "1.2.3"}}),
        json!({"/task_spec/versions": {"model": "1.3"}}),
        json!({"/env": {"os": "other"}}),
        json!({"/env": {"arch": "other"}}),
        json!({"/tool": {"name": "other", "version": "1"}}),
        json!({"/tool": {"name": "other", "version": "2"}}),
        json!({"/tool": {"name": "another", "version": "2"}}),
        json!({"/tool": {"name": "other", "version": "1", "config_sha256": hash}}),
        json!({"/message": "other"}),
        json!({"/message": null}),
        json!({"/gates": [{"gate_id": "other", "status": "FAIL"}]}),
        json!({"/gates": [{"gate_id": "other", "status": "PASS"}]}),
    ];
    let mut keyer = Keyer::default();
    let mut derived = std::collections::BTreeSet::new();
    for _ in 0..2 {
        for change in &changes {
            let envelope = read(with(change.clone()).as_bytes()).unwrap();
            let keys = keyer.key(&envelope).keys();
            assert_eq!(keys, Keys::of(&envelope), "{change}");
            derived.insert(keys.derived);
        }
    }
    assert_eq!(derived.len(), changes.len(), "every change is another failure, seen twice");
}
