//! terminal-bench, case by case.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on fails")]

use dome_adapters::ConvertOptions;
use dome_core::{Signal, Status};
use serde_json::{Value, json};

use super::support::codes;
use super::support::terminal_bench::{RUN, bytes, folder, metadata, of_trials, run, trial};

fn plain() -> ConvertOptions {
    ConvertOptions::default()
}

#[test]
fn a_failed_trial_becomes_this_envelope() {
    let tests = json!({"test_a": "passed", "test_b - AssertionError: no": "failed"});
    let done = run(&of_trials([trial("eval-mteb.hard", "2-of-5", json!({"parser_results": tests}))]), &plain());
    assert_eq!((&done.problems, &done.notes), (&vec![], &vec![]));
    let mut line: Value = serde_json::from_slice(&done.envelopes[0].to_canonical()).unwrap();
    let tested = "TBenchOrchestratorAgent provider/model-1 c111e3902169d39a0e1e69affac2ffba18c8b95c";
    assert_eq!(line.as_object_mut().unwrap().remove("subject"), Some(json!({"revision": tested})));
    shows_the_envelope(&line);
}

fn shows_the_envelope(line: &Value) {
    insta::assert_snapshot!(serde_json::to_string_pretty(line).unwrap(), @r#"
    {
      "duration_ms": 410592,
      "env": {},
      "envelope_version": "1",
      "event_id": "id-eval-mteb.hard-2-of-5",
      "evidence": [
        {
          "bytes": 498,
          "path": "results.json",
          "sha256": "6e91f9b152a7e2f51925536f590bfb0422dc2589609696c1529a64dde14c3073"
        },
        {
          "bytes": 342,
          "path": "run_metadata.json",
          "sha256": "aae691b7cfbf8853d4ff01b9c4aa7726b8c37b14191f16ae0d6103792081bcf3"
        },
        {
          "path": "2025-10-22__09-19-22/eval-mteb.hard/eval-mteb.hard.2-of-5.2025-10-22__09-19-22/sessions/agent.cast"
        }
      ],
      "gates": [
        {
          "gate_id": "test_a",
          "status": "PASS"
        },
        {
          "gate_id": "test_b",
          "status": "FAIL"
        }
      ],
      "group_id": "eval-mteb.hard.2-of-5.2025-10-22__09-19-22",
      "guard_evals": [],
      "labels": {
        "attempt": "2-of-5",
        "commit": "c111e3902169d39a0e1e69affac2ffba18c8b95c",
        "failure_mode": "unset",
        "model": "provider/model-1",
        "run_uuid": "b0c46e6c-d1ba-41f6-8169-242513c61cc7"
      },
      "message": "test_b - AssertionError: no",
      "run_id": "2025-10-22__09-19-22/2-of-5",
      "sequence": 1,
      "signal": "failure",
      "task_id": "eval-mteb.hard",
      "task_spec": {
        "action": {
          "kind": "solve"
        },
        "failure_reason_code": "TESTS_FAILED",
        "scope": "task",
        "target": {
          "id": "eval-mteb.hard",
          "kind": "benchmark_task"
        },
        "versions": {
          "terminal-bench-core": "0.1.1"
        }
      },
      "tool": {
        "name": "TBenchOrchestratorAgent",
        "version": "c111e3902169d39a0e1e69affac2ffba18c8b95c"
      },
      "ts": "2025-10-22T09:27:10.601357Z",
      "wrapper_policy": "strict"
    }
    "#);
}

#[test]
fn a_resolved_trial_is_a_success_of_the_runs_agent_model_and_commit() {
    let resolved =
        json!({"is_resolved": true, "failure_mode": "agent_timeout", "parser_results": {"test_a": "passed"}});
    let done = run(&of_trials([trial("oom", "1-of-1", resolved)]), &plain());
    let envelope = &done.envelopes[0];
    assert_eq!(envelope.signal, Signal::Success);
    assert!(envelope.task_spec.failure_reason_code.is_none());
    assert_eq!(envelope.labels.get("failure_mode"), Some("agent_timeout"), "what else happened is kept");
    let subject = envelope.subject.as_ref().unwrap();
    let tested = "TBenchOrchestratorAgent provider/model-1 c111e3902169d39a0e1e69affac2ffba18c8b95c";
    assert_eq!((subject.revision.as_str(), subject.dirty), (tested, None));
    assert_eq!(envelope.remedy, None, "what was tested mended nothing");
}

#[test]
fn an_agent_without_a_commit_is_not_all_that_was_tested() {
    let mut described = metadata();
    described["commit_hash"] = json!("unknown");
    let results = json!({"results": [trial("oom", "1-of-1", json!({"is_resolved": true, "parser_results": {}}))]});
    let done = run(&folder([("m.json", described), ("r.json", results)]), &plain());
    let subject = done.envelopes[0].subject.as_ref().unwrap();
    assert_eq!((subject.revision.as_str(), subject.dirty), ("TBenchOrchestratorAgent provider/model-1", Some(true)));
    assert_eq!(done.envelopes[0].tool.as_ref().unwrap().version, "unknown");
}

#[test]
fn lane_and_subject_are_the_users_where_given() {
    let options = ConvertOptions {
        lane: Some("main".parse().unwrap()),
        revision: Some("fork-7".parse().unwrap()),
        job: Some("gpu".parse().unwrap()),
        ..ConvertOptions::default()
    };
    let passed = json!({"is_resolved": true, "parser_results": {"test_a": "passed"}});
    let done = run(&of_trials([trial("a", "1-of-1", passed), trial("b", "1-of-1", json!({}))]), &options);
    let lanes: Vec<_> = done.envelopes.iter().map(|one| one.lane.as_ref().unwrap().as_str()).collect();
    assert_eq!(lanes, ["main", "main"]);
    for one in &done.envelopes {
        let subject = one.subject.as_ref().unwrap();
        assert_eq!((subject.revision.as_str(), subject.job.as_ref().unwrap().as_str()), ("fork-7", "gpu"));
        assert!(one.event_id.as_str().ends_with(" [gpu]") && one.group_id.as_str().ends_with(" [gpu]"));
        assert_eq!(one.remedy, None, "what was tested mended nothing");
    }
}

#[test]
fn an_attempt_at_all_tasks_is_a_run_and_time_orders_it() {
    let ended = |time: &str| json!({"trial_ended_at": time});
    let done = run(
        &of_trials([
            trial("b", "1-of-2", ended("2025-10-22T09:00:00Z")),
            trial("a", "1-of-2", ended("2025-10-22T09:00:00Z")),
            trial("c", "1-of-2", ended("2025-10-22T10:30:00+02:00")),
            trial("a", "2-of-2", ended("2025-10-22T08:00:00Z")),
        ]),
        &plain(),
    );
    let order: Vec<_> =
        done.envelopes.iter().map(|one| format!("{} {} {}", one.run_id, one.sequence, one.task_id)).collect();
    let expected = ["1-of-2 1 c", "1-of-2 2 a", "1-of-2 3 b", "2-of-2 1 a"].map(|rest| format!("{RUN}/{rest}"));
    assert_eq!(order, expected);
}

#[test]
fn names_and_order_of_files_say_nothing() {
    let results = json!({"results": [trial("a", "1-of-1", json!({})), trial("b", "1-of-1", json!({}))]});
    let mut swapped = folder([("x.json", metadata()), ("x_meta.json", results)]);
    let done = run(&swapped, &plain());
    assert_eq!((done.envelopes.len(), done.problems.len()), (2, 0));
    swapped.reverse();
    assert_eq!(run(&swapped, &plain()), done);
}

#[test]
fn a_run_that_nothing_describes_is_left_out_with_a_word_on_what_to_pass() {
    let alone = folder([("r.json", json!({"results": [trial("a", "1-of-1", json!({}))]}))]);
    let done = run(&alone, &plain());
    assert!(done.envelopes.is_empty());
    insta::assert_snapshot!(done.problems[0], @"r.json: no input describes run `2025-10-22__09-19-22`; trials left out: 1; expected its `run_metadata.json` among the inputs, or `--run-id 2025-10-22__09-19-22` to do without agent, dataset and commit [metadata_missing]");
    let options = ConvertOptions { run_id: Some("mine".parse().unwrap()), ..ConvertOptions::default() };
    let done = run(&alone, &options);
    assert_eq!((codes(&done.problems), codes(&done.notes)), (vec![], vec!["metadata_replaced"]));
    let envelope = &done.envelopes[0];
    assert_eq!(envelope.run_id.as_str(), "mine/1-of-1");
    assert_eq!((&envelope.tool, &envelope.task_spec.versions), (&None, &None));
}

#[test]
fn a_run_that_two_files_describe_differently_is_left_out() {
    let mut other = metadata();
    other["agent_name"] = json!("terminus");
    let results = json!({"results": [trial("a", "1-of-1", json!({}))]});
    let done = run(&folder([("a.json", metadata()), ("b.json", other), ("r.json", results)]), &plain());
    assert!(done.envelopes.is_empty());
    insta::assert_snapshot!(done.problems[0], @"r.json: `a.json` and `b.json` describe run `2025-10-22__09-19-22` differently; trials left out: 1; expected one description of a run [metadata_ambiguous]");
}

#[test]
fn metadata_without_trials_is_mentioned_and_a_copy_of_it_is_not() {
    let results = json!({"results": [trial("a", "1-of-1", json!({}))]});
    let copies = folder([("a.json", metadata()), ("b.json", metadata()), ("r.json", results)]);
    let done = run(&copies, &plain());
    assert_eq!((done.envelopes.len(), codes(&done.notes)), (1, vec![]));
    let done = run(&folder([("a.json", metadata())]), &plain());
    assert_eq!((codes(&done.problems), codes(&done.notes)), (vec![], vec!["metadata_unused"]));
}

#[test]
fn a_trials_time_is_its_own_else_its_runs_else_the_users_else_it_is_left_out() {
    let untimed = json!({"trial_started_at": null, "trial_ended_at": null});
    let done = run(&of_trials([trial("a", "1-of-1", untimed.clone())]), &plain());
    assert_eq!(done.envelopes[0].ts.to_string(), "2025-10-22T18:18:25.76209Z");
    assert_eq!(done.envelopes[0].duration_ms, None);
    let mut described = metadata();
    described["end_time"] = json!(null);
    let results = json!({"results": [trial("a", "1-of-1", untimed)]});
    let endless = folder([("m.json", described), ("r.json", results)]);
    let done = run(&endless, &plain());
    insta::assert_snapshot!(done.problems[0], @"r.json:/results/0: the trial has no time; expected `trial_ended_at`, `end_time` in the run's metadata, or `--ts TIME` [time_missing]");
    let options = ConvertOptions { ts: Some("2025-01-01T00:00:00Z".parse().unwrap()), ..ConvertOptions::default() };
    assert_eq!(run(&endless, &options).envelopes[0].ts.to_string(), "2025-01-01T00:00:00Z");
}

#[test]
fn a_time_that_is_none_is_not_replaced_by_another() {
    let done = run(&of_trials([trial("a", "1-of-1", json!({"trial_ended_at": "yesterday"}))]), &plain());
    assert_eq!((done.envelopes.len(), codes(&done.problems)), (0, vec!["time_invalid"]));
}

#[test]
fn a_duration_below_zero_is_left_out_and_mentioned() {
    let early = json!({"trial_started_at": "2025-10-22T09:27:10.601358+00:00"});
    let late = json!({"trial_started_at": "2025-10-22T10:00:00Z"});
    let done = run(&of_trials([trial("a", "1-of-1", early), trial("b", "1-of-1", late)]), &plain());
    let durations: Vec<_> = done.envelopes.iter().map(|one| one.duration_ms).collect();
    assert_eq!((durations, codes(&done.notes)), (vec![None, None], vec!["duration_left_out"; 2]));
}

#[test]
fn every_way_to_fail_has_its_code() {
    let unjudged = |mode: &str| json!({"failure_mode": mode, "is_resolved": null, "parser_results": null});
    let failed = of_trials([
        trial("a", "1-of-1", json!({"failure_mode": "agent_timeout"})),
        trial("b", "1-of-1", json!({"failure_mode": "none"})),
        trial("c", "1-of-1", json!({"failure_mode": null})),
        trial("d", "1-of-1", unjudged("parse_error")),
        trial("e", "1-of-1", unjudged("setup_timeout")),
        trial("f", "1-of-1", unjudged("unset")),
        trial("g", "1-of-1", unjudged("no such mode!")),
    ]);
    let done = run(&failed, &plain());
    let found: Vec<_> = done.envelopes.iter().map(|one| one.task_spec.failure_reason_code.as_str()).collect();
    assert_eq!(found, ["AGENT.TIMEOUT", "TESTS_FAILED", "TESTS_FAILED", "TESTS.PARSE_ERROR", "TRIAL.SETUP_TIMEOUT"]);
    assert!(done.envelopes.iter().all(|one| one.signal == Signal::Failure));
    assert_eq!(codes(&done.problems), ["outcome_missing", "envelope_invalid"]);
    assert_eq!(codes(&done.notes), ["code_unlisted", "code_unlisted"]);
}

#[test]
fn m11_a_trial_that_is_resolved_with_a_failed_test_contradicts_itself() {
    let done = run(&of_trials([trial("a", "1-of-1", json!({"is_resolved": true}))]), &plain());
    insta::assert_snapshot!(done.problems[0], @"results.json:/results/0: it makes no valid envelope: /signal: a `success` has no gate that failed, but `test_b` did [signal_mismatch] [envelope_invalid]");
}

#[test]
fn tests_are_gates_and_their_texts_the_message() {
    let tests = json!({"t1": "passed", "t2": "skipped", "t3": "failed", "t3 - E: x": "failed", "t4 - E: y": "failed"});
    let done = run(&of_trials([trial("a", "1-of-1", json!({"parser_results": tests}))]), &plain());
    let envelope = &done.envelopes[0];
    let gates: Vec<_> = envelope.gates.iter().map(|gate| (gate.gate_id.as_str(), gate.status)).collect();
    assert_eq!(gates, [("t1", Status::Pass), ("t2", Status::Skip), ("t3", Status::Fail), ("t4", Status::Fail)]);
    assert_eq!(envelope.message.as_deref(), Some("t3 - E: x\nt4 - E: y"));
}

#[test]
fn a_status_that_the_harness_does_not_have_is_not_guessed_at() {
    let done = run(&of_trials([trial("a", "1-of-1", json!({"parser_results": {"t": "flaky"}}))]), &plain());
    assert_eq!((done.envelopes.len(), codes(&done.problems)), (0, vec!["status_unknown"]));
}

#[test]
fn m12_unsafe_paths_are_no_evidence() {
    let recorded = |path: &str| json!({"recording_path": path});
    let mut given = of_trials([trial("a", "1-of-1", recorded("/runs/a.cast")), trial("b", "1-of-1", recorded("../x"))]);
    given[0].0 = "/abs/run_metadata.json".to_owned();
    given[1].0 = "-".to_owned();
    let done = run(&given, &plain());
    assert_eq!((done.envelopes.len(), codes(&done.notes)), (2, vec!["path_left_out"; 3]));
    for envelope in &done.envelopes {
        assert_eq!(envelope.evidence.len(), 2);
        assert!(envelope.evidence.iter().all(|one| one.path.is_none() && one.sha256.is_some() && one.bytes.is_some()));
    }
}

#[test]
fn a_trial_counts_once_wherever_it_stands() {
    let one = trial("a", "1-of-1", json!({}));
    let mut runs = of_trials([one.clone()]);
    let alone = run(&runs, &plain());
    runs.push((format!("a/a.1-of-1.{RUN}/results.json"), one.to_string().into_bytes()));
    runs.push(("z-copy.json".to_owned(), runs[1].1.clone()));
    let done = run(&runs, &plain());
    assert_eq!(done.counts.repeated, 2);
    assert_eq!(done.envelopes, alone.envelopes);
    assert_eq!(codes(&done.notes), ["record_repeated"]);
}

#[test]
fn a_trial_in_its_own_folder_is_enough() {
    let done = run(&folder([("m.json", metadata()), ("a/results.json", trial("a", "1-of-1", json!({})))]), &plain());
    assert_eq!((done.envelopes.len(), done.problems.len(), done.notes.len()), (1, 0, 0));
}

#[test]
fn of_two_trials_that_claim_to_be_one_the_first_is_taken() {
    let renamed = json!({"id": "id-a-1-of-1"});
    let done = run(
        &of_trials([
            trial("a", "1-of-1", json!({})),
            trial("a", "1-of-1", json!({"failure_mode": "agent_timeout"})),
            trial("b", "1-of-1", renamed),
        ]),
        &plain(),
    );
    assert_eq!(done.envelopes[0].task_spec.failure_reason_code.as_str(), "TESTS_FAILED");
    assert_eq!(codes(&done.problems), ["record_conflict", "record_conflict"]);
    insta::assert_snapshot!(done.problems[0], @"results.json:/results/1: trial `a.1-of-1.2025-10-22__09-19-22` says something else than the one at `results.json:/results/0`, which is taken; expected each trial once [record_conflict]");
}

#[test]
fn a_trial_without_an_id_goes_by_its_name() {
    let done = run(&of_trials([trial("a", "1-of-1", json!({"id": null}))]), &plain());
    assert_eq!(done.envelopes[0].event_id.as_str(), format!("a.1-of-1.{RUN}"));
}

#[test]
fn one_broken_trial_does_not_take_the_others_along() {
    let broken = of_trials([
        json!(7),
        json!({"trial_name": "a.1-of-1.r"}),
        trial("a", "1-of-1", json!({"trial_name": "a"})),
        trial("b", "1-of-1", json!({"task_id": 7})),
        trial("c", "1-of-1", json!({})),
        trial(" d", "1-of-1", json!({})),
    ]);
    let done = run(&broken, &plain());
    assert_eq!(done.envelopes.len(), 1);
    let shown: Vec<_> = done.problems.iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(shown.join("\n"), @r#"
    results.json:/results/0: found a number; expected a trial, as an object [record_malformed]
    results.json:/results/1: `task_id` is missing; expected a string [record_malformed]
    results.json:/results/3/task_id: found a number; expected a string [record_malformed]
    results.json:/results/2: `trial_name` `a` says neither attempt nor run; expected `a.K-of-N.RUN` [record_malformed]
    results.json:/results/5: it makes no valid envelope: /group_id: an identifier has no white space at its start or end, found ` d.1-of-1.2025-10-22__09-19-22` [identifier_invalid]; /task_id: an identifier has no white space at its start or end, found ` d` [identifier_invalid]; /task_spec/target/id: an identifier has no white space at its start or end, found ` d` [identifier_invalid] [envelope_invalid]
    "#);
}

#[test]
fn files_of_another_kind_are_named_and_the_rest_is_converted() {
    let mut given = of_trials([trial("a", "1-of-1", json!({}))]);
    for (name, text) in [("a.json", "{}"), ("b.json", "<xml/>"), ("c.json", ""), ("d.json", "{\"results\": 7}")] {
        given.push((name.to_owned(), text.as_bytes().to_vec()));
    }
    given.push(("e.json".to_owned(), b"\xFF\xFE{\0}\0".to_vec()));
    let done = run(&given, &plain());
    assert_eq!(done.envelopes.len(), 1);
    let shown: Vec<_> = done.problems.iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(shown.join("\n"), @r#"
    a.json: not a file of terminal-bench; expected an object with a `results` array, one trial (`trial_name`, `task_id`), or the metadata of a run (`run_id`, `agent_name`) [wrong_format]
    b.json: not JSON: expected value at line 1 column 1; expected a file of terminal-bench [json_invalid]
    c.json: not JSON: EOF while parsing a value at line 1 column 0; expected a file of terminal-bench [json_invalid]
    d.json: not a file of terminal-bench; expected an object with a `results` array, one trial (`trial_name`, `task_id`), or the metadata of a run (`run_id`, `agent_name`) [wrong_format]
    e.json: not JSON: expected value at line 1 column 1; expected a file of terminal-bench [json_invalid]
    "#);
}

#[test]
fn a_byte_order_mark_is_not_in_the_way() {
    let mut marked = of_trials([trial("a", "1-of-1", json!({}))]);
    for (_, text) in &mut marked {
        text.splice(..0, *b"\xEF\xBB\xBF");
    }
    assert_eq!(bytes(&run(&marked, &plain())).iter().filter(|byte| **byte == b'\n').count(), 1);
}
