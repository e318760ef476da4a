//! Histories where a program that is nearly right goes wrong, and no golden file shows it.

mod applied;
mod fold;
mod remedies;

use dome_binder::{Capsule, CapsuleStanding, Hold, Replay};
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
                "at" => value["subject"]["revision"] = change.clone(),
                "job" => value["subject"]["job"] = change.clone(),
                name => value[name] = change.clone(),
            }
        }
        self.0.push(value);
        self
    }

    /// A failure at a revision.
    fn failed(self, at: &str) -> Self {
        self.then("failure", json!({"at": at}))
    }

    /// A success at a revision.
    fn passed(self, at: &str) -> Self {
        self.then("success", json!({"at": at}))
    }

    /// Successes without a subject, each in a run of its own.
    fn clean(self, runs: usize) -> Self {
        (0..runs).fold(self, |story, _| story.then("success", json!({})))
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

impl Story {
    /// How the one capsule of the story stands, with the clean runs that it had and needs.
    fn state(&self) -> (Option<CapsuleStanding>, Option<(u64, u64)>) {
        let capsule = self.capsule();
        (capsule.state, capsule.clean_count.zip(capsule.clean_needed))
    }
}

fn eval(guard: &str, decision: &str) -> Value {
    json!({"guard_id": guard, "status": "FAIL", "decision": decision})
}

/// What claims that the failure is gone (M-78).
fn patch(name: &str) -> Value {
    json!({"kind": "patch", "ref": name})
}

/// What gets one task over a failure.
fn retry(name: &str) -> Value {
    json!({"kind": "retry", "ref": name})
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
