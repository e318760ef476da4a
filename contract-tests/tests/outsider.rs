//! What somebody who depends on the owner's contracts would check, with two crates and no others.
#![expect(clippy::unwrap_used, reason = "a test may stop at the first thing that is wrong")]

use dome_contracts::compat::{Compatibility, Dialect, Direction, Schema, compat};
use dome_contracts::{
    CONSUMED, ContractSet, Folder, Lock, MismatchKind, Refusal, Request, diff, missing_notes, plan_update, sha256_hex,
    verify, verify_locked,
};
use xtrlv2_fixtures::{V0_1, V0_2, VERSIONS, Version};

/// The lock of this repository.
const LOCK: &str = include_str!("../../contracts.lock");
const NOTE: &str = include_str!("../../docs/migrations/xtrlv2-0.1-to-0.2.md");

fn folder(version: &Version) -> Folder {
    version.artifacts().map(|artifact| (artifact.path, artifact.bytes)).collect()
}

fn schema(version: &Version, contract: &str) -> Schema {
    let path = format!("schemas/{contract}.schema.json");
    folder(version).schema(&path, Dialect::Draft07).unwrap()
}

fn notes() -> Folder {
    [("xtrlv2-0.1-to-0.2.md", NOTE)].into_iter().collect()
}

#[test]
fn the_lock_of_this_repository_pins_the_fixtures_of_its_version() {
    let lock = Lock::parse(LOCK.as_bytes()).unwrap();
    let version = VERSIONS.iter().find(|version| version.name == lock.source.version).unwrap();
    assert_eq!(verify_locked(LOCK.as_bytes(), &folder(version), &notes()).unwrap(), []);
    assert_eq!(missing_notes(&lock, &notes()), Vec::<String>::new());
    assert!(lock.source.commit.is_some_and(|commit| commit.len() == 40), "the lock names the owner's commit");
    assert!(lock.contracts.values().all(|contract| contract.consumed));
    assert_eq!(lock.contracts.keys().collect::<Vec<_>>(), CONSUMED, "what dome consumes is what the fixtures state");
    for artifact in version.artifacts() {
        let pinned = lock.artifacts.get(artifact.path).unwrap();
        assert_eq!(pinned.sha256, sha256_hex(artifact.bytes));
    }
}

#[test]
fn the_examples_are_what_their_schemas_say() {
    for version in VERSIONS {
        for example in version.valid_examples() {
            let instance = serde_json::from_slice(example.bytes).unwrap();
            let problems: Vec<_> = schema(version, example.contract()).problems(&instance).collect();
            assert_eq!(problems, [], "{}", example.path);
        }
        for example in version.invalid_examples() {
            let instance = serde_json::from_slice(example.bytes).unwrap();
            assert!(!schema(version, example.contract()).is_valid(&instance), "{} is accepted", example.path);
        }
    }
}

#[test]
fn a_flipped_bit_anywhere_is_caught() {
    let lock = Lock::compute(&folder(&V0_1), "pinned", "xtrlv2", None).unwrap();
    for artifact in V0_1.artifacts() {
        let mut changed = folder(&V0_1);
        let mut bytes = artifact.bytes.to_vec();
        let middle = bytes.len() / 2;
        *bytes.get_mut(middle).unwrap() ^= 1;
        changed.insert(artifact.path, bytes);
        let found = verify(&lock, &changed);
        let named = found.iter().find(|mismatch| mismatch.path == artifact.path).unwrap();
        assert_eq!(named.expected.as_deref(), Some(sha256_hex(artifact.bytes).as_str()));
        assert!(named.mend.ends_with(artifact.path));
    }
}

#[test]
fn every_contract_is_compatible_with_itself() {
    for contract in V0_1.valid_examples().map(|example| example.contract()) {
        let report = compat(&schema(&V0_1, contract), &schema(&V0_1, contract), Direction::Full);
        assert_eq!(report.verdict, Compatibility::Compatible, "{contract}");
        assert!(report.findings.is_empty(), "{contract}");
    }
}

#[test]
fn the_next_version_is_judged_contract_by_contract() {
    let verdict =
        |contract: &str, direction| compat(&schema(&V0_1, contract), &schema(&V0_2, contract), direction).verdict;
    assert_eq!(verdict("gate_decision", Direction::Backward), Compatibility::Compatible);
    assert_eq!(verdict("gate_decision", Direction::Forward), Compatibility::Incompatible);
    assert_eq!(verdict("helper_event", Direction::Backward), Compatibility::Incompatible);
    assert_eq!(verdict("helper_event", Direction::Forward), Compatibility::Compatible);
    assert_eq!(verdict("reason_codes", Direction::Backward), Compatibility::Incompatible);
    assert_eq!(verdict("reason_codes", Direction::Forward), Compatibility::Incompatible);
    assert_eq!(verdict("run_manifest", Direction::Full), Compatibility::Compatible);
    let same = folder(&V0_1);
    let same = ContractSet::read(&same).unwrap();
    assert_eq!(diff(&same, &same).bump(), None);
}

#[test]
fn the_move_to_the_next_version_takes_the_note() {
    let (old, new) = (folder(&V0_1), folder(&V0_2));
    let lock = Lock::compute(&old, "pinned", "xtrlv2", None).unwrap();
    let plan = |notes: &Folder| {
        let pinned = Some((&lock, &old));
        plan_update(&Request { pinned, from: &new, folder: "pinned", repository: "xtrlv2", commit: None, notes })
    };
    let refusal = plan(&Folder::default()).unwrap_err();
    assert!(matches!(&refusal, Refusal::NoteMissing { note, .. } if note == "xtrlv2-0.1-to-0.2.md"));
    let update = plan(&notes()).unwrap();
    assert_eq!(verify(&update.lock, &new), []);
    assert!(verify(&update.lock, &old).iter().any(|found| found.kind == MismatchKind::VersionChanged));
}
