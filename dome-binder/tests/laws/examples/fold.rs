//! What a fact does to a key in its stream (M-73 to M-82, M-85, M-87).

use dome_binder::CapsuleStanding::{Broken, Cleared, Failing, GivenUp, Held, Pending};
use dome_core::{Job, Lane};
use serde_json::json;

use super::{Story, patch, retry};

/// Nothing was seen before: five clean runs prove it gone, N(1, 2).
const UNKNOWN: u64 = 5;

#[test]
fn m73_what_fails_in_one_stream_is_not_mended_in_another() {
    let failed = || Story::new().then("failure", json!({"at": "r1", "lane": "main", "job": "linux"}));
    for elsewhere in [
        json!({"at": "r2", "lane": "pr", "job": "linux"}),
        json!({"at": "r2", "lane": "main", "job": "macos"}),
        json!({"at": "r2", "lane": "main"}),
        json!({"at": "r2", "job": "linux"}),
        json!({}),
    ] {
        let story = failed().then("success", elsewhere.clone());
        assert_eq!((story.state(), story.capsule().resolved_count), ((Some(Failing), None), 0), "{elsewhere}");
    }
    let here = failed().then("success", json!({"at": "r2", "lane": "main", "job": "linux"}));
    assert_eq!((here.state(), here.capsule().resolved_count), ((Some(Pending), Some((1, UNKNOWN))), 1));
}

#[test]
fn m73_a_dirty_subject_has_a_job_all_the_same() {
    let dirty = |job: &str| json!({"subject": {"revision": "r2", "job": job, "dirty": true}});
    let failed = || Story::new().then("failure", json!({"at": "r1", "job": "linux"}));
    assert_eq!(failed().then("success", dirty("linux")).capsule().resolved_count, 1);
    assert_eq!(failed().then("success", dirty("macos")).capsule().resolved_count, 0);
}

#[test]
fn m74_a_dirty_revision_does_not_say_what_was_tested() {
    let at = |dirty: bool| json!({"subject": {"revision": "r1", "dirty": dirty}});
    let story = |dirty: bool| Story::new().then("failure", at(dirty)).then("success", at(dirty));
    let (clean, dirty) = (story(false).capsule(), story(true).capsule());
    assert_eq!((clean.intermittent_count, clean.resolved_count, clean.state), (1, 0, Some(Cleared)));
    assert_eq!((dirty.intermittent_count, dirty.resolved_count, dirty.state), (0, 1, Some(Pending)));
    assert!(dirty.remedies.is_empty(), "and what has no subject is no rerun");
}

#[test]
fn m74_one_revision_in_two_repositories_or_jobs_is_two_subjects() {
    let at = |subject: serde_json::Value| Story::new().then("success", json!({"subject": subject}));
    let failed = json!({"subject": {"revision": "r1", "repository": "a", "job": "x"}});
    for (subject, intermittent) in [
        (json!({"revision": "r1", "repository": "a", "job": "x"}), 1),
        (json!({"revision": "r1", "repository": "b", "job": "x"}), 0),
        (json!({"revision": "r1", "repository": "a", "job": "y"}), 0),
        (json!({"revision": "r1", "repository": "a"}), 0),
        (json!({"revision": "r1", "job": "x"}), 0),
    ] {
        let story = at(subject.clone()).then("failure", failed.clone());
        assert_eq!(story.capsule().intermittent_count, intermittent, "{subject}");
    }
}

#[test]
fn m74_one_subject_is_one_in_all_lanes() {
    let story = Story::new()
        .then("success", json!({"at": "r1", "lane": "pr"}))
        .then("failure", json!({"at": "r1", "lane": "main"}));
    assert_eq!(story.capsule().intermittent_count, 1);
    let story = story.then("success", json!({"at": "r1", "lane": "pr"}));
    let capsule = story.capsule();
    // It still fails in its lane, but nothing is left in its row that no later success has cleared.
    assert_eq!((capsule.state, capsule.state_lane.as_ref().map(Lane::as_str)), (Some(Cleared), Some("main")));
    assert_eq!((capsule.resolved_count, capsule.intermittent_count), (0, 1));
}

#[test]
fn m75_what_passes_other_gates_clears_nothing() {
    let gates =
        |unit: &str, lint: &str| json!([{"gate_id": "unit", "status": unit}, {"gate_id": "lint", "status": lint}]);
    let failed = || Story::new().then("failure", json!({"at": "r1", "gates": gates("FAIL", "FAIL")}));
    for (passed, resolved) in [
        (gates("PASS", "PASS"), 1),
        (gates("PASS", "SKIP"), 0),
        (json!([{"gate_id": "unit", "status": "PASS"}]), 0),
        (json!([]), 1),
    ] {
        let story = failed().then("success", json!({"at": "r2", "gates": passed}));
        assert_eq!(story.capsule().resolved_count, resolved, "{passed}");
    }
}

#[test]
fn m76_what_was_tested_is_remembered_to_the_last_nanosecond_of_the_window() {
    let again = |ts: &str| {
        let capsule = Story::new().failed("r1").then("success", json!({"at": "r1", "ts": ts})).capsule();
        (capsule.intermittent_count, capsule.resolved_count)
    };
    assert_eq!(again("2026-03-17T00:00:00Z"), (1, 0));
    assert_eq!(again("2026-03-17T00:00:00.000000001Z"), (0, 1));
}

#[test]
fn m77_as_rare_as_it_was_it_does_not_come_twice_in_a_row() {
    // N(1, 22) is 1: two runs in a row are more than chance, one is not.
    let seldom = Story::new().clean(20).failed("r1");
    assert_eq!(seldom.state().0, Some(Failing));
    assert_eq!(seldom.failed("r2").state().0, Some(Broken));
    // N(1, 20) is 1 too, N(1, 19) is 2.
    assert_eq!(Story::new().clean(18).failed("r1").failed("r2").state().0, Some(Broken));
    assert_eq!(Story::new().clean(17).failed("r1").failed("r2").state().0, Some(Failing));
    assert_eq!(Story::new().clean(17).failed("r1").failed("r2").failed("r3").state().0, Some(Broken));
}

#[test]
fn m77_one_clean_run_proves_that_what_was_broken_is_gone() {
    let broken = Story::new().clean(20).failed("r1").failed("r2");
    let held = broken.then("success", json!({"at": "r3", "remedy": patch("p")}));
    let capsule = held.capsule();
    assert_eq!((capsule.state, capsule.held_count, capsule.resolved_count), (Some(Held), 1, 1));
    assert_eq!((capsule.remedies[0].count, capsule.remedies[0].contradicted_count), (1, 0), "again is no other way");
    // A flake takes longer: N(21, 22) is 65.
    let flake = Story::new().clean(20).failed("r1").then("success", json!({"at": "r3", "remedy": patch("p")}));
    assert_eq!(flake.state(), (Some(Pending), Some((1, 65))));
}

#[test]
fn m77_runs_count_once_and_only_those_of_the_job() {
    let of = |job: &str, run: &str| json!({"job": job, "at": "r0", "run_id": run});
    let story = |job: &str, run: fn(u32) -> String| {
        let story = (0..20).fold(Story::new(), |story, number| story.then("success", of(job, &run(number))));
        story.then("failure", json!({"at": "r1", "job": "x"})).then("failure", json!({"at": "r2", "job": "x"}))
    };
    assert_eq!(story("x", |number| format!("s{number}")).state().0, Some(Broken));
    assert_eq!(story("x", |_| "one".to_owned()).state().0, Some(Failing), "one run that passed twenty times");
    assert_eq!(story("y", |number| format!("s{number}")).state().0, Some(Failing), "another leg");
}

#[test]
fn m81_a_failure_before_the_proof_contradicts_and_one_after_it_recurs() {
    let resolved = || Story::new().failed("r1").then("success", json!({"at": "r2", "remedy": patch("p")}));
    let early = resolved().clean(3).failed("r9").capsule();
    assert_eq!((early.contradiction_count, early.recurrence_count, early.held_count), (1, 0, 0));
    assert_eq!((early.remedies[0].count, early.remedies[0].contradicted_count), (0, 1));
    let late = resolved().clean(4).failed("r9").capsule();
    assert_eq!((late.contradiction_count, late.recurrence_count, late.held_count), (0, 1, 1));
    assert_eq!((late.remedies[0].count, late.remedies[0].contradicted_count), (1, 0), "it did hold");
    // However long it took: time proves nothing, executions do.
    let slow = resolved().then("failure", json!({"ts": "2027-02-15T00:00:00Z"})).capsule();
    assert_eq!((slow.contradiction_count, slow.recurrence_count), (1, 0));
}

#[test]
fn m81_a_contradiction_needs_a_resolution_of_its_own_stream_first() {
    let other_lane =
        Story::new().then("failure", json!({})).then("success", json!({})).then("failure", json!({"lane": "pr-1"}));
    assert_eq!((other_lane.capsule().contradiction_count, other_lane.capsule().resolved_count), (0, 1));
    assert_eq!(other_lane.capsule().state_lane.as_ref().map(Lane::as_str), Some("pr-1"));
    assert_eq!(other_lane.then("failure", json!({})).capsule().contradiction_count, 1);
}

#[test]
fn m81_what_was_broken_before_the_fix_is_no_news_and_stands_where_it_stood() {
    let fixed = Story::new()
        .then("failure", json!({"at": "r1", "lane": "main"}))
        .then("success", json!({"at": "r2", "lane": "main", "remedy": patch("p")}));
    let branch = |base: &str| json!({"subject": {"revision": "b", "base_revision": base}, "lane": "pr"});
    let stale = Story(fixed.0.clone()).then("failure", branch("r1")).capsule();
    assert_eq!((stale.stale_count, stale.failure_count, stale.stream_count), (1, 2, 2));
    assert_eq!((stale.state, stale.state_lane.as_ref().map(Lane::as_str)), (Some(Pending), Some("main")));
    assert_eq!((stale.support_count, stale.run_count), (2, 2), "it is a failure all the same");
    let fresh = fixed.then("failure", branch("r2")).capsule();
    assert_eq!(
        (fresh.stale_count, fresh.state, fresh.state_lane.as_ref().map(Lane::as_str)),
        (0, Some(Failing), Some("pr"))
    );
}

#[test]
fn m81_what_fails_in_its_own_stream_is_never_stale() {
    let story = Story::new()
        .then("failure", json!({"at": "r1", "lane": "pr"}))
        .then("failure", json!({"at": "r1", "lane": "main"}))
        .then("success", json!({"at": "r2", "lane": "main"}))
        .then("failure", json!({"at": "r1", "lane": "pr"}));
    assert_eq!(story.capsule().stale_count, 0);
}

#[test]
fn m82_a_rerun_that_passes_proves_a_flake_and_no_fix() {
    for change in [json!({"at": "r1"}), json!({"at": "r1", "remedy": patch("p")})] {
        let capsule = Story::new().failed("r1").then("success", change).capsule();
        assert_eq!((capsule.state, capsule.resolved_count, capsule.intermittent_count), (Some(Cleared), 0, 1));
        assert_eq!(capsule.last_resolved_fact, None);
        assert!(capsule.remedies.iter().all(|remedy| remedy.reruns == Some(1)), "nothing but the rerun is told of");
    }
    let by_hand = Story::new().failed("r1").then("success", json!({"at": "r1", "remedy": retry("again")})).capsule();
    assert_eq!((by_hand.state, by_hand.resolved_count), (Some(Cleared), 1), "what is momentary did get it over");
    assert_eq!((by_hand.remedies.len(), by_hand.remedies[0].count, by_hand.remedies[1].count), (2, 1, 1));
}

#[test]
fn m82_clean_runs_are_runs_that_never_failed_there_each_once() {
    let pending = || Story::new().failed("r1").then("success", json!({"at": "r2", "run_id": "fix"}));
    assert_eq!(pending().state().1, Some((1, UNKNOWN)));
    assert_eq!(pending().then("success", json!({"at": "r3", "run_id": "fix"})).state().1, Some((1, UNKNOWN)));
    assert_eq!(pending().passed("r3").state().1, Some((2, UNKNOWN)));
    assert_eq!(pending().passed("r1").state().1, Some((1, UNKNOWN)), "it failed there");
    let other = pending().then("success", json!({"at": "r3", "lane": "pr"}));
    assert_eq!(other.state().1, Some((1, UNKNOWN)), "in its own stream");
}

#[test]
fn m82_a_flake_can_be_mended() {
    let flake = || Story::new().failed("r1").passed("r1");
    let by = |change: serde_json::Value| {
        let story = flake().then("success", change);
        (story.state(), story.capsule().resolved_count)
    };
    // N(2, 4) is 5: it failed once in two runs.
    assert_eq!(by(json!({"at": "r2", "remedy": patch("p")})), ((Some(Pending), Some((1, 5))), 1));
    assert_eq!(by(json!({"at": "r1", "remedy": patch("p")})), ((Some(Cleared), None), 0), "it failed there");
    assert_eq!(by(json!({"at": "r2"})), ((Some(Cleared), None), 0), "nobody says that anything was mended");
    assert_eq!(by(json!({"at": "r2", "remedy": retry("again")})), ((Some(Cleared), None), 0));
}

#[test]
fn m82_what_a_momentary_remedy_got_over_can_be_mended() {
    let story = Story::new().failed("r1").then("success", json!({"at": "r2", "remedy": retry("again")}));
    assert_eq!((story.state().0, story.capsule().resolved_count), (Some(Cleared), 1));
    let mended = story.then("success", json!({"at": "r3", "remedy": patch("p")}));
    assert_eq!((mended.state().0, mended.capsule().resolved_count), (Some(Pending), 2));
}

#[test]
fn m87_what_is_given_up_has_no_standing_and_no_row() {
    let given_up = || Story::new().failed("r1").then("failure", json!({"at": "r2", "abandoned": true}));
    let capsule = given_up().capsule();
    assert_eq!((capsule.state, capsule.given_up_count, capsule.failure_count), (Some(GivenUp), 1, 2));
    assert_eq!(capsule.unresolved_ppm, 206_543, "one run of one");
    assert_eq!(given_up().passed("r3").capsule().resolved_count, 0, "there is no row to end");
    let again = given_up().failed("r3").capsule();
    assert_eq!((again.state, again.contradiction_count, again.recurrence_count), (Some(Failing), 0, 0));
}

#[test]
fn m87_what_is_no_execution_gives_up_too_in_its_stream() {
    let left = |lane: &str| Story::new().failed("r1").then("observation", json!({"lane": lane, "abandoned": true}));
    assert_eq!(left("pr").state().0, Some(Failing));
    let here = Story::new().failed("r1").then("observation", json!({"abandoned": true}));
    assert_eq!((here.state().0, here.capsule().given_up_count), (Some(GivenUp), 1));
}

#[test]
fn m85_the_stream_that_failed_last_says_how_it_stands() {
    let story = Story::new()
        .then("failure", json!({"at": "r1", "lane": "main", "job": "x"}))
        .then("failure", json!({"at": "r1", "lane": "main", "job": "y"}))
        .then("success", json!({"at": "r2", "lane": "main", "job": "x"}));
    let capsule = story.capsule();
    let of = (capsule.state_lane.as_ref().map(Lane::as_str), capsule.state_job.as_ref().map(Job::as_str));
    assert_eq!((capsule.state, of), (Some(Failing), (Some("main"), Some("y"))));
    assert_eq!((capsule.stream_count, capsule.execution_count, capsule.resolved_count), (2, 3, 1));
    let denied = Story::new().then("denial", json!({"policy_reason_code": "NO"})).capsule();
    assert_eq!((denied.state, denied.execution_count), (None, 0));
}

#[test]
fn m85_unresolved_is_told_of_runs_each_once() {
    let abandoned = |story: Story, run: &str| story.then("failure", json!({"run_id": run, "abandoned": true}));
    let twice = abandoned(abandoned(Story::new(), "one"), "one").capsule();
    assert_eq!((twice.given_up_count, twice.unresolved_ppm), (2, 206_543));
    let two = abandoned(abandoned(Story::new(), "one"), "two").capsule();
    assert_eq!((two.given_up_count, two.unresolved_ppm), (2, 342_371));
    // One given up, one resolved and one that passed at its second rerun: 1 of 3, and again is no end.
    let mixed = abandoned(Story::new(), "one").failed("r1").failed("r1").passed("r1").failed("r2").clean(1).capsule();
    assert_eq!(mixed.unresolved_ppm, dome_binder::confidence_ppm(1, 2));
}
