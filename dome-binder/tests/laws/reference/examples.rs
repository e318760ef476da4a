//! Rules of section 9 that the golden files do not decide, each by a history made for it.

use serde_json::{Value, json};

use super::assemble::class_of;
use super::golden::{codes, default_policy};
use super::{Input, Rules, replay};

/// An execution in a lane, at a revision.
fn event(signal: &str, lane: &str, subject: Value) -> Value {
    let code = if signal == "failure" { "TESTS_FAILED" } else { "NONE" };
    json!({
        "envelope_version": "1", "signal": signal, "lane": lane, "subject": subject, "wrapper_policy": "strict",
        "evidence": [{"path": "log"}], "task_id": "t",
        "task_spec": {
            "scope": "task", "target": {"kind": "test", "id": "a"}, "action": {"kind": "run"},
            "failure_reason_code": code,
        },
    })
}

fn failure(lane: &str, subject: Value) -> Value {
    event("failure", lane, subject)
}

fn success(lane: &str, subject: Value) -> Value {
    event("success", lane, subject)
}

/// A success that claims to have mended what failed.
fn patched(lane: &str, subject: Value) -> Value {
    let mut event = success(lane, subject);
    event["remedy"] = json!({"kind": "patch", "ref": "fix.patch"});
    event
}

/// The one capsule that these come to, each in a run of its own if it names none, a second after the one before.
fn capsule(events: Vec<Value>) -> Value {
    let times = (0..60).map(|second| format!("2026-02-15T00:00:{second:02}Z"));
    capsule_at(events.into_iter().zip(times), default_policy())
}

fn capsule_at(events: impl Iterator<Item = (Value, String)>, policy: Value) -> Value {
    let at = |(number, (mut value, ts)): (usize, (Value, String))| {
        for (name, letter) in [("run_id", "r"), ("event_id", "e"), ("group_id", "g")] {
            value.as_object_mut().unwrap().entry(name).or_insert(format!("{letter}{number}").into());
        }
        value["sequence"] = (number + 1).into();
        value["ts"] = ts.into();
        Input { value, source: ("a.jsonl".to_owned(), number as u64 + 1) }
    };
    let inputs: Vec<Input> = events.enumerate().map(at).collect();
    let mut outcome = replay(&inputs, &Rules { policy, codes: codes(b"{}"), mode: None, as_of: None });
    assert_eq!(outcome.capsules.len(), 1);
    outcome.capsules.remove(0)
}

#[test]
fn m81_what_was_broken_in_the_base_is_no_news() {
    let with = |base: &str| {
        capsule(vec![
            failure("main", json!({"revision": "r1"})),
            patched("main", json!({"revision": "r2"})),
            failure("pr", json!({"revision": "r3", "base_revision": base})),
        ])
    };
    let (stale, news) = (with("r1"), with("r2"));
    assert_eq!(
        (&stale["stale_count"], &stale["stream_count"], &stale["state"]),
        (&1.into(), &2.into(), &"pending".into())
    );
    assert_eq!(
        (&news["stale_count"], &news["state"], &news["state_lane"]),
        (&0.into(), &"failing".into(), &"pr".into())
    );
}

#[test]
fn m81_only_streams_of_the_same_job_tell_what_is_stale() {
    let of_job = |job: &str| json!({"revision": "r1", "job": job});
    let capsule = capsule(vec![
        failure("main", of_job("x")),
        failure("main", of_job("y")),
        patched("main", json!({"revision": "r2", "job": "y"})),
        failure("pr", of_job("x")),
        failure("pr", of_job("y")),
    ]);
    assert_eq!((&capsule["stale_count"], &capsule["state_job"]), (&1.into(), &"x".into()));
}

#[test]
fn m81_where_a_key_is_cleared_other_streams_tell_what_is_stale() {
    let at = |revision: &str| json!({"revision": revision});
    let capsule = capsule(vec![
        failure("pr", at("r1")),
        success("pr", at("r1")),
        failure("main", at("r3")),
        patched("main", at("r2")),
        failure("pr", at("r1")),
    ]);
    assert_eq!((&capsule["stale_count"], &capsule["state"]), (&1.into(), &"pending".into()));
}

#[test]
fn m77_a_stale_failure_is_no_evidence_of_how_often_it_fails() {
    let at = |revision: &str| json!({"revision": revision});
    let capsule = capsule(vec![
        failure("main", at("r1")),
        patched("main", at("r2")),
        failure("main", at("r1")),
        failure("main", at("r4")),
        patched("main", at("r5")),
    ]);
    // N(2, 4) is 5; with the stale one it were N(2, 5), which is 4.
    assert_eq!((&capsule["stale_count"], &capsule["clean_needed"]), (&1.into(), &5.into()));
}

#[test]
fn m76_what_lies_exactly_a_window_back_is_in_reach() {
    let mut policy = default_policy();
    policy["subject_window_s"] = 2.into();
    let after = |ts: &str| {
        let at = || json!({"revision": "r1"});
        let events = [failure("main", at()), success("main", at())];
        let times = ["2026-02-15T00:00:00Z", ts].map(str::to_owned);
        capsule_at(events.into_iter().zip(times), policy.clone())
    };
    let (reached, beyond) = (after("2026-02-15T00:00:02Z"), after("2026-02-15T00:00:02.000000001Z"));
    assert_eq!((&reached["intermittent_count"], &reached["state"]), (&1.into(), &"cleared".into()));
    assert_eq!((&beyond["intermittent_count"], &beyond["state"]), (&0.into(), &"pending".into()));
}

#[test]
fn m83_the_rerun_was_last_used_where_a_run_joined_once_more() {
    let again = || {
        let mut event = success("main", json!({"revision": "r1"}));
        event["run_id"] = "again".into();
        event
    };
    let once = || failure("main", json!({"revision": "r1"}));
    let capsule = capsule(vec![once(), again(), once(), again()]);
    let rerun = &capsule["remedies"][0];
    assert_eq!((&rerun["count"], &rerun["contradicted_count"], &rerun["reruns"]), (&1.into(), &0.into(), &1.into()));
    assert_eq!(rerun["last_ts"], "2026-02-15T00:00:03Z");
}

#[test]
fn m83_a_rerun_that_a_fact_names_is_shown_as_it_is_given_there() {
    let mut by_hand = success("main", json!({"revision": "r1"}));
    by_hand["remedy"] = json!({"kind": "rerun", "ref": "rerun/same-subject", "summary": "by hand"});
    let named = by_hand["remedy"].clone();
    let once = || failure("main", json!({"revision": "r1"}));
    let by_itself = success("main", json!({"revision": "r1"}));
    let last = capsule(vec![once(), by_hand.clone()]);
    let first = capsule(vec![once(), by_hand, once(), by_itself]);
    assert_eq!((&last["remedies"][0]["remedy"], last["remedies"].as_array().unwrap().len()), (&named, 1));
    assert_eq!(first["remedies"][0]["remedy"], json!({"kind": "rerun", "ref": "rerun/same-subject"}));
}

#[test]
fn m84_what_speaks_of_a_key_already_does_not_count_as_having_applied_it() {
    let at = |revision: &str| failure("main", json!({"revision": revision}));
    let key = capsule(vec![at("r1")])["derived_key"].clone();
    let applied = |mut event: Value| {
        event["applied_capsule"] = key.clone();
        event
    };
    let contradicting = capsule(vec![at("r1"), patched("main", json!({"revision": "r2"})), applied(at("r3"))]);
    assert_eq!((&contradicting["contradiction_count"], &contradicting["refuted_count"]), (&1.into(), &0.into()));
    let reruns = capsule(vec![at("r1"), applied(at("r1"))]);
    assert_eq!((&reruns["remedies"][0]["contradicted_count"], &reruns["refuted_count"]), (&1.into(), &0.into()));
    let elsewhere = capsule(vec![at("r1"), applied(at("r2"))]);
    assert_eq!(elsewhere["refuted_count"], 1);
}

#[test]
fn m92_a_dead_end_begins_at_the_least_confidence() {
    let mut given_up = failure("main", json!({"revision": "r1"}));
    given_up["abandoned"] = true.into();
    let mut policy = default_policy();
    let mut holds = |least: u64| {
        policy["min_confidence_ppm"] = least.into();
        let times = std::iter::once("2026-02-15T00:00:00Z".to_owned());
        capsule_at([given_up.clone()].into_iter().zip(times), policy.clone())["holds"].clone()
    };
    // One of one: M-91 gives 206543.
    assert!(holds(206_543).as_array().unwrap().contains(&"dead_end".into()));
    assert!(!holds(206_544).as_array().unwrap().contains(&"dead_end".into()));
}

#[test]
fn m97_the_longest_prefix_says_what_class_a_code_has() {
    let table = json!({
        "codes": {"E.X.KNOWN": {"class": "advisory"}},
        "prefixes": {"E.": {"class": "repairable"}, "E.X.": {"class": "stop"}},
    });
    let codes = codes(table.to_string().as_bytes());
    let rules = Rules { policy: default_policy(), codes, mode: None, as_of: None };
    for (code, class) in [
        ("E.X.KNOWN", Some("advisory")),
        ("E.X.Y", Some("stop")),
        ("E.Y", Some("repairable")),
        ("E", None),
        ("TESTS_FAILED", Some("repairable")),
    ] {
        assert_eq!(class_of(code, &rules), class, "{code}");
    }
}

fn in_run(run: &str, mut event: Value) -> Value {
    event["run_id"] = run.into();
    event
}

#[test]
fn l16_a_row_of_one_run_is_never_broken() {
    let row = |event: fn(Value) -> Value| {
        let failures = (0..6).map(|number| event(failure("main", json!({"revision": format!("r{number}")}))));
        capsule(failures.collect())["state"].clone()
    };
    assert_eq!(row(|event| in_run("one", event)), "failing");
    assert_eq!(row(|event| event), "broken", "N(1, 2) is 5");
}

#[test]
fn m84_a_run_counts_once_for_what_it_applied() {
    let at = |revision: &str| failure("main", json!({"revision": revision}));
    let key = capsule(vec![at("r1")])["derived_key"].clone();
    let applied = |run: &str, mut event: Value| {
        event["applied_capsule"] = key.clone();
        in_run(run, event)
    };
    let refuted = |last: &str| {
        capsule(vec![at("r1"), applied("one", at("r2")), applied(last, at("r3"))])["refuted_count"].clone()
    };
    assert_eq!((refuted("one"), refuted("other")), (1.into(), 2.into()));
}
