//! Drift: one changed byte, one missing file, one extra file, one changed `$ref` target, and the
//! move to the next version.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may stop at the first thing that is wrong"
)]

use dome_contracts::compat::{Compatibility, ContractRule, SchemaRule};
use dome_contracts::{
    ContractDiff, ContractSet, ContractsProblem, Folder, Lock, LockError, Mismatch, MismatchKind, Refusal, Request,
    diff, note_name, plan_update, sha256_hex, verify, verify_locked, verify_since,
};
use xtrlv2_fixtures::{V0_1, V0_2, Version};

const SCHEMA: &str = "schemas/gate_decision.schema.json";
const COMMON: &str = "schemas/common.schema.json";

fn folder(version: &Version) -> Folder {
    version.artifacts().map(|artifact| (artifact.path, artifact.bytes)).collect()
}

fn lock(version: &Version) -> Lock {
    Lock::compute(&folder(version), "pinned", "xtrlv2", None).unwrap()
}

fn difference(old: &Folder, new: &Folder) -> ContractDiff {
    diff(&ContractSet::read(old).unwrap(), &ContractSet::read(new).unwrap())
}

/// The mismatches after one text of one file was replaced.
fn after(path: &str, from: &str, to: &str) -> Vec<Mismatch> {
    let mut changed = folder(&V0_1);
    let text = V0_1.artifact(path).unwrap().text();
    assert!(text.contains(from), "{path} has no {from}");
    changed.insert(path, text.replacen(from, to, 1));
    verify(&lock(&V0_1), &changed)
}

fn kinds(mismatches: &[Mismatch]) -> Vec<(MismatchKind, &str)> {
    mismatches.iter().map(|mismatch| (mismatch.kind, mismatch.path.as_str())).collect()
}

#[test]
fn an_untouched_folder_has_no_mismatch() {
    for version in [V0_1, V0_2] {
        assert_eq!(verify(&lock(&version), &folder(&version)), []);
    }
}

#[test]
fn one_changed_byte_is_caught_with_both_digests_and_those_who_reach_it() {
    let found = after(COMMON, "{64}", "{63}");
    assert_eq!(kinds(&found), [(MismatchKind::ContentChanged, COMMON)]);
    let mismatch = &found[0];
    assert_eq!(mismatch.expected.as_deref(), Some(sha256_hex(V0_1.artifact(COMMON).unwrap().bytes).as_str()));
    let changed = V0_1.artifact(COMMON).unwrap().text().replacen("{64}", "{63}", 1);
    assert_eq!(mismatch.actual, Some(sha256_hex(changed.as_bytes())));
    assert!(mismatch.dependents.contains(&SCHEMA.to_owned()), "{mismatch}");
    assert_eq!(mismatch.mend, format!("git restore -- pinned/{COMMON}"));
    assert!(!mismatch.causes.is_empty());
}

#[test]
fn a_reformat_is_told_from_a_change() {
    assert_eq!(kinds(&after(SCHEMA, "{\n", "{  \r\n")), [(MismatchKind::Reformatted, SCHEMA)]);
    let twice = after(SCHEMA, "\"title\":", "\"title\": \"a\", \"title\":");
    assert_eq!(kinds(&twice), [(MismatchKind::ContentChanged, SCHEMA)], "a repeated member is no reformat");
}

#[test]
fn a_missing_file_and_an_extra_file_are_named() {
    let mut changed = folder(&V0_1);
    changed.remove("reason_codes.json");
    changed.insert("schemas/stray.schema.json", "{}");
    let found = verify(&lock(&V0_1), &changed);
    assert_eq!(
        kinds(&found),
        [(MismatchKind::FileMissing, "reason_codes.json"), (MismatchKind::FileExtra, "schemas/stray.schema.json"),]
    );
    assert_eq!(found[1].mend, "rm -- pinned/schemas/stray.schema.json");
}

#[test]
fn a_missing_schema_breaks_those_that_refer_to_it() {
    let mut changed = folder(&V0_1);
    changed.remove("schemas/meta.schema.json");
    let found = verify(&lock(&V0_1), &changed);
    let named = kinds(&found);
    assert!(named.contains(&(MismatchKind::FileMissing, "schemas/meta.schema.json")));
    for path in [SCHEMA, "schemas/run_manifest.schema.json", "schemas/state_space.schema.json"] {
        assert!(named.contains(&(MismatchKind::ReferenceUnresolved, path)), "{path}: {named:?}");
    }
}

#[test]
fn a_changed_reference_target_is_named_with_what_it_was_and_is() {
    let path = "schemas/helper_event.schema.json";
    let found = after(path, "#/definitions/reason_code", "#/definitions/text");
    assert_eq!(kinds(&found), [(MismatchKind::ContentChanged, path), (MismatchKind::ReferenceChanged, path)]);
    assert_eq!(found[1].expected.as_deref(), Some("schemas/common.schema.json#/definitions/reason_code"));
    let dangling = after(path, "#/definitions/reason_code", "#/definitions/reason_word");
    assert!(kinds(&dangling).contains(&(MismatchKind::ReferenceUnresolved, path)));
}

#[test]
fn a_lock_is_the_same_bytes_whenever_it_is_written() {
    let lock = lock(&V0_1);
    let text = lock.render();
    assert_eq!(Lock::parse(text.as_bytes()).unwrap(), lock);
    assert_eq!(Lock::parse(text.as_bytes()).unwrap().render(), text);
    assert_ne!(lock.digest(), self::lock(&V0_2).digest());
    let paths = lock.artifacts.keys().map(String::as_str).collect::<Vec<_>>();
    assert_eq!(paths, folder(&V0_1).paths().collect::<Vec<_>>());
    let pinned = &lock.artifacts["schemas/meta.schema.json"];
    assert_eq!(pinned.version, "0.1");
    assert_eq!(pinned.dialect.as_deref(), Some("http://json-schema.org/draft-07/schema#"));
    assert!(pinned.references.contains(&"schemas/guard.schema.json#/definitions/guards".to_owned()));
}

#[test]
fn what_is_no_lock_and_what_cannot_be_locked_are_errors() {
    let text = lock(&V0_1).render();
    let other = text.replace("\"lock_version\": \"1\"", "\"lock_version\": \"2\"");
    assert_eq!(Lock::parse(other.as_bytes()), Err(LockError::Version { found: "2".to_owned() }));
    assert!(matches!(Lock::parse(b"{}"), Err(LockError::Malformed { .. })));
    let mut open = folder(&V0_1);
    open.insert("schemas/open.schema.json", r#"{"not": {"$ref": "https://a.example/b.json"}}"#);
    let error = Lock::compute(&open, "pinned", "xtrlv2", None).unwrap_err();
    assert!(matches!(&error, LockError::Unresolved { pointer, .. } if pointer == "/not"), "{error}");
    for outside in ["../pinned", "/pinned", "a/../../b", "c:/pinned"] {
        let folder = outside.to_owned();
        assert_eq!(Lock::compute(&self::folder(&V0_1), outside, "xtrlv2", None), Err(LockError::Folder { folder }));
        let moved = text.replace("\"folder\": \"pinned\"", &format!("\"folder\": \"{outside}\""));
        assert!(matches!(Lock::parse(moved.as_bytes()), Err(LockError::Folder { .. })), "{outside}");
    }
    let error = Lock::compute(&Folder::default(), "pinned", "xtrlv2", None).unwrap_err();
    assert_eq!(error.to_string(), "`registry.json` is not there, and a folder of contracts has it");
}

#[test]
fn a_hand_written_lock_is_told_from_ours_and_a_moved_version_asks_for_its_note() {
    let mut lock = lock(&V0_1);
    let none = Folder::default();
    let found = verify_locked(lock.render().as_bytes(), &folder(&V0_1), &none).unwrap();
    assert_eq!(found, []);
    let compact = lock.render().replace('\n', "");
    let found = verify_locked(compact.as_bytes(), &folder(&V0_1), &none).unwrap();
    assert_eq!(kinds(&found), [(MismatchKind::LockNotCanonical, "contracts.lock")]);
    lock.history = vec!["0.0".to_owned(), "0.1".to_owned()];
    let found = verify_locked(lock.render().as_bytes(), &folder(&V0_1), &none).unwrap();
    assert_eq!(kinds(&found), [(MismatchKind::NoteMissing, "xtrlv2-0.0-to-0.1.md")]);
    assert_eq!(found[0].mend, "write docs/migrations/xtrlv2-0.0-to-0.1.md");
    lock.history.pop();
    assert_eq!(verify(&lock, &folder(&V0_1))[0].kind, MismatchKind::HistoryBroken);
}

#[test]
fn a_history_may_grow_and_not_shrink() {
    let before = lock(&V0_1);
    let mut after = lock(&V0_2);
    assert_eq!(verify_since(&before, &after)[0].kind, MismatchKind::HistoryBroken);
    after.history = vec!["0.1".to_owned(), "0.2".to_owned()];
    assert_eq!(verify_since(&before, &after), []);
    assert_eq!(verify_since(&after, &before)[0].expected.as_deref(), Some("0.1, 0.2"));
}

#[test]
fn another_version_over_the_pinned_one_is_named_as_that() {
    let named = verify(&lock(&V0_1), &folder(&V0_2));
    let version = named.iter().find(|mismatch| mismatch.kind == MismatchKind::VersionChanged).unwrap();
    assert_eq!(version.expected.as_deref(), Some("xtrlv2 0.1"));
    assert_eq!(version.actual.as_deref(), Some("xtrlv2 0.2"));
}

#[test]
fn the_difference_of_the_two_versions_is_what_was_put_there() {
    let diff = difference(&folder(&V0_1), &folder(&V0_2));
    let named = |contract: &str| {
        let changes = diff.breaking().filter(|change| change.contract == contract);
        changes.map(|change| change.finding.rule).collect::<Vec<_>>()
    };
    assert_eq!(named("gate_decision"), [], "the safe change breaks nothing");
    assert_eq!(named("helper_event"), [ContractRule::Schema(SchemaRule::PatternChanged)]);
    let registry = named("reason_codes");
    for rule in [ContractRule::CodeAdded, ContractRule::VersionBumped, ContractRule::Schema(SchemaRule::RequiredAdded)]
    {
        assert!(registry.contains(&rule), "{rule}: {registry:?}");
    }
    assert!(diff.breaking().all(|change| change.finding.verdict == Compatibility::Incompatible));
    assert!(diff.breaking().all(|change| change.finding.witness.is_some()));
    let contracts = diff.breaking().map(|change| change.contract.as_str());
    assert_eq!(contracts.collect::<std::collections::BTreeSet<_>>().len(), 2);
}

fn request<'a>(pinned: (&'a Lock, &'a Folder), from: &'a Folder, notes: &'a Folder) -> Request<'a> {
    Request { pinned: Some(pinned), from, folder: "pinned", repository: "xtrlv2", commit: None, notes }
}

#[test]
fn the_move_is_refused_without_the_note_and_accepted_with_it() {
    let (lock, old, new) = (lock(&V0_1), folder(&V0_1), folder(&V0_2));
    let mut notes = Folder::default();
    let note = note_name("xtrlv2", "0.1", "0.2");
    let refusal = plan_update(&request((&lock, &old), &new, &notes)).unwrap_err();
    assert!(matches!(&refusal, Refusal::NoteMissing { note: name, .. } if *name == note), "{refusal}");
    assert_eq!(
        refusal.to_string(),
        "there is no migration note for this move: write docs/migrations/xtrlv2-0.1-to-0.2.md"
    );
    notes.insert(note.as_str(), "# a note about helper_event alone");
    let refusal = plan_update(&request((&lock, &old), &new, &notes)).unwrap_err();
    assert!(matches!(&refusal, Refusal::NoteSilent { contracts, .. } if contracts == &["reason_codes"]), "{refusal}");
    notes.insert(note.as_str(), include_str!("../../docs/migrations/xtrlv2-0.1-to-0.2.md"));
    let update = plan_update(&request((&lock, &old), &new, &notes)).unwrap();
    assert_eq!(update.lock.history, ["0.1", "0.2"]);
    assert_eq!(update.remove, ["examples/valid/helper_event.short_base_sha.json"]);
    let mut moved = old;
    update.remove.iter().for_each(|path| {
        moved.remove(path);
    });
    update.write.iter().for_each(|(path, bytes)| {
        moved.insert(path, bytes);
    });
    assert_eq!(moved, new);
    assert_eq!(verify_locked(update.lock.render().as_bytes(), &moved, &notes).unwrap(), []);
}

#[test]
fn a_break_without_a_new_version_is_refused_whatever_the_notes_say() {
    let (lock, old) = (lock(&V0_1), folder(&V0_1));
    let mut new = folder(&V0_1);
    let text = V0_1.artifact(SCHEMA).unwrap().text();
    new.insert(SCHEMA, text.replace("\"PROMOTE\",", ""));
    let notes = Folder::default();
    let refusal = plan_update(&request((&lock, &old), &new, &notes)).unwrap_err();
    assert!(
        matches!(&refusal, Refusal::VersionUnchanged { contracts, .. } if contracts == &["gate_decision"]),
        "{refusal}"
    );
    new.insert(SCHEMA, text.replace("\"PROMOTE\",", "\"PROMOTE\",\"HOLD\","));
    let update = plan_update(&request((&lock, &old), &new, &notes)).unwrap();
    assert_eq!(update.write.paths().collect::<Vec<_>>(), [SCHEMA]);
    assert_eq!(update.lock.history, ["0.1"]);
}

#[test]
fn a_tampered_folder_is_put_back_but_not_moved() {
    let (lock, old, new) = (lock(&V0_1), folder(&V0_1), folder(&V0_2));
    let mut tampered = old.clone();
    tampered.insert(SCHEMA, "{}");
    let notes = Folder::default();
    let refusal = plan_update(&request((&lock, &tampered), &new, &notes)).unwrap_err();
    assert!(matches!(refusal, Refusal::PinnedChanged { .. }));
    let update = plan_update(&request((&lock, &tampered), &old, &notes)).unwrap();
    assert_eq!(update.write.paths().collect::<Vec<_>>(), [SCHEMA]);
    assert_eq!(update.lock, lock);
}

/// Version 0.1 with one text of its registry replaced.
fn with_registry(from: &str, to: &str) -> Folder {
    let registry = V0_1.artifact("registry.json").unwrap().text();
    assert!(registry.contains(from), "the registry has no {from}");
    let mut changed = folder(&V0_1);
    changed.insert("registry.json", registry.replace(from, to));
    changed
}

#[test]
fn contracts_that_come_and_go_are_told() {
    let new = with_registry("\"latest_state\"", "\"newest_state\"");
    let diff = difference(&folder(&V0_1), &new);
    let rules = diff.changes.iter().map(|change| (change.finding.rule, change.contract.as_str()));
    let rules = rules.collect::<Vec<_>>();
    assert_eq!(rules, [(ContractRule::ContractRemoved, "latest_state"), (ContractRule::ContractAdded, "newest_state")]);
    let (lock, old, notes) = (lock(&V0_1), folder(&V0_1), Folder::default());
    let refusal = plan_update(&request((&lock, &old), &new, &notes)).unwrap_err();
    assert!(matches!(&refusal, Refusal::VersionUnchanged { contracts, .. } if contracts == &["latest_state"]));
}

#[test]
fn a_contract_breaks_under_a_version_of_its_own_or_not_at_all() {
    let lock = lock(&V0_1);
    let old = folder(&V0_1);
    let moved = |contract: &str| {
        let schema = format!("\"schema\": \"schemas/{contract}.schema.json\"");
        let from = format!("\"version\": \"0.1\",\n      {schema}");
        let mut new = with_registry(&from, &from.replace("0.1", "0.2"));
        let text = V0_1.artifact(SCHEMA).unwrap().text();
        new.insert(SCHEMA, text.replace("\"PROMOTE\",", ""));
        new
    };
    let notes = Folder::default();
    let refusal = plan_update(&request((&lock, &old), &moved("run_manifest"), &notes)).unwrap_err();
    assert!(matches!(&refusal, Refusal::VersionUnchanged { contracts, .. } if contracts == &["gate_decision"]));
    let new = moved("gate_decision");
    let refusal = plan_update(&request((&lock, &old), &new, &notes)).unwrap_err();
    let Refusal::NoteMissing { note, .. } = refusal else { panic!("{refusal}") };
    let version = note.strip_prefix("xtrlv2-0.1-to-").unwrap().strip_suffix(".md").unwrap();
    assert!(version.starts_with("mixed-") && version.len() == 18, "{version}");
    let notes = [(note.as_str(), "gate_decision")].into_iter().collect();
    let update = plan_update(&request((&lock, &old), &new, &notes)).unwrap();
    assert_eq!(update.lock.history, ["0.1", version]);
    assert_eq!(update.lock.contracts["gate_decision"].version, "0.2");
    assert_eq!(update.lock.contracts["run_manifest"].version, "0.1");
}

#[test]
fn what_cannot_be_read_is_no_contract_and_everything_wrong_is_named() {
    let problems = |folder: &Folder| {
        let error = ContractSet::read(folder).unwrap_err();
        error.problems.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(problems(&Folder::default()), ["`registry.json` is not there, and a folder of contracts has it"]);
    let registry = |text: &str| problems(&[("registry.json", text)].into_iter().collect());
    assert!(registry("{")[0].starts_with("`registry.json` is not JSON: "));
    assert_eq!(
        registry(r#"{"owner": "me", "version": "0.1", "contracts": []}"#),
        [
            "`registry.json#/schema_version`: expected a string that is not empty, found nothing",
            "`registry.json#/artifacts`: expected an object that names contracts, found nothing",
        ]
    );
    assert_eq!(
        registry(r#"{"schema_version": "2.0", "artifacts": {"a": {"version": 1}}}"#),
        [
            "`registry.json#/schema_version`: expected \"1.0\", found \"2.0\"",
            "`registry.json#/artifacts/a/schema`: expected a string that is not empty, found nothing",
            "`registry.json#/artifacts/a/version`: expected a string that is not empty, found 1",
        ]
    );
    let mut gone = folder(&V0_1);
    gone.remove(SCHEMA);
    gone.insert("schemas/run_manifest.schema.json", r#"{"type": "strong"}"#);
    gone.insert("reason_codes.json", "[]");
    let named = problems(&gone);
    assert_eq!(named[0], format!("not a schema at `{SCHEMA}#`: the folder has no such file"));
    assert!(named[1].starts_with("not a schema at `schemas/run_manifest.schema.json#/type`: "), "{named:?}");
    assert_eq!(named[2], "`reason_codes.json#`: expected a table of reason codes, found an array");
    assert_eq!(named.len(), 3);
    gone.remove("reason_codes.json");
    let error = ContractSet::read(&gone).unwrap_err();
    assert_eq!(error.problems[2], ContractsProblem::Missing { file: "reason_codes.json" });
}

#[test]
fn a_lock_names_every_contract_and_marks_those_that_are_consumed() {
    let lock = Lock::compute(&with_registry("\"latest_state\"", "\"newest_state\""), "pinned", "xtrlv2", None).unwrap();
    assert_eq!(lock.contracts.len(), 9);
    let apart = lock.contracts.iter().filter(|(_, contract)| !contract.consumed).map(|(name, _)| name.as_str());
    assert_eq!(apart.collect::<Vec<_>>(), ["newest_state"]);
    assert_eq!(lock.consumed().count(), 8);
    let unmarked = lock.render().replacen("\"consumed\": true", "\"consumed\": false", 1);
    let changed = with_registry("\"latest_state\"", "\"newest_state\"");
    let found = verify_locked(unmarked.as_bytes(), &changed, &Folder::default()).unwrap();
    assert_eq!(kinds(&found), [(MismatchKind::LockNotCanonical, "contracts.lock")]);
}

#[test]
fn a_lock_of_before_it_named_contracts_is_read_and_written_again() {
    let folder = folder(&V0_1);
    let mut before = lock(&V0_1);
    before.source.commit = Some("1f0c2ab".to_owned());
    before.contracts.clear();
    let text = before.render().replacen("  \"contracts\": {},\n", "", 1);
    let read = Lock::parse(text.as_bytes()).unwrap();
    assert_eq!(read, before);
    assert_eq!(verify(&read, &folder), []);
    let found = verify_locked(text.as_bytes(), &folder, &Folder::default()).unwrap();
    assert_eq!(kinds(&found), [(MismatchKind::LockNotCanonical, "contracts.lock")]);
    let notes = Folder::default();
    let update = plan_update(&request((&read, &folder), &folder, &notes)).unwrap();
    assert_eq!(update.lock.contracts.len(), 9);
    assert_eq!(update.lock.source.commit.as_deref(), Some("1f0c2ab"), "the same files are of the same commit");
}
