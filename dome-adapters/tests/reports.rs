//! CTRF, pytest-json, libtest and go-test, case by case.
#![expect(clippy::indexing_slicing, reason = "a test that cannot go on fails")]

use serde_json::{Value, json};

use super::support::{one, outcomes, shown};

fn ctrf(tests: Value) -> dome_adapters::Conversion {
    let report = json!({
        "reportFormat": "CTRF", "specVersion": "1.0.0", "runId": "run-7",
        "results": {
            "tool": {"name": "playwright", "version": "1.44.0"},
            "summary": {"tests": 1, "stop": 1_609_459_201_000_u64},
            "environment": {"commit": "a1b2c3d4e5f6", "branchName": "feature/x", "osPlatform": "linux"},
            "tests": tests,
        },
    });
    one("ctrf", "r.json", report.to_string().as_bytes())
}

#[test]
fn ctrf_every_status_is_an_outcome_or_is_refused() {
    let all = ["passed", "failed", "skipped", "pending", "other", "broken"];
    let tests: Vec<_> = all.iter().map(|status| json!({"name": status, "status": status, "duration": 5})).collect();
    let done = ctrf(tests.into());
    insta::assert_snapshot!(outcomes(&done), @r#"
    success passed 5 ms
    failure failed TEST.FAILED 5 ms
    observation skipped 5 ms
    observation pending 5 ms
    observation other 5 ms
    "#);
    insta::assert_snapshot!(shown(&done), @"r.json:/results/tests/5: the status is `broken`; expected `passed`, `failed`, `skipped`, `pending` or `other` [status_unknown]");
    let passed = &done.envelopes[0];
    let said = (passed.run_id.as_str(), passed.lane.as_ref().map(|lane| lane.as_str()), passed.ts.to_string());
    assert_eq!(said, ("run-7", Some("feature/x"), "2021-01-01T00:00:01Z".to_owned()));
    assert!(passed.remedy.is_none() && passed.tool.is_some() && passed.env.get("os") == Some("linux"));
    let subject = passed.subject.as_ref().map(|subject| (subject.revision.as_str(), subject.repository.as_ref()));
    assert_eq!(subject, Some(("a1b2c3d4e5f6", None)), "what was tested");
}

#[test]
fn ctrf_attempts_are_outcomes_whether_or_not_the_last_one_is_listed() {
    let attempt = |status: &str| json!({"attempt": 1, "status": status, "duration": 5});
    let tests = json!([
        {"name": "listed", "status": "passed", "retries": 1, "retryAttempts": [attempt("failed"), attempt("passed")]},
        {"name": "not listed", "status": "passed", "retries": 1, "retryAttempts": [attempt("failed")]},
        {"name": "uncounted", "status": "failed", "retryAttempts": [attempt("failed"), attempt("failed")]},
        {"name": "only counted", "status": "passed", "retries": 2, "suite": ["a", "b"]},
        {"name": "in a file", "status": "failed", "filePath": "tests/a.js", "message": "no", "start": 1_609_459_200_000_u64},
    ]);
    let done = ctrf(tests);
    insta::assert_snapshot!(format!("{}{}", outcomes(&done), shown(&done)), @r#"
    failure listed TEST.FAILED attempt 1 5 ms
    success listed attempt 2
    failure not listed TEST.FAILED attempt 1 5 ms
    success not listed attempt 2
    failure uncounted TEST.FAILED attempt 1 5 ms
    failure uncounted TEST.FAILED attempt 2
    success a > b::only counted attempt 3
    failure tests/a.js::in a file TEST.FAILED `no`
    "#);
    assert!(done.envelopes.iter().filter(|one| one.labels.get("flaky").is_some()).all(|one| one.remedy.is_none()));
}

#[test]
fn pytest_every_outcome_is_one_or_is_refused() {
    let stage = |outcome: &str| json!({"duration": 0.25, "outcome": outcome});
    let crash = |message: &str, kind: &str| {
        json!({"duration": 0.5, "outcome": "failed", "crash": {"message": message},
            "traceback": [{"message": "in foo"}, {"message": kind}], "longrepr": "long"})
    };
    let test = |name: &str, outcome: &str, setup: Value, call: Value| json!({"nodeid": format!("t.py::{name}"), "outcome": outcome, "setup": setup, "call": call});
    let report = json!({
        "created": 1_695_869_810.609_822, "exitcode": 1, "root": "/r",
        "environment": {"Python": "3.11.4", "Packages": {"pytest": "7.4.0"}, "GITHUB_SHA": "a1b2c3d4e5f6", "GIT_BRANCH": "main"},
        "collectors": [
            {"nodeid": "", "outcome": "passed", "result": []},
            {"nodeid": "broken.py", "outcome": "failed", "longrepr": "SyntaxError"},
        ],
        "tests": [
            test("passed", "passed", stage("passed"), stage("passed")),
            test("failed", "failed", stage("passed"), crash("assert False", "AssertionError")),
            test("prose", "failed", stage("passed"), crash("boom", "in bar")),
            test("error", "error", crash("no", "sqlalchemy.exc.OperationalError"), Value::Null),
            test("skipped", "skipped", stage("skipped"), Value::Null),
            test("xfailed", "xfailed", stage("passed"), stage("skipped")),
            test("xpassed", "xpassed", stage("passed"), stage("passed")),
            test("odd", "odd", stage("passed"), stage("passed")),
            {"nodeid": 7, "outcome": "passed"},
        ],
    });
    let done = one("pytest-json", "r.json", report.to_string().as_bytes());
    insta::assert_snapshot!(outcomes(&done), @r#"
    failure broken.py TEST.ERROR `SyntaxError`
    success t.py::passed 500 ms
    failure t.py::failed EXCEPTION.ASSERTION_ERROR 750 ms `assert False`
    failure t.py::prose TEST.FAILED 750 ms `boom`
    failure t.py::error EXCEPTION.OPERATIONAL_ERROR 500 ms `no`
    observation t.py::skipped 250 ms
    observation t.py::xfailed 500 ms
    success t.py::xpassed 500 ms
    "#);
    insta::assert_snapshot!(shown(&done), @r#"
    r.json:/tests/7: the outcome is `odd`; expected `passed`, `failed`, `error`, `skipped`, `xfailed`, `xpassed` or `rerun` [status_unknown]
    r.json:/tests/8/nodeid: found a number; expected a string [record_malformed]
    "#);
    insta::assert_snapshot!(String::from_utf8_lossy(&done.envelopes[1].to_canonical()), @r#"{"duration_ms":500,"env":{},"envelope_version":"1","event_id":"r.json@a074cc1bda04#2","evidence":[{"bytes":1681,"path":"r.json","sha256":"a074cc1bda0446e16259610b57a3d3011d2579723e5e8ee1f979274b5335c67b"}],"gates":[{"gate_id":"test","status":"PASS"}],"group_id":"r.json@a074cc1bda04#2","guard_evals":[],"labels":{},"lane":"main","run_id":"run/r.json","sequence":2,"signal":"success","subject":{"revision":"a1b2c3d4e5f6"},"task_id":"t.py::passed","task_spec":{"action":{"kind":"test"},"failure_reason_code":"NONE","scope":"task","target":{"id":"t.py::passed","kind":"test"},"versions":{"python":"3.11.4"}},"tool":{"name":"pytest","version":"7.4.0"},"ts":"2023-09-28T02:56:50.609822Z","wrapper_policy":"strict"}"#);
}

#[test]
fn libtest_every_event_is_an_outcome_or_is_refused() {
    let lines = r#"
        {"type":"suite","event":"started","test_count":1}
        {"type":"test","event":"started","name":"a::ok"}
        {"type":"test","event":"timeout","name":"a::ok"}
        {"type":"test","event":"ok","name":"a::ok","exec_time":61.5}
        {"type":"test","event":"failed","name":"b$late","reason":"time limit exceeded"}
        {"type":"test","event":"failed","name":"b$panics","stdout":"noise\nthread 'panics' panicked at a.rs:1:\nno\nnote: run"}
        {"type":"test","event":"failed","name":"b$says","message":"note: test did not panic as expected"}
        {"type":"test","event":"ignored","name":"b$later","message":"slow"}
        {"type":"test","event":"ok","name":"b$flaky#2"}
        {"type":"bench","name":"b$fast","median":5,"deviation":1}
        warning: something a program printed
        {"type":"test","event":"exploded","name":"b$x"}
        {"type":"test","event":"ok"}
        {"type":"thing","event":"ok"}
        {"type":"test","event":
        {"type":"test","event":"started","name":"b$lost"}
        {"type":"suite","event":"ok"}"#;
    let done = one("libtest", "r.jsonl", lines.as_bytes());
    insta::assert_snapshot!(outcomes(&done), @r#"
    success a::ok 61500 ms
    failure b::late TEST.TIMEOUT
    failure b::panics TEST.FAILED `thread 'panics' panicked at a.rs:1:`
    failure b::says TEST.FAILED `note: test did not panic as expected`
    observation b::later `slow`
    success b::flaky attempt 2
    success b::fast
    "#);
    insta::assert_snapshot!(shown(&done), @r#"
    r.jsonl:13: the event is `exploded`; expected `started`, `ok`, `failed`, `ignored` or `timeout`, and a `name` [status_unknown]
    r.jsonl:14: the event names no test; expected `started`, `ok`, `failed`, `ignored` or `timeout`, and a `name` [status_unknown]
    r.jsonl:15: an event of type `thing`; expected an event of libtest: an object with `type` and `event` [record_malformed]
    r.jsonl:16: no event: EOF while parsing a value at line 1 column 23; expected an event of libtest: an object with `type` and `event` [json_invalid]
    "#);
    let notes: Vec<_> = done.notes.iter().map(|note| note.code.as_str()).collect();
    assert_eq!(notes, ["attempts_lost", "line_passed_over", "outcome_unsaid"]);
    let cut = lines.replace("{\"type\":\"suite\",\"event\":\"ok\"}", "");
    assert!(shown(&one("libtest", "r.jsonl", cut.as_bytes())).contains("`b$lost` began"), "the stream broke off");
}

#[test]
fn go_every_end_is_an_outcome_of_a_test_or_of_its_package() {
    let lines = r#"
        {"Time":"2026-01-01T10:00:00Z","Action":"start","Package":"p"}
        {"Time":"2026-01-01T10:00:00Z","Action":"run","Package":"p","Test":"TestA"}
        {"Time":"2026-01-01T10:00:00Z","Action":"output","Package":"p","Test":"TestA","Output":"=== RUN   TestA\n"}
        {"Time":"2026-01-01T10:00:00Z","Action":"output","Package":"p","Test":"TestA","Output":"    a_test.go:9: got 3\n"}
        {"Time":"2026-01-01T10:00:00Z","Action":"output","Package":"p","Test":"TestA","Output":"--- FAIL: TestA (0.25s)\n"}
        {"Time":"2026-01-01T10:00:01Z","Action":"fail","Package":"p","Test":"TestA","Elapsed":0.25}
        {"Time":"2026-01-01T10:00:01Z","Action":"pass","Package":"p","Test":"TestA/sub","Elapsed":0}
        {"Time":"2026-01-01T10:00:01Z","Action":"skip","Package":"p","Test":"TestB","Elapsed":0}
        {"Time":"2026-01-01T10:00:01Z","Action":"run","Package":"p","Test":"TestPanics"}
        {"Time":"2026-01-01T10:00:01Z","Action":"output","Package":"p","Test":"TestPanics","Output":"panic: boom\n"}
        {"Time":"2026-01-01T10:00:02Z","Action":"fail","Package":"p","Elapsed":2}
        {"Time":"2026-01-01T10:00:02Z","Action":"output","Package":"main","Output":"cannot find config\n"}
        {"Time":"2026-01-01T10:00:02Z","Action":"output","Package":"main","Output":"FAIL\tmain\t0.001s\n"}
        {"Time":"2026-01-01T10:00:02Z","Action":"fail","Package":"main","Elapsed":0.001}
        {"ImportPath":"q [q.test]","Action":"build-output","Output":"q.go:3: undefined: x\n"}
        {"ImportPath":"q [q.test]","Action":"build-fail"}
        {"Time":"2026-01-01T10:00:03Z","Action":"fail","Package":"q","Elapsed":0,"FailedBuild":"q [q.test]"}
        {"Time":"2026-01-01T10:00:03Z","Action":"pass","Package":"r","Elapsed":0.5}
        {"Time":"2026-01-01T10:00:03Z","Action":"run","Package":"s","Test":"TestLost"}
        {"Time":"2026-01-01T10:00:03Z","Action":"explode","Package":"s"}
        {"Time":7,"Action":"pass","Package":"s"}"#;
    let done = one("go-test", "r.json", lines.as_bytes());
    insta::assert_snapshot!(outcomes(&done), @r#"
    failure p::TestA TEST.FAILED 250 ms `a_test.go:9: got 3`
    success p::TestA/sub 0 ms
    observation p::TestB 0 ms
    failure p::TestPanics TEST.ABORTED `panic: boom`
    failure p PACKAGE.TESTS_FAILED 2000 ms
    failure main PACKAGE.FAILED 1 ms `cannot find config`
    failure q PACKAGE.BUILD_FAILED 0 ms `q.go:3: undefined: x`
    success r 500 ms
    "#);
    insta::assert_snapshot!(shown(&done), @r#"
    r.json:21: the action is `explode`; expected an event of test2json: an object with `Action` and `Package` [record_malformed]
    r.json:22: no event: invalid type: integer `7`, expected a string at line 1 column 9; expected an event of test2json: an object with `Action` and `Package` [json_invalid]
    r.json: the test `TestLost` of `s` began, and nothing says how it ended; expected its end, or that of its package [outcome_missing]
    r.json: nothing says how the package `s` ended; expected a last `pass`, `fail` or `skip` [outcome_missing]
    "#);
    let kinds: Vec<_> = done.envelopes.iter().map(|one| one.task_spec.target.kind.as_str()).collect();
    assert_eq!(kinds, ["test", "test", "test", "test", "package", "package", "package", "package"]);
}
