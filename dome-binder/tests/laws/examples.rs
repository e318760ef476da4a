//! Histories where a program that is nearly right goes wrong, and no golden file shows it.

use dome_binder::{Capsule, Hold, Replay};
use serde_json::{Value, json};

use super::support::{Setting, defaults, load_values};

/// Envelopes of one run after the other, each a minute after the one before.
struct Story(Vec<Value>);

impl Story {
    const fn new() -> Self {
        Self(Vec::new())
    }

    /// One more envelope, in a run of its own unless `changes` say otherwise.
    fn then(mut self, signal: &str, changes: Value) -> Self {
        let number = self.0.len();
        let mut value = json!({
            "envelope_version": "1", "event_id": format!("e{number}"), "sequence": number + 1,
            "run_id": format!("run-{number}"), "task_id": "t", "group_id": format!("g{number}"),
            "ts": format!("2026-02-15T{:02}:{:02}:00Z", number / 60, number % 60), "signal": signal,
            "wrapper_policy": "strict", "evidence": [{"path": "log.txt"}],
            "task_spec": {"scope": "task", "target": {"kind": "repo", "id": "app"}, "action": {"kind": "fix"},
                          "failure_reason_code": "TESTS_FAILED"},
        });
        for (name, change) in changes.as_object().unwrap() {
            match name.as_str() {
                "target" => value["task_spec"]["target"]["id"] = change.clone(),
                "code" => value["task_spec"]["failure_reason_code"] = change.clone(),
                name => value[name] = change.clone(),
            }
        }
        self.0.push(value);
        self
    }

    /// The replay, which the reference agrees with.
    fn replay(&self) -> Replay {
        let (setting, loaded) = (defaults(), load_values(&self.0));
        assert_eq!(loaded.rejected, 0, "every envelope of a story is valid");
        assert_eq!(setting.outcome(&loaded), setting.reference(&loaded));
        setting.replay(loaded.records)
    }

    fn key(&self, number: usize) -> String {
        let envelope = dome_core::read(self.0[number].to_string().as_bytes()).unwrap();
        dome_core::Keys::of(&envelope).derived.to_string()
    }

    /// The one capsule of the story.
    fn capsule(&self) -> Capsule {
        let mut capsules = self.replay().derived.capsules;
        assert_eq!(capsules.len(), 1);
        capsules.remove(0)
    }

    fn guard_denied(&self) -> bool {
        self.replay().derived.capsules[0].holds.contains(&Hold::GuardDenied)
    }
}

fn eval(guard: &str, decision: &str) -> Value {
    json!({"guard_id": guard, "status": "FAIL", "decision": decision})
}

fn remedy(name: &str) -> Value {
    json!({"kind": "patch", "ref": name})
}

#[test]
fn m96_a_success_that_carries_a_deny_leaves_its_guard_at_no() {
    let denied = Story::new().then("failure", json!({})).then("success", json!({"guard_evals": [eval("a", "DENY")]}));
    assert!(denied.guard_denied(), "the success sets all to yes first, then its own evaluation speaks");
    let over = denied.then("success", json!({}));
    assert!(!over.guard_denied());
}

#[test]
fn m96_an_allow_for_one_guard_beside_a_plain_denial_still_denies() {
    let code = json!({"policy_reason_code": "NO", "guard_evals": [eval("a", "ALLOW")]});
    let story = Story::new().then("failure", json!({})).then("denial", code);
    assert!(story.guard_denied(), "no evaluation denied, so the guard with the empty id is at no");
    let allowed = story.then("observation", json!({"guard_evals": [eval("a", "ALLOW")]}));
    assert!(allowed.guard_denied(), "an ALLOW speaks for its own guard only");
    assert!(!allowed.then("success", json!({})).guard_denied());
}

#[test]
fn m96_a_denial_with_a_guard_that_denied_is_lifted_by_that_guard() {
    let code = json!({"policy_reason_code": "NO", "guard_evals": [eval("a", "STOP")]});
    let story = Story::new().then("failure", json!({})).then("denial", code);
    assert!(story.guard_denied());
    assert!(!story.then("observation", json!({"guard_evals": [eval("a", "ALLOW")]})).guard_denied());
}

#[test]
fn m96_only_the_lane_of_the_last_fact_speaks() {
    let story = Story::new()
        .then("failure", json!({}))
        .then("observation", json!({"lane": "pr-1", "guard_evals": [eval("a", "DENY")]}));
    assert!(story.guard_denied());
    let elsewhere = story.then("observation", json!({}));
    assert!(!elsewhere.guard_denied(), "no lane is a lane of its own");
    assert!(elsewhere.then("observation", json!({"lane": "pr-1"})).guard_denied());
}

#[test]
fn m84_a_key_applied_by_the_fact_that_first_mints_it_does_not_count() {
    let first = Story::new().then("failure", json!({}));
    let own = json!({"applied_capsule": first.key(0)});
    let replay = Story::new().then("failure", own.clone()).replay();
    assert_eq!((replay.derived.applied_too_early, replay.derived.applied_unknown), (1, 0));
    assert_eq!(replay.derived.capsules[0].refuted_count, 0);
    let later = Story::new().then("failure", json!({})).then("failure", own);
    assert_eq!(later.capsule().refuted_count, 1, "an earlier fact minted it");
}

#[test]
fn m84_a_fact_that_contradicts_or_resolves_does_not_count_as_well() {
    let key = json!({"applied_capsule": Story::new().then("failure", json!({})).key(0)});
    let resolved = Story::new().then("failure", json!({})).then("success", key.clone());
    assert_eq!((resolved.capsule().resolved_count, resolved.capsule().confirmed_count), (1, 0));
    let contradicted = resolved.then("failure", key);
    assert_eq!((contradicted.capsule().contradiction_count, contradicted.capsule().refuted_count), (1, 0));
}

#[test]
fn m84_a_recurrence_counts_as_a_refutation() {
    let key = json!({"applied_capsule": Story::new().then("failure", json!({})).key(0), "ts": "2026-02-20T00:00:00Z"});
    let story = Story::new().then("failure", json!({})).then("success", json!({})).then("failure", key);
    assert_eq!((story.capsule().recurrence_count, story.capsule().refuted_count), (1, 1));
}

#[test]
fn m84_one_run_counts_once_and_only_what_counted_takes_the_place() {
    let key = Story::new().then("failure", json!({})).key(0);
    let apply = |more: Value| {
        let mut changes = json!({"applied_capsule": key, "run_id": "again"});
        changes.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        changes
    };
    let story = Story::new()
        .then("failure", json!({}))
        .then("observation", apply(json!({})))
        .then("failure", apply(json!({})))
        .then("failure", apply(json!({})));
    assert_eq!(story.capsule().refuted_count, 1);
}

#[test]
fn m81_a_contradiction_needs_a_resolution_of_its_own_lane_first() {
    let other_lane =
        Story::new().then("failure", json!({})).then("success", json!({})).then("failure", json!({"lane": "pr-1"}));
    assert_eq!((other_lane.capsule().contradiction_count, other_lane.capsule().resolved_count), (0, 1));
    assert_eq!(other_lane.then("failure", json!({})).capsule().contradiction_count, 1);
}

#[test]
fn m81_the_window_ends_with_its_last_nanosecond() {
    let again = |ts: &str| {
        let story = Story::new().then("failure", json!({})).then("success", json!({"ts": "2026-02-15T00:01:00Z"}));
        let capsule = story.then("failure", json!({"ts": ts})).capsule();
        (capsule.contradiction_count, capsule.recurrence_count)
    };
    assert_eq!(again("2026-02-16T00:01:00Z"), (1, 0));
    assert_eq!(again("2026-02-16T00:01:00.000000001Z"), (0, 1));
}

#[test]
fn m83_the_last_use_of_a_remedy_is_shown_even_if_its_run_counted_before() {
    let told = json!({"kind": "patch", "ref": "a", "summary": "told otherwise"});
    let story = Story::new()
        .then("failure", json!({"run_id": "r"}))
        .then("success", json!({"run_id": "r", "remedy": remedy("a")}))
        .then("failure", json!({"run_id": "r"}))
        .then("success", json!({"run_id": "r", "remedy": told}));
    let shown = &story.capsule().remedies[0];
    assert_eq!((shown.count, shown.contradicted_count), (1, 1));
    assert_eq!(serde_json::to_value(&shown.remedy).unwrap(), told);
    assert_eq!(shown.last_ts.to_string(), "2026-02-15T00:03:00Z");
}

/// Each failure two days after the one before, resolved a day later: recurrences, no contradictions.
fn resolved_with(story: Story, target: &str, name: &str) -> Story {
    let day = |story: &Story| {
        let seconds = 1_771_113_600 + 86_400 * story.0.len() as i64;
        dome_core::Timestamp::from_unix(seconds, 0).unwrap().to_string()
    };
    let failed = json!({"target": target, "ts": day(&story)});
    let story = story.then("failure", failed);
    let resolved = json!({"target": target, "ts": day(&story), "remedy": remedy(name)});
    story.then("success", resolved)
}

/// Nine remedies on each of two targets: eight resolve twice, the ninth, `r8`, once on each.
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
    }
}

#[test]
fn m95_remedies_are_summed_before_any_is_dropped() {
    let story = resolved_with(nine_remedies_on_two_targets(), "other", "r8");
    let concepts = story.replay().derived.concepts;
    let identity = dome_core::Sha256Hash::of(&dome_core::canonical::to_vec(&remedy("r8")).unwrap());
    let shared = concepts[0].remedies.iter().find(|remedy| remedy.identity == identity);
    assert_eq!(shared.map(|remedy| remedy.count), Some(3), "{:#?}", concepts[0].remedies);
}

#[test]
fn m92_an_as_of_before_the_last_fact_hides_no_fact() {
    let story = Story::new().then("failure", json!({})).then("failure", json!({"ts": "2026-12-01T00:00:00Z"}));
    let early = Setting { as_of: Some("2026-01-01T00:00:00Z".parse().unwrap()), ..defaults() };
    let capsules = early.replay(load_values(&story.0).records).derived.capsules;
    assert_eq!((capsules[0].support_count, capsules[0].holds.contains(&Hold::Stale)), (2, false));
}

#[test]
fn m41_a_quarantined_envelope_reserves_nothing() {
    let story = Story::new()
        .then("failure", json!({"run_id": "r", "event_id": "a", "group_id": "g"}))
        .then("failure", json!({"run_id": "r", "event_id": "a", "group_id": "h"}))
        .then("failure", json!({"run_id": "r", "event_id": "b", "group_id": "h"}));
    let ledger = story.replay().ledger;
    assert_eq!((ledger.facts.len(), ledger.conflicts.len()), (2, 1), "group `h` is still free");
}

#[test]
fn m42_inside_a_run_the_sequence_decides_whatever_the_clocks_said() {
    let story = Story::new()
        .then("failure", json!({"run_id": "r", "ts": "2026-02-15T12:00:00Z"}))
        .then("success", json!({"run_id": "r", "ts": "2026-02-15T08:00:00Z"}));
    let replay = story.replay();
    assert_eq!(replay.ledger.counts.facts_out_of_clock_order, 1);
    let capsule = &replay.derived.capsules[0];
    assert_eq!(capsule.resolved_count, 1);
    assert_eq!(capsule.last_resolved_ts.unwrap().to_string(), "2026-02-15T12:00:00Z");
}
