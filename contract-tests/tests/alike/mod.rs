//! The fixtures and the owner's own files judge alike, where those are at hand: `DOME_OWNER_DATA` names the folder that holds
//! a checkout `xtrlv2`. Nothing of it is part of this repository.
#![expect(clippy::unwrap_used, reason = "a test may stop at the first thing that is wrong")]

mod generated;
mod instances;

use std::collections::BTreeMap;
use std::path::Path;

use dome_contracts::compat::{Compatibility, Dialect, Direction, Schema, compat};
use dome_contracts::{CONSUMED, ContractSet, Folder, Lock, OWNER_FOLDER, diff, sha256_hex};
use serde_json::Value;
use xtrlv2_fixtures::V0_1;

use crate::fixtures::files;

/// SHA-256 over a line `path sha256` for each of the owner's files, sorted, at the commit that `contracts.lock` names.
const OWNER_FILES: &str = "d7dd02d8be4e9eece98e5c9dc3f955427400290ee48f5e7d2d40b53453f2d7e4";

/// The owner's contracts; `None` where they are not at hand.
fn owner() -> Option<Folder> {
    let Some(root) = std::env::var_os("DOME_OWNER_DATA") else {
        println!("skipped: DOME_OWNER_DATA is not set");
        return None;
    };
    let mut found = BTreeMap::new();
    files(&Path::new(&root).join("xtrlv2").join(OWNER_FOLDER), "", &mut found);
    Some(found.into_iter().collect())
}

fn fixtures() -> Folder {
    V0_1.artifacts().map(|artifact| (artifact.path, artifact.bytes)).collect()
}

fn schema(folder: &Folder, contract: &str) -> Schema {
    folder.schema(&format!("schemas/{contract}.schema.json"), Dialect::Draft07).unwrap()
}

/// Both schemas of each contract: that of the fixtures and the owner's.
fn both(owner: &Folder) -> Vec<(&'static str, Schema, Schema)> {
    CONSUMED.iter().map(|contract| (*contract, schema(&fixtures(), contract), schema(owner, contract))).collect()
}

/// Every example of a contract, with its path: those of the owner, and those of the fixtures, which say by their folder what
/// they are.
fn examples(owner: &Folder, contract: &str) -> Vec<(String, Value)> {
    let own = format!("examples/{contract}.example.json");
    let own = (own.clone(), serde_json::from_slice(owner.get(&own).unwrap()).unwrap());
    let ours = V0_1.valid_examples().chain(V0_1.invalid_examples()).filter(|example| example.contract() == contract);
    let ours = ours.map(|example| (example.path.to_owned(), serde_json::from_slice(example.bytes).unwrap()));
    [own].into_iter().chain(ours).collect()
}

#[test]
fn the_owners_tree_is_that_of_the_commit_that_the_lock_names() {
    let Some(owner) = owner() else { return };
    let listed: String = owner.iter().map(|(path, bytes)| format!("{path} {}\n", sha256_hex(bytes))).collect();
    assert_eq!(
        sha256_hex(listed.as_bytes()),
        OWNER_FILES,
        "another tree: compare, mend the fixtures, and lock its commit by `dome contracts update --commit`"
    );
}

#[test]
fn every_example_is_accepted_or_rejected_alike() {
    let Some(owner) = owner() else { return };
    let mut judged = 0;
    for (contract, ours, owners) in both(&owner) {
        for (path, instance) in examples(&owner, contract) {
            let accepted = !path.contains("/invalid/");
            let problems =
                |schema: &Schema| schema.problems(&instance).map(|problem| problem.to_string()).collect::<Vec<_>>();
            assert_eq!(problems(&ours).is_empty(), accepted, "fixtures, {path}: {:?}", problems(&ours));
            assert_eq!(problems(&owners).is_empty(), accepted, "owner, {path}: {:?}", problems(&owners));
            judged += 1;
        }
    }
    println!("{judged} examples of {} contracts are judged alike", CONSUMED.len());
}

#[test]
fn every_schema_is_proven_to_accept_the_same_instances() {
    let Some(owner) = owner() else { return };
    for (contract, ours, owners) in both(&owner) {
        let report = compat(&ours, &owners, Direction::Full);
        assert_eq!(report.verdict, Compatibility::Compatible, "{contract}: {:#?}", report.findings);
    }
}

#[test]
fn the_tables_of_codes_say_the_same_and_nothing_breaks_between_the_folders() {
    let Some(owner) = owner() else { return };
    let ours = fixtures();
    let (ours, owner) = (ContractSet::read(&ours).unwrap(), ContractSet::read(&owner).unwrap());
    assert_eq!(ours.codes, owner.codes);
    let diff = diff(&ours, &owner);
    assert_eq!(diff.verdict(), Compatibility::Compatible);
    let added = owner.schemas.len() - ours.schemas.len();
    assert_eq!(diff.changes.iter().filter(|change| change.finding.rule.name() == "contract_added").count(), added);
}

#[test]
fn all_contracts_of_the_owner_can_be_pinned_and_the_consumed_ones_are_marked() {
    let Some(owner) = owner() else { return };
    let lock = Lock::compute(&owner, "pinned", "xtrlv2", Some("de3f0b9")).unwrap();
    assert_eq!((lock.contracts.len(), lock.source.version.as_str()), (25, "0.1"));
    assert_eq!(lock.consumed().collect::<Vec<_>>(), CONSUMED);
    let fixtures = Lock::compute(&fixtures(), "pinned", "xtrlv2", None).unwrap();
    for (name, contract) in &fixtures.contracts {
        assert_eq!(lock.contracts.get(name), Some(contract), "{name}");
    }
}
