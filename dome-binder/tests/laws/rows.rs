//! Every type that is written in the order of its members has canonical bytes (M-01, M-120).

use dome_arbitrary::{envelope_line, history};
use dome_binder::{Lineage, views};
use dome_core::canonical;
use proptest::prelude::*;
use serde::Serialize;

use super::support::{Loaded, Setting, facts, load_lines, setting};

fn canonical_rows<T: Serialize>(rows: &[T]) {
    for row in rows {
        let mut bytes = Vec::new();
        dome_binder::append_row(row, &mut bytes);
        let mut expected = canonical::to_vec(row).unwrap();
        expected.push(b'\n');
        assert_eq!(String::from_utf8(bytes), String::from_utf8(expected));
    }
}

fn all_rows_are_canonical(setting: &Setting, loaded: Loaded) {
    let replay = setting.replay(loaded.records);
    canonical_rows(&replay.derived.capsules);
    canonical_rows(&replay.derived.concepts);
    canonical_rows(&views::recent_failures(&replay.ledger.facts).collect::<Vec<_>>());
    canonical_rows(&views::gate_rollup(&replay.ledger.facts));
    canonical_rows(&views::guard_denials(&replay.ledger.facts));
    canonical_rows(&replay.ledger.facts.iter().map(Lineage::of).collect::<Vec<_>>());
    canonical_rows(&replay.derived.capsules.iter().map(|capsule| &capsule.fingerprint).collect::<Vec<_>>());
    canonical_rows(std::slice::from_ref(&setting.rules.policy));
    for row in facts(&replay, &setting.rules).lines() {
        let value: serde_json::Value = serde_json::from_str(row).unwrap();
        assert_eq!(Ok(row.to_owned()), String::from_utf8(canonical::to_vec(&value).unwrap()));
    }
}

proptest! {
    #[test]
    fn m120_rows_of_histories_are_canonical(history in history(), setting in setting()) {
        all_rows_are_canonical(&setting, load_lines(&history.lines));
    }

    #[test]
    fn m120_rows_of_envelopes_of_every_kind_are_canonical(
        lines in prop::collection::vec(envelope_line(), 0..6), setting in setting(),
    ) {
        all_rows_are_canonical(&setting, load_lines(&lines));
    }
}
