//! What somebody who depends on the owner's contracts would check, with two crates and no others.
#![expect(clippy::unwrap_used, reason = "a test may stop at the first thing that is wrong")]

use dome_contracts::compat::{Dialect, Direction, Schema, Verdict, compat};
use dome_contracts::{
    Folder, Lock, MismatchKind, Refusal, Request, diff, missing_notes, plan_update, sha256_hex, verify, verify_locked,
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
    for artifact in version.artifacts() {
        let pinned = lock.artifacts.get(artifact.path).unwrap();
        assert_eq!(pinned.sha256, sha256_hex(artifact.bytes));
    }
}

#[test]
fn the_examples_are_what_their_schemas_say() {
    for version in VERSIONS {
        for example in version.valid_examples() {
            let problems = schema(version, example.contract()).problems(example.bytes).unwrap();
            assert_eq!(problems, Vec::<String>::new(), "{}", example.path);
        }
        for example in version.invalid_examples() {
            let problems = schema(version, example.contract()).problems(example.bytes).unwrap();
            assert!(!problems.is_empty(), "{} is accepted", example.path);
        }
    }
}

#[test]
fn a_flipped_bit_anywhere_is_caught() {
    let lock = Lock::compute(&folder(&V0_1), "pinned", None).unwrap();
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
        let report = compat(&schema(&V0_1, contract), &schema(&V0_1, contract), Direction::Full).unwrap();
        assert_eq!(report.verdict, Verdict::Compatible, "{contract}");
        assert!(report.findings.is_empty(), "{contract}");
    }
}

#[test]
fn the_next_version_is_judged_contract_by_contract() {
    let verdict = |contract: &str, direction| {
        compat(&schema(&V0_1, contract), &schema(&V0_2, contract), direction).unwrap().verdict
    };
    assert_eq!(verdict("gate_decision", Direction::Backward), Verdict::Compatible);
    assert_eq!(verdict("gate_decision", Direction::Forward), Verdict::Incompatible);
    assert_eq!(verdict("helper_event", Direction::Backward), Verdict::Incompatible);
    assert_eq!(verdict("helper_event", Direction::Forward), Verdict::Compatible);
    assert_eq!(verdict("reason_codes", Direction::Backward), Verdict::Incompatible);
    assert_eq!(verdict("reason_codes", Direction::Forward), Verdict::Incompatible);
    assert_eq!(verdict("run_manifest", Direction::Full), Verdict::Compatible);
    assert_eq!(diff(&folder(&V0_1), &folder(&V0_1)).unwrap().bump(), None);
}

#[test]
fn the_move_to_the_next_version_takes_the_note() {
    let (old, new) = (folder(&V0_1), folder(&V0_2));
    let lock = Lock::compute(&old, "pinned", None).unwrap();
    let plan = |notes: &Folder| {
        let pinned = Some((&lock, &old));
        plan_update(&Request { pinned, from: &new, folder: "pinned", commit: None, notes })
    };
    let refusal = plan(&Folder::default()).unwrap_err();
    assert!(matches!(&refusal, Refusal::NoteMissing { note, .. } if note == "xtrlv2-0.1-to-0.2.md"));
    let update = plan(&notes()).unwrap();
    assert_eq!(verify(&update.lock, &new), []);
    assert!(verify(&update.lock, &old).iter().any(|found| found.kind == MismatchKind::VersionChanged));
}
