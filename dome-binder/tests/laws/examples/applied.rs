//! What became of applications (M-84, M-44).

use serde_json::{Value, json};

use super::{Story, patch};

/// The key of the one failure of these stories on `app`.
fn key() -> String {
    Story::new().then("failure", json!({})).key(0)
}

/// A fact that applied it.
fn applied(more: Value) -> Value {
    let mut changes = json!({"applied_capsule": key()});
    changes.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    changes
}

/// How often the capsule on `app` was confirmed, refuted and blocked.
fn counts(story: &Story) -> (u64, u64, u64) {
    let key = key();
    let capsules = story.replay().derived.capsules;
    let own = capsules.iter().find(|capsule| capsule.derived_key.to_string() == key).unwrap();
    (own.confirmed_count, own.refuted_count, own.blocked_count)
}

fn known() -> Story {
    Story::new().then("failure", json!({}))
}

#[test]
fn m84_a_key_applied_by_the_fact_that_first_mints_it_does_not_count() {
    let replay = Story::new().then("failure", applied(json!({}))).replay();
    assert_eq!((replay.derived.applied_too_early, replay.derived.applied_unknown), (1, 0));
    assert_eq!(replay.derived.capsules[0].refuted_count, 0);
    let later = known().then("failure", applied(json!({})));
    assert_eq!(later.capsule().refuted_count, 1, "an earlier fact minted it");
}

#[test]
fn m84_a_fact_that_contradicts_or_resolves_does_not_count_as_well() {
    let resolved = known().then("success", applied(json!({})));
    assert_eq!((resolved.capsule().resolved_count, resolved.capsule().confirmed_count), (1, 0));
    let contradicted = resolved.then("failure", applied(json!({})));
    assert_eq!((contradicted.capsule().contradiction_count, contradicted.capsule().refuted_count), (1, 0));
}

#[test]
fn m84_a_rerun_of_what_it_applied_does_not_count_as_well() {
    let failed = || Story::new().failed("r1");
    let again = failed().then("failure", applied(json!({"at": "r1"})));
    assert_eq!((counts(&again), again.capsule().remedies[0].contradicted_count), ((0, 0, 0), 1));
    assert_eq!(counts(&failed().then("failure", applied(json!({"at": "r2"})))), (0, 1, 0), "elsewhere it is none");
}

#[test]
fn m84_a_recurrence_counts_as_a_refutation() {
    let story = known().clean(5).then("failure", applied(json!({})));
    assert_eq!((story.capsule().recurrence_count, story.capsule().refuted_count), (1, 1));
}

#[test]
fn m84_what_is_stale_counts_as_a_refutation() {
    let story = Story::new()
        .then("failure", json!({"at": "r1", "lane": "main"}))
        .then("success", json!({"at": "r2", "lane": "main"}))
        .then("failure", applied(json!({"at": "r1", "lane": "pr"})));
    // It is the first fact with its revision after the opening one, so it is a rerun, too: counted by that.
    assert_eq!((story.capsule().stale_count, story.capsule().refuted_count), (1, 0));
    let based = json!({"subject": {"revision": "b", "base_revision": "r1"}, "lane": "pr"});
    let story = Story(story.0[..2].to_vec()).then("failure", applied(based));
    assert_eq!((story.capsule().stale_count, story.capsule().refuted_count), (1, 1));
}

#[test]
fn m84_one_run_counts_once_and_only_what_counted_takes_the_place() {
    let of_run = || applied(json!({"run_id": "again"}));
    let story = known().then("observation", of_run()).then("failure", of_run()).then("failure", of_run());
    assert_eq!(story.capsule().refuted_count, 1);
}

#[test]
fn m84_the_same_failure_resolved_elsewhere_confirms() {
    let there = |more: Value| {
        let mut changes = json!({"target": "lib"});
        changes.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        changes
    };
    let failed = || known().then("failure", there(json!({})));
    assert_eq!(counts(&failed().then("success", there(applied(json!({}))))), (1, 0, 0));
    let mended = there(applied(json!({"remedy": patch("p")})));
    assert_eq!(counts(&failed().then("success", mended)), (1, 0, 0));
    let nothing = known().then("success", there(applied(json!({}))));
    assert_eq!(counts(&nothing), (0, 0, 0), "a success where nothing had failed confirms nothing");
    let rerun =
        known().then("failure", there(json!({"at": "r1"}))).then("success", there(applied(json!({"at": "r1"}))));
    assert_eq!(counts(&rerun), (0, 0, 0), "what passed by itself was not resolved");
}

#[test]
fn m84_only_the_same_failure_elsewhere_speaks_of_it() {
    let there = |code: &str| applied(json!({"target": "lib", "code": code}));
    assert_eq!(counts(&known().then("failure", there("TESTS_FAILED"))), (0, 1, 0));
    assert_eq!(counts(&known().then("failure", there("LINT_FAILED"))), (0, 0, 0), "another failure says nothing of it");
    let other = known().then("failure", json!({"target": "lib", "code": "LINT_FAILED"}));
    assert_eq!(counts(&other.then("success", there("NONE"))), (0, 0, 0), "nor does its resolution");
}

#[test]
fn m84_a_denial_blocks_unless_it_fails() {
    let denial = |more: Value| {
        let mut changes = applied(json!({"policy_reason_code": "NO"}));
        changes.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        changes
    };
    assert_eq!(counts(&known().then("denial", denial(json!({})))), (0, 0, 1));
    let failing = json!({"target": "lib", "gates": [{"gate_id": "unit", "status": "FAIL"}]});
    assert_eq!(counts(&known().then("denial", denial(failing))), (0, 0, 0), "a failure of another key");
}
