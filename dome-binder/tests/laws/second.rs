//! dome-binder against the reference of this test: every artifact, on generated histories.

use dome_arbitrary::{dense_history, history, history_of, layout};
use proptest::prelude::*;

use super::super::histories::events::dense;
use super::reference::Outcome;
use super::support::{Loaded, Setting, load, load_lines, load_records, placed_setting};

/// Row by row, so that a difference is small enough to read.
fn same(setting: &Setting, loaded: &Loaded) {
    let (ours, theirs): (Outcome, Outcome) = (setting.outcome(loaded), setting.reference(loaded));
    for (what, ours, theirs) in [
        ("facts", &ours.facts, &theirs.facts),
        ("lineage", &ours.lineage, &theirs.lineage),
        ("capsules", &ours.capsules, &theirs.capsules),
        ("concepts", &ours.concepts, &theirs.concepts),
        ("recent failures", &ours.recent, &theirs.recent),
        ("gate rollup", &ours.rollup, &theirs.rollup),
        ("guard denials", &ours.denials, &theirs.denials),
    ] {
        for (ours, theirs) in ours.iter().zip(theirs) {
            for (name, member) in theirs.as_object().unwrap() {
                assert_eq!(Some(member), ours.get(name), "`{name}` of {what}: {ours:#}");
            }
            assert_eq!(ours, theirs, "{what}");
        }
        assert_eq!(ours.len(), theirs.len(), "{what}");
    }
    assert_eq!((&ours.conflicts, &ours.counts), (&theirs.conflicts, &theirs.counts));
    assert_eq!(ours, theirs);
}

proptest! {
    #[test]
    fn m80_capsules_are_those_of_the_reference(history in history(), setting in placed_setting()) {
        same(&setting, &load_lines(&history.lines));
    }

    #[test]
    fn m81_capsules_of_dense_histories_are_those_of_the_reference(records in dense(), setting in placed_setting()) {
        same(&setting, &load_records(&records));
    }

    #[test]
    fn m80_dense_histories_are_folded_as_in_the_reference(history in dense_history(), setting in placed_setting()) {
        same(&setting, &load_lines(&history.lines));
    }

    #[test]
    fn m41_files_and_repeats_settle_as_in_the_reference(
        history in history_of(24), layout in layout(), setting in placed_setting(),
    ) {
        same(&setting, &load(&layout.files(&history.lines)));
    }

    #[test]
    fn m40_envelopes_of_every_kind_are_those_of_the_reference(
        lines in prop::collection::vec(dome_arbitrary::envelope_line(), 0..6), setting in placed_setting(),
    ) {
        same(&setting, &load_lines(&lines));
    }
}
