//! Reports that hold several attempts at one test: an envelope for each, and a note where some are lost.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::BTreeSet;

use dome_adapters::{Conversion, ConvertOptions};
use dome_core::Signal;
use serde_json::json;

use super::support::{given, many, outcomes};

/// In one run, at one subject.
fn convert(format: &str, text: &str) -> Conversion {
    let options = ConvertOptions { revision: Some("46ea5e0".parse().unwrap()), ..given() };
    let done = many(format, &[("r", text.as_bytes())], &options);
    let tested: BTreeSet<_> =
        done.envelopes.iter().map(|one| (&one.run_id, one.subject.as_ref().unwrap().revision.as_str())).collect();
    assert!(tested.len() <= 1, "{tested:?}");
    assert!(done.envelopes.iter().all(|one| one.remedy.is_none()), "what was tested mended nothing");
    assert!(done.problems.is_empty(), "{:?}", done.problems);
    done
}

/// Its outcomes, flaky ones marked, then its notes.
fn shown(format: &str, text: &str) -> String {
    let done = convert(format, text);
    let flaky = done.envelopes.iter().map(|one| one.labels.get("flaky").map_or("", |_| " (flaky)"));
    let lines = outcomes(&done);
    let lines = lines.lines().zip(flaky).map(|(line, flaky)| format!("{line}{flaky}"));
    lines.chain(done.notes.iter().map(ToString::to_string)).collect::<Vec<_>>().join("\n")
}

fn junit(suite: &str, cases: &str) -> String {
    shown(
        "junit",
        &format!("<testsuites><testsuite {suite} timestamp='2026-02-01T10:00:00Z'>{cases}</testsuite></testsuites>"),
    )
}

const PASSED: &str = "<testcase classname='c' name='n' time='1'/>";
const FAILED: &str =
    "<testcase classname='c' name='n' time='1'><failure type='AssertionError' message='no'/></testcase>";

#[test]
fn surefire_says_each_attempt_by_an_element() {
    let cases = "<testcase classname='c' name='flaky'><flakyFailure type='java.lang.AssertionError' message='no'/></testcase>
        <testcase classname='c' name='lost'><error type='E' message='boom'/><rerunError type='E' message='boom'/></testcase>";
    insta::assert_snapshot!(junit("name='s' flakes='1'", cases), @r#"
    failure c::flaky EXCEPTION.ASSERTION_ERROR attempt 1 `no` (flaky)
    success c::flaky attempt 2 (flaky)
    failure c::lost EXCEPTION.E attempt 1 `boom`
    failure c::lost EXCEPTION.E attempt 2 `boom`
    r:testcase 2: the code `EXCEPTION.E` is not in the table of the format; `--codes FILE` writes one that has it [code_unlisted]
    "#);
}

#[test]
fn a_test_that_stands_twice_is_two_outcomes_and_a_note() {
    // As the retry plugin of Gradle and `gotestsum --rerun-fails` write it.
    insta::assert_snapshot!(junit("name='s'", &format!("{FAILED}{PASSED}")), @r#"
    failure c::n EXCEPTION.ASSERTION_ERROR 1000 ms `no`
    success c::n 1000 ms
    r:testcase 2: the test `c::n` stands more than once: attempts at one test, or tests of one name [test_repeated]
    "#);
    insta::assert_snapshot!(junit("name='s'", &[FAILED; 3].concat()), @r#"
    failure c::n EXCEPTION.ASSERTION_ERROR 1000 ms `no`
    failure c::n EXCEPTION.ASSERTION_ERROR 1000 ms `no`
    failure c::n EXCEPTION.ASSERTION_ERROR 1000 ms `no`
    r:testcase 2: the test `c::n` stands more than once: attempts at one test, or tests of one name [test_repeated]
    "#);
    let other = "<testcase classname='d' name='n'/>";
    assert!(!junit("name='s'", &format!("{FAILED}{other}")).contains("more than once"));
    let test = |status: &str| json!({"name": "times()", "suite": "e.T", "status": status, "duration": 3});
    let report = json!({"results": {"tool": {"name": "junit-to-ctrf"}, "summary": {"pending": 0, "stop": 1_770_000_009_000_u64},
        "tests": [test("failed"), test("passed")]}});
    insta::assert_snapshot!(shown("ctrf", &report.to_string()), @r#"
    failure e.T::times() TEST.FAILED 3 ms
    success e.T::times() 3 ms
    r:/results/tests/1: the test `e.T::times()` stands more than once: attempts at one test, or tests of one name [test_repeated]
    "#);
}

#[test]
fn pytest_says_of_an_attempt_before_another_nothing_that_holds() {
    // What pytest-rerunfailures leaves: cases that passed, and the last one.
    let other = "<testcase classname='c' name='m' time='1'/>";
    insta::assert_snapshot!(junit("name='pytest'", &format!("{other}{PASSED}{PASSED}")), @r#"
    success c::m 1000 ms
    observation c::n attempt 1 1000 ms
    success c::n attempt 2 1000 ms
    r:testcase 2: an attempt at `c::n` that was followed by another: how it ended is not said [attempts_lost]
    "#);
    insta::assert_snapshot!(junit("name='pytest'", &[PASSED, PASSED, FAILED].concat()), @r#"
    observation c::n attempt 1 1000 ms
    observation c::n attempt 2 1000 ms
    failure c::n EXCEPTION.ASSERTION_ERROR attempt 3 1000 ms `no`
    r:testcase 1: an attempt at `c::n` that was followed by another: how it ended is not said [attempts_lost]
    r:testcase 2: an attempt at `c::n` that was followed by another: how it ended is not said [attempts_lost]
    "#);
    // With several workers, others end in between.
    let others: String = (0..150).map(|n| format!("<testcase classname='o' name='{n}'/>")).collect();
    let text =
        format!("<testsuite name='pytest' timestamp='2026-02-01T10:00:00Z'>{PASSED}{others}{FAILED}</testsuite>");
    let signals: Vec<_> = convert("junit", &text).envelopes.iter().map(|one| one.signal).collect();
    assert_eq!((signals.len(), signals.first()), (152, Some(&Signal::Observation)));
    assert_eq!((signals.last(), signals.get(1)), (Some(&Signal::Failure), Some(&Signal::Success)));
    // Of another tool two cases that passed are two that passed, or two tests.
    assert_eq!(junit("name='s'", &[PASSED, PASSED].concat()).matches("success").count(), 2);
    // What waited is there where the report breaks off.
    let cut = "<testsuite name='pytest' timestamp='2026-02-01T10:00:00Z'><testcase classname='c' name='n'/><testc";
    let done = many("junit", &[("r", cut.as_bytes())], &given());
    assert_eq!((outcomes(&done).as_str(), done.problems.len()), ("success c::n", 1));
}

#[test]
fn playwright_tells_of_all_attempts_in_one_text() {
    let text = "\n  [chromium] › a.spec.ts:3:1 › adds ────\n\n    Error: no\n\n    Retry #1 ────────\n\n    Error: no\n\n    Retry #2 ────────\n\n    Error: no\n";
    let failure = format!("<failure message='a.spec.ts:3:1 adds' type='FAILURE'><![CDATA[{text}]]></failure>");
    insta::assert_snapshot!(junit("name='a.spec.ts'", &format!("<testcase classname='a.spec.ts' name='adds' time='9'>{failure}</testcase>")), @r#"
    failure a.spec.ts::adds TEST.FAILED attempt 1 `a.spec.ts:3:1 adds`
    failure a.spec.ts::adds TEST.FAILED attempt 2 `a.spec.ts:3:1 adds`
    failure a.spec.ts::adds TEST.FAILED attempt 3 `a.spec.ts:3:1 adds`
    "#);
    let once = failure.replace("Retry #", "retry ");
    let case = format!("<testcase classname='a.spec.ts' name='adds' time='9'>{once}</testcase>");
    insta::assert_snapshot!(junit("name='a.spec.ts'", &case), @"failure a.spec.ts::adds TEST.FAILED 9000 ms `a.spec.ts:3:1 adds`");
}

#[test]
fn a_report_that_only_counts_attempts_says_so_in_a_note() {
    let counted = PASSED.replace("time=", "retries='2' time=");
    insta::assert_snapshot!(junit("name='s'", &counted), @r#"
    success c::n attempt 3 1000 ms (flaky)
    r:testcase 1: the report counts 3 attempts at the test, of which it holds 1 [attempts_lost]
    "#);
    let flaky = FAILED.replace("time=", "flaky='true' time=");
    insta::assert_snapshot!(junit("name='s' flakes='1'", &flaky), @r#"
    failure c::n EXCEPTION.ASSERTION_ERROR 1000 ms `no` (flaky)
    r:testcase 1: the report calls the test flaky, and holds one attempt at it [attempts_lost]
    "#);
    let property = "<testcase classname='c' name='n'><properties><property name='reruns' value='1'/><property name='attempts' value='9'/></properties></testcase>";
    insta::assert_snapshot!(junit("name='s'", property), @r#"
    success c::n attempt 2 (flaky)
    r:testcase 1: the report counts 2 attempts at the test, of which it holds 1 [attempts_lost]
    "#);
    let twice = "<testcase classname='c' name='n'><failure message='one'/><failure message='two'/></testcase>";
    insta::assert_snapshot!(junit("name='s' failures='0' flaky='1'", twice), @r#"
    failure c::n TEST.FAILED `one`
    r:byte 192: the suite counts 1 flaky tests and holds the attempts of 0 [attempts_lost]
    "#);
    // What is counted and there is not missing, and no retries are none.
    let held = "<testcase classname='c' name='n' retries='1'><flakyFailure message='no'/></testcase><testcase name='m' retries='0'/>";
    assert!(!junit("name='s' flaky='1'", held).contains("attempts_lost"));
}

#[test]
fn ctrf_holds_attempts_or_counts_them() {
    let attempt = |number: u64, status: &str| json!({"attempt": number, "status": status, "duration": 1});
    let report = json!({"reportFormat": "CTRF", "results": {"summary": {"stop": 1_770_000_009_000_u64}, "tests": [
        {"name": "whole", "status": "passed", "retries": 1, "flaky": true, "retryAttempts": [attempt(1, "failed")]},
        {"name": "mixed up", "status": "passed", "retries": 2, "retryAttempts": [attempt(2, "skipped"), attempt(1, "failed")]},
        {"name": "partly", "status": "failed", "retries": 3, "retryAttempts": [attempt(1, "failed")]},
        {"name": "counted", "status": "passed", "retries": 2},
        {"name": "called", "status": "passed", "flaky": true},
        {"name": "once", "status": "passed", "retries": 0, "flaky": false},
    ]}});
    insta::assert_snapshot!(shown("ctrf", &report.to_string()), @r#"
    failure whole TEST.FAILED attempt 1 1 ms (flaky)
    success whole attempt 2 (flaky)
    failure mixed up TEST.FAILED attempt 1 1 ms (flaky)
    observation mixed up attempt 2 1 ms (flaky)
    success mixed up attempt 3 (flaky)
    failure partly TEST.FAILED attempt 1 1 ms
    failure partly TEST.FAILED attempt 4
    success counted attempt 3 (flaky)
    success called (flaky)
    success once
    r:/results/tests/2: the report counts 4 attempts at the test, of which it holds 2 [attempts_lost]
    r:/results/tests/3: the report counts 3 attempts at the test, of which it holds 1 [attempts_lost]
    r:/results/tests/4: the report calls the test flaky, and holds one attempt at it [attempts_lost]
    "#);
}

#[test]
fn nextest_numbers_attempts_and_may_write_the_last_alone() {
    let line = |event: &str, name: &str| json!({"type": "test", "event": event, "name": name}).to_string();
    let suite = json!({"type": "suite", "event": "ok", "passed": 1, "failed": 0}).to_string();
    let all =
        [line("failed", "b$whole#1"), line("ok", "b$whole#2"), line("ok", "b$last#3"), line("ok", "b$once"), suite];
    insta::assert_snapshot!(shown("libtest", &all.join("\n")), @r#"
    failure b::whole TEST.FAILED attempt 1
    success b::whole attempt 2 (flaky)
    success b::last attempt 3 (flaky)
    success b::once
    r:line 3: attempts before attempt 3 that the stream does not hold: 2 [attempts_lost]
    "#);
}

#[test]
fn pytest_json_keeps_the_stages_of_the_last_attempt_and_the_word_of_an_earlier_one() {
    let stage = |outcome: &str| json!({"duration": 0.5, "outcome": outcome});
    let test = |name: &str, outcome: &str, call: &str| json!({"nodeid": name, "outcome": outcome, "setup": stage("passed"), "call": stage(call), "teardown": stage("passed")});
    let report = json!({"created": 1_770_000_009.5, "exitcode": 0, "root": "/r", "tests": [
        test("t.py::lost", "rerun", "passed"),
        test("t.py::each", "rerun", "rerun"),
        test("t.py::each", "rerun", "failed"),
        test("t.py::each", "passed", "passed"),
    ]});
    insta::assert_snapshot!(shown("pytest-json", &report.to_string()), @r#"
    success t.py::lost 1500 ms (flaky)
    failure t.py::each TEST.FAILED attempt 1 1500 ms
    failure t.py::each TEST.FAILED attempt 2 1500 ms
    success t.py::each attempt 3 1500 ms (flaky)
    r:/tests/0: the test was tried again, and the report holds the last attempt alone [attempts_lost]
    "#);
}

#[test]
fn go_runs_a_test_again_under_the_same_name() {
    let event = |action: &str, test: Option<&str>| {
        json!({"Time": "2026-02-01T10:00:00Z", "Action": action, "Package": "p", "Test": test}).to_string()
    };
    let run = |end: &str| [event("run", Some("TestA")), event(end, Some("TestA")), event(end, None)].join("\n");
    insta::assert_snapshot!(shown("go-test", &[run("fail"), run("pass")].join("\n")), @r#"
    failure p::TestA TEST.FAILED
    failure p PACKAGE.TESTS_FAILED
    success p::TestA
    success p
    "#);
}
