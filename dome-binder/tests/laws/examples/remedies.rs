//! What remedies are judged by, and reruns within k (M-83, M-86, M-95).

use dome_binder::{Capsule, Concept, RemedyRecord, Verdict, rerun_identity};
use serde_json::{Value, json};

use super::{Story, patch, retry};

/// The remedy of a capsule with this reference.
fn of<'c>(capsule: &'c Capsule, reference: &str) -> &'c RemedyRecord {
    let named = |record: &&RemedyRecord| record.remedy.reference.as_ref().is_some_and(|own| own.as_str() == reference);
    capsule.remedies.iter().find(named).unwrap()
}

/// How often it worked, and how often not.
fn record(capsule: &Capsule, reference: &str) -> (u64, u64) {
    let record = of(capsule, reference);
    (record.count, record.contradicted_count)
}

const RERUN: &str = "rerun/same-subject";

#[test]
fn m83_the_last_use_of_a_remedy_is_shown_even_if_its_run_counted_before() {
    let told = json!({"kind": "patch", "ref": "a", "summary": "told otherwise"});
    let story = Story::new()
        .then("failure", json!({"run_id": "r"}))
        .then("success", json!({"run_id": "r", "remedy": patch("a")}))
        .then("failure", json!({"run_id": "r"}))
        .then("success", json!({"run_id": "r", "remedy": told}));
    let shown = &story.capsule().remedies[0];
    assert_eq!((shown.count, shown.contradicted_count, shown.pending_count), (0, 1, 1));
    assert_eq!(serde_json::to_value(&shown.remedy).unwrap(), told);
    assert_eq!(shown.last_ts.to_string(), "2026-02-15T00:03:00Z");
    assert!(!shown.momentary && shown.reruns.is_none());
}

#[test]
fn m83_a_remedy_is_judged_by_all_endings_of_the_failure() {
    let ended =
        |story: Story, remedy: Value| story.then("failure", json!({})).then("success", json!({"remedy": remedy}));
    let story = ended(ended(ended(Story::new(), retry("a")), retry("a")), retry("b"));
    let capsule = story.capsule();
    assert_eq!((record(&capsule, "a"), record(&capsule, "b")), ((2, 1), (1, 2)));
    // Unnamed and given up are endings too.
    let story = story.then("failure", json!({})).clean(1).then("failure", json!({"abandoned": true}));
    assert_eq!((record(&story.capsule(), "a"), record(&story.capsule(), "b")), ((2, 3), (1, 4)));
}

#[test]
fn m83_again_and_cleared_speak_against_what_is_momentary_alone() {
    let story = Story::new()
        .then("failure", json!({"at": "r1", "run_id": "one"}))
        .then("failure", json!({"at": "r2", "run_id": "two"}))
        .then("success", json!({"at": "r2", "run_id": "two"}))
        .then("failure", json!({"at": "r3", "run_id": "three"}))
        .then("success", json!({"at": "r4", "run_id": "four", "remedy": retry("m")}))
        .then("success", json!({"at": "r5", "run_id": "five", "remedy": patch("d")}));
    let capsule = story.capsule();
    // Run two is in *again* and in *cleared*, and counts once; run five ended it by the durable one.
    assert_eq!(record(&capsule, "m"), (1, 2));
    // For the durable one: run four, which ended it by the momentary one.
    assert_eq!(record(&capsule, "d"), (0, 1));
    assert_eq!(of(&capsule, "d").pending_count, 1);
}

#[test]
fn m81_what_was_tried_in_vain_counts_where_an_attempt_ended_again() {
    let tried = |remedy: Value| json!({"remedy": remedy});
    let first = Story::new().then("failure", tried(patch("p")));
    assert!(first.capsule().remedies.is_empty(), "there was nothing yet that it could have mended");
    let again = first.then("failure", tried(patch("p"))).then("failure", tried(retry("m")));
    let capsule = again.capsule();
    assert_eq!((record(&capsule, "p"), record(&capsule, "m")), ((0, 1), (0, 2)), "each attempt that ended again");
    let contradicted = Story::new().then("failure", json!({})).clean(1).then("failure", tried(patch("p")));
    assert!(contradicted.capsule().remedies.is_empty(), "in no other case");
}

#[test]
fn m83_a_durable_remedy_counts_by_the_run_that_resolved_when_it_held() {
    let fixed = |clean: usize| {
        let fix = json!({"at": "r2", "run_id": "fix", "remedy": patch("p")});
        Story::new().failed("r1").then("success", fix).clean(clean).capsule()
    };
    let (pending, held) = (fixed(3), fixed(4));
    assert_eq!((record(&pending, "p"), of(&pending, "p").pending_count), ((0, 0), 1));
    assert_eq!((record(&held, "p"), of(&held, "p").pending_count), ((1, 0), 0));
    assert_eq!((pending.confidence_ppm, held.confidence_ppm), (0, 206_543));
}

/// Failures of one revision each, that pass at this rerun.
fn passing_at(story: Story, revision: &str, rerun: usize) -> Story {
    (0..rerun).fold(story, |story, _| story.failed(revision)).passed(revision)
}

#[test]
fn m86_as_many_reruns_are_advised_as_pass_best() {
    let shown = |story: &Story| {
        let capsule = story.capsule();
        let rerun = capsule.remedies.iter().find(|remedy| remedy.identity == rerun_identity()).unwrap().clone();
        (rerun.count, rerun.contradicted_count, rerun.reruns)
    };
    assert_eq!(shown(&passing_at(Story::new(), "r1", 1)), (1, 0, Some(1)), "the least of those that are as good");
    assert_eq!(shown(&passing_at(Story::new(), "r1", 2)), (1, 0, Some(2)));
    assert_eq!(shown(&passing_at(Story::new(), "r1", 3)), (1, 0, Some(3)));
    // The fourth says nothing any more: within 1, 2 and 3 it did not pass.
    assert_eq!(shown(&passing_at(Story::new(), "r1", 4)), (0, 1, Some(1)));
    let mixed = passing_at(passing_at(passing_at(Story::new(), "r1", 1), "r2", 2), "r3", 2);
    assert_eq!(shown(&mixed), (3, 0, Some(2)), "within one it passed once in three");
}

#[test]
fn m86_what_fails_otherwise_did_not_pass_within_any_number() {
    let story = Story::new().failed("r1").then("failure", json!({"at": "r1", "code": "LINT_FAILED"}));
    let capsules = story.replay().derived.capsules;
    let tests = capsules.iter().find(|capsule| capsule.failure_reason_code.as_str() == "TESTS_FAILED").unwrap();
    assert_eq!(record(tests, RERUN), (0, 1));
    let lint = capsules.iter().find(|capsule| capsule.failure_reason_code.as_str() == "LINT_FAILED").unwrap();
    assert!(lint.remedies.is_empty(), "it opens an episode of its own");
    // A success that follows is the rerun of the other one.
    let capsules = story.passed("r1").replay().derived.capsules;
    let records = |code: &str| {
        let capsule = capsules.iter().find(|capsule| capsule.failure_reason_code.as_str() == code).unwrap();
        record(capsule, RERUN)
    };
    assert_eq!((records("TESTS_FAILED"), records("LINT_FAILED")), ((0, 1), (1, 0)));
}

#[test]
fn m86_a_success_that_does_not_clear_ends_the_episode_and_says_nothing() {
    let gate = |name: &str, status: &str| json!([{"gate_id": name, "status": status}]);
    let story = Story::new()
        .then("failure", json!({"at": "r1", "gates": gate("unit", "FAIL")}))
        .then("success", json!({"at": "r1", "gates": gate("lint", "PASS")}))
        .then("success", json!({"at": "r1", "gates": gate("unit", "PASS")}));
    assert!(story.capsule().remedies.is_empty());
}

#[test]
fn m86_a_run_that_did_both_is_in_both_sets() {
    let at = |run: &str| json!({"at": "r1", "run_id": run});
    let story = Story::new()
        .then("failure", at("one"))
        .then("failure", at("two"))
        .then("failure", json!({"at": "r2"}))
        .then("success", json!({"at": "r2", "run_id": "two"}));
    // Run two: not passed within one at r1, passed within each number at r2. Within two and three: 1 of 1.
    assert_eq!((record(&story.capsule(), RERUN), of(&story.capsule(), RERUN).reruns), ((1, 0), Some(2)));
}

#[test]
fn m86_an_execution_out_of_reach_ends_the_episode_unseen() {
    let after = |ts: &str| Story::new().failed("r1").then("failure", json!({"at": "r1", "ts": ts})).capsule();
    assert_eq!(record(&after("2026-03-17T00:00:00Z"), RERUN), (0, 1));
    assert!(after("2026-03-17T00:00:01Z").remedies.is_empty());
}

/// A failure, then what got one task over it.
fn resolved_with(story: Story, target: &str, name: &str) -> Story {
    let story = story.then("failure", json!({"target": target}));
    story.then("success", json!({"target": target, "remedy": retry(name)}))
}

/// Nine remedies on each of two targets: eight work twice, the ninth, `r8`, once on each.
fn nine_remedies_on_two_targets() -> Story {
    let mut story = Story::new();
    for (target, names) in [("app", 0..8), ("lib", 9..17)] {
        story = resolved_with(story, target, "r8");
        for name in names {
            story = resolved_with(story, target, &format!("r{name}"));
            story = resolved_with(story, target, &format!("r{name}"));
        }
    }
    story
}

#[test]
fn m83_eight_remedies_are_shown() {
    let replay = nine_remedies_on_two_targets().replay();
    for capsule in &replay.derived.capsules {
        assert_eq!((capsule.remedies.len(), capsule.resolved_count), (8, 17));
        assert!(capsule.remedies.iter().all(|remedy| remedy.count == 2), "the ninth counts one");
        assert!(capsule.remedies.iter().all(|remedy| remedy.contradicted_count == 15), "every other ending");
    }
}

fn concept(story: &Story) -> Concept {
    let mut concepts = story.replay().derived.concepts;
    assert_eq!(concepts.len(), 1);
    concepts.remove(0)
}

#[test]
fn m95_remedies_are_united_before_any_is_dropped() {
    let concept = concept(&resolved_with(nine_remedies_on_two_targets(), "other", "r8"));
    let first = &concept.remedies[0];
    assert_eq!(first.remedy.reference.as_ref().map(|reference| reference.as_str()), Some("r8"));
    assert_eq!((first.count, first.contradicted_count), (3, 32), "{:#?}", concept.remedies);
}

/// An outage over these targets, that a rerun in another run clears.
fn outage(story: Story, number: u32, targets: u32) -> Story {
    let each = |story: Story, signal: &str, run: String| {
        (0..targets).fold(story, |story, target| {
            let at = format!("r{number}");
            story.then(signal, json!({"target": format!("t{target}"), "at": at, "run_id": run}))
        })
    };
    let story = each(story, "failure", format!("out-{number}"));
    each(story, "success", format!("again-{number}"))
}

#[test]
fn m95_one_outage_is_one_observation_whatever_number_of_targets_it_hits() {
    let once = concept(&outage(Story::new(), 0, 60));
    assert_eq!((once.support_count, once.target_count, once.run_count), (60, 60, 1));
    assert_eq!((once.intermittent_count, once.resolved_count), (60, 0));
    assert_eq!((once.remedies[0].count, once.confidence_ppm), (1, 206_543));
    assert_eq!(once.verdict, Verdict::Advisory);
    let often = (0..4).fold(Story::new(), |story, number| outage(story, number, 5));
    let often = concept(&often);
    assert_eq!((often.remedies[0].count, often.remedies[0].contradicted_count, often.run_count), (4, 0, 4));
    assert_eq!((often.confidence_ppm, often.verdict), (510_099, Verdict::Prescriptive), "the tool's failure");
}

#[test]
fn m95_what_was_mended_on_one_target_is_not_mended_on_another() {
    let fixed = |story: Story, target: &str, run: u32| {
        let story = story.then("failure", json!({"target": target, "run_id": format!("f{run}")}));
        let remedy = json!({"target": target, "run_id": format!("s{run}"), "remedy": patch("p")});
        let story = story.then("success", remedy);
        (0..4).fold(story, |story, _| story.then("success", json!({"target": target})))
    };
    let targets = ["a", "b", "c", "d", "e"];
    let story = targets.iter().zip(0..).fold(Story::new(), |story, (target, run)| fixed(story, target, run));
    let concept = concept(&story);
    assert_eq!((concept.held_count, concept.remedies[0].count, concept.confidence_ppm), (5, 5, 565_508));
    let holds: Vec<&str> = concept.holds.iter().map(|hold| hold.as_str()).collect();
    assert_eq!((holds, concept.verdict), (vec!["durable_elsewhere"], Verdict::Advisory));
}

#[test]
fn m95_a_run_that_worked_on_one_target_and_failed_on_another_is_in_both_sets() {
    let on = |target: &str, run: &str| json!({"target": target, "run_id": run});
    let by = |target: &str, run: &str| json!({"target": target, "run_id": run, "remedy": retry("m")});
    let story = ["a", "b", "c"].iter().fold(Story::new(), |story, target| story.then("failure", on(target, "out")));
    let story = story.then("success", by("a", "again")).then("success", by("b", "again"));
    let story = story.then("failure", by("c", "again")).then("success", by("c", "later"));
    let concept = concept(&story.then("failure", on("a", "x")));
    // `again` ended `a` and `b` by it and failed on `c`; `later` worked.
    assert_eq!((concept.remedies[0].count, concept.remedies[0].contradicted_count), (2, 1));
}
