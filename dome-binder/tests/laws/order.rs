//! L-1, L-2 and L-3: what the way in which lines arrive may change, and what it may not.

use std::collections::BTreeMap;

use dome_arbitrary::{history, layout};
use dome_binder::Record;
use dome_core::{Reader, Source};
use proptest::prelude::*;

use super::support::{defaults, load, load_lines, parsed, setting};

proptest! {
    #[test]
    fn l1_order_files_and_repetition_change_nothing(history in history(), layout in layout(), setting in setting()) {
        let plain = load_lines(&history.lines);
        let other = load(&layout.files(&history.lines));
        prop_assert_eq!(setting.artifacts(plain.records), setting.artifacts(other.records));
    }

    #[test]
    fn l1_the_snapshot_digest_is_that_of_the_facts(history in history(), layout in layout()) {
        let setting = defaults();
        let plain = setting.replay(load_lines(&history.lines).records).ledger;
        let other = setting.replay(load(&layout.files(&history.lines)).records).ledger;
        prop_assert_eq!(plain.snapshot_digest(), other.snapshot_digest());
        let mut digests: Vec<String> = plain.facts.iter().map(|fact| format!("{}\n", fact.keys.digest)).collect();
        digests.sort_unstable();
        prop_assert_eq!(plain.snapshot_digest(), dome_core::Sha256Hash::of(digests.concat().as_bytes()));
    }

    #[test]
    fn m43_a_fact_comes_from_its_first_appearance(history in history(), layout in layout()) {
        let loaded = load(&layout.files(&history.lines));
        let mut first: BTreeMap<_, Source> = BTreeMap::new();
        for record in &loaded.records {
            let source = first.entry(record.keys.digest).or_insert_with(|| record.source.clone());
            let earlier = (&record.source.name, record.source.line) < (&source.name, source.line);
            if earlier {
                *source = record.source.clone();
            }
        }
        for fact in defaults().replay(loaded.records).ledger.facts {
            prop_assert_eq!(&fact.source, &first[&fact.keys.digest]);
        }
    }

    #[test]
    fn l2_a_snapshot_replayed_onto_its_own_result_adds_nothing(history in history(), setting in setting()) {
        let loaded = load_lines(&history.lines);
        let once = setting.replay(loaded.records.clone());
        let result = super::support::artifacts(&once, &setting.rules);
        let from_result = || parsed(&result.facts).into_iter().zip(1..).map(|(row, line)| {
            let canonical = dome_core::canonical::to_vec(&row["envelope"]).unwrap();
            let envelope = Reader::new().any_length().read(&canonical).unwrap();
            Box::new(Record::new(envelope, Source { line, name: "facts.jsonl".into() }))
        });
        prop_assert_eq!(&setting.artifacts(from_result().collect()), &result);
        let onto = setting.replay(loaded.records.into_iter().chain(from_result()).collect());
        prop_assert_eq!(&super::support::artifacts(&onto, &setting.rules), &result);
        let added = once.ledger.counts.duplicates + once.ledger.facts.len() as u64;
        prop_assert_eq!(onto.ledger.counts.duplicates, added);
        prop_assert_eq!(onto.ledger.conflicts.len(), once.ledger.conflicts.len());
    }

    #[test]
    fn l3_every_line_is_a_fact_a_duplicate_quarantined_or_blank(history in history(), layout in layout()) {
        let files = layout.files(&history.lines);
        let loaded = load(&files);
        let ends: usize = files.iter().map(|file| file.bytes.iter().filter(|byte| **byte == b'\n').count()).sum();
        let open = files.iter().filter(|file| !file.bytes.is_empty() && !file.bytes.ends_with(b"\n")).count();
        prop_assert_eq!(loaded.lines, (ends + open) as u64);
        let ledger = defaults().replay(loaded.records).ledger;
        let quarantined = loaded.rejected + ledger.conflicts.len() as u64;
        let facts = ledger.facts.len() as u64;
        prop_assert_eq!(loaded.lines, facts + ledger.counts.duplicates + quarantined + loaded.blank);
    }
}
